r"""A sparse precision matrix: the inverse of a covariance that is itself never formed.

Numbered by Cuthill and McKee's method, a symmetric matrix is block tridiagonal with blocks as wide as its
band, about the shorter side of a section. Its Cholesky factor
$L = \begin{pmatrix} L_1 \\ T_2^T & L_2 \\ & T_3^T & L_3 \end{pmatrix}$ then needs only these blocks.
"""

import itertools

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg, sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee

Matrix = Float[np.ndarray, "row column"]


class Precision:
    """A factorised precision matrix Q, symmetric and positive definite.

    Raises `numpy.linalg.LinAlgError` for a matrix that is not.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        self._order = reverse_cuthill_mckee(sparse.csr_array(matrix), symmetric_mode=True)
        self._place = np.argsort(self._order)
        entries = sparse.coo_array(matrix)
        row, column = self._place[entries.row], self._place[entries.col]
        banded = sparse.csr_array((entries.data, (row, column)), matrix.shape)
        width = max(int(np.max(np.abs(row - column))), 1)
        starts = range(0, len(self._order), width)
        self._blocks = [slice(start, start + width) for start in starts]
        self._diagonal: list[Matrix] = []
        self._beside: list[Matrix] = []
        for k, here in enumerate(self._blocks):
            block = banded[here, here].toarray()
            if k:
                coupling = banded[self._blocks[k - 1], here].toarray()
                beside = linalg.solve_triangular(self._diagonal[-1], coupling, lower=True)
                self._beside.append(beside)
                block -= beside.T @ beside
            self._diagonal.append(linalg.cholesky(block, lower=True))

    def solve(self, right: Float[np.ndarray, "n column"]) -> Float[np.ndarray, "n column"]:
        """The covariance times many vectors, $Q^{-1}B$."""
        return self.backwards(self.forwards(right))

    def forwards(self, right: Float[np.ndarray, "n column"]) -> Float[np.ndarray, "n column"]:
        """$L^{-1}B$ in an order of its own: its product with itself is $B^TQ^{-1}B$."""
        x = right[self._order]
        parts = [x[block] for block in self._blocks]
        for k, factor in enumerate(self._diagonal):
            if k:
                parts[k] -= self._beside[k - 1].T @ parts[k - 1]
            _substitute(factor, parts[k])
        return x

    def backwards(self, white: Float[np.ndarray, "n column"]) -> Float[np.ndarray, "n column"]:
        """$L^{-T}$ times what is in the order of `forwards`, in the order of the parameters."""
        x = white.copy()
        parts = [x[block] for block in self._blocks]
        for k in reversed(range(len(parts))):
            if k < len(self._beside):
                parts[k] -= self._beside[k] @ parts[k + 1]
            _substitute(self._diagonal[k], parts[k], transposed=True)
        return x[self._place]

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """The column that is eliminated k-th."""
        return self._order

    def whiten(self, rows: Float[np.ndarray, "many n"]) -> None:
        r"""$BL^{-T}$ in place of rows B whose columns are in `order`: the covariance of the results is one.

        They are half of `solve`: $BQ^{-1}B^T$ is the product of the results with themselves.
        """
        for k, (block, factor) in enumerate(zip(self._blocks, self._diagonal, strict=True)):
            if k:
                rows[:, block] -= rows[:, self._blocks[k - 1]] @ self._beside[k - 1]
            # With so many rows a product takes a quarter of the time of a substitution.
            inverse = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
            rows[:, block] = rows[:, block] @ inverse.T

    def stacked(self) -> tuple[Float[np.ndarray, "block w w"], Float[np.ndarray, "block w w"]]:
        r"""$L_k^{-T}$ and $T_{k+1}$ of every block, of one size: the last one is filled up.

        With them `backwards` is a recursion from the last block to the first, in the order of elimination.
        """
        width = len(self._diagonal[0])
        inverse = np.tile(np.eye(width), (len(self._blocks), 1, 1))
        beside = np.zeros_like(inverse)
        for k, factor in enumerate(self._diagonal):
            own = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True, trans=1)
            inverse[k, : len(factor), : len(factor)] = own
        for k, coupling in enumerate(self._beside):
            beside[k, :, : coupling.shape[1]] = coupling
        return inverse, beside

    def variances(self) -> Float[np.ndarray, " n"]:
        """The diagonal of $Q^{-1}$, from the last block back (Takahashi, Fagan & Chin 1973)."""
        ordered = []
        covariance = np.zeros((0, 0))
        for factor, beside in itertools.zip_longest(self._diagonal[::-1], [None, *self._beside[::-1]]):
            root = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True, trans=1)
            covariance_here = root @ root.T
            if beside is not None:
                gain = linalg.solve_triangular(factor, beside, lower=True, trans=1)
                covariance_here += gain @ covariance @ gain.T
            covariance = covariance_here
            ordered.append(np.diag(covariance))
        return np.concatenate(ordered[::-1])[self._place]


def _substitute(
    factor: Float[np.ndarray, "n n"], right: Float[np.ndarray, "n column"], *, transposed: bool = False
) -> None:
    """Replaces B, `right`, by $L^{-1}B$ or $L^{-T}B$: as $B^T$, which lies in memory as BLAS wants it."""
    way = {"side": 1, "lower": 1, "trans_a": int(not transposed), "overwrite_b": 1}
    (solved,) = linalg.get_blas_funcs(("trsm",), (factor, right))
    right[:] = solved(1.0, factor, right.T, **way).T
