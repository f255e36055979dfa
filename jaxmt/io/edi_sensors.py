"""Where the sensors of an EDI file point, for files that do not say how their tensors are turned."""

import numpy as np

from .edi_blocks import EdiBlocks
from .free_format import number

ALIKE = 2.0
"""Degrees within which sensors agree with one turned pair of axes."""


def _electric(options: dict[str, str]) -> float | None:
    """Azimuth of a dipole, degrees: from its two ends, else its AZM; None for a placeholder."""
    ends = [number(options.get(key, "")) for key in ("X", "Y", "X2", "Y2")]
    north, east = (
        np.nan if a is None or b is None else b - a for a, b in zip(ends, ends[2:], strict=False)
    )
    if north or east:
        angle = float(np.rad2deg(np.arctan2(east, north)))
        return angle if np.isfinite(angle) else number(options.get("AZM", ""))
    return number(options.get("AZM", ""))


def _off(angle: float, axis: float) -> float:
    """Degrees from one azimuth to another, either way round."""
    return abs((angle - axis + 180) % 360 - 180)


def sensor_azimuth(edi: EdiBlocks) -> tuple[float, str]:
    """The azimuth of x that AZM of >HMEAS states, degrees, and what was made of it; 0 and "" without one.

    Zeros, or sensors and dipoles along north and east, say nothing. Azimuths that are not those of one
    pair of right-angled axes, y 90 degrees clockwise of x, the dipoles' among them, are not used, and the
    text says so.
    """
    stated: dict[str, float | None] = {}
    for block in edi.blocks:
        options = block.options if block.name in ("HMEAS", "EMEAS") else {}
        kind = options.get("CHTYPE", "").upper()
        if kind in ("HX", "HY", "EX", "EY"):
            azimuth = number(options.get("AZM", "")) if block.name == "HMEAS" else _electric(options)
            stated.setdefault(kind, azimuth)
    x, y = stated.get("HX"), stated.get("HY")
    if x is None or y is None or not (abs(x) <= 360 and abs(y) <= 360):
        return 0.0, ""
    dipoles = [stated.get("EX"), stated.get("EY")]
    known = None not in dipoles and dipoles != [0.0, 0.0]
    pairs = [(e, axis) for e, axis in zip(dipoles, (x, x + 90), strict=True) if known and e is not None]
    fitting = all(_off(angle, axis) <= ALIKE for angle, axis in pairs)
    if x % 360 == 0 and y % 360 in (0, 90) and fitting:
        return 0.0, ""
    if _off(y, x + 90) <= ALIKE and fitting:
        return (
            x,
            f"no ZROT; the sensors point {x:g} and {y:g} degrees (AZM), taken for the axes of the data",
        )
    told = ", ".join(f"{kind} {angle:g}" for kind, angle in stated.items() if angle is not None)
    return 0.0, (
        f"no ZROT, and the azimuths of the sensors ({told} degrees) are not those of one pair of axes: not "
        "used, north and east are assumed"
    )
