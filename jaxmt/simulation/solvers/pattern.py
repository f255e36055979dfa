"""Sparsity of the five-point stencil, in compressed columns or rows."""

import functools
from typing import NamedTuple

import numpy as np

from ...programs import dropping


class Pattern(NamedTuple):
    """Where the coefficients of a stencil go in a sparse matrix whose rows are eliminated in order.

    - `order`: the grid node (row-major) that is eliminated k-th.
    - `indices`, `indptr`: of compressed columns; a symmetric matrix has the same ones by rows.
    - `place`: for each stored entry its place in [diagonal, -down, -right], flattened.
    """

    order: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    place: np.ndarray

    def values(self, stencil: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """The stored entries."""
        diagonal, down, right = stencil
        return np.concatenate([diagonal.ravel(), -down.ravel(), -right.ravel()])[self.place]


@functools.cache
def natural(rows: int, cols: int, *, triangle: bool) -> Pattern:
    """The pattern in row-major order: the whole matrix, or by rows only its upper triangle."""
    return permuted(rows, cols, np.arange(rows * cols), triangle=triangle)


dropping(natural.cache_clear)


def permuted(rows: int, cols: int, position: np.ndarray, *, triangle: bool) -> Pattern:
    """The pattern when node k is eliminated as number `position[k]`."""
    from scipy.sparse import csc_array

    node = position.reshape(rows, cols)
    number = np.cumsum([0, node.size, node[1:].size])
    row, col, place = [node.ravel()], [node.ravel()], [np.arange(node.size)]
    for k, (a, b) in enumerate(((node[:-1], node[1:]), (node[:, :-1], node[:, 1:]))):
        for first, second in ((a, b),) if triangle else ((a, b), (b, a)):
            row.append(second.ravel())
            col.append(first.ravel())
            place.append(number[k + 1] + np.arange(first.size))
    # Zero would be dropped as an entry that is not there.
    entries = np.concatenate(place) + 1
    matrix = csc_array((entries, (np.concatenate(row), np.concatenate(col))))
    matrix.sort_indices()
    return Pattern(np.argsort(position), matrix.indices, matrix.indptr, matrix.data - 1)
