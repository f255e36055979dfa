"""Magnetic declination: given, or from the reference field."""

import dataclasses
import datetime
import importlib

import numpy as np

from .site import Site


def magnetic_to_geographic(site: Site, declination: float) -> Site:
    """The site whose x axis is known to point `declination` degrees east of the north it stated.

    Nothing is rotated: `azimuth` grows by the declination, and whatever refers to north from then on
    (`strike`, `profile`) refers to geographic north. For data measured along magnetic axes only.
    """
    if not np.isfinite(declination) or abs(declination) > 180:
        raise ValueError(
            f"`magnetic_to_geographic(declination=...)` must be degrees, east positive. Got {declination}."
        )
    return dataclasses.replace(site, azimuth=site.azimuth + declination)


def declination(latitude: float, longitude: float, date: datetime.date) -> float:
    """Declination in degrees, east positive, at the ground, from the IGRF through the package ppigrf.

    Raises `ImportError`, with the remedy, without it.
    """
    try:
        ppigrf = importlib.import_module("ppigrf")
    except ImportError as error:
        raise ImportError(
            "`declination` needs the package ppigrf; install it with `pip install 'jaxmt[geo]'`, or give "
            "the declination yourself."
        ) from error
    when = datetime.datetime(date.year, date.month, date.day)
    east, north, _ = ppigrf.igrf(longitude, latitude, 0.0, when)
    return float(np.rad2deg(np.arctan2(east, north)).item())
