"""Sounding curves over period, and response curves along the profile."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..data import Data
from .figure import shortened
from .misfit import modes_with_data, residuals, rms
from .ruling import Ruling, ruled
from .symbols import MODE, SMALL, Mode, Points, heading, legend_beside, require_shape, rounded_decades
from .ticks import log_axis

AllValues = Float[np.ndarray | Array, "comp freq site"]
Along = Float[np.ndarray | Array, " _"]
Pair = tuple[float, float]

PAGE = 24
"""Most stations on one figure."""

ROW = 4
"""Most stations side by side."""

WIDE = 8.0
"""Width from which the legend fits on one line, inches."""

LEFT, RIGHT, BOTTOM, NARROW_BOTTOM, TITLE, BETWEEN = 0.85, 0.1, 0.85, 1.1, 0.45, 0.14
"""Margins about the panels, inches: labels at the left, nothing at the right, labels and legend of one line
or two at the bottom, the title above a station, and from one panel to the next."""

LABEL = 0.62
"""Inches from a panel to the middle of its label at the left."""

NARROWEST, LETTER = 1.6, 6.2
"""Width of a station at least, inches, for its title; width of a letter of the title, points."""

PHASE = 0.4
"""Share of the phases in the height of a station."""


def fit_curves(
    figure: Figure, data: Data, predicted: AllValues, *, sites: Sequence[int] | None = None
) -> list[tuple[Axes, Axes]]:
    """Draws apparent resistivity over phase against period for every station.

    - `predicted`: the responses of a model in the order of `COMPONENTS`, drawn as lines.
    - `sites`: indices of at most 24 stations, in the order to draw them; by default all along the
      profile, or 24 spread over it.

    Observations carry bars of one standard deviation. The title of each station is its name and its
    nRMS over all its data; a mode without data is left out. Reads well on 9 by 2.6 inches for every four
    stations. Returns the axes of resistivity and phase of each station.
    """
    misfits = rms(residuals("fit_curves", data, predicted), (0, 1))
    predicted = np.asarray(predicted)
    chosen = _chosen(data, sites)
    modes = modes_with_data("fit_curves", data)
    pairs = _panels(figure, len(chosen), *_limits(data, predicted, chosen, modes))
    for (rho, phase), site in zip(pairs, chosen, strict=True):
        for mode in modes:
            _observed(rho, phase, data, site, mode)
            _predicted(rho, phase, data, predicted, site, mode)
        fit = "no data" if np.isnan(misfits[site]) else f"nRMS {misfits[site]:.2f}"
        # A place of its own: to find one, matplotlib would measure every label.
        room = int(rho.get_position().width * figure.get_figwidth() * 72 / LETTER)
        rho.set_title(f"{shortened(data.survey.names[site], room)}\n{fit}", fontsize=9.5, y=1.0)
    columns = 4 if figure.get_figwidth() >= WIDE else 2
    figure.legend(handles=_legend(modes), loc="lower center", ncols=columns, frameon=False)
    return pairs


def response_profile(
    ax: Axes,
    y: Points,
    computed: Mapping[str, Along],
    table: Mapping[str, tuple[Along, Along]] | None = None,
    *,
    scatter: Mapping[str, Along] | None = None,
    source: str = "published",
    title: str | None = None,
) -> Axes:
    """Draws apparent resistivity along the profile at one period: lines computed, markers published.

    - `y`: m.
    - `computed`: ohm m at `y`, by mode ("te", "tm").
    - `table`: published positions (m) and values (ohm m), by mode.
    - `scatter`: one standard deviation of the published values, ohm m, by mode; NaN where unknown.
    - `source`: what the legend calls the published values.
    """
    table, scatter = table or {}, scatter or {}
    if not computed:
        raise ValueError("`response_profile(computed=...)` must hold 'te', 'tm' or both. Got nothing.")
    for key, values in computed.items():
        values = _checked("computed", key, values, y)
        mode = MODE[key]
        label = f"{mode.label} computed"
        ax.plot(np.asarray(y) / 1e3, values, mode.line, color=mode.colour, lw=1.8, label=label)
    for key, (positions, values) in table.items():
        values = _checked("table", key, values, positions)
        error = np.nan_to_num(scatter[key]) if key in scatter else np.zeros(values.size)
        require_shape("response_profile", f"scatter[{key!r}]", "point", error.shape, values.shape)
        mode = dataclasses.replace(MODE[key], label=f"{MODE[key].label} {source}")
        # The lower bar ends above zero, which a logarithmic axis cannot show.
        bars = np.stack([np.minimum(error, 0.99 * values), error])
        _bars(ax, np.asarray(positions) / 1e3, values, bars, mode)
    published = [values for _, values in table.values()]
    low, high = rounded_decades(np.log10(np.concatenate([*computed.values(), *published])))
    ax.set_yscale("log")
    ax.set(ylim=(low, high), xlabel="Distance (km)", ylabel="Apparent resistivity (Ω m)")
    log_axis(ax.yaxis)
    ax.margins(x=0.02)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    legend_beside(ax)
    heading(ax, title)
    return ax


def _checked(argument: str, key: str, values: Along, positions: Along) -> Float[np.ndarray, " _"]:
    """The resistivities of one mode, if there is one at every position and all are positive."""
    if key not in MODE:
        raise ValueError(
            f"`response_profile({argument}=...)` must have the keys 'te' or 'tm'. Got {key!r}."
        )
    require_shape("response_profile", f"{argument}[{key!r}]", "point", values.shape, positions.shape)
    if np.any(np.asarray(values) <= 0):
        raise ValueError(
            f"`response_profile({argument}=...)` must be positive, in ohm m. The lowest of {key!r} is "
            f"{np.nanmin(values)}; give resistivities, not their logarithms."
        )
    return np.asarray(values)


def _chosen(data: Data, sites: Sequence[int] | None) -> list[int]:
    """Indices of the stations to draw."""
    count = data.survey.stations.size
    if sites is None:
        spread = np.unique(np.linspace(0, count - 1, min(count, PAGE)).round().astype(int))
        return np.argsort(data.survey.stations)[spread].tolist()
    if not 0 < len(sites) <= PAGE or not all(0 <= k < count for k in sites):
        raise ValueError(
            f"`fit_curves(sites=...)` must be 1 to {PAGE} indices below {count}, the number of stations. "
            f"Got {list(sites)}; draw more stations on further figures."
        )
    return list(sites)


def _panels(figure: Figure, count: int, period: Pair, rho: Pair, phase: Pair) -> list[tuple[Axes, Axes]]:
    """Pairs of resistivity and phase axes, at most `ROW` in a row, with labels at the outside only.

    - `period`, `rho`, `phase`: limits, s, ohm m, degrees.

    Margins are stated: a layout that measures every label takes half of the time of a page.
    """
    width, height = figure.get_size_inches()
    rows = -(-count // min(ROW, max(int((width - LEFT - RIGHT) / NARROWEST), 1)))
    columns = -(-count // rows)
    bottom = BOTTOM if width >= WIDE else NARROW_BOTTOM
    across = (width - LEFT - RIGHT) / columns
    down = (height - bottom) / rows
    wide, high = max(across - BETWEEN, 0.1), max(down - TITLE - BETWEEN, 0.1)
    periods = Ruling.decades(*period, inches=wide)
    rulings = Ruling.decades(*rho), Ruling.steps(*phase, 45.0)
    pairs: list[tuple[Axes, Axes]] = []
    for k in range(count):
        row, column = divmod(k, columns)
        low = bottom + (rows - 1 - row) * down
        pair = []
        for part, (floor, share) in enumerate(((low + PHASE * high + BETWEEN, 1 - PHASE), (low, PHASE))):
            place = (LEFT + column * across) / width, floor / height, wide / width, share * high / height
            ax = figure.add_axes(place)
            is_last = part == 1 and k + columns >= count
            ruled(ax, periods, rulings[part], bottom=is_last, left=column == 0)
            if column == 0:
                ax.set_ylabel(("App. res. (Ω m)", "Phase (°)")[part], fontsize=SMALL)
                ax.yaxis.set_label_coords(-LABEL / wide, 0.5)
            if is_last:
                ax.set_xlabel("Period (s)")
            pair.append(ax)
        pairs.append((pair[0], pair[1]))
    return pairs


def _observed(rho: Axes, phase: Axes, data: Data, site: int, mode: Mode) -> None:
    value, error = data.values[mode.log10_rho, :, site], data.errors[mode.log10_rho, :, site]
    centre = 10**value
    bars = np.stack([centre - 10 ** (value - error), 10 ** (value + error) - centre])
    _bars(rho, data.survey.periods, centre, bars, mode)
    _bars(
        phase, data.survey.periods, data.values[mode.phase, :, site], data.errors[mode.phase, :, site], mode
    )


def _bars(
    ax: Axes,
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    error: Float[np.ndarray, "..."],
    mode: Mode,
) -> None:
    """Open markers with error bars, where a value exists."""
    exists = np.isfinite(y)
    ax.errorbar(
        x[exists],
        y[exists],
        error[..., exists],
        linestyle="none",
        marker=mode.marker,
        markersize=4.5,
        markerfacecolor="white",
        markeredgewidth=1.2,
        color=mode.colour,
        elinewidth=1,
        label=mode.label,
    )


def _predicted(
    rho: Axes,
    phase: Axes,
    data: Data,
    predicted: Float[np.ndarray, "comp freq site"],
    site: int,
    mode: Mode,
) -> None:
    order = np.argsort(data.survey.periods)
    periods = data.survey.periods[order]
    style = {"color": mode.colour, "linestyle": mode.line, "linewidth": 1.5, "zorder": 3}
    rho.plot(periods, 10 ** predicted[mode.log10_rho, order, site], **style)
    phase.plot(periods, predicted[mode.phase, order, site], **style)


def _limits(
    data: Data, predicted: Float[np.ndarray, "comp freq site"], sites: list[int], modes: list[Mode]
) -> tuple[Pair, Pair, Pair]:
    """What all panels show: periods (s), apparent resistivities (ohm m) and phases (degrees)."""
    both = np.stack([data.values[:, :, sites], predicted[:, :, sites]])
    phases = both[:, [m.phase for m in modes]]
    phases = np.append(phases[np.isfinite(phases)], [0.0, 90.0])
    periods = data.survey.periods
    return (
        (float(periods.min()) / 1.5, float(periods.max()) * 1.5),
        rounded_decades(both[:, [m.log10_rho for m in modes]]),
        (float(phases.min()) - 5, float(phases.max()) + 5),
    )


def _legend(modes: list[Mode]) -> list[Line2D]:
    hollow = {"linestyle": "none", "markerfacecolor": "white", "markeredgewidth": 1.2}
    observed = [
        Line2D([], [], marker=m.marker, color=m.colour, label=f"{m.label} observed", **hollow)
        for m in modes
    ]
    predicted = [Line2D([], [], ls=m.line, c=m.colour, label=f"{m.label} predicted") for m in modes]
    return [line for pair in zip(observed, predicted, strict=True) for line in pair]
