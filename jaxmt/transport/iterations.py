r"""Sinkhorn's iterations on a geometry: annealed from afar, then until the marginals are met.

A sweep updates $g_j = \varepsilon\log b_j - \varepsilon\log\sum_i e^{(f_i - c_{ij})/\varepsilon}$, then f
alike; the plan is $P_{ij} = e^{(f_i + g_j - c_{ij})/\varepsilon}$. For a cloud against itself f = g, and a
sweep is the mean of f and its update (Feydy et al. 2019, eq. 25). How far an update moves a potential is
the error of that marginal, so that it comes for free in every sweep; ott-jax's own solver needs two passes
more for it, and four for a cloud against itself. Sweeps go by a kernel near the last potentials, which is
made anew when epsilon changes or the potentials have moved far.
"""

import dataclasses
import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from .kernel import AbstractGeometry, AbstractKernel, Potentials, log_sum
from .marginals import AbstractMarginals, Partial

DECAY = 0.5
"""Factor of epsilon from one stage of the annealing to the next."""

STAGE_SWEEPS, STAGE_ERROR = 6, 0.03
"""Most sweeps of a stage before the last, and the L1 error of a marginal at which it ends."""

RELAXATION = 1.6
"""Step along an update in units of that update; below 2 (Thibault et al. 2021, Algorithms 14, 143)."""

RELAXATION_ERROR = 0.1
"""L1 error of a marginal below which updates are relaxed: relaxed earlier they may diverge."""

MOST_ANNEALING = 1e14
"""Largest ratio of the first epsilon of an annealing to the last."""

MOST_DRIFT = 0.15
"""Fraction of the range of exponents that potentials may move before the kernel is made anew."""


class Solution(eqx.Module):
    r"""Potentials of one problem, and how good they are.

    - `value`: $\langle P, C\rangle + \varepsilon\,\mathrm{KL}(P\,|\,ab^T)$, and the price of the marginals.
    - `marginal_error`: L1 error of the marginals before the last sweep, or its change if they are free.
    """

    potentials: Potentials
    value: Float[Array, ""]
    marginal_error: Float[Array, ""]
    sweeps: Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is solved: `log_masses` of both clouds; `symmetric` if they are one, and f = g.

    `symmetric` may be traced, so that one program serves problems of both kinds.
    """

    geometry: AbstractGeometry
    log_masses: Potentials
    marginals: AbstractMarginals
    symmetric: bool | Bool[Array, ""]

    def update(
        self, kernel: AbstractKernel, potentials: Potentials, axis: int
    ) -> tuple[Array, Float[Array, ""]]:
        """The next f (axis 1) or g (axis 0), and the L1 error of that marginal beforehand."""
        old, log_mass, epsilon = potentials[1 - axis], self.log_masses[1 - axis], kernel.epsilon
        new = epsilon * log_mass + self.marginals.update(
            -log_sum(kernel, potentials, axis), epsilon, 1 - axis
        )
        return new, jnp.sum(jnp.exp(log_mass) * jnp.abs(jnp.expm1((old - new) / epsilon)))

    def sweep(self, kernel: AbstractKernel, potentials: Potentials) -> tuple[Potentials, Float[Array, ""]]:
        """The next potentials, and the larger error of a marginal on the way."""
        if self.symmetric is True:
            return self._averaged(kernel, potentials)
        if self.symmetric is False:
            return self._alternating(kernel, potentials)
        return lax.cond(self.symmetric, self._averaged, self._alternating, kernel, potentials)

    def _averaged(
        self, kernel: AbstractKernel, potentials: Potentials
    ) -> tuple[Potentials, Float[Array, ""]]:
        new, error = self.update(kernel, potentials, 1)
        mean = 0.5 * (potentials.f + new)
        return Potentials(mean, mean), error

    def _alternating(
        self, kernel: AbstractKernel, potentials: Potentials
    ) -> tuple[Potentials, Float[Array, ""]]:
        # A clipped potential must not be carried beyond where it was clipped.
        factor = 1.0 if isinstance(self.marginals, Partial) else RELAXATION
        new, first = self.update(kernel, potentials, 0)
        g = potentials.g + _relaxed(new - potentials.g, first, factor, kernel.epsilon)
        new, second = self.update(kernel, Potentials(potentials.f, g), 1)
        f = potentials.f + _relaxed(new - potentials.f, second, factor, kernel.epsilon)
        shift = self.marginals.shift(self.bare(Potentials(f, g), kernel.epsilon))
        return Potentials(f + shift, g - shift), jnp.maximum(first, second)

    def bare(self, potentials: Potentials, epsilon: Float[Array, ""]) -> tuple[Array, Array]:
        """Potentials without their masses."""
        f, g = potentials
        return f - epsilon * self.log_masses.f, g - epsilon * self.log_masses.g

    def dual(self, potentials: Potentials) -> Float[Array, ""]:
        """The dual objective, for points of equal mass."""
        epsilon = self.geometry.epsilon
        rows = self.geometry.log_sum_exp(potentials.g, epsilon, axis=1) + potentials.f
        total = epsilon * (1.0 - jnp.sum(jnp.exp(rows / epsilon)))
        bare = self.bare(potentials, epsilon)
        return total + sum(self.marginals.dual(b, side) for side, b in enumerate(bare))


def _relaxed(
    step: Float[Array, " n"], error: Float[Array, ""], factor: float, epsilon: Float[Array, ""]
) -> Float[Array, " n"]:
    """A step, made longer where it is nearly the last: a lone point far away has a small error, too."""
    near = (error < RELAXATION_ERROR) & (jnp.abs(step) < epsilon)
    return jnp.where(near, factor, 1.0) * step


class _Progress(NamedTuple):
    """`last`: how many of the sweeps were at the target; `drift`: of g from its kernel's, in epsilons."""

    stage: Int[Array, ""]
    sweeps: Int[Array, ""]
    last: Int[Array, ""]
    potentials: Potentials
    error: Float[Array, ""]
    drift: Float[Array, ""]


