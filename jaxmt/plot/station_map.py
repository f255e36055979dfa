"""The stations from above, with the profile that they are projected on."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Int
from matplotlib.axes import Axes

from ..processing import positions
from ..processing.site import Site
from .figure import literal
from .symbols import SMALL, heading, spread

LINE = "#0077BB"
STRIKE = "#CC3311"


def station_map(
    ax: Axes,
    sites: Sequence[Site],
    *,
    strike: float | None = None,
    kept: Collection[str] | None = None,
    direction: float | None = None,
    lines: Mapping[str, Sequence[int]] | None = None,
    title: str | None = None,
) -> Axes:
    """Draws the stations over easting and northing, km, with profile and strike.

    - `strike`: degrees clockwise from north; the profile runs at right angles to it through the mean of
      the stations, which thin lines project on it.
    - `kept`: names of the stations in the inversion; the others are hollow. By default all.
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
    used = np.array([kept is None or name in kept for name in names])
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
    ax.set(
        xlabel=f"Easting (km){_origin(sites, known[used] if used.any() else known)}", ylabel="Northing (km)"
    )
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    _names(ax, east, north, names)
    ax.annotate(
        "N",
        (0.965, 0.86),
        (0.965, 0.97),
        xycoords="axes fraction",
        ha="center",
        va="center",
        arrowprops={"arrowstyle": "<-", "lw": 1.4},
    )
    ax.legend(frameon=False, fontsize=SMALL, loc="best")
    heading(ax, title)
    return ax


def _origin(sites: Sequence[Site], shown: Int[np.ndarray, " n"]) -> str:
    """Where easting and northing are zero, if degrees are known."""
    latitude = float(np.mean([sites[int(k)].latitude for k in shown]))
    longitude = float(np.mean([sites[int(k)].longitude for k in shown]))
    if not np.isfinite(latitude + longitude):
        return ""
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"; 0, 0 near {abs(latitude):.2f}° {north}, {abs(longitude):.2f}° {east}"


def _joined(ax: Axes, place: np.ndarray, name: str) -> None:
    """The stations of a line joined, and its name beyond the first."""
    ax.plot(*place.T, color="0.6", lw=0.8, zorder=0)
    away = place[0] - place[min(1, len(place) - 1)]
    offset = 14 * away / max(float(np.hypot(*away)), 1e-12)
    at = (float(place[0, 0]), float(place[0, 1]))
    ax.annotate(
        name, at, tuple(offset), textcoords="offset points", ha="center", va="center", weight="bold"
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


def _names(ax: Axes, east: np.ndarray, north: np.ndarray, names: list[str]) -> None:
    """Names beside the stations, turned across their line, as many as fit."""
    centred = np.stack([east - east.mean(), north - north.mean()])
    direction = np.linalg.svd(centred)[0][:, 0] if east.size > 1 else np.array([1.0, 0.0])
    normal = np.array([-direction[1], direction[0]])
    normal = normal if normal[1] > 1e-9 or (abs(normal[1]) < 1e-9 and normal[0] > 0) else -normal
    angle = float(np.rad2deg(np.arctan2(normal[1], normal[0])))
    box = ax.get_window_extent()
    width, height = ax.viewLim.width, ax.viewLim.height
    per_km = 72 / ax.figure.dpi * min(box.width / max(width, 1e-9), box.height / max(height, 1e-9))
    along = direction @ centred * per_km
    order = np.argsort(along)
    for k in order[spread(along[order], 1.5 * SMALL)]:
        # Right of the vertical the text ends at the station, left of it it begins there.
        upright = angle if angle <= 90 else angle - 180
        ax.annotate(
            literal(names[int(k)]),
            (float(east[k]), float(north[k])),
            tuple(8.0 * normal),
            textcoords="offset points",
            rotation=upright,
            rotation_mode="anchor",
            ha="left" if angle <= 90 else "right",
            va="center",
            fontsize=SMALL,
        )
