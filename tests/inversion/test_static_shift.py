import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import BLOCK_MESH, observed
from scipy.optimize import minimize

from jaxmt import Data, GaussNewton, LeastSquares, StaticShift, Survey, invert
from jaxmt.conventions import RHO
from jaxmt.inversion.static_shift import shifted

SURVEY = Survey([10.0, 1.0, 0.1], [0.0, 1e3])
PRIOR = StaticShift(0.2)


@pytest.fixture(scope="module")
def case():
    """Observed data with a gap and errors of all sizes, and predictions off by noise and a shift."""
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 3, (6, 3, 2))
    errors = rng.uniform(0.02, 0.2, values.shape)
    values[0, 1, 0] = np.nan
    values[2, :, 1] = np.nan
    data = Data(SURVEY, values, errors)
    predicted = np.nan_to_num(values) + 0.1 * rng.standard_normal(values.shape)
    predicted[0, :, 1] -= 0.4
    return data, jnp.asarray(predicted)


def objective(shifts, data, predicted):
    """N times least squares, and the prior of the shifts in its unit."""
    value, _ = LeastSquares()(shifted(predicted, shifts), data, None)
    return data.count * value + jnp.sum(jnp.square(shifts / PRIOR.decades))


def test_the_shifts_are_those_that_scipy_finds(case):
    data, predicted = case
    value = jax.jit(jax.value_and_grad(lambda s: objective(s.reshape(2, 2), data, predicted)))
    found = minimize(
        lambda s: [np.asarray(v) for v in value(jnp.asarray(s))], np.zeros(4), jac=True, tol=1e-12
    )
    shifts = np.asarray(PRIOR(predicted, data))
    # BFGS stops at gradients of 1e-12 times curvatures up to 1e4.
    np.testing.assert_allclose(shifts, found.x.reshape(2, 2), atol=1e-8)
    assert 0.3 < shifts[0, 1] < 0.5
    assert shifts[1, 1] == 0


def test_a_wide_prior_gives_the_weighted_mean_and_a_narrow_one_nothing(case):
    data, predicted = case
    residual = (data.values - np.asarray(predicted))[0, :, 1]
    mean = np.average(residual, weights=data.errors[0, :, 1] ** -2)
    # The prior pulls by (0.2 / 1e6)^2 and (1e-6 / 0.02)^2 at the most.
    assert float(StaticShift(1e6)(predicted, data)[0, 1]) == pytest.approx(mean, rel=1e-9)
    assert np.abs(np.asarray(StaticShift(1e-6)(predicted, data))).max() < 1e-8


def test_the_gradient_with_shifts_held_is_that_of_the_best_fit(case):
    data, predicted = case

    def held(p):
        return objective(PRIOR(p, data), data, p)

    def best(p):
        """The objective at its minimum over the shifts, differentiated by differences."""
        return float(held(p))

    direction = np.random.default_rng(1).standard_normal(predicted.shape)
    step = 1e-5
    difference = (best(predicted + step * direction) - best(predicted - step * direction)) / (2 * step)
    exact = float(jnp.sum(jax.grad(held)(predicted) * direction))
    # A quadratic: central differences err by rounding, 1e-16 * 1e3 / 1e-5.
    assert exact == pytest.approx(difference, rel=1e-7)


def test_shifting_moves_resistivities_only(case):
    _, predicted = case
    shifts = jnp.asarray([[0.1, 0.2], [0.3, 0.4]])
    moved = np.asarray(shifted(predicted, shifts)) - np.asarray(predicted)
    for row, component in enumerate(RHO):
        np.testing.assert_allclose(moved[component], np.tile(shifts[row], (3, 1)), atol=1e-14)
    assert not moved[[1, 3, 4, 5]].any()


@pytest.mark.parametrize("decades", [0.0, -1.0, np.inf, np.nan])
def test_a_prior_without_width_is_refused(decades):
    with pytest.raises(ValueError, match=rf"decades=...\)` must be positive and finite.*Got {decades}"):
        StaticShift(decades)


@pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")
def test_an_inversion_finds_the_shift_of_a_station():
    clean = observed(frequencies=2)
    values = np.array(clean.values)
    values[0, :, 2] += 0.5
    moved = Data(clean.survey, values, clean.errors)
    options = {"optimiser": GaussNewton(), "target": 1.1, "max_iterations": 8}
    result = invert(moved, BLOCK_MESH, 100.0, LeastSquares(), static_shift=StaticShift(0.3), **options)
    assert result.converged
    # What no smooth section can do is a jump from one station to the next. The prior shares it out among
    # neighbours, and the noise of two frequencies is 0.03 * 2 / ln 10 / sqrt(2).
    te = result.static_shift[0]
    assert np.argmax(np.abs(result.static_shift)) == 2
    assert te[2] - (te[1] + te[3]) / 2 == pytest.approx(0.5, abs=0.15)
    difference = result.predicted - np.array(result.responses.components)
    np.testing.assert_allclose(difference[0], np.tile(result.static_shift[0], (2, 1)), atol=1e-12)
    assert moved.nrms_of(jnp.asarray(result.predicted)) == pytest.approx(result.nrms, rel=1e-9)
