r"""One problem of entropic transport, solved: over the neighbours of a grid, or over all pairs.

After each solve on a grid the mass that it leaves out is bounded, and the next level taken if it is too
much; a small cloud then falls back on all pairs.

The gradient is that of the dual objective with the potentials held fixed (envelope theorem),
$\partial\mathrm{OT}/\partial x_i = 2\sum_j P_{ij}(x_i - y_j)$, so nothing is differentiated through the
iterations.
"""

from functools import partial
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int
from ott.geometry.geometry import Geometry

from .certificate import left_out
from .geometry import LocalGeometry, displacement
from .grid import Grid
from .iterations import Pair, Solution, iterate
from .marginals import AbstractMarginals

MOST_PAIRS = 2048**2
"""Of points, beyond which all pairs are not tried."""

Cloud = Float[Array, "n d"]


class Term(eqx.Module):
    r"""One of the three problems of a divergence, solved.

    - `value`: $\mathrm{OT}_\varepsilon$, differentiable in both clouds.
    - `potentials`, `growth`: what the next solve starts from: how many levels of the grid more were
      needed than the blur suggests.
    - `marginal_error`: L1. `left_out`: bound on the mass that truncation left out.
    """

    value: Float[Array, ""]
    potentials: Pair
    growth: Int[Array, ""]
    marginal_error: Float[Array, ""]
    left_out: Float[Array, ""]
    sweeps: Int[Array, ""]


class _Attempt(eqx.Module):
    """A term at a level of the grid, or beyond the last over all pairs."""

    level: Int[Array, ""]
    solution: Solution
    left_out: Float[Array, ""]


class Options(eqx.Module):
    """Of the iterations."""

    epsilon: Float[Array, ""]
    marginals: AbstractMarginals
    tolerance: float = eqx.field(static=True)
    max_sweeps: int = eqx.field(static=True)

    def iterate(self, geometry: Geometry, start: Pair, heat: ArrayLike, symmetric: bool) -> Solution:
        """`iterate` with these options."""
        return iterate(
            geometry,
            start,
            heat,
            tolerance=self.tolerance,
            max_sweeps=self.max_sweeps,
            symmetric=symmetric,
            marginals=self.marginals,
        )


def solve(
    x: Cloud,
    y: Float[Array, "m d"] | None,
    options: Options,
    start: Term | None,
    grid: Grid | None,
) -> Term:
    """One problem: from x to y, or from x to itself if y is None."""
    symmetric = y is None
    # Only the result is differentiated: keep the iterations out of it.
    source = lax.stop_gradient(x)
    target = source if y is None else lax.stop_gradient(y)
    zero = Pair(jnp.zeros(len(source), x.dtype), jnp.zeros(len(target), x.dtype))
    pair = zero if start is None else start.potentials
    growth = jnp.asarray(0, jnp.int32) if start is None else start.growth
    if grid is None:
        solution, beyond = _everywhere(source, target, options, pair, start is None, symmetric), zero.f[0]
        moved = partial(_moved_everywhere, epsilon=options.epsilon)
    else:
        found, growth = _nearby(source, target, options, pair, growth, start is None, symmetric, grid)
        solution, beyond = found.solution, found.left_out
        moved = partial(_moved_nearby, epsilon=options.epsilon, grid=grid, level=found.level)
    # The derivative of <P, C> with the plan held fixed.
    pair = solution.potentials
    value = solution.value + _held(x, moved(source, target, pair=pair))
    back = moved(target, source, pair=Pair(pair.g, pair.f))
    value = value + _held(x if y is None else y, back)
    return Term(value, pair, growth, solution.marginal_error, beyond, solution.sweeps)


@jax.custom_jvp
def _held(cloud: Cloud, displacement: Cloud) -> Float[Array, ""]:
    """Zero, whose derivative in the cloud is twice the displacement: computed only where it is wanted."""
    del displacement
    return jnp.zeros((), cloud.dtype)


@_held.defjvp
def _(primals: tuple[Cloud, Cloud], tangents: tuple[Cloud, Cloud]) -> tuple[Array, Array]:
    return _held(*primals), 2 * jnp.sum(primals[1] * tangents[0])


