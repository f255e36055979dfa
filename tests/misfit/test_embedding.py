from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import CloudTransport, Data, Survey
from jaxmt.conventions import COMPONENTS
from jaxmt.misfit.embedding import VALUE_SCALE

SURVEY = Survey(np.array([100.0, 1.0, 10.0]), np.array([500.0, -500.0, 0.0, 1500.0]))
SHAPE = (6, 3, 4)
BLUR = jnp.asarray(0.03)


def values(seed=0):
    rng = np.random.default_rng(seed)
    low, high = np.array([[0, 10, 0, 10, -1, -1], [4, 80, 4, 80, 1, 1]])[..., None, None]
    return low + (high - low) * rng.random(SHAPE)


def data(errors=(0.4, 4.5, 0.8, 9.0, 0.1, 0.1), missing=(), survey=SURVEY):
    shape = (6, survey.frequencies.size, survey.stations.size)
    observed = values()[:, : shape[1], : shape[2]]
    for at in missing:
        observed[at] = np.nan
    return Data(survey, observed, np.broadcast_to(np.reshape(errors, (6, 1, 1)), shape))


SIX = COMPONENTS[:4]


def embed(observed, **options):
    """The 6-D embedding, its axes unweighted."""
    plain: dict[str, Any] = {"components": SIX, "point_errors": False, "error_floor_ratio": 1.0}
    plain |= {"frequency_weight": 1.0, "station_weight": 1.0}
    return CloudTransport(**(plain | options)).embedding(observed)


def weight(embedding, blur=BLUR):
    """The factor of each scaled value: the cloud of values that are one after scaling."""
    ones = jnp.broadcast_to(jnp.asarray(VALUE_SCALE)[:, None, None], SHAPE)
    return np.array(embedding.predicted_cloud(ones, blur)[:, 2:])


def test_axes_are_log_frequency_and_position_over_the_survey():
    cloud = embed(data()).observed_cloud(BLUR).reshape(3, 4, 6)
    # Two decades, 100, 1 and 10 Hz; 2,000 m from -500 m. Logarithms of powers of ten, one rounding.
    np.testing.assert_allclose(cloud[..., 0], [[1.0] * 4, [0.0] * 4, [0.5] * 4], atol=1e-15)
    np.testing.assert_array_equal(cloud[..., 1], [[0.5, 0.0, 0.25, 1.0]] * 3)
    weighted = embed(data(), frequency_weight=2.0, station_weight=3.0)
    np.testing.assert_array_equal(weighted.axes, np.array(cloud[..., :2]).reshape(-1, 2) * [2.0, 3.0])


def test_values_are_scaled_to_the_unit_interval_and_weighted():
    embedding = embed(data())
    unweighted = embedding.observed_cloud(BLUR)[:, 2:] / weight(embedding)
    # Products and their quotients.
    np.testing.assert_allclose(
        unweighted, data().values[:4].reshape(4, -1).T / [8.0, 90.0, 8.0, 90.0], rtol=1e-14
    )
    assert np.all((unweighted >= 0) & (unweighted <= 1))


@pytest.mark.parametrize(
    ("blur", "floored"), [(0.01, [0.05, 0.05, 0.1, 0.1]), (0.07, [0.07, 0.07, 0.1, 0.1]), (0.5, [0.5] * 4)]
)
def test_weights_are_inverse_errors_no_smaller_than_the_blur_with_largest_one(blur, floored):
    """Errors after scaling are 0.05, 0.05, 0.1 and 0.1."""
    found = weight(embed(data()), jnp.asarray(blur))
    precision = 1 / np.array(floored)
    # A handful of roundings.
    expected = np.broadcast_to(precision / precision.max(), (12, 4))
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert np.max(found) == 1.0


@pytest.mark.parametrize("options", [{}, {"point_errors": True}])
def test_a_floor_raises_the_small_errors(options):
    """Errors of 0.05, 0.05, 0.1 and 0.1 count as 0.075 and 0.1."""
    found = weight(embed(data(), error_floor_ratio=1.5, **options))
    np.testing.assert_allclose(found, [[1.0, 1.0, 0.75, 0.75]] * 12, rtol=1e-14)


def test_mode_weights_multiply_their_components():
    plain, weighted = (embed(data(), **w) for w in ({}, {"te_weight": 2.0, "tm_weight": 0.5}))
    # The largest weight stays one; powers of two are exact.
    np.testing.assert_array_equal(weight(weighted), weight(plain) * [1.0, 1.0, 0.25, 0.25])


def test_observed_data_predict_the_observed_cloud():
    embedding = embed(data(missing=[(0, 1, 2), (slice(2, 4), 0, 0)]))
    predicted = embedding.predicted_cloud(jnp.asarray(np.nan_to_num(data().values)), BLUR)
    # Division by the scale in JAX and in NumPy: one rounding.
    np.testing.assert_allclose(predicted, embedding.observed_cloud(BLUR), rtol=1e-15)


