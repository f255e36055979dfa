"""Marks that the figures share: modes, stations, colour bars, ticks of logarithmic axes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes
from matplotlib.axes._secondary_axes import SecondaryAxis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colorbar import Colorbar
from matplotlib.markers import CARETDOWN
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, Locator
from scipy.optimize import isotonic_regression

from .figure import shortened, wrapped
from .ticks import decade_ticks, numbers

SMALL = 8.5
"""Size of secondary text, points."""

TITLE = 11.0
"""Size of a title, points."""

APART, LEAD = 1.3, (8.0, 15.0)
"""Distance of two upright names over their size, and where the line to a name begins and ends, points above
the axes."""

CROWDED = 0.6
"""Share of the names that have room from which not all may have it."""

CORNER: dict[str, Any] = {
    "fontsize": SMALL,
    "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 2.0},
    "zorder": 6,
}
"""Words in a corner of a section."""

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
    """A bold title at the left, above station marks, broken into lines as wide as `ax`."""
    if title is not None:
        text = wrapped(title, ax.get_window_extent().width * 72 / ax.figure.dpi, TITLE)
        ax.set_title(text, loc="left", fontweight="bold", fontsize=TITLE, pad=11)


def legend_beside(ax: Axes, **more: Any) -> None:
    """A legend at the right of `ax`, where it covers nothing; `more`: as for `Axes.legend`."""
    ax.legend(frameon=False, fontsize=SMALL, loc="upper left", bbox_to_anchor=(1.0, 1.0), **more)


class Exaggeration(Text):
    """The vertical exaggeration of an axis in a corner of it, whatever its size and limits become."""

    def __init__(self, ax: Axes):
        """`ax`: both of its axes have the same unit."""
        place: dict[str, Any] = {"ha": "right", "va": "bottom", "transform": ax.transAxes}
        super().__init__(0.992, 0.025, "VE 1.0", **place, **CORNER)
        self.of = ax

    def draw(self, renderer: Any) -> None:
        """Measures the axis, then draws."""
        box, (x0, x1), (z0, z1) = self.of.get_window_extent(), self.of.get_xlim(), self.of.get_ylim()
        factor = abs(box.height / (z1 - z0)) / abs(box.width / (x1 - x0))
        self.set_text(f"VE {factor:.1f}" if factor >= 0.95 else f"VE {factor:.2g}")
        super().draw(renderer)


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
    if names is not None:
        station_names(ax, km[inside], [names[int(k)] for k in inside])


def station_names(
    ax: Axes, places: Float[np.ndarray, " site"], names: Sequence[str], at: float = 1.0
) -> None:
    """Names upright above the axis at `places`, ascending, as many as have room whenever `ax` is drawn.

    - `at`: how high, as a fraction of the height of `ax`.

    Names that would meet move apart; a thin line leads from each place to its name. Where some have no
    room, the axis says how many are written.
    """
    top = ax.secondary_xaxis("top" if at == 1 else at)
    top.xaxis.set_ticks_position("top")
    top.xaxis.set_label_position("top")
    leaders = LineCollection([], colors="0.5", linewidths=0.5, transform=ax.get_xaxis_transform())
    leaders.set(clip_on=False, in_layout=False, label="_leaders")
    ax.add_artist(leaders)
    locator = NameLocator(ax, top, places, leaders, at)
    top.xaxis.set_major_locator(locator)

    def name(value: float, _: int | None = None) -> str:
        written, moved = locator.found
        return shortened(names[int(written[np.argmin(np.abs(moved - value))])]) if written.size else ""

    top.xaxis.set_major_formatter(FuncFormatter(name))
    top.tick_params(length=0, pad=LEAD[1] + 1, rotation=90, labelsize=SMALL)
    top.spines["top"].set_visible(False)


class NameLocator(Locator):
    """Where the names of ascending places stand, upright side by side, on the axis as it is now."""

    def __init__(
        self,
        ax: Axes,
        of: SecondaryAxis,
        places: Float[np.ndarray, " site"],
        leaders: LineCollection,
        at: float,
    ):
        """`of`: the axis above `ax`. `leaders`: from places to names. `at`: as in `station_names`."""
        self.ax, self.of, self.places, self.leaders, self.at = ax, of, places, leaders, at
        self.found = np.zeros(0, dtype=int), np.zeros(0)

    def __call__(self) -> Any:
        """The places in the axis' view."""
        low, high = sorted(self.of.get_xlim())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """The places of the names between two limits; which they are of is kept in `found`."""
        box, inch, count = self.ax.get_window_extent(), 72 / self.ax.figure.dpi, self.places.size
        scale = box.width * inch / (vmax - vmin)
        most = max(int(box.width * inch / (APART * SMALL)), 1)
        written = np.arange(count)
        if count > most:
            written = np.unique(np.linspace(0, count - 1, most).round().astype(int))
        places = self.places[written]
        moved = vmin + moved_apart((places - vmin) * scale, APART * SMALL, box.width * inch) / scale
        low, high = (self.at + part / (box.height * inch) for part in LEAD)
        self.leaders.set_segments(
            [[(here, low), (there, high)] for here, there in zip(places, moved, strict=True)]
        )
        # A blank keeps the room of a word: a layout is found before the axis is as long as it will be.
        nothing = " " if count > CROWDED * most else ""
        note = f"{written.size} of {count} named" if written.size < count else nothing
        self.of.set_xlabel(note, loc="right", size=SMALL)
        self.found = written, moved
        return moved


def moved_apart(
    positions: Float[np.ndarray, " point"], least: float, width: float
) -> Float[np.ndarray, " point"]:
    """Ascending positions, moved as little as makes them `least` apart, within `width` if they can."""
    steps = least * np.arange(positions.size)
    if not positions.size:
        return positions
    free = isotonic_regression(positions - steps).x
    return np.clip(free, 0.0, max(width - steps[-1], 0.0)) + steps


def colour_bar(images: Sequence[ScalarMappable], axes: Sequence[Axes], rows: int = 1) -> Colorbar:
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


def resistivity_bar(images: Sequence[ScalarMappable], axes: Sequence[Axes], rows: int = 1) -> Colorbar:
    """A `colour_bar` of images of log10 ohm m, with ticks in ohm m."""
    bar = colour_bar(images, axes, rows)
    low, high = (float(10**v) for v in images[0].get_clim())
    ticks = decade_ticks(low, high)
    bar.set_ticks(np.log10(ticks).tolist(), labels=numbers(ticks))
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
