r"""Transport between points on a line, where sorting makes it exact.

The cost of moving mass is the squared distance. In one dimension the best plan never crosses itself: the
balanced problem is solved by matching quantiles, and the partial one by a recursion over sorted points.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

Line = Float[Array, " _"]


def wasserstein_1d(x: Float[Array, " n"], y: Float[Array, " m"]) -> Float[Array, ""]:
    r"""$W_2^2 = \int_0^1 (F_x^{-1}(q) - F_y^{-1}(q))^2\,dq$ between equal masses at x and at y.

    For equal sizes the mean of squared differences of the sorted points. n and m may differ: each set has
    mass one. Differentiable.
    """
    n, m = x.size, y.size
    if not n or not m:
        raise ValueError(f"`wasserstein_1d(x, y)` takes at least one point each. Got sizes {n} and {m}.")
    # Between these quantiles, in units of 1 / (n m), both quantile functions are constant.
    steps = np.unique(np.concatenate([np.arange(n + 1) * m, np.arange(m + 1) * n]))
    widths = jnp.asarray(np.diff(steps) / (n * m), x.dtype)
    difference = jnp.sort(x)[steps[:-1] // m] - jnp.sort(y)[steps[:-1] // n]
    return jnp.sum(widths * jnp.square(difference))


def partial_1d(
    x: Float[Array, " n"],
    y: Float[Array, " m"],
    x_mask: Bool[Array, " n"] | None = None,
    y_mask: Bool[Array, " m"] | None = None,
) -> Float[Array, ""]:
    """The least sum of squared differences that matches every point of the smaller set to one of the other.

    - `x_mask`, `y_mask`: which points exist, all by default; so sets of changing size have one shape.

    Differentiable; zero if a set is empty.
    """
    x_mask = jnp.ones(x.shape, bool) if x_mask is None else x_mask
    y_mask = jnp.ones(y.shape, bool) if y_mask is None else y_mask
    x_all, y_all = _match(x, y, x_mask, y_mask), _match(y, x, y_mask, x_mask)
    return jnp.where(jnp.sum(x_mask) <= jnp.sum(y_mask), x_all, y_all)


def _match(
    few: Line, many: Line, few_mask: Bool[Array, " _"], many_mask: Bool[Array, " _"]
) -> Float[Array, ""]:
    """The cost of matching all of `few`; without meaning if there are more of them than of `many`."""
    far = jnp.asarray(jnp.finfo(few.dtype).max / 4, few.dtype)

    def ordered(points: Line, mask: Bool[Array, " _"]) -> tuple[Line, Bool[Array, " _"]]:
        order = jnp.argsort(jnp.where(mask, lax.stop_gradient(points), far))
        return jnp.where(mask, points, 0.0)[order], mask[order]

    a, a_mask = ordered(few, few_mask)
    b, b_mask = ordered(many, many_mask)

    # least[i]: matching the first i of a to some of the points of b seen so far.
    def step(least: Line, point: tuple[Float[Array, ""], Bool[Array, ""]]) -> tuple[Line, None]:
        value, exists = point
        matched = least[:-1] + jnp.where(a_mask & exists, jnp.square(a - value), far)
        return least.at[1:].set(jnp.where(matched < least[1:], matched, least[1:])), None

    start = jnp.full(a.size + 1, far).at[0].set(0.0)
    least, _ = lax.scan(step, start, (b, b_mask))
    return least[jnp.sum(a_mask)]
