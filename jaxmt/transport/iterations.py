r"""Sinkhorn's iterations on a geometry of ott-jax: annealed from afar, then until the marginals are met.

A sweep updates $g_j = \varepsilon\log b_j - \varepsilon\log\sum_i e^{(f_i - c_{ij})/\varepsilon}$, then f
alike; the plan is $P_{ij} = e^{(f_i + g_j - c_{ij})/\varepsilon}$. For a cloud against itself f = g, and a
sweep is the mean of f and its update (Feydy et al. 2019, eq. 25). How far an update moves a potential is
the error of that marginal, so that it comes for free in every sweep; ott-jax's own solver needs two passes
more for it, and four for a cloud against itself. Sweeps go by a kernel near the last potentials, which is
made anew when epsilon changes or the potentials have moved far.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .kernel import AbstractGeometry, AbstractKernel, Pair, log_sum
from .marginals import AbstractMarginals, Partial

DECAY = 0.5
"""Of epsilon from one stage of the annealing to the next."""

STAGE_SWEEPS, STAGE_ERROR = 6, 0.03
"""Most sweeps of a stage before the last, and the L1 error of a marginal with which it is done."""

RELAXATION = 1.6
"""How far to go along an update, in units of it; below 2 (Thibault et al. 2021, Algorithms 14, 143)."""

NEARLY = 0.1
"""L1 error of a marginal from which on updates are relaxed: before, that may diverge."""

HOTTEST = 1e14
"""Most that the annealing starts above its target."""

FURTHEST = 0.15
"""Of the range of logarithms of numbers: how far potentials may move before the kernel is made anew."""


class Solution(eqx.Module):
    r"""Potentials of one problem, and how good they are.

    - `value`: $\langle P, C\rangle + \varepsilon\,\mathrm{KL}(P\,|\,ab^T)$, and the price of the marginals.
    - `marginal_error`: L1 error of the marginals before the last sweep, or its change if they are free.
    """

    potentials: Pair
    value: Float[Array, ""]
    marginal_error: Float[Array, ""]
    sweeps: Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is solved: `log_masses` of both clouds; `symmetric` if they are one, and f = g."""

    geometry: AbstractGeometry
    log_masses: Pair
    marginals: AbstractMarginals
    symmetric: bool

    def update(self, kernel: AbstractKernel, pair: Pair, axis: int) -> tuple[Array, Float[Array, ""]]:
        """The next f (axis 1) or g (axis 0), and the L1 error of that marginal beforehand."""
        old, log_mass, epsilon = pair[1 - axis], self.log_masses[1 - axis], kernel.epsilon
        new = epsilon * log_mass + self.marginals.update(-log_sum(kernel, pair, axis), epsilon, 1 - axis)
        return new, jnp.sum(jnp.exp(log_mass) * jnp.abs(jnp.expm1((old - new) / epsilon)))

    def sweep(self, kernel: AbstractKernel, pair: Pair) -> tuple[Pair, Float[Array, ""]]:
        """The next potentials, and the larger error of a marginal on the way."""
        if self.symmetric:
            new, error = self.update(kernel, pair, 1)
            mean = 0.5 * (pair.f + new)
            return Pair(mean, mean), error
        # A clipped potential must not be carried beyond where it was clipped.
        factor = 1.0 if isinstance(self.marginals, Partial) else RELAXATION
        new, first = self.update(kernel, pair, 0)
        g = pair.g + _relaxed(new - pair.g, first, factor, kernel.epsilon)
        new, second = self.update(kernel, Pair(pair.f, g), 1)
        f = pair.f + _relaxed(new - pair.f, second, factor, kernel.epsilon)
        shift = self.marginals.shift(self.bare(Pair(f, g), kernel.epsilon))
        return Pair(f + shift, g - shift), jnp.maximum(first, second)

    def bare(self, pair: Pair, epsilon: Float[Array, ""]) -> tuple[Array, Array]:
        """Potentials without their masses."""
        return pair.f - epsilon * self.log_masses.f, pair.g - epsilon * self.log_masses.g

    def dual(self, pair: Pair) -> Float[Array, ""]:
        """The dual objective, for points of equal mass."""
        epsilon: Any = jnp.asarray(self.geometry.epsilon)
        rows = self.geometry.apply_lse_kernel(*pair, epsilon, axis=1)[0] + pair.f
        total = epsilon * (1.0 - jnp.sum(jnp.exp(rows / epsilon)))
        bare = self.bare(pair, epsilon)
        return total + sum(self.marginals.dual(b, side) for side, b in enumerate(bare))


