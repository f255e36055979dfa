r"""Cross-validation: which misfit, smoothing or error floor predicts data that were left out?

Data are shared out among K folds. Each method inverts the data K times, each time without one fold, and the
responses of its section are compared with the data of that fold (Stone 1974). What fits noise predicts
badly; so does what smooths the earth away.
"""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from ..atomic import FilePath
from ..conventions import PHASE, RHO, TIPPER
from ..data import Data, normalised_residuals
from ..inversion.parametrisation import AbstractParametrisation
from ..io.dataset import read_results
from ..misfit import AbstractMisfit
from ..simulation.mesh import Mesh
from .inversions import invert_all
from .tasks import Source

LEFT_OUT = ("data", "stations", "frequencies")

ROBUST = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    r"""How well methods predict what they did not see.

    - `folds`: of each datum, -1 where there is none.
    - `residuals`: by method, (d - F) / sigma of each datum, F from the section that was found without it;
      NaN where there is no datum or the inversion failed.
    - `trained`: by method, nRMS of each fold's inversion on the data that it saw.
    - `failed`: why inversions failed, by method and fold.
    """

    folds: Int[np.ndarray, "comp freq site"]
    residuals: Mapping[str, Float[np.ndarray, "comp freq site"]]
    trained: Mapping[str, Float[np.ndarray, " fold"]]
    failed: Mapping[str, str]

    def nrms(self, method: str) -> Float[np.ndarray, " fold"]:
        """Root mean square of the residuals of each fold; NaN for one that failed."""
        return self._by_fold(method, lambda r: np.sqrt(np.mean(np.square(r))))

    def spread(self, method: str) -> Float[np.ndarray, " fold"]:
        """1.4826 times the median of the absolute residuals of each fold: outliers hardly count."""
        return self._by_fold(method, lambda r: ROBUST * np.median(np.abs(r)))

    def beside(self, method: str, other: str) -> tuple[float, float]:
        """Mean over folds of log(nRMS of `method` / nRMS of `other`), and its standard error.

        Below zero `method` predicts better; folds of one line share most of the data that they are trained
        with, so that the error is a lower bound.
        """
        ratio = np.log(self.nrms(method) / self.nrms(other))
        return _mean(ratio), _error(ratio)

    def rows(self) -> list[tuple[str, float, float, float, float]]:
        """Method, nRMS of data seen, of data left out, standard error of that over folds, and spread; the
        best predictor first.
        """
        found = []
        for name in self.residuals:
            left = self.nrms(name)
            means = (_mean(self.trained[name]), _mean(left), _error(left), _mean(self.spread(name)))
            found.append((name, *means))
        return sorted(found, key=lambda row: row[2] if np.isfinite(row[2]) else np.inf)

    def _by_fold(self, method: str, measure: Callable[[np.ndarray], Any]) -> np.ndarray:
        residuals, numbers = self.residuals[method], []
        for k in range(self.folds.max() + 1):
            part = residuals[self.folds == k]
            numbers.append(measure(part) if part.size and np.isfinite(part).all() else np.nan)
        return np.array(numbers, dtype=float)


