"""How far a section can be trusted."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from ..inversion.appraisal import Uncertainty
from .figure import constrain
from .section import Pair, visible, window
from .symbols import ABSENT, Exaggeration, Points, colour_bar, heading, station_marks
from .ticks import log_axis

FULL, LEAST = 0.98, 0.1
"""Part of the area shown at which the colours end, and the fewest decades of deviation they span."""


def uncertainty(
    figure: Figure,
    found: Uncertainty,
    *,
    stations: Points | None = None,
    names: Sequence[str] | None = None,
    y_range: Pair | None = None,
    depth: float | None = None,
) -> list[Axes]:
    """Draws standard deviation and width of resolution, with the depth of investigation as a line.

    Arguments as in `section`. The colours of the width are those of the cells above the depth of
    investigation; deeper ones may lie beyond, and where there is no resolution at all it is grey. Reads
    well on 9 by 8 inches.
    """
    constrain(figure)
    axes = list(figure.subplots(2, 1, sharex=True, sharey=True))
    y_range, depth = window(found.mesh, stations, y_range, depth)
    width, shown = found.width / 1e3, visible(found.mesh, y_range, depth)
    reach = found.depth_of_investigation() / 1e3
    area = (found.mesh.dz[:, None] * found.mesh.dy)[shown]
    seen = (found.mesh.z_centres[:, None] / 1e3 <= reach)[shown] & np.isfinite(width[shown])
    # By number: what lies shallow is narrow, and takes little of the area.
    alike = np.ones(np.count_nonzero(seen))
    narrowest, widest = _decade(
        _quantile(width[shown][seen], alike, 1 - FULL), _quantile(width[shown][seen], area[seen], FULL)
    )
    largest = max(_quantile(found.deviation[shown].ravel(), area.ravel(), FULL), LEAST)
    panels: tuple[tuple[str, Float[np.ndarray, "earth y"], Normalize, str], ...] = (
        ("Standard deviation of log10 resistivity", found.deviation, Normalize(0.0, largest), "Decades"),
        ("Width over which a cell is an average", width, LogNorm(narrowest, widest), "km"),
    )
    mesh = found.mesh
    line = "; white line: depth of investigation" if np.any(reach[shown[1]] < depth / 1e3) else ""
    for ax, (title, values, norm, unit) in zip(axes, panels, strict=True):
        image = ax.pcolormesh(
            mesh.y_nodes / 1e3,
            mesh.earth_nodes / 1e3,
            np.ma.masked_invalid(values),
            norm=norm,
            cmap="viridis",
            rasterized=True,
        )
        ax.set_facecolor(ABSENT)
        for colour, lw in (("black", 3.0), ("white", 1.5)):
            ax.step(mesh.y_centres / 1e3, reach, where="mid", color=colour, lw=lw)
        ax.set(xlim=np.array(y_range) / 1e3, ylim=(depth / 1e3, 0), ylabel="Depth (km)")
        if stations is not None:
            station_marks(ax, np.asarray(stations), names if ax is axes[0] else None)
        ax.add_artist(Exaggeration(ax))
        heading(ax, f"{title}{line}")
        bar = colour_bar([image], [ax])
        bar.set_label(unit)
        if isinstance(norm, LogNorm):
            log_axis(bar.ax.yaxis)
    axes[1].set_xlabel("Distance (km)")
    return axes


def _quantile(values: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"], part: float) -> float:
    """The value below which that part of the weight lies; 1 for none."""
    values, weights = values[np.isfinite(values)], weights[np.isfinite(values)]
    if not values.size:
        return 1.0
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(below, part * below[-1]), values.size - 1)])


def _decade(low: float, high: float) -> Pair:
    """The ends of a logarithmic scale of a decade at least."""
    return (low, high) if high >= 10 * low else (high / 10, high)
