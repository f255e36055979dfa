"""Properties of the graph-space misfit; the distance beneath it is tested in test_transport_variants.py."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from jaxmt import Data, GraphSpaceTransport, LeastSquares, Survey
from jaxmt.misfit.embedding import VALUE_SCALE

SURVEY = Survey(np.geomspace(100.0, 0.01, 7), np.array([0.0, 500.0, 1500.0]))
SHAPE = (6, 7, 3)
TYPICAL = np.array([2.0, 45.0, 2.0, 45.0, 0.0, 0.0])[:, None, None]
SPREAD = np.array([0.4, 9.0, 0.4, 9.0, 0.1, 0.1])[:, None, None]
ERRORS = np.array([0.04, 3.0, 0.04, 3.0, 0.02, 0.02])[:, None, None]


def values(seed):
    return TYPICAL + SPREAD * np.random.default_rng(seed).standard_normal(SHAPE)


def data(uneven=False, masked=False):
    """Errors are alike within a component, or differ by up to three times."""
    errors = np.broadcast_to(ERRORS, SHAPE).copy()
    if uneven:
        errors = errors * np.random.default_rng(5).uniform(1, 3, SHAPE)
    observed = values(0)
    if masked:
        observed[0, 2, 1] = observed[3, :4, 2] = np.nan
    return Data(SURVEY, observed, errors)


PREDICTED = jnp.asarray(values(1))
WIDE = SURVEY.frequencies.size


def evaluate(eta, observed):
    misfit = GraphSpaceTransport(eta)
    prepared, state = misfit.prepare(observed)
    return jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])


@pytest.mark.parametrize("observed", [data(), data(True, True)], ids=["even", "uneven, masked"])
def test_a_heavy_frequency_axis_makes_it_least_squares(observed):
    misfit = LeastSquares()
    prepared, state = misfit.prepare(observed)
    expected, slope = jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])(PREDICTED)
    # Scaled values differ by one at most and positions by 1/6: at 1e6 no sample moves.
    found, found_slope = evaluate(1e6, observed)(PREDICTED)
    assert float(found) == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(found_slope, slope, rtol=1e-11, atol=1e-15)


def test_without_a_price_on_frequency_values_are_compared_in_order_of_size():
    ordered = [np.sort(v, axis=1) for v in (np.asarray(PREDICTED), values(0))]
    expected = np.mean(np.square((ordered[0] - ordered[1]) / ERRORS))
    # Sums of 126 terms of order one to a hundred.
    assert float(evaluate(0.0, data())(PREDICTED)[0]) == pytest.approx(expected, rel=1e-12)


def test_zero_at_the_observed_data_and_nowhere_else():
    observed = data(uneven=True)
    for eta in (0.01, 1.0):
        function = evaluate(eta, observed)
        value, slope = function(jnp.asarray(observed.values))
        assert float(value) == 0.0
        np.testing.assert_array_equal(slope, 0.0)
        for place in ((0, 3, 1), (3, 0, 0), (5, 6, 2)):
            # Smaller than any gap between samples: the others stay where they are.
            nudge = 1e-3 * ERRORS[place[0], 0, 0]
            moved = float(function(jnp.asarray(observed.values).at[place].add(nudge))[0])
            size = 1e-6 * np.square(ERRORS[place[0], 0, 0] / observed.errors[place]) / observed.mask.sum()
            # A nudge of 1e-3 beside values of 45: twelve digits of it are left, squared.
            assert moved == pytest.approx(size, rel=1e-9)


def test_the_price_of_frequency_only_adds_and_least_squares_bounds_it():
    observed = data(uneven=True)
    costs = [float(evaluate(eta, observed)(PREDICTED)[0]) for eta in (0.0, 0.01, 0.1, 1.0, 10.0, 1e6)]
    assert costs == sorted(costs)
    assert costs[0] < 0.5 * costs[-1]


@pytest.mark.parametrize("eta", [0.01, 0.3])
def test_the_gradient_is_the_residual_after_the_assignment(eta):
    observed = data(uneven=True)
    positions = np.log10(SURVEY.frequencies)
    positions = (positions - positions.min()) / np.ptp(positions)
    apart = eta * np.square(positions[:, None] - positions)
    cost, slope, moved = 0.0, np.zeros(SHAPE), 0
    for k, scale in enumerate(VALUE_SCALE):
        for site in range(SHAPE[2]):
            p, o = np.asarray(PREDICTED)[k, :, site] / scale, observed.values[k, :, site] / scale
            weight = np.square(scale / observed.errors[k, :, site])
            costs = weight * (apart + np.square(p[:, None] - o))
            sigma = linear_sum_assignment(costs)[1]
            moved += np.sum(sigma != np.arange(WIDE))
            cost += costs[np.arange(WIDE), sigma].sum()
            slope[k, :, site] = 2 * weight[sigma] * (p - o[sigma]) / scale
    count = observed.mask.sum()
    value, found = evaluate(eta, observed)(PREDICTED)
    # At least a tenth of the samples have moved, or this would be least squares.
    assert moved > 0.1 * count
    assert float(value) == pytest.approx(cost / count, rel=1e-12)
    np.testing.assert_allclose(found, slope / count, rtol=1e-11, atol=1e-14)


def test_the_gradient_is_the_slope_of_the_value_away_from_ties():
    observed = data(uneven=True, masked=True)
    function = evaluate(0.1, observed)
    direction = jnp.asarray(np.random.default_rng(2).standard_normal(SHAPE) * ERRORS)
    h = 1e-5
    ahead, behind = (function(PREDICTED + s * direction)[0] for s in (h, -h))
    # Quadratic while the assignment holds: rounding, 1e-16 / 1e-5, is all that is left.
    slope = float((ahead - behind) / (2 * h))
    assert float(jnp.vdot(function(PREDICTED)[1], direction)) == pytest.approx(slope, rel=1e-9)


def test_a_missing_datum_has_no_cost_and_no_gradient():
    observed = data(masked=True)
    function = evaluate(0.1, observed)
    value, slope = function(PREDICTED)
    for filling in (0.0, 1e3, np.nan):
        other, other_slope = function(jnp.where(observed.mask, PREDICTED, filling))
        assert float(other) == float(value)
        np.testing.assert_array_equal(other_slope, slope)
    np.testing.assert_array_equal(slope[~observed.mask], 0.0)


@pytest.mark.parametrize("eta", [-1.0, np.nan, np.inf])
def test_a_bad_eta_is_refused(eta):
    with pytest.raises(ValueError, match=r"eta=...\)` must be finite and not negative"):
        GraphSpaceTransport(eta)
