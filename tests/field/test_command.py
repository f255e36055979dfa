import errno
import os
import signal
import subprocess
import sys

import jax
import pytest

from jaxmt import signals
from jaxmt.field import command, look
from jaxmt.field.command import main


def test_help_loads_nothing_that_takes_long():
    code = (
        "import sys; from jaxmt.field.command import main; status = main(['--help']); "
        "heavy = {'jax', 'numpy', 'scipy', 'matplotlib', 'equinox', 'ott'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("look", "invert", "report", "convert", "doctor"):
        assert f"\n    {name}" in done.stdout


def test_python_m_jaxmt_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "jaxmt", "lok"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JAX_ENABLE_X64": "0"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    known = "look, invert, report, convert, doctor"
    assert done.stderr == f"jaxmt: 'lok' is no command. Did you mean look? Known: {known}.\n"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (
            ["look", "EDI", "--flor", "0.1"],
            "--flor is no option of jaxmt look. Did you mean --floor?",
        ),
        (["look", "EDI", "OUT"], "'OUT' is one word too many."),
        (["look", "EDI"], "DIR EDI does not exist."),
        (["invert", "EDI", "-o", "OUT"], "DIR EDI does not exist."),
        (["convert", "EDI", "--to", "edi", "-o", "x"], "DIR EDI does not exist."),
        (["report", "OUT"], "OUT OUT does not exist."),
        (["invert", "--resume", "OUT"], "--resume OUT does not exist."),
        (["look", ".", "--positions", "absent.csv"], "--positions absent.csv does not exist."),
        (["look", ".", "-o", "map.txt"], "-o must be a picture, .png, .pdf, .svg,"),
        (["look", ".", "-o", "absent/map.png"], "-o absent/map.png: there is no folder absent."),
        (["look"], "the following arguments are required: DIR"),
        (["look", "EDI", "--target", "1"], "--target is no option of jaxmt look."),
        (["invert"], "what shall be inverted? Give a folder or file of transfer functions, or a run.toml."),
        (["invert", "EDI"], "where shall the results go? Give a folder: -o OUT."),
        (["invert", "EDI", "-o", "OUT", "--misfit", "L3"], "--misfit 'L3' is no misfit. Did you mean l2?"),
        (["invert", "EDI", "-o", "OUT", "--devices", "0"], "--devices must be a number of devices"),
        (
            ["invert", "EDI", "--resume", "OUT"],
            "--resume goes on as the run.toml in the folder says:",
        ),
        (["invert", "--resume", "OUT", "--floor", "0.1"], "--resume goes on as the run.toml in the folder"),
        (
            ["convert", "EDI", "--to", "edl", "-o", "x"],
            "--to 'edl' is no format. Did you mean edi?",
        ),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(typed, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(typed) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"jaxmt: {message}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "Interrupted."),
        (MemoryError("no room"), 1, "no room"),
        (FloatingPointError("not finite"), 1, "not finite"),
        (ValueError("two\nlines"), 1, "two lines"),
        (
            OSError(errno.ENOSPC, "No space left", "data.dat"),
            1,
            f"[Errno {errno.ENOSPC}] No space left: 'data.dat'. Make room there, or write to another place",
        ),
        (KeyError("x"), 1, "KeyError: 'x' (a fault of jaxmt; --debug shows where)"),
    ],
)
def test_no_error_leaves_the_command_as_a_traceback(error, status, message, monkeypatch, tmp_path, capsys):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(look, "look", fails)
    assert main(["look", str(tmp_path)]) == status
    assert capsys.readouterr().err == f"jaxmt: {message}\n"
    main(["--debug", "look", str(tmp_path)])
    assert ("Traceback" in capsys.readouterr().err) == (not isinstance(error, KeyboardInterrupt))


def test_a_signal_to_an_earlier_command_is_not_the_status_of_this_one(monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(look, "look", interrupted)
    monkeypatch.setattr(signals, "_received", [signal.SIGTERM])
    assert main(["look", str(tmp_path)]) == 130


def test_without_a_word_it_says_what_it_can(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out == command.parser().format_help()


def test_the_doctor_knows_solver_precision_and_devices(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for word in ("jaxmt", "solver", "devices", "precision", "double", "cores", "compiled programs"):
        assert word in said


@pytest.mark.parametrize("kept", [True, False])
def test_the_doctor_says_where_compiled_programs_are_kept(kept, tmp_path, capsys):
    (tmp_path / "program").write_bytes(bytes(3_000_000))
    names = ("jax_compilation_cache_dir", "jax_enable_compilation_cache")
    before = {name: jax.config.values[name] for name in names}
    try:
        for name, value in zip(names, (str(tmp_path), kept), strict=True):
            jax.config.update(name, value)
        assert main(["doctor"]) == 0
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
    (line,) = (
        text for text in capsys.readouterr().out.splitlines() if text.startswith("compiled programs")
    )
    said = f"3 MB in {tmp_path}" if kept else "not kept: JAX_ENABLE_COMPILATION_CACHE is off"
    assert line.endswith(said)
