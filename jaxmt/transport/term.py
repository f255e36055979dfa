r"""One problem of entropic transport, solved: over the neighbours of a grid, or over all pairs.

After each solve on a grid the mass that it leaves out is bounded, and the next level taken if it is too
much; a small cloud then falls back on all pairs.

The gradient is that of the dual objective with the potentials held fixed (envelope theorem),
$\partial\mathrm{OT}/\partial x_i = 2\sum_j P_{ij}(x_i - y_j)$, so nothing is differentiated through the
iterations.
"""

import math
from functools import partial
from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int

from . import all_pairs
from .all_pairs import FullGeometry
from .certificate import left_out
from .geometry import LocalGeometry, displacement
from .grid import MOST_POINTS, Grid
from .iterations import Problem, Solution, iterate
from .kernel import AbstractGeometry, Pair
from .marginals import AbstractMarginals

PATIENCE = 20
"""Sweeps after which a start that is not good enough is given up where there are coarser grids."""

COARSE = 0.1
"""Of the tolerance, that of coarser grids: what they leave unsettled takes long on the finer ones."""

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

    def iterate(
        self,
        geometry: AbstractGeometry,
        start: Pair,
        heat: ArrayLike,
        symmetric: bool,
        masses: Float[Array, " n"] | None = None,
        tolerance: float | None = None,
        max_sweeps: int | None = None,
    ) -> Solution:
        """`iterate` with these options unless others are given, and with equal masses."""
        logs = Pair(*(jnp.full(p.shape, -math.log(p.size), p.dtype) for p in start))
        if masses is not None:
            logs = Pair(jnp.log(masses), jnp.log(masses))
        return iterate(
            Problem(geometry, logs, self.marginals, symmetric),
            start,
            heat,
            tolerance=self.tolerance if tolerance is None else tolerance,
            max_sweeps=self.max_sweeps if max_sweeps is None else max_sweeps,
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
        moved = partial(all_pairs.displacement, epsilon=options.epsilon)
    else:
        found, growth = _nearby(source, target, options, pair, growth, start is None, symmetric, grid)
        solution, beyond = found.solution, found.left_out
        moved = partial(_moved_nearby, epsilon=options.epsilon, grid=grid, level=found.level)
    # The derivative of <P, C> with the plan held fixed.
    pair = solution.potentials
    forth = moved(source, target, potentials=pair)
    if y is None:
        value = solution.value + _held(x, 2 * forth)
    else:
        back = moved(target, source, potentials=Pair(pair.g, pair.f))
        value = solution.value + _held(x, forth) + _held(y, back)
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
    x: Cloud,
    y: Float[Array, "m d"],
    options: Options,
    pair: Pair,
    cold: bool | Array,
    symmetric: bool,
) -> Solution:
    """A term over all pairs of points."""
    geometry = FullGeometry(x, y, options.epsilon)
    heat = jnp.where(cold, geometry.largest_cost(), 0.0)
    return options.iterate(geometry, pair, heat, symmetric)


def _moved_nearby(
    x: Cloud, y: Cloud, epsilon: Float[Array, ""], potentials: Pair, grid: Grid, level: Int[Array, ""]
) -> Cloud:
    def nearby(level: Int[Array, ""]) -> Cloud:
        return displacement(x, y, potentials, epsilon, grid.table, jnp.asarray(grid.blocks)[level])

    if not _may_try_all(grid):
        return nearby(level)
    last = len(grid.blocks) - 1
    return lax.cond(
        level > last, lambda _: all_pairs.displacement(x, y, potentials, epsilon), nearby, level
    )


def _may_try_all(grid: Grid) -> bool:
    return len(grid.row) <= MOST_POINTS


