r"""Sinkhorn's iterations on a geometry of ott-jax: annealed from afar, then until the marginals are met.

A sweep updates $g_j = \varepsilon\log b_j - \varepsilon\log\sum_i e^{(f_i - c_{ij})/\varepsilon}$, then f
alike; the plan is $P_{ij} = e^{(f_i + g_j - c_{ij})/\varepsilon}$. All masses are equal, $a_i = 1/n$ and
$b_j = 1/m$. For a cloud against itself f = g, and a sweep is the mean of f and its update (Feydy et al.
2019, eq. 25). How far an update moves a potential is the error of that marginal, so that it comes for free
in every sweep; ott-jax's own solver needs two passes more for it, and four for a cloud against itself.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float, Int
from ott.geometry.geometry import Geometry

from .marginals import AbstractMarginals, Partial

DECAY = 0.8
"""Of epsilon from one sweep to the next while it is annealed."""

RELAXATION = 1.6
"""How far to go along an update, in units of it; below 2 (Thibault et al. 2021, Algorithms 14, 143)."""

NEARLY = 0.1
"""L1 error of a marginal from which on updates are relaxed: before, that may diverge."""

HOTTEST = 1e14
"""Most that the annealing starts above its target."""


class Pair(NamedTuple):
    """Potentials of the points of x and of y."""

    f: Float[Array, " n"]
    g: Float[Array, " m"]


class Solution(eqx.Module):
    r"""Potentials of one problem, and how good they are.

    - `value`: $\langle P, C\rangle + \varepsilon\,\mathrm{KL}(P\,|\,ab^T)$, and the price of the marginals.
    - `marginal_error`: L1 error of the marginals before the last sweep, or its change if they are free.
    """

    potentials: Pair
    value: Float[Array, ""]
    marginal_error: Float[Array, ""]
    sweeps: Int[Array, ""]


def iterate(
    geometry: Geometry,
    start: Pair,
    heat: ArrayLike,
    *,
    tolerance: float,
    max_sweeps: int,
    symmetric: bool,
    marginals: AbstractMarginals,
) -> Solution:
    """Potentials whose marginals are met to `tolerance` (L1), or as far as `max_sweeps` bring them.

    - `heat`: the epsilon to begin with; it falls to that of the geometry, by `DECAY` a sweep.
    - `max_sweeps`: not counting those of the annealing.
    - `symmetric`: the geometry is that of a cloud and itself, and f = g.
    """
    target = jnp.asarray(geometry.epsilon)
    # As many sweeps as bring the heat down to the target; NaN and infinity end like any other number.
    ratio = jnp.nan_to_num(jnp.asarray(heat, target.dtype) / target, nan=1.0).clip(1.0, HOTTEST)
    annealing = jnp.ceil(-jnp.log(ratio) / math.log(DECAY)).astype(jnp.int32)

    def unfinished(state: tuple[Int[Array, ""], Pair, Float[Array, ""]]) -> Array:
        sweeps, _, error = state
        # False for NaN: it would stay.
        going = (error >= tolerance) & (sweeps < annealing + max_sweeps)
        return (sweeps <= annealing) | going

    def advance(
        state: tuple[Int[Array, ""], Pair, Float[Array, ""]],
    ) -> tuple[Int[Array, ""], Pair, Float[Array, ""]]:
        sweeps, pair, _ = state
        epsilon = jnp.maximum(target * ratio * DECAY ** sweeps.astype(target.dtype), target)
        pair, error = _sweep(geometry, pair, epsilon, symmetric, marginals)
        return sweeps + 1, pair, error

    infinite = jnp.asarray(jnp.inf, target.dtype)
    sweeps, pair, error = lax.while_loop(unfinished, advance, (jnp.asarray(0, jnp.int32), start, infinite))
    value = _dual(geometry, pair, marginals)
    return Solution(pair, value, jnp.where(jnp.isfinite(value), error, jnp.inf), sweeps)


def _log_sum(geometry: Geometry, pair: Pair, epsilon: Any, axis: int) -> Float[Array, " k"]:
    return geometry.apply_lse_kernel(*pair, epsilon, axis=axis)[0]


def _update(
    geometry: Geometry, pair: Pair, epsilon: Float[Array, ""], axis: int, marginals: AbstractMarginals
) -> tuple[Float[Array, " k"], Float[Array, ""]]:
    """The next f (axis 1) or g (axis 0), and the L1 error of that marginal beforehand."""
    old = pair.f if axis == 1 else pair.g
    log_mass = -epsilon * math.log(old.size)
    bare = -_log_sum(geometry, pair, epsilon, axis)
    new = log_mass + marginals.update(bare, epsilon, 1 - axis)
    return new, jnp.mean(jnp.abs(jnp.expm1((old - new) / epsilon)))


def _sweep(
    geometry: Geometry, pair: Pair, epsilon: Float[Array, ""], symmetric: bool, marginals: AbstractMarginals
) -> tuple[Pair, Float[Array, ""]]:
    if symmetric:
        new, error = _update(geometry, pair, epsilon, 1, marginals)
        mean = 0.5 * (pair.f + new)
        return Pair(mean, mean), error
    new, first = _update(geometry, pair, epsilon, 0, marginals)
    # A clipped potential must not be carried beyond where it was clipped.
    factor = 1.0 if isinstance(marginals, Partial) else RELAXATION
    g = pair.g + jnp.where(first < NEARLY, factor, 1.0) * (new - pair.g)
    new, second = _update(geometry, Pair(pair.f, g), epsilon, 1, marginals)
    f = pair.f + jnp.where(second < NEARLY, factor, 1.0) * (new - pair.f)
    shift = marginals.shift((_bare(f, epsilon), _bare(g, epsilon)))
    return Pair(f + shift, g - shift), jnp.maximum(first, second)


def _bare(potential: Float[Array, " k"], epsilon: Float[Array, ""]) -> Float[Array, " k"]:
    return potential + epsilon * math.log(potential.size)


def _dual(geometry: Geometry, pair: Pair, marginals: AbstractMarginals) -> Float[Array, ""]:
    epsilon = jnp.asarray(geometry.epsilon)
    rows = _log_sum(geometry, pair, epsilon, 1) + pair.f
    total = epsilon * (1.0 - jnp.sum(jnp.exp(rows / epsilon)))
    return total + sum(marginals.dual(_bare(p, epsilon), side) for side, p in enumerate(pair))
