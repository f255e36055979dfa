"""Stations and lines for geographic information systems: GeoJSON (RFC 7946)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..atomic import FilePath, atomic_path
from ..processing.georeference import Georeference
from ..processing.site import Site
from ..simulation.survey import Survey
from .names import whole

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

ENDS = np.fmin.reduce, np.fmax.reduce

DIGITS = 9
"""After the point, of degrees: a tenth of a millimetre."""


def write_sites_geojson(path: FilePath, sites: Sequence[Site]) -> None:
    """A point for each station: its name, elevation (m) and the lowest and highest frequency (Hz).

    Longitude comes before latitude, degrees on WGS 84; a station without them has no geometry.
    """
    features = []
    for site in sites:
        # A station may have none.
        low, high = (float(end(site.frequencies, initial=np.nan)) for end in ENDS)
        told: dict[str, Json] = {"name": whole(site.name), "elevation_m": _number(site.elevation)}
        told |= {"lowest_hz": _number(low), "highest_hz": _number(high)}
        features.append(_point(site.latitude, site.longitude, site.elevation, told))
    _write(path, features)


def write_line_geojson(
    path: FilePath, survey: Survey, place: Georeference, properties: Mapping[str, Json] | None = None
) -> None:
    """A point for each station of a profile, and the profile itself from its first to its last station.

    - `properties`: of the line, besides its direction and the strike, degrees.

    Points have the station's name, y (m) and elevation (m). Raises `ValueError` where latitudes and
    longitudes are unknown, for the format has no other coordinates.
    """
    if not place.geographic:
        raise ValueError(
            "`write_line_geojson(place=...)` has no latitudes and longitudes, which GeoJSON needs. Give "
            "the stations theirs, as with --positions."
        )
    features = []
    for k, name in enumerate(survey.names):
        told: dict[str, Json] = {"name": whole(name), "y_m": float(survey.stations[k])}
        told["elevation_m"] = _number(place.elevation[k])
        features.append(_point(place.latitude[k], place.longitude[k], place.elevation[k], told))
    ends = np.array([survey.stations.min(), survey.stations.max()])
    if ends[1] > ends[0]:
        latitude, longitude = place.degrees(ends)
        ways: list[Json] = [[round(float(b), DIGITS), round(float(a), DIGITS)] for a, b in
                            zip(latitude, longitude, strict=True)]  # fmt: skip
        about: dict[str, Json] = dict(properties or {})
        about |= {"direction_deg": place.direction, "strike_deg": place.strike}
        line: Json = {"type": "LineString", "coordinates": ways}
        features.append({"type": "Feature", "geometry": line, "properties": about})
    _write(path, features)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _point(latitude: float, longitude: float, elevation: float, properties: dict[str, Json]) -> Json:
    geometry: Json = None
    if np.isfinite([latitude, longitude]).all():
        place: list[Json] = [round(float(longitude), DIGITS), round(float(latitude), DIGITS)]
        place += [float(elevation)] if np.isfinite(elevation) else []
        geometry = {"type": "Point", "coordinates": place}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _write(path: FilePath, features: list[Json]) -> None:
    """Writes the file, whole or not at all."""
    whole = {"type": "FeatureCollection", "features": features}
    with atomic_path(Path(path)) as temporary:
        temporary.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
