"""What one value of an option must be: a check returns it, or says so by a `ValueError`.

Nothing here loads JAX or NumPy, for `jaxmt --help` shall open at once.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Check = Callable[[Any], Any]
"""From a word of the command line or a value of a file to a value; ValueError says what it must be."""


def nearest(word: str, names: Iterable[str]) -> str:
    """`names`, and before them which of them is like `word`."""
    names = list(names)
    close = difflib.get_close_matches(word.lower(), names, 1, 0.5)
    return (f"Did you mean {close[0]}? " if close else "") + f"Known: {', '.join(names)}."


def number(low: float = -math.inf, high: float = math.inf, what: str = "a number") -> Check:
    """Numbers from `low` to `high`, both included."""

    def check(value: Any) -> float:
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            found = math.nan
        if not low <= found <= high:
            raise ValueError(f"must be {what}. Got {value}.")
        return found

    return check


def whole(least: int, what: str) -> Check:
    """Whole numbers of `least` and more."""

    def check(value: Any) -> int:
        found = number(what=what)(value)
        if not (found >= least and math.isfinite(found) and found == int(found)):
            raise ValueError(f"must be {what}. Got {value}.")
        return int(found)

    return check


def one_of(what: str, names: Sequence[str]) -> Check:
    """One of `names`, whatever the case."""

    def check(value: Any) -> str:
        if str(value).lower() not in names:
            raise ValueError(f"{value!r} is no {what}. {nearest(str(value), names)}")
        return str(value).lower()

    return check


def strike(value: Any) -> float | str:
    """Degrees from north, or "auto"."""
    return (
        "auto"
        if value == "auto"
        else number(-360.0, 360.0, "degrees from north, from -360 to 360, or auto")(value)
    )


def frequencies(value: Any) -> int | str:
    """How many a decade, or "all" that were measured."""
    return "all" if value == "all" else whole(1, "a number of frequencies a decade, or all")(value)


def place(value: Any) -> list[float]:
    """Latitude and longitude, degrees: two numbers, or both in one word."""
    parts = value.split(",") if isinstance(value, str) else value
    try:
        latitude, longitude = (float(part) for part in parts)
    except (TypeError, ValueError):
        latitude = longitude = math.nan
    if not (abs(latitude) <= 90 and abs(longitude) <= 360):
        raise ValueError(f"must be LAT,LON in degrees, such as -22.5,139.2. Got {value}.")
    return [latitude, longitude]


def true(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false. Got {value}.")
    return value


def text(value: Any) -> str:
    """Words that are not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, one letter at least. Got {value!r}.")
    return value


def words(value: Any) -> str:
    """Text for people, which UTF-8 can hold."""
    try:
        text(value).encode()
    except UnicodeEncodeError:
        raise ValueError(f"must be text in UTF-8. Got {value!r}.") from None
    return value
