"""The sweep of lambda that an L-curve is drawn from."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Data
from ..inversion.checkpoint import Checkpoint
from ..inversion.invert import invert
from ..inversion.l_curve import LCurve
from ..inversion.parametrisation import AbstractParametrisation
from ..inversion.result import Ending, Result
from ..inversion.trade_off import Fixed
from ..io.summary import Json
from ..misfit import AbstractMisfit
from ..simulation.mesh import Mesh
from .tasks import Source, run_tasks

CHECKPOINT = "checkpoint"


def l_curve(
    data: Data,
    parametrisation: AbstractParametrisation | Mesh,
    factors: Sequence[float],
    start: Any = 100.0,
    misfit: AbstractMisfit | None = None,
    *,
    max_iterations: int = 100,
    executor: Source = None,
    **options: Any,
) -> LCurve:
    """Inverts with each lambda, from the largest down, each from where the last one ended.

    - `factors`: lambdas, at least three, in the unit of the misfit over squared decades; any order.
    - `start`: of the first. `max_iterations`: of each. `options`: whatever else `invert` takes.
    - `executor`: as for `run_tasks`, such as `jaxmt.Processes(4)`: lambdas are inverted at once, each from
      `start`, and need more iterations for that.

    Raises `ValueError` for fewer than three factors, or factors that are not positive and different, and
    `RuntimeError` where an executor does not end the inversion with one of them.
    """
    ordered = np.sort(np.unique(np.asarray(factors, dtype=float)))[::-1]
    if ordered.size < 3 or ordered.size < len(factors) or not np.all(np.isfinite(ordered) & (ordered > 0)):
        raise ValueError(
            "`l_curve(factors=...)` must be three or more different lambdas, positive and finite. "
            f"Got {list(factors)}."
        )
    # No target, so that each ends where its lambda leads.
    target = float(np.finfo(float).tiny)
    told = {"target": target, "max_iterations": max_iterations, "misfit": misfit, **options}
    problem = {"data": data, "parametrisation": parametrisation, "start": start, **told}
    problems = {
        f"{k} lambda {factor:g}": {**problem, "trade_off": Fixed(factor)}
        for k, factor in enumerate(ordered.tolist())
    }
    results = _one_by_one(problems.values()) if executor is None else _at_once(problems, executor)
    best = [int(np.argmin(result.history["nrms"])) for result in results]

    def column(name: str) -> np.ndarray:
        return np.array([result.history[name][k] for result, k in zip(results, best, strict=True)])

    return LCurve(ordered, column("loss"), column("roughness"), column("nrms"), tuple(results))


def _one_by_one(problems: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Each from where the last one ended."""
    results: list[Result] = []
    for problem in problems:
        start = results[-1].parameters if results else problem["start"]
        results.append(invert(**{**problem, "start": start}))
    return results


def _at_once(problems: Mapping[str, Mapping[str, Any]], executor: Source) -> list[Result]:
    """Each on its own; the checkpoint of an inversion that ended gives its result again."""
    with tempfile.TemporaryDirectory() as folder:
        run_tasks(_to_its_end, problems, folder, executor).require()
        return [invert(**one, checkpoint=_kept(Path(folder) / name)) for name, one in problems.items()]


def _to_its_end(folder: Path, problem: Mapping[str, Any]) -> Mapping[str, Json]:
    result = invert(**problem, checkpoint=_kept(folder))
    if result.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    return {"nrms": result.nrms}


def _kept(folder: Path) -> Checkpoint:
    return Checkpoint(folder / CHECKPOINT, resume=True)
