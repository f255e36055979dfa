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
from .symbols import Points, colour_bar, heading, station_marks

FULL, LEAST = 0.98, 0.1
"""Quantile of the standard deviation at which the colours end, and the fewest decades they span."""


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

    Arguments as in `section`. Reads well on 12 by 9 inches.
    """
    constrain(figure)
    axes = list(figure.subplots(2, 1, sharex=True, sharey=True))
    y_range, depth = window(found.mesh, stations, y_range, depth)
    width, shown = found.width / 1e3, visible(found.mesh, y_range, depth)
    widest = (y_range[1] - y_range[0]) / 1e3
    narrowest = min(float(np.min(width[shown])), 0.1 * widest)
    largest = max(float(np.quantile(found.deviation[shown], FULL)), LEAST)
    panels: tuple[tuple[str, Float[np.ndarray, "earth y"], Normalize, str], ...] = (
        ("Standard deviation of log10 resistivity", found.deviation, Normalize(0.0, largest), "Decades"),
        ("Width over which a cell is an average", width, LogNorm(narrowest, widest), "km"),
    )
    mesh = found.mesh
    reach = found.depth_of_investigation() / 1e3
    for ax, (title, values, norm, unit) in zip(axes, panels, strict=True):
        image = ax.pcolormesh(
            mesh.y_nodes / 1e3,
            mesh.earth_nodes / 1e3,
            np.ma.masked_invalid(values),
            norm=norm,
            cmap="viridis",
            rasterized=True,
        )
        ax.step(mesh.y_centres / 1e3, reach, where="mid", color="white", lw=1.5)
        ax.set(xlim=np.array(y_range) / 1e3, ylim=(depth / 1e3, 0), ylabel="Depth (km)")
        if stations is not None:
            station_marks(ax, np.asarray(stations), names if ax is axes[0] else None)
        heading(ax, title)
        colour_bar([image], [ax]).set_label(unit)
    axes[1].set_xlabel("Distance (km)")
    return axes
