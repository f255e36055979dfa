import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import chores
import numpy as np
import pytest
from kills import programs

from jaxmt import Batch, Processes, run_tasks
from jaxmt.batch.tasks import BEGUN, DIED, DONE, FAILED, INTERRUPTED
from jaxmt.lock import LOCK

NUMBERS = {"three": 3.0, "four": 4.0, "zero": 0.0}


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(2), lambda: ThreadPoolExecutor(1)])
def test_what_tasks_return_is_kept_and_not_done_again(tmp_path, executor):
    told = {}
    batch = run_tasks(
        chores.square, NUMBERS, tmp_path, executor, progress=lambda name, found: told.update({name: found})
    )
    assert {name: found["square"] for name, found in batch.done.items()} == {
        "three": 9,
        "four": 16,
        "zero": 0,
    }
    assert list(batch.done) == list(NUMBERS)
    assert told == batch.done
    again = run_tasks(chores.square, {**NUMBERS, "five": 5.0}, tmp_path)
    assert again.done["five"]["square"] == 25
    for name in NUMBERS:
        assert (tmp_path / name / "times").read_text() == "once\n"
        assert not (tmp_path / name / BEGUN).exists()


def test_a_task_that_fails_is_named_and_the_others_finish(tmp_path):
    batch = run_tasks(chores.refuse_zero, NUMBERS, tmp_path)
    assert batch.failed == {"zero": "ZeroDivisionError: zero has no inverse"}
    assert set(batch.done) == {"three", "four"}
    assert "refuse_zero" in (tmp_path / "zero" / FAILED).read_text()
    with pytest.raises(RuntimeError, match=r"1 of 3 tasks failed, zero: ZeroDivisionError"):
        batch.require()
    # The same call tries it again, and what went wrong does not stay beside what went well.
    assert run_tasks(chores.refuse_zero, NUMBERS, tmp_path).failed
    assert Batch(tmp_path, batch.done, {}).require().done is batch.done


