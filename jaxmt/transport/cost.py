r"""One problem of entropic transport, solved: over the neighbours of a grid, or over all pairs.

After each solve on a grid the mass that it leaves out is bounded, and the next level taken if it is too
much; a small cloud then falls back on all pairs.

The gradient is that of the dual objective with the potentials held fixed (envelope theorem),
$\partial\mathrm{OT}/\partial x_i = 2\sum_j P_{ij}(x_i - y_j)$, so nothing is differentiated through the
iterations.
"""

import math
from functools import partial
from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from ..fingerprint import Constant
from . import all_pairs
from .all_pairs import FullGeometry
from .certificate import left_out
from .geometry import LocalGeometry, displacement
from .grid import MOST_POINTS, Grid
from .held_plan import plan_held
from .iterations import Problem, Solution, iterate
from .kernel import AbstractGeometry, Potentials
from .marginals import AbstractMarginals

WARM_SWEEPS = 20
"""Sweeps that a warm start is given where there are coarser grids; if they do not do, those begin anew."""

COARSE_TOLERANCE = 0.1
"""Tolerance of coarser grids as a fraction of the tolerance: errors that they leave are slow to mend."""

Cloud = Float[Array, "n d"]
Other = Float[Array, "m d"]
Scalar = Float[Array, ""]
Count = Int[Array, ""]
Flag = Bool[Array, ""]


class TransportCost(eqx.Module):
    r"""The entropic cost of one problem, and what the next solve starts from.

    - `value`: $\mathrm{OT}_\varepsilon$, differentiable in both clouds.
    - `potentials`: dual, masses included. `extra_levels`: how many levels of the grid were needed beyond
      those that the blur suggests.
    - `marginal_error`: L1; infinite in what has not been solved. `left_out`: bound on the mass that
      truncation left out.
    - `level`: of the grid, on which the plan is known.
    """

    value: Scalar
    potentials: Potentials
    extra_levels: Count
    marginal_error: Scalar
    left_out: Scalar
    sweeps: Count
    level: Count

    @classmethod
    def unsolved(cls, points: int, dtype: Any = float) -> "TransportCost":
        """Where a problem of two clouds of so many points starts from nothing."""
        # By NumPy: what JAX makes is a program for each.
        zero, none = jnp.asarray(np.zeros(points, dtype)), jnp.asarray(np.int32(0))
        value, infinite = (jnp.asarray(np.asarray(number, dtype)) for number in (0, np.inf))
        return cls(value, Potentials(zero, zero), none, infinite, infinite, none, none)


class _Attempt(eqx.Module):
    """A solution at a level of the grid, or beyond the last level over all pairs."""

    level: Count
    solution: Solution
    left_out: Scalar


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


def solve(
    x: Cloud,
    y: Other | None,
    settings: Settings,
    start: TransportCost | None,
    grid: Grid | None,
) -> tuple[TransportCost, Cloud]:
    r"""One problem: from x to y, or from x to itself if y is None.

    With it $\sum_j P_{ij}(x_i - y_j)$, the mass at each point of x times the way that it moves.
    """
    # Only the result is differentiated: keep the iterations out of it.
    source = lax.stop_gradient(x)
    target = source if y is None else lax.stop_gradient(y)
    cost = solve_held(source, target, y is None, settings, start, grid)
    return with_derivative(x, y, cost, settings.epsilon, grid)


def solve_held(
    x: Cloud,
    y: Other,
    symmetric: bool | Flag,
    settings: Settings,
    start: TransportCost | None,
    grid: Grid | None,
) -> TransportCost:
    """One problem, without a derivative; `symmetric` says that y is x, and may be traced.

    A start whose marginal error is infinite counts as none where it comes to annealing.
    """
    if start is None:
        zero = Potentials(jnp.zeros(len(x), x.dtype), jnp.zeros(len(y), x.dtype))
        extra, cold = jnp.asarray(0, jnp.int32), True
    else:
        zero, extra, cold = start.potentials, start.extra_levels, jnp.isinf(start.marginal_error)
    if grid is None:
        solution = _over_all_pairs(x, y, settings, zero, cold, symmetric)
        guess = level = jnp.asarray(0, jnp.int32)
        truncated = 0 * solution.value
    else:
        found, guess = _over_neighbours(x, y, settings, zero, extra, cold, symmetric, grid)
        solution, truncated, level = found.solution, found.left_out, found.level
    return TransportCost(
        solution.value,
        solution.potentials,
        jnp.maximum(level - guess, 0),
        solution.marginal_error,
        truncated,
        solution.sweeps,
        level,
    )


