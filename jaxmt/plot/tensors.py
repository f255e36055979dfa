"""Sections of the phase tensor over distance and period: ellipses, and the dimension they ask for."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Patch

from ..processing import dimensionality, phase_tensor
from ..processing.site import Site
from .symbols import ABSENT, SMALL, cell_edges, heading, require_limits, require_shape, spread
from .symbols import station_marks as mark
from .ticks import log_axis

COLOURS = {
    "beta": ("RdBu_r", "Skew angle β (°)", (-6.0, 6.0)),
    "phi_min": ("viridis", "Smaller phase (°)", (0.0, 90.0)),
}
"""Colour map, label and default limits of what the ellipses are filled with."""

DIMENSIONS = ("#4477AA", "#CCBB44", "#AA3377")
"""Colours of 1-D, 2-D, 3-D."""

LONE = 1e3
SMALLEST, LARGEST = 5.0, 13.0
"""Length of the longer axis of an ellipse, points."""

Places = Float[np.ndarray, " site"]


def tensor_section(
    ax: Axes,
    sites: Sequence[Site],
    distances: Places,
    *,
    colour: str = "beta",
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    colorbar: bool = True,
    names: bool = True,
) -> Axes:
    r"""Draws an ellipse for the phase tensor of every station and period.

    - `distances`: y of each site, m; a site at NaN is left out.
    - `colour`: "beta", the skew, 0 for a 2-D earth, or "phi_min", the smaller principal phase; degrees.
    - `limits`: of the colours, degrees; by default -6 to 6, and 0 to 90.
    - `names`: whether the stations' names are written above their triangles.

    North is up and east is right in every ellipse, whatever the profile: the longer axis points along
    or across strike. Its length is the same for all, the shorter one in the ratio
    $|\Phi_{min}/\Phi_{max}|$. Where periods, or stations in the median, lie closer than ellipses
    fit, some are left out.
    """
    if colour not in COLOURS:
        raise ValueError(
            f"`tensor_section(colour=...)` must be one of {', '.join(COLOURS)}. Got {colour!r}."
        )
    colours, label, default = COLOURS[colour]
    low, high = default if limits is None else limits
    require_limits("tensor_section", "limits", "degrees", (low, high), -np.inf)
    frame(ax, "tensor_section", sites, distances, names=names)
    norm = Normalize(low, high)
    size = _room(ax, distances)
    offsets, angles, ratios, values = [], [], [], []
    for k, site in roomy(ax, sites, distances, SMALLEST):
        tensor = phase_tensor(site)
        exists = np.flatnonzero(np.isfinite(tensor.azimuth) & np.isfinite(tensor.ellipticity))
        exists = exists[np.argsort(-site.frequencies[exists])]
        # Points per decade of the period axis.
        scale = (
            ax.get_window_extent().height * 72 / ax.figure.dpi / abs(np.diff(np.log10(ax.get_ylim()))[0])
        )
        exists = exists[spread(-np.log10(site.frequencies[exists]) * scale, size)]
        offsets += [(distances[k] / 1e3, 1 / f) for f in site.frequencies[exists]]
        angles.append(90 - tensor.azimuth[exists])
        # (pi_2 - pi_1) / (pi_2 + pi_1) from their ratio.
        ratios.append(np.abs((1 - tensor.ellipticity[exists]) / (1 + tensor.ellipticity[exists])))
        values.append((tensor.beta if colour == "beta" else tensor.phi_min)[exists])
    ratio = np.concatenate([np.zeros(0), *ratios])
    ax.add_collection(
        EllipseCollection(
            np.full(ratio.size, size),
            size * np.maximum(ratio, 0.05),
            np.concatenate([np.zeros(0), *angles]),
            units="points",
            offsets=np.array(offsets).reshape(-1, 2),
            offset_transform=ax.transData,
            facecolors=ScalarMappable(norm, colours).to_rgba(np.concatenate([np.zeros(0), *values])),
            edgecolors="0.25",
            linewidths=0.4,
            label="phase tensors",
        ),
        autolim=False,
    )
    if colorbar:
        bar = ax.figure.colorbar(ScalarMappable(norm, colours), ax=ax, pad=0.02, aspect=25, extend="both")
        bar.set_label(label)
    heading(ax, title)
    return ax


def dimensionality_section(
    ax: Axes,
    sites: Sequence[Site],
    distances: Places,
    *,
    max_beta: float = 3.0,
    max_ellipticity: float = 0.1,
    title: str | None = None,
) -> Axes:
    """Draws whether each datum asks for a 1-D, 2-D or 3-D earth, as `processing.dimensionality` says.

    - `distances`: y of each site, m; a site at NaN is left out.
    - `max_beta`, `max_ellipticity`: as in `dimensionality`, with one standard deviation of tolerance.

    The legend gives the share of each. Data without a phase tensor stay grey.
    """
    frame(ax, "dimensionality_section", sites, distances)
    placed = list(located(sites, distances))
    edges = cell_edges(np.array([distances[k] for k, _ in placed]), LONE) / 1e3
    counts = np.zeros(4, dtype=int)
    for column, (_, site) in enumerate(placed):
        found = dimensionality(phase_tensor(site), max_beta=max_beta, max_ellipticity=max_ellipticity)
        counts += np.bincount(found, minlength=4)
        order = np.argsort(-site.frequencies)
        periods = 10 ** cell_edges(-np.log10(site.frequencies[order]), 0.5)
        ax.pcolormesh(
            edges[column : column + 2],
            periods,
            np.ma.masked_equal(found[order][:, None], 0),
            cmap=ListedColormap(DIMENSIONS),
            vmin=0.5,
            vmax=3.5,
            rasterized=True,
        )
    share = counts[1:] / max(1, counts[1:].sum())
    ax.legend(
        handles=[
            Patch(color=c, label=f"{d}-D  {100 * s:.0f} %")
            for d, c, s in zip((1, 2, 3), DIMENSIONS, share, strict=True)
        ],
        frameon=False,
        fontsize=SMALL,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    heading(ax, title)
    return ax


def located(sites: Sequence[Site], distances: Places) -> Iterator[tuple[int, Site]]:
    """Index and site of those with a position and a frequency, along the profile."""
    for k in np.argsort(distances):
        if np.isfinite(distances[k]) and sites[k].frequencies.size:
            yield int(k), sites[k]


def roomy(ax: Axes, sites: Sequence[Site], distances: Places, least: float) -> list[tuple[int, Site]]:
    """Those of `located` so many points from each other at least; all, unless most stand closer."""
    found = list(located(sites, distances))
    low, high = ax.get_xlim()
    scale = ax.get_window_extent().width * 72 / ax.figure.dpi / (high - low)
    points = np.array([distances[k] for k, _ in found]) / 1e3 * scale
    crowded = points.size > 1 and np.median(np.diff(points)) < least
    return [found[j] for j in spread(points, least)] if crowded else found


def frame(ax: Axes, function: str, sites: Sequence[Site], distances: Places, *, names: bool = True) -> None:
    """Axes, ticks and station marks for all sites with a position; `names`: whether they are written."""
    require_shape(function, "distances", "site", distances.shape, (len(sites),))
    placed = list(located(sites, distances))
    if not placed:
        raise ValueError(f"`{function}(sites=..., distances=...)`: no site has a position and a frequency.")
    places = np.array([distances[k] for k, _ in placed])
    columns = cell_edges(places, LONE) / 1e3
    log_period = np.sort(np.concatenate([-np.log10(site.frequencies) for _, site in placed]))
    # Room for half an ellipse; cells have their own.
    margin = (0.02 if function.startswith("dim") else 0.035) * max(float(np.ptp(log_period)), 5.0)
    top, bottom = 10 ** (log_period[0] - margin), 10 ** (log_period[-1] + margin)
    ax.set_facecolor(ABSENT if function.startswith("dim") else "white")
    ax.set_yscale("log")
    ax.set(xlim=(columns[0], columns[-1]), ylim=(bottom, top), xlabel="Distance (km)", ylabel="Period (s)")
    log_axis(ax.yaxis)
    mark(ax, places, tuple(site.name for _, site in placed) if names else None)


def _room(ax: Axes, distances: Places) -> float:
    """Length of an ellipse's longer axis, points: what fits between the stations."""
    places = np.unique(distances[np.isfinite(distances)])
    if places.size < 2:
        return LARGEST
    low, high = ax.get_xlim()
    points = ax.get_window_extent().width * 72 / ax.figure.dpi / (high - low)
    return float(np.clip(0.9 * np.median(np.diff(places)) / 1e3 * points, SMALLEST, LARGEST))
