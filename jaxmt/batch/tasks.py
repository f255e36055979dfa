"""Tasks that end once: in this process or through an executor, restartable, failures named.

A task is a name and what a function is called with. It has a folder of its own; what the function returns
is kept there as JSON, so that a batch that was stopped goes on with what is left, and a task that fails, or
whose process dies, takes none of the others with it.
"""

import dataclasses
import json
import multiprocessing
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from pathlib import Path
from typing import Any

from ..atomic import FilePath, atomic_path
from ..fingerprint import fingerprint
from ..io.summary import Json, write_summary
from ..lock import locked
from .processes import at_work, is_over

DONE, FAILED, BEGUN = "done.json", "failed.txt", "begun"
"""What the folder of a task holds: its outcome, the traceback of its failure, a mark while it runs."""

DIED = "its process ended without a word, alone, too: it was killed, or memory ran out"

INTERRUPTED = "its process was interrupted; the same call goes on with it"

Task = Callable[[Path, Any], Mapping[str, Json]]
"""Called with the folder of a task and with what it is about; what it returns is kept as JSON."""

Source = Executor | Callable[[], Executor] | None
"""Runs tasks; a function makes executors, so that there is another where one broke."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """What became of tasks, by name.

    - `done`: what they returned. `failed`: why not. Their folders are in `folder`.
    """

    folder: Path
    done: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, str]

    def require(self) -> "Batch":
        """Itself. Raises `RuntimeError` if a task failed, with the reason of each."""
        if self.failed:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self.failed.items())
            raise RuntimeError(
                f"{len(self.failed)} of {len(self.failed) + len(self.done)} tasks failed, {reasons}. Their "
                f"tracebacks are in {self.folder}/NAME/{FAILED}; the same call tries them again."
            )
        return self


def run_tasks(
    function: Task,
    tasks: Mapping[str, Any],
    folder: FilePath,
    executor: Source = None,
    *,
    progress: Callable[[str, Mapping[str, Any] | str], None] | None = None,
) -> Batch:
    """Calls `function(folder / name, task)` for each task that has not ended in `folder` before.

    - `function`: one of a module, so that other processes find it. `tasks`: by names that are names of
      folders, too.
    - `executor`: any of `concurrent.futures`, also `dask.distributed.Client.get_executor()` and
      `mpi4py.futures.MPIPoolExecutor()`; or a function that makes one, such as `jaxmt.Processes(4)`. Its
      workers see the same file system. By default tasks run here, one after the other.
    - `progress`: called with the name of a task that ended, and what it returned or why it failed.

    Where a process dies, an executor of `concurrent.futures` breaks: with a function that makes one, tasks
    that were not begun go to a new one, and those that were running are tried once more, each alone. Where
    `progress` raises, no other task is begun, and those that run end first.

    Raises `ValueError` for a name that is none of a folder, a task that cannot be sent, or a folder in
    which a task of that name ended that was another; `FileExistsError` where another call, which it names,
    is at work in the folder.
    """
    folder = Path(folder)
    payloads = {
        name: _Payload.of(name, function, folder / _require_name(name), task)
        for name, task in tasks.items()
    }
    with locked(folder):
        found: dict[str, Mapping[str, Any] | str] = {}
        for name, payload in payloads.items():
            kept = _kept(payload.place, payload.identity)
            if kept is not None:
                found[name] = kept
        ended = _ended([name for name in tasks if name not in found], payloads, executor)
        try:
            for name, outcome in ended:
                found[name] = outcome
                if progress is not None:
                    progress(name, outcome)
        except KeyboardInterrupt as interrupt:
            # It may have come while no task was waited for: their processes must know.
            ended.throw(interrupt)
        finally:
            ended.close()
    done = {name: what for name in tasks if not isinstance(what := found[name], str)}
    return Batch(folder, done, {name: why for name in tasks if isinstance(why := found[name], str)})


@dataclasses.dataclass(frozen=True)
class _Payload:
    """A task as it is sent: `content` is unpickled once the worker's JAX is set as this one's is."""

    content: bytes
    place: Path
    identity: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, function: Task, place: Path, task: Any) -> "_Payload":
        import jax

        whose = f"{function.__module__}.{function.__qualname__}"
        try:
            identity = fingerprint((whose, task))
            content = pickle.dumps((function, task))
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise ValueError(
                f"`run_tasks(tasks=...)`: {name!r} cannot be sent to another process: {error} Functions "
                "must be those of a module, not lambdas; the rest arrays, numbers and Equinox modules."
            ) from error
        names = ("jax_enable_x64", "jax_compilation_cache_dir")
        return cls(content, place, identity, {key: getattr(jax.config, key) for key in names})


def _require_name(name: str) -> str:
    if not name or name in (".", "..") or set(name) & set('/\\\0:*?"<>|\n\r') or len(name) > 200:
        raise ValueError(f"`run_tasks(tasks=...)`: names are those of folders, too. Got {name!r}.")
    return name


def _kept(place: Path, identity: str) -> Mapping[str, Any] | None:
    """What a task returned that ended before; None if it did not."""
    try:
        record = json.loads((place / DONE).read_text(encoding="utf-8"))
        found, outcome = record["task"], record["outcome"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{place / DONE} is damaged: remove {place}, and the task runs again.") from None
    if found != identity:
        raise ValueError(
            f"{place} holds the outcome of another task of this name: its data or settings were others. "
            "Remove it, or give another folder."
        )
    return outcome


def _perform(payload: _Payload) -> Mapping[str, Any] | str:
    """Runs a task where it was sent to; what it returned, or why it failed."""
    with at_work():
        return _performed(payload)


def _performed(payload: _Payload) -> Mapping[str, Any] | str:
    import jax

    for key, value in payload.settings.items():
        if getattr(jax.config, key) != value:
            jax.config.update(key, value)
    place = payload.place
    try:
        if is_over():
            # It was sent before.
            raise KeyboardInterrupt
        place.mkdir(parents=True, exist_ok=True)
        (place / BEGUN).touch()
        (place / FAILED).unlink(missing_ok=True)
        function, task = pickle.loads(payload.content)
        write_summary(place / DONE, {"task": payload.identity, "outcome": dict(function(place, task))})
        (place / BEGUN).unlink(missing_ok=True)
        return json.loads((place / DONE).read_text(encoding="utf-8"))["outcome"]
    except KeyboardInterrupt:
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            # Nobody waits for an outcome, and the next task would wait for ever.
            os._exit(128 + signal.SIGTERM)
        raise
    except Exception as error:  # noqa: BLE001  Whatever it is, it is this task's alone.
        try:
            with atomic_path(place / FAILED) as part:
                part.write_text(traceback.format_exc(), encoding="utf-8")
            (place / BEGUN).unlink(missing_ok=True)
        except OSError:
            pass
        return _in_words(error)


def _in_words(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return " ".join(f"{type(error).__name__}: {error}".split())


def _ended(
    names: Sequence[str], payloads: Mapping[str, _Payload], source: Source
) -> Generator[tuple[str, Mapping[str, Any] | str], None, None]:
    """Names and outcomes of tasks as they end."""
    if source is None:
        yield from ((name, _perform(payloads[name])) for name in names)
        return
    if isinstance(source, Executor):
        left = yield from _sent(names, payloads, source)
        why = "the executor broke before it ended; a function that makes executors lets it run in another"
        yield from ((name, why) for name in left)
        return
    for name in names:
        (payloads[name].place / BEGUN).unlink(missing_ok=True)
    left, suspects = list(names), []
    while left:
        with source() as made:
            left = yield from _sent(left, payloads, made)
        caught = [name for name in left if (payloads[name].place / BEGUN).exists()]
        if left and not caught:
            why = (
                "its process ended before it began: keep what a script does below "
                '`if __name__ == "__main__":`'
            )
            yield from ((name, why) for name in left)
            return
        suspects += caught
        left = [name for name in left if name not in caught]
    for name in suspects:
        with source() as made:
            died = yield from _sent([name], payloads, made)
        yield from ((each, DIED) for each in died)


def _sent(
    names: Sequence[str], payloads: Mapping[str, _Payload], executor: Executor
) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """Names and outcomes as they end; returns the names of those that an executor which broke left."""
    futures, left = {}, []
    try:
        for name in names:
            futures[executor.submit(_perform, payloads[name])] = name
    except BrokenExecutor:
        left = [name for name in names if name not in futures.values()]
    try:
        for future in as_completed(futures):
            # `result` would raise here what interrupted a worker. An executor has errors of its own, too.
            try:
                error = future.exception()
            except CancelledError as cancelled:
                error = cancelled
            if isinstance(error, BrokenExecutor):
                left.append(futures[future])
            else:
                yield futures[future], future.result() if error is None else _in_words(error)
    finally:
        for future in futures:
            future.cancel()
    return left
