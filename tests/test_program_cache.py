import errno
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import jax
import pytest

from jaxmt import keep_programs, program_cache
from jaxmt.field import machine

SWITCHES = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)
ALONE: dict[str, Any] = dict.fromkeys(("devices", "coordinator", "processes", "process"))


def known() -> Any:
    """The folder that JAX knows."""
    return jax.config.values["jax_compilation_cache_dir"]


@pytest.fixture
def unknown():
    """JAX knows no folder, and nothing is compiled meanwhile."""
    before = {name: jax.config.values[name] for name in SWITCHES}
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


FIRST = """
import json, sys
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
import jaxmt

count = {}
jax.monitoring.register_event_listener(lambda name, **_: count.update({name: count.get(name, 0) + 1}))
folder = jaxmt.keep_programs(sys.argv[1])
survey = jaxmt.Survey([1.0], [0.0])
mesh = jaxmt.Mesh(np.linspace(-4e4, 4e4, 9), np.array([-4e4, -1e4, 0.0, 1e3, 4e3, 2e4, 8e4]))
found = jaxmt.simulate(mesh, survey, np.full(mesh.shape, 100.0), solver=jaxmt.SuperLU())
phase = float(found.phase_xy[0, 0])
kept = sum(file.name.endswith("-cache") for file in folder.iterdir())
print(json.dumps([count, kept, phase]))
"""


def test_a_second_process_finds_all_programs_of_the_first(tmp_path):
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JAX_COMPI", "JAX_ENABLE_C"))
    }

    def run():
        command = [sys.executable, "-W", "ignore", "-c", FIRST, str(tmp_path)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return json.loads(ended.stdout.splitlines()[-1])

    (first, kept, phase), (second, still, again) = run(), run()
    asked, hit = (f"/jax/compilation_cache/{name}" for name in ("compile_requests_use_cache", "cache_hits"))
    assert kept > 0
    assert first.get(hit, 0) < first[asked]
    assert second[hit] == second[asked]
    assert still == kept
    # The same machine code with the same numbers.
    assert again == phase


@pytest.mark.usefixtures("unknown")
def test_a_folder_is_made_and_every_program_is_kept_in_it(tmp_path):
    place = keep_programs(tmp_path / "a" / "b")
    assert place.is_dir()
    assert place.parent == tmp_path / "a" / "b"
    assert known() == str(place)
    assert jax.config.values["jax_persistent_cache_min_compile_time_secs"] == 0.0
    assert list(place.glob("*-cache")) == []


def test_a_folder_that_jax_knows_is_left_as_it_is(unknown, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "theirs"))
    assert keep_programs(tmp_path / "ours") == tmp_path / "theirs"
    assert known() == str(tmp_path / "theirs")
    # Small programs are kept there, too.
    assert jax.config.values["jax_persistent_cache_min_compile_time_secs"] == 0.0
    assert list(tmp_path.iterdir()) == [tmp_path / "theirs"]
    jax.config.update("jax_compilation_cache_dir", "gs://bucket/programs")
    keep_programs(tmp_path / "ours")
    assert known() == "gs://bucket/programs"
    assert list(tmp_path.iterdir()) == [tmp_path / "theirs"]


def a_file(tmp_path, monkeypatch):
    del monkeypatch
    (tmp_path / "programs").write_text("no folder")
    return "programs"


def not_writable(tmp_path, monkeypatch):
    del tmp_path

    # Rights do not hold for the superuser, as whom tests may run.
    def refuse(self, data):
        del data
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    return "Read-only"


def no_room(tmp_path, monkeypatch):
    del tmp_path
    usage = program_cache.shutil.disk_usage("/")._replace(free=5_000_000)
    monkeypatch.setattr(program_cache.shutil, "disk_usage", lambda _: usage)
    return "has 5 MB free; 200 are wanted"


FAULTS = pytest.mark.parametrize("fault", [a_file, not_writable, no_room])


@FAULTS
@pytest.mark.usefixtures("unknown")
def test_a_folder_that_is_of_no_use_is_an_error_and_is_not_taken(fault, tmp_path, monkeypatch):
    said = fault(tmp_path, monkeypatch)
    with pytest.raises(OSError, match=said):
        keep_programs(tmp_path / "programs")
    assert known() is None


@FAULTS
@pytest.mark.parametrize("told", [False, True], ids=["of the user's", "that JAX was told"])
@pytest.mark.usefixtures("unknown")
def test_the_command_says_so_once_and_goes_on(told, fault, tmp_path, monkeypatch, capsys):
    said = fault(tmp_path, monkeypatch)
    monkeypatch.setattr(program_cache, "default_folder", lambda: tmp_path / "programs")
    if told:
        jax.config.update("jax_compilation_cache_dir", str(tmp_path / "programs"))
    assert machine.start(ALONE) is None
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Compiled programs are not kept for the next run: ")
    assert said in lines[0]
    assert known() is None


@pytest.mark.usefixtures("unknown")
def test_what_was_used_the_longest_ago_goes_first_when_the_folder_is_full(tmp_path, monkeypatch):
    place = keep_programs(tmp_path)
    # Written in this order; the first was read after all others were written.
    for k in range(10):
        file = place / f"{k}-cache"
        file.write_bytes(bytes(100))
        os.utime(file, (2000 if k == 0 else 1000 + k, 1000 + k))
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setattr(program_cache, "MOST_BYTES", 1000)
    keep_programs(tmp_path)
    assert len(list(place.glob("*-cache"))) == 10
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setattr(program_cache, "MOST_BYTES", 500)
    keep_programs(tmp_path)
    # Three quarters of 500 bytes hold three files of 100.
    assert sorted(file.name for file in place.glob("*-cache")) == ["0-cache", "8-cache", "9-cache"]


def test_the_folder_lies_among_the_caches_of_the_user(unknown, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert program_cache.default_folder() == Path("~/.cache/jaxmt")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert program_cache.default_folder() == tmp_path / "jaxmt"
    assert keep_programs().parent == tmp_path / "jaxmt"


@pytest.mark.usefixtures("unknown")
def test_a_program_that_was_cut_short_is_removed_and_the_others_stay(tmp_path):
    place = keep_programs(tmp_path)
    whole = zlib.compress(bytes(10_000))
    for name, content in {"whole": whole, "cut": whole[:-5], "nil": b"", "other": b"(\xb5/\xfd"}.items():
        (place / f"{name}-cache").write_bytes(content)
    jax.config.update("jax_compilation_cache_dir", None)
    keep_programs(tmp_path)
    assert sorted(file.name for file in place.glob("*-cache")) == ["other-cache", "whole-cache"]
