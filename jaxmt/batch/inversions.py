"""Inversions of one batch, each in a folder of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..atomic import FilePath
from ..inversion.checkpoint import Checkpoint
from ..inversion.invert import invert
from ..inversion.result import Ending
from ..io.inversion import write_inversion
from ..io.summary import Json
from .tasks import Batch, Source, run_tasks

CHECKPOINT = "checkpoint"


def invert_all(
    problems: Mapping[str, Mapping[str, Any]],
    folder: FilePath,
    executor: Source = None,
    *,
    progress: Callable[[str, Mapping[str, Any] | str], None] | None = None,
) -> Batch:
    """Inverts many problems, such as starts, values of lambda or misfits, here or through an executor.

    - `problems`: by name, what `invert` is called with: `{"cloud": {"data": data, "parametrisation": mesh,
      "misfit": jaxmt.CloudTransport()}, ...}`.
    - `folder`: holds a folder for each, with the files of `jaxmt.io.write_inversion`;
      `jaxmt.io.read_results(folder / name / "model.npz")` reads the section.
    - `executor`, `progress`: as for `run_tasks`.

    What was stopped goes on from its checkpoint when it is called again; what has ended is not repeated.
    `Batch.done` has nRMS, iterations, how it ended and the message of each.
    """
    return run_tasks(_inverted, problems, folder, executor, progress=progress)


def _inverted(folder: Path, problem: Mapping[str, Any]) -> Mapping[str, Json]:
    kept = Checkpoint(folder / CHECKPOINT, resume=True)
    result = invert(**problem, checkpoint=kept)
    if result.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    write_inversion(folder, result)
    Path(kept.path).unlink(missing_ok=True)
    return {
        "nrms": result.nrms,
        "iterations": len(result.history["iteration"]) - 1,
        "ending": result.ending.value,
        "message": result.message,
    }
