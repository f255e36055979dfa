"""SciPy's SuperLU: sparse LU, always at hand."""

import functools
from typing import Any

import numpy as np

from ...programs import dropping
from .host import AbstractFactoriser, AbstractHostSolver, Coefficients, cores
from .pattern import Pattern, natural, permuted

BYTES_PER_NONZERO = 20
"""A complex double and a row index."""


class SuperLU(AbstractHostSolver):
    """Sparse LU without pivoting, which the symmetric positive structure of the systems allows.

    - `threads`: number of worker threads; by default one for each core.
    - `memory`: bytes of factors to keep for the adjoint pass, over all threads; more are made again.
    """

    threads: int = cores()
    memory: float = 4e9

    def factoriser(self) -> AbstractFactoriser:
        """A new factoriser, for one worker."""
        return _Factoriser()


class _Factoriser(AbstractFactoriser):
    def make(self, stencil: Coefficients) -> Any:
        try:
            return _factor(stencil, _pattern(*stencil[0].shape), "NATURAL")
        except RuntimeError as error:
            if "singular" not in str(error):
                raise
            return None

    def solve(self, factor: Any, rhs: np.ndarray) -> np.ndarray:
        order = _pattern(*rhs.shape[1:]).order
        x = np.empty((len(rhs), order.size), dtype=complex)
        x[:, order] = factor.solve(np.ascontiguousarray(rhs.reshape(len(rhs), -1)[:, order].T)).T
        return x.reshape(rhs.shape)

    def size(self, factor: Any) -> int:
        return BYTES_PER_NONZERO * factor.nnz

    def recycle(self, factor: Any) -> None:
        del factor

    def forget(self) -> None:
        """Nothing is taken back."""


@functools.cache
def _pattern(rows: int, cols: int) -> Pattern:
    """The pattern in minimum-degree order, found once and good for every model and frequency."""
    unit = (np.full((rows, cols), 5.0 + 0j), np.ones((rows - 1, cols)), np.ones((rows, cols - 1)))
    order = _factor(unit, natural(rows, cols, triangle=False), "MMD_AT_PLUS_A").perm_c
    return permuted(rows, cols, order, triangle=False)


dropping(_pattern.cache_clear)


def _factor(stencil: Coefficients, pattern: Pattern, ordering: str) -> Any:
    # SciPy takes 0.3 s to import, which only those pay who factorise.
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    matrix = csc_array((pattern.values(stencil), pattern.indices, pattern.indptr))
    return splu(matrix, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
