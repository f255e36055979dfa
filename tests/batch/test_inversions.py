import dataclasses

import jax
import numpy as np
import pytest
from problems import BLOCK_MESH, observed

import jaxmt
from jaxmt.conventions import COMPONENTS, PHASE, RHO
from jaxmt.inversion.checkpoint import Checkpoint
from jaxmt.io import read_results

DATA = observed(frequencies=2, modes=("tm",))
FEW = {"solver": jaxmt.SuperLU(threads=1), "max_iterations": 2, "target": 0.1}


def problem(start, **changes):
    return {
        "data": DATA,
        "parametrisation": BLOCK_MESH,
        "start": start,
        "misfit": jaxmt.LeastSquares(),
        **FEW,
    } | changes


def test_inversions_are_those_of_one_at_a_time(tmp_path):
    problems = {"low": problem(50.0), "high": problem(200.0), "refused": problem(-1.0)}
    batch = jaxmt.invert_all(problems, tmp_path, jaxmt.Processes(1))
    assert list(batch.failed) == ["refused"]
    assert "ohm m" in batch.failed["refused"]
    for name in ("low", "high"):
        one = jaxmt.invert(**problems[name])
        # Other threads of XLA add in another order.
        assert batch.done[name]["nrms"] == pytest.approx(one.nrms, rel=1e-9)
        assert batch.done[name]["ending"] == "iterations"
        found = read_results(tmp_path / name / "model.npz").resistivity
        assert found is not None
        np.testing.assert_allclose(found, one.resistivity, rtol=1e-8)
        assert not (tmp_path / name / "checkpoint").exists()


def test_what_was_stopped_goes_on_from_its_checkpoint(tmp_path):
    """An inversion that was killed after two of its four iterations leaves this file."""
    whole = problem(50.0, max_iterations=4)
    (tmp_path / "one").mkdir()
    jaxmt.invert(**{**whole, "max_iterations": 2}, checkpoint=Checkpoint(tmp_path / "one" / "checkpoint"))
    batch = jaxmt.invert_all({"one": whole}, tmp_path)
    history = np.genfromtxt(tmp_path / "one" / "history.csv", delimiter=",", names=True)
    assert batch.done["one"]["iterations"] == 4
    np.testing.assert_allclose(history["nrms"], jaxmt.invert(**whole).history["nrms"], rtol=1e-9)


@pytest.fixture(scope="module")
def validated():
    methods = {
        "L2": jaxmt.LeastSquares(),
        "none": {"misfit": jaxmt.LeastSquares(), "max_iterations": 1},
    }
    return jaxmt.cross_validate(
        DATA, BLOCK_MESH, methods, folds=3, solver=FEW["solver"], max_iterations=12, target=0.5
    )


def test_every_datum_is_left_out_once_with_its_phase(validated):
    assert np.array_equal(validated.folds >= 0, DATA.mask)
    for rho, phase in zip(RHO, PHASE, strict=True):
        assert np.array_equal(validated.folds[rho], validated.folds[phase])
    counts = np.bincount(validated.folds[DATA.mask])
    # 14 pairs of rho and phase among three folds.
    assert sorted(counts) == [8, 10, 10]
    assert not validated.failed
    for residuals in validated.residuals.values():
        assert np.array_equal(np.isfinite(residuals), DATA.mask)


def test_scores_are_of_sections_that_did_not_see_the_data(validated):
    """By hand for one fold."""
    seen = dataclasses.replace(DATA, values=np.where(validated.folds == 1, np.nan, DATA.values))
    result = jaxmt.invert(
        seen, BLOCK_MESH, 100.0, jaxmt.LeastSquares(), solver=FEW["solver"], max_iterations=12, target=0.5
    )
    out = validated.folds == 1
    expected = np.sqrt(np.mean(((DATA.values - result.predicted) / DATA.errors)[out] ** 2))
    assert validated.nrms("L2")[1] == pytest.approx(expected, rel=1e-6)
    assert validated.trained["L2"][1] == pytest.approx(result.nrms, rel=1e-6)


def test_a_section_that_was_fitted_predicts_better_than_the_start(validated):
    gain, error = validated.beside("L2", "none")
    assert gain < -3 * error < 0
    rows = validated.rows()
    assert [row[0] for row in rows] == ["L2", "none"]
    assert rows[0][2] == pytest.approx(np.mean(validated.nrms("L2")))


@pytest.mark.parametrize(("leave", "axis"), [("stations", 2), ("frequencies", 1)])
def test_whole_stations_or_frequencies_are_left_out(leave, axis):
    from jaxmt.batch.cross_validation import _folds

    folds = _folds(DATA, 2, leave, jax.random.key(1))
    lines = np.moveaxis(folds, axis, 0).reshape(folds.shape[axis], -1)
    assert all(len(set(line[line >= 0])) == 1 for line in lines)
    assert set(folds[DATA.mask]) == {0, 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": 1}, r"folds=...\)` must be 2 to 14"),
        ({"folds": 15}, r"folds=...\)` must be 2 to 14"),
        ({"leave": "stations", "folds": 8}, "must be 2 to 7, as many as there are stations"),
        ({"leave": "lines"}, r"leave=...\)` must be one of data, stations, frequencies"),
        ({"methods": {}}, "must name a method"),
        ({"methods": {"other": {"data": DATA.select(stations=[0, 1])}}}, "must have shape"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    told = {"methods": {"L2": jaxmt.LeastSquares()}, **change}
    with pytest.raises(ValueError, match=message):
        jaxmt.cross_validate(DATA, BLOCK_MESH, **told)


def test_a_fold_that_fails_is_named_and_the_others_count(tmp_path):
    methods = {"L2": jaxmt.LeastSquares(), "bad": {"misfit": jaxmt.LeastSquares(), "start": -1.0}}
    found = jaxmt.cross_validate(DATA, BLOCK_MESH, methods, folds=2, folder=tmp_path, **FEW)
    assert list(found.failed) == ["bad-0", "bad-1"]
    assert np.isnan(found.nrms("bad")).all()
    assert np.isfinite(found.nrms("L2")).all()
    assert found.rows()[-1][0] == "bad"
    assert all(np.isnan(found.beside("bad", "L2")))
    assert len(COMPONENTS) == found.folds.shape[0]
