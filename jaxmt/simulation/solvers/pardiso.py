"""MKL's PARDISO through `py-mkl-pardiso`: sparse complex-symmetric L D L^T, the fastest on Intel and AMD.

The symbolic analysis belongs to a handle of PARDISO's, and so do the numbers of one factor. Handles are
therefore kept and refilled: after the first gradient no analysis is done again.
"""

from importlib.util import find_spec
from typing import Any

import numpy as np

from .host import AbstractFactoriser, AbstractHostSolver, Coefficients, cores
from .pattern import Pattern, natural

COMPLEX_SYMMETRIC = 6
"""PARDISO's `mtype`."""

PIVOT_DIGITS, RAISED_PIVOTS, SYMBOLIC_KIB, NUMERIC_KIB, TWO_LEVEL = 9, 13, 15, 16, 23
"""Places in `iparm`. A pivot under 10^-13 of the matrix is raised to that, and counted.

The factors of the two-level method take half the time to substitute with, and as long to make."""

AT_ONCE = 16
"""Right-hand sides of a call: with their solutions they stay in the cache of a core."""


class Pardiso(AbstractHostSolver):
    """Sparse L D L^T by MKL; needs `pip install 'jaxmt[fast]'` (Linux and Windows on x86).

    - `threads`: number of worker threads; by default one for each core.
    - `memory`: bytes of factors to keep for the adjoint pass, over all threads; more are made again.

    Raises `ModuleNotFoundError`, with the remedy, where `py-mkl-pardiso` is not installed.
    """

    threads: int = cores()
    memory: float = 4e9

    @staticmethod
    def is_installed() -> bool:
        """Whether `py-mkl-pardiso` can be imported."""
        return find_spec("pymklpardiso") is not None

    def factoriser(self) -> AbstractFactoriser:
        """A new factoriser, for one worker."""
        return _Factoriser(_handle_class(), self.memory / self.threads)


def _handle_class() -> Any:
    try:
        # The documented class walks over the rows of each matrix in Python to check its triangle.
        from pymklpardiso._mkl_pardiso import PardisoSolver
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "`jaxmt.Pardiso` needs py-mkl-pardiso. Use `pip install 'jaxmt[fast]'`, or "
            "`jaxmt.SuperLU()`, which needs nothing more."
        ) from error
    return PardisoSolver


class _Factoriser(AbstractFactoriser):
    """Handles of PARDISO; idle ones, oldest first, take up to `memory` bytes."""

    def __init__(self, handle_class: Any, memory: float) -> None:
        self.handle_class = handle_class
        self.memory = memory
        self.idle: list[tuple[Pattern, Any]] = []

    def make(self, stencil: Coefficients) -> tuple[Pattern, Any] | None:
        pattern = natural(*stencil[0].shape, triangle=True)
        alike = [k for k, (other, _) in enumerate(self.idle) if other is pattern]
        handle = self.idle.pop(alike[-1])[1] if alike else self._analyse(pattern)
        handle.refactor_values(pattern.values(stencil))
        if handle.get_iparm_value(RAISED_PIVOTS):
            self.recycle((pattern, handle))
            return None
        return pattern, handle

    def _analyse(self, pattern: Pattern) -> Any:
        handle = self.handle_class(COMPLEX_SYMMETRIC, 0)
        handle.set_iparm(PIVOT_DIGITS, 13)
        handle.set_iparm(TWO_LEVEL, 1)
        handle.set_pattern(
            ia=pattern.indptr.astype(np.int64), ja=pattern.indices.astype(np.int64), n=pattern.order.size
        )
        handle.analyze()
        return handle

    def solve(self, factor: tuple[Pattern, Any], rhs: np.ndarray) -> np.ndarray:
        rows = rhs.reshape(len(rhs), -1)
        if len(rhs) == 1:
            return factor[1].solve(rows[0]).reshape(rhs.shape)
        x = np.empty_like(rows)
        for first in range(0, len(rows), AT_ONCE):
            many = slice(first, first + AT_ONCE)
            x[many] = factor[1].solve(rows[many].T).T
        return x.reshape(rhs.shape)

    def size(self, factor: tuple[Pattern, Any]) -> int:
        handle = factor[1]
        return 1024 * (handle.get_iparm_value(SYMBOLIC_KIB) + handle.get_iparm_value(NUMERIC_KIB))

    def recycle(self, factor: tuple[Pattern, Any]) -> None:
        self.idle.append(factor)
        while self.idle and sum(map(self.size, self.idle)) > self.memory:
            self.idle.pop(0)

    def forget(self) -> None:
        self.idle.clear()
