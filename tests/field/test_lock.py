"""One run at a time in a folder, and a new run beside an old one until it is whole."""

import errno
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from surveys import TOLD

from jaxmt import lock as locks
from jaxmt.atomic import atomic_path
from jaxmt.field import Folder
from jaxmt.field.command import main
from jaxmt.field.run_file import RunFile
from jaxmt.lock import LOCK, locked


def files(folder):
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_folder_is_held_by_one_process(tmp_path):
    out = tmp_path / "OUT"
    with locked(out):
        holder = json.loads((out / LOCK).read_text())
        assert (holder["pid"], holder["host"]) == (os.getpid(), socket.gethostname())
        who = f"in use by process {os.getpid()} on {socket.gethostname()}, since {holder['since']}"
        with pytest.raises(FileExistsError, match=re.escape(who)), locked(out):
            pass
        # It was not his to release.
        assert json.loads((out / LOCK).read_text()) == holder
        (out / "result").touch()
    assert files(out) == {"result"}


@pytest.mark.parametrize("mine", [True, False])
def test_a_run_that_comes_to_nothing_leaves_no_folder_but_mine(mine, tmp_path):
    if mine:
        (tmp_path / "OUT").mkdir()
    with pytest.raises(ValueError, match="nothing"), locked(tmp_path / "OUT"):
        raise ValueError("nothing")
    assert (tmp_path / "OUT").exists() == mine


def a_lock(**changes):
    return {"pid": os.getpid(), "host": socket.gethostname(), "began": "", "since": "then"} | changes


def dead_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.parametrize(
    "holder",
    [
        lambda: a_lock(pid=dead_process()),
        lambda: a_lock(pid=dead_process(), began="boot 1"),
        # Another process has the number now.
        lambda: a_lock(began="boot 1"),
    ],
)
def test_the_lock_of_a_dead_process_is_recognised(holder, tmp_path):
    (tmp_path / LOCK).write_text(json.dumps(holder()))
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("content", "who"),
    [
        (json.dumps(a_lock()), f"process {os.getpid()} on"),
        (json.dumps(a_lock(host="elsewhere")), f"process {os.getpid()} on elsewhere, since then"),
        ("", "a process that it does not name"),
        ("[1]", "a process that it does not name"),
    ],
    ids=["this process", "elsewhere", "empty", "a list"],
)
def test_any_other_lock_is_believed(content, who, tmp_path):
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(FileExistsError, match=f"is in use by {who}.*or remove {tmp_path / LOCK} if"):
        locked(tmp_path).__enter__()
    assert (tmp_path / LOCK).read_text() == content


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_where_nothing_can_be_written_is_refused_in_words(number, tmp_path, monkeypatch):
    def refused(path, content):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(locks, "_written", refused)
    with pytest.raises(
        PermissionError, match=rf"^nothing can be written to {tmp_path}. Give another folder."
    ):
        locked(tmp_path).__enter__()
    assert not files(tmp_path)


def test_a_lock_that_another_took_over_is_not_removed(tmp_path, monkeypatch):
    """Between reading the lock of a dead process and removing it, another process was faster."""
    (tmp_path / LOCK).write_text(json.dumps(a_lock(began="boot 1")))
    theirs = json.dumps(a_lock(host="elsewhere"))
    rename = os.rename

    def late(source, target):
        (tmp_path / LOCK).write_text(theirs)
        rename(source, target)

    monkeypatch.setattr(locks.os, "rename", late)
    with pytest.raises(FileExistsError, match="on elsewhere"):
        locked(tmp_path).__enter__()
    assert (tmp_path / LOCK).read_text() == theirs


def test_a_file_system_without_links_has_locks_too(tmp_path, monkeypatch):
    def none(source, target):
        raise OSError("no links here")

    monkeypatch.setattr(locks.os, "link", none)
    with locked(tmp_path):
        assert files(tmp_path) == {LOCK}
        with pytest.raises(FileExistsError, match="is in use by process"), locked(tmp_path):
            pass
    assert not files(tmp_path)


