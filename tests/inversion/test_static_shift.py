import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import BLOCK_MESH, observed
from scipy.optimize import minimize

from jaxmt import Data, GaussNewton, LeastSquares, StaticShift, Survey, invert
from jaxmt.conventions import RHO
from jaxmt.inversion.static_shift import shifted

SURVEY = Survey([10.0, 1.0, 0.1], [0.0, 1e3, 2e3, 3e3])
PRIOR = StaticShift(0.2)


@pytest.fixture(scope="module")
def case():
    """Observed data with gaps and errors of all sizes, and predictions off by noise and a shift."""
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 3, (6, 3, 4))
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


def balanced(free):
    """Shifts of TE at four stations and of TM at three of them, each of mean zero, from the others."""
    te, tm = free[:3], free[3:]
    zero = jnp.zeros(1)
    last, end = -jnp.sum(te)[None], -jnp.sum(tm)[None]
    return jnp.stack([jnp.concatenate([te, last]), jnp.concatenate([tm[:1], zero, tm[1:], end])])


def test_the_shifts_are_the_best_of_mean_zero_that_scipy_finds(case):
    data, predicted = case
    value = jax.jit(jax.value_and_grad(lambda s: objective(balanced(s), data, predicted)))
    found = minimize(
        lambda s: [np.asarray(v) for v in value(jnp.asarray(s))], np.zeros(5), jac=True, tol=1e-12
    )
    shifts = np.asarray(PRIOR(predicted, data))
    # BFGS stops at gradients of 1e-12 times curvatures up to 1e4.
    np.testing.assert_allclose(shifts, np.asarray(balanced(jnp.asarray(found.x))), atol=1e-8)
    assert 0.2 < shifts[0, 1] < 0.4
    assert shifts[1, 1] == 0


def test_shifts_within_their_bounds_are_the_best_that_scipy_finds(case):
    """Curves that are decades off, with bounds of 0.12 decades: a quadratic programme."""
    data, predicted = case
    tight = StaticShift(0.04)
    far = predicted.at[0].add(jnp.asarray([0.5, -0.7, 0.1, 0.02]))
    shifts = np.asarray(tight(far, data))
    known = jnp.asarray([[1.0, 1, 1, 1], [1, 0, 1, 1]])

    def whole(s):
        value, _ = LeastSquares()(shifted(far, s.reshape(2, 4)), data, None)
        return data.count * value + jnp.sum(jnp.square(s / tight.decades))

    found = minimize(
        jax.jit(whole),
        np.zeros(8),
        jac=jax.jit(jax.grad(whole)),
        method="SLSQP",
        bounds=[(-tight.farthest, tight.farthest)] * 8,
        constraints=[
            {"type": "eq", "fun": lambda s, m=m: (known[m] * s.reshape(2, 4)[m]).sum()} for m in (0, 1)
        ],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert (np.abs(shifts) > 0.99 * tight.farthest).any()
    # Steps of a programme of second order end at the root of rounding of values of 1e3.
    np.testing.assert_allclose(shifts, found.x.reshape(2, 4), atol=1e-6)
    np.testing.assert_allclose(shifts.sum(axis=1), 0.0, atol=1e-15)


def test_shifts_of_a_step_leave_the_residuals_of_the_best_ones(case):
    """W W (r + U b) = r: with W as in `without`, at the best shifts, for some beside a curve of no data."""
    data, predicted = case
    tight = StaticShift(0.04)
    far = predicted.at[jnp.array(RHO)].add(jnp.asarray([[0.5, -0.7, 0.1, 0.02], [0.6, 0, 0.3, 0]])[:, None])
    shifts = tight(far, data)
    weights = np.where(data.mask, 1 / data.errors, 0.0)
    movable, beyond = tight.unbound(shifts, weights)
    np.testing.assert_array_equal(movable.sum(axis=1), [3, 2])
    r = (weights * np.nan_to_num(data.values - np.asarray(shifted(far, shifts))))[data.mask]
    left = r + (weights * np.asarray(shifted(jnp.zeros_like(far), jnp.asarray(beyond))))[data.mask]
    for _ in range(2):
        left = tight.without(left, weights, movable=movable)
    # Residuals of ten, condition numbers of 1e2.
    np.testing.assert_allclose(left, r, atol=1e-11)


def test_a_wide_prior_gives_the_differences_of_means_and_a_narrow_one_nothing(case):
    data, predicted = case
    even = Data(SURVEY, data.values, np.full(data.errors.shape, 0.1)).select(stations=[1, 2, 3])
    means = (even.values - np.asarray(predicted)[:, :, 1:])[0].mean(axis=0)
    # The prior pulls by (0.1 / 1e6)^2 and (1e-6 / 0.02)^2 at the most.
    wide = np.asarray(StaticShift(1e6)(predicted[:, :, 1:], even))
    np.testing.assert_allclose(wide[0], means - means.mean(), rtol=1e-9)
    assert np.abs(np.asarray(StaticShift(1e-6)(predicted, data))).max() < 1e-8


def test_the_level_of_all_curves_belongs_to_the_section(case):
    data, predicted = case
    moved = predicted.at[jnp.array(RHO)].add(jnp.asarray([[0.7], [-1.3]])[:, None])
    even = Data(SURVEY, data.values, np.full(data.errors.shape, 0.1))
    full = even.select(frequencies=[0, 2])
    before, after = (np.asarray(PRIOR(p[:, [0, 2]], full)) for p in (predicted, moved))
    # Of equally many data the shifts are those of before but for rounding.
    np.testing.assert_allclose(after, before, atol=1e-14)
    alone = PRIOR(predicted[:, :, :1], data.select(stations=[0]))
    np.testing.assert_array_equal(np.asarray(alone), 0.0)


def test_rows_without_the_shifts_are_white(case):
    """W (I + U S U^T) W^T = I for the covariance of residuals over errors with unknown shifts."""
    data, _ = case
    weights = np.where(data.mask, 1 / data.errors, 0.0)
    component, _, site = np.nonzero(weights > 0)
    covariance = np.eye(len(site))
    for mode in RHO:
        curves = np.unique(site[component == mode])
        u = weights[weights > 0][:, None] * ((component == mode)[:, None] & (site[:, None] == curves))
        covariance += u @ (PRIOR.decades**2 * (np.eye(len(curves)) - 1 / len(curves))) @ u.T
    white = PRIOR.without(np.eye(len(site)), weights)
    # Condition numbers of 1e3.
    np.testing.assert_allclose(white @ covariance @ white.T, np.eye(len(site)), atol=1e-12)


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
    shifts = jnp.asarray([[0.1, 0.2, 0.0, 0.3], [0.3, 0.4, 0.1, 0.0]])
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
