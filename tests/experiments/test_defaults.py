"""The table of the defaults, and what experiments say of theirs; nothing is inverted."""

import argparse
import json

from experiments import defaults
from experiments import options as command


def test_a_line_that_was_refused_has_its_row_beside_one_that_ended(tmp_path):
    run = {"message": "Target reached.", "nrms": 1.0, "nrms_usable": 1.2, "iterations": 7, "seconds": 3.0}
    told = {"line": "twolines12, line A", "stations": 6, "asked": 6, "runs": {"cloud": run}}
    (tmp_path / "A" / "cloud").mkdir(parents=True)
    (tmp_path / "A" / "summary.json").write_text(json.dumps(told))
    (tmp_path / "A" / "cloud" / "summary.json").write_text(json.dumps({"warnings": []}))
    said = "Line A\nThe report is report.html\n\nLine B\nLine B is not inverted: 1 of 6 stations are left\n"
    first, second = defaults.rows_of("twolines12", tmp_path, 9.0, said)
    assert first.cells() == (
        "twolines12", "twolines12, line A", "6 of 6", "1.00", "1.20", "7", "3", "Target reached."
    )  # fmt: skip
    assert second.cells() == (
        "twolines12", "twolines12, line B", "-", "-", "-", "-", "-", "1 of 6 stations are left"
    )  # fmt: skip


def test_every_survey_has_a_source():
    assert {survey.path.split("/")[0] for survey in defaults.SURVEYS.values()} <= set(command.SOURCES)


def test_help_names_the_default_of_the_experiment():
    made = argparse.ArgumentParser(prog="experiment")
    command.add_inversion(made)
    said = " ".join(made.format_help().split())
    assert "here default 0, 0 for none" in said
    assert "default 0.3" not in said
    assert command.chosen(made, made.parse_args([]))[1]["static_shift"] is None
    shifted = command.chosen(made, made.parse_args(["--static-shift", "0.2"]))[1]["static_shift"]
    assert shifted is not None
    assert shifted.decades == 0.2
