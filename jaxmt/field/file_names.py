"""Names of files for stations and lines, whatever these are called."""

import re
from collections.abc import Sequence

FORBIDDEN = re.compile(r"[\x00-\x1f\x7f/\\:<>\"|?*]")
"""What some system of files cannot hold in a name."""

LONGEST = 80
"""Characters of a name."""


def unique(names: Sequence[str]) -> list[str]:
    """Names for files, for every system: what none can hold is "_", a number behind those that come again.

    Capitals do not tell two names apart.
    """
    found: list[str] = []
    for name in (FORBIDDEN.sub("_", name)[:LONGEST].rstrip(". ") or "station" for name in names):
        same = name.casefold()
        taken = [other.casefold() for other in found]
        again = sum(other == same or other.rpartition("-")[0] == same for other in taken)
        found.append(f"{name}-{again + 1}" if same in taken else name)
    return found
