import numpy as np
import pytest
from scipy import sparse

from jaxmt.inversion.precision import Precision


def laplacian(rows, columns, ridge=0.1):
    """A section of cells tied to their neighbours, with random strengths, and a little to zero."""
    count = rows * columns
    cells = np.arange(count).reshape(rows, columns)
    first = np.concatenate([cells[:, :-1].ravel(), cells[:-1].ravel()])
    second = np.concatenate([cells[:, 1:].ravel(), cells[1:].ravel()])
    strength = np.random.default_rng(count).uniform(0.5, 2, first.size)
    ties = sparse.csr_array((strength, (first, second)), (count, count))
    ties = ties + ties.T
    return sparse.csr_array(sparse.diags_array(ties.sum(axis=1) + ridge) - ties)


def apart():
    """Two sections that know nothing of each other, and two lonely cells."""
    return sparse.csr_array(sparse.block_diag([laplacian(4, 3), sparse.eye_array(2) * 3, laplacian(2, 7)]))


def scattered():
    """Cells in random order, and one tied to all."""
    matrix = laplacian(5, 6).toarray()
    matrix[0], matrix[:, 0], matrix[0, 0] = -0.01, -0.01, 5.0
    order = np.random.default_rng(0).permutation(30)
    return sparse.csr_array(matrix[order][:, order])


@pytest.mark.parametrize(
    "matrix",
    [laplacian(1, 1), laplacian(1, 2), laplacian(7, 5), laplacian(3, 11), apart(), scattered()],
    ids=["one", "two", "tall", "wide", "apart", "scattered"],
)
def test_solutions_and_variances_are_those_of_the_inverse(matrix):
    precision = Precision(matrix)
    covariance = np.linalg.inv(matrix.toarray())
    right = np.random.default_rng(1).standard_normal((len(covariance), 3))
    kept = right.copy()
    # A condition of about 100.
    np.testing.assert_allclose(precision.solve(right), covariance @ right, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(precision.variances(), np.diag(covariance), rtol=1e-12)
    np.testing.assert_array_equal(right, kept)
    white = right.T[:, precision.order].copy()
    precision.whiten(white)
    np.testing.assert_allclose(white @ white.T, right.T @ covariance @ right, rtol=1e-11)
    for row, column in zip(white, right.T, strict=True):
        found = precision.backwards(row[:, None])[:, 0]
        np.testing.assert_allclose(found, covariance @ column, rtol=1e-11, atol=1e-12)


def test_a_matrix_that_is_not_positive_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        Precision(laplacian(3, 3, ridge=-1.0))
