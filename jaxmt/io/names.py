"""Names of stations as the files of other programs can hold them."""

import re
from collections.abc import Sequence

UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
"""Blanks and what is not printed: line ends, zero bytes, escapes."""


def one_line(name: str) -> str:
    """The name on one line, single blanks in it, none around it; "unnamed" for none."""
    return UNPRINTABLE.sub(" ", name).strip() or "unnamed"


def words(names: Sequence[str]) -> list[str]:
    """The names as one word each, blanks replaced by "_", a number behind those that come again."""
    found: list[str] = []
    for name in names:
        word = first = one_line(name).replace(" ", "_")
        again = 1
        while word in found:
            again += 1
            word = f"{first}_{again}"
        found.append(word)
    return found
