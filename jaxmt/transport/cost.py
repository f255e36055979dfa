r"""One problem of entropic transport, solved: over the neighbours of a grid, or over all pairs.

After each solve on a grid the mass that it leaves out is bounded, and the next level taken if it is too
much; a small cloud then falls back on all pairs.

The gradient is that of the dual objective with the potentials held fixed (envelope theorem),
$\partial\mathrm{OT}/\partial x_i = 2\sum_j P_{ij}(x_i - y_j)$, so nothing is differentiated through the
iterations.
"""

from functools import partial
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from . import all_pairs
from .all_pairs import FullGeometry
from .certificate import left_out
from .coarser import WARM_SWEEPS, from_coarser_grids, suggested_level, warm_or_coarser
from .geometry import LocalGeometry, displacement
from .grid import MOST_POINTS, Grid
from .held_plan import plan_held
from .iterations import Solution
from .kernel import Potentials
from .settings import Flag, Scalar, Settings

Cloud = Float[Array, "n d"]
Other = Float[Array, "m d"]
Count = Int[Array, ""]


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
    guess = suggested_level(settings.epsilon, settings.tolerance, grid)
    first = jnp.clip(guess + extra, 0, last + int(_may_try_all(grid)))
    sweeps = jnp.asarray(0, jnp.int32)
    coarse_epsilon = None
    if grid.coarser is not None and symmetric is not True:

        def begun() -> tuple[Scalar, Potentials, Count]:
            if cold is True:
                return *from_coarser_grids(x, y, settings, grid), sweeps
            if settings.solver is not None or settings.max_sweeps <= WARM_SWEEPS:
                return 0 * settings.epsilon, potentials, sweeps
            return warm_or_coarser(x, y, settings, potentials, grid, jnp.minimum(first, last))

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
