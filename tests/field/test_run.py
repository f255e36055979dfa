"""A run on disk: what it leaves, how it is told again, gone on with and drawn anew."""

import csv
import dataclasses
import hashlib
import html
import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from surveys import TOLD, write_survey

import jaxmt
from jaxmt import plot
from jaxmt.field import Folder, Line, Outcome, invert_line, workflow
from jaxmt.field.command import main
from jaxmt.field.methods import QUICK_GROWTH
from jaxmt.field.run_file import NAME, RunFile
from jaxmt.io import read_results, write_results


def history(folder):
    with (folder / "l2" / "history.csv").open(newline="") as file:
        return [row["nrms"] for row in csv.DictReader(file)]


def files(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def edited(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_every_file_says_which_run_it_is_of(inverted):
    identity = RunFile.read(inverted / "run.toml").identity
    summary = json.loads((inverted / "summary.json").read_text())
    assert identity
    assert summary["run"] == json.loads((inverted / "l2" / "summary.json").read_text())["run"] == identity
    for name in ("line.npz", "l2/model.npz"):
        assert jaxmt.io.read_results(inverted / name).attributes["run"] == identity
    for name in ("processing.log", "l2/processing.log", "report.html", "occam2d_data.dat"):
        assert identity in (inverted / name).read_text()
    # What has no room for words is known by its digest.
    files = {str(f.relative_to(inverted)) for f in inverted.rglob("*") if f.is_file()}
    assert set(summary["files"]) == files - {"summary.json"}
    for name, digest in summary["files"].items():
        assert hashlib.sha256((inverted / name).read_bytes()).hexdigest() == digest


def test_a_run_is_repeated_to_the_same_numbers_from_its_file(inverted, tmp_path):
    assert main(["invert", str(inverted / "run.toml"), "-o", str(tmp_path / "again")]) == 0
    assert history(tmp_path / "again") == history(inverted)
    first, again = (RunFile.read(folder / "run.toml") for folder in (inverted, tmp_path / "again"))
    assert (first.told, first.path) == (again.told, again.path)
    assert first.identity != again.identity


def test_a_folder_that_is_not_empty_is_refused(inverted, survey, tmp_path, capsys):
    before = (inverted / "summary.json").read_bytes()
    assert main(["invert", str(survey), "-o", str(inverted), *TOLD]) == 1
    assert "exists and is not empty. Give another -o, go on with --resume" in capsys.readouterr().err
    assert (inverted / "summary.json").read_bytes() == before
    (tmp_path / "file").touch()
    assert main(["invert", str(survey), "-o", str(tmp_path / "file")]) == 1
    assert "file is a file. Results need a folder" in capsys.readouterr().err


def test_force_replaces_what_jaxmt_wrote_and_nothing_else(inverted, tmp_path):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    (out / "notes.txt").write_text("mine")
    for name in ("notes.txt", "fit_curves_mine.png"):
        (out / "l2" / name).write_text("mine")
    made = Folder.create(out, force=True)
    # Nothing goes until the new run is whole.
    assert Folder.open(out).identity == Folder.open(inverted).identity
    assert files(out) - {"notes.txt", "l2/notes.txt", "l2/fit_curves_mine.png"} == {
        *files(inverted),
        ".unfinished/summary.json",
    }
    assert made.settled().path == out
    assert {str(f.relative_to(out)) for f in out.rglob("*") if f.is_file()} == {
        "summary.json",
        "notes.txt",
        "l2/notes.txt",
        "l2/fit_curves_mine.png",
    }
    assert Folder.open(out).identity == made.identity != Folder.open(inverted).identity


def test_force_leaves_alone_what_nobody_knows(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(FileExistsError, match=r"report.html is in the way, and nothing says that jaxmt"):
        Folder.create(tmp_path, force=True)
    (tmp_path / "report.html").unlink()
    (tmp_path / "l2").mkdir()
    (tmp_path / "l2" / "section.png").write_text("mine")
    with pytest.raises(FileExistsError, match=r"section.png is in the way"):
        Folder.create(tmp_path, force=True).claim(["l2"])


def test_a_stopped_run_goes_on_to_the_same_numbers(inverted, survey, tmp_path, capsys, monkeypatch):
    out = tmp_path / "OUT"
    bar = workflow.ProgressBar

    class Stopped(bar):
        def __call__(self, record):
            if record.iteration == 1:
                raise KeyboardInterrupt
            super().__call__(record)

    monkeypatch.setattr(workflow, "ProgressBar", Stopped)
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 130
    assert f"Go on with: jaxmt invert --resume {out}" in capsys.readouterr().out
    assert (out / "l2" / "inversion.checkpoint").is_file()
    identity = Folder.open(out).identity
    monkeypatch.setattr(workflow, "ProgressBar", bar)
    assert main(["invert", "--resume", str(out)]) == 0
    assert history(out) == history(inverted)
    assert Folder.open(out).identity == identity
    assert not (out / "l2" / "inversion.checkpoint").exists()
    # What ended is kept.
    monkeypatch.setattr(workflow, "fit_by", None)
    assert main(["invert", "--resume", str(out)]) == 0


def test_whoever_stops_an_appraisal_is_told_how_to_go_on(survey, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    out = tmp_path / "OUT"
    monkeypatch.setattr(workflow, "appraised", interrupted)
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 130
    assert f"Go on with: jaxmt invert --resume {out}" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("drawn", [0, 3])
def test_whoever_stops_the_drawing_loses_pictures_alone(
    drawn, inverted, survey, tmp_path, capsys, monkeypatch
):
    out, save, saved = tmp_path / "OUT", plot.save, []

    def stopping(figure, path):
        if len(saved) == drawn:
            raise KeyboardInterrupt
        saved.append(save(figure, path))

    monkeypatch.setattr(plot, "save", stopping)
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 130
    assert f"All numbers are in {out}. Draw with: jaxmt report {out}" in capsys.readouterr().out
    assert len(list(out.rglob("*.png"))) == drawn
    # Every number, and nothing to go on with.
    numbers = {
        str(f.relative_to(inverted)) for f in inverted.rglob("*") if f.suffix not in (".png", ".html")
    }
    assert {str(f.relative_to(out)) for f in out.rglob("*") if f.suffix not in (".png", ".html")} == numbers
    assert history(out) == history(inverted)
    monkeypatch.setattr(plot, "save", save)
    for how in (["report"], ["invert", "--resume"]):
        again = tmp_path / how[0]
        shutil.copytree(out, again)
        monkeypatch.setattr(workflow, "fit_by", None)
        assert main([*how, str(again)]) == 0
        said = "the inversion ended before; nothing is left to invert." in capsys.readouterr().out
        assert said is ("--resume" in how)
        assert files(again) == files(inverted)


def test_a_run_says_what_it_is_doing(survey, tmp_path, capsys):
    assert main(["invert", str(survey), "-o", str(tmp_path / "OUT"), *TOLD]) == 0
    said = capsys.readouterr()
    order = ["Reading ", "S0", "Fit of all", "Appraising the section", "Writing ", "The report is"]
    places = [said.out.find(word) for word in order if word in said.out]
    assert len(places) >= 4
    assert places == sorted(places)
    assert all(word in said.err for word in ("Compiling the inversion", "Iteration 0 of at most"))


def test_a_report_is_drawn_from_the_results_alone(inverted, tmp_path, monkeypatch):
    out = tmp_path / "moved"
    shutil.copytree(inverted, out)
    pictures = sorted(f.relative_to(out) for f in out.rglob("*.png"))
    for name in (*pictures, "report.html", "run.toml"):
        (out / name).unlink()
    monkeypatch.setattr(workflow, "invert", None)
    assert main(["report", str(out)]) == 0
    assert sorted(f.relative_to(out) for f in out.rglob("*.png")) == pictures
    page, first = (words(folder / "report.html") for folder in (out, inverted))
    # But for run.toml, which is gone, the same words; pictures may differ by their time.
    assert page == first


def words(page):
    """What a report says, but for its pictures and what is known from run.toml alone."""
    text = re.sub(r"<pre>.*?</pre>", "", page.read_text(), flags=re.DOTALL)
    kept = [line.split('src="')[0] for line in text.splitlines()]
    return [
        line
        for line in kept
        if not re.search(r"run\.toml|kinds of files|What the inversion was set to", line)
    ]


def test_a_run_of_all_lines_has_a_page_that_leads_to_each(inverted, tmp_path, capsys, monkeypatch):
    whole, names = tmp_path / "all", ("P", "Q & <b>")
    for name in names:
        shutil.copytree(inverted, whole / name)
    run = RunFile.read(inverted / NAME)
    told = {**run.told, "line": "all", "title": "<i> $b_{$"}
    dataclasses.replace(run, told=told, identity="20260101-000000-0000").write(whole / NAME)

    def drawn(self, folder):
        shutil.copytree(inverted, folder.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(NAME))

    own = iter([(1.0, 100.0), (5.0, 2000.0)])
    monkeypatch.setattr(Outcome, "draw", drawn)
    monkeypatch.setattr(Outcome, "own_limits", lambda self: next(own))
    assert main(["report", str(whole), "--client", "C"]) == 0
    said = capsys.readouterr().out
    assert "All sections have colours from 1 to 2000 ohm m, what the data see of them." in said
    for name in names:
        outcome = Outcome.read(Folder.open(whole / name))
        assert outcome.settings.limits == (1.0, 2000.0)
        # log10 of both.
        assert '"limits":[0.0,3.30' in (whole / name / "report.html").read_text()
    assert f"The report about all lines is {whole / 'report.html'}" in said
    page = ElementTree.fromstring((whole / "report.html").read_text().partition("\n")[2])
    assert page.findtext(".//h1") == "<i> $b_{$"
    links = [a.get("href") for a in page.iterfind(".//td/a")]
    assert links == ["P/report.html", "Q%20%26%20%3Cb%3E/report.html"]
    # The map, and the section of each.
    assert len(page.findall(".//img")) == 3
    cells = [[cell.text for cell in row] for row in page.iterfind(".//tbody/tr")]
    assert [row[1] for row in cells] == ["4", "4"]
    stated = [each.text for each in page.iterfind(".//dd")]
    assert stated[0] == "C"
    assert "1 to 2000 ohm m in all sections" in stated
    assert RunFile.read(whole / NAME).told["client"] == "C"
    # What is told counts.
    assert main(["report", str(whole), "--limits", "2", "30"]) == 0
    assert "All sections" not in capsys.readouterr().out


def test_the_first_page_is_told_and_told_again(inverted, tmp_path):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    title = "Run <b>" + 300 * "x"
    assert main(["report", str(out), "--title", title, "--client", "$b_{$c & Co", "--author", "a\nb"]) == 0
    told = RunFile.read(out / "run.toml").told
    assert (told["title"], told["client"], told["author"]) == (title, "$b_{$c & Co", "a\nb")
    # The run is repeated from the same data as before.
    assert RunFile.read(out / "run.toml").path == RunFile.read(inverted / "run.toml").path
    page = (out / "report.html").read_text()
    assert f'<h1 class="long">{html.escape(title)}</h1>' in page
    assert "<dd>$b_{$c &amp; Co</dd>" in page
    # A title that says "Run" is not taken for a run, and what is written by hand counts.
    edited(out / "run.toml", "$b_{$c & Co", "Somebody else")
    assert Outcome.read(Folder.open(out)).settings.title == title
    assert main(["report", str(out)]) == 0
    assert "<dd>Somebody else</dd>" in (out / "report.html").read_text()


def test_a_report_takes_the_place_of_the_old_one_when_it_is_whole(inverted, tmp_path, monkeypatch):
    out, save, replace, done = tmp_path / "OUT", plot.save, os.replace, []
    shutil.copytree(inverted, out)
    before = {name: (out / name).read_bytes() for name in files(out)}
    told = ["report", str(out), "--title", "Another", "--format", "svg"]

    def stopped(figure, path):
        done.append(path)
        if len(done) == 3:
            raise KeyboardInterrupt
        return save(figure, path)

    monkeypatch.setattr(plot, "save", stopped)
    assert main(told) == 130
    assert {name: (out / name).read_bytes() for name in files(out)} == before
    monkeypatch.setattr(plot, "save", save)
    # A kill leaves what it drew, which the next does not take for its own.
    (out / ".redrawn").mkdir()
    (out / ".redrawn" / "both.png").touch()

    def dies(source, target):
        if ".redrawn" in str(source) and ".redrawn" not in str(target):
            done.append(target)
            if len(done) == 6:
                raise InterruptedError
        replace(source, target)

    monkeypatch.setattr(os, "replace", dies)
    assert main(told) == 1
    assert len(done) == 6
    # Whoever opens it ends the move, and nothing of the old report is left.
    assert len(Outcome.read(Folder.open(out)).fits) == 1
    assert "Another" in (out / "report.html").read_text()
    pictures = {name.replace(".png", ".svg") for name in before if name.endswith(".png")}
    assert files(out) == before.keys() | pictures
    for name, digest in json.loads((out / "summary.json").read_text())["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_results_come_back_as_they_were(inverted):
    outcome = Outcome.read(Folder.open(inverted))
    stored = jaxmt.io.read_results(inverted / "l2" / "model.npz")
    (fit,) = outcome.fits
    np.testing.assert_array_equal(fit.result.resistivity, stored.resistivity)
    assert [repr(v) for v in fit.result.history["nrms"]] == history(inverted)
    assert outcome.line.data.mask.sum() == json.loads((inverted / "summary.json").read_text())["data"]
    assert [site.name for site in outcome.line.sites] == ["S0", "S1", "S2", "S3"]
    # Parameters that reproduce the section, to rounding.
    section = 10 ** np.asarray(fit.result.parametrisation(fit.result.parameters))
    np.testing.assert_allclose(section, fit.result.resistivity, rtol=1e-9)


@pytest.mark.parametrize("name", ["report.html", "l2/summary.json", "run.toml"])
def test_files_of_several_runs_are_not_reported_together(name, inverted, tmp_path, capsys):
    out = tmp_path / "mixed"
    shutil.copytree(inverted, out)
    edited(out / name, Folder.open(out).identity, "20000101-000000-0000")
    assert main(["report", str(out)]) == 1
    said = capsys.readouterr().err
    assert f"is mixed: {name} belongs to run 20000101-000000-0000" in said


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 1
    assert "is no folder of results: it has no summary.json" in capsys.readouterr().err
    assert main(["invert", "--resume", str(tmp_path / "absent")]) == 2
    Folder.create(tmp_path)
    assert main(["report", str(tmp_path)]) == 1
    assert "holds no inversion that ended" in capsys.readouterr().err


def test_a_section_with_a_hole_is_refused_with_its_file(inverted, tmp_path, capsys):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    model = out / "l2" / "model.npz"
    stored = read_results(model)
    holed = np.array(stored.resistivity)
    holed[-1, 0] = np.nan
    write_results(model, dataclasses.replace(stored, resistivity=holed))
    assert main(["report", str(out)]) == 1
    assert f"{model}: 1 cells of the ground have no resistivity." in capsys.readouterr().err


def test_nothing_left_is_said_with_the_rules_that_took_it(tmp_path, capsys):
    survey = write_survey(tmp_path / "EDI")
    out = tmp_path / "OUT"
    told = ["invert", str(survey), "-o", str(out), *TOLD]
    assert main([*told, "--stations", "T*"]) == 2
    assert "no station is called 'T*'; there are S0, S1, S2, S3." in capsys.readouterr().err
    at = told.index("--band")
    assert main([*told[:at], "--band", "1e5", "1e6", *told[at + 3 :]]) == 1
    assert "no site has a frequency in it" in capsys.readouterr().err
    # All four stations stand at the place that means none.
    for k in (1, 2, 3):
        edited(survey / f"s{k}.edi", f"LONG=0:0{(72 * k) // 60}:{(72 * k) % 60:02d}", "LONG=0:00:00")
    assert main(told) == 1
    said = capsys.readouterr().err
    assert "the positions of all 4 stations are unknown" in said
    assert "--positions FILE" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[misfit.l2]\nphase_wight = 2.0", "no setting 'phase_wight'; did you mean 'phase_weight'?"),
        ("[misfit.l2]\nphase_weight = 'two'", "The setting 'phase_weight' of the misfit 'l2' must be"),
    ],
)
def test_a_setting_that_a_misfit_cannot_have_is_refused(settings, message, survey, tmp_path, capsys):
    path = tmp_path / "run.toml"
    path.write_text(f"[data]\npath = '{survey}'\n[inversion]\nmisfit = ['l2']\n{settings}\n")
    assert main(["invert", str(path), "-o", str(tmp_path / "OUT")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "[misfit.l2]" in said
    assert not (tmp_path / "OUT").exists()


def test_a_run_does_not_go_on_with_other_data(inverted, survey, tmp_path, capsys):
    data, out = tmp_path / "EDI", tmp_path / "OUT"
    shutil.copytree(survey, data)
    shutil.copytree(inverted, out)
    run = (out / "run.toml").read_text()
    (out / "run.toml").write_text(run.replace(str(survey), str(data)))
    (data / "s3.edi").unlink()
    before = (out / "line.npz").read_bytes()
    assert main(["invert", "--resume", str(out)]) == 1
    assert "are no longer those that" in capsys.readouterr().err
    assert (out / "line.npz").read_bytes() == before


def test_results_do_not_go_among_the_data(survey, tmp_path, capsys):
    data, other = tmp_path / "EDI", tmp_path / "other"
    shutil.copytree(survey, data)
    other.mkdir()
    shutil.copy(data / "s0.edi", other)
    before = sorted(data.iterdir())
    for source, out in ((data, data), (data, other), (data / "s0.edi", data)):
        assert main(["invert", str(source), "-o", str(out), "--force", *TOLD]) == 1
        assert f"must not go among the data in {out}. Give another -o." in capsys.readouterr().err
    # A folder below the data is free; the next thing to be refused is the name.
    assert main(["invert", str(data), "-o", str(data / "OUT"), *TOLD, "--stations", "T*"]) == 2
    assert "no station is called 'T*'" in capsys.readouterr().err
    assert sorted(data.iterdir()) == before


def test_four_lines_of_python(inverted, survey, tmp_path):
    # What was compiled for the command serves these settings.
    del inverted
    line = Line.read(survey, band=(0.9, 110.0), floor=0.05, per_decade=1)
    outcome = invert_line(line, {"L2": jaxmt.LeastSquares()}, growth=QUICK_GROWTH, iterations=2)
    outcome.write(tmp_path / "results")
    again = Outcome.read(Folder.open(tmp_path / "results"))
    assert (tmp_path / "results" / "L2" / "section.png").is_file()
    assert again.fits[0].result.nrms == outcome.fits[0].result.nrms
    assert again.facts == outcome.facts
    with pytest.raises(FileExistsError, match="exists and is not empty"):
        outcome.write(tmp_path / "results")
    outcome.write(tmp_path / "results", force=True)


@pytest.mark.parametrize("left", [0.0, 0.5])
@pytest.mark.parametrize("name", ["sites.npz", "l2/appraisal.npz", "l2/history.csv"])
def test_a_file_that_was_cut_short_is_named(name, left, inverted, tmp_path, capsys):
    """As where a rename is not atomic, or a copy of the folder was stopped."""
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    content = (out / name).read_bytes()
    (out / name).write_bytes(content[: int(left * len(content))])
    assert main(["report", str(out)]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"jaxmt: {out / name} is damaged")


def test_a_run_file_that_was_cut_short_tells_of_no_run(inverted, tmp_path, capsys):
    """What is left of it may be read, and would invert with other settings."""
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    text = (out / "run.toml").read_text()
    (out / "run.toml").write_text(text[: text.index("[inversion]")])
    assert main(["invert", "--resume", str(out)]) == 1
    assert "run.toml belongs to run unknown" in capsys.readouterr().err