def iterate(
    problem: Problem, start: Potentials, first_epsilon: ArrayLike, *, tolerance: float, max_sweeps: int
) -> Solution:
    """Potentials whose marginals are met to `tolerance` (L1), or as far as `max_sweeps` bring them.

    - `first_epsilon`: the epsilon of the first stage; it falls to that of the geometry, by `DECAY` a stage.
    - `max_sweeps`: not counting those of the annealing.
    """
    target = problem.geometry.epsilon
    most_drift = MOST_DRIFT * math.log(float(jnp.finfo(target.dtype).max))
    # As many stages as bring epsilon down to the target; NaN and infinity end like any other number.
    ratio = jnp.nan_to_num(jnp.asarray(first_epsilon, target.dtype) / target, nan=1.0)
    ratio = ratio.clip(1.0, MOST_ANNEALING)
    stages = jnp.ceil(jnp.log(ratio) / -math.log(DECAY)).astype(jnp.int32)

    def unfinished(state: _Progress) -> Bool[Array, ""]:
        # False for NaN: it would stay.
        going = (state.error >= tolerance) & (state.last < max_sweeps)
        return (state.stage < stages) | (state.last == 0) | going

    def advance(state: _Progress) -> _Progress:
        epsilon = jnp.maximum(target * ratio * DECAY ** state.stage.astype(target.dtype), target)
        annealed = state.stage >= stages
        kernel = problem.geometry.kernel(state.potentials, epsilon)
        enough = jnp.where(annealed, tolerance, STAGE_ERROR)
        most = jnp.where(annealed, max_sweeps - state.last, STAGE_SWEEPS)

        def more(inner: tuple[Int[Array, ""], _Progress]) -> Bool[Array, ""]:
            count, now = inner
            return (count == 0) | ((count < most) & (now.error >= enough) & (now.drift < most_drift))

        def once(inner: tuple[Int[Array, ""], _Progress]) -> tuple[Int[Array, ""], _Progress]:
            count, now = inner
            potentials, error = problem.sweep(kernel, now.potentials)
            drift = jnp.max(jnp.abs(potentials.g - kernel.near.g)) / epsilon
            return count + 1, now._replace(
                sweeps=now.sweeps + 1, potentials=potentials, error=error, drift=drift
            )

        if problem.symmetric is not True:
            # The factors of f are only near one once it has been updated from g.
            f, _ = problem.update(kernel, state.potentials, 1)
            f = jnp.where(problem.symmetric, state.potentials.f, f)
            state = state._replace(potentials=Potentials(f, state.potentials.g))
        count, state = lax.while_loop(more, once, (jnp.asarray(0, jnp.int32), state))
        return state._replace(stage=state.stage + 1, last=state.last + jnp.where(annealed, count, 0))

    zero, infinite = jnp.asarray(0, jnp.int32), jnp.asarray(jnp.inf, target.dtype)
    state = _Progress(zero, zero, zero, start, infinite, 0 * target)
    state = lax.while_loop(unfinished, advance, state)
    value = problem.dual(state.potentials)
    error = jnp.where(jnp.isfinite(value), state.error, jnp.inf)
    return Solution(state.potentials, value, error, state.sweeps)
