"""A disk that fills up while `jaxmt invert` runs loses what did not fit, and nothing else."""

import csv
import errno
import json
import os
import re

import pytest
from surveys import TOLD

from jaxmt import plot
from jaxmt.field.command import main


def history(folder):
    with (folder / "l2" / "history.csv").open(newline="") as file:
        return [row["nrms"] for row in csv.DictReader(file)]


def files(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def full():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def gone_on(out, inverted, monkeypatch):
    """Once there is room, everything is there."""
    monkeypatch.undo()
    assert main(["invert", "--resume", str(out)]) == 0
    assert history(out) == history(inverted)
    assert files(out) == files(inverted)


def test_no_room_for_figures_costs_figures_alone(inverted, survey, tmp_path, capsys, monkeypatch):
    out, save, tried = tmp_path / "OUT", plot.save, []

    def filling(figure, path):
        tried.append(path)
        if len(tried) > 3:
            raise full()
        return save(figure, path)

    monkeypatch.setattr(plot, "save", filling)
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 1
    said = capsys.readouterr().out
    # Each was tried: the next may be smaller.
    assert len(tried) > 6
    assert re.search(r"Not written: \d+ of \d+ figures, and the report.*: .*No space left", said)
    assert f"Once there is room, go on with: jaxmt invert --resume {out}" in said
    # Every number.
    assert history(out) == history(inverted)
    assert "l2" in json.loads((out / "summary.json").read_text())["runs"]
    assert not list(out.rglob("*.part"))
    gone_on(out, inverted, monkeypatch)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) for name in ("model.npz", "history.csv")]
    + ["appraisal.npz"],
)
def test_no_room_for_a_model_leaves_its_checkpoint(name, inverted, survey, tmp_path, capsys, monkeypatch):
    out, replace = tmp_path / "OUT", os.replace

    def filled(source, target):
        if os.path.basename(target) == name:
            raise full()
        replace(source, target)

    monkeypatch.setattr(os, "replace", filled)
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 1
    said = capsys.readouterr().out
    assert "Not written: what l2 found: [Errno 28] No space left on device" in said
    assert "nRMS" in said
    assert (out / "l2" / "inversion.checkpoint").is_file()
    # The numbers in memory are in the summary of the run.
    assert json.loads((out / "summary.json").read_text())["runs"]["l2"]["nrms"] > 0
    gone_on(out, inverted, monkeypatch)


def test_no_room_for_a_checkpoint_is_said_in_the_report(inverted, survey, tmp_path, capsys, monkeypatch):
    out, replace = tmp_path / "OUT", os.replace

    def filled(source, target):
        if str(target).endswith(".checkpoint"):
            raise full()
        replace(source, target)

    monkeypatch.setattr(os, "replace", filled)
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 0
    assert "inversion.checkpoint could not be written at iteration" in capsys.readouterr().out
    assert "inversion.checkpoint could not be written" in (out / "report.html").read_text()
    assert history(out) == history(inverted)
