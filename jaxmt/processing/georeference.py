"""Where a profile lies on the Earth."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ..simulation.survey import Survey
from .geodesy import degrees_at, utm_metres, utm_zone
from .positions import positions
from .site import Site

Numbers = Float[np.ndarray, " m"]


@dataclasses.dataclass(frozen=True)
class Georeference:
    """A straight profile on a map, and its stations beside it.

    - `origin`: latitude and longitude, degrees, of northing 0 and easting 0; NaN where the stations have
      metres of a grid of their own alone. `start`: northing and easting, m, of y = 0.
    - `direction`, `strike`: degrees clockwise from north, of y and of the axis x along strike.
    - `latitude`, `longitude`, `elevation`: degrees and m, of each station; NaN if unknown. `northing`,
      `easting`: m, about `origin`.
    """

    origin: tuple[float, float]
    start: tuple[float, float]
    direction: float
    strike: float
    latitude: Float[np.ndarray, " site"]
    longitude: Float[np.ndarray, " site"]
    elevation: Float[np.ndarray, " site"]
    northing: Float[np.ndarray, " site"]
    easting: Float[np.ndarray, " site"]

    @classmethod
    def of(
        cls,
        survey: Survey,
        sites: Sequence[Site],
        distances: Float[np.ndarray, " all"],
        strike: float,
        direction: float | None = None,
    ) -> "Georeference | None":
        """That of a survey along a profile; None where nobody knows a place or the strike.

        - `sites`: among them all stations of the survey; `distances`: y of each, m, by which stations of
          one name are told apart. `direction`: degrees of the profile; None where it is across strike.

        The line through y = 0 has the mean offset of the stations from it.
        """
        chosen = matched(survey, [site.name for site in sites], distances)
        if not np.isfinite(strike) or None in chosen:
            return None
        found = [sites[k] for k in chosen if k is not None]
        degrees = np.array([(site.latitude, site.longitude) for site in found])
        origin = mean_degrees(degrees) if np.isfinite(degrees).all() else None
        place = positions(found, origin)
        if not np.isfinite(place).all():
            return None
        azimuth = float(strike + 90 if direction is None else direction)
        along, across = _axes(azimuth)
        start = np.mean(place @ along - survey.stations) * along + np.mean(place @ across) * across
        return cls(
            (np.nan, np.nan) if origin is None else origin,
            (float(start[0]), float(start[1])),
            azimuth % 360,
            float(strike) % 360,
            degrees[:, 0],
            degrees[:, 1],
            np.array([site.elevation for site in found], dtype=float),
            place[:, 0],
            place[:, 1],
        )

    @property
    def geographic(self) -> bool:
        """Whether latitudes and longitudes are known."""
        return bool(np.isfinite(self.origin).all())

    @property
    def zone(self) -> tuple[int, bool]:
        """The zone of the UTM grid that holds the origin."""
        return utm_zone(*self.origin)

    @property
    def grid(self) -> str:
        """What `metres` are counted in."""
        if not self.geographic:
            return "metres of the stations' own grid"
        return f"WGS 84 / UTM zone {self.zone[0]}{'S' if self.zone[1] else 'N'}"

    @property
    def epsg(self) -> int | None:
        """The number of the grid in the EPSG registry; None for a grid of the stations' own."""
        return (32700 if self.zone[1] else 32600) + self.zone[0] if self.geographic else None

    def degrees(self, y: Numbers) -> tuple[Numbers, Numbers]:
        """Latitude and longitude of positions y, m, on the profile; NaN if unknown."""
        north, east = self._local(y)
        if not self.geographic:
            return np.full(y.shape, np.nan), np.full(y.shape, np.nan)
        return degrees_at(north, east, self.origin)

    def metres(self, y: Numbers) -> tuple[Numbers, Numbers]:
        """Northing and easting, m, of positions y on the profile, in the grid that `grid` names."""
        if not self.geographic:
            return self._local(y)
        return utm_metres(*self.degrees(y), self.zone)

    def station_metres(self) -> tuple[Float[np.ndarray, " site"], Float[np.ndarray, " site"]]:
        """Northing and easting, m, of the stations, in the grid that `grid` names."""
        if not self.geographic:
            return self.northing, self.easting
        return utm_metres(self.latitude, self.longitude, self.zone)

    def _local(self, y: Numbers) -> tuple[Numbers, Numbers]:
        along, _ = _axes(self.direction)
        return self.start[0] + along[0] * y, self.start[1] + along[1] * y


def _axes(azimuth: float) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """North and east part of the unit vectors along an azimuth and 90 degrees clockwise of it."""
    cosine, sine = np.cos(np.deg2rad(azimuth)), np.sin(np.deg2rad(azimuth))
    return np.array([cosine, sine]), np.array([-sine, cosine])


def matched(survey: Survey, names: Sequence[str], y: Float[np.ndarray, " all"]) -> list[int | None]:
    """Which of some named places each station of a survey is: of those of its name the nearest.

    - `y`: m, of the places, NaN where unknown. No two stations are at one of them; None for a station that
      is at none.
    """
    alike: dict[str, list[int]] = {}
    for k, name in enumerate(names):
        alike.setdefault(name, []).append(k)
    away = np.where(np.isfinite(y), y, np.inf)
    found: list[int | None] = []
    for name, at in zip(survey.names, survey.stations.tolist(), strict=True):
        free = alike.get(name, [])
        nearest = min(free, key=lambda k: abs(float(away[k]) - at), default=None)
        if nearest is not None:
            free.remove(nearest)
        found.append(nearest)
    return found


def mean_degrees(degrees: Float[np.ndarray, "site 2"]) -> tuple[float, float]:
    """The mean latitude and longitude, across the date line too."""
    east = (degrees[:, 1] - degrees[0, 1] + 180) % 360 - 180
    return float(degrees[:, 0].mean()), float((degrees[0, 1] + east.mean() + 180) % 360 - 180)
