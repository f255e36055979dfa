import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problems import BLOCK, STEP, compilations, observed
from problems import BLOCK_MESH as MESH
from problems import BURIED as TRUE

from jaxmt import Cells, CloudTransport, Data, Descent, Ending, LeastSquares, invert, simulate
from jaxmt.misfit import AbstractMisfit

# The mesh is the one that the data were made on, so its coarseness does not matter.
pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

TARGET = 1.05
MISFITS = {"least squares": LeastSquares(), "cloud": CloudTransport()}


@pytest.fixture(scope="module")
def data():
    return observed()


@pytest.fixture(scope="module")
def tm_data():
    return observed(frequencies=2, modes=("tm",))


def run(data, misfit, **options):
    return invert(data, MESH, 100.0, misfit, **options)


@pytest.fixture(scope="module", params=MISFITS)
def full(request, data):
    """An inversion that reaches the target, and what its progress callback was given."""
    records = []
    result = run(data, MISFITS[request.param], target=TARGET, max_iterations=100, progress=records.append)
    return request.param, result, records


def test_reaches_the_target_and_finds_the_block(full):
    _, result, _ = full
    assert result.converged
    assert "target" in result.message
    assert result.history["nrms"][0] > 9
    assert result.history["nrms"][-1] <= TARGET < min(result.history["nrms"][:-1])
    error = np.log10(result.resistivity / TRUE)
    # The start is wrong by one decade in the block; seen from above, most of that goes.
    assert np.sqrt(np.mean(error[BLOCK] ** 2)) < 0.5


def test_the_result_is_the_best_model_of_the_history(full, data):
    _, result, _ = full
    # The same numbers summed by another compiled function.
    assert result.nrms == pytest.approx(data.nrms(result.responses), rel=1e-12)
    assert result.nrms == pytest.approx(min(result.history["nrms"]), rel=1e-12)
    # Simulated once more, too: rounding of the fields, and differences from the data.
    again = simulate(MESH, data.survey, result.resistivity)
    assert data.nrms(again) == pytest.approx(result.nrms, rel=1e-9)


def test_lambda_never_increases(full):
    _, result, _ = full
    factor = result.history["regularization_factor"]
    assert np.all(np.diff(factor) <= 0)
    assert factor[-1] > 0


def test_history_has_what_progress_was_given(full):
    name, result, records = full
    assert result.history["iteration"] == list(range(len(records)))
    assert result.history["nrms"] == [r.nrms for r in records]
    assert result.history["loss"] == [r.loss for r in records]
    if name == "least squares":
        np.testing.assert_allclose(result.history["loss"], np.square(result.history["nrms"]), rtol=1e-12)
        assert "blur" not in result.history
    else:
        blur, distance = np.array(result.history["blur"]), np.sqrt(result.history["loss"])
        # 3 % of |Z| are 0.026 decades of apparent resistivity, of which eight are one.
        least = 0.5 * 2 * 0.03 / np.log(10) / 8
        assert blur[0] == 0.05
        following = np.minimum(0.5 * distance[:-1], 0.97 * blur[:-1])
        np.testing.assert_allclose(blur[1:], np.maximum(following, least), rtol=1e-12)


@pytest.mark.parametrize("full", ["cloud"], indirect=True)
def test_an_interrupted_run_repeats_the_first_iterations_and_keeps_the_best_model(full, data):
    name, result, _ = full

    def interrupt(record):
        if record.iteration == 6:
            raise KeyboardInterrupt

    short = run(data, MISFITS[name], target=TARGET, progress=interrupt)
    assert short.ending is Ending.INTERRUPTED
    assert not short.converged
    # The same numbers bit by bit: nothing depends on chance or on the order of threads.
    for column in ("loss", "nrms", "roughness", "regularization_factor"):
        assert short.history[column] == result.history[column][: len(short.history[column])]
    assert short.nrms == pytest.approx(min(short.history["nrms"]), rel=1e-9)


def test_stops_after_the_most_iterations_and_leaves_fixed_cells(tm_data):
    fixed = np.zeros(MESH.shape, bool)
    fixed[0] = fixed[:, 0] = True
    earth = Cells(MESH, fixed=fixed, values=100.0)
    result = invert(tm_data, earth, 100.0, LeastSquares(), max_iterations=3, target=0.01)
    assert not result.converged
    assert result.ending is Ending.ITERATIONS
    assert "3 iterations" in result.message
    # The start and three steps.
    assert len(result.history["nrms"]) == 4
    # A logarithm and a power of ten.
    np.testing.assert_allclose(result.resistivity[fixed], 100.0, rtol=1e-14)
    assert np.all(abs(result.resistivity[~fixed] - 100.0) > 1e-6)


