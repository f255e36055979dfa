"""`jaxmt invert`, killed at every file that it writes, goes on to the numbers of the run that was not."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kills import images, programs
from surveys import TOLD

from jaxmt import plot
from jaxmt.field import Folder, Outcome
from jaxmt.field.command import main
from jaxmt.report.page import PNG

ROOT = Path(__file__).parents[2]


def history(folder):
    with (folder / "l2" / "history.csv").open(newline="") as file:
        return [row["nrms"] for row in csv.DictReader(file)]


def files(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def abandoned(folder):
    """The lock names the process that was killed, not this one."""
    lock = folder / ".lock"
    if lock.is_file():
        lock.write_text(json.dumps(json.loads(lock.read_text()) | {"began": "boot 1"}))


def gone_on(folder, survey):
    """Goes on, or, where the run had not even said what it was told, begins anew."""
    abandoned(folder)
    status = main(["invert", "--resume", str(folder)])
    if status:
        assert not (folder / "run.toml").is_file()
        status = main(["invert", str(survey), "-o", str(folder), "--force", *TOLD])
    assert status == 0


def assert_whole(folder, inverted):
    assert history(folder) == history(inverted)
    assert files(folder) == files(inverted)
    # Of one run all through, and readable.
    opened = Folder.open(folder)
    assert len(Outcome.read(opened).fits) == 1
    assert opened.identity in (folder / "report.html").read_text()
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary["files"]) == files(folder) - {"summary.json"}


@pytest.fixture
def sketches(monkeypatch):
    """Figures are files of one line, for to draw them takes far longer than all the rest."""

    def sketched(figure, path):
        from jaxmt.atomic import atomic_path

        with atomic_path(path) as part:
            part.write_bytes(PNG)
        return path

    monkeypatch.setattr(plot, "save", sketched)


@pytest.fixture
def taken(survey, tmp_path):
    """What lies on disk before and after every rename of a run."""
    out = tmp_path / "OUT"
    out.mkdir()

    def work():
        assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 0

    return images(out, tmp_path, work)


def test_a_command_killed_at_some_renames_goes_on(sketches, taken, inverted, survey):
    for image in taken[3::12]:
        gone_on(image, survey)
        assert_whole(image, inverted)


@pytest.mark.slow
def test_a_command_killed_at_every_rename_goes_on(sketches, taken, inverted, survey):
    for image in taken:
        gone_on(image, survey)
        assert_whole(image, inverted)


CHILD = """
import os, signal, sys
from jaxmt.field.command import main

replace, done = os.replace, []

def renamed(source, target):
    if len(done) == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(target)
    replace(source, target)

last, *sys.argv = sys.argv[1:]
os.replace = renamed
sys.exit(main())
"""


def killed(last, told):
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": programs(), "PYTHONPATH": str(ROOT)}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(last), "jaxmt", *map(str, told)],
        env=environment,
        capture_output=True,
        check=False,
    )
    return child.returncode


@pytest.mark.slow
@pytest.mark.parametrize("last", [4, 9, 14, 20, 30])
def test_a_process_killed_over_an_old_run_goes_on(last, inverted, survey, tmp_path):
    """Its lock and half a file stay; the old run does, too, until the new one is whole."""
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    old = Folder.open(inverted).identity
    assert killed(last, ["invert", survey, "-o", out, "--force", *TOLD]) == -signal.SIGKILL
    assert Folder.open(out).identity == old
    assert (out / ".lock").is_file()
    assert list(out.rglob("*.part"))
    assert main(["invert", "--resume", str(out)]) == 0
    assert Folder.open(out).identity != old
    assert_whole(out, inverted)
