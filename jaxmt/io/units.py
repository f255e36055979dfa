"""Units of impedances by the names that programs give them."""

from ..conventions import MU_0, OHM_PER_PRACTICAL

OHM_PER_UNIT = {
    "v/m/t": MU_0,
    "mv/km/nt": OHM_PER_PRACTICAL,
    "millivolts_per_kilometer_per_nanotesla": OHM_PER_PRACTICAL,
    "v/m/a/m": 1.0,
    "ohm": 1.0,
    "ohms": 1.0,
}
"""Ohm of one unit; names without brackets and blanks, in lower case."""

PRACTICAL = "[mV/km]/[nT]"


def ohm_per(unit: str) -> float | None:
    """Ohm of one unit of impedance by its name; None for a name that is unknown."""
    return OHM_PER_UNIT.get("".join(unit.lower().split()).translate(str.maketrans("", "", "[]()")))
