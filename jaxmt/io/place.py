"""Latitudes, longitudes and elevations as programs write them."""

import re

import numpy as np

METRES_PER_FOOT = 0.3048
"""The international foot."""

ANGLE = re.compile(
    r"([+-]?)\s*+(\d++(?:\.\d*+)?|\.\d++)(?:\s*+:\s*+(\d++(?:\.\d*+)?))?"
    r"(?:\s*+:\s*+(\d++(?:\.\d*+)?))?\s*+([NSEW]?)"
)
LENGTH = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[EeDd][+-]?\d{1,3})?)\s*+([A-Za-z]*)")
UNITS = {"": None, "M": 1.0, "METER": 1.0, "METERS": 1.0, "METRE": 1.0, "METRES": 1.0, "KM": 1e3}
UNITS |= dict.fromkeys(("FT", "FEET", "FOOT"), METRES_PER_FOOT)

LARGEST = 1e30
"""A length this large is a mark of a missing one."""


def degrees_of(text: str, limit: float) -> float | None:
    """Degrees from decimal degrees or degrees:minutes:seconds; None if `text` is neither.

    Longitudes beyond 180 degrees count west of Greenwich. NaN beyond `limit`, 60 minutes or 60 seconds.
    """
    match = ANGLE.fullmatch(text.strip().upper())
    if match is None:
        return None
    degrees, minutes, seconds = (float(part or 0) for part in match.groups()[1:4])
    value = degrees + minutes / 60 + seconds / 3600
    if minutes > 60 or seconds > 60 or value > limit:
        return np.nan
    # The sign belongs to the whole angle: -0:30:00 is half a degree south.
    value = -value if match[1] == "-" or match[5] in ("S", "W") else value
    return value - 360 if value > 180 else value


def unit_of(text: str) -> float | None:
    """Metres of one unit of length by its name; None for an unknown name or none."""
    return UNITS.get(text.strip().strip(".").upper())


def metres_of(text: str, unit: float = 1.0) -> float:
    """Metres from a number that may have its unit behind it, as in 518 FT; NaN for none.

    - `unit`: metres of one unit where the number stands alone.
    """
    match = LENGTH.match(text.strip())
    if match is None:
        return np.nan
    value = float(match[1].upper().replace("D", "E"))
    return value * (unit_of(match[2]) or unit) if abs(value) < LARGEST else np.nan
