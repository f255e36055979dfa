import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problems import STEP, compilations

from jaxmt import (
    CloudTransport,
    ComponentTransport,
    Data,
    GraphSpaceTransport,
    HandOver,
    Huber,
    LeastSquares,
    Mesh,
    Student,
    Survey,
    WeightedSum,
    invert,
    simulate,
)
from jaxmt.misfit import AbstractMisfit

SURVEY = Survey(np.array([100.0, 10.0, 1.0]), np.array([0.0, 500.0, 1000.0, 1500.0]))
ERRORS = np.broadcast_to(np.array([0.05, 2.0, 0.04, 3.0, 1.0, 1.0])[:, None, None], (6, 3, 4))


def observed():
    values = np.random.default_rng(0).uniform([[[1.0]], [[20.0]]], [[[3.0]], [[70.0]]], (2, 3, 4))
    return Data(SURVEY, np.concatenate([values, values + 0.1, np.full((2, 3, 4), np.nan)]), ERRORS)


DATA = observed()
SIGNS = np.random.default_rng(1).choice([-1.0, 1.0], ERRORS.shape)


def predicted(nrms):
    """Predicted data of this nRMS: every datum is off by so many errors."""
    return jnp.asarray(np.where(DATA.mask, DATA.values + nrms * SIGNS * ERRORS, 0.0))


class Noted(AbstractMisfit):
    """Least squares times a factor; it notes when it is computed, and its state counts the calls."""

    factor: float
    notes: list[float]

    def prepare(self, data):
        return data, jnp.zeros((), int)

    def __call__(self, predicted, prepared, state):
        jax.debug.callback(lambda: self.notes.append(self.factor))
        value, _ = LeastSquares()(predicted, prepared, None)
        return self.factor * value, state + 1

    def describe(self, state):
        return {"calls": float(state)}


def follow(misfit, path):
    """Stage and value of each call, gradients under jit, at predicted data of these nRMS."""
    prepared, state = misfit.prepare(DATA)
    step = jax.jit(jax.value_and_grad(lambda p, s: misfit(p, prepared, s), has_aux=True))
    stages, values = [], []
    for nrms in path:
        stages.append(int(misfit.stage(state)))
        (value, state), slope = step(predicted(nrms), state)
        values.append(float(value))
        assert np.all(np.isfinite(slope))
    return stages, values, state


@pytest.mark.parametrize(
    ("options", "path", "stages"),
    [
        # Two is reached in the third call, so the fourth is the first of the other; for good.
        ({"nrms": 2.0, "patience": None}, [5.0, 2.01, 1.99, 5.0, 6.0], [0, 0, 0, 1, 1]),
        ({"nrms": None, "iterations": 3, "patience": None}, [5.0, 4.0, 3.0, 3.0, 9.0], [0, 0, 0, 1, 1]),
        # 3.97 is less than one per cent under 4.00.
        ({"nrms": None, "patience": 2}, [5.0, 4.0, 3.98, 3.97, 3.0, 2.0], [0, 0, 0, 0, 1, 1]),
        # 4.93 is more than one per cent under 5.00, if slowly.
        ({"nrms": None, "patience": 2}, [5.0, 4.96, 4.93, 4.92, 4.91, 4.0], [0, 0, 0, 0, 0, 1]),
        ({"nrms": 2.0, "iterations": 4, "patience": 1}, [5.0, 5.0, 1.0], [0, 0, 1]),
    ],
)
def test_hands_over_once_and_computes_only_the_misfit_in_force(options, path, stages):
    notes = []
    found, values, state = follow(HandOver(Noted(1.0, notes), Noted(10.0, notes), **options), path)
    jax.effects_barrier()
    assert found == stages
    factors = [10.0 if stage else 1.0 for stage in stages]
    assert notes == factors
    # nRMS squared, after a subtraction of data of size 1e2 from others.
    np.testing.assert_allclose(values, factors * np.square(path), rtol=1e-11)
    # The state of the one not in force waits.
    assert [int(state.first), int(state.second)] == [stages.count(0), stages.count(1)]


