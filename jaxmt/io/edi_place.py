"""Where the station of an EDI file stands."""

import re

import numpy as np

from .edi_blocks import EdiBlocks
from .free_format import BadFile
from .place import degrees_of, metres_of, unit_of


def angle_of(edi: EdiBlocks, key: str, limit: float) -> float:
    """Degrees of LAT or LONG in HEAD, else of the reference in DEFINEMEAS, else NaN."""
    for prefix, block in (("", "HEAD"), ("REF", "=DEFINEMEAS")):
        options = edi.options(block)
        text = options.get(prefix + key, options.get(prefix + key[:3], "")).upper()
        if text in ("", "NAN", "NONE") or re.fullmatch(r"[+-]?[\d.]+[ED]\+?3\d", text):
            continue
        value = degrees_of(text, limit)
        if value is None:
            raise BadFile(
                f"{edi.path}: {prefix}{key}={text[:40]!r} is not an angle; write decimal degrees or "
                "degrees:minutes:seconds."
            )
        if np.isnan(value):
            raise BadFile(
                f"{edi.path}: {prefix}{key}={text[:40]!r} is out of range; at most {limit:g} degrees, "
                "60 minutes and 60 seconds."
            )
        return value
    return np.nan


def elevation_of(edi: EdiBlocks) -> float:
    """Metres above sea level from ELEV, else from REFELEV, in the unit behind the number or of UNITS."""
    head, measurements = edi.options("HEAD"), edi.options("=DEFINEMEAS")
    unit = unit_of(head.get("UNITS", "")) or 1.0
    elevation = metres_of(head.get("ELEV", ""), unit)
    if np.isfinite(elevation):
        return elevation
    return metres_of(measurements.get("REFELEV", ""), unit_of(measurements.get("UNITS", "")) or unit)
