"""The stations from above, with the profile that they are projected on."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, VPacker
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from ..processing import positions
from ..processing.site import Site
from .figure import shortened
from .graticule import Graticule
from .station_labels import label_stations
from .symbols import SMALL, heading

BAR, ENTRY = 0.18, 15.5
"""Length of the scale bar at most over the width of the map, and height of a line of the legend, points."""

BEYOND = 11.0
"""From the first station of a line to its name, points."""

LINE = "#0077BB"
STRIKE = "#CC3311"


def station_map(
    ax: Axes,
    sites: Sequence[Site],
    *,
    strike: float | None = None,
    kept: Collection[str] | Collection[int] | None = None,
    direction: float | None = None,
    lines: Mapping[str, Sequence[int]] | None = None,
    title: str | None = None,
) -> Axes:
    """Draws the stations with profile, strike, meridians and parallels, a scale bar, and north.

    Beside the axes stand legend, arrow and bar, and where names have no room at the stations, a key to
    the numbers that stand there instead, along the line. Where no latitude and longitude is known the axes
    are easting and northing, km. Reads well on 9 by 7 inches.

    - `strike`: degrees clockwise from north; the profile runs at right angles to it through the mean of
      the stations, which thin lines project on it.
    - `kept`: the stations in the inversion, their names, or their indices where several have one name; the
      others are hollow. By default all.
    - `direction`: degrees of the profile where it is not across strike.
    - `lines`: names of lines and the indices of their stations, written at their ends and joined.

    Stations without position are not drawn; raises `ValueError` if none has one.
    """
    place = positions(sites)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    if not known.size:
        raise ValueError(
            "`station_map(sites=...)`: no site has a position; set latitude and longitude, or easting and "
            "northing, with `dataclasses.replace`."
        )
    names = [sites[int(k)].name for k in known]
    used = np.array(
        [kept is None or int(k) in kept or name in kept for k, name in zip(known, names, strict=True)]
    )
    middle = place[known][used if used.any() else slice(None)].mean(axis=0)
    north, east = ((place[known] - middle) / 1e3).T
    ax.set_aspect("equal", adjustable="datalim")
    if strike is not None:
        shown = used if lines and used.any() else np.full(used.size, True)
        _profile(ax, east[shown], north[shown], strike, strike + 90 if direction is None else direction)
    if lines is not None and len(lines) > 1:
        full = np.full(place.shape, np.nan)
        full[known] = np.stack([east, north], axis=1)
        for name, members in lines.items():
            _joined(ax, full[list(members)], name)
    for chosen, fill, label in ((used, "black", "stations"), (~used, "white", "left out")):
        if chosen.any():
            ax.plot(
                east[chosen],
                north[chosen],
                linestyle="none",
                marker="v",
                markersize=7,
                markerfacecolor=fill,
                markeredgecolor="black",
                zorder=4,
                label=label,
            )
    ax.margins(0.12)
    ax.autoscale_view()
    towards = strike + 90 if direction is None and strike is not None else direction
    key = label_stations(ax, np.stack([east, north], axis=1), names, towards)
    graticule = Graticule.of([sites[int(k)] for k in known], np.stack([east, north], axis=1))
    if graticule is None:
        ax.set(xlabel="Easting (km)", ylabel="Northing (km)")
        ax.grid(color="0.9", lw=0.8)
    else:
        graticule.draw_on(ax)
        ax.set(xlabel="Longitude", ylabel="Latitude")
    ax.set_axisbelow(True)
    handles, _ = ax.get_legend_handles_labels()
    style = {"frameon": False, "fontsize": SMALL, "borderaxespad": 0.0}
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), **style)
    _beside(ax, len(handles), key)
    heading(ax, title)
    return ax


def _beside(ax: Axes, entries: int, key: HPacker | None) -> None:
    """North arrow, scale bar and key in a column under the legend."""
    arrow = DrawingArea(16, 34)
    arrow.add_artist(FancyArrowPatch((8, 2), (8, 22), arrowstyle="-|>", mutation_scale=9, color="black"))
    arrow.add_artist(Text(8, 24, "N", ha="center", va="bottom", fontsize=SMALL + 1))
    length = _round(BAR * float(ax.viewLim.width))
    bar = AnchoredSizeBar(
        ax.transData, length, f"{length:g} km", "lower left", pad=0, frameon=False, label_top=True
    )
    for label in bar.txt_label.findobj(Text):
        label.set(fontsize=SMALL)
    drawn: list[Artist] = [part for part in (arrow, bar.get_child()) if part is not None]
    children: list[Artist] = [HPacker(pad=0, sep=8, align="bottom", children=drawn)]
    children += [] if key is None else [key]
    down = ScaledTranslation(0, -(entries * ENTRY + 6) / 72, ax.figure.dpi_scale_trans)
    column = AnchoredOffsetbox(
        "upper left",
        child=VPacker(pad=0, sep=8, align="left", children=children),
        pad=0,
        frameon=False,
        bbox_to_anchor=(1.02, 1.0),
        bbox_transform=ax.transAxes + down,
        borderpad=0.0,
    )
    column.set_clip_on(False)
    ax.add_artist(column)


def _round(length: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not longer."""
    power = 10.0 ** np.floor(np.log10(max(length, 1e-6)))
    return float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= length * (1 + 1e-9)))


def _joined(ax: Axes, place: np.ndarray, name: str) -> None:
    """The stations of a line joined, and its name beyond the first."""
    ax.plot(*place.T, color="0.6", lw=0.8, zorder=0)
    away = place[0] - place[min(1, len(place) - 1)]
    across, up = away / max(float(np.hypot(*away)), 1e-12)
    aslant = np.sin(np.pi / 8)
    at = (float(place[0, 0]), float(place[0, 1]))
    ax.annotate(
        shortened(name),
        at,
        (float(BEYOND * across), float(BEYOND * up)),
        textcoords="offset points",
        ha="center" if abs(across) < aslant else "left" if across > 0 else "right",
        va="center" if abs(up) < aslant else "bottom" if up > 0 else "top",
        weight="bold",
    )


def _profile(ax: Axes, east: np.ndarray, north: np.ndarray, strike: float, direction: float) -> None:
    """The line of the profile, what projects the stations on it, and a mark along strike."""
    s, c = -np.cos(np.deg2rad(direction)), np.sin(np.deg2rad(direction))
    along = east * c - north * s
    low, high = along.min(), along.max()
    reach = max(high - low, 1.0)
    ends = np.array([low - 0.04 * reach, high + 0.04 * reach])
    ax.plot(ends * c, -ends * s, color=LINE, lw=1.6, zorder=2, label=f"profile {direction % 180:.0f}°")
    ax.plot(
        np.stack([east, along * c]), np.stack([north, -along * s]), color=LINE, lw=0.7, alpha=0.6, zorder=1
    )
    half = 0.1 * reach * np.array([-1, 1])
    centre = ends[0]
    along_strike = np.sin(np.deg2rad(strike)), np.cos(np.deg2rad(strike))
    ax.plot(
        centre * c + half * along_strike[0],
        -centre * s + half * along_strike[1],
        color=STRIKE,
        lw=2.2,
        zorder=3,
        label=f"strike {strike:.0f}°",
    )