def cross_validate(
    data: Data,
    parametrisation: AbstractParametrisation | Mesh,
    methods: Mapping[str, AbstractMisfit | Mapping[str, Any]],
    *,
    folds: int = 5,
    leave: str = "data",
    key: PRNGKeyArray | None = None,
    folder: FilePath | None = None,
    executor: Source = None,
    progress: Callable[[str, Mapping[str, Any] | str], None] | None = None,
    **options: Any,
) -> CrossValidation:
    """How well each method predicts data that it was not given.

    - `methods`: by name, a misfit, or whatever `invert` takes: `{"L2": jaxmt.LeastSquares(), "smoother":
      {"misfit": jaxmt.LeastSquares(), "trade_off": 0.3}}`. Data of its own, such as with another floor of
      the errors, are compared with `data` all the same.
    - `folds`: K. `leave`: what falls into one fold or another, at random: "data" (apparent resistivity and
      phase of a mode, station and frequency together, and so a tipper's two parts), "stations", or
      "frequencies".
    - `key`: of the random choice, `jax.random.key(0)` by default; methods share it.
    - `folder`: keeps the inversions, so that what was stopped goes on; by default they are thrown away.
    - `executor`, `progress`: as for `run_tasks`; tasks are named METHOD-FOLD. `options`: for `invert`.

    Raises `ValueError` for fewer than two folds, more of them than there is to share out, no method, or
    data of a method that have other frequencies or stations.
    """
    if not methods:
        raise ValueError("`cross_validate(methods=...)` must name a method. Got none.")
    which = _folds(data, folds, leave, jax.random.key(0) if key is None else key)
    problems = {}
    for name, method in methods.items():
        told = {**options, **({"misfit": method} if isinstance(method, AbstractMisfit) else method)}
        own = told.pop("data", data)
        if own.values.shape != data.values.shape:
            raise ValueError(
                f"`cross_validate(methods=...)`: the data of {name!r} must have shape {data.values.shape}, "
                f"as `data`. Got {own.values.shape}."
            )
        for k in range(folds):
            seen = dataclasses.replace(own, values=np.where(which == k, np.nan, own.values))
            problems[f"{name}-{k}"] = {"data": seen, "parametrisation": parametrisation, **told}
    if folder is not None:
        return _scores(data, which, list(methods), problems, Path(folder), executor, progress)
    with tempfile.TemporaryDirectory() as temporary:
        return _scores(data, which, list(methods), problems, Path(temporary), executor, progress)


def _folds(data: Data, folds: int, leave: str, key: PRNGKeyArray) -> Int[np.ndarray, "comp freq site"]:
    """The fold of each datum, -1 where there is none."""
    if leave not in LEFT_OUT:
        raise ValueError(
            f"`cross_validate(leave=...)` must be one of {', '.join(LEFT_OUT)}. Got {leave!r}."
        )
    _, frequencies, stations = data.values.shape
    _, frequency, station = np.indices(data.values.shape)
    unit = np.zeros(data.values.shape, dtype=int)
    if leave == "stations":
        unit[:] = station
    elif leave == "frequencies":
        unit[:] = frequency
    else:
        number = frequency * stations + station
        for k, rows in enumerate((*zip(RHO, PHASE, strict=True), TIPPER)):
            unit[list(rows)] = (number + k * frequencies * stations)[list(rows)]
    kinds, place = np.unique(unit[data.mask], return_inverse=True)
    if not 2 <= folds <= kinds.size:
        raise ValueError(
            f"`cross_validate(folds=...)` must be 2 to {kinds.size}, as many as there are {leave} to share "
            f"out. Got {folds}."
        )
    shuffled = np.array(jax.random.permutation(key, kinds.size))
    which = np.full(unit.shape, -1)
    which[data.mask] = (shuffled % folds)[place]
    return which


def _scores(
    data: Data,
    folds: Int[np.ndarray, "comp freq site"],
    methods: list[str],
    problems: Mapping[str, Mapping[str, Any]],
    folder: Path,
    executor: Source,
    progress: Callable[[str, Mapping[str, Any] | str], None] | None,
) -> CrossValidation:
    """Inverts, and compares the responses with what was left out."""
    batch = invert_all(problems, folder, executor, progress=progress)
    residuals, trained, number = {}, {}, folds.max() + 1
    for name in methods:
        residuals[name], trained[name] = np.full(folds.shape, np.nan), np.full(number, np.nan)
        for k in range(number):
            task = f"{name}-{k}"
            if task in batch.done:
                predicted, out = read_results(folder / task / "model.npz").predicted, folds == k
                assert predicted is not None, "written by `write_inversion`"
                residuals[name][out] = np.asarray(normalised_residuals(data, predicted))[out]
                trained[name][k] = batch.done[task]["nrms"]
    return CrossValidation(folds, residuals, trained, batch.failed)


def _mean(numbers: np.ndarray) -> float:
    known = numbers[np.isfinite(numbers)]
    return float(known.mean()) if known.size else np.nan


def _error(numbers: np.ndarray) -> float:
    """The standard error of a mean."""
    known = numbers[np.isfinite(numbers)]
    return float(known.std(ddof=1) / np.sqrt(known.size)) if known.size > 1 else np.nan
