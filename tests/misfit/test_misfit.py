from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import CloudTransport, Data, LeastSquares, Responses, Survey
from jaxmt.conventions import MU_0

SURVEY = Survey(np.array([100.0, 10.0, 1.0]), np.array([0.0, 500.0, 1000.0, 1500.0]))
SHAPE = (3, 4)


def responses(seed):
    """Apparent resistivities around 100 ohm m, phases around 45 degrees, tippers around zero."""
    rng = np.random.default_rng(seed)
    unit = np.sqrt(100 * 2 * np.pi * SURVEY.frequencies * MU_0)[:, None]
    z = [unit * np.exp(0.3 * rng.standard_normal(SHAPE) + 1j * rng.uniform(0.5, 1, SHAPE)) for _ in "xy"]
    hz = 0.1 * (rng.standard_normal(SHAPE) + 1j * rng.standard_normal(SHAPE))
    return Responses(SURVEY, jnp.asarray(z[0]), jnp.asarray(-z[1]), jnp.asarray(hz))


def data(masked=False):
    full = Data.from_responses(responses(0), 0.05, 0.02)
    values, errors = full.values.copy(), full.errors.copy()
    if masked:
        values[0, 1, 2] = errors[0, 1, 2] = np.nan
        values[2:4, 0] = errors[2:4, 0] = np.nan
    return Data(SURVEY, values, errors)


PREDICTED = responses(1).components

# Marginals as good as rounding allows.
EXACT: dict[str, Any] = {"tolerance": 1e-12, "max_sweeps": 2000}
# Plans that slide easily are solved in fewer sweeps.
EASY: dict[str, Any] = {"frequency_weight": 1.0, "station_weight": 1.0}
MISFITS = [LeastSquares(), CloudTransport(start_blur=0.3, **EASY, **EXACT)]


@pytest.fixture(params=MISFITS, ids=["least squares", "cloud"])
def misfit(request):
    return request.param


def evaluate(misfit, observed):
    """Value and gradient as functions of predicted data, at the first state."""
    prepared, state = misfit.prepare(observed)
    return jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])


@pytest.mark.parametrize("masked", [False, True])
def test_least_squares_is_the_squared_nrms(masked):
    observed = data(masked)
    value, _ = evaluate(LeastSquares(), observed)(PREDICTED)
    assert float(value) == pytest.approx(observed.nrms(responses(1)) ** 2, rel=1e-14)


@pytest.mark.parametrize("masked", [False, True])
def test_heavier_phases_weigh_by_the_square(masked):
    observed = data(masked)
    squares = np.square((observed.values - np.array(PREDICTED)) / observed.errors)
    weights = np.where(observed.mask, np.reshape([1, 9, 1, 9, 1, 1], (6, 1, 1)), np.nan)
    value, _ = evaluate(LeastSquares(phase_weight=3.0), observed)(PREDICTED)
    # Sums of some sixty numbers.
    assert float(value) == pytest.approx(np.nansum(weights * squares) / np.nansum(weights), rel=1e-13)


@pytest.mark.parametrize("phase_weight", [0.0, np.nan, np.inf])
def test_a_weight_that_is_no_weight_is_refused(phase_weight):
    with pytest.raises(ValueError, match=r"LeastSquares\(phase_weight=...\)` must be positive and finite"):
        LeastSquares(phase_weight=phase_weight)


def test_zero_at_the_observed_data_and_positive_elsewhere(misfit):
    function = evaluate(misfit, data())
    value, slope = function(responses(0).components)
    # Costs of order one, and marginals met to 1e-12.
    assert abs(float(value)) < 1e-12
    np.testing.assert_allclose(slope, 0.0, atol=1e-12)
    assert float(function(PREDICTED)[0]) > 1e-3


def test_gradient_is_the_slope_of_the_value(misfit):
    observed = data(masked=True)
    function = evaluate(misfit, observed)
    errors = data().errors
    direction = jnp.asarray(np.random.default_rng(2).standard_normal((6, *SHAPE)) * errors)
    h = 1e-3
    slope = (function(PREDICTED + h * direction)[0] - function(PREDICTED - h * direction)[0]) / (2 * h)
    # Steps of 1e-3 errors: truncation of order 1e-6 in units of them, and rounding.
    assert float(jnp.vdot(function(PREDICTED)[1], direction)) == pytest.approx(float(slope), rel=1e-6)


