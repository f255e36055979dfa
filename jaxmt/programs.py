"""The compiled programs of this package, of which a process keeps those of the last few problems.

JAX keeps a program for as long as the function that it was compiled from, and the functions of a package
live as long as the process: each new mesh or survey would leave tens of megabytes for ever.
"""

import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable, Hashable
from typing import Any

import equinox as eqx

PROBLEMS = 8
"""Problems whose programs, some 60 MB each, are kept together; the next one takes the place of them all."""

UNOPTIMISED = {"xla_backend_optimization_level": 0}
"""Options of programs that take far longer to compile than to run, optimised or not: of random numbers, and
of the physics where the host solves. They go with programs that no other program calls."""

_functions: list[Any] = []
_problems: set[Hashable] = set()
_lock = threading.Lock()


def bounded(function: Any) -> Any:
    """A function that is compiled by `jax.jit`, whose programs `make_room` may drop."""
    _functions.append(function)
    return function


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """`equinox.filter_jit` of a function, with options of `jax.jit`; `make_room` may drop its programs."""
    # pyright does not know of options that Equinox hands on.
    program: Any = eqx.filter_jit(function, **options)  # pyright: ignore[reportCallIssue]
    # What Equinox calls; `test_programs.py` sees that it is still there.
    bounded(program._cached)
    return program


def make_room(problem: Hashable) -> None:
    """Drops all programs of this package before one problem more than `PROBLEMS` is compiled.

    - `problem`: what tells apart what is compiled, such as mesh and survey; kept.

    A program that is dropped while it runs goes on to its end. One that is wanted again is compiled again,
    or read from the disk (`program_cache.py`). Those of functions of the user's own stay.
    """
    with _lock:
        if problem not in _problems and len(_problems) >= PROBLEMS:
            _problems.clear()
            for function in _functions:
                function.clear_cache()
            _give_back()
        _problems.add(problem)


def _give_back() -> None:
    """Gives memory that is free to the system, where the library of C would keep it."""
    gc.collect()
    with contextlib.suppress(OSError, TypeError, AttributeError):
        # Of glibc alone.
        ctypes.CDLL(None).malloc_trim(0)
