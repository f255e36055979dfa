"""What transport does: the plan between two curves, mass moved over the survey, gradients side by side."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.figure import Figure

from ..simulation.survey import Survey
from .figure import constrain
from .pseudosection import pseudosection
from .symbols import cell_edges, colour_bar, heading, legend_beside, require_shape
from .ticks import log_axis

Curve = Float[np.ndarray | Array, " _"]
Values = Float[np.ndarray | Array, "_ _"]

OBSERVED, PREDICTED, MOVED = "#000000", "#CC3311", "#0077BB"

LEAST_SHARE = 0.02
"""Fraction of a sample's mass below which a line of a plan is left out."""

LONGEST_ARROW, SHORTEST_ARROW = 0.9, 0.15
"""Longest arrow drawn, to which longer ones are shortened, and the shortest, in spacings of the grid."""


def transport_plan(
    ax: Axes,
    periods: Curve,
    predicted: Curve,
    observed: Curve,
    plan: Values,
    *,
    label: str,
    title: str | None = None,
) -> Axes:
    """Draws which samples of a predicted curve a plan moves to which of an observed one, as lines.

    - `periods`: s. `predicted`, `observed`: values of one component at one station; NaN where missing.
    - `plan`: mass from each predicted sample (row) to each observed one, in any unit; the darker a line,
      the larger its share of the predicted sample.
    - `label`: of the values, with their unit.
    """
    periods, predicted, observed, plan = (np.asarray(a) for a in (periods, predicted, observed, plan))
    for name, values in (("predicted", predicted), ("observed", observed)):
        require_shape("transport_plan", name, "frequency", values.shape, periods.shape)
    require_shape("transport_plan", "plan", "frequency, frequency", plan.shape, periods.shape * 2)
    total = plan.sum(axis=1, keepdims=True)
    share = np.divide(plan, total, out=np.zeros_like(plan), where=total > 0)
    share[~(np.isfinite(predicted)[:, None] & np.isfinite(observed))] = 0.0
    rows, columns = np.nonzero(share > LEAST_SHARE)
    ends = [
        [(periods[i], predicted[i]), (periods[j], observed[j])] for i, j in zip(rows, columns, strict=True)
    ]
    lines = LineCollection(ends, colors=MOVED, alpha=share[rows, columns].clip(0.0, 1.0), lw=1.3, zorder=1)
    ax.add_collection(lines)
    for values, colour, marker, name in (
        (observed, OBSERVED, "o", "observed"),
        (predicted, PREDICTED, "s", "predicted"),
    ):
        order = np.argsort(periods)
        ax.plot(periods[order], values[order], "-", color=colour, lw=0.8, alpha=0.5, zorder=2)
        ax.plot(periods, values, marker, color=colour, mfc="white", ms=5, label=name, zorder=3)
    ax.plot([], [], "-", color=MOVED, lw=1.3, label="plan")
    ax.set_xscale("log")
    ax.set(xlabel="Period (s)", ylabel=label)
    log_axis(ax.xaxis)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    legend_beside(ax)
    heading(ax, title)
    return ax


def moved_mass(
    ax: Axes,
    survey: Survey,
    leaving: Values,
    decades: Values,
    distance: Values,
    *,
    title: str | None = None,
) -> Axes:
    """Draws how much of each datum's mass moves to others, as a map, and where to on average, as arrows.

    - `leaving`: share of its mass, 0 to 1, that a predicted point gives to other frequencies or stations;
      NaN where there is no point.
    - `decades`, `distance`: its mean move along log10 period and along the profile (m). Arrows are true to
      scale if the largest fits between two stations and two periods, and else all are shortened alike.
    """
    shape = (survey.frequencies.size, survey.stations.size)
    arrays = [np.asarray(a, dtype=float) for a in (leaving, decades, distance)]
    for name, values in zip(("leaving", "decades", "distance"), arrays, strict=True):
        require_shape("moved_mass", name, "frequency, station", values.shape, shape)
    leaving, decades, distance = arrays
    # The scale of phases is the one that begins at zero.
    pseudosection(
        ax,
        survey,
        100 * leaving,
        kind="phase",
        limits=(0.0, 100.0),
        title=title,
        colorbar=False,
        names=False,
    )
    bar = colour_bar([cast(QuadMesh, ax.collections[0])], [ax])
    bar.set_label("Mass that leaves its frequency and station (%)")
    x, log_period = np.meshgrid(survey.stations, np.log10(survey.periods))
    axes = (survey.stations, np.log10(survey.periods))
    cells = [float(np.diff(cell_edges(np.sort(at), lone=1.0)).min()) for at in axes]
    reach = [np.nanmax(np.abs(m)) / cell for m, cell in zip((distance, decades), cells, strict=True)]
    factor = min(1.0, LONGEST_ARROW / max(*reach, np.finfo(float).tiny))
    start = np.stack([x / 1e3, 10**log_period], axis=-1)
    end = np.stack([(x + factor * distance) / 1e3, 10 ** (log_period + factor * decades)], axis=-1)
    length = factor * np.hypot(distance / cells[0], decades / cells[1])
    for k in zip(*np.nonzero(length > SHORTEST_ARROW), strict=True):
        arrow = {"arrowstyle": "-|>", "color": "white", "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate(
            "", (end[k][0], end[k][1]), (start[k][0], start[k][1]), arrowprops=arrow | {"mutation_scale": 8}
        )
    note = "true to scale" if factor == 1.0 else f"shortened to {100 * factor:.0f} %"
    ax.set_xlabel(f"Distance (km)   arrows {note}")
    return ax


def misfit_gradients(
    figure: Figure, survey: Survey, gradients: Mapping[str, Values], *, title: str | None = None
) -> list[Axes]:
    """Draws the gradients of misfits in the data of one component side by side, each over its largest.

    - `gradients`: by the name of the misfit, in any unit; NaN or zero where there is no datum.

    Blue is where a larger prediction raises the misfit. Reads well on 4 by 4 inches for each.
    """
    if not gradients:
        raise ValueError("`misfit_gradients(gradients=...)` must hold one misfit or more. Got nothing.")
    shape = (survey.frequencies.size, survey.stations.size)
    constrain(figure)
    axes = list(figure.subplots(1, len(gradients), sharex=True, sharey=True, squeeze=False)[0])
    for ax, (name, values) in zip(axes, gradients.items(), strict=True):
        values = np.asarray(values, dtype=float)
        require_shape("misfit_gradients", f"gradients[{name!r}]", "frequency, station", values.shape, shape)
        largest = np.nanmax(np.abs(values))
        scaled = values / (largest if largest > 0 else 1.0)
        limits = (-1.0, 1.0)
        pseudosection(
            ax, survey, scaled, kind="residual", limits=limits, title=name, colorbar=False, names=False
        )
        ax.label_outer()
    bar = colour_bar([cast(QuadMesh, ax.collections[0]) for ax in axes], axes)
    bar.set_label("Gradient / largest")
    if title is not None:
        figure.suptitle(title, fontsize=11, fontweight="bold")
    return axes
