"""Pseudosections: data over station distance and period."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure

from ..conventions import COMPONENTS
from ..data import Data
from ..simulation.survey import Survey
from .colours import RED_BLUE, resistivity_colours
from .figure import constrain
from .misfit import modes_with_data, residuals
from .symbols import (
    ABSENT,
    MODE,
    TITLE,
    cell_edges,
    colour_bar,
    heading,
    require_limits,
    require_shape,
    resistivity_bar,
    rounded_decades,
    station_marks,
)
from .ticks import log_axis

Values = Float[np.ndarray | Array, "freq site"]
AllValues = Float[np.ndarray | Array, "comp freq site"]
Pair = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Kind:
    """How a kind of datum is coloured and labelled."""

    colours: str
    label: str
    unit: str


KINDS = {
    "log10_rho": Kind(RED_BLUE.name, "Apparent resistivity (Ω m)", "Ω m"),
    "phase": Kind("viridis", "Phase (°)", "°"),
    "residual": Kind("RdBu", "Residual (σ)", "σ"),
    "tipper": Kind("PuOr", "Tipper", ""),
}

PHASE = (0.0, 90.0)
"""Colours of phases, degrees, unless stated."""

LONE_STATION = 1e3
"""Width of the cell of a lone station, m."""

USUAL = 1.6
"""Usual steps of a station between whose rows those of other stations are none of its own."""

LONE_PERIOD = 0.5
"""Height of the cell of a lone period, decades."""

TIPPER = (-0.5, 0.5)
"""Colours of tippers, unless stated."""

LEAST_RESIDUAL = 3.0
"""The colours of residuals span at least this many standard deviations on either side."""


def pseudosection(
    ax: Axes,
    survey: Survey,
    values: Values,
    *,
    kind: str = "log10_rho",
    limits: Pair | None = None,
    names: bool = True,
    title: str | None = None,
    colorbar: bool = True,
    colours: str = RED_BLUE.name,
) -> Axes:
    """Draws one datum of every frequency and station over distance (km) and period (s, downward).

    - `values`: log10 ohm m, degrees, standard deviations or tippers, by `kind`; NaN leaves a cell grey.
    - `kind`: "log10_rho" (red is conductive), "phase", "residual" (observed minus predicted), or
      "tipper", a real or imaginary part.
    - `limits`: of the colours, in ohm m, degrees, standard deviations or 1. By default the resistivities
      found, 0 to 90 degrees, a symmetric range of at least 3 standard deviations, and -0.5 to 0.5. Those
      of a residual or a tipper must be symmetric.
    - `names`: whether the stations' names are written above their triangles.
    - `colours`: of resistivities, as for `resistivity_colours`.

    Cells end midway between neighbouring stations and, in log10 period, between neighbouring periods, those
    of the station where only other stations have periods in between.
    """
    image = _draw(ax, survey, np.asarray(values), kind, limits, names, colours)
    heading(ax, title)
    if colorbar:
        _colour_bar([image], kind, [ax]).set_label(KINDS[kind].label)
    return ax


def pseudosections(
    figure: Figure,
    data: Data,
    predicted: AllValues,
    *,
    tipper: bool = False,
    limits: Pair | None = None,
    colours: str = RED_BLUE.name,
) -> np.ndarray:
    """Draws apparent resistivity and phase of both modes: observed, predicted and their residual.

    - `predicted`: the responses of a model in the order of `COMPONENTS`.
    - `tipper`: real and imaginary part of the tipper instead.
    - `limits`: ohm m, of the colours of resistivities; by default those found. `colours`: of them, as for
      `resistivity_colours`.

    Columns are observed, predicted, and (observed - predicted) / error; rows the components. Observed
    and predicted share their colours, and so do the modes; a mode without data is left out. Reads
    well on 9 by 9 inches. Returns the axes, shape (rows, 3).
    """
    residual = residuals("pseudosections", data, predicted)
    predicted = np.asarray(predicted)
    groups = _groups(data, predicted, tipper, limits)
    components = [component for _, group, _ in groups for component in group]
    residual_limits = _residual_limits(residual[components])
    constrain(figure)
    axes = figure.subplots(len(components), 3, sharex=True, sharey=True, squeeze=False)
    last, first = [], 0
    for kind, group, reach in groups:
        shown = []
        rows = axes[first : first + len(group)]
        first += len(group)
        for row, component in zip(rows, group, strict=True):
            parts = (data.values[component], kind, reach), (predicted[component], kind, reach)
            parts = (*parts, (residual[component], "residual", residual_limits))
            images = [
                _draw(ax, data.survey, values, of, ends, component == components[0], colours)
                for ax, (values, of, ends) in zip(row, parts, strict=True)
            ]
            shown += images[:2]
            last.append(images[2])
            row[0].set_ylabel(f"{_row_title(component)}\nPeriod (s)")
        bar = _colour_bar(shown, kind, list(rows[:, :2].ravel()), rows=len(group))
        bar.ax.set_title(KINDS[kind].unit, fontsize=10)
    bar = _colour_bar(last, "residual", list(axes[:, 2]), rows=len(axes))
    bar.ax.set_title(KINDS["residual"].unit, fontsize=10)
    for ax, title in zip(axes[0], ("Observed", "Predicted", "Residual"), strict=True):
        ax.set_title(title, fontweight="bold", fontsize=TITLE, pad=11)
    for ax in axes.ravel():
        ax.label_outer()
    return axes


def _groups(
    data: Data, predicted: Float[np.ndarray, "comp freq site"], tipper: bool, limits: Pair | None
) -> list[tuple[str, list[int], Pair]]:
    """Kind, components and limits of what shares its colours."""
    if tipper:
        group = [c for c in (4, 5) if data.mask[c].any()]
        if not group:
            raise ValueError("`pseudosections(data=..., tipper=True)` holds no tipper.")
        return [("tipper", group, TIPPER)]
    modes = modes_with_data("pseudosections", data)
    rho, phase = [m.log10_rho for m in modes], [m.phase for m in modes]
    both = np.concatenate([data.values[rho], predicted[rho]])
    reach = rounded_decades(both, percentile=1.0) if limits is None else limits
    return [("log10_rho", rho, reach), ("phase", phase, PHASE)]


def _row_title(component: int) -> str:
    if component > 3:
        return f"{'Real' if component == 4 else 'Imaginary'} tipper"
    quantity = "app. res." if COMPONENTS[component].startswith("log10_rho") else "phase"
    mode = next(m for m in MODE.values() if component in (m.log10_rho, m.phase))
    return f"{mode.label} {quantity}"


def _draw(
    ax: Axes,
    survey: Survey,
    values: Float[np.ndarray, "freq site"],
    kind: str,
    limits: Pair | None,
    names: bool,
    colours: str,
) -> QuadMesh:
    """The pseudosection without title and colour bar."""
    if kind not in KINDS:
        raise ValueError(f"`pseudosection(kind=...)` must be one of {', '.join(KINDS)}. Got {kind!r}.")
    shape = survey.frequencies.size, survey.stations.size
    require_shape("pseudosection", "values", "frequency, station", values.shape, shape)
    low, high = _limits(kind, values) if limits is None else _checked(kind, limits)
    rows, columns = np.argsort(survey.periods), np.argsort(survey.stations)
    y = cell_edges(survey.stations[columns], LONE_STATION) / 1e3
    log_periods = np.log10(survey.periods[rows])
    shared = cell_edges(log_periods, LONE_PERIOD)
    periods, sorted_values = 10**shared, values[np.ix_(rows, columns)]
    across, down, cells = y, periods, sorted_values
    if (own := own_edges(log_periods, shared, np.isfinite(sorted_values))) is not None:
        # Two edges for each station, with nothing between them and those of the next.
        across = np.broadcast_to(np.repeat(y, 2)[1:-1], (shared.size, 2 * columns.size))
        down = 10 ** np.repeat(own, 2, axis=1)
        cells = np.full((rows.size, 2 * columns.size - 1), np.nan)
        cells[:, ::2] = sorted_values
    image = ax.pcolormesh(
        across,
        down,
        np.ma.masked_invalid(cells),
        cmap=resistivity_colours(colours) if kind == "log10_rho" else KINDS[kind].colours,
        vmin=np.log10(low) if kind == "log10_rho" else low,
        vmax=np.log10(high) if kind == "log10_rho" else high,
        rasterized=True,
    )
    ax.set_facecolor(ABSENT)
    ax.set_yscale("log")
    ax.set(xlim=(y[0], y[-1]), ylim=(periods[-1], periods[0]), xlabel="Distance (km)", ylabel="Period (s)")
    log_axis(ax.yaxis)
    station_marks(ax, survey.stations, tuple(survey.names) if names else None)
    return image


def own_edges(
    at: Float[np.ndarray, " row"],
    shared: Float[np.ndarray, " row+1"],
    known: Bool[np.ndarray, "row site"],
) -> Float[np.ndarray, "row+1 site"] | None:
    """The edges of the cells of each station, of no height where it lacks a row that others have.

    - `at`: rows, ascending; `shared`: the edges between them. `known`: where each station has a value.

    A row is none of a station's if its own on both sides are hardly farther apart than usual: than the
    median of its steps, or of the survey's where it has fewer than three. Other holes stay. None if all
    stations have the shared edges.
    """
    own = [at[column] for column in known.T]
    steps = [np.diff(rows) for rows in own]
    usual = np.median([np.median(step) for step in steps if step.size] or [np.inf])
    edges, parted = np.repeat(shared[:, None], known.shape[1], axis=1), False
    for site, (column, step) in enumerate(zip(known.T, steps, strict=True)):
        there = np.flatnonzero(column)
        widest = USUAL * (np.median(step) if step.size >= 3 else usual)
        joined = (np.diff(there) > 1) & (step <= widest)
        for above, below in zip(there[:-1][joined], there[1:][joined], strict=True):
            edges[above + 1 : below + 1, site] = (at[above] + at[below]) / 2
        # The cells at the ends are half a step of the station high, too.
        if joined.any() and joined[0]:
            first = edges[: there[0] + 1, site]
            first[:] = np.minimum(first, at[there[0]] - step[0] / 2)
        if joined.any() and joined[-1]:
            last = edges[there[-1] + 1 :, site]
            last[:] = np.maximum(last, at[there[-1]] + step[-1] / 2)
        parted = parted or bool(joined.any())
    return np.clip(edges, shared[0], shared[-1]) if parted else None


def _limits(kind: str, values: Float[np.ndarray, "freq site"]) -> Pair:
    if kind == "log10_rho":
        return rounded_decades(values, percentile=1.0)
    return {"phase": PHASE, "tipper": TIPPER}.get(kind) or _residual_limits(values)


def _residual_limits(residual: Float[np.ndarray, "..."]) -> Pair:
    """Symmetric limits, a whole number of standard deviations, that hold 95 % of the residuals."""
    size = np.abs(residual[np.isfinite(residual)])
    reach = max(LEAST_RESIDUAL, float(np.ceil(np.percentile(size, 95)))) if size.size else LEAST_RESIDUAL
    return -reach, reach


def _checked(kind: str, limits: Pair) -> Pair:
    units = {"log10_rho": "ohm m", "phase": "degrees", "residual": "standard deviations", "tipper": "1"}
    unit = units[kind]
    require_limits("pseudosection", "limits", unit, limits, 0.0 if kind == "log10_rho" else -np.inf)
    if kind in ("residual", "tipper") and limits[0] != -limits[1]:
        raise ValueError(
            f"`pseudosection(limits=...)` of a {kind} must be symmetric, in {unit}, so that white is zero. "
            f"Got {limits}."
        )
    return limits


def _colour_bar(images: Sequence[QuadMesh], kind: str, axes: Sequence[Axes], rows: int = 1) -> Colorbar:
    if kind == "log10_rho":
        return resistivity_bar(images, axes, rows)
    bar = colour_bar(images, axes, rows)
    if kind == "phase" and images[0].get_clim() == PHASE:
        bar.set_ticks([0, 15, 30, 45, 60, 75, 90])
    return bar
