import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import chores
import numpy as np
import pytest

from jaxmt import Batch, Processes, run_tasks
from jaxmt.batch.tasks import BEGUN, DIED, DONE, FAILED

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
