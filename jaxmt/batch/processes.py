"""Processes of this machine, each with cores of its own."""

import dataclasses
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.sharedctypes import Synchronized

from ..simulation.solvers.host import cores


@dataclasses.dataclass(frozen=True)
class Processes:
    """Makes executors of new processes that share out the cores: `invert_all(..., executor=Processes(4))`.

    Processes are spawned, for neither JAX nor the threads of a solver survive a fork: a script that uses
    them keeps what it does below `if __name__ == "__main__":`.

    - `number`: of processes; as many as there are cores by default.
    """

    number: int = dataclasses.field(default_factory=cores)

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"`Processes(number=...)` must be at least 1. Got {self.number}.")

    def __call__(self) -> ProcessPoolExecutor:
        """An executor."""
        context = multiprocessing.get_context("spawn")
        begun = context.Value("i", 0)
        return ProcessPoolExecutor(
            self.number, mp_context=context, initializer=_take_cores, initargs=(begun, self.number)
        )


def _take_cores(begun: "Synchronized[int]", processes: int) -> None:
    """Gives this process its share of the cores, so that threads do not fight; on Linux alone."""
    with begun.get_lock():
        place, begun.value = begun.value, begun.value + 1
    if hasattr(os, "sched_setaffinity"):
        found = sorted(os.sched_getaffinity(0))
        share = max(1, len(found) // processes)
        first = place * share % len(found)
        os.sched_setaffinity(0, found[first : first + share])
