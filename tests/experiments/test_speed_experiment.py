"""The parts of `experiments.benchmark` on which its numbers stand; no test looks at a time."""

import importlib
import importlib.util
import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from identities import present
from matplotlib.figure import Figure

import jaxmt
from experiments.benchmark import child, codes, drawing
from experiments.benchmark.case import BACKGROUND, CASES, SERIES, Case
from experiments.benchmark.evaluation import Evaluation, differences
from experiments.benchmark.measurement import ROOT, measure
from experiments.benchmark.newton import NEWTON_CASES, NEWTON_PARTS
from experiments.benchmark.parts import PARTS

TINY = Case(rows=14, columns=12, air=4, frequencies=2, stations=3)
ALL = [*CASES, *NEWTON_CASES, *(case for series in SERIES.values() for case in series)]


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_case_is_what_it_says_and_its_mesh_suits_its_survey(case):
    mesh, survey = case.mesh(), case.survey()
    assert (mesh.n_z, mesh.n_y, mesh.n_air) == (case.rows, case.columns, case.air)
    assert (survey.frequencies.size, np.unique(survey.stations).size) == (case.frequencies, case.stations)
    assert np.isin(survey.stations, mesh.y_centres).all()
    assert mesh.faults(survey, BACKGROUND / 3, BACKGROUND) == []


def test_every_section_is_another_model():
    assert not np.any(TINY.section(0) == TINY.section(1))


@pytest.fixture(scope="module")
def tiny():
    return measure("evaluation", "SuperLU", TINY, 1)


def impedances(section):
    """Both impedances of TINY as `jaxmt.simulate` gives them here."""
    responses = jaxmt.simulate(TINY.mesh(), TINY.survey(), jnp.exp(section))
    return np.array([responses.z_xy, responses.z_yx])


def test_a_child_answers_what_jaxmt_computes(tiny):
    row, answer = tiny
    # The same arithmetic in another process, up to how XLA fuses it.
    np.testing.assert_allclose([answer.z_xy, answer.z_yx], impedances(TINY.section(0)), rtol=1e-12)
    assert row["repeats"] == 1
    assert row["solver"] == "SuperLU"
    assert 0 < row["imports_mib"] <= row["peak_mib"]


def test_the_gradient_of_a_child_is_that_of_its_value(tiny):
    _, answer = tiny

    def value(section):
        return 0.5 * np.sum(np.asarray(TINY.weight())[:, None] * np.abs(impedances(section)) ** 2)

    assert answer.value == pytest.approx(value(TINY.section(0)), rel=1e-12)
    direction, step = TINY.bodies()[0], 1e-4
    ahead, behind = (value(TINY.section(0) + s * direction) for s in (step, -step))
    # Central differences: truncation of about step^2 = 1e-8, rounding 1e-16 / 1e-4.
    assert (ahead - behind) / (2 * step) == pytest.approx(np.sum(answer.gradient * direction), rel=1e-6)


def test_a_child_without_memory_is_a_row_that_says_so():
    row, answer = measure("evaluation", "SuperLU", TINY, 1, allowed=64.0)
    assert answer is None
    assert "0.1 GiB" in row["failure"]
    assert "status" in row["failure"]


def test_a_backend_that_is_not_installed_is_a_row_with_the_remedy(monkeypatch):
    monkeypatch.setitem(codes.BACKENDS, "Absent", lambda: importlib.import_module("jaxmt.absent"))
    monkeypatch.setitem(codes.REMEDIES, "Absent", "pip install absent")
    request = {
        "task": "evaluation",
        "code": "Absent",
        "case": vars(TINY),
        "repeats": 1,
        "answer": "",
        "memory_mib": 1e6,
    }
    monkeypatch.setattr(child.memory, "limit", lambda _: None)
    assert child.main(request)["failure"].endswith("pip install absent")


@pytest.mark.slow
def test_the_parts_of_an_iteration_are_all_there_and_make_up_the_whole():
    row, _ = measure("parts", "SuperLU", TINY, 1)
    assert tuple(row["parts"]) == PARTS
    # The rest is what is left: equal to rounding.
    assert sum(row["parts"].values()) == pytest.approx(row["seconds"], rel=1e-12)


@pytest.mark.slow
def test_the_parts_of_a_gauss_newton_iteration_are_all_there():
    row, _ = measure("newton", "SuperLU", TINY, 2)
    assert tuple(row["parts"]) == NEWTON_PARTS
    # Two frequencies, three stations, four components.
    assert row["data"] == 24
    assert all(clock > 0 and processor > 0 for clock, processor in row["parts"].values())


def test_peak_memory_is_of_the_child_alone():
    program = """
import json
import numpy as np
from experiments.benchmark.memory import peak
before = peak()
np.ones(2**23)
print(json.dumps([before, peak()]))
"""
    held = np.ones(2**26)
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    before, after = json.loads(ended.stdout)
    # 2^23 doubles are 64 MiB; the interpreter adds a little. This process holds 512 MiB meanwhile.
    assert after - before == pytest.approx(64, abs=8)
    assert after < held.nbytes / 2**20


def test_differences_are_relative_and_by_mode():
    z = np.full((2, 3), 1.0 + 1.0j)
    gradient = np.ones((10, 12))
    off = differences(
        Evaluation(1.0, 1.1 * gradient, 1.02 * z, z),
        Evaluation(1.0, gradient, z, z),
        np.ones((2, 10, 12)),
    )
    # 2 % and 10 % by construction, to rounding.
    assert off["z_xy_max"] == pytest.approx(0.02, rel=1e-12)
    assert off["z_yx_rms"] == 0.0
    assert off["slope"] == pytest.approx(0.1, rel=1e-12)
    assert off["gradient"] == pytest.approx(0.1, rel=1e-12)


def test_the_scaling_figure_leaves_failures_out():
    good = {
        "code": "SuperLU",
        "case": vars(SERIES["columns"][0]),
        "seconds": 1.0,
        "imports_mib": 1.0,
        "peak_mib": 3.0,
    }
    failed = {"code": "SimPEG", "case": vars(SERIES["columns"][1]), "failure": "not installed"}
    figure = Figure()
    drawing.scaling(figure, ["SimPEG", "SuperLU"], [good, failed])
    lines = {line.get_label(): line for line in figure.axes[1].get_lines()}
    assert np.size(lines["SimPEG"].get_xdata()) == 0
    assert np.asarray(lines["SuperLU"].get_ydata()).tolist() == [1.0]


@pytest.mark.skipif(importlib.util.find_spec("simpeg") is None, reason="pip install 'jaxmt[bench]'")
def test_simpeg_gives_the_same_impedances_and_slopes():
    case = Case(rows=48, columns=48, air=10, frequencies=3, stations=12)
    _, theirs = measure("evaluation", "SimPEG", case, 1)
    _, ours = measure("evaluation", "SuperLU", case, 1)
    off = differences(present(ours), present(theirs), case.bodies())
    # Two schemes of second order on one mesh: 0.6 % apart with 40 x 40 cells, 0.2 % with 90 x 240.
    assert max(off["z_xy_rms"], off["z_yx_rms"], off["slope"]) < 0.01
