"""Misfits other than least squares and the 6-D cloud: values in closed form, limits, slopes, masks."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import present
from scipy.optimize import linear_sum_assignment

from jaxmt import (
    CloudTransport,
    ComponentTransport,
    Data,
    GraphSpaceTransport,
    Huber,
    LeastSquares,
    Student,
    Survey,
)
from jaxmt.misfit.embedding import VALUE_SCALE

SHAPE = (5, 3)
SURVEY = Survey(np.geomspace(100.0, 0.01, 5), np.array([0.0, 700.0, 1500.0]))
RNG = np.random.default_rng(3)
TYPICAL = np.array([2.0, 45.0, 2.0, 45.0, 0.0, 0.0])[:, None, None]
SPREAD = np.array([0.3, 8.0, 0.3, 8.0, 0.1, 0.1])[:, None, None]
VALUES = TYPICAL + SPREAD * RNG.standard_normal((6, *SHAPE))
ERRORS = 0.3 * np.broadcast_to(SPREAD, VALUES.shape)
PREDICTED = jnp.asarray(VALUES + 0.5 * SPREAD * RNG.standard_normal(VALUES.shape))
FULL = Data(SURVEY, VALUES, ERRORS)

# A mode at one station, a whole station, and a single datum are missing. Both components of the cloud
# below keep ten points, so that one program serves both.
HOLES = VALUES.copy()
HOLES[2:4, :, 0] = np.nan
HOLES[:, :, 1] = np.nan
HOLES[4, 2, 2] = np.nan
MASKED = Data(SURVEY, HOLES, ERRORS)

CLOUD = CloudTransport(
    start_blur=0.3, tolerance=1e-10, max_sweeps=5000, components=("log10_rho_xy", "phase_xy")
)
CLOUDS = (CloudTransport, ComponentTransport)
MISFITS = [Huber(), Student(), ComponentTransport(CLOUD), GraphSpaceTransport(0.1)]
NAMES = ["huber", "student", "component", "graph space"]


def evaluate(misfit, data):
    """Value and gradient as functions of predicted data, at the first state."""
    prepared, state = misfit.prepare(data)
    function = jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])
    # Clouds of one shape are one program, if each is called by itself.
    return function if isinstance(misfit, CLOUDS) else jax.jit(function)


EVALUATE = {}


def evaluated(name):
    """Compiled once for all tests."""
    if name not in EVALUATE:
        EVALUATE[name] = evaluate(MISFITS[NAMES.index(name)], MASKED)
    return EVALUATE[name]


def residuals(data):
    r = (np.asarray(PREDICTED) - data.values) / data.errors
    return r[np.isfinite(r)]


def value_of(misfit, data=FULL):
    prepared, state = misfit.prepare(data)
    return float(misfit(PREDICTED, prepared, state)[0])


def test_huber_in_closed_form():
    r = np.abs(residuals(MASKED))
    assert r.max() > 1.5 > r.min()
    expected = np.mean(np.where(r < 1.5, r**2, 3 * r - 1.5**2))
    # Rounding.
    assert value_of(Huber(), MASKED) == pytest.approx(expected, rel=1e-13)


def test_student_in_closed_form():
    expected = 4 * np.mean(np.log(1 + residuals(MASKED) ** 2 / 3))
    assert value_of(Student(), MASKED) == pytest.approx(expected, rel=1e-13)


def test_limits_are_least_squares():
    expected = value_of(LeastSquares())
    assert value_of(Huber(1e6)) == pytest.approx(expected, rel=1e-13)
    # (nu + 1) ln(1 + r^2 / nu) = r^2 (1 + O(r^2 / nu)), and logarithms of 1 + 1e-9 keep 7 digits.
    assert value_of(Student(1e9)) == pytest.approx(expected, rel=1e-7)
    # A unit along frequency costs 1e9: no sample moves by a fourth of it.
    assert value_of(GraphSpaceTransport(1e9)) == pytest.approx(expected, rel=1e-12)
    assert value_of(GraphSpaceTransport(0.01)) < 0.9 * expected


def test_graph_space_is_the_best_assignment_of_every_curve():
    eta, total = 0.1, 0.0
    t = np.linspace(0, 1, 5)
    for c, s in np.ndindex(6, 3):
        known = np.flatnonzero(np.isfinite(HOLES[c, :, s]))
        p, o, e = (v[c, known, s] / VALUE_SCALE[c] for v in (np.asarray(PREDICTED), HOLES, ERRORS))
        costs = (eta * (t[known][:, None] - t[known]) ** 2 + (p[:, None] - o) ** 2) / e**2
        total += costs[linear_sum_assignment(costs)].sum()
    expected = total / np.isfinite(HOLES).sum()
    assert float(evaluated("graph space")(PREDICTED)[0]) == pytest.approx(expected, rel=1e-12)


def test_component_transport_is_the_sum_of_clouds_of_one_component():
    """Errors are below the blur on the common scale, so that no component weighs more than another."""
    clouds = [dataclasses.replace(CLOUD, components=(name,)) for name in present(CLOUD.components)]
    alone = [float(evaluate(cloud, MASKED)(PREDICTED)[0]) for cloud in clouds]
    # Marginals are met to 1e-10.
    assert float(evaluated("component")(PREDICTED)[0]) == pytest.approx(sum(alone), rel=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_the_slope_of_the_value(name):
    function = evaluated(name)
    direction = jnp.asarray(np.random.default_rng(2).standard_normal(VALUES.shape) * ERRORS)
    h = 1e-4
    slope = (function(PREDICTED + h * direction)[0] - function(PREDICTED - h * direction)[0]) / (2 * h)
    # Steps of 1e-4 errors: truncation of order 1e-8, and rounding of 1e-16 over the step.
    assert float(jnp.vdot(function(PREDICTED)[1], direction)) == pytest.approx(float(slope), rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_zero_at_the_data_and_blind_where_there_are_none(name):
    function = evaluated(name)
    at_data = jnp.asarray(np.where(MASKED.mask, HOLES, VALUES))
    # Marginals met to 1e-10 in what is debiased.
    assert abs(float(function(at_data)[0])) < 1e-11
    value, slope = function(PREDICTED)
    filled = jnp.where(MASKED.mask, PREDICTED, jnp.nan)
    other, other_slope = function(filled)
    assert float(other) == float(value)
    np.testing.assert_array_equal(other_slope, slope)
    np.testing.assert_array_equal(slope[~MASKED.mask], 0.0)


@pytest.mark.parametrize("misfit", [LeastSquares(), Huber(), Student(), GraphSpaceTransport(0.1)])
def test_a_station_without_data_does_not_matter(misfit):
    kept = [0, 2]
    survey = Survey(SURVEY.frequencies, SURVEY.stations[kept])
    prepared, state = misfit.prepare(Data(survey, HOLES[:, :, kept], ERRORS[:, :, kept]))
    without = float(misfit(PREDICTED[:, :, jnp.asarray(kept)], prepared, state)[0])
    # Sums in another order.
    assert value_of(misfit, MASKED) == pytest.approx(without, rel=1e-13)


def test_a_station_without_data_does_not_matter_to_the_cloud():
    """The outer stations stay, since they set the scale of positions."""
    kept = [0, 2]
    survey = Survey(SURVEY.frequencies, SURVEY.stations[kept])
    function = evaluate(ComponentTransport(CLOUD), Data(survey, HOLES[:, :, kept], ERRORS[:, :, kept]))
    without = float(function(PREDICTED[:, :, jnp.asarray(kept)])[0])
    assert float(evaluated("component")(PREDICTED)[0]) == pytest.approx(without, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Huber(0.0), r"`Huber\(threshold=...\)` must be a positive number.*Got 0.0"),
        (lambda: Huber(float("nan")), r"`Huber\(threshold=...\)` must be a positive number.*Got nan"),
        (lambda: Student(-1.0), r"`Student\(freedom=...\)` must be a positive number.*Got -1.0"),
        (lambda: GraphSpaceTransport(-1.0), r"eta=...\)` must be finite and not negative.*Got -1.0"),
        (
            lambda: ComponentTransport(CloudTransport(correlation=np.eye(4))),
            "takes components apart: leave out its `correlation`",
        ),
    ],
)
def test_bad_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_weights_of_zero_are_refused():
    """A W of zeros in the embedding is a mode weight of zero, or errors that are infinite."""
    with pytest.raises(ValueError, match=r"te_weight=...\)` must be positive. Got 0.0"):
        CloudTransport(te_weight=0.0)