@pytest.mark.parametrize("links", [True, False])
def test_a_lock_that_finds_no_room_names_its_file_and_leaves_nothing(links, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(io.StringIO):
        write = full

    opened = Path.open
    monkeypatch.setattr(locks.os, "link", full)
    monkeypatch.setattr(
        Path, "write_text", full if links else lambda path, *_, **__: opened(path, "w").close()
    )
    monkeypatch.setattr(Path, "open", lambda path, *how, **__: (opened(path, *how[:1]).close(), Full())[1])
    if links:
        # As a read-only file system does, whose error is not to hide the first.
        monkeypatch.setattr(Path, "unlink", full)
    out = tmp_path / "OUT"
    with pytest.raises(OSError, match=rf"No space left on device: '{out / LOCK}'"), locked(out):
        pass
    monkeypatch.undo()
    assert not out.exists()


def test_what_killed_runs_left_half_written_is_swept(tmp_path):
    left = []
    for place in (tmp_path, tmp_path / "l2", tmp_path / ".unfinished" / "l2"):
        place.mkdir(parents=True, exist_ok=True)
        with atomic_path(place / "file") as part:
            part.touch()
            left.append(part)
        (place / "file").rename(part)
    (tmp_path / "mine.part").touch()
    with locked(tmp_path):
        assert files(tmp_path) == {LOCK, "mine.part"}
    assert all(part.name.endswith(".part") for part in left)


def test_two_runs_in_one_folder_are_refused_in_one_line(inverted, survey, tmp_path, capsys):
    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    before = {name: (out / name).read_bytes() for name in files(out)}
    with locked(out):
        for told in (
            ["invert", str(survey), "-o", str(out), "--force", *TOLD],
            ["invert", "--resume", str(out)],
            ["report", str(out)],
        ):
            assert main(told) == 1
            said = capsys.readouterr().err.splitlines()
            assert len(said) == 1
            assert f"jaxmt: {out} is in use by process {os.getpid()} on" in said[0]
    assert {name: (out / name).read_bytes() for name in files(out)} == before


def begun_anew(out, identity_of):
    """A whole run, copied from another, that is about to replace the one in `out`."""
    made = Folder.create(out, force=True)
    for name in files(identity_of):
        (made.path / name).parent.mkdir(exist_ok=True)
        shutil.copy(identity_of / name, made.path / name)
    (made.path / "extra.txt").write_text("new")
    return Folder(made.path, Folder.open(identity_of).identity, replaces=out)


def test_a_move_that_was_cut_short_is_ended_by_the_next(inverted, tmp_path, monkeypatch):
    """At every rename: before, the old run is whole; after, the new one."""
    new = tmp_path / "new"
    shutil.copytree(inverted, new)
    identity, old_identity = "20260101-000000-0000", Folder.open(inverted).identity
    for name in ("summary.json", "run.toml", "report.html", "l2/summary.json"):
        text = (new / name).read_text()
        (new / name).write_text(text.replace(old_identity, identity))
    for name in ("line.npz", "usable.npz", "l2/model.npz"):
        (new / name).unlink(missing_ok=True)
    (new / "phase_tensors.png").unlink()
    replace, count = os.replace, len(files(new)) + 2
    for died in range(count):
        out, done = tmp_path / f"OUT{died}", []
        shutil.copytree(inverted, out)
        (out / "notes.txt").write_text("mine")
        made = begun_anew(out, new)

        def dies(source, target, died=died, done=done):
            if len(done) == died:
                raise InterruptedError
            done.append(replace(source, target))

        monkeypatch.setattr(os, "replace", dies)
        with pytest.raises(InterruptedError):
            made.settled()
        monkeypatch.setattr(os, "replace", replace)
        found = Folder.open(out)
        if died == 0:
            assert found.identity == old_identity
            assert files(inverted) <= files(out)
            made.settled()
            found = Folder.open(out)
        assert found.identity == identity
        assert files(out) == files(new) | {"extra.txt", "notes.txt"}


@pytest.mark.parametrize(
    "content",
    [
        '{"old": ["../mine"], "new": []}',
        '{"old": [], "new": ["../../mine"]}',
        '{"old": [1], "new": []}',
        "[]",
    ],
)
def test_a_list_of_a_stranger_moves_nothing_elsewhere(content, tmp_path):
    (tmp_path / "mine").write_text("mine")
    made = tmp_path / "OUT" / ".unfinished"
    made.mkdir(parents=True)
    (made / "moving.json").write_text(content)
    with pytest.raises(ValueError, match=r"moving.json lists files that are not of this folder"):
        Folder.open(tmp_path / "OUT")
    (made / "moving.json").write_text(content[:-1])
    # A list that was cut short is none.
    with pytest.raises(ValueError, match="is no folder of results"):
        Folder.open(tmp_path / "OUT")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["..", "../l2", "/l2", "", 1])
def test_the_name_of_a_misfit_leads_nowhere_else(name, tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps({"run": "1", "misfits": [name]}))
    with pytest.raises(ValueError, match="is no folder of results"):
        Folder.open(tmp_path)


def test_a_run_over_an_old_one_that_is_killed_goes_on(inverted, survey, tmp_path, capsys, monkeypatch):
    """The old result stays until then, and no file of one run stands beside those of another."""
    from jaxmt.field import workflow

    out = tmp_path / "OUT"
    shutil.copytree(inverted, out)
    before = {name: (out / name).read_bytes() for name in files(out)}
    old = Folder.open(out).identity

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    appraised = workflow.appraised
    monkeypatch.setattr(workflow, "appraised", killed)
    assert main(["invert", str(survey), "-o", str(out), "--force", *TOLD]) == 130
    assert {name: data for name, data in before.items() if (out / name).read_bytes() != data} == {}
    # The best model is on disk although nobody asked the data what they say of it.
    assert {"l2/model.npz", "l2/inversion.checkpoint"} <= files(out / ".unfinished")
    assert main(["report", str(out)]) == 0
    assert Folder.open(out).identity == old
    new = RunFile.read(out / ".unfinished" / "run.toml").identity
    assert new != old
    monkeypatch.setattr(workflow, "appraised", appraised)
    assert main(["invert", "--resume", str(out)]) == 0
    assert f"The report is {out / 'report.html'}" in capsys.readouterr().out
    assert Folder.open(out).identity == new
    assert files(out) == files(inverted)