def with_derivative(
    x: Cloud, y: Other | None, cost: TransportCost, epsilon: Scalar, grid: Grid | None
) -> tuple[TransportCost, Cloud]:
    r"""A solved problem with the derivative of <P, C>, and $\sum_j P_{ij}(x_i - y_j)$."""
    source = lax.stop_gradient(x)
    target = source if y is None else lax.stop_gradient(y)
    if grid is None:
        moved = partial(all_pairs.displacement, epsilon=epsilon)
    else:
        moved = partial(_displacement_at_level, epsilon=epsilon, grid=grid, level=cost.level)
    potentials = cost.potentials
    forth = moved(source, target, potentials=potentials)
    if y is None:
        value = cost.value + plan_held(x, 2 * forth)
    else:
        back = moved(target, source, potentials=Potentials(potentials.g, potentials.f))
        value = cost.value + plan_held(x, forth) + plan_held(y, back)
    return eqx.tree_at(lambda c: c.value, cost, value), forth


def _over_all_pairs(
    x: Cloud,
    y: Other,
    settings: Settings,
    potentials: Potentials,
    cold: bool | Flag,
    symmetric: bool | Flag,
) -> Solution:
    """The solution over all pairs of points."""
    geometry = FullGeometry(x, y, settings.epsilon)
    first_epsilon = jnp.where(cold, geometry.largest_cost(), 0.0)
    return settings.iterate(geometry, potentials, first_epsilon, symmetric)


def _displacement_at_level(
    x: Cloud, y: Cloud, epsilon: Scalar, potentials: Potentials, grid: Grid, level: Count
) -> Cloud:
    def over_neighbours(level: Count) -> Cloud:
        return displacement(x, y, potentials, epsilon, grid.table, jnp.asarray(grid.blocks)[level])

    if not _may_try_all(grid):
        return over_neighbours(level)
    last = len(grid.blocks) - 1
    return lax.cond(
        level > last, lambda _: all_pairs.displacement(x, y, potentials, epsilon), over_neighbours, level
    )


def _may_try_all(grid: Grid) -> bool:
    return len(grid.row) <= MOST_POINTS


def _guess(epsilon: Scalar, tolerance: float, grid: Grid) -> Count:
    """The level beyond which mass of equal potentials is below the tolerance; it may not exist."""
    far = jnp.sqrt(epsilon * -jnp.log(jnp.asarray(tolerance, epsilon.dtype)))
    return jnp.sum(jnp.asarray(grid.reach, epsilon.dtype) < far).astype(jnp.int32)


def _over_neighbours(
    x: Cloud,
    y: Cloud,
    settings: Settings,
    potentials: Potentials,
    extra: Count,
    cold: bool | Flag,
    symmetric: bool | Flag,
    grid: Grid,
) -> tuple[_Attempt, Count]:
    """The solution over as many neighbours as it needs, and the level that the blur suggests."""
    last = len(grid.blocks) - 1
    guess = _guess(settings.epsilon, settings.tolerance, grid)
    first = jnp.clip(guess + extra, 0, last + int(_may_try_all(grid)))
    sweeps = jnp.asarray(0, jnp.int32)
    coarse_epsilon = None
    if grid.coarser is not None and symmetric is not True:

        def begun() -> tuple[Scalar, Potentials, Count]:
            if cold is True:
                return *_from_coarser_grids(x, y, settings, grid), sweeps
            if settings.solver is not None or settings.max_sweeps <= WARM_SWEEPS:
                return 0 * settings.epsilon, potentials, sweeps
            return _warm_or_coarser(x, y, settings, potentials, grid, jnp.minimum(first, last))

        if symmetric is False:
            coarse_epsilon, potentials, sweeps = begun()
        else:
            none = (0 * settings.epsilon, potentials, sweeps)
            coarse_epsilon, potentials, sweeps = lax.cond(symmetric, lambda: none, begun)

    def more(found: _Attempt, solution: Solution, truncated: Scalar) -> _Attempt:
        solution = eqx.tree_at(lambda s: s.sweeps, solution, solution.sweeps + found.solution.sweeps)
        return _Attempt(found.level + 1, solution, truncated)

    def widen(found: _Attempt) -> _Attempt:
        level = found.level + 1
        geometry = LocalGeometry(x, y, grid.table, jnp.asarray(grid.blocks)[level], settings.epsilon)
        first_epsilon = jnp.where(cold, geometry.largest_cost(), 0.0)
        if coarse_epsilon is not None:
            first_epsilon = jnp.where(symmetric, first_epsilon, coarse_epsilon)
        first_epsilon = jnp.where(level == first, first_epsilon, 0.0)
        solution = settings.iterate(geometry, found.solution.potentials, first_epsilon, symmetric)
        return more(found, solution, left_out(x, y, *solution.potentials, settings.epsilon, grid, level))

    def take_all_pairs(found: _Attempt) -> _Attempt:
        start = found.solution.potentials
        solution = _over_all_pairs(x, y, settings, start, cold & (first > last), symmetric)
        return more(found, solution, jnp.zeros((), x.dtype))

    infinite = jnp.asarray(jnp.inf, x.dtype)
    found = _Attempt(first - 1, Solution(potentials, infinite, infinite, sweeps), infinite)
    found = lax.while_loop(lambda a: (a.left_out > settings.tolerance) & (a.level < last), widen, found)
    if _may_try_all(grid):
        # A loop and not a branch: in a batch that needs it nowhere, it costs nothing.
        found = lax.while_loop(lambda a: a.left_out > settings.tolerance, take_all_pairs, found)
    return found, guess


