"""The parts of `experiments.robustness` on which its numbers stand."""

import dataclasses
import itertools
import json
import sys

import jax
import numpy as np
import pytest

import jaxmt
from experiments.robustness import __main__ as study
from experiments.robustness import inversion, questions, tables
from experiments.robustness.case import Case, case_of
from experiments.robustness.methods import LEAST_SQUARES, all_methods, methods
from experiments.robustness.noise import KINDS, SHIFTED, observe
from experiments.robustness.problem import problem, starting_section
from experiments.robustness.store import Store, read
from jaxmt.conventions import COMPONENTS

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

CASE = Case("single anomaly", LEAST_SQUARES, size="quick")


def record(case, **numbers):
    filled = {"nrms": 1.0, "true_nrms": 1.0, "rmse": 0.5, "area_rmse": 0.5, "similarity": 0.5}
    filled |= {"roughness": 10.0, "published_rmse": 0.5, "published_similarity": 0.9}
    filled |= {"iterations": 10, "seconds": 1.0, "iteration_seconds": 0.1, "converged": True}
    return {"case": dataclasses.asdict(case), **filled, **numbers}


def test_a_stored_case_is_not_run_again(tmp_path):
    store = Store(tmp_path / "results.jsonl")
    assert CASE not in store
    store.add(record(CASE))
    for again in (store, Store(tmp_path / "results.jsonl")):
        assert CASE in again
        assert dataclasses.replace(CASE, seed=1) not in again
        assert dataclasses.replace(CASE, start=10.0) not in again


def test_a_record_cut_short_by_a_killed_process_is_run_again_and_spoils_nothing(tmp_path):
    path = tmp_path / "results.jsonl"
    other = dataclasses.replace(CASE, seed=1)
    store = Store(path)
    store.add(record(CASE))
    store.add(record(other))
    path.write_bytes(path.read_bytes()[:-20])
    store = Store(path)
    assert CASE in store
    assert other not in store
    store.add(record(other, rmse=0.25))
    assert [r["rmse"] for r in read(path)] == [0.5, 0.25]


def test_a_case_survives_json():
    for start in (3.0, "shifted"):
        case = dataclasses.replace(CASE, start=start, noise="outliers", level=0.1, shift=0.3)
        assert case_of(json.loads(json.dumps({"case": vars(case)}))) == case


@pytest.mark.parametrize("asked", [questions.questions, questions.quick_questions])
def test_a_plan_has_every_case_once_and_compiles_nothing_twice(asked):
    chosen = asked()
    cases = questions.plan(chosen, (0, 1))
    assert len(set(cases)) == len(cases)
    for question in chosen.values():
        for setting, seed in itertools.product(range(len(question.settings)), (0, 1)):
            assert set(question.group(setting, seed)) <= set(cases)
    assert {case.method for case in cases} <= set(all_methods())
    # What shares compiled functions runs at a stretch.
    stretches = [programs for programs, _ in itertools.groupby(case.programs for case in cases)]
    assert len(set(stretches)) == len(stretches)


def test_the_first_method_is_what_the_others_are_compared_to():
    assert next(iter(methods())) == LEAST_SQUARES


@pytest.fixture(scope="module")
def given():
    return problem(CASE.model, CASE.size)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_the_same_for_the_same_seed_and_another_for_another(kind, given):
    first, again, other = (observe(given.clean, kind, 0.1, seed)[0].values for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)


def residuals(kind, level, given, count=60):
    clean = np.asarray(given.clean.components)[:4]
    found = []
    for seed in range(count):
        data, _ = observe(given.clean, kind, level, seed)
        found.append(((data.values[:4] - clean) / data.errors[:4]).ravel())
    return np.concatenate(found)


@pytest.mark.parametrize(
    ("kind", "level", "variance"),
    # 100 sigma^2 of one datum in five and 1 of the others; correlation changes no variance.
    [("gaussian", 0.1, 1.0), ("bands", 0.1, 1.0), ("outliers", 0.2, 0.2 * 100 + 0.8)],
)
def test_noise_has_the_variance_it_says(kind, level, variance, given):
    some = residuals(kind, level, given)
    # 60 seeds of 112 data: a relative error of sqrt(2/6720) = 2 %, twice that for outliers; 4 sigma.
    assert np.var(some) == pytest.approx(variance, rel=0.15)


def test_student_noise_has_its_quartiles(given):
    some = residuals("student", 0.05, given)
    # The upper quartile of Student's t with 3 degrees of freedom; its variance is barely finite.
    np.testing.assert_allclose(np.quantile(some, [0.25, 0.75]), [-0.765, 0.765], atol=0.06)


def test_missing_data_leave_the_rest(given):
    data, _ = observe(given.clean, "missing", 0.3, 0)
    rest = np.asarray(data.mask[:4]).mean()
    # One station of seven, and one frequency of four at the others.
    assert rest == pytest.approx(6 / 7 * 3 / 4)


def test_static_shifts_move_resistivities_of_some_stations_alone(given):
    data, unshifted = observe(given.clean, "gaussian", 0.05, 0, shift=0.3)
    moved = data.values - unshifted.values
    te, tm = COMPONENTS.index("log10_rho_xy"), COMPONENTS.index("log10_rho_yx")
    np.testing.assert_array_equal(moved[[k for k in range(4) if k not in (te, tm)]], 0.0)
    # The same at all frequencies of a station.
    assert np.ptp(moved[[te, tm]], axis=1).max() < 1e-12
    assert np.any(moved[te] != 0, axis=0).sum() == round(SHIFTED * given.survey.stations.size)


