"""How an inversion converged."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figure import constrain
from .symbols import SMALL
from .ticks import log_axis

FACTOR = "regularization_factor"


def convergence(
    figure: Figure, history: Mapping[str, Sequence | np.ndarray], *, target: float = 1.0
) -> list[Axes]:
    """Draws the nRMS of every iteration, and below it lambda where there is one.

    - `history`: equally long lists by name: "iteration", "nrms" and, if it exists, "regularization_factor";
      NaN where there is none. Other names are not drawn.
    - `target`: nRMS at which the inversion stops, a dashed line.

    Both vertical axes are logarithmic. Reads well on 9 by 5 inches. Returns the axes from the top.
    """
    columns = _columns(history)
    iteration, factor = columns["iteration"], columns.get(FACTOR, np.zeros(1))
    shown = bool(np.any(_positive(factor)))
    constrain(figure)
    ratios = [2.0, 1.0] if shown else [1.0]
    axes = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
    axes[0].axhline(target, color="black", ls="--", lw=1, label=f"target {target:g}")
    _panel(axes[0], iteration, columns["nrms"], "#CC3311", "nRMS", target)
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2, "ncols": 2}
    axes[0].legend(frameon=False, fontsize=SMALL, **above)
    if shown:
        _panel(axes[1], iteration, factor, "#0077BB", "λ")
    axes[-1].set_xlabel("Iteration")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels()
    return list(axes)


def _columns(history: Mapping[str, Sequence | np.ndarray]) -> dict[str, Float[np.ndarray, " n"]]:
    drawn = ("iteration", "nrms", FACTOR)
    for name in drawn[:2]:
        if name not in history or not len(history[name]):
            raise ValueError(
                f'`convergence(history=...)` must hold at least one "{name}". Got {sorted(history)}.'
            )
    columns = {name: np.array(history[name], dtype=float) for name in drawn if name in history}
    lengths = {name: column.size for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"`convergence(history=...)` must hold equally long lists. Got lengths {lengths}.")
    return columns


def _positive(values: Float[np.ndarray, " n"]) -> np.ndarray:
    return np.isfinite(values) & (values > 0)


def _panel(
    ax: Axes,
    iteration: Float[np.ndarray, " n"],
    values: Float[np.ndarray, " n"],
    colour: str,
    label: str,
    *also: float,
) -> None:
    """A curve on a logarithmic axis that also holds the values `also`."""
    drawn = np.where(_positive(values), values, np.nan)
    marker = "o" if values.size <= 60 else ""
    ax.plot(iteration, drawn, color=colour, marker=marker, ms=4, lw=1.8, label=label)
    reach = np.append(also, drawn[np.isfinite(drawn)])
    ax.set_yscale("log")
    ax.set(ylim=(float(reach.min()) / 1.2, float(reach.max()) * 1.2), ylabel=label)
    log_axis(ax.yaxis)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
