"""Misfits as functions of a model parameter."""

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from .symbols import SMALL, heading, legend_beside, require_shape
from .ticks import log_axis

COLOURS = (
    "#000000",
    "#0077BB",
    "#CC3311",
    "#009988",
    "#EE7733",
    "#AA3377",
    "#999933",
    "#33BBEE",
    "#BBBBBB",
)


def local_minima(values: Float[np.ndarray, " n"]) -> Int[np.ndarray, " k"]:
    """Indices of the interior points of a curve that lie below both neighbours."""
    inner = values[1:-1]
    return np.flatnonzero((inner < values[:-2]) & (inner < values[2:])) + 1


def basin(
    parameter: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], true: float
) -> tuple[float, float]:
    """Ends of the stretch around the true value on which a curve falls towards it from either side.

    A level stretch, to 1e-9 of the largest value, is no longer part of it.
    """
    rises = np.diff(values) > 1e-9 * np.abs(values).max()
    falls = np.diff(values) < -1e-9 * np.abs(values).max()
    left = right = int(np.argmin(np.abs(parameter - true)))
    while right < values.size - 1 and rises[right]:
        right += 1
    while left > 0 and falls[left - 1]:
        left -= 1
    return float(parameter[left]), float(parameter[right])


def minima_of_map(values: Float[np.ndarray, "n m"]) -> Int[np.ndarray, "k 2"]:
    """Indices of the interior points that lie below all eight neighbours."""
    n, m = values.shape
    lower = np.ones((n - 2, m - 2), bool)
    for i, j in np.ndindex(3, 3):
        if (i, j) != (1, 1):
            lower &= values[1:-1, 1:-1] < values[i : n - 2 + i, j : m - 2 + j]
    return np.argwhere(lower) + 1


def landscape_map(
    ax: Axes,
    x: Float[np.ndarray, " m"],
    y: Float[np.ndarray, " n"],
    misfit: Float[np.ndarray, "_ _"],
    *,
    true: tuple[float, float],
    labels: tuple[str, str],
    log: tuple[bool, bool] = (False, False),
    title: str | None = None,
) -> Axes:
    """Draws a misfit over two parameters as contours of its square root, with its local minima marked.

    - `misfit`: rows are values of y; not negative but for rounding. `true`: (x, y) of the data.
    - `labels`, `log`: of the two axes. The title ends in the number of interior local minima.
    """
    require_shape("landscape_map", "misfit", "y, x", misfit.shape, (y.size, x.size))
    root = np.sqrt(np.maximum(misfit, 0.0))
    minima = minima_of_map(misfit)
    levels = np.linspace(0.0, 1.0, 21)
    scaled = root / max(root.max(), np.finfo(float).tiny)
    ax.contourf(x, y, scaled, levels, cmap="viridis")
    ax.contour(x, y, scaled, levels, colors="white", linewidths=0.4, alpha=0.6)
    ax.plot(*true, "*", color="white", mec="black", ms=13, label="true", zorder=4, ls="none")
    if minima.size:
        ax.plot(x[minima[:, 1]], y[minima[:, 0]], "v", color="#EE3377", mec="white", ms=7, zorder=3)
    if log[0]:
        ax.set_xscale("log")
    if log[1]:
        ax.set_yscale("log")
    ax.set(xlabel=labels[0], ylabel=labels[1])
    heading(ax, f"{title or 'Misfit'} ({len(minima)})")
    return ax


def landscape(
    ax: Axes,
    parameter: Float[np.ndarray, " n"],
    misfits: Mapping[str, Float[np.ndarray, " _"]],
    *,
    true: float,
    label: str,
    log: bool = False,
    title: str | None = None,
) -> Axes:
    """Draws misfits over a parameter, each divided by its largest value, with their local minima marked.

    - `misfits`: curves by name; the legend counts their interior minima.
    - `true`: where the data were made, a dashed line. `label`: of the parameter, with its unit.
    """
    for name, values in misfits.items():
        if values.shape != parameter.shape:
            raise ValueError(
                f"`landscape(misfits=...)` must have the shape of `parameter`, {parameter.shape}. "
                f"Got {values.shape} for {name!r}."
            )
    # Broken lines over whole ones: curves often coincide.
    styles = cycle(("-", "-", "-", (0, (4, 3)), (0, (1, 2))))
    ax.axvline(true, color="black", ls="--", lw=1)
    for colour, (name, values) in zip(cycle(COLOURS), misfits.items(), strict=False):
        scaled, minima = values / values.max(), local_minima(values)
        line = {"color": colour, "lw": 2.2, "ls": next(styles), "label": f"{name} ({minima.size})"}
        ax.plot(parameter, scaled, **line)
        ax.plot(parameter[minima], scaled[minima], "v", color=colour, ms=6)
    if log:
        ax.set_xscale("log")
        log_axis(ax.xaxis)
    ax.set(xlabel=label, ylabel="Misfit / largest", ylim=(-0.03, 1.05))
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    legend_beside(ax, title="local minima in brackets", title_fontsize=SMALL)
    heading(ax, title)
    return ax