def _guess(epsilon: Float[Array, ""], tolerance: float, grid: Grid) -> Int[Array, ""]:
    """The level beyond which mass of equal potentials is below the tolerance; it may not exist."""
    far = jnp.sqrt(epsilon * -jnp.log(jnp.asarray(tolerance, epsilon.dtype)))
    return jnp.sum(jnp.asarray(grid.reach, epsilon.dtype) < far).astype(jnp.int32)


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
    guess = _guess(options.epsilon, options.tolerance, grid)
    first = jnp.clip(guess + growth, 0, last + int(_may_try_all(grid)))
    begun, sweeps = None, jnp.asarray(0, jnp.int32)
    if grid.coarser is not None and not symmetric:
        if cold:
            begun, pair = _from_afar(x, y, options, grid)
        elif options.max_sweeps > PATIENCE:
            begun, pair, sweeps = _renewed(x, y, options, pair, grid, jnp.minimum(first, last))

    def more(found: _Attempt, solution: Solution, beyond: Float[Array, ""]) -> _Attempt:
        solution = eqx.tree_at(lambda s: s.sweeps, solution, solution.sweeps + found.solution.sweeps)
        return _Attempt(found.level + 1, solution, beyond)

    def widen(found: _Attempt) -> _Attempt:
        level = found.level + 1
        geometry = LocalGeometry(x, y, grid.table, jnp.asarray(grid.blocks)[level], options.epsilon)
        heat = begun if begun is not None else geometry.largest_cost() if cold else 0.0
        heat = jnp.where(level == first, heat, 0.0)
        solution = options.iterate(geometry, found.solution.potentials, heat, symmetric)
        return more(found, solution, left_out(x, y, *solution.potentials, options.epsilon, grid, level))

    def give_up(found: _Attempt) -> _Attempt:
        start = found.solution.potentials
        solution = _everywhere(x, y, options, start, cold & (first > last), symmetric)
        return more(found, solution, jnp.zeros((), x.dtype))

    infinite = jnp.asarray(jnp.inf, x.dtype)
    found = _Attempt(first - 1, Solution(pair, infinite, infinite, sweeps), infinite)
    found = lax.while_loop(lambda a: (a.left_out > options.tolerance) & (a.level < last), widen, found)
    if _may_try_all(grid):
        # A loop and not a branch: in a batch that needs it nowhere, it costs nothing.
        found = lax.while_loop(lambda a: a.left_out > options.tolerance, give_up, found)
    return found, jnp.maximum(found.level - guess, 0)


def _renewed(
    x: Cloud, y: Cloud, options: Options, pair: Pair, grid: Grid, level: Int[Array, ""]
) -> tuple[Float[Array, ""], Pair, Int[Array, ""]]:
    """`_from_afar` unless a few sweeps are enough, and how many these were."""
    geometry = LocalGeometry(x, y, grid.table, jnp.asarray(grid.blocks)[level], options.epsilon)
    tried = options.iterate(geometry, pair, 0.0, False, max_sweeps=PATIENCE)
    begun, pair = lax.cond(
        tried.marginal_error < options.tolerance,
        lambda: (options.epsilon, tried.potentials),
        lambda: _from_afar(x, y, options, grid),
    )
    return begun, pair, tried.sweeps


def _from_afar(x: Cloud, y: Cloud, options: Options, grid: Grid) -> tuple[Float[Array, ""], Pair]:
    """The epsilon at which coarser grids hand over, and their potentials at the points of this one."""
    coarse, parent = cast(Grid, grid.coarser), jnp.asarray(grid.parent)
    mass, coarse_mass = (jnp.asarray(m, x.dtype) for m in (grid.mass, coarse.mass))

    def means(cloud: Cloud) -> Float[Array, "coarse d"]:
        sums = jnp.zeros((len(coarse_mass), cloud.shape[1]), x.dtype)
        return sums.at[parent].add(mass[:, None] * cloud) / coarse_mass[:, None]

    p, q = means(x), means(y)
    # Closer than its points, a coarse cloud has nothing to tell.
    epsilon = jnp.maximum(options.epsilon, jnp.square(jnp.asarray(coarse.spacing, x.dtype)))
    if coarse.coarser is None:
        geometry = FullGeometry(p, q, epsilon)
        heat, pair = geometry.largest_cost(), Pair(*2 * [jnp.zeros(len(p), x.dtype)])
        moved = partial(all_pairs.displacement, epsilon=epsilon)
    else:
        heat, pair = _from_afar(p, q, options, coarse)
        level = jnp.clip(_guess(epsilon, options.tolerance, coarse) + 1, 0, len(coarse.blocks) - 1)
        blocks = jnp.asarray(coarse.blocks)[level]
        geometry = LocalGeometry(p, q, coarse.table, blocks, epsilon)
        moved = partial(displacement, epsilon=epsilon, table=coarse.table, blocks=blocks)
    solution = options.iterate(
        geometry, pair, heat, False, masses=coarse_mass, tolerance=COARSE * options.tolerance
    )
    pair = solution.potentials

    def extended(
        fine: Cloud, middles: Float[Array, "coarse d"], potential: Float[Array, " coarse"], shift: Array
    ) -> Float[Array, " n"]:
        # To first order about the means; the gradient of a potential is twice the way to go.
        slope = 2 * shift / coarse_mass[:, None]
        flat = potential - epsilon * jnp.log(coarse_mass)
        rise = jnp.sum(slope[parent] * (fine - middles[parent]), axis=1)
        return flat[parent] + rise + epsilon * jnp.log(mass)

    f = extended(x, p, pair.f, moved(p, q, potentials=pair))
    return epsilon, Pair(f, extended(y, q, pair.g, moved(q, p, potentials=Pair(pair.g, pair.f))))
