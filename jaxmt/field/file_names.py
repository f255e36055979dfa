"""Names of files for stations and lines, whatever these are called."""

import re
from collections.abc import Sequence

FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff/\\:<>\"|?*]")
"""What some system of files cannot hold in a name."""

RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)
"""Names of devices, which are no files on some."""

LONGEST, BYTES = 80, 160
"""Characters of a name, and bytes: most systems hold 255, those of an ending and of a name on the way among
them."""


def unique(names: Sequence[str]) -> list[str]:
    """Names for files, for every system: what none can hold is "_", a number behind those that come again.

    Capitals do not tell two names apart.
    """
    found: list[str] = []
    for name in map(_plain, names):
        same = name.casefold()
        taken = [other.casefold() for other in found]
        again = sum(other == same or other.rpartition("-")[0] == same for other in taken)
        found.append(f"{name}-{again + 1}" if same in taken else name)
    return found


def _plain(name: str) -> str:
    """A name that every system of files can hold."""
    name = FORBIDDEN.sub("_", name)[:LONGEST].encode()[:BYTES].decode(errors="ignore").rstrip(". ")
    return f"{name}_" if RESERVED.fullmatch(name) else name or "station"