def _everywhere(
    x: Cloud, y: Float[Array, "m d"], options: Options, pair: Pair, cold: bool, symmetric: bool
) -> Solution:
    """A term over all pairs of points."""
    costs = _all_costs(x, y)
    geometry = Geometry(cost_matrix=costs, epsilon=cast(Any, options.epsilon))
    return options.iterate(geometry, pair, jnp.max(costs) if cold else 0.0, symmetric)


def _all_costs(x: Cloud, y: Float[Array, "m d"]) -> Float[Array, "n m"]:
    # Coordinate by coordinate: exact for equal points, and no array (n, m, d) is made.
    total = jnp.zeros((len(x), len(y)), x.dtype)
    for mine, theirs in zip(x.T, y.T, strict=True):
        total = total + jnp.square(mine[:, None] - theirs[None, :])
    return total


def _moved_everywhere(x: Cloud, y: Float[Array, "m d"], epsilon: Float[Array, ""], pair: Pair) -> Cloud:
    plan = jnp.exp((pair.f[:, None] + pair.g[None, :] - _all_costs(x, y)) / epsilon)
    return jnp.sum(plan, axis=1)[:, None] * x - plan @ y


def _moved_nearby(
    x: Cloud, y: Cloud, epsilon: Float[Array, ""], pair: Pair, grid: Grid, level: Int[Array, ""]
) -> Cloud:
    def nearby(level: Int[Array, ""]) -> Cloud:
        return displacement(x, y, pair, epsilon, grid.table, jnp.asarray(grid.blocks)[level])

    if not _may_try_all(grid):
        return nearby(level)
    last = len(grid.blocks) - 1
    return lax.cond(level > last, lambda _: _moved_everywhere(x, y, epsilon, pair), nearby, level)


def _may_try_all(grid: Grid) -> bool:
    return not grid.complete and len(grid.row) ** 2 <= MOST_PAIRS


def _nearby(
    x: Cloud,
    y: Cloud,
    options: Options,
    pair: Pair,
    growth: Int[Array, ""],
    cold: bool,
    symmetric: bool,
    grid: Grid,
) -> tuple[_Attempt, Int[Array, ""]]:
    """A term over the neighbours of a grid, as many as it needs, and the growth for the next time."""
    last = len(grid.blocks) - 1
    # Beyond this distance mass of equal potentials is below the tolerance.
    far = jnp.sqrt(options.epsilon * -jnp.log(jnp.asarray(options.tolerance, x.dtype)))
    guess = jnp.sum(jnp.asarray(grid.reach, x.dtype) < far).astype(jnp.int32)
    first = jnp.clip(guess + growth, 0, last)

    def more(found: _Attempt, solution: Solution, beyond: Float[Array, ""]) -> _Attempt:
        solution = eqx.tree_at(lambda s: s.sweeps, solution, solution.sweeps + found.solution.sweeps)
        return _Attempt(found.level + 1, solution, beyond)

    def widen(found: _Attempt) -> _Attempt:
        level = found.level + 1
        geometry = LocalGeometry(x, y, grid.table, jnp.asarray(grid.blocks)[level], options.epsilon)
        heat = jnp.where(level == first, geometry.largest_cost(), 0.0) if cold else 0.0
        solution = options.iterate(geometry, found.solution.potentials, heat, symmetric)
        return more(found, solution, left_out(x, y, *solution.potentials, options.epsilon, grid, level))

    def give_up(found: _Attempt) -> _Attempt:
        solution = _everywhere(x, y, options, found.solution.potentials, False, symmetric)
        return more(found, solution, jnp.zeros((), x.dtype))

    infinite = jnp.asarray(jnp.inf, x.dtype)
    found = _Attempt(first - 1, Solution(pair, infinite, infinite, jnp.asarray(0, jnp.int32)), infinite)
    found = lax.while_loop(lambda a: (a.left_out > options.tolerance) & (a.level < last), widen, found)
    growth = jnp.maximum(found.level - guess, 0)
    if _may_try_all(grid):
        # A loop and not a branch: in a batch that needs it nowhere, it costs nothing.
        found = lax.while_loop(lambda a: a.left_out > options.tolerance, give_up, found)
    return found, growth