@pytest.mark.parametrize("filling", [0.0, 1e6, np.nan])
def test_a_missing_datum_is_not_seen_and_has_no_gradient(filling):
    at = (0, 1, 2)
    embedding = embed(data(missing=[at, (slice(2, 4), 0, 0)]))
    predicted = values(1)
    predicted[at] = filling
    cloud, pull = jax.vjp(lambda v: embedding.predicted_cloud(v, BLUR), jnp.asarray(predicted))
    assert cloud[1 * 4 + 2, 2] == embedding.observed_cloud(BLUR)[1 * 4 + 2, 2] == 0.0
    slope = np.array(pull(jnp.ones_like(cloud))[0])
    expected = np.zeros(SHAPE)
    expected[:4] = (weight(embedding)[-1] / VALUE_SCALE[:4])[:, None, None]
    expected[at] = expected[2:4, 0, 0] = 0.0
    np.testing.assert_allclose(slope, expected, rtol=1e-15)


def test_points_without_any_datum_are_dropped():
    """Frequency 1 at station 3 has only a tipper; frequency 2 at station 0 still has a phase."""
    all_but_phase_xy = [(0, 2, 0), (2, 2, 0), (3, 2, 0)]
    embedding = embed(data(missing=[(slice(0, 4), 1, 3), *all_but_phase_xy]))
    np.testing.assert_array_equal(embedding.interpolation.corners[0], np.delete(np.arange(12), 7))
    assert embedding.predicted_cloud(jnp.asarray(values()), BLUR).shape == (11, 6)
    np.testing.assert_array_equal(weight(embedding)[7] > 0, [False, True, False, False])


def test_a_component_that_was_never_measured_has_no_weight():
    found = weight(embed(data(missing=[slice(2, 4)])))
    np.testing.assert_array_equal(found[:, 2:], 0.0)
    # The mean square is over the components that exist.
    assert np.mean(found[:, :2] ** 2) == pytest.approx(1.0, rel=1e-14)


def test_one_frequency_and_one_station():
    """An axis with one value is at zero: there is nowhere to move."""
    survey = Survey(np.array([3.0]), np.array([200.0]))
    embedding = embed(data(survey=survey))
    np.testing.assert_array_equal(embedding.axes, [[0.0, 0.0]])
    assert embedding.observed_cloud(BLUR).shape == (1, 6)


def test_tippers_make_the_cloud_8_d_where_there_are_any():
    assert embed(data(), components=None).observed_cloud(BLUR).shape == (12, 8)
    without = embed(data(missing=[slice(4, 6)]), components=None)
    assert without.observed_cloud(BLUR).shape == (12, 6)
    tippers = embed(data(), components=("tipper_imag",)).observed_cloud(BLUR)
    # One component: the largest factor is one. A tipper of 2 maps to 1.
    np.testing.assert_array_equal(tippers[:, 2], data().values[5].ravel() / 2)


def test_point_errors_weigh_each_value_by_its_own():
    observed = data()
    errors = observed.errors.copy()
    errors[0, 1, 2] *= 2
    uneven = Data(SURVEY, observed.values, errors)
    plain, own = weight(embed(uneven)), weight(embed(uneven, point_errors=True))
    # The median error of a component does not see one datum.
    np.testing.assert_array_equal(plain, weight(embed(observed)))
    expected = plain.copy()
    expected[1 * 4 + 2, 0] /= 2
    np.testing.assert_array_equal(own, expected)


def test_a_correlation_makes_the_cost_the_quadratic_form_of_the_covariance():
    correlation = np.eye(4)
    correlation[0, 1] = correlation[1, 0] = 0.6
    correlation[2, 3] = correlation[3, 2] = -0.3
    embedding = embed(data(), correlation=correlation)
    clouds = [embedding.predicted_cloud(jnp.asarray(values(k)), BLUR)[:, 2:] for k in (0, 1)]
    found = np.sum(np.square(clouds[0] - clouds[1]), axis=1)
    errors = np.maximum(np.array([0.05, 0.05, 0.1, 0.1]), float(BLUR))
    inverse = np.linalg.inv(correlation * np.outer(errors, errors))
    steps = ((values(0) - values(1))[:4].reshape(4, -1).T) / VALUE_SCALE[:4]
    expected = np.einsum("ni,ij,nj->n", steps, inverse, steps)
    # Proportional: the largest stretch of W is at most one.
    np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=1e-12)
    assert np.all(found <= np.sum(np.square(steps), axis=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": ("rho",)}, r"must name some of.*Got \('rho',\)"),
        ({"components": ()}, r"must name some of.*Got \(\)"),
        ({"components": ("phase_xy", "phase_xy")}, "each once"),
        ({"correlation": np.eye(3)}, "correlation matrix of 4 components"),
        ({"correlation": np.ones((4, 4))}, "positive definite"),
        # Singular but for rounding.
        ({"correlation": (1 - 1e-13) * np.ones((4, 4)) + 1e-13 * np.eye(4)}, "positive definite"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        embed(data(), **options)


def test_components_without_a_datum_are_refused():
    with pytest.raises(ValueError, match="holds no datum.*Choose other `components`"):
        embed(data(missing=[slice(0, 4)]))
