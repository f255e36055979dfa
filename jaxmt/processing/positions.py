"""Where stations are, on a plane."""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from .geodesy import local_metres
from .site import Site


def positions(
    sites: Sequence[Site], origin: tuple[float, float] | None = None
) -> Float[np.ndarray, "site 2"]:
    """Northing and easting, m, of each site; NaN for those without latitude and longitude.

    - `origin`: latitude and longitude, degrees, of (0, 0). By default the sites' own northing and easting
      if all that have a position have these, else the mean of those that have latitude and longitude.
    """
    local = np.array([(site.northing, site.easting) for site in sites]).reshape(-1, 2)
    degrees = np.array([(site.latitude, site.longitude) for site in sites]).reshape(-1, 2)
    known = np.isfinite(degrees).all(axis=1)
    placed = np.isfinite(local).all(axis=1)
    if origin is None and placed.any() and not np.any(known & ~placed):
        local[~placed] = np.nan
        return local
    metres = np.full(degrees.shape, np.nan)
    if known.any():
        latitude, longitude = degrees[known].T
        if origin is None:
            east_of_first = (longitude - longitude[0] + 180) % 360 - 180
            origin = (float(latitude.mean()), float(longitude[0] + east_of_first.mean()))
        metres[known] = np.stack(local_metres(latitude, longitude, origin), axis=1)
    return metres


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts S2 before S10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return tuple((0, int(part)) if "0" <= part[0] <= "9" else (1, part) for part in parts)


NOWHERE = 10.0
"""Degrees; latitude 0 and longitude 0 are a place only for a survey that lies so near it."""


def known_positions(sites: Sequence[Site]) -> Float[np.ndarray, "site 2"]:
    """As `positions`, but NaN for stations that files place where they cannot stand.

    Zeros for unknown degrees are no place: a station at 0, 0 whose survey is elsewhere, or a survey of two
    and more stations that are all within a metre.
    """
    degrees = np.array([(site.latitude, site.longitude) for site in sites]).reshape(-1, 2)
    zero = (degrees == 0).all(axis=1)
    elsewhere = np.abs(degrees[~zero & np.isfinite(degrees).all(axis=1)])
    local = np.isfinite([(site.northing, site.easting) for site in sites]).all()
    if not local and zero.any() and elsewhere.size and (elsewhere.max(axis=1) > NOWHERE).all():
        blank = {"latitude": np.nan, "longitude": np.nan}
        sites = [dataclasses.replace(s, **blank) if z else s for s, z in zip(sites, zero, strict=True)]
    place = positions(sites)
    there = place[np.isfinite(place).all(axis=1)]
    if len(there) > 1 and np.hypot(*np.ptp(there, axis=0)) < 1.0:
        place = np.full_like(place, np.nan)
    return place