def test_stops_when_the_fit_makes_no_progress(tm_data):
    still = Descent(transformation=optax.sgd(0.0), patience=4)
    result = run(tm_data, LeastSquares(), optimiser=still, max_iterations=30, target=0.01)
    assert result.ending is Ending.STALLED
    assert not result.converged
    assert "the last 4 lowered it by less than 1%" in result.message
    # The start, and four steps.
    assert len(result.history["nrms"]) == 5


def test_stops_at_the_knee_where_no_section_fits(data):
    """Curves that jump by half a decade from each frequency to the next belong to no section."""
    values = data.values.copy()
    values[[0, 2]] += np.where(np.arange(values.shape[1]) % 2, 0.25, -0.25)[:, None]
    result = run(dataclasses.replace(data, values=values), LeastSquares(), max_iterations=200, target=1.0)
    assert result.ending is Ending.KNEE
    roughness, nrms = np.array(result.history["roughness"]), np.array(result.history["nrms"])
    # Half of the patience of Adam, some times, and all of it back.
    last = len(nrms) - 1
    knee = last - 50
    assert last % 25 == 0
    assert (
        f"stopped after {last} iterations above the target nRMS of 1 and went back to iteration {knee}"
        in (result.message)
    )
    growth = roughness[last] / roughness[knee]
    assert growth > 1.5
    assert nrms.min() > nrms[knee] * growth**-0.2
    assert result.nrms == nrms[knee]
    assert result.data.nrms(result.responses) == pytest.approx(nrms[knee], rel=1e-9)


def test_patience_is_at_least_one_iteration():
    with pytest.raises(ValueError, match=r"Descent\(patience=.*Got 0"):
        Descent(patience=0)


class Failing(AbstractMisfit):
    """Least squares for some calls, then NaN."""

    calls: int

    def prepare(self, data):
        return data, jnp.asarray(0)

    def __call__(self, predicted, prepared, state):
        value, _ = LeastSquares()(predicted, prepared, None)
        return jnp.where(state < self.calls, value, jnp.nan), state + 1


def test_a_number_that_is_not_finite_is_named_and_the_last_good_model_returned(tm_data):
    result = run(tm_data, Failing(2), target=0.01)
    # Two good models, one after half a step back, and no second time.
    assert result.ending is Ending.NOT_FINITE
    assert "not finite, again" in result.message
    assert not result.converged
    assert len(result.history["nrms"]) == 3
    assert np.all(np.isfinite(result.resistivity))
    assert result.nrms == pytest.approx(min(result.history["nrms"]), rel=1e-9)
    assert result.nrms < result.history["nrms"][0]


def test_a_start_whose_misfit_is_not_finite_raises(tm_data):
    with pytest.raises(FloatingPointError, match=r"start=...\)`.*is not finite"):
        run(tm_data, Failing(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": np.full((3, 4), 100.0)}, r"start=...\)` must be a number or have shape.*Got \(3, 4\)"),
        ({"start": np.where(BLOCK, np.nan, 1.0)}, r"start=...\)` must be positive and finite.*Got nan"),
        ({"start": -5.0}, r"start=...\)` must be positive and finite.*Got -5.0"),
        ({"start": 1e6}, "must lie between.*Got 1000000.0"),
        ({"optimiser": Descent(), "optimizer": Descent()}, "two spellings of one"),
        ({"target": 0.0}, r"target=...\)` must be a positive nRMS. Got 0.0"),
        ({"target": np.nan}, r"target=...\)` must be a positive nRMS. Got nan"),
        ({"max_iterations": 0}, r"max_iterations=...\)` must be at least 1. Got 0"),
    ],
)
def test_bad_arguments_are_refused(options, message, tm_data):
    with pytest.raises(ValueError, match=message):
        invert(tm_data, MESH, misfit=LeastSquares(), **options)


@pytest.mark.parametrize(("misfit", "devices"), [(CloudTransport(), None), (LeastSquares(), 2)])
def test_the_step_is_compiled_once(tm_data, misfit, devices, caplog):
    with jax.log_compiles():
        devices = None if devices is None else jax.devices()[:devices]
        result = invert(tm_data, MESH, 100.0, misfit, target=1e-3, max_iterations=3, devices=devices)
        # Other numbers of the same shape find the same function.
        twin = Data(tm_data.survey, tm_data.values + 0.01, tm_data.errors)
        invert(twin, MESH, 50.0, misfit, target=1e-3, max_iterations=2, devices=devices)
    assert len(result.history["nrms"]) == 4
    assert compilations(caplog) == dict.fromkeys(STEP, 1)


def test_running_out_of_memory_names_the_remedy(tm_data, monkeypatch):
    def exhausted(*arguments):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 byte.")

    monkeypatch.setattr("jaxmt.inversion.optimisers.descent.gradient", exhausted)
    with pytest.raises(MemoryError, match=r"simulate\(devices=...\).*keep=False.*coarser mesh"):
        run(tm_data, LeastSquares())
