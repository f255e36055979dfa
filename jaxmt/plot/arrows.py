"""Induction arrows over distance and period."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, TextArea, VPacker
from matplotlib.patches import FancyArrowPatch

from ..processing.site import Site
from .symbols import SMALL, heading, require_shape, spread
from .tensors import Places, frame, roomy

CONVENTIONS = {
    "parkinson": ("Parkinson: towards conductors", -1.0),
    "wiese": ("Wiese: away from conductors", 1.0),
}
"""What a convention says, and the sign of the tipper in it; z is down, $e^{+i\\omega t}$."""

LONGEST = 1.0
"""Longer arrows are no induction in the ground; they are counted and left out."""

USUAL, INCHES, LONG = 0.9, 0.42, 1.8
"""Quantile of the lengths that is drawn so many inches long, and the longest at most over that."""

APART = 9.0
"""Points from one arrow of a station to the next, at least, and from station to station in the median."""


def arrow(site: Site) -> Float[np.ndarray, "2 freq"]:
    r"""East and north part of the real tipper, $\mathrm{Re}\,(T_y, T_x)$ turned to north."""
    north, east = np.real(site.tipper).T
    turn = np.deg2rad(site.azimuth)
    return np.stack(
        [north * np.sin(turn) + east * np.cos(turn), north * np.cos(turn) - east * np.sin(turn)]
    )


def induction_arrows(
    ax: Axes,
    sites: Sequence[Site],
    distances: Places,
    *,
    convention: str = "parkinson",
    title: str | None = None,
) -> Axes:
    """Draws the real induction arrow of every station and period, north upward and east to the right.

    - `distances`: y of each site, m; a site at NaN is left out.
    - `convention`: "parkinson", towards conductors, or "wiese", away from them.

    The title ends in the convention. Where periods, or stations in the median, lie closer than arrows
    can be told apart some are left out. Raises `ValueError` if no site with a position has a tipper.
    """
    if convention not in CONVENTIONS:
        raise ValueError(
            f"`induction_arrows(convention=...)` must be one of {', '.join(CONVENTIONS)}. "
            f"Got {convention!r}."
        )
    require_shape("induction_arrows", "distances", "site", distances.shape, (len(sites),))
    words, sign = CONVENTIONS[convention]
    frame(ax, "induction_arrows", sites, distances)
    height = ax.get_window_extent().height * 72 / ax.figure.dpi
    scale = height / abs(np.diff(np.log10(ax.get_ylim()))[0])
    places, parts, long = [np.zeros((0, 2))], [np.zeros((2, 0))], 0
    for k, site in roomy(ax, sites, distances, APART):
        real = sign * arrow(site)
        length = np.hypot(*real)
        long += int(np.sum(length > LONGEST))
        exists = np.flatnonzero(length <= LONGEST)
        exists = exists[np.argsort(-site.frequencies[exists])]
        exists = exists[spread(-np.log10(site.frequencies[exists]) * scale, APART)]
        y = np.full(exists.size, distances[k] / 1e3)
        places.append(np.stack([y, 1 / site.frequencies[exists]], axis=1))
        parts.append(real[:, exists])
    place, part = np.concatenate(places), np.concatenate(parts, axis=1)
    if not part.size and not long:
        raise ValueError("`induction_arrows(sites=...)`: no site with a position has a tipper.")
    lengths = np.hypot(*part) if part.size else np.array([LONGEST])
    usual = max(float(np.quantile(lengths, USUAL)), float(lengths.max()) / LONG, 0.05)
    key = max(0.1, round(usual, 1))
    points = 72 * INCHES / usual
    width = ax.get_window_extent().width * 72 / ax.figure.dpi
    across, down = 1.05 * points * part / np.array([[width], [-height]])
    bottom, top = np.log10(ax.get_ylim())
    top, bottom = _with_tips(top, bottom, np.log10(place[:, 1]), down)
    ax.set_ylim(10**bottom, 10**top)
    ax.set_xlim(_with_tips(*ax.get_xlim(), place[:, 0], across))
    ax.quiver(
        *place.T,
        *part,
        angles="uv",
        units="inches",
        scale_units="inches",
        scale=usual / INCHES,
        width=0.012,
        headwidth=4,
        color="black",
        label="induction arrows",
        zorder=3,
    )
    _key(ax, key, points * key)
    note = f" ({long} longer than {LONGEST:g} left out)" if long else ""
    heading(ax, f"{title or 'Real induction arrows'}. {words}; north is up{note}")
    return ax


def _with_tips(
    low: float, high: float, at: Float[np.ndarray, " arrow"], reach: Float[np.ndarray, " arrow"]
) -> tuple[float, float]:
    """The ends of an axis moved as far as the tips of arrows.

    - `at`: where they begin. `reach`: how far they go, over the length of the axis as long as it becomes.
    """
    # Tips at + reach (high - low) lie within.
    high = max(high, float(((at - low * reach) / (1 - reach)).max(initial=high)))
    low = min(low, float(((at + reach * high) / (1 + reach)).min(initial=low)))
    return low, high


def _key(ax: Axes, length: float, points: float) -> None:
    """How long an arrow is on the page, right of the axes."""
    area = DrawingArea(points, 8)
    area.add_artist(
        FancyArrowPatch(
            (0, 4), (points, 4), arrowstyle="-|>", shrinkA=0, shrinkB=0, mutation_scale=6, color="black"
        )
    )
    words = TextArea(f"{length:.1f}", textprops={"fontsize": SMALL})
    ax.add_artist(
        AnchoredOffsetbox(
            "upper left",
            child=VPacker(pad=0, sep=2, align="center", children=[area, words]),
            pad=0,
            borderpad=0,
            frameon=False,
            bbox_to_anchor=(1.01, 1.0),
            bbox_transform=ax.transAxes,
        )
    )
