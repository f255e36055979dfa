r"""Randomise, then optimise: draws that are each the answer to perturbed data and a perturbed prior.

After Bardsley, Solonen, Haario & Laine (2014, SIAM J. Sci. Comput. 36, A1895), in the form for many
parameters of Bardsley, Cui, Marzouk & Wang (2020, ibid. 42, A1317). In units of the prior,
$x = x_0 + L^{-T}u$, with the residuals r of the data and a prior that is Gaussian around the mode $x_0$,
each draw solves

$(1+s^2)^{-1/2}\,(V^T(u - u_0) + s\,U^Tr(u)) = V^T\epsilon, \quad (I - VV^T)(u - u_0 - \epsilon) = 0$

for noise $\epsilon$ of variance one, where $U\mathrm{diag}(s)V^T$ are the slopes of r at the mode: as many
equations as the data determine parameters, solved by Broyden's method with a run of the physics for each
step. Where r is linear and the prior Gaussian, draws are those of the posterior. Elsewhere their density q
is known,

$-\ln q = \tfrac12|\epsilon|^2 - \ln|\det(1+s^2)^{-1/2}(I + s\,U^TJ_u(u)V)|,$

and `log_weight`, $\ln\pi - \ln q$, says how far it is from the posterior's.
"""

from typing import ClassVar, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from .chain import AbstractSampler, Segment
from .density import AbstractDensity
from .mode import value
from .whitened import Laplace, Whitening

NEAR = 0.01
"""Root mean square of what is left of the equations, over noise of one, at which they are solved."""

NOWHERE = 1e6
"""What is left of them where the physics has no answer."""

Vector = Float[np.ndarray, " parameter"]
Part = Float[np.ndarray, " direction"]


class RandomiseThenOptimise(AbstractSampler):
    """Independent draws for many cells: some ten runs of the physics and a Jacobian each.

    The likelihood must be `LeastSquares()` with the errors as stated. A draw whose equations are not solved
    after `runs` of the physics is marked as `Posterior.divergent`.

    Raises `ValueError` for numbers out of range.
    """

    runs: int = 40
    round: int = 10
    independent: ClassVar[bool] = True

    def __check_init__(self) -> None:
        for name in ("runs", "round"):
            if getattr(self, name) < 1:
                found = getattr(self, name)
                raise ValueError(f"`RandomiseThenOptimise({name}=...)` must be at least 1. Got {found}.")

    def draw(
        self,
        density: AbstractDensity,
        whitening: Whitening,
        earlier: Segment | None,
        key: jax.Array,
        count: int,
    ) -> Segment:
        """See `AbstractSampler`."""
        del earlier
        problem = _Problem(density, np.asarray(whitening.centre))
        noise = np.asarray(jax.random.normal(key, (count, problem.centre.size)))
        found = [problem.solved(one, self.runs) for one in noise]
        return {
            "x": np.stack([one.x for one in found]),
            "log_density": np.array([one.log_density for one in found]),
            "log_weight": np.array([one.log_density - one.log_proposal for one in found]),
            "gradients": np.array([one.runs for one in found]),
            "divergent": np.array([not one.solved for one in found]),
            "warm_up_gradients": np.array(0),
        }


class _Draw(NamedTuple):
    x: Vector
    log_density: float
    log_proposal: float
    runs: int
    solved: bool


class _Problem:
    """The equations around a mode.

    - `project`: $U^T$, of residuals. `mean`: $V^Tu_0$ and what of $u_0$ is not in V.
    """

    def __init__(self, density: AbstractDensity, centre: Vector) -> None:
        self.density, self.centre = density, centre
        around = density.linearised(centre)
        self.laplace = Laplace(around)
        self.v, squares = self.laplace.directions, self.laplace.squares
        self.s, self.root = np.sqrt(squares), np.sqrt(1 + squares)
        forwards = self.laplace.prior.forwards
        self.project = (self.v @ forwards(around.rows.T)) / self.s[:, None]
        pull = around.gradient - around.rows.T @ around.residuals
        mean = -forwards(pull[:, None])[:, 0]
        self.mean, self.beside = self.v @ mean, mean - (self.v @ mean) @ self.v

    def solved(self, noise: Vector, most: int) -> _Draw:
        """The draw of noise, by Broyden's method from that of Laplace's approximation."""
        told = self.v @ noise
        beside = noise - told @ self.v + self.beside
        # The inverse of the slopes, at the mode a diagonal, and its changes.
        inverse = np.diag(1 / self.root)
        part = told / self.root
        left, runs = self._left(part, beside, told), 1
        while (size := _rms(left)) > NEAR and runs < most:
            step = -inverse @ left
            moved, after = step, left
            for halving in range(min(4, most - runs)):
                moved = step / 2**halving
                after, runs = self._left(part + moved, beside, told), runs + 1
                if _rms(after) < size:
                    break
            change = inverse @ (after - left)
            if secant := moved @ change:
                inverse += np.outer(moved - change, moved @ inverse) / secant
            if _rms(after) < min(2 * size, NOWHERE):
                part, left = part + moved, after
        x = self._x(part, beside)
        rows = self.density.linearised(x).rows
        slopes = self.s[:, None] * (self.project @ (rows @ self._patterns())) + np.eye(len(self.s))
        _, log_det = np.linalg.slogdet(slopes / self.root[:, None])
        proposal = float(log_det - noise @ noise / 2)
        return _Draw(x, value(self.density, x), proposal, runs + 1, _rms(left) <= NEAR)

    def _x(self, part: Part, beside: Vector) -> Vector:
        white = beside + part @ self.v
        return self.centre + self.laplace.prior.backwards(white[:, None])[:, 0]

    def _patterns(self) -> Float[np.ndarray, "parameter direction"]:
        """$L^{-T}V$."""
        return self.laplace.prior.backwards(self.v.T)

    def _left(self, part: Part, beside: Vector, told: Part) -> Part:
        """What is left of the equations."""
        residuals = self.density.whitened(self._x(part, beside))
        found = (part - self.mean + self.s * (self.project @ residuals)) / self.root - told
        return np.where(np.isfinite(found), found, NOWHERE)


def _rms(values: Part) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
