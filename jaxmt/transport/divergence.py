r"""Entropic optimal transport between clouds of points: its cost, debiased, and how it was reached.

With the cost $c_{ij} = |W(x_i - y_j)|^2$ and $\varepsilon = \mathrm{blur}^2$,
$\mathrm{OT}_\varepsilon(x, y) = \min_P \langle P, C\rangle + \varepsilon\,\mathrm{KL}(P\,|\,ab^T)$ over
plans with equal masses as marginals, and the debiased divergence is
$S = \mathrm{OT}(x, y) - \frac12\mathrm{OT}(x, x) - \frac12\mathrm{OT}(y, y)$
(Feydy et al. 2019, AISTATS). GeomLoss with p = 2 uses $|x-y|^2/2$: its divergence at blur b is half of
ours at blur $\sqrt2\,b$. blur is a length in the weighted space: features of the clouds
much smaller than it are not seen.

Clouds on a common `Grid` are compared on its neighbours alone. After each solve the mass that this leaves
out is bounded, and the next level of the grid taken if it is too much; a small cloud then falls back on all
pairs, a large one says so in its outcome.

The gradient is that of the dual objective with the potentials held fixed (envelope theorem),
$\partial\mathrm{OT}/\partial x_i = 2\sum_j P_{ij}(x_i - y_j)$, so nothing is differentiated through the
iterations.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int
from ott.geometry.geometry import Geometry

from .certificate import left_out
from .geometry import LocalGeometry, displacement
from .grid import Grid
from .iterations import Lambdas, Pair, Solution, iterate

MOST_PAIRS = 2048**2
"""Of points, beyond which all pairs are not tried."""

Cloud = Float[Array, "n d"]


class Outcome(eqx.Enumeration):
    """How a solve ended."""

    converged = "the marginals are met"
    not_converged = "the marginals are not met: raise `blur` or `max_sweeps`"
    truncated = "too much mass lies beyond the grid's widest level: lower `blur`, or leave out the grid"
    not_finite = "a number is not finite: look for missing data, or for a blur of zero"


class Term(eqx.Module):
    r"""One of the three problems of a divergence, solved.

    - `value`: $\mathrm{OT}_\varepsilon$, differentiable in both clouds and the blur.
    - `cost`: $\langle P, C\rangle$.
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


class Divergence(eqx.Module):
    """A debiased divergence and how it was reached.

    - `value`: S, in squared units of the weighted space.
    - `between`, `x_self`, `y_self`: its three terms, also to start the next solve from.
    - `marginal_error`: the largest L1 error of a marginal of the three plans.
    - `left_out`: bound on the mass that truncation left out of any of them.
    - `sweeps`: Sinkhorn sweeps of the three problems together.
    """

    value: Float[Array, ""]
    between: Term
    x_self: Term
    y_self: Term
    marginal_error: Float[Array, ""]
    left_out: Float[Array, ""]
    sweeps: Int[Array, ""]
    outcome: Outcome

    @property
    def converged(self) -> Bool[Array, ""]:
        """Whether all three problems reached the tolerance."""
        return self.outcome == Outcome.converged


class _Attempt(eqx.Module):
    """A term at a level of the grid, or beyond the last over all pairs."""

    level: Int[Array, ""]
    solution: Solution
    left_out: Float[Array, ""]


class _Options(eqx.Module):
    """Of the iterations."""

    epsilon: Float[Array, ""]
    lambdas: Lambdas | None
    tolerance: float = eqx.field(static=True)
    max_sweeps: int = eqx.field(static=True)

    def iterate(self, geometry: Geometry, start: Pair, heat: ArrayLike, symmetric: bool) -> Solution:
        return iterate(
            geometry,
            start,
            heat,
            tolerance=self.tolerance,
            max_sweeps=self.max_sweeps,
            symmetric=symmetric,
            lambdas=self.lambdas,
        )


def _solve(
    x: Cloud,
    y: Float[Array, "m d"] | None,
    options: _Options,
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
    x: Cloud, y: Float[Array, "m d"], options: _Options, pair: Pair, cold: bool, symmetric: bool
) -> Solution:
    """A term over all pairs of points."""
    costs = _all_costs(x, y)
    geometry = Geometry(cost_matrix=costs, epsilon=options.epsilon)
    return options.iterate(geometry, pair, jnp.max(costs) if cold else 0.0, symmetric)


