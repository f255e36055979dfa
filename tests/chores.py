"""Tasks that other processes find by name."""

import os
import signal
import time
from pathlib import Path

import jax.numpy as jnp


def square(place: Path, number: float) -> dict:
    with (place / "times").open("a") as file:
        file.write("once\n")
    return {"square": float(jnp.square(jnp.asarray(number))), "x64": jnp.zeros(1).dtype == jnp.float64}


def refuse_zero(place: Path, number: float) -> dict:
    if number == 0:
        raise ZeroDivisionError("zero has\nno inverse")
    return {"inverse": 1 / number}


def die_at_zero(place: Path, number: float) -> dict:
    """A process that is killed, as by an operating system that runs out of memory."""
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"inverse": 1 / number}


def die_once(place: Path, number: float) -> dict:
    if number == 0 and not (place / "died").exists():
        (place / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"lived": number}


def cores(place: Path, number: float) -> dict:
    deaf = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return {"cores": sorted(os.sched_getaffinity(0)), "process": os.getpid(), "deaf": deaf}


def die_in_the_first_worker(place: Path, number: float) -> dict:
    """The first worker that takes this task is killed; any other ends it."""
    try:
        (place.parent / "killed").touch(exist_ok=False)
    except FileExistsError:
        return {"lived": number}
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def wait_for_an_interrupt(place: Path, number: float) -> dict:
    """Says that it runs, waits, and leaves a word if it is interrupted: as an inversion its checkpoint.

    Below zero it does not end then.
    """
    (place / "running").write_text(str(os.getpid()))
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        (place / "left").touch()
        if number < 0:
            time.sleep(600)
        raise
    return {}