def _relaxed(
    step: Float[Array, " n"], error: Float[Array, ""], factor: float, epsilon: Float[Array, ""]
) -> Float[Array, " n"]:
    """A step, made longer where it is nearly the last: a lone point far away has a small error, too."""
    near = (error < NEARLY) & (jnp.abs(step) < epsilon)
    return jnp.where(near, factor, 1.0) * step


class _Progress(NamedTuple):
    """`last`: how many of the sweeps were at the target; `drift`: of g from its kernel's, in epsilons."""

    stage: Int[Array, ""]
    sweeps: Int[Array, ""]
    last: Int[Array, ""]
    pair: Pair
    error: Float[Array, ""]
    drift: Float[Array, ""]


def iterate(
    problem: Problem, start: Pair, heat: ArrayLike, *, tolerance: float, max_sweeps: int
) -> Solution:
    """Potentials whose marginals are met to `tolerance` (L1), or as far as `max_sweeps` bring them.

    - `heat`: the epsilon to begin with; it falls to that of the geometry, by `DECAY` a stage.
    - `max_sweeps`: not counting those of the annealing.
    """
    target = jnp.asarray(problem.geometry.epsilon)
    furthest = FURTHEST * math.log(float(jnp.finfo(target.dtype).max))
    # As many stages as bring the heat down to the target; NaN and infinity end like any other number.
    ratio = jnp.nan_to_num(jnp.asarray(heat, target.dtype) / target, nan=1.0).clip(1.0, HOTTEST)
    stages = jnp.ceil(jnp.log(ratio) / -math.log(DECAY)).astype(jnp.int32)

    def unfinished(state: _Progress) -> Bool[Array, ""]:
        # False for NaN: it would stay.
        going = (state.error >= tolerance) & (state.last < max_sweeps)
        return (state.stage < stages) | (state.last == 0) | going

    def advance(state: _Progress) -> _Progress:
        epsilon = jnp.maximum(target * ratio * DECAY ** state.stage.astype(target.dtype), target)
        annealed = state.stage >= stages
        kernel = problem.geometry.kernel(state.pair, epsilon)
        enough = jnp.where(annealed, tolerance, STAGE_ERROR)
        most = jnp.where(annealed, max_sweeps - state.last, STAGE_SWEEPS)

        def more(inner: tuple[Int[Array, ""], _Progress]) -> Bool[Array, ""]:
            count, now = inner
            return (count == 0) | ((count < most) & (now.error >= enough) & (now.drift < furthest))

        def once(inner: tuple[Int[Array, ""], _Progress]) -> tuple[Int[Array, ""], _Progress]:
            count, now = inner
            pair, error = problem.sweep(kernel, now.pair)
            drift = jnp.max(jnp.abs(pair.g - kernel.near.g)) / epsilon
            return count + 1, now._replace(sweeps=now.sweeps + 1, pair=pair, error=error, drift=drift)

        if not problem.symmetric:
            # The factors of f are only near one once it has been updated from g.
            state = state._replace(pair=Pair(problem.update(kernel, state.pair, 1)[0], state.pair.g))
        count, state = lax.while_loop(more, once, (jnp.asarray(0, jnp.int32), state))
        return state._replace(stage=state.stage + 1, last=state.last + jnp.where(annealed, count, 0))

    zero, infinite = jnp.asarray(0, jnp.int32), jnp.asarray(jnp.inf, target.dtype)
    state = _Progress(zero, zero, zero, start, infinite, 0 * target)
    state = lax.while_loop(unfinished, advance, state)
    value = problem.dual(state.pair)
    error = jnp.where(jnp.isfinite(value), state.error, jnp.inf)
    return Solution(state.pair, value, error, state.sweeps)
