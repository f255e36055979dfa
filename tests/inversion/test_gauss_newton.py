"""The curvature of Gauss-Newton between a prediction and the data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Data, Huber, LeastSquares, PairedClouds, Student, Survey
from jaxmt.inversion.optimisers.expanded import LEAST_SECANT, secant

SURVEY = Survey(np.geomspace(10.0, 0.1, 3), np.array([0.0, 1e3]))


def observed():
    values = np.tile(np.reshape([2.0, 170.0, 1.5, 40.0, np.nan, np.nan], (6, 1, 1)), (1, 3, 2))
    values[0, 1, 1] = np.nan
    return Data(
        SURVEY, values, np.broadcast_to(np.reshape([0.04, 3.0, 0.04, 3.0, 1, 1], (6, 1, 1)), (6, 3, 2))
    )


def predicted():
    # Phases cross the cut at 180 degrees.
    noise = np.random.default_rng(0).standard_normal((6, 3, 2))
    return jnp.asarray(np.reshape([2.2, -175.0, 1.4, 45.0, 0, 0], (6, 1, 1)) + 0.1 * noise)


@pytest.mark.parametrize(
    "misfit", [LeastSquares(), Huber(), Student(), PairedClouds()], ids=lambda m: type(m).__name__
)
def test_costs_of_residuals_curve_as_they_say(misfit):
    """Their h is reweighted: the gradient is h times the residual, and the ratio one."""
    data, p = observed(), predicted()
    prepared, state = misfit.prepare(data)
    pull = jax.grad(lambda q: misfit(q, prepared, state)[0])(p)
    held = misfit.curvature(p, prepared, state)
    assert float(secant(data, p, pull, held)) == 1.0


@pytest.mark.parametrize(
    ("part", "expected"), [(0.4, 0.4), (1.7, 1.0), (0.01, LEAST_SECANT), (-1.0, LEAST_SECANT)]
)
def test_the_secant_is_that_of_the_gradient_within_bounds(part, expected):
    data, p = observed(), predicted()
    prepared, state = LeastSquares().prepare(data)
    held = LeastSquares().curvature(p, prepared, state)
    pull = part * jax.grad(lambda q: LeastSquares()(q, prepared, state)[0])(p)
    # A quotient of sums of a dozen numbers.
    assert float(secant(data, p, pull, held)) == pytest.approx(expected, rel=1e-12)
