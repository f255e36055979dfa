r"""Transport between points on a line, where sorting makes it exact.

The cost of moving mass is the squared distance. In one dimension the best plan never crosses itself: the
balanced problem is solved by matching quantiles, and the partial one by a recursion over sorted points.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float

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
    price: ArrayLike | None = None,
) -> Float[Array, ""]:
    """The least sum of squared differences that matches points of one set to points of the other.

    - `x_mask`, `y_mask`: which points exist, all by default; so sets of changing size have one shape.
    - `price`: added for every point of either set that is left without a partner, in units of a squared
      difference; so no two points are matched that are more than sqrt(2 price) apart. By default every
      point of the smaller set is matched, and nothing is paid for the rest.

    Differentiable, also in `price`; without a price zero if a set is empty.
    """
    x_mask = jnp.ones(x.shape, bool) if x_mask is None else x_mask
    y_mask = jnp.ones(y.shape, bool) if y_mask is None else y_mask
    if price is not None:
        return _match_priced(x, y, x_mask, y_mask, jnp.asarray(price, x.dtype))
    x_all, y_all = _match(x, y, x_mask, y_mask), _match(y, x, y_mask, x_mask)
    return jnp.where(jnp.sum(x_mask) <= jnp.sum(y_mask), x_all, y_all)


def _ordered(points: Line, mask: Bool[Array, " _"]) -> tuple[Line, Bool[Array, " _"]]:
    """Sorted, those that do not exist last, and as zeros."""
    far = jnp.asarray(jnp.finfo(points.dtype).max / 4, points.dtype)
    order = jnp.argsort(jnp.where(mask, lax.stop_gradient(points), far))
    return jnp.where(mask, points, 0.0)[order], mask[order]


def _match(
    few: Line, many: Line, few_mask: Bool[Array, " _"], many_mask: Bool[Array, " _"]
) -> Float[Array, ""]:
    """The cost of matching all of `few`; without meaning if there are more of them than of `many`."""
    far = jnp.asarray(jnp.finfo(few.dtype).max / 4, few.dtype)
    a, a_mask = _ordered(few, few_mask)
    b, b_mask = _ordered(many, many_mask)

    # least[i]: matching the first i of a to some of the points of b seen so far.
    def step(least: Line, point: tuple[Float[Array, ""], Bool[Array, ""]]) -> tuple[Line, None]:
        value, exists = point
        matched = least[:-1] + jnp.where(a_mask & exists, jnp.square(a - value), far)
        return least.at[1:].set(jnp.where(matched < least[1:], matched, least[1:])), None

    start = jnp.full(a.size + 1, far).at[0].set(0.0)
    least, _ = lax.scan(step, start, (b, b_mask))
    return least[jnp.sum(a_mask)]


def _match_priced(
    x: Line, y: Line, x_mask: Bool[Array, " _"], y_mask: Bool[Array, " _"], price: Float[Array, ""]
) -> Float[Array, ""]:
    """The cost of matching at will, at a price for the rest."""
    far = jnp.asarray(jnp.finfo(x.dtype).max / 4, x.dtype)
    a, a_mask = _ordered(x, x_mask)
    b, b_mask = _ordered(y, y_mask)
    # paid[i]: leaving the first i of a.
    paid = price * jnp.concatenate([jnp.zeros(1, x.dtype), jnp.cumsum(a_mask.astype(x.dtype))])

    # least[i]: the first i of a and the points of b seen so far; points of a may be left after each.
    def step(least: Line, point: tuple[Float[Array, ""], Bool[Array, ""]]) -> tuple[Line, None]:
        value, exists = point
        left = least + jnp.where(exists, price, 0.0)
        matched = least[:-1] + jnp.where(a_mask & exists, jnp.square(a - value), far)
        best = left.at[1:].set(jnp.where(matched < left[1:], matched, left[1:]))
        return paid + lax.cummin(best - paid), None

    least, _ = lax.scan(step, paid, (b, b_mask))
    return least[-1]
