r"""The L-curve: how much fit a smoother section costs, over a sweep of lambda."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from ..data import Data
from ..misfit import AbstractMisfit
from ..simulation.mesh import Mesh
from .invert import invert
from .parametrisation import AbstractParametrisation
from .result import Result
from .trade_off import Fixed


@dataclasses.dataclass(frozen=True)
class LCurve:
    """Inversions with one lambda each, largest first.

    - `factors`: lambda. `losses`, `roughnesses`, `nrms`: of the model each ends with.
    - `corner`: the place of the one where the curve of log roughness over log loss bends most.
    """

    factors: Float[np.ndarray, " factor"]
    losses: Float[np.ndarray, " factor"]
    roughnesses: Float[np.ndarray, " factor"]
    nrms: Float[np.ndarray, " factor"]
    results: tuple[Result, ...]

    @property
    def corner(self) -> int:
        """Where the Menger curvature of three neighbours is largest (Hansen & O'Leary 1993)."""
        points = np.log10(np.stack([self.losses, self.roughnesses], axis=1))
        return 1 + int(np.argmax(_menger(points[:-2], points[1:-1], points[2:])))

    @property
    def best(self) -> Result:
        """The inversion at the corner."""
        return self.results[self.corner]


def l_curve(
    data: Data,
    parametrisation: AbstractParametrisation | Mesh,
    factors: Sequence[float],
    start: Any = 100.0,
    misfit: AbstractMisfit | None = None,
    *,
    max_iterations: int = 100,
    **options: Any,
) -> LCurve:
    """Inverts with each lambda, from the largest down, each from where the last one ended.

    - `factors`: lambdas, at least three, in the unit of the misfit over squared decades; any order.
    - `start`: of the first. `max_iterations`: of each. `options`: whatever else `invert` takes.

    Raises `ValueError` for fewer than three factors, or factors that are not positive and different.
    """
    ordered = np.sort(np.unique(np.asarray(factors, dtype=float)))[::-1]
    if ordered.size < 3 or ordered.size < len(factors) or not np.all(np.isfinite(ordered) & (ordered > 0)):
        raise ValueError(
            "`l_curve(factors=...)` must be three or more different lambdas, positive and finite. "
            f"Got {list(factors)}."
        )
    results = []
    for factor in ordered:
        # No target, so that each ends where its lambda leads.
        result = invert(
            data,
            parametrisation,
            start,
            misfit,
            trade_off=Fixed(factor),
            target=float(np.finfo(float).tiny),
            max_iterations=max_iterations,
            **options,
        )
        results.append(result)
        start = result.parameters
    best = [int(np.argmin(result.history["nrms"])) for result in results]

    def column(name: str) -> np.ndarray:
        return np.array([result.history[name][k] for result, k in zip(results, best, strict=True)])

    return LCurve(ordered, column("loss"), column("roughness"), column("nrms"), tuple(results))


Points = Float[np.ndarray, "point 2"]


def _menger(a: Points, b: Points, c: Points) -> Float[np.ndarray, " point"]:
    """One over the radius of the circle through three points, positive where the path a, b, c turns right.

    From large to small lambda the losses fall and the roughness grows: a corner of an L is a right turn.
    """
    u, v, w = b - a, c - b, c - a
    area = u[:, 1] * v[:, 0] - u[:, 0] * v[:, 1]
    sides = np.prod([np.linalg.norm(side, axis=1) for side in (u, v, w)], axis=0)
    return np.divide(2 * area, sides, out=np.zeros_like(area), where=sides > 0)