def test_the_misfit_in_force_describes_itself():
    misfit = HandOver(Noted(1.0, []), Noted(1.0, []), nrms=2.0)
    _, state = misfit.prepare(DATA)
    prepared, _ = misfit.prepare(DATA)
    said = []
    for nrms in (3.0, 1.0, 1.0, 1.0):
        said.append(misfit.describe(state))
        _, state = misfit(predicted(nrms), prepared, state)
    assert said == [{"calls": calls} for calls in (0.0, 1.0, 0.0, 1.0)]


def test_the_gradient_is_that_of_the_misfit_in_force():
    misfit = HandOver(CloudTransport(), Student(), nrms=2.0)
    prepared, state = misfit.prepare(DATA)
    slope = jax.jit(jax.grad(lambda p, s: misfit(p, prepared, s), has_aux=True))
    for part, place in ((misfit.first, 1), (misfit.second, 2)):
        alone = jax.grad(lambda p, s, m=part, k=place: m(p, prepared[k], s), has_aux=True)
        expected, _ = alone(predicted(1.5), getattr(state, ("first", "second")[place - 1]))
        ours, state = slope(predicted(1.5), state)
        # The same numbers compiled in a function of their own.
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


def test_stages_of_stages_count_on():
    inner = HandOver(LeastSquares(), Huber(), nrms=None, iterations=1)
    stages, _, _ = follow(HandOver(inner, Student(), nrms=None, iterations=3), [5.0] * 5)
    assert stages == [0, 1, 1, 2, 2]


