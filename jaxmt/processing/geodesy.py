"""Degrees of latitude and longitude as metres on a plane."""

import numpy as np
from jaxtyping import Float

SEMI_MAJOR_AXIS = 6378137.0
"""Semi-major axis of the WGS 84 ellipsoid, m."""

FLATTENING = 1 / 298.257223563
"""Flattening of the WGS 84 ellipsoid."""


def local_metres(
    latitude: Float[np.ndarray, " site"],
    longitude: Float[np.ndarray, " site"],
    origin: tuple[float, float],
) -> tuple[Float[np.ndarray, " site"], Float[np.ndarray, " site"]]:
    """Northing and easting, m, of latitudes and longitudes in degrees; (0, 0) at `origin`.

    The transverse Mercator projection of the WGS 84 ellipsoid with the origin on its central
    meridian and scale 1 there (Snyder 1987, USGS Professional Paper 1395, equations 3-21 and 8-9 to
    8-15). 350 km from that meridian lengths are 0.15 % too long.
    """
    e2 = FLATTENING * (2 - FLATTENING)
    second = e2 / (1 - e2)

    def meridian(phi: Float[np.ndarray, " site"]) -> Float[np.ndarray, " site"]:
        return SEMI_MAJOR_AXIS * (
            (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
            - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * np.sin(2 * phi)
            + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * np.sin(4 * phi)
            - 35 * e2**3 / 3072 * np.sin(6 * phi)
        )

    phi = np.deg2rad(latitude)
    start = np.deg2rad(np.full(latitude.shape, origin[0]))
    t, c = np.tan(phi) ** 2, second * np.cos(phi) ** 2
    a = np.deg2rad((longitude - origin[1] + 180) % 360 - 180) * np.cos(phi)
    radius = SEMI_MAJOR_AXIS / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    easting = radius * (
        a + (1 - t + c) * a**3 / 6 + (5 - 18 * t + t**2 + 72 * c - 58 * second) * a**5 / 120
    )
    bend = (
        radius
        * np.tan(phi)
        * (
            a**2 / 2
            + (5 - t + 9 * c + 4 * c**2) * a**4 / 24
            + (61 - 58 * t + t**2 + 600 * c - 330 * second) * a**6 / 720
        )
    )
    return meridian(phi) - meridian(start) + bend, easting
