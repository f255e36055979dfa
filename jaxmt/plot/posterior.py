"""What draws from a posterior say: sections, columns under stations, and how chains ran."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..sampling.posterior import Posterior
from .colours import RED_BLUE
from .figure import constrain, shortened
from .section import Pair, section, visible, window
from .symbols import (
    ABSENT,
    SMALL,
    Exaggeration,
    Points,
    colour_bar,
    heading,
    resistivity_bar,
    rounded_decades,
    station_marks,
)
from .ticks import log_axis

BANDS = ((0.025, 0.975, "0.85"), (0.16, 0.84, "0.65"))
"""Parts of the draws between which a band of a fan lies, and its grey: 95 and 68 %."""

COLUMNS = 6
"""Stations at most under which columns are drawn."""

CONDUCTOR = 10.0
"""Resistivity below which ground counts as a conductor unless another is given, ohm m."""

CHAINS = ("#0077BB", "#CC3311", "#009988", "#EE7733", "#AA3377", "#555555")


def posterior_sections(
    figure: Figure,
    found: Posterior,
    *,
    conductor: float = CONDUCTOR,
    stations: Points | None = None,
    names: Sequence[str] | None = None,
    y_range: Pair | None = None,
    depth: float | None = None,
    limits: Pair | None = None,
    colours: str = RED_BLUE.name,
) -> list[Axes]:
    """Draws the median of the draws, the most probable section, and the probability of a conductor.

    - `conductor`: ohm m, below which a cell counts as one. Other arguments as in `section`; `limits` are
      by default those of the median.

    Reads well on 9 by 10 inches. Returns the axes from the top.
    """
    constrain(figure)
    upper, middle, lower = figure.subplots(3, 1, sharex=True, sharey=True)
    y_range, depth = window(found.mesh, stations, y_range, depth)
    shown, median = visible(found.mesh, y_range, depth), found.median
    limits = rounded_decades(median[shown]) if limits is None else limits
    same = {"stations": stations, "y_range": y_range, "depth": depth, "limits": limits, "colours": colours}
    titles = ("Median of the draws", "Most probable section")
    for ax, values, title in zip((upper, middle), (median, found.mode), titles, strict=True):
        above = names if ax is upper else None
        section(ax, found.mesh, 10**values, names=above, title=title, colorbar=False, **same)
        ax.set_xlabel("")
    image = lower.pcolormesh(
        found.mesh.y_nodes / 1e3,
        found.mesh.earth_nodes / 1e3,
        np.ma.masked_where(~found.free, 1 - found.exceeds(conductor)),
        cmap="viridis",
        vmin=0.0,
        vmax=1.0,
        rasterized=True,
    )
    lower.set_facecolor(ABSENT)
    if stations is not None:
        station_marks(lower, np.asarray(stations))
    lower.add_artist(Exaggeration(lower))
    lower.set(xlabel="Distance (km)", ylabel="Depth (km)")
    heading(lower, f"Probability of less than {conductor:g} Ω m")
    images = [upper.collections[0], middle.collections[0]]
    resistivity_bar(images, [upper, middle], rows=2).set_label("Resistivity (Ω m)")
    colour_bar([image], [lower]).set_label("Probability")
    return [upper, middle, lower]


def posterior_columns(
    figure: Figure,
    found: Posterior,
    stations: Points,
    *,
    names: Sequence[str] | None = None,
    depth: float | None = None,
) -> list[Axes]:
    """Draws resistivity with depth under stations: the median in a fan of the draws, and the mode.

    The fan holds 68 and 95 % of the draws. Of many stations six are drawn, evenly along the line. Reads
    well on 9 by 5 inches. Returns the axes from the left.
    """
    constrain(figure)
    places = np.asarray(stations, dtype=float)
    order = np.argsort(places)
    order = order[np.unique(np.linspace(0, order.size - 1, min(COLUMNS, order.size)).round().astype(int))]
    mesh = found.mesh
    _, depth = window(mesh, places, None, depth)
    axes = figure.subplots(1, order.size, sharex=True, sharey=True, squeeze=False)[0]
    parts = sorted({part for low, high, _ in BANDS for part in (low, high)} | {0.5})
    quantiles = dict(zip(parts, found.quantiles(parts), strict=True))
    for ax, k in zip(axes, order, strict=True):
        column = int(np.clip(np.searchsorted(mesh.y_nodes, places[k], side="right") - 1, 0, mesh.n_y - 1))
        z = np.repeat(mesh.earth_nodes / 1e3, 2)[1:-1]
        for low, high, grey in BANDS:
            edges = [np.repeat(10 ** quantiles[part][:, column], 2) for part in (low, high)]
            label = f"{100 * (high - low):.0f} % of the draws"
            ax.fill_betweenx(z, *edges, color=grey, lw=0, label=label)
        for values, colour, dashes, label in (
            (quantiles[0.5], "black", "-", "median"),
            (found.mode, "#CC3311", "--", "most probable"),
        ):
            ax.plot(np.repeat(10 ** values[:, column], 2), z, color=colour, ls=dashes, lw=1.5, label=label)
        ax.set_xscale("log")
        log_axis(ax.xaxis)
        ax.set_ylim(depth / 1e3, 0)
        heading(ax, f"{places[k] / 1e3:.3g} km" if names is None else shortened(names[int(k)]))
    axes[0].set_ylabel("Depth (km)")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(
        *handles, frameon=False, fontsize=SMALL, loc="outside upper center", ncols=len(handles[0])
    )
    figure.supxlabel("Resistivity (Ω m)")
    return list(axes)


def posterior_traces(figure: Figure, found: Posterior) -> list[Axes]:
    """Draws how the chains ran: in the cell of the largest R-hat, and the density.

    Reads well on 9 by 5 inches. Returns the axes from the top.
    """
    constrain(figure)
    axes = figure.subplots(2, 1, sharex=True)
    row, column = found.worst
    y, z = found.mesh.y_centres[column] / 1e3, found.mesh.z_centres[row] / 1e3
    worst = f"{y:.3g} km, {z:.3g} km deep: R-hat {found.rhat[row, column]:.3f}, "
    panels = (
        (10 ** found.log10_resistivity[:, :, row, column], "Resistivity (Ω m)"),
        (found.log_density - found.log_density.max(), "Log density"),
    )
    for ax, (chains, label) in zip(axes, panels, strict=True):
        for k, chain in enumerate(chains):
            ax.plot(np.arange(1, chain.size + 1), chain, color=CHAINS[k % len(CHAINS)], lw=0.8)
        ax.set_ylabel(label)
    axes[0].set_yscale("log")
    log_axis(axes[0].yaxis)
    heading(axes[0], f"{worst}{found.ess[row, column]:.0f} effective draws")
    axes[1].set_xlabel("Draw")
    axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
    return list(axes)
