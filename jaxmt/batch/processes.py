"""Processes of this machine, each with cores of its own."""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from .. import signals
from ..simulation.solvers.host import cores

_over, _working = threading.Event(), threading.Event()


@dataclasses.dataclass(frozen=True)
class Processes:
    """Makes executors of new processes that share out the cores: `invert_all(..., executor=Processes(4))`.

    Processes are spawned, for neither JAX nor the threads of a solver survive a fork: a script that uses
    them keeps what it does below `if __name__ == "__main__":`. What interrupts this process, or ends it,
    interrupts what they are doing, so that a checkpoint is left and nothing runs on unseen; a second
    interrupt does not wait for them.

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
        # Nothing is ever sent: where the other end is closed, by this process or its death, reading ends.
        held, mine = context.Pipe(duplex=False)
        return _Workers(
            mine.close,
            self.number,
            mp_context=context,
            initializer=_begin,
            initargs=(begun, self.number, held),
        )


class _Workers(ProcessPoolExecutor):
    """Processes that are interrupted, and waited for, where the block that uses them is."""

    def __init__(self, interrupt: Callable[[], None], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._interrupt = interrupt

    def submit(self, *arguments: Any, **options: Any) -> Future[Any]:
        # It starts a process, which a terminal would interrupt before it knows what to do about it.
        with _deaf():
            return super().submit(*arguments, **options)

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> bool | None:
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._interrupt()
        try:
            return super().__exit__(kind, *rest)
        except KeyboardInterrupt:
            for process in list((self._processes or {}).values()):
                process.kill()
            raise


def _begin(begun: "Synchronized[int]", processes: int, held: Connection) -> None:
    """Makes a process ready: its share of the cores, and a thread that watches the one that started it."""
    _take_cores(begun, processes)
    # A terminal sends Ctrl-C to all processes: the first of them tells the others, once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signals.listen(lambda: not _working.is_set())
        threading.Thread(target=_watch, args=(held,), daemon=True).start()
    except (KeyboardInterrupt, SystemExit):
        # An executor shows the traceback of what is raised here.
        os._exit(128 + signal.SIGTERM)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """A process that is started in the block takes no interrupt of the keyboard."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch(held: Connection) -> None:
    """Interrupts this process once the one that started it was interrupted or died."""
    held.poll(None)
    _over.set()
    signals.send(signal.SIGTERM)


def is_over() -> bool:
    """Whether the process that started this one was interrupted or died: nothing shall begin any more."""
    return _over.is_set()


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """What interrupts this process interrupts the block; where it waits for work it ends without a word."""
    _working.set()
    try:
        yield
    finally:
        _working.clear()


def _take_cores(begun: "Synchronized[int]", processes: int) -> None:
    """Gives this process its share of the cores, so that threads do not fight; on Linux alone."""
    with begun.get_lock():
        place, begun.value = begun.value, begun.value + 1
    if hasattr(os, "sched_setaffinity"):
        found = sorted(os.sched_getaffinity(0))
        share = max(1, len(found) // processes)
        first = place * share % len(found)
        os.sched_setaffinity(0, found[first : first + share])
