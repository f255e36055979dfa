"""The compiled programs of this package, of which a process keeps those of the last few problems.

JAX keeps a program for as long as the function that it was compiled from, and the functions of a package
live as long as the process: each new mesh or survey would leave tens of megabytes for ever. So would what
JAX traced, and what solvers know of a matrix.
"""

import contextlib
import ctypes
import functools
import gc
import sys
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

PROBLEMS = 3
"""Problems whose programs, some 80 MB each, are kept together; the next one takes the place of them all."""

QUICK = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_backend_optimization_level": 1,
    "xla_disable_hlo_passes": "while-loop-invariant-code-motion,while-loop-simplifier",
}
"""Options of XLA for programs that run as fast without what takes half of their compilation: its newer
emitters of fusions, the later passes of LLVM, and moving code out of loops."""

UNOPTIMISED = QUICK | {"xla_backend_optimization_level": 0}
"""Options of programs that take far longer to compile than to run, optimised or not: of random numbers, and
of the physics where the host solves, which an iteration then takes one part in a hundred longer. The loops
of transport run five times slower, and the rows of a Jacobian twice."""

UNKNOWN = "No such compile option"
"""What XLA says of an option that a version or a device does not have."""

_functions: list[Any] = []
_drops: list[Callable[[], object]] = []
_refused: set[str] = set()
_problems: set[Hashable] = set()
_lock = threading.Lock()


def bounded(function: Any) -> Any:
    """A function that is compiled by `jax.jit`, whose programs `make_room` may drop."""
    _functions.append(function)
    return function


def dropping(drop: Callable[[], object]) -> None:
    """`make_room` calls `drop`, too: of what else is kept for each problem and can be made again."""
    _drops.append(drop)


def compiled(function: Callable[..., Any], options: Mapping[str, Any] | None = None) -> Any:
    """`equinox.filter_jit` of a function; `make_room` may drop its programs.

    - `options`: `QUICK` or `UNOPTIMISED`, how XLA compiles it for a processor. They do not apply to other
      devices, nor where the function is traced, for the program around it has options of its own. Where
      this version of XLA does not know them they do not count.
    """
    plain = _with_options(function)
    if options is None:
        return plain
    quick: Any = _with_options(function, compiler_options=options)

    @functools.wraps(function)
    def run(*arguments: Any) -> Any:
        # A zero is traced in a program that is being made.
        leaves = (jnp.zeros(()), *jax.tree.leaves(arguments))
        traced = any(isinstance(leaf, Tracer) for leaf in leaves)
        if traced or UNKNOWN in _refused or jax.default_backend() != "cpu":
            return plain(*arguments)
        try:
            return quick(*arguments)
        except jax.errors.JaxRuntimeError as error:
            if UNKNOWN not in str(error):
                raise
        _refused.add(UNKNOWN)
        return plain(*arguments)

    return run


def _with_options(function: Callable[..., Any], **options: Any) -> Any:
    # pyright does not know of options that Equinox hands on.
    program: Any = eqx.filter_jit(function, **options)  # pyright: ignore[reportCallIssue]
    # What Equinox calls; `test_programs.py` sees that it is still there.
    bounded(program._cached)
    return program


def physics(function: Callable[..., Any]) -> Callable[[bool], Any]:
    """What compiles a function that solves: for solvers on the host (True), which do most, and in JAX."""
    return {True: compiled(function, UNOPTIMISED), False: compiled(function, QUICK)}.__getitem__


def make_room(problem: Hashable) -> None:
    """Drops all programs of this package before one problem more than `PROBLEMS` is compiled.

    - `problem`: what tells apart what is compiled, such as mesh and survey; kept.

    A program that is dropped while it runs goes on to its end. One that is wanted again is compiled again,
    or read from the disk (`program_cache.py`). Those of functions of the user's own stay.
    """
    with _lock:
        if problem in _problems:
            return
        if len(_problems) >= PROBLEMS:
            _problems.clear()
            for function in _functions:
                function.clear_cache()
            for drop in _drops:
                drop()
            _drop_traces()
            gc.collect()
        # The compilation of the one before has left much behind, too.
        _give_back()
        _problems.add(problem)


def _drop_traces() -> None:
    """Drops what JAX traced, a megabyte for each program; what it compiled of the user's stays."""
    # `jax.clear_caches` drops that, too, and there is no other public way.
    internal: Any = sys.modules.get("jax._src.util")
    clear = getattr(internal, "clear_all_caches", None)
    if clear is not None:
        clear()


def _give_back() -> None:
    """Gives memory that is free to the system, where the library of C would keep it."""
    with contextlib.suppress(OSError, TypeError, AttributeError):
        # Of glibc alone.
        ctypes.CDLL(None).malloc_trim(0)
