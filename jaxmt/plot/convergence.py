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

PANELS = {
    "λ": {"regularization_factor": ("λ", "#0077BB")},
    "Blur": {"blur": ("blur", "#009988")},
    "Slide": {
        "slide_decades": ("along frequency (decades)", "#EE7733"),
        "slide_spacings": ("along the line (spacings)", "#AA3377"),
    },
    "1 − cosine": {"cosine_with_squares": ("of transport's gradient with that of squares", "#555555")},
}
"""What is drawn below the misfit, where the history has it: label of the axis, then name, label and colour
of its curves."""

ABOVE_ROUNDING = 1e-12
"""Slides, and differences of the cosine from one, that are smaller are drawn as this."""


def convergence(
    figure: Figure, history: Mapping[str, Sequence | np.ndarray], *, target: float = 1.0
) -> list[Axes]:
    """Draws the nRMS of every iteration, and below it lambda, the blur, and what transport did.

    - `history`: equally long lists by name: "iteration", "nrms", and, as far as they exist,
      "regularization_factor", "blur", "slide_decades", "slide_spacings" and "cosine_with_squares"; NaN
      where there is none. Other names are not drawn.
    - `target`: nRMS at which the inversion stops, a dashed line.

    All vertical axes are logarithmic. Reads well on 8 by 6 inches, with transport on 8 by 10. Returns the
    axes from the top.
    """
    columns = _columns(history)
    iteration = columns["iteration"]
    shown = {
        label: {
            name: look for name, look in curves.items() if np.any(_positive(columns.get(name, np.zeros(1))))
        }
        for label, curves in PANELS.items()
    }
    shown = {label: curves for label, curves in shown.items() if curves}
    constrain(figure)
    axes = figure.subplots(
        1 + len(shown), 1, sharex=True, squeeze=False, height_ratios=[2.5] + [1.0] * len(shown)
    )[:, 0]
    axes[0].axhline(target, color="black", ls="--", lw=1, label=f"target {target:g}")
    _panel(axes[0], iteration, {"nRMS": (columns["nrms"], "#CC3311")}, "nRMS", target)
    axes[0].legend(frameon=False, fontsize=SMALL)
    for ax, (label, curves) in zip(axes[1:], shown.items(), strict=True):
        named = {what: (columns[name], colour) for name, (what, colour) in curves.items()}
        _panel(ax, iteration, named, label)
        if any(what.lower() != label.lower() for what in named):
            ax.legend(frameon=False, fontsize=SMALL)
    axes[-1].set_xlabel("Iteration")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels()
    return list(axes)


def _columns(history: Mapping[str, Sequence | np.ndarray]) -> dict[str, Float[np.ndarray, " n"]]:
    drawn = ("iteration", "nrms", *(name for curves in PANELS.values() for name in curves))
    for name in drawn[:2]:
        if name not in history or not len(history[name]):
            raise ValueError(
                f'`convergence(history=...)` must hold at least one "{name}". Got {sorted(history)}.'
            )
    columns = {name: np.array(history[name], dtype=float) for name in drawn if name in history}
    lengths = {name: column.size for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"`convergence(history=...)` must hold equally long lists. Got lengths {lengths}.")
    if "cosine_with_squares" in columns:
        columns["cosine_with_squares"] = np.maximum(1 - columns["cosine_with_squares"], ABOVE_ROUNDING)
    for name in ("slide_decades", "slide_spacings"):
        if name in columns:
            columns[name] = np.maximum(columns[name], ABOVE_ROUNDING)
    return columns


def _positive(values: Float[np.ndarray, " n"]) -> np.ndarray:
    return np.isfinite(values) & (values > 0)


def _panel(
    ax: Axes,
    iteration: Float[np.ndarray, " n"],
    curves: Mapping[str, tuple[Float[np.ndarray, " n"], str]],
    label: str,
    *also: float,
) -> None:
    """Curves, values and colour by name, on a logarithmic axis that also holds the values `also`."""
    reach = np.array(also)
    for name, (values, colour) in curves.items():
        drawn = np.where(_positive(values), values, np.nan)
        marker = "o" if values.size <= 60 else ""
        ax.plot(iteration, drawn, color=colour, marker=marker, ms=4, lw=1.8, label=name)
        reach = np.append(reach, drawn[np.isfinite(drawn)])
    low, high = float(reach.min()) / 1.2, float(reach.max()) * 1.2
    ax.set_yscale("log")
    ax.set(ylim=(low, high), ylabel=label)
    log_axis(ax.yaxis)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
