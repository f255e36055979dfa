r"""The divergence of clouds as a function of arrays: what a user calls, checked at the door."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from .divergence import divergence

ACCEPTABLE_ERROR = 1e-2
"""L1 error of a marginal beyond which a divergence is not worth returning."""


def sinkhorn_divergence(
    x: ArrayLike,
    y: ArrayLike,
    *,
    blur: ArrayLike,
    weights: ArrayLike | None = None,
) -> Float[Array, ""]:
    r"""The debiased entropic transport divergence between two clouds, differentiable in both.

    - `x`, `y`: points as rows; each point of a cloud has the same mass and each cloud mass one.
    - `blur`: the square root of $\varepsilon$, a length in the weighted space.
    - `weights`: W of the cost $|W(x_i - y_j)|^2$, as its diagonal (d,) or in full (d, d); one if None.

    Iterates until the marginals are met to 1e-6 (L1; 1e-5 in single precision) or for 5,000 sweeps;
    `divergence` reports which. Raises `ValueError` for clouds of different dimension and, unless
    traced, for non-finite points and a blur that is not positive; raises at run time if the marginals
    stay off by more than `ACCEPTABLE_ERROR`.
    """
    x, y, matrix = _checked(x, y, blur, weights)
    tolerance = max(1e-6, 100 * float(jnp.finfo(x.dtype).eps))
    result = divergence(x @ matrix.T, y @ matrix.T, blur, tolerance=tolerance, max_sweeps=5000)
    return eqx.error_if(
        result.value,
        ~(result.marginal_error < ACCEPTABLE_ERROR),
        "`sinkhorn_divergence` did not converge in 5,000 sweeps: raise `blur`, or call "
        "`jaxmt.transport.divergence` with more `max_sweeps` and look at its `marginal_error`.",
    )


def _checked(
    first: ArrayLike, second: ArrayLike, blur: ArrayLike, weights: ArrayLike | None
) -> tuple[Float[Array, "n d"], Float[Array, "m d"], Float[Array, "d d"]]:
    x, y = jnp.asarray(first), jnp.asarray(second)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or 0 in x.shape + y.shape:
        raise ValueError(
            "`sinkhorn_divergence(x, y)` takes two non-empty clouds (points, dimensions) of the same "
            f"dimension. Got shapes {x.shape} and {y.shape}."
        )
    dtype = np.result_type(x.dtype, y.dtype, np.float32)
    x, y = x.astype(dtype), y.astype(dtype)
    d = x.shape[1]
    matrix = jnp.ones(d, x.dtype) if weights is None else jnp.asarray(weights, x.dtype)
    if matrix.shape not in ((d,), (d, d)):
        raise ValueError(
            f"`sinkhorn_divergence(weights=...)` must be the diagonal ({d},) or the whole ({d}, {d}) of "
            f"W, one row for each coordinate. Got shape {matrix.shape}."
        )
    for name, value, wanted, low in (
        ("x", first, "finite", -np.inf),
        ("y", second, "finite", -np.inf),
        ("weights", weights, "finite", -np.inf),
        ("blur", blur, "positive and finite", 0.0),
    ):
        if value is None or isinstance(value, Tracer):
            continue
        array = np.asarray(value)
        bad = array[~(np.isfinite(array) & (array > low))]
        if bad.size:
            raise ValueError(
                f"`sinkhorn_divergence({name}=...)` must be {wanted}. Got {bad.size} value(s) that are "
                f"not, the first {bad[0]}; mask missing data first."
            )
    return x, y, jnp.diag(matrix) if matrix.ndim == 1 else matrix
