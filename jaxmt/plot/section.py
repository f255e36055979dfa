"""Resistivity sections."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Bool, Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ..comparison import on_mesh
from ..simulation.mesh import Mesh
from .colours import RED_BLUE, resistivity_colours
from .figure import constrain
from .symbols import (
    ABSENT,
    SMALL,
    Exaggeration,
    Points,
    colour_bar,
    heading,
    require_limits,
    require_shape,
    resistivity_bar,
    rounded_decades,
    station_marks,
    station_names,
)

Resistivity = Float[np.ndarray | Array, "earth y"]
Other = Float[np.ndarray | Array, "earth_2 y_2"]
Pair = tuple[float, float]

SEA = "#CFE8F7"
"""Pale blue of sea water."""

HEADROOM = 0.06
"""Air drawn above the highest ground, as a fraction of the depth."""

MARGIN = 0.1
"""What a section shows beyond the outermost stations, as a fraction of the line."""

DEPTH = 0.5
"""Depth of a section over its width, unless stated."""

STRIP, GAP = 0.13, 0.05
"""Height of the elevations above a section, and the gap between, over the height of the section."""

LEAST_DIFFERENCE = 0.5
"""The colours of differences span at least this many decades on either side."""


def section(
    ax: Axes,
    mesh: Mesh,
    resistivity: Resistivity,
    *,
    stations: Points | None = None,
    names: Sequence[str] | None = None,
    y_range: Pair | None = None,
    depth: float | None = None,
    limits: Pair | None = None,
    trust: Float[np.ndarray | Array, "earth y"] | None = None,
    title: str | None = None,
    colorbar: bool = True,
    depths: Points | None = None,
    sea: Bool[np.ndarray, "earth y"] | None = None,
    elevations: Points | None = None,
    colours: str = RED_BLUE.name,
) -> Axes:
    """Draws log10 of a resistivity section in colour, red where conductive, depth downward, in km.

    - `resistivity`: ohm m, earth rows; NaN leaves a cell grey.
    - `stations`: m, marked by triangles on the ground; `names` are written above them.
    - `y_range`: m; by default stations and 10 % more on either side, of one as far as down, or the mesh.
    - `depth`: m; by default half the width shown, if the mesh is that deep.
    - `limits`: ohm m, lowest and highest colour; by default those of the cells shown, rounded
      outward to half decades.
    - `trust`: between 0 and 1, shape of `resistivity`; cells fade to white from 1 to 0, such as below the
      depth of investigation.
    - `depths`: m, of the stations; the triangles then point to them.
    - `sea`: True for cells of sea, drawn pale blue. What lies above the surface of the mesh is white.
    - `elevations`: m above sea level, of the stations, NaN where unknown; drawn in a strip above the
      section unless all are the same.
    - `colours`: as for `resistivity_colours`.

    A corner states the vertical exaggeration: how much longer a km is downward than along the line.
    """
    if sea is not None or mesh.surface.any():
        sea = np.zeros(mesh.shape, bool) if sea is None else sea
        require_shape("section", "sea", "earth row, column", sea.shape, mesh.shape)
        resistivity = np.where(sea | mesh.air, np.nan, np.asarray(resistivity))
    heights = np.zeros(0) if elevations is None or stations is None else np.asarray(elevations)
    ground = bool(np.nanmax(heights, initial=-np.inf) > np.nanmin(heights, initial=np.inf))
    above = None if ground else names
    image = _draw(
        "section", ax, mesh, resistivity, stations, above, y_range, depth, limits, colours, depths
    )
    if trust is not None:
        _fade(ax, mesh, np.asarray(trust, dtype=float))
    if sea is not None:
        _relief(ax, mesh, sea)
    heading(ax, title)
    if ground:
        _ground(ax, np.asarray(stations), heights, names)
    if colorbar:
        resistivity_bar([image], [ax]).set_label("Resistivity (Ω m)")
    return ax


def comparison(
    figure: Figure,
    mesh: Mesh,
    true: Other,
    recovered: Resistivity,
    *,
    stations: Points | None = None,
    names: Sequence[str] | None = None,
    y_range: Pair | None = None,
    depth: float | None = None,
    limits: Pair | None = None,
    titles: tuple[str, str] = ("True", "Recovered"),
    true_mesh: Mesh | None = None,
    colours: str = RED_BLUE.name,
) -> list[Axes]:
    r"""Draws two sections, one above the other, in the same colours, and how they differ.

    Arguments as in `section`; `limits` are by default those of the `true` section, and `true_mesh`, on
    which it stands, is `mesh`. The third panel shows $\log_{10}$ of the second over the first, red where
    the second conducts more. Reads well on 9 by 10 inches. Returns the axes from the top.
    """
    constrain(figure)
    upper, lower, third = figure.subplots(3, 1, sharex=True, sharey=True)
    y_range, depth = window(mesh, stations, y_range, depth)
    true_mesh = mesh if true_mesh is None else true_mesh
    first = _draw("comparison", upper, true_mesh, true, stations, names, y_range, depth, limits, colours)
    low, high = first.get_clim()
    ends = float(10**low), float(10**high)
    second = _draw("comparison", lower, mesh, recovered, stations, None, y_range, depth, ends, colours)
    ratio = np.asarray(recovered) / on_mesh(true_mesh, np.asarray(true), mesh)
    differences = _differences(third, mesh, np.log10(ratio), visible(mesh, y_range, depth))
    if stations is not None:
        station_marks(third, np.asarray(stations))
    third.add_artist(Exaggeration(third))
    third.set(xlabel="Distance (km)", ylabel="Depth (km)")
    for ax, title in zip((upper, lower, third), (*titles, "Difference, second over first"), strict=True):
        heading(ax, title)
    for ax in (upper, lower):
        ax.set_xlabel("")
    resistivity_bar([first, second], [upper, lower], rows=2).set_label("Resistivity (Ω m)")
    colour_bar([differences], [third]).set_label("log10 of the ratio")
    return [upper, lower, third]


def _differences(
    ax: Axes, mesh: Mesh, log10_ratio: Float[np.ndarray, "earth y"], shown: tuple[slice, slice]
) -> QuadMesh:
    """Differences in decades, white where there is none, in colours that hold 98 % of those shown."""
    size = np.abs(log10_ratio[shown][np.isfinite(log10_ratio[shown])])
    reach = max(float(np.percentile(size, 98)), LEAST_DIFFERENCE) if size.size else LEAST_DIFFERENCE
    reach = float(np.ceil(4 * reach) / 4)
    ax.set_facecolor(ABSENT)
    return ax.pcolormesh(
        mesh.y_nodes / 1e3,
        mesh.earth_nodes / 1e3,
        np.ma.masked_invalid(log10_ratio),
        cmap="RdBu",
        vmin=-reach,
        vmax=reach,
        rasterized=True,
    )


def _draw(
    function: str,
    ax: Axes,
    mesh: Mesh,
    resistivity: Resistivity,
    stations: Points | None,
    names: Sequence[str] | None,
    y_range: Pair | None,
    depth: float | None,
    limits: Pair | None,
    colours: str,
    depths: Points | None = None,
) -> QuadMesh:
    """The section without title and colour bar; `function` is named in errors."""
    log10_rho = _log10(function, mesh, np.asarray(resistivity))
    y_range, depth = window(mesh, stations, y_range, depth)
    require_limits(function, "y_range", "m", y_range, -np.inf)
    require_limits(function, "depth", "m", (0.0, depth), -np.inf)
    limits = rounded_decades(log10_rho[visible(mesh, y_range, depth)]) if limits is None else limits
    require_limits(function, "limits", "ohm m", limits, 0.0)
    image = ax.pcolormesh(
        mesh.y_nodes / 1e3,
        mesh.earth_nodes / 1e3,
        np.ma.masked_invalid(log10_rho),
        cmap=resistivity_colours(colours),
        vmin=np.log10(limits[0]),
        vmax=np.log10(limits[1]),
        rasterized=True,
    )
    ax.set_facecolor(ABSENT)
    ax.set(xlim=np.array(y_range) / 1e3, ylim=(depth / 1e3, 0), xlabel="Distance (km)", ylabel="Depth (km)")
    if stations is not None:
        if names is not None:
            require_shape(function, "names", "station", (len(names),), stations.shape)
        if depths is not None:
            require_shape(function, "depths", "station", depths.shape, stations.shape)
            depths = np.asarray(depths)
        station_marks(ax, np.asarray(stations), names, depths)
    ax.add_artist(Exaggeration(ax))
    return image


def _ground(
    ax: Axes,
    stations: Float[np.ndarray, " site"],
    elevations: Float[np.ndarray, " site"],
    names: Sequence[str] | None,
) -> None:
    """Elevations (m) in a strip above the section, the names above it."""
    require_shape("section", "elevations", "station", elevations.shape, stations.shape)
    order = np.argsort(stations)
    order = order[np.isfinite(elevations[order])]
    strip = ax.inset_axes((0.0, 1 + GAP, 1.0, STRIP))
    strip.set_label("elevation")
    y, z = stations[order] / 1e3, elevations[order]
    low, high = float(z.min()), float(z.max())
    margin = 0.25 * (high - low)
    strip.fill_between(y, low - margin, z, color="0.85", linewidth=0)
    strip.plot(y, z, color="black", lw=0.8, marker=".", ms=4)
    strip.set(xlim=ax.get_xlim(), ylim=(low - margin, high + 2 * margin))
    ticks = [low] if high - low < 1 else [low, high]
    strip.set_yticks(ticks, [f"{tick:.0f} m" for tick in ticks], fontsize=SMALL)
    strip.tick_params(bottom=False, labelbottom=False)
    for side in ("top", "right"):
        strip.spines[side].set_visible(False)
    if names is not None:
        low, high = ax.get_xlim()
        inside = [int(k) for k in np.argsort(stations) if low <= stations[k] / 1e3 <= high]
        station_names(ax, stations[inside] / 1e3, [names[k] for k in inside], 1 + GAP + STRIP)


def _relief(ax: Axes, mesh: Mesh, sea: Bool[np.ndarray, "earth y"]) -> None:
    """Sea and air over the section, and the line of the ground."""
    bottom, _ = ax.get_ylim()
    ax.set_ylim(bottom, -HEADROOM * bottom)
    y, z, surface = mesh.y_nodes / 1e3, mesh.earth_nodes / 1e3, mesh.surface / 1e3
    water = np.ma.masked_equal(sea.astype(float), 0.0)
    ax.pcolormesh(y, z, water, cmap=ListedColormap([SEA]), rasterized=True)
    ax.fill_between(y, -HEADROOM * bottom, surface, color="white", linewidth=0)
    ax.plot(y, surface, color="black", linewidth=0.8)


def _fade(ax: Axes, mesh: Mesh, trust: Float[np.ndarray, "earth y"]) -> None:
    """White over the section, as opaque as trust is low."""
    require_shape("section", "trust", "earth row, column", trust.shape, mesh.shape)
    if not np.all((trust >= 0) & (trust <= 1)):
        raise ValueError(
            f"`section(trust=...)` must lie between 0 and 1. Got {np.nanmin(trust)} to {np.nanmax(trust)}."
        )
    white = np.concatenate([np.ones((*mesh.shape, 3)), 1 - trust[..., None]], axis=-1)
    ax.pcolormesh(mesh.y_nodes / 1e3, mesh.earth_nodes / 1e3, white, rasterized=True, label="trust")


def _log10(
    function: str, mesh: Mesh, resistivity: Float[np.ndarray, "earth y"]
) -> Float[np.ndarray, "earth y"]:
    require_shape(function, "resistivity", "earth row, column", resistivity.shape, mesh.shape)
    if np.any(resistivity <= 0):
        raise ValueError(
            f"`{function}(resistivity=...)` must be positive, in ohm m. The lowest is "
            f"{np.nanmin(resistivity)}; give resistivities, not their logarithms."
        )
    return np.log10(resistivity)


def window(
    mesh: Mesh, stations: Points | None, y_range: Pair | None, depth: float | None
) -> tuple[Pair, float]:
    """What to show, m: `y_range` and `depth` where they are given, else their defaults."""
    if y_range is None:
        low, high = float(mesh.y_nodes[0]), float(mesh.y_nodes[-1])
        if stations is not None and np.size(stations):
            # A single station has no line to be a part of.
            margin = MARGIN * float(np.ptp(stations)) or window(mesh, None, None, depth)[1]
            low = max(low, float(np.min(stations)) - margin)
            high = min(high, float(np.max(stations)) + margin)
        y_range = low, high
    deep = min(float(mesh.z_nodes[-1]), DEPTH * (y_range[1] - y_range[0])) if depth is None else depth
    return y_range, deep


def visible(mesh: Mesh, y_range: Pair, depth: float) -> tuple[slice, slice]:
    """Rows and columns that a window shows a part of."""
    columns = np.searchsorted(mesh.y_nodes, y_range)
    rows = np.searchsorted(mesh.earth_nodes, depth)
    return slice(0, int(rows)), slice(max(int(columns[0]) - 1, 0), int(columns[1]))
