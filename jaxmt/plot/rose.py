"""The rose of strikes, and strike over period."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.projections.polar import PolarAxes

from ..processing import Strike, tensor_axes
from ..processing import strike as strike_of
from ..processing.site import Site
from .symbols import SMALL, heading, legend_beside
from .ticks import log_axis

PETAL = 10.0
"""Width of a petal, degrees."""

TENSOR, AMBIGUOUS, USED, ARROW = "#0077BB", "#BBDDEE", "#CC3311", "#009988"


def strike_rose(
    ax: Axes,
    sites: Sequence[Site],
    *,
    found: Strike | None = None,
    strike: float | None = None,
    band: tuple[float, float] = (0.0, np.inf),
    title: str | None = None,
) -> Axes:
    """Draws the directions of all phase tensors of a survey, north upward, clockwise.

    - `ax`: of projection "polar". `band`: Hz, the lowest and the highest frequency drawn.
    - `found`: what `processing.strike` says of them: its axis, and the axis of the real induction
      arrows, which are perpendicular to strike.
    - `strike`: degrees, the one in use.

    Dark petals are the axes of larger phase, weighted by ellipticity; pale ones, at right angles, are
    what a phase tensor cannot tell from them. Raises `ValueError` if no tensor is left.
    """
    if not isinstance(ax, PolarAxes):
        raise ValueError(
            f'`strike_rose(ax=...)` must be polar: `figure.add_subplot(projection="polar")`. Got {ax.name}.'
        )
    azimuths, weights = tensor_axes(sites, band=band)
    if not np.any(weights > 0):
        raise ValueError(f"`strike_rose(sites=..., band={band})`: no phase tensor is left; widen the band.")
    height = _petals(azimuths, weights)
    centres = np.deg2rad(-90 + PETAL * (np.arange(height.size) + 0.5))
    width = np.deg2rad(PETAL) * 0.92
    for turn, colour, label in ((np.pi / 2, AMBIGUOUS, "or at 90° to it"), (0.0, TENSOR, "larger phase")):
        for half in (0.0, np.pi):
            ax.bar(
                centres + turn + half,
                height,
                width,
                color=colour,
                edgecolor="white",
                lw=0.5,
                label=label if half == 0 else None,
                alpha=0.9,
            )
    top = 1.15 * float(height.max())
    if found is not None and np.isfinite(found.arrow):
        _axis(ax, found.arrow, top, f"induction arrows {found.arrow:.0f}°", color=ARROW, ls=":", lw=2.4)
    if found is not None:
        for angle, ls, label in ((found.angle, "-", "strike"), (found.other, "--", "or")):
            error = f" ± {np.fmax(found.error, found.spread):.0f}°" if ls == "-" else ""
            text = f"{label} {angle:.0f}°{error}"
            _axis(ax, angle, top, text, color="black", ls=ls, lw=1.4)
    if strike is not None:
        _axis(ax, strike, top, f"used {strike:.0f}°", color=USED, ls="-", lw=2.2)
    ax.set_theta_zero_location("N")
    ax.set_theta_direction(-1)
    ax.set_xticks(np.deg2rad(np.arange(0, 360, 30)))
    ax.set_ylim(0, top)
    ax.set_yticklabels([])
    ax.grid(color="0.88")
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=SMALL, loc="center left", bbox_to_anchor=(1.1, 0.5))
    heading(ax, title)
    return ax


def strike_by_period(
    ax: Axes,
    sites: Sequence[Site],
    *,
    strike: float | None = None,
    bands: float = 2.0,
    title: str | None = None,
) -> Axes:
    """Draws the strike that all stations together show, over period.

    - `strike`: degrees from north, the one in use, a line. `bands`: so many to a decade of period.

    Each band has what `processing.strike` says of it, filled where induction arrows settle which of two
    directions at right angles it is, else both, hollow; bars are one standard deviation, from data or
    stations, whichever is larger. Pale points are the axes of single tensors, the larger the less they
    are 1-D. Raises `ValueError` if no tensor is left.
    """
    place = bands * -np.log10(np.concatenate([np.zeros(0), *(site.frequencies for site in sites)]))
    low, high = (place.min(), place.max()) if place.size else (0.0, 0.0)
    # A period at an end by rounding asks for no band of its own.
    first, last = np.floor(low + 1e-9), np.ceil(high - 1e-9)
    edges = np.arange(first, max(last, first + 1) + 1) / bands
    drawn = 0
    for left, right in itertools.pairwise(edges):
        rounding = -1e-6 if right == edges[-1] else 1e-6
        band = float(10.0**-right * (1 + rounding)), float(10.0**-left * (1 + 1e-6))
        azimuths, weights = tensor_axes(sites, band=band)
        if not np.any(weights > 0):
            continue
        drawn += 1
        period = 10 ** ((left + right) / 2)
        for turn in (0.0, 90.0):
            axes = (azimuths + turn + 90) % 180 - 90
            ax.scatter(np.full(axes.size, period), axes, s=16 * weights, color=AMBIGUOUS, lw=0, zorder=1)
        found = strike_of(sites, band=band)
        error = float(np.fmax(found.error, found.spread))
        for angle in (found.angle,) if found.settled else (found.angle, found.other):
            ax.errorbar(
                [period],
                [angle],
                [error if np.isfinite(error) else 0.0],
                marker="o",
                ms=6,
                color=TENSOR,
                mfc=TENSOR if found.settled else "white",
                lw=1.2,
                zorder=3,
                label="_settled" if found.settled else "_either",
            )
    if not drawn:
        raise ValueError("`strike_by_period(sites=...)`: no phase tensor is left.")
    if strike is not None:
        used = (strike + 90) % 180 - 90
        ax.axhline(used, color=USED, lw=2.0, zorder=2, label=f"used {strike:.0f}°")
    marks: dict[str, Any] = {"ls": "none", "marker": "o", "color": TENSOR}
    ax.plot([], [], label="settled by induction arrows", **marks)
    ax.plot([], [], mfc="white", label="one of two", **marks)
    ax.set_xscale("log")
    ax.set(xlim=(10 ** edges[0], 10 ** edges[-1]), ylim=(-95, 95), xlabel="Period (s)")
    ax.set_ylabel("Strike from north (°)")
    ax.set_yticks(np.arange(-90, 91, 30))
    log_axis(ax.xaxis)
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    legend_beside(ax)
    heading(ax, title)
    return ax


def _petals(azimuths: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]) -> np.ndarray:
    """Share of the weight in each petal from -90 to 90 degrees."""
    edges = np.linspace(-90, 90, round(180 / PETAL) + 1)
    return np.histogram(azimuths, edges, weights=weights)[0] / weights.sum()


def _axis(ax: Axes, angle: float, top: float, label: str, color: str, ls: str, lw: float) -> None:
    """A line through the centre at an azimuth, degrees."""
    theta = np.deg2rad(angle)
    ax.plot([theta, theta + np.pi], [top, top], label=label, color=color, ls=ls, lw=lw, zorder=4)
