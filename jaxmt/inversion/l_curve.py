"""The L-curve: how much fit a smoother section costs, and where a smoother one ceases to pay."""

import dataclasses

import numpy as np
from jaxtyping import Float

from .result import Result


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


Points = Float[np.ndarray, "point 2"]


def _menger(a: Points, b: Points, c: Points) -> Float[np.ndarray, " point"]:
    """One over the radius of the circle through three points, positive where the path a, b, c turns right.

    From large to small lambda the losses fall and the roughness grows: a corner of an L is a right turn.
    """
    u, v, w = b - a, c - b, c - a
    area = u[:, 1] * v[:, 0] - u[:, 0] * v[:, 1]
    sides = np.prod([np.linalg.norm(side, axis=1) for side in (u, v, w)], axis=0)
    return np.divide(2 * area, sides, out=np.zeros_like(area), where=sides > 0)
