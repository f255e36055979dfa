"""The table of `experiments.benchmark --start`; no test looks at a time."""

import json
import sys

import numpy as np
import pytest
from identities import present

import jaxmt
from experiments.benchmark import __main__ as benchmark
from experiments.benchmark import first_call, start
from experiments.benchmark.case import BACKGROUND
from experiments.benchmark.start import IMPORTS, Row


def test_the_case_is_46_x_73_cells_and_its_mesh_suits_its_survey():
    mesh, survey = first_call.small_mesh(), first_call.small_survey()
    assert mesh.shape == (46, 73)
    assert (survey.frequencies.size, survey.stations.size) == (13, 11)
    assert mesh.faults(survey, BACKGROUND, BACKGROUND) == []


def test_a_row_is_two_processes_and_the_second_finds_what_the_first_kept(capsys):
    program = """
import os, pathlib
kept = pathlib.Path(os.environ["JAX_COMPILATION_CACHE_DIR"], "program")
print("nRMS", "found" if kept.exists() else "none")
kept.write_text("")
"""
    (row,) = start.table([Row("a program", ("-c", program))])
    assert (row["cold"]["said"], row["kept"]["said"]) == ("nRMS none", "nRMS found")
    assert row["cold"]["processor_seconds"] > 0
    assert capsys.readouterr().out.splitlines()[-1] == start.line(row)


def test_seconds_of_a_call_are_those_that_the_process_prints(tmp_path):
    row = start.measured(
        Row("a call", ("-c", "print('compiled'); print([3.5, 7.25])"), whole=False), tmp_path
    )
    assert (row["processor_seconds"], row["clock_seconds"]) == (3.5, 7.25)


def test_a_process_that_fails_is_a_row_that_says_why(tmp_path):
    row = start.measured(Row("a fault", ("-c", "raise ValueError('no such thing')")), tmp_path)
    assert row == {"failure": "ValueError: no such thing"}
    line = start.line({"name": "a fault", "cold": row, "kept": row})
    assert line.endswith("ValueError: no such thing")


def test_look_without_field_data_is_a_row_that_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXMT_DATA", str(tmp_path))
    (look,) = (row for row in start.rows(True, tmp_path) if row.name.startswith("jaxmt look"))
    assert look.failure is not None
    assert start.FOLDER in look.failure


def test_every_call_has_a_row_and_every_row_a_call(tmp_path):
    module = "experiments.benchmark.first_call"
    listed = [row.arguments[-1] for row in start.rows(False, tmp_path) if module in row.arguments]
    assert listed == list(first_call.CALLS)


def test_the_problem_on_disk_is_the_data_that_the_calls_invert(tmp_path):
    file = tmp_path / "problem.npz"
    start.write_problem(file)
    data = first_call.small_data(first_call.small_mesh())
    with np.load(file) as problem:
        names = ("z_xy", "error_xy", "z_yx", "error_yx")
        again = jaxmt.Data.from_impedance(data.survey, *(problem[name] for name in names))
        mesh = jaxmt.Mesh(problem["y_nodes"], problem["z_nodes"])
    assert mesh.shape == first_call.small_mesh().shape
    # To impedance and back: rounding of log10 and of degrees.
    np.testing.assert_allclose(again.values[:4], present(data.values)[:4], rtol=1e-11)
    np.testing.assert_allclose(again.errors[:4], present(data.errors)[:4], rtol=1e-11)


def test_the_imports_are_timed_by_a_program_that_runs(tmp_path):
    row = start.measured(Row("imports", ("-c", IMPORTS), whole=False), tmp_path)
    assert row["processor_seconds"] > 0


def test_two_tables_at_once_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark", "--newton", "--start"])
    with pytest.raises(SystemExit):
        benchmark.main()
    assert "ask for one at a time" in capsys.readouterr().err


@pytest.mark.slow
def test_the_short_table_is_printed_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmark", "--start", "--quick", "--out", str(tmp_path)])
    benchmark.main()
    said = capsys.readouterr().out
    summary = json.loads((tmp_path / "benchmark_start" / "summary.json").read_text())
    assert summary["cells"] == [46, 73]
    for row in summary["table"]:
        assert start.line(row) in said
        if not row["name"].startswith("jaxmt look"):
            assert row["cold"]["processor_seconds"] > 0
