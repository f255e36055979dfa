"""How an inversion converged."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .figure import constrain
from .symbols import SMALL, log_axis

COMPANIONS = {
    "regularization_factor": ("λ", "#0077BB"),
    "blur": ("Blur", "#009988"),
}
"""What is drawn below the misfit, where the history has it: label and colour."""


def convergence(
    figure: Figure, history: Mapping[str, Sequence | np.ndarray], *, target: float = 1.0
) -> list[Axes]:
    """Draws the nRMS of every iteration, and below it the regularisation factor and the blur.

    - `history`: equally long lists by name: "iteration", "nrms", and, as far as they exist,
      "regularization_factor" and "blur"; NaN where there is none. Other names are not drawn.
    - `target`: nRMS at which the inversion stops, a dashed line.

    All vertical axes are logarithmic. Reads well on 8 by 6 inches. Returns the axes from the top.
    """
    columns = _columns(history)
    iteration = columns["iteration"]
    shown = [name for name in COMPANIONS if np.any(_positive(columns.get(name, np.zeros(1))))]
    constrain(figure)
    axes = figure.subplots(
        1 + len(shown), 1, sharex=True, squeeze=False, height_ratios=[2.5] + [1.0] * len(shown)
    )[:, 0]
    axes[0].axhline(target, color="black", ls="--", lw=1, label=f"target {target:g}")
    _line(axes[0], iteration, columns["nrms"], "nRMS", "#CC3311", target)
    axes[0].legend(frameon=False, fontsize=SMALL)
    for ax, name in zip(axes[1:], shown, strict=True):
        _line(ax, iteration, columns[name], *COMPANIONS[name])
    axes[-1].set_xlabel("Iteration")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels()
    return list(axes)


def _columns(history: Mapping[str, Sequence | np.ndarray]) -> dict[str, Float[np.ndarray, " n"]]:
    drawn = ("iteration", "nrms", *COMPANIONS)
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


def _line(
    ax: Axes,
    iteration: Float[np.ndarray, " n"],
    values: Float[np.ndarray, " n"],
    label: str,
    colour: str,
    *also: float,
) -> None:
    """A curve on a logarithmic axis that also holds the values `also`."""
    drawn = np.where(_positive(values), values, np.nan)
    marker = "o" if values.size <= 60 else ""
    ax.plot(iteration, drawn, color=colour, marker=marker, ms=4, lw=1.8, label=label)
    reach = np.append(drawn[np.isfinite(drawn)], also)
    low, high = float(reach.min()) / 1.2, float(reach.max()) * 1.2
    ax.set_yscale("log")
    ax.set(ylim=(low, high), ylabel=label)
    log_axis(ax.yaxis, low, high)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
