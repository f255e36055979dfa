"""Phases are angles: no misfit sees a whole turn, nor where the circle is cut open."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import ComponentTransport, Data, HandOver, Huber, LeastSquares, Survey, WeightedSum
from jaxmt.conventions import PHASE
from jaxmt.misfit import MISFITS, named

SURVEY = Survey(np.geomspace(100.0, 0.1, 5), np.array([0.0, 700.0, 1500.0, 2000.0]))
SHAPE = (6, 5, 4)
RNG = np.random.default_rng(7)
TYPICAL = np.array([2.0, 45.0, 2.0, 45.0, 0.0, 0.0])[:, None, None]
SPREAD = np.array([0.3, 10.0, 0.3, 10.0, 0.1, 0.1])[:, None, None]
ERRORS = np.broadcast_to(np.array([0.05, 2.0, 0.04, 3.0, 0.03, 0.03])[:, None, None], SHAPE)
VALUES = TYPICAL + SPREAD * RNG.standard_normal(SHAPE)
# No tippers, and one point less of every component: clouds of one shape are compiled once.
VALUES[4:] = VALUES[:, 2, 1] = np.nan
PREDICTED = np.nan_to_num(VALUES, nan=40.0) + 0.5 * SPREAD * RNG.standard_normal(SHAPE)
ROWS = np.isin(np.arange(6), PHASE)[:, None, None]

# Plans solved to the end: how many sweeps they take must not matter.
SOLVED = {"tolerance": 1e-10, "max_sweeps": 5000}
ALL = {
    name: named(name, **(SOLVED if hasattr(entry.settings, "max_sweeps") else {}))
    for name, entry in MISFITS.items()
}
ALL["handed over"] = HandOver(Huber(), ALL["graph"], iterations=1)
ALL["sum"] = WeightedSum(((0.5, ALL["graph"]), (2.0, LeastSquares())))


def value_and_slope(misfit, predicted, prepared, state):
    return jax.value_and_grad(lambda p: misfit(p, prepared, state), has_aux=True)(predicted)


compiled = eqx.filter_jit(value_and_slope)


def evaluate(name, observed, predicted):
    """Value and gradient in the second call, when `HandOver` has handed over."""
    misfit = ALL[name]
    prepared, state = jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf,
        misfit.prepare(Data(SURVEY, observed, ERRORS)),
    )
    # Four clouds of one shape: one program, if each is called by itself.
    function = value_and_slope if isinstance(misfit, ComponentTransport) else compiled
    (_, state), _ = function(misfit, jnp.asarray(predicted), prepared, state)
    (value, _), slope = function(misfit, jnp.asarray(predicted), prepared, state)
    return float(value), np.asarray(slope)


EXPECTED = {}


def expected(name):
    if name not in EXPECTED:
        EXPECTED[name] = evaluate(name, VALUES, PREDICTED)
    return EXPECTED[name]


def assert_the_same(name, observed, predicted):
    value, slope = evaluate(name, observed, predicted)
    first, first_slope = expected(name)
    # Angles of some hundred degrees keep 13 digits, and plans are solved to 1e-10.
    assert value == pytest.approx(first, rel=1e-7)
    np.testing.assert_allclose(slope, first_slope, atol=1e-6 * np.abs(first_slope).max())


@pytest.mark.parametrize("name", ALL)
def test_a_whole_turn_of_any_phase_changes_nothing(name):
    turns = 360.0 * np.where(ROWS, np.random.default_rng(0).integers(-2, 3, SHAPE), 0)
    assert_the_same(name, VALUES, PREDICTED + turns)
    assert_the_same(name, VALUES + turns, PREDICTED)


def rotated(values, angle):
    """Phases turned by an angle and written between -180 and 180 degrees."""
    return np.where(ROWS, (values + angle + 180.0) % 360.0 - 180.0, values)


@pytest.mark.parametrize("name", ALL)
def test_phases_about_180_degrees_are_like_any_others(name):
    """Turned by 135 degrees they lie on both sides of the cut between 180 and -180."""
    observed = rotated(VALUES, 135.0)
    sides = np.sign(observed[list(PHASE)])
    assert np.nansum(sides < 0) > 5
    assert np.nansum(sides > 0) > 5
    assert_the_same(name, observed, rotated(PREDICTED, 135.0))


@pytest.mark.parametrize("name", ALL)
def test_the_misfit_is_continuous_across_180_degrees(name):
    observed = rotated(VALUES, 135.0)
    found = []
    for phase in (179.999999, -179.999999):
        predicted = rotated(PREDICTED, 135.0)
        predicted[1, 0, 0] = phase
        found.append(evaluate(name, observed, predicted)[0])
    # 2e-6 degrees at slopes of less than the value per degree.
    assert found[0] == pytest.approx(found[1], rel=1e-5)
