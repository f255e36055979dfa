"""All lines of a survey into one folder: over an earlier run, stopped and gone on with, several at once."""

import csv
import dataclasses
import os
import shutil

import numpy as np
import pytest
from soundings import half_space, two_dimensional
from surveys import TOLD, write_survey

from jaxmt.field import Folder, one_line
from jaxmt.field.command import main
from jaxmt.field.named_output import named_output
from jaxmt.field.options import FAILED, STOPPED
from jaxmt.field.run_file import RunFile
from jaxmt.io import write_edi
from jaxmt.lock import locked


def files(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def content(folder):
    return {name: (folder / name).read_bytes() for name in files(folder)}


def history(folder):
    with (folder / "l2" / "history.csv").open(newline="") as file:
        return [float(row["nrms"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def lines(survey, tmp_path_factory):
    """P, which is `survey`, Q beside it, and R, which has nothing in the band that is asked for."""
    folder = tmp_path_factory.mktemp("lines") / "EDI"
    write_survey(folder / "P")
    for k in range(4):
        arrows = two_dimensional(f"Q{k}", arrow=0.2)
        arrows = dataclasses.replace(arrows, tipper_error=np.full(arrows.tipper.shape, 0.02), latitude=1.0)
        low = half_space(f"R{k}", frequencies=np.array([0.1, 0.01]), latitude=2.0)
        for line, site in (("Q", arrows), ("R", low)):
            (folder / line).mkdir(exist_ok=True)
            placed = dataclasses.replace(site, longitude=0.02 * k, elevation=100.0 + k)
            write_edi(folder / line / f"{site.name}.edi", placed)
    return folder


def asked(lines, out, *more):
    return ["invert", str(lines), "-o", str(out), "--recursive", "--line", "all", *TOLD, *more]


@pytest.fixture
def copied(inverted, monkeypatch):
    """Results of another run are put in the place of a line, unless something else is said of it."""
    said = {}

    def begun(start, out, *, force):
        what = said.get(out.name, 0)
        if isinstance(what, Exception):
            raise what
        with locked(out):
            folder = Folder.create(out, force=force)
            run = dataclasses.replace(start.run, identity=folder.identity, of=start.whole)
            run.write(folder.path / "run.toml")
            if what == 0:
                folder.claim(["l2"])
                (folder.path / "l2").mkdir()
                shutil.copy(inverted / "l2" / "model.npz", folder.path / "l2")
                folder.settled()
        return what

    monkeypatch.setattr(one_line, "begun", begun)
    monkeypatch.setattr(one_line, "gone_on", lambda place, options, whole: said.get(place.name, 0))
    return said


NEW = {"run.toml"} | {
    f"{line}/{name}" for line in "PQ" for name in ("run.toml", "summary.json", "l2/model.npz")
}


def test_a_run_of_one_line_stays_until_all_lines_are_whole(copied, inverted, lines, tmp_path, capsys):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    before = content(out)
    (out / "l2" / "notes.txt").write_text("mine")
    # R fails for good, and Q is interrupted.
    copied.update(Q=STOPPED, R=ValueError("no data"))
    assert main(asked(lines, out, "--force")) == 130
    assert f"Go on with all lines: jaxmt invert --resume {out}" in capsys.readouterr().out
    assert before.items() <= content(out).items()
    assert Folder.open(out).identity == Folder.open(inverted).identity
    # Drawn again, it is still that.
    assert main(["report", str(out)]) == 0
    copied["Q"] = FAILED
    assert main(["invert", "--resume", str(out)]) == 1
    assert f"The results of the earlier run stay in {out}." in capsys.readouterr().out
    assert before.keys() <= files(out)
    copied["Q"] = 0
    assert main(["invert", "--resume", str(out)]) == 1
    assert f"The results of all lines are in {out}" in capsys.readouterr().out
    assert files(out) == {"l2/notes.txt", "run.toml"} | {
        name for name in files(out) if name.startswith(("P/", "Q/"))
    }
    assert RunFile.read(out / "P" / "run.toml").of == RunFile.read(out / "run.toml").identity
    # From here on it is a run of all lines.
    assert main(["invert", "--resume", str(out)]) == 1


def test_nothing_is_replaced_where_no_line_can_be_inverted(copied, inverted, lines, tmp_path):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    copied.update(dict.fromkeys("PQR", ValueError("no data")))
    assert main(asked(lines, out, "--force")) == 1
    assert content(out) == content(inverted)


def test_a_folder_of_the_name_of_a_line_is_no_line(copied, inverted, lines, tmp_path, capsys):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    (out / "Q").mkdir()
    (out / "Q" / "report.html").write_text("mine")
    before = content(out)
    assert main(asked(lines, out, "--force")) == 1
    assert f"{out / 'Q'} is in the way of the line of that name" in capsys.readouterr().err
    assert content(out) == before


def test_a_move_of_all_lines_that_was_cut_short_is_ended(copied, inverted, lines, tmp_path, monkeypatch):
    """By whoever opens the folder next, wherever it was cut."""
    replace, out, moved = os.replace, tmp_path / "OUT", []
    copied["R"] = ValueError("no data")

    def dies(source, target):
        if ".unfinished" in str(source) and ".unfinished" not in str(target):
            moved.append(target)
            if len(moved) == count:
                raise InterruptedError
        replace(source, target)

    monkeypatch.setattr(os, "replace", dies)
    for count in (1, 4, len(NEW)):
        moved.clear()
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(inverted, out)
        assert main(asked(lines, out, "--force")) == 1
        assert len(moved) == count
        assert main(["invert", "--resume", str(out)]) == 1
        assert files(out) == NEW


def test_lines_at_once_are_those_one_after_the_other(inverted, lines, tmp_path, capfd):
    out = tmp_path / "OUT"
    assert main(asked(lines, out, "--jobs", "1000")) == 1
    said = capfd.readouterr().out
    assert "processes, not 1000: there are 3 lines and" in said
    assert "R: Line R is not inverted" in said
    for name in "PQ":
        assert f"{name}: The report is {out / name / 'report.html'}" in said.splitlines()
        assert files(out / name) == files(inverted)
        # What it was told is that of a line.
        assert RunFile.read(out / name / "run.toml").told["line"] == name
        assert "jobs" not in RunFile.read(out / name / "run.toml").told
    # Other threads of XLA add in another order.
    np.testing.assert_allclose(history(out / "P"), history(inverted), rtol=1e-9)
    assert {file.name for file in out.iterdir()} == {"P", "Q", "run.toml", "report.html", "survey_map.png"}
    # Gone on with, there is nothing left to do but R.
    before = content(out)
    assert main(["invert", "--resume", str(out)]) == 1
    assert content(out).keys() == before.keys()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("--jobs", "0", "--line", "all"), "--jobs must be a number of processes, at least 1. Got 0."),
        (("--jobs", "2"), "--jobs is for lines that are inverted at once: give --line all"),
        (("--jobs", "2", "--line", "all", "--devices", "2"), "--jobs and --devices share out the same"),
    ],
)
def test_jobs_are_refused_where_they_make_no_sense(told, message, survey, tmp_path, capsys):
    assert main(["invert", str(survey), "-o", str(tmp_path / "OUT"), *told]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "OUT").exists()


def test_lines_of_several_are_told_apart_and_bars_are_left_out(capsys):
    with named_output("L1"):
        print("one\ntwo", flush=True)
        print("\rInverting: 10%\rInverting: 20%\nthree", end="")
        print(" and a half\n")
    assert capsys.readouterr().out.splitlines() == ["L1: one", "L1: two", "L1: three and a half"]
