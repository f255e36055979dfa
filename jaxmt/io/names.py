"""Names of stations as the files of other programs can hold them."""

import re
from collections.abc import Iterable, Sequence

UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]+")
"""Blanks and what is not printed: line ends, zero bytes, escapes, halves of surrogate pairs."""

UNWRITTEN = re.compile(r"[\x00\ud800-\udfff]")
"""What no file of UTF-8 holds, or what ends a text for programs in C."""

SEPARATORS = re.compile(r"[^\w.+-]", re.ASCII)
"""What Fortran's free format takes for the end of a word, a comment, a repetition, or for several bytes."""

LONGEST = 20
"""Characters of a code that ModEM keeps."""

SAID = 3
"""Names that a note spells out; more are counted."""


def one_line(name: str) -> str:
    """The name on one line, single blanks in it, none around it; "unnamed" for none."""
    return UNPRINTABLE.sub(" ", name).strip() or "unnamed"


def quoted(name: str) -> str:
    """The name on one line as it stands between quotes: quotes in it become single ones."""
    return one_line(name).replace('"', "'")


def whole(name: str) -> str:
    """The name as it is, but with a sign of its own for what no file of text holds."""
    return UNWRITTEN.sub("\N{REPLACEMENT CHARACTER}", name)


def words(names: Sequence[str]) -> list[str]:
    """The names as one word of at most 20 characters each that Fortran reads as it is.

    Blanks and all but ASCII letters, digits and "_.+-" become "_"; a number stands behind those that come
    again.
    """
    found: list[str] = []
    for name in names:
        first = SEPARATORS.sub("_", one_line(name).replace(" ", "_"))
        word, again = first[:LONGEST], 1
        while word in found:
            again += 1
            end = f"_{again}"
            word = f"{first[: LONGEST - len(end)]}{end}"
        found.append(word)
    return found


def told(names: Iterable[str], written: Iterable[str], where: str) -> str:
    """What became of names that a file cannot hold, in one sentence; "" if all stayed."""
    changed = [(a, b) for a, b in zip(names, written, strict=True) if a != b]
    if not changed:
        return ""
    texts = [f"{a!r} is {b!r}" for a, b in changed[:SAID]]
    more = f", and {len(changed) - SAID} more" if len(changed) > SAID else ""
    return f"names that {where} cannot hold are written otherwise: {', '.join(texts)}{more}"
