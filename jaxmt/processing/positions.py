"""Where stations are, on a plane."""

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
      if all have them, else the mean of those that have latitude and longitude.
    """
    local = np.array([(site.northing, site.easting) for site in sites]).reshape(-1, 2)
    if origin is None and np.isfinite(local).all():
        return local
    degrees = np.array([(site.latitude, site.longitude) for site in sites]).reshape(-1, 2)
    known = np.isfinite(degrees).all(axis=1)
    metres = np.full(degrees.shape, np.nan)
    if known.any():
        latitude, longitude = degrees[known].T
        if origin is None:
            east_of_first = (longitude - longitude[0] + 180) % 360 - 180
            origin = (float(latitude.mean()), float(longitude[0] + east_of_first.mean()))
        metres[known] = np.stack(local_metres(latitude, longitude, origin), axis=1)
    return metres
