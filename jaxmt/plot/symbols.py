"""Marks that the figures share: modes, stations, colour bars, ticks of logarithmic axes."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.markers import CARETDOWN
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from .figure import literal

SMALL = 8.5
"""Size of secondary text, points."""

ABSENT = "0.85"
"""Grey of cells without a value."""

Real = Float[np.ndarray | Array, "..."]
Points = Float[np.ndarray | Array, " point"]


@dataclasses.dataclass(frozen=True)
class Mode:
    """How a mode is drawn, and where its log10 rho and phase stand in `COMPONENTS`."""

    label: str
    colour: str
    marker: str
    line: str
    log10_rho: int
    phase: int


MODE = {
    "te": Mode("TE (xy)", "#CC3311", "o", "-", 0, 1),
    "tm": Mode("TM (yx)", "#0077BB", "s", "--", 2, 3),
}


def require_shape(function: str, name: str, axes: str, got: Sequence[int], expected: Sequence[int]) -> None:
    """Raises `ValueError` unless the shapes agree; `axes` names the axes in words."""
    if tuple(got) != tuple(expected):
        raise ValueError(
            f"`{function}({name}=...)` must have shape ({axes}) = {tuple(expected)}. Got {tuple(got)}."
        )


def require_limits(function: str, name: str, unit: str, pair: tuple[float, float], above: float) -> None:
    """Raises `ValueError` unless the pair increases, is finite, and lies above `above`."""
    if not above < pair[0] < pair[1] < np.inf:
        bound = "" if above == -np.inf else f", above {above:g}"
        raise ValueError(
            f"`{function}({name}=...)` must be finite, the lower first{bound}, in {unit}. Got {pair}."
        )


def heading(ax: Axes, title: str | None) -> None:
    """A bold title at the left, above station marks."""
    if title is not None:
        ax.set_title(title, loc="left", fontweight="bold", fontsize=11, pad=11)


def station_marks(
    ax: Axes,
    stations: Float[np.ndarray, " site"],
    names: Sequence[str] | None = None,
    depths: Float[np.ndarray, " site"] | None = None,
) -> None:
    """Black triangles that stand on the upper edge of `ax`, whose horizontal axis is in km.

    - `stations`: m; those outside the axis are left out.
    - `names`: written above `ax`, as many as fit.
    - `depths`: m; where the triangles point to instead, on an axis of depth in km.
    """
    low, high = sorted(ax.get_xlim())
    km = stations / 1e3
    inside = np.flatnonzero((km >= low) & (km <= high))
    inside = inside[np.argsort(km[inside])]
    points = km[inside] * ax.get_window_extent().width * 72 / ax.figure.dpi / (high - low)
    gap = float(np.median(np.diff(points))) if inside.size > 1 else np.inf
    ax.plot(
        km[inside],
        np.ones(inside.size) if depths is None else depths[inside] / 1e3,
        linestyle="none",
        marker=CARETDOWN,
        markersize=float(np.clip(0.8 * gap, 4, 8)),
        color="black",
        transform=ax.get_xaxis_transform() if depths is None else ax.transData,
        clip_on=False,
        zorder=5,
        label="stations",
    )
    if names is None:
        return
    shown = inside[spread(points, 1.5 * SMALL)]
    top = ax.secondary_xaxis("top")
    top.set_xticks(km[shown], [literal(names[int(k)]) for k in shown], rotation=90, fontsize=SMALL)
    top.tick_params(length=0, pad=8)
    top.spines["top"].set_visible(False)


def colour_bar(images: Sequence[QuadMesh], axes: Sequence[Axes], rows: int = 1) -> Colorbar:
    """One colour bar for images of the same limits, pointed where one of them goes beyond.

    - `rows`: how many rows of axes it stands beside.
    """
    low, high = images[0].get_clim()
    values = np.ma.concatenate(
        [np.ma.ravel(np.ma.asarray(image.get_array())) for image in images]
    ).compressed()
    ends = (("neither", "max"), ("min", "both"))
    extend = ends[int(np.any(values < low))][int(np.any(values > high))]
    return axes[0].figure.colorbar(images[0], ax=axes, pad=0.02, aspect=25 * rows, extend=extend)


def resistivity_bar(images: Sequence[QuadMesh], axes: Sequence[Axes], rows: int = 1) -> Colorbar:
    """A `colour_bar` of images of log10 ohm m, with ticks in ohm m."""
    bar = colour_bar(images, axes, rows)
    ticks = decade_ticks(*(float(10**v) for v in images[0].get_clim()))
    bar.set_ticks(np.log10(ticks).tolist(), labels=[plain(t) for t in ticks])
    bar.ax.minorticks_off()
    return bar


def spread(positions: Float[np.ndarray, " point"], apart: float) -> list[int]:
    """Indices of ascending positions at least `apart` from each other, from the first on."""
    kept: list[int] = []
    for k, position in enumerate(positions):
        if not kept or position - positions[kept[-1]] >= apart:
            kept.append(k)
    return kept


def cell_edges(centres: Float[np.ndarray, " cell"], lone: float) -> Float[np.ndarray, " cell+1"]:
    """Edges at the midpoints of ascending centres; a single centre gets a cell `lone` wide."""
    if centres.size == 1:
        return centres[0] + lone * np.array([-0.5, 0.5])
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def rounded_decades(log10_values: Real, percentile: float = 0.0) -> tuple[float, float]:
    """Limits, not logarithms, at whole half decades around the finite values.

    - `percentile`: how many percent at either end may lie outside.
    """
    finite = np.asarray(log10_values)[np.isfinite(log10_values)]
    if not finite.size:
        return 1.0, 1000.0
    low, high = np.percentile(finite, [percentile, 100 - percentile])
    low, high = np.floor(2 * low) / 2, np.ceil(2 * high) / 2
    if high - low < 1:
        low, high = low - 0.5, high + 0.5
    return float(10**low), float(10**high)


def decade_ticks(low: float, high: float) -> Float[np.ndarray, " tick"]:
    """Round values between two positive limits: decades, 2 and 5 where there are few, or any others."""
    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    span = np.log10(high / low)
    steps = np.array([1.0, 2.0, 5.0]) if span < 2 else np.array([1.0])
    decades = decades[decades % (1 + span // 8) == 0]
    ticks = np.outer(10.0**decades, steps).ravel()
    ticks = ticks[(ticks > low * (1 - 1e-9)) & (ticks < high * (1 + 1e-9))]
    if ticks.size > 1:
        return ticks
    ticks = np.asarray(MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(low, high))
    return ticks[(ticks >= low) & (ticks <= high)]


def minor_decades(low: float, high: float) -> Float[np.ndarray, " tick"]:
    """2 to 9 times each decade between two positive limits, none where they would be many."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    minor = np.outer(decades, np.arange(2, 10)).ravel()
    return minor if minor.size < 64 else np.zeros(0)


def plain(value: float) -> str:
    """A number as an axis shows it: 0.01, 1, 100, and beyond them powers of ten; -5 and 0 as they are."""
    if value <= 0:
        return f"{value:g}"
    if 1e-3 <= value < 1e5:
        return f"{value:.3g}" if value < 1e3 else f"{value:.0f}"
    exponent = np.floor(np.log10(value * (1 + 1e-9)))
    factor = "" if np.isclose(value, 10**exponent) else rf"{value / 10**exponent:.2g}\times"
    return rf"${factor}10^{{{exponent:.0f}}}$"


def log_axis(axis: Axis, low: float, high: float) -> None:
    """Ticks of `decade_ticks` on a logarithmic axis between two positive limits."""
    minor = minor_decades(low, high)
    axis.set_major_locator(FixedLocator(decade_ticks(low, high).tolist()))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_locator(FixedLocator(minor.tolist()) if minor.size else NullLocator())
    axis.set_minor_formatter(NullFormatter())
