r"""What data say of parameters, in as few rows as it takes.

An appraisal needs the rows G of a whitened Jacobian only by $G^TG$. Data are many and say much the same: of
9,914 data and 4,900 cells 1,978 rows R have $R^TR = G^TG$ to rounding, and whatever has the size of data
times data is 25 times smaller. They are the Cholesky factor with pivots of the smaller Gram matrix (Higham
2002, Accuracy and Stability of Numerical Algorithms, 10.3), stopped where nothing is left.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

ROUNDING = 10 * np.finfo(float).eps
"""Pivots below this part of the largest are made of rounding errors."""

Rows = Float[np.ndarray, "row parameter"]


def compressed(
    rows: Rows, negligible: float, groups: Int[np.ndarray, " row"] | None = None
) -> Float[np.ndarray, "fewer parameter"]:
    r"""R with $R^TR = G^TG$, what matters most first, and no more rows than G.

    - `rows`: G. `negligible`: in the unit of $G^TG$; what is less than this of every parameter is left out.
    - `groups`: the number of each row's group, such as its station. Rows of a group say much the same, as
      those of neighbouring frequencies do, and are replaced by fewer first: the work goes with the square
      of the number of rows.
    """
    if groups is not None:
        names = np.unique(groups)
        part = negligible / (1 + len(names))
        rows = np.concatenate([compressed(rows[groups == name], part) for name in names])
        negligible = part
    count, size = rows.shape
    if size <= count:
        gram = rows.T @ rows
        factor, pivots, rank = _pivoted(gram, negligible)
        found = np.zeros((rank, size))
        found[:, pivots] = factor[:rank]
        return found
    factor, pivots, rank = _pivoted(rows @ rows.T, negligible)
    span = np.zeros((count, rank))
    span[pivots] = factor[:rank].T
    return np.linalg.qr(span)[0].T @ rows


def _pivoted(
    gram: Float[np.ndarray, "n n"], negligible: float
) -> tuple[Float[np.ndarray, "n n"], np.ndarray, int]:
    """The upper Cholesky factor of a matrix in the order of the pivots, the pivots, and their number."""
    least = max(negligible, ROUNDING * float(gram.diagonal().max(initial=0.0)))
    (pivoted,) = linalg.get_lapack_funcs(("pstrf",), (gram,))
    factor, pivots, rank, _ = pivoted(gram, tol=least, lower=0, overwrite_a=1)
    return np.triu(factor), pivots - 1, max(int(rank), 1)


def leading(rows: Rows, negligible: float) -> Float[np.ndarray, "fewer parameter"]:
    r"""The first of the rows of `compressed`; those left out add less than `negligible` to the trace."""
    left = np.cumsum(np.einsum("rp,rp->r", rows, rows)[::-1])[::-1]
    return rows[: max(int(np.count_nonzero(left > negligible)), 1)]
