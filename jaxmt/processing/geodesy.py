"""Degrees of latitude and longitude as metres on a plane."""

import numpy as np
from jaxtyping import Float

SEMI_MAJOR_AXIS = 6378137.0
"""Semi-major axis of the WGS 84 ellipsoid, m."""

FLATTENING = 1 / 298.257223563
"""Flattening of the WGS 84 ellipsoid."""

STEPS = 20
"""Of Newton's iteration; each leaves a fifth of the distance, or less nearby."""


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


def degrees_at(
    northing: Float[np.ndarray, " site"],
    easting: Float[np.ndarray, " site"],
    origin: tuple[float, float],
) -> tuple[Float[np.ndarray, " site"], Float[np.ndarray, " site"]]:
    """Latitude and longitude in degrees of a northing and an easting, m: the inverse of `local_metres`.

    Newton's iteration with the radii of curvature; less than a micrometre is left up to 1,000 km from the
    origin.
    """
    e2 = FLATTENING * (2 - FLATTENING)
    latitude = np.full(northing.shape, float(origin[0]))
    longitude = np.full(northing.shape, float(origin[1]))
    for _ in range(STEPS):
        north, east = local_metres(latitude, longitude, origin)
        phi = np.deg2rad(latitude)
        root = np.sqrt(1 - e2 * np.sin(phi) ** 2)
        meridian, normal = SEMI_MAJOR_AXIS * (1 - e2) / root**3, SEMI_MAJOR_AXIS / root
        latitude = latitude + np.rad2deg((northing - north) / meridian)
        longitude = longitude + np.rad2deg((easting - east) / (normal * np.cos(phi)))
    return latitude, (longitude + 180) % 360 - 180


def utm_zone(latitude: float, longitude: float) -> tuple[int, bool]:
    """Number of the zone of the Universal Transverse Mercator grid, and whether it is a southern one."""
    return int((longitude + 180) % 360 // 6) + 1, latitude < 0


def utm_metres(
    latitude: Float[np.ndarray, " site"], longitude: Float[np.ndarray, " site"], zone: tuple[int, bool]
) -> tuple[Float[np.ndarray, " site"], Float[np.ndarray, " site"]]:
    """Northing and easting, m, in a zone of `utm_zone` on WGS 84 (Snyder 1987, page 57).

    Scale 0.9996 on the central meridian, false easting 500 km, false northing 10,000 km in the south.
    """
    number, southern = zone
    north, east = local_metres(latitude, longitude, (0.0, 6.0 * number - 183.0))
    return 0.9996 * north + (1e7 if southern else 0.0), 0.9996 * east + 5e5
