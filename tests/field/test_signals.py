"""SIGTERM and SIGHUP end a command as Ctrl-C does."""

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from kills import programs
from surveys import TOLD

from jaxmt import signals
from jaxmt.simulation.solvers.host_call import host_call

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

COMMAND = """
import os, signal, sys
from jaxmt.field import workflow
from jaxmt.field.command import main

class Signalled(workflow.ProgressBar):
    def __call__(self, record):
        super().__call__(record)
        if record.iteration == 1:
            os.kill(os.getpid(), int(number))

number, *sys.argv = sys.argv[1:]
workflow.ProgressBar = Signalled
sys.exit(main())
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_the_best_model_and_a_checkpoint(name, inverted, survey, tmp_path):
    del inverted  # What was compiled for it serves here.
    number, out = getattr(signal, name), tmp_path / "OUT"
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": programs(), "PYTHONPATH": str(ROOT)}
    told = ["jaxmt", "invert", str(survey), "-o", str(out), *TOLD]
    child = subprocess.run(
        [sys.executable, "-c", COMMAND, str(int(number)), *told],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 128 + number, child.stderr
    assert "interrupted after 2 iterations" in child.stdout
    assert f"Go on with: jaxmt invert --resume {out}" in child.stdout
    assert (out / "l2" / "model.npz").is_file()
    assert (out / "l2" / "inversion.checkpoint").is_file()
    assert not list(out.rglob("*.part"))
    assert not (out / ".lock").exists()


@pytest.fixture
def listening(monkeypatch):
    kept = {number: signal.getsignal(number) for number in signals._numbers()}
    monkeypatch.setattr(signals, "_received", [])
    monkeypatch.setattr(signals, "_since", [])
    # A shell starts what runs in the background with SIGINT ignored.
    for number in signals._numbers():
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_what_nohup_ignores_stays_ignored(listening):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.listen()
    signal.raise_signal(signal.SIGHUP)
    assert signals.status() == 130


def test_the_system_is_heard_once(listening):
    signals.listen()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    # Whoever saves now is not disturbed, but by the user.
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signals.status() == 128 + signal.SIGTERM


def test_the_system_is_heard_again_when_the_first_signal_may_be_lost(listening, monkeypatch):
    signals.listen()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        monkeypatch.setattr(signals, "PATIENCE", 0.0)


def test_a_process_that_ends_is_left_in_peace(listening, monkeypatch):
    """What is raised while Python tidies up is printed with a traceback, and changes nothing."""
    signals.listen()
    monkeypatch.setattr(threading.main_thread(), "is_alive", lambda: False)
    signal.raise_signal(signal.SIGTERM)
    monkeypatch.undo()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_while_garbage_is_collected_is_not_lost(listening):
    """Python discards what is raised there."""

    def collecting(phase, info):
        del info
        if phase == "start" and not sent:
            sent.append(True)
            signal.raise_signal(signal.SIGTERM)

    sent = []
    signals.listen()
    gc.callbacks.append(collecting)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(collecting)
    assert sent
    with pytest.raises(KeyboardInterrupt):
        threading.Event().wait(60)


class Compared:
    def __eq__(self, other):
        signal.raise_signal(signal.SIGTERM)
        return True

    def __hash__(self):
        return 0


def test_a_signal_waits_while_python_is_called_from_outside(listening):
    """An exception there would be lost, or end the process."""
    signals.listen()
    assert Compared() == 1
    with pytest.raises(KeyboardInterrupt):
        threading.Event().wait(60)
    assert signals.status() == 128 + signal.SIGTERM


def test_a_signal_in_a_call_of_a_program_spoils_no_number(listening):
    signals.listen()
    inside = []

    def doubled(result, values):
        if threading.current_thread() is threading.main_thread():
            inside.append(True)
            signal.raise_signal(signal.SIGTERM)
        result[...] = 2 * values

    @jax.jit
    def program(values):
        return host_call("doubled", doubled, jax.ShapeDtypeStruct(values.shape, values.dtype), values)

    def run():
        found.append(np.asarray(program(jnp.arange(3.0))))
        if not inside:
            # The program ran in another thread.
            signal.raise_signal(signal.SIGTERM)
        threading.Event().wait(60)

    found = []
    with pytest.raises(KeyboardInterrupt):
        run()
    np.testing.assert_array_equal(found[0], [0.0, 2.0, 4.0])