def _warm_or_coarser(
    x: Cloud, y: Cloud, settings: Settings, potentials: Potentials, grid: Grid, level: Count
) -> tuple[Scalar, Potentials, Count]:
    """`_from_coarser_grids` unless a few sweeps are enough, and how many these were."""
    geometry = LocalGeometry(x, y, grid.table, jnp.asarray(grid.blocks)[level], settings.epsilon)
    tried = settings.iterate(geometry, potentials, 0.0, False, max_sweeps=WARM_SWEEPS)
    epsilon, potentials = lax.cond(
        tried.marginal_error < settings.tolerance,
        lambda: (settings.epsilon, tried.potentials),
        lambda: _from_coarser_grids(x, y, settings, grid),
    )
    return epsilon, potentials, tried.sweeps


def _from_coarser_grids(x: Cloud, y: Cloud, settings: Settings, grid: Grid) -> tuple[Scalar, Potentials]:
    """The epsilon at which coarser grids hand over, and their potentials at the points of this one."""
    coarse, parent = cast(Grid, grid.coarser), jnp.asarray(grid.parent)
    mass, coarse_mass = (jnp.asarray(m, x.dtype) for m in (grid.mass, coarse.mass))

    def means(cloud: Cloud) -> Float[Array, "coarse d"]:
        sums = jnp.zeros((len(coarse_mass), cloud.shape[1]), x.dtype)
        return sums.at[parent].add(mass[:, None] * cloud) / coarse_mass[:, None]

    p, q = means(x), means(y)
    # Closer than its points, a coarse cloud has nothing to tell.
    epsilon = jnp.maximum(settings.epsilon, jnp.square(jnp.asarray(coarse.spacing, x.dtype)))
    if coarse.coarser is None:
        geometry = FullGeometry(p, q, epsilon)
        first_epsilon, potentials = geometry.largest_cost(), Potentials(*2 * [jnp.zeros(len(p), x.dtype)])
        moved = partial(all_pairs.displacement, epsilon=epsilon)
    else:
        first_epsilon, potentials = _from_coarser_grids(p, q, settings, coarse)
        level = jnp.clip(_guess(epsilon, settings.tolerance, coarse) + 1, 0, len(coarse.blocks) - 1)
        blocks = jnp.asarray(coarse.blocks)[level]
        geometry = LocalGeometry(p, q, coarse.table, blocks, epsilon)
        moved = partial(displacement, epsilon=epsilon, table=coarse.table, blocks=blocks)
    solution = settings.iterate(
        geometry,
        potentials,
        first_epsilon,
        False,
        masses=coarse_mass,
        tolerance=COARSE_TOLERANCE * settings.tolerance,
    )
    potentials = solution.potentials

    def extended(
        fine: Cloud, middles: Float[Array, "coarse d"], potential: Float[Array, " coarse"], shift: Array
    ) -> Float[Array, " n"]:
        # To first order about the means; the gradient of a potential is twice the way to go.
        slope = 2 * shift / coarse_mass[:, None]
        flat = potential - epsilon * jnp.log(coarse_mass)
        rise = jnp.sum(slope[parent] * (fine - middles[parent]), axis=1)
        return flat[parent] + rise + epsilon * jnp.log(mass)

    f = extended(x, p, potentials.f, moved(p, q, potentials=potentials))
    back = moved(q, p, potentials=Potentials(potentials.g, potentials.f))
    return epsilon, Potentials(f, extended(y, q, potentials.g, back))