def test_a_missing_datum_has_no_cost_and_no_gradient(misfit):
    observed = data(masked=True)
    function = evaluate(misfit, observed)
    value, slope = function(PREDICTED)
    for filling in (0.0, 1e3, np.nan):
        filled = jnp.where(observed.mask, PREDICTED, filling)
        other_value, other_slope = function(filled)
        assert float(other_value) == float(value)
        np.testing.assert_array_equal(other_slope, slope)
    np.testing.assert_array_equal(slope[~observed.mask], 0.0)
    assert np.all(slope[observed.mask] != 0.0)


def test_a_mode_that_was_neither_measured_nor_simulated_is_left_out(misfit):
    te_only = Responses(SURVEY, responses(1).z_xy, None, responses(1).tipper)
    values = data().values.copy()
    values[2:4] = np.nan
    value, slope = evaluate(misfit, Data(SURVEY, values, data().errors))(te_only.components)
    assert np.isfinite(float(value))
    assert np.all(np.isfinite(slope))
    assert float(value) > 0


def test_heavy_axes_and_a_small_blur_make_transport_least_squares():
    r"""No mass moves between points: S is the mean of $|w (p_i - o_i)|^2$ over the points."""
    blur = jnp.asarray(0.05)
    embedding = CloudTransport(**EASY, error_floor_ratio=1.0).embedding(data())
    difference = embedding.predicted_cloud(PREDICTED, blur) - embedding.observed_cloud(blur)
    expected = float(jnp.mean(jnp.sum(jnp.square(difference), axis=1)))
    values = []
    for axes in (0.03, 0.1, 10.0):
        misfit = CloudTransport(start_blur=0.05, frequency_weight=axes, station_weight=axes, **EXACT)
        values.append(float(evaluate(misfit, data())(PREDICTED)[0]))
    # The cheaper it is to move mass along the axes, the smaller the cost.
    assert values == sorted(values)
    assert values[0] < 0.9 * expected
    # Neighbours are 10 / 3 away at least: exp(-11 / 0.05^2) is zero.
    assert values[-1] == pytest.approx(expected, rel=1e-12)


def test_blur_follows_the_distance_down_to_its_floor():
    misfit = CloudTransport(start_blur=0.08, final_blur=0.01, annealing=0.5, decay=1.0, **EXACT)
    prepared, state = misfit.prepare(data())
    observed = jnp.asarray(data().values)
    expected = 0.08
    # Nearer, far away again, and there.
    for part in (1.0, 0.3, 1.0, 0.0):
        assert misfit.describe(state)["blur"] == pytest.approx(expected, rel=1e-12)
        value, state = misfit(observed + part * (PREDICTED - observed), prepared, state)
        expected = float(np.clip(0.5 * np.sqrt(max(value, 0.0)), 0.01, expected))
    assert misfit.describe(state) == {"blur": 0.01}
    assert LeastSquares().describe(None) == {}


def test_blur_comes_down_where_the_data_cannot_be_fitted():
    misfit = CloudTransport(start_blur=0.08, final_blur=0.06, annealing=100.0, decay=0.9, **EXACT)
    prepared, state = misfit.prepare(data())
    blurs = []
    for _ in range(4):
        blurs.append(misfit.describe(state)["blur"])
        _, state = misfit(PREDICTED, prepared, state)
    assert blurs == pytest.approx([0.08, 0.072, 0.0648, 0.06], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_blur": 0.01, "final_blur": 0.02}, "0 < final_blur <= start_blur. Got start_blur=0.01"),
        ({"final_blur": 0.0}, "0 < final_blur <= start_blur.*final_blur=0.0"),
        ({"error_floor_ratio": 0.9}, "must be finite and at least 1.*Got 0.9"),
        ({"start_blur": np.nan}, "0 < final_blur <= start_blur. Got start_blur=nan"),
        ({"decay": 1.5}, r"decay=...\)` must lie in \(0, 1\]. Got 1.5"),
        ({"annealing": 0.0}, r"annealing=...\)` must be a positive factor of the distance.*Got 0.0"),
        ({"station_weight": 0.0}, r"station_weight=...\)` must be positive. Got 0.0"),
        ({"te_weight": -1.0}, r"te_weight=...\)` must be positive. Got -1.0"),
        ({"frequency_weight": np.inf}, r"frequency_weight=...\)` must be positive. Got inf"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CloudTransport(**options)
