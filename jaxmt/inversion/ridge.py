r"""Damped least squares, solved for many dampings.

The v that minimises $|r - Av|^2 + \lambda|v|^2$ is $A^T(AA^T + \lambda)^{-1}r$ in the space of data and
$(A^TA + \lambda)^{-1}A^Tr$ in that of parameters, whichever has fewer dimensions. The product of A with
itself is formed once; a further $\lambda$ costs a Cholesky factorisation.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Float
from scipy import linalg

from .precision import Precision

TILES = 8
"""Parts, on each side, in which a product is formed."""

Rows = Float[np.ndarray, "datum parameter"]


class Ridge:
    """Rows in units of a prior, and their product with themselves.

    - `rows`: J, its columns in `prior.order`; changed in place to $A = JL^{-T}$, where $LL^T$ is the prior.
    - `threads`: that share the work. BLAS, whose own threads wait for each other in turns, is to have one.
    """

    def __init__(self, rows: Rows, prior: Precision, threads: int) -> None:
        self.rows = rows
        many, few = rows.shape
        self._in_data = many <= few
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(prior.whiten, np.array_split(rows, threads)))
            sides = rows if self._in_data else rows.T
            edges = np.linspace(0, len(sides), TILES + 1).astype(int)
            parts = [slice(*ends) for ends in zip(edges[:-1], edges[1:], strict=True)]
            self._product = np.empty((len(sides), len(sides)))

            def form(tile: tuple[int, int]) -> None:
                here, there = parts[tile[0]], parts[tile[1]]
                np.matmul(sides[here], sides[there].T, out=self._product[here, there])

            # Of a symmetric matrix the rows from the diagonal on, which are the columns of BLAS.
            list(pool.map(form, [(k, j) for k in range(TILES) for j in range(k, TILES)]))
        self.trace = float(np.trace(self._product))

    def solve(self, right: Float[np.ndarray, " datum"], damping: float) -> Float[np.ndarray, " parameter"]:
        """V; NaN where a damping is too small to be seen beside the product."""
        damped = self._product.copy()
        damped.flat[:: len(damped) + 1] += damping
        wanted = right if self._in_data else self.rows.T @ right
        try:
            factor = linalg.cho_factor(damped.T, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return np.full(self.rows.shape[1], np.nan)
        found = linalg.cho_solve(factor, wanted, check_finite=False)
        return self.rows.T @ found if self._in_data else found
