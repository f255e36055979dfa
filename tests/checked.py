"""Types are checked as the tests run; of a function within another the first times that it is made."""

from collections import Counter
from types import CodeType

from beartype import beartype

TIMES = 2
"""A function within another is made anew in each call of that, and its check with it: a tenth of a run."""

_made: Counter[CodeType] = Counter()


def checked(function):
    code = getattr(function, "__code__", None)
    if code is not None and "<locals>" in function.__qualname__:
        _made[code] += 1
        if _made[code] > TIMES:
            return function
    return beartype(function)
