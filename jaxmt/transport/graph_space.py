r"""Graph-space transport of curves: the samples of a curve as points (position, value) in a plane.

With positions t and values p and o of two curves,
$\min_\sigma\sum_i \eta(t_i - t_{\sigma(i)})^2 + (p_i - o_{\sigma(i)})^2$ over permutations (Metivier et al.
2018, Geophysics 83(5), R515). For large eta no sample moves and it is least squares; for eta = 0 positions
are free and values are compared in order of size. The gradient keeps the permutation (envelope theorem).
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float

from .assignment import assignment


def graph_space_distance(
    predicted: Float[Array, "*batch n"],
    observed: Float[Array, "*batch n"],
    positions: Float[Array, "*#batch n"],
    eta: ArrayLike,
    weights: Float[Array, "*#batch n"] | None = None,
    mask: Bool[Array, "*#batch n"] | None = None,
    periods: Float[Array, "*#batch 1"] | None = None,
) -> Float[Array, "*batch"]:
    """The graph-space cost of each pair of curves; differentiable in `predicted` and `observed`.

    - `positions`: of the samples of both curves. `eta`: squared units of values per those of positions.
    - `weights`: multiply the costs of each observed sample, one by default.
    - `mask`: False where a sample does not exist in either curve, and has no cost.
    - `periods`: after how much the values of a curve repeat, 0 for never; their differences are then taken
      the short way round.
    """
    weights = jnp.ones_like(observed) if weights is None else jnp.broadcast_to(weights, observed.shape)
    mask = jnp.ones(observed.shape, bool) if mask is None else jnp.broadcast_to(mask, observed.shape)
    # Replace before subtracting: the gradient of a masked NaN would be NaN.
    predicted, observed = jnp.where(mask, predicted, 0.0), jnp.where(mask, observed, 0.0)
    apart = jnp.asarray(eta, observed.dtype) * jnp.square(positions[..., :, None] - positions[..., None, :])
    difference = predicted[..., :, None] - observed[..., None, :]
    if periods is not None:
        periods = periods[..., None]
        turns = lax.stop_gradient(jnp.round(difference / jnp.where(periods > 0, periods, jnp.inf)))
        difference = difference - periods * turns
    costs = weights[..., None, :] * (apart + jnp.square(difference))
    both = mask[..., :, None] & mask[..., None, :]
    costs = jnp.where(both, costs, 0.0)
    # A missing sample goes to a missing one: any other choice costs more than all the rest together.
    barred = jnp.sum(costs, axis=(-2, -1), keepdims=True) + 1.0
    sigma = assignment(jnp.where(mask[..., :, None] == mask[..., None, :], costs, barred))
    return jnp.sum(jnp.take_along_axis(costs, sigma[..., None], axis=-1)[..., 0], axis=-1)
