import numpy as np
import pytest
from scipy import sparse

from jaxmt.inversion.precision import Precision
from jaxmt.inversion.ridge import Ridge


def prior(size):
    rough = sparse.eye_array(size - 1, size, k=1) - sparse.eye_array(size - 1, size)
    return sparse.csr_array(rough.T @ rough + 0.1 * sparse.eye_array(size))


@pytest.mark.parametrize(("data", "parameters"), [(9, 30), (30, 9), (1, 4), (5, 5)])
@pytest.mark.parametrize("threads", [1, 3])
def test_every_damping_solves_the_normal_equations_in_either_space(data, parameters, threads):
    rng = np.random.default_rng(0)
    j, r, c = rng.standard_normal((data, parameters)), rng.standard_normal(data), prior(parameters)
    precision = Precision(c)
    ridge = Ridge(j[:, precision.order], precision, threads)
    # Conditions of a thousand at most.
    assert ridge.trace == pytest.approx(np.trace(j @ np.linalg.solve(c.toarray(), j.T)), rel=1e-11)
    for damping in (0.01, 1.0, 100.0):
        expected = np.linalg.solve(j.T @ j + damping * c.toarray(), j.T @ r)
        found = precision.backwards(ridge.solve(r, damping)[:, None])[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * abs(expected).max())


def test_a_damping_that_leaves_the_product_singular_has_no_solution():
    precision = Precision(prior(6))
    ridge = Ridge(np.ones((3, 6)), precision, 1)
    assert np.isnan(ridge.solve(np.ones(3), -1.0)).all()
