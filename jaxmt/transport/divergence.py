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
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ..programs import bounded
from .cost import Cloud, Settings, TransportCost, solve, solve_held, with_derivative
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
    def unsolved(cls, points: int) -> "Divergence":
        """Where a divergence of two clouds of so many points starts from nothing."""
        cost = TransportCost.unsolved(points)
        infinite = cost.marginal_error
        return cls(cost.value, cost, cost, cost, infinite, infinite, cost.sweeps, Status.not_converged)

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


@bounded
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


@bounded
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


@bounded
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
    y_self_holds: bool | Bool[Array, ""] = True,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
    solver: Any = None,
) -> Divergence:
    r"""The debiased divergence between two clouds of equal masses, with everything it found.

    - `x`, `y`: points already multiplied by W.
    - `start`: where to start, such as the last result; with an annealed blur if None. A part of it that has
      not been solved starts from the cost of y against itself, which is solved first.
    - `grid`: of coordinates that both clouds share; only neighbours on it are looked at.
    - `marginals`: `Balanced`, `Relaxed` or `Partial`.
    - `y_self`: the cost of y against itself, if it is known for this blur; unless `y_self_holds`, which may
      be traced, it is where to start in the place of that of `start`.
    - `tolerance`: L1 error of the marginals at which to stop, and mass that the grid may leave out.
    - `max_sweeps`: most sweeps for each of the three problems, after the annealing.
    - `solver`: an ott-jax `Sinkhorn` to solve all three by, to its own threshold; `max_sweeps` does not
      bind it. None is this package's.

    Raises `ValueError` where `y_self_holds` leaves open whether `y_self` does and there is no `start`.
    """
    if start is None and y_self is not None and y_self_holds is not True:
        raise ValueError("`divergence(y_self=...)` that may not hold wants a `start=...`, too.")
    epsilon = jnp.square(jnp.asarray(blur, x.dtype))
    sides = [marginals.of_side(1), marginals.of_side(0), marginals]
    settings = [Settings(epsilon, these, solver, tolerance, max_sweeps) for these in sides]
    # ott-jax mixes types in its own arithmetic.
    with jax.numpy_dtype_promotion("standard"):
        known = y_self is not None and y_self_holds is True
        begin: tuple[TransportCost | None, ...] = (None, None, None)
        if start is not None:
            begin = (start.y_self if y_self is None else y_self, start.x_self, start.between)
        clouds = ((y, y, True), (x, x, True), (x, y, False))
        tasks = [
            _Task(*pair, these, first) for pair, these, first in zip(clouds, settings, begin, strict=True)
        ][known:]
        # Of the problems that are left.
        holds = False if known or y_self is None else y_self_holds
        alike = solver is None and x.shape == y.shape
        costs = (_in_a_loop if alike else _in_turn)(tasks, holds, grid)
        between, moved = with_derivative(x, y, costs[-1], epsilon, grid)
        x_self, smeared = with_derivative(x, None, costs[-2], epsilon, grid)
        if not known:
            y_self, _ = with_derivative(y, None, costs[0], epsilon, grid)
        return Divergence.of(between, x_self, cast(TransportCost, y_self), tolerance, moved - smeared)


class _Task(eqx.Module):
    """One of the three problems: `alone` says that y is x."""

    x: Cloud
    y: Float[Array, "m d"]
    alone: bool | Bool[Array, ""]
    settings: Settings
    start: TransportCost | None

    def solve(
        self, first: TransportCost | None, holds: bool | Bool[Array, ""], grid: Grid | None
    ) -> TransportCost:
        """From its start or, where that has not been solved, from `first`; its start if that `holds`."""
        start = self.start
        if start is not None and first is not None:
            start = _either(jnp.isinf(start.marginal_error), first, start)
        x, y = lax.stop_gradient((self.x, self.y))

        def solved() -> TransportCost:
            return solve_held(x, y, self.alone, self.settings, start, grid)

        if start is None or holds is False:
            return solved()
        return lax.cond(holds & jnp.isfinite(start.marginal_error), lambda: start, solved)


def _in_turn(tasks: list[_Task], holds: bool | Bool[Array, ""], grid: Grid | None) -> list[TransportCost]:
    """One problem after the other, each a program; the start of the first may hold already."""
    costs: list[TransportCost] = []
    for task in tasks:
        costs.append(task.solve(costs[0] if costs else None, holds if not costs else False, grid))
    return costs


def _in_a_loop(tasks: list[_Task], holds: bool | Bool[Array, ""], grid: Grid | None) -> list[TransportCost]:
    """As `_in_turn`, in a loop over one program: it takes seconds to compile."""
    stacked = jax.tree.map(lambda *parts: jnp.stack([jnp.asarray(p) for p in parts]), *tasks)
    none = TransportCost.unsolved(len(tasks[0].x), tasks[0].x.dtype)
    kept = jnp.arange(len(tasks)) == 0

    def one(
        first: TransportCost, task: tuple[_Task, Bool[Array, ""]]
    ) -> tuple[TransportCost, TransportCost]:
        cost = task[0].solve(first, task[1] & holds, grid)
        return _either(task[1], cost, first), cost

    _, found = lax.scan(one, none, (stacked, kept))
    return [jax.tree.map(lambda part, k=k: part[k], found) for k in range(len(tasks))]


def _either(first: Bool[Array, ""], a: TransportCost, b: TransportCost) -> TransportCost:
    """The one if `first`, else the other."""
    return jax.tree.map(lambda one, other: jnp.where(first, one, other), a, b)