def _all_costs(x: Cloud, y: Float[Array, "m d"]) -> Float[Array, "n m"]:
    # Coordinate by coordinate: exact for equal points, and no array (n, m, d) is made.
    return sum(jnp.square(a[:, None] - b[None, :]) for a, b in zip(x.T, y.T, strict=True))


def _moved_everywhere(
    x: Cloud, y: Float[Array, "m d"], epsilon: Float[Array, ""], pair: Pair
) -> Cloud:
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
    options: _Options,
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


def _options(
    blur: ArrayLike,
    reach: tuple[ArrayLike, ArrayLike] | None,
    dtype: jnp.dtype,
    tolerance: float,
    max_sweeps: int,
) -> _Options:
    lambdas = None
    if reach is not None:
        lambdas = (jnp.square(jnp.asarray(reach[0], dtype)), jnp.square(jnp.asarray(reach[1], dtype)))
    return _Options(jnp.square(jnp.asarray(blur, dtype)), lambdas, tolerance, max_sweeps)


@partial(jax.jit, static_argnames=("tolerance", "max_sweeps"))
def self_term(
    y: Cloud,
    blur: ArrayLike,
    start: Term | None = None,
    *,
    grid: Grid | None = None,
    reach: ArrayLike | None = None,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
) -> Term:
    """The term of a cloud and itself, to be kept while cloud and blur stay; arguments as in `divergence`."""
    both = None if reach is None else (reach, reach)
    with jax.numpy_dtype_promotion("standard"):
        return _solve(y, None, _options(blur, both, y.dtype, tolerance, max_sweeps), start, grid)


@partial(jax.jit, static_argnames=("tolerance", "max_sweeps"))
def divergence(
    x: Cloud,
    y: Float[Array, "m d"],
    blur: ArrayLike,
    start: Divergence | None = None,
    *,
    grid: Grid | None = None,
    reach: tuple[ArrayLike, ArrayLike] | None = None,
    y_self: Term | None = None,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
) -> Divergence:
    r"""The debiased divergence between two clouds of equal masses, with everything it found.

    - `x`, `y`: points already multiplied by W.
    - `start`: where to start, such as the last result; with an annealed blur if None.
    - `grid`: of coordinates that both clouds share; only neighbours on it are looked at.
    - `reach`: $\sqrt{\lambda_1}, \sqrt{\lambda_2}$ of unbalanced transport, lengths in the weighted space:
      mass that would have to go further is rather taken off x or y. Balanced if None. With both equal, S
      is zero for equal clouds.
    - `y_self`: the term of y and itself, if it is known for this blur.
    - `tolerance`: L1 error of the marginals at which to stop, and mass that the grid may leave out.
    - `max_sweeps`: most sweeps for each of the three problems, after the annealing.
    """
    options = _options(blur, reach, x.dtype, tolerance, max_sweeps)
    same = {"grid": grid, "tolerance": tolerance, "max_sweeps": max_sweeps}
    sides = (None, None) if reach is None else reach
    # ott-jax mixes types in its own arithmetic.
    with jax.numpy_dtype_promotion("standard"):
        between = _solve(x, y, options, start and start.between, grid)
        x_self = self_term(x, blur, start and start.x_self, reach=sides[0], **same)
        if y_self is None:
            y_self = self_term(y, blur, start and start.y_self, reach=sides[1], **same)
        terms = (between, x_self, y_self)
        value = between.value - 0.5 * (x_self.value + y_self.value)
        error, beyond = (
            jnp.max(jnp.stack([getattr(t, name) for t in terms])) for name in ("marginal_error", "left_out")
        )
        outcome = Outcome.where(error < tolerance, Outcome.converged, Outcome.not_converged)
        outcome = Outcome.where(beyond > tolerance, Outcome.truncated, outcome)
        outcome = Outcome.where(jnp.isfinite(value), outcome, Outcome.not_finite)
    sweeps = between.sweeps + x_self.sweeps + y_self.sweeps
    return Divergence(value, *lax.stop_gradient(terms), error, beyond, sweeps, outcome)
