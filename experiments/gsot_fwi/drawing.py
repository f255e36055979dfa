"""Figures: the shift test, and the traces, velocities and misfits of the inversion."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxmt.plot import local_minima

from .acoustic import Shot
from .inversion import Fit

COLOURS = {
    "target": "#000000",
    "start": "#BBBBBB",
    "least squares": "#CC3311",
    "graph space": "#0077BB",
}
ETA_COLOURS = ("#33BBEE", "#0077BB", "#EE7733", "#AA3377")

Trace = Float[np.ndarray, " sample"]


def shift_test(
    figure: Figure,
    pair: tuple[Trace, Trace],
    joined: np.ndarray,
    shifts: Float[np.ndarray, " shift"],
    curves: Mapping[str, Float[np.ndarray, " shift"]],
    main: str,
) -> None:
    """Draws a shifted wavelet and its assignment, the two misfits over the shift, and those of other etas.

    - `pair`: shifted wavelet and target. `joined`: the sample of the target for each of the shifted one.
    - `main`: the name of the graph-space curve to set beside least squares.
    """
    wave, both, etas = figure.subplots(1, 3)
    moved, target = pair
    time = np.arange(target.size)
    for first, second in enumerate(joined):
        wave.plot([first, second], [moved[first], target[second]], color="0.75", lw=0.8)
    wave.plot(time, target, color=COLOURS["target"], lw=2, label="target")
    wave.plot(time, moved, color=COLOURS["graph space"], lw=2, label="shifted")
    wave.set(xlabel="Sample", ylabel="Amplitude", title="Samples and their partners in graph space")
    for name, colour in (("least squares", COLOURS["least squares"]), (main, COLOURS["graph space"])):
        _with_minima(both, shifts, curves[name], name, colour)
    both.set(xlabel="Shift (samples)", ylabel="Misfit", title="Misfit of a shifted wavelet")
    others = [name for name in curves if name.startswith("graph space")]
    for name, colour in zip(others, ETA_COLOURS, strict=True):
        _with_minima(etas, shifts, curves[name], name.removeprefix("graph space, "), colour)
    etas.set(xlabel="Shift (samples)", ylabel="Misfit", title="The price of moving in time")
    for ax in (wave, both, etas):
        _finish(ax)
    for ax in (both, etas):
        ax.set_ylim(-0.4, 12)
        ax.legend(frameon=False, title="local minima in brackets", loc="upper center", ncols=2)
    wave.set_xlim(target.size // 2 - 15, target.size // 2 + 25)


def _with_minima(
    ax: Axes, x: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"], name: str, colour: str
) -> None:
    minima = local_minima(values)
    ax.plot(x, values, color=colour, lw=2, label=f"{name} ({minima.size})")
    ax.plot(x[minima], values[minima], "v", color=colour, ms=7)


def traces(
    ax: Axes, shown: Mapping[str, Trace], window: slice, step: float, title: str | None = None
) -> None:
    """Draws traces by name over time (ms) in a window of samples; `step` in s."""
    time = 1e3 * step * np.arange(next(iter(shown.values())).size)
    for name, trace in shown.items():
        style: dict[str, Any] = {"lw": 4, "alpha": 0.35} if name == "target" else {"lw": 1.8}
        ax.plot(time[window], trace[window], color=COLOURS[name], label=name, **style)
    ax.set(xlabel="Time (ms)", ylabel="Pressure at the receiver", title=title)
    _finish(ax)


def velocities(figure: Figure, fits: Mapping[str, Fit], shot: Shot, true: float) -> None:
    """Draws the velocity of each inversion with source (star) and receiver; `true` is white, m/s."""
    axes = np.ravel(figure.subplots(1, len(fits), sharey=True))
    largest = max(np.abs(fit.velocity - true).max() for fit in fits.values())
    images = []
    for ax, (name, fit) in zip(axes, fits.items(), strict=True):
        rows, columns = fit.velocity.shape
        extent = (0, columns * shot.spacing, rows * shot.spacing, 0)
        images.append(
            ax.imshow(fit.velocity, extent=extent, vmin=true - largest, vmax=true + largest, cmap="RdBu_r")
        )
        for (row, column), mark in ((shot.source, "*"), (shot.receiver, "v")):
            ax.plot((column + 0.5) * shot.spacing, (row + 0.5) * shot.spacing, mark, color="black", ms=8)
        ax.set(xlabel="Distance (m)", title=f"{name}: velocity (true {true:g} m/s)")
    axes[0].set_ylabel("Depth (m)")
    figure.colorbar(images[-1], ax=axes.tolist(), label="m/s", shrink=0.6)


def convergence(ax: Axes, fits: Mapping[str, Fit]) -> None:
    """Draws each misfit over the epochs, divided by its first value."""
    for name, fit in fits.items():
        ax.semilogy(fit.losses / fit.losses[0], color=COLOURS[name], lw=2, label=name)
    ax.set(xlabel="Epoch", ylabel="Misfit / first", title="Each by its own misfit")
    _finish(ax)


def _finish(ax: Axes) -> None:
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.legend(frameon=False)