def test_starts(given):
    model, mesh = given.model, given.mesh
    assert np.all(starting_section(given, 7.0) == 7.0)
    centre = model.half_width / 2
    column = int(np.argmin(abs(mesh.y_centres - centre)))
    shifted = starting_section(given, "shifted")
    # The anomaly sits under a point a quarter of the line to the right, and no more under the middle.
    assert shifted[:, column].min() < 2.0
    assert shifted[:, int(np.argmin(abs(mesh.y_centres + centre)))].min() > 99.0
    reverse = starting_section(given, "reversed")
    assert np.all(np.ptp(reverse, axis=1) < 1e-9)
    deep = int(np.sum(mesh.z_centres <= model.depth))
    rows = np.argmin(reverse[:deep, 0]), np.argmin(given.true[:deep].min(axis=1))
    assert rows[0] == pytest.approx(deep - 1 - rows[1], abs=2)
    with pytest.raises(ValueError, match="A start is a number"):
        starting_section(given, "elsewhere")


def test_a_run_leaves_its_numbers_and_its_section(tmp_path):
    found = inversion.run(CASE, tmp_path)
    assert case_of(json.loads(json.dumps(found))) == CASE
    assert found["iterations"] == 8
    given = problem(CASE.model, CASE.size)
    stored = np.load(tmp_path / f"{CASE.digest}.npz")
    section = 10 ** stored["log10_resistivity"].astype(float)
    again = jaxmt.comparison.rmse(given.mesh, given.true, section, given.survey.stations, given.model.depth)
    # Stored in single precision.
    assert again == pytest.approx(found["rmse"], rel=1e-6)
    # The start is a half-space of the host's resistivity: nothing found in the body.
    assert 0 < found["inside"] < 1
    # The nRMS of the true section on the data's mesh is that of the noise.
    assert found["true_nrms"] == pytest.approx(1.0, abs=0.2)


def test_a_run_that_fails_says_why(monkeypatch):
    def fail(*arguments, **options):
        raise FloatingPointError("no number")

    monkeypatch.setattr(jaxmt, "invert", fail)
    found = inversion.run(CASE)
    assert found["failure"] == "FloatingPointError: no number"
    assert "rmse" not in found


@pytest.mark.parametrize(("budget", "first"), [([], 3), (["--budget", "1e-9"], 1)])
def test_the_study_goes_on_with_what_is_missing(budget, first, tmp_path, monkeypatch, capsys):
    """What failed otherwise than by its numbers is said, not stored, and tried again."""
    done, cleared = [], []

    def run(case, sections, share):
        done.append(case)
        if len(done) == 2:
            raise OSError("no room")
        return record(case, slide_decades=float("nan"))

    monkeypatch.setattr(inversion, "run", run)
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append(True))
    monkeypatch.setattr(study, "draw", lambda *arguments: None)
    told = ["robustness", "--quick", "--question", "starts", "--out", str(tmp_path)]
    path = tmp_path / "robustness_quick" / "results.jsonl"
    monkeypatch.setattr(sys, "argv", [*told, *budget])
    study.main()
    assert len(read(path)) == first
    assert all(np.isnan(found["slide_decades"]) for found in read(path))
    assert ("OSError: no room" in capsys.readouterr().out) == (not budget)
    monkeypatch.setattr(sys, "argv", told)
    study.main()
    assert len(read(path)) == (4 if not budget else 3)
    assert cleared


def test_an_inversion_that_is_interrupted_is_no_result(monkeypatch):
    found = dataclasses.make_dataclass("Found", ["ending"])(jaxmt.Ending.INTERRUPTED)
    monkeypatch.setattr(jaxmt, "invert", lambda *arguments, **options: found)
    with pytest.raises(KeyboardInterrupt):
        inversion.run(CASE)


QUESTION = questions.Question(
    "Starts", tuple(dataclasses.replace(CASE, start=s) for s in (10.0, 100.0)), (LEAST_SQUARES, "6-D")
)


def test_tables_have_medians_extremes_and_gains():
    records = []
    for seed, (adam, cloud) in enumerate([(0.5, 0.4), (0.6, 0.6), (0.4, 0.5)]):
        for method, value in ((LEAST_SQUARES, adam), ("6-D", cloud)):
            case = dataclasses.replace(CASE, start=10.0, method=method, seed=seed)
            records.append(record(case, rmse=value, nrms=1.0 + seed))
    lines = tables.table(records, "starts", QUESTION).splitlines()
    assert len(lines) == 4
    assert lines[0].count("|") == lines[3].count("|")
    published = tables.table(records, "published", QUESTION).splitlines()
    assert {line.count("|") for line in published} == {published[0].count("|")}
    assert "| 10 ohm m | 6-D | 3 |" in lines[3]
    assert "0.500 (0.400 to 0.600)" in lines[3]
    # -20 %, 0, +25 %: of the same seed, not of the medians.
    assert "+0.0% (-20.0% to +25.0%)" in lines[3]
    # The median of -20 %, 0 and +25 %; all of them met the target.
    assert tables.beside(records, QUESTION, LEAST_SQUARES).splitlines()[2].endswith("| +0.0 |")
    near = tables.reached(records, QUESTION).splitlines()
    assert near[3].split("|")[2].strip() == "1 of 3"


def test_a_failure_is_counted_and_not_averaged():
    good = record(dataclasses.replace(CASE, start=10.0), rmse=0.3)
    bad = {"case": vars(dataclasses.replace(CASE, start=10.0, seed=1)), "failure": "ValueError: no"}
    line = tables.table([good, bad], "starts", QUESTION).splitlines()[2]
    assert "| 1 of 2 |" in line
    assert "0.300" in line


def test_relative_nrms_is_over_what_the_truth_has():
    assert tables.relative_nrms({"nrms": 3.0, "true_nrms": 1.5}) == 2.0
    assert tables.relative_nrms({"nrms": 1.02, "true_nrms": 0.98}) == 1.02
