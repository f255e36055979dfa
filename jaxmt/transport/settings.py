"""How a problem of entropic transport is solved."""

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from ..fingerprint import Constant
from .iterations import Problem, Solution, iterate
from .kernel import AbstractGeometry, Potentials
from .marginals import AbstractMarginals

Scalar = Float[Array, ""]
Flag = Bool[Array, ""]


class Settings(eqx.Module):
    """How a problem is solved.

    - `epsilon`: blur squared.
    - `solver`: a Sinkhorn solver of ott-jax with its own threshold and number of iterations; None takes
      ours, to `tolerance` (L1 error of the marginals) or for `max_sweeps`.
    """

    epsilon: Scalar
    marginals: AbstractMarginals
    solver: Any
    tolerance: float = eqx.field(static=True)
    max_sweeps: int = eqx.field(static=True)

    def iterate(
        self,
        geometry: AbstractGeometry,
        start: Potentials,
        first_epsilon: ArrayLike,
        symmetric: bool | Flag,
        masses: Float[Array, " n"] | None = None,
        tolerance: float | None = None,
        max_sweeps: int | None = None,
    ) -> Solution:
        """Solves with these settings unless others are given, and with equal masses."""
        logs = Potentials(*(jnp.full(p.shape, -math.log(p.size), p.dtype) for p in start))
        if masses is not None:
            logs = Potentials(jnp.log(masses), jnp.log(masses))
        problem = Problem(geometry, logs, self.marginals, symmetric)
        if self.solver is not None:
            from .ott_solver import iterate_by_ott

            solver = self.solver.value if isinstance(self.solver, Constant) else self.solver
            return iterate_by_ott(solver, problem, start, first_epsilon)
        return iterate(
            problem,
            start,
            first_epsilon,
            tolerance=self.tolerance if tolerance is None else tolerance,
            max_sweeps=self.max_sweeps if max_sweeps is None else max_sweeps,
        )