def test_the_sum_is_the_sum():
    parts = [(0.5, LeastSquares()), (2.0, Huber()), (100.0, CloudTransport())]
    total = WeightedSum(tuple(parts))
    prepared, state = total.prepare(DATA)
    assert total.describe(state) == pytest.approx({"blur": 0.05})
    assert WeightedSum(tuple(parts[:2])).describe([None, None]) == {}

    def value_and_slope(misfit, needed, state):
        function = jax.value_and_grad(lambda p: misfit(p, needed, state), has_aux=True)
        (value, following), slope = function(predicted(3.0))
        return value, slope, following

    value, slope, following = value_and_slope(total, prepared, state)
    terms = [(w, value_and_slope(m, n, s)) for (w, m), n, s in zip(parts, prepared, state, strict=True)]
    # The same numbers, weighted and added in another order.
    assert float(value) == pytest.approx(sum(w * float(v) for w, (v, _, _) in terms), rel=1e-10)
    expected = sum(w * s for w, (_, s, _) in terms)
    np.testing.assert_allclose(slope, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    assert 0 < total.describe(following)["blur"] <= 0.05
    assert int(total.stage(following)) == 0


def test_a_sum_takes_the_stages_of_its_terms():
    terms = ((1.0, LeastSquares()), (1.0, HandOver(Huber(), Student(), nrms=None, iterations=2)))
    assert follow(WeightedSum(terms), [5.0] * 4)[0] == [0, 0, 1, 1]


@pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")
def test_an_inversion_hands_over_and_is_compiled_once(caplog):
    mesh = Mesh(np.linspace(-4e3, 4e3, 9), np.array([0.0, *np.geomspace(100, 8e3, 7)]))
    survey = Survey(np.array([10.0, 1.0]), np.array([-1e3, 1e3]), ("tm",))
    true = np.where(abs(mesh.y_centres) < 1e3, 10.0, 100.0) * np.ones(mesh.shape)
    values = np.array(simulate(mesh, survey, true).components)
    data = Data(survey, values, np.where(np.isfinite(values), 0.03, 1.0))
    terms = ((100.0, CloudTransport()), (0.1, Huber()))
    misfit = HandOver(WeightedSum(terms), LeastSquares(), nrms=None, iterations=3)
    with jax.log_compiles():
        result = invert(data, mesh, 50.0, misfit, optimiser=optax.adam(0.05), max_iterations=5, target=1e-3)
    np.testing.assert_array_equal(np.isnan(result.history["blur"]), [False] * 3 + [True] * 3)
    loss, nrms = np.array(result.history["loss"]), np.array(result.history["nrms"])
    # The squared nRMS from the fourth call on: the same sum, compiled apart.
    np.testing.assert_allclose(loss[3:], nrms[3:] ** 2, rtol=1e-12)
    assert np.all(abs(loss[:3] / nrms[:3] ** 2 - 1) > 0.1)
    assert compilations(caplog) == dict.fromkeys(STEP, 1)


SOLVED = CloudTransport(start_blur=0.05, tolerance=1e-9, max_sweeps=5000)
PARABOLAS = {
    "least squares": (LeastSquares(phase_weight=2.0), 1e-12),
    "Huber": (Huber(), 1e-12),
    "Student": (Student(), 1e-12),
    "graph space": (GraphSpaceTransport(), 1e-12),
    # Plans are solved to 1e-9.
    "cloud": (SOLVED, 1e-7),
    "mixed cloud": (dataclasses.replace(SOLVED, correlation=0.5 * np.eye(4) + 0.5), 1e-7),
    "components": (ComponentTransport(SOLVED), 1e-7),
    "sum": (WeightedSum(((2.0, Huber()), (100.0, Student()))), 1e-12),
    "hand over": (HandOver(Huber(), Student()), 1e-12),
}


@pytest.mark.parametrize("name", PARABOLAS)
def test_the_parabola_touches_a_misfit_and_lies_above_it(name):
    misfit, tolerance = PARABOLAS[name]
    prepared, state = misfit.prepare(DATA)
    start = predicted(3.0)
    # Not under one jit: clouds of one shape are then compiled once for all misfits.
    function = jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])
    value, slope = function(start)
    curvature = misfit.curvature(start, prepared, state)
    np.testing.assert_array_equal(curvature > 0, DATA.mask)
    rng = np.random.default_rng(2)
    gaps = []
    for size in (0.1, 1.0, 3.0, 10.0):
        step = np.where(DATA.mask, size * ERRORS * rng.standard_normal(ERRORS.shape), 0.0)
        parabola = value + jnp.sum(slope * step + 0.5 * curvature * step**2)
        # Mixing couples components; its parabola holds along one at a time.
        if name == "mixed cloud":
            step[1:] = 0.0
            parabola = value + jnp.sum(slope * step + 0.5 * curvature * step**2)
        gap = float(parabola - function(start + step)[0])
        gaps.append(gap / float(jnp.sum(0.5 * curvature * step**2)))
    assert min(gaps) > -tolerance
    if name == "least squares":
        assert max(np.abs(gaps)) < tolerance


def test_a_misfit_without_curvature_says_so():
    with pytest.raises(NotImplementedError, match="`GaussNewton` needs `Noted.curvature`"):
        Noted(1.0, []).curvature(predicted(1.0), DATA, None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda **o: HandOver(Huber(), LeastSquares(), nrms=None, patience=None), "needs one of"),
        (lambda: HandOver(Huber(), LeastSquares(), nrms=-2.0), r"nrms=...\)` must be positive.*Got -2.0"),
        (lambda: HandOver(Huber(), LeastSquares(), iterations=0), r"iterations=...\)` must be at least 1"),
        (lambda: HandOver(Huber(), LeastSquares(), patience=0), r"patience=...\)` must be at least 1"),
        (lambda: WeightedSum(()), r"one or more pairs.*Got the weights \[\]"),
        (lambda: WeightedSum(((0.0, Huber()),)), r"positive, finite weight.*Got the weights \[0.0\]"),
    ],
)
def test_bad_combinations_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