def test_processes_have_the_numbers_of_this_one_and_cores_of_their_own(tmp_path):
    batch = run_tasks(chores.square, {"half": np.float64(0.5)}, tmp_path / "a", Processes(1)).require()
    assert batch.done["half"] == {"square": 0.25, "x64": True}
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        pytest.skip("has one core")
    found = run_tasks(chores.cores, dict.fromkeys("abcdef", 0.0), tmp_path / "b", Processes(2)).done
    shares = {tuple(one["cores"]) for one in found.values()}
    assert all(len(share) == len(available) // 2 for share in shares)
    assert {one["process"] for one in found.values()} != {os.getpid()}
    # A terminal sends Ctrl-C to all: it would end with a traceback what is being started.
    assert all(one["deaf"] for one in found.values())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize("function", [chores.die_at_zero, chores.die_once])
def test_a_process_that_is_killed_takes_no_other_task_with_it(tmp_path, function):
    batch = run_tasks(function, NUMBERS, tmp_path, Processes(2))
    lived = function is chores.die_once
    assert batch.failed == ({} if lived else {"zero": DIED})
    assert set(batch.done) == ({*NUMBERS} if lived else {"three", "four"})


class Breaks(Executor):
    """An executor whose workers never begin."""

    def submit(self, function, /, *args, **options):
        future = Future()
        future.set_exception(BrokenProcessPool("gone"))
        return future


def test_an_executor_that_breaks_is_said(tmp_path):
    batch = run_tasks(chores.square, NUMBERS, tmp_path / "one", Breaks())
    assert set(batch.failed) == set(NUMBERS)
    assert "function that makes executors" in batch.failed["three"]
    batch = run_tasks(chores.square, NUMBERS, tmp_path / "made", Breaks)
    assert "__main__" in batch.failed["three"]
    assert set(batch.failed) == set(NUMBERS)


def test_outcomes_of_other_tasks_are_not_taken_for_these(tmp_path):
    run_tasks(chores.square, NUMBERS, tmp_path)
    with pytest.raises(ValueError, match="another task of this name"):
        run_tasks(chores.square, {"three": 3.5}, tmp_path)
    with pytest.raises(ValueError, match="another task of this name"):
        run_tasks(chores.refuse_zero, {"three": 3.0}, tmp_path)
    (tmp_path / "three" / DONE).write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        run_tasks(chores.square, NUMBERS, tmp_path)


def test_two_calls_at_a_time_do_not_share_a_folder(tmp_path):
    """The second is refused with the process of the first; the lock of one that died is taken over."""
    refused = []

    def second(name, outcome):
        with pytest.raises(FileExistsError, match=f"{tmp_path} is in use by process {os.getpid()} on"):
            run_tasks(chores.square, NUMBERS, tmp_path)
        refused.append(name)

    run_tasks(chores.square, NUMBERS, tmp_path, progress=second).require()
    assert refused == list(NUMBERS)
    assert not (tmp_path / LOCK).exists()
    holder = {"pid": os.getpid(), "host": os.uname().nodename, "began": "boot 1", "since": "then"}
    (tmp_path / LOCK).write_text(json.dumps(holder))
    assert set(run_tasks(chores.square, NUMBERS, tmp_path).done) == set(NUMBERS)


def test_no_task_is_begun_after_progress_raises(tmp_path):
    def enough(name, outcome):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run_tasks(chores.square, NUMBERS, tmp_path, progress=enough)
    assert (tmp_path / "three" / DONE).exists()
    assert not (tmp_path / "four").exists()
    assert set(run_tasks(chores.square, NUMBERS, tmp_path).done) == set(NUMBERS)


def running(place, begun=lambda: True, seconds=600):
    """The process of a task, once it runs."""
    end = time.monotonic() + seconds
    while not (place / "running").exists() or not (place / "running").read_text():
        assert begun()
        assert time.monotonic() < end, "no task began"
        time.sleep(0.05)
    return int((place / "running").read_text())


def test_an_interrupt_of_one_process_is_that_of_its_task(tmp_path):
    found = []
    work = threading.Thread(
        target=lambda: found.append(
            run_tasks(chores.wait_for_an_interrupt, {"one": 1.0}, tmp_path, Processes(1))
        )
    )
    work.start()
    os.kill(running(tmp_path / "one", work.is_alive), signal.SIGTERM)
    work.join()
    assert found[0].failed == {"one": INTERRUPTED}
    assert (tmp_path / "one" / "left").exists()


CHILD = """
import sys
import chores
from jaxmt import Processes, run_tasks
if __name__ == "__main__":
    tasks = {"one": 1.0, "two": float(sys.argv[2]), "three": 3.0}
    run_tasks(chores.wait_for_an_interrupt, tasks, sys.argv[1], Processes(2))
"""


@pytest.mark.parametrize(("name", "two"), [("SIGINT", -2.0), ("SIGKILL", 2.0)])
def test_what_ends_a_process_interrupts_those_that_it_started(name, two, tmp_path):
    """Though the signal goes to it alone: none runs on unseen or begins, and each leaves its word."""
    (tmp_path / "batch.py").write_text(CHILD)
    here = os.path.dirname(os.path.dirname(__file__))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((os.path.dirname(here), here))}
    child = subprocess.Popen(
        [sys.executable, str(tmp_path / "batch.py"), str(tmp_path / "out"), str(two)],
        env=environment | {"JAX_COMPILATION_CACHE_DIR": programs()},
        stderr=subprocess.DEVNULL,
    )
    workers = [running(tmp_path / "out" / task, lambda: child.poll() is None) for task in ("one", "two")]
    child.send_signal(getattr(signal, name))
    until(lambda: all((tmp_path / "out" / task / "left").exists() for task in ("one", "two")))
    if two < 0:
        # One of them does not end: whoever asks twice does not wait for it.
        assert is_alive(workers[1])
        child.send_signal(signal.SIGINT)
    child.wait()
    until(lambda: not any(map(is_alive, workers)))
    assert not (tmp_path / "out" / "three").exists()


def until(reached, seconds=300):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "a process runs on"
        time.sleep(0.05)


def is_alive(pid):
    """Whether a process runs; one that ended, and whose parent has not asked, does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\0b", "a\nb", "x" * 300])
def test_names_are_those_of_folders(tmp_path, name):
    with pytest.raises(ValueError, match="names are those of folders"):
        run_tasks(chores.square, {name: 1.0}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_sent_is_refused_by_name_before_anything_runs(tmp_path):
    with pytest.raises(ValueError, match="'odd' cannot be sent"):
        run_tasks(chores.square, {"even": 2.0, "odd": lambda: 1}, tmp_path)
    with pytest.raises(ValueError, match="cannot be sent"):
        run_tasks(lambda place, task: {}, NUMBERS, tmp_path)
    assert not list(tmp_path.iterdir())


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"Processes\(number=...\)"):
        Processes(0)
