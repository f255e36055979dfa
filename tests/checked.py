"""Types are checked as the tests run, at a price that they are worth.

jaxtyping wraps every function, for what the shapes that it names mean together. One that names none is
checked without: of readers, which are made of small functions, that took nine tenths of the time. One
within another is made anew in each call of that, and its check with it: that one is checked at first.
"""

from collections import Counter
from types import CodeType, FunctionType
from typing import Any

import jaxtyping
from beartype import beartype
from beartype.roar import BeartypeDecorHintPep585DeprecationWarning

TIMES = 2
"""How often a function within another is checked."""

_made: Counter[CodeType] = Counter()
_whole: Any = jaxtyping.jaxtyped


def checked(function):
    code = getattr(function, "__code__", None)
    if code is not None and "<locals>" in function.__qualname__:
        _made[code] += 1
        if _made[code] > TIMES:
            return function
    return beartype(function)


def names_a_shape(function: FunctionType) -> bool:
    told = function.__annotations__.values()
    return any(isinstance(one, str) or "jaxtyping" in repr(one) for one in told)


def jaxtyped(function=None, *, typechecker=None):
    if function is not None or typechecker is None:
        return _whole(function, typechecker=typechecker)

    def decorated(made):
        if isinstance(made, FunctionType) and not names_a_shape(made):
            try:
                return typechecker(made)
            except (AttributeError, BeartypeDecorHintPep585DeprecationWarning):
                # Of some hints beartype makes no check; jaxtyping asks it in another way.
                pass
        return _whole(typechecker=typechecker)(made)

    return decorated


jaxtyping.jaxtyped = jaxtyped  # pyright: ignore[reportAttributeAccessIssue]
