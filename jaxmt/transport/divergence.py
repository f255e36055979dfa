r"""Entropic optimal transport between clouds of points: its cost, debiased, and how it was reached.

With the cost $c_{ij} = |W(x_i - y_j)|^2$ and $\varepsilon = \mathrm{blur}^2$,
$\mathrm{OT}_\varepsilon(x, y) = \min_P \langle P, C\rangle + \varepsilon\,\mathrm{KL}(P\,|\,ab^T)$ over
plans with equal masses as marginals, and the debiased divergence is
$S = \mathrm{OT}(x, y) - \frac12\mathrm{OT}(x, x) - \frac12\mathrm{OT}(y, y)$
(Feydy et al. 2019, AISTATS). GeomLoss with p = 2 uses $|x-y|^2/2$: its divergence at blur b is half of
ours at blur $\sqrt2\,b$. blur is a length in the weighted space: features of the clouds
much smaller than it are not seen.

Clouds on a common `Grid` are compared on its neighbours alone, as many as it takes.
"""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .cost import Cloud, Settings, TransportCost, solve
from .grid import Grid
from .marginals import AbstractMarginals, Balanced

BALANCED = Balanced()


class Status(eqx.Enumeration):
    """How a solve ended."""

    converged = "the marginals are met"
    not_converged = "the marginals are not met: raise `blur` or `max_sweeps`"
    truncated = "too much mass lies beyond the grid's widest level: lower `blur`, or leave out the grid"
    not_finite = "a number is not finite: look for missing data, or for a blur of zero"


class Divergence(eqx.Module):
    r"""A debiased divergence and how it was reached.

    - `value`: S, in squared units of the weighted space.
    - `between`, `x_self`, `y_self`: the three costs, also to start the next solve from.
    - `marginal_error`: the largest L1 error of a marginal of the three plans.
    - `left_out`: bound on the mass that truncation left out of any of them.
    - `sweeps`: Sinkhorn sweeps of the three problems together.
    - `displacement`: $\sum_j P_{ij}(x_i - y_j)$ less that of x with itself, half the gradient of S in x:
      mass that the blur only smears about its place drops out. None in a result that a solve starts from.
    """

    value: Float[Array, ""]
    between: TransportCost
    x_self: TransportCost
    y_self: TransportCost
    marginal_error: Float[Array, ""]
    left_out: Float[Array, ""]
    sweeps: Int[Array, ""]
    status: Status
    displacement: Cloud | None = None

    @property
    def converged(self) -> Bool[Array, ""]:
        """Whether all three problems reached the tolerance."""
        return self.status == Status.converged

    @classmethod
    def of(
        cls,
        between: TransportCost,
        x_self: TransportCost,
        y_self: TransportCost,
        tolerance: float,
        displacement: Cloud | None = None,
    ) -> "Divergence":
        """The divergence of three solved problems; their tolerance decides on the status."""
        costs = (between, x_self, y_self)
        value = between.value - 0.5 * (x_self.value + y_self.value)
        error = jnp.max(jnp.stack([cost.marginal_error for cost in costs]))
        beyond = jnp.max(jnp.stack([cost.left_out for cost in costs]))
        status = Status.where(error < tolerance, Status.converged, Status.not_converged)
        status = Status.where(beyond > tolerance, Status.truncated, status)
        status = Status.where(jnp.isfinite(value), status, Status.not_finite)
        sweeps = between.sweeps + x_self.sweeps + y_self.sweeps
        moved = lax.stop_gradient(displacement)
        return cls(value, *lax.stop_gradient(costs), error, beyond, sweeps, status, moved)


@partial(jax.jit, static_argnames=("tolerance", "max_sweeps"))
def self_cost(
    y: Cloud,
    blur: ArrayLike,
    start: TransportCost | None = None,
    *,
    grid: Grid | None = None,
    marginals: AbstractMarginals = BALANCED,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
    solver: Any = None,
) -> TransportCost:
    """The cost of y against itself, to be kept while y and blur stay; arguments as in `divergence`."""
    epsilon = jnp.square(jnp.asarray(blur, y.dtype))
    settings = Settings(epsilon, marginals.of_side(1), solver, tolerance, max_sweeps)
    with jax.numpy_dtype_promotion("standard"):
        return solve(y, None, settings, start, grid)[0]


@partial(jax.jit, static_argnames=("tolerance", "max_sweeps"))
def transport_cost(
    x: Cloud,
    y: Float[Array, "m d"],
    blur: ArrayLike,
    start: TransportCost | None = None,
    *,
    grid: Grid | None = None,
    marginals: AbstractMarginals = BALANCED,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
    solver: Any = None,
) -> TransportCost:
    """The cost from x to y alone, which is not debiased; arguments as in `divergence`."""
    settings = Settings(jnp.square(jnp.asarray(blur, x.dtype)), marginals, solver, tolerance, max_sweeps)
    with jax.numpy_dtype_promotion("standard"):
        return solve(x, y, settings, start, grid)[0]


@partial(jax.jit, static_argnames=("tolerance", "max_sweeps"))
def divergence(
    x: Cloud,
    y: Float[Array, "m d"],
    blur: ArrayLike,
    start: Divergence | None = None,
    *,
    grid: Grid | None = None,
    marginals: AbstractMarginals = BALANCED,
    y_self: TransportCost | None = None,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
    solver: Any = None,
) -> Divergence:
    r"""The debiased divergence between two clouds of equal masses, with everything it found.

    - `x`, `y`: points already multiplied by W.
    - `start`: where to start, such as the last result; with an annealed blur if None.
    - `grid`: of coordinates that both clouds share; only neighbours on it are looked at.
    - `marginals`: `Balanced`, `Relaxed` or `Partial`.
    - `y_self`: the cost of y against itself, if it is known for this blur.
    - `tolerance`: L1 error of the marginals at which to stop, and mass that the grid may leave out.
    - `max_sweeps`: most sweeps for each of the three problems, after the annealing.
    - `solver`: an ott-jax `Sinkhorn` to solve all three by, to its own threshold; `max_sweeps` does not
      bind it. None is this package's.
    """
    epsilon = jnp.square(jnp.asarray(blur, x.dtype))

    def settings(these: AbstractMarginals) -> Settings:
        return Settings(epsilon, these, solver, tolerance, max_sweeps)

    # ott-jax mixes types in its own arithmetic.
    with jax.numpy_dtype_promotion("standard"):
        between, moved = solve(x, y, settings(marginals), start and start.between, grid)
        x_self, smeared = solve(x, None, settings(marginals.of_side(0)), start and start.x_self, grid)
        if y_self is None:
            y_self, _ = solve(y, None, settings(marginals.of_side(1)), start and start.y_self, grid)
        return Divergence.of(between, x_self, y_self, tolerance, moved - smeared)
