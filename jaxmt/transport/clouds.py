r"""Transport between clouds as functions of arrays: what a user calls, checked at the door."""

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from ..forking import refuse_forked
from .divergence import divergence, transport_cost

MOST_SWEEPS = 5000

ACCEPTABLE_ERROR = 1e-2
"""L1 error of a marginal beyond which a divergence is not worth returning."""


def sinkhorn_divergence(
    x: ArrayLike,
    y: ArrayLike,
    *,
    blur: ArrayLike,
    weights: ArrayLike | None = None,
    solver: Any = None,
) -> Float[Array, ""]:
    r"""The debiased entropic transport divergence between two clouds, differentiable in both.

    - `x`, `y`: points as rows; each point of a cloud has the same mass and each cloud mass one.
    - `blur`: the square root of $\varepsilon$, a length in the weighted space.
    - `weights`: W of the cost $|W(x_i - y_j)|^2$, as its diagonal (d,) or in full (d, d); one if None.
    - `solver`: an `ott.solvers.linear.sinkhorn.Sinkhorn`, with its own threshold; by default that of this
      package, which is faster.

    Iterates until the marginals are met to 1e-6 (L1; 1e-5 in single precision) or for 5,000 sweeps;
    `divergence` reports which. Raises `ValueError` for clouds of different dimension and, unless
    traced, for non-finite points and a blur that is not positive; `TypeError` for any other solver; at run
    time if the marginals stay off by more than `ACCEPTABLE_ERROR`.
    """
    x, y = _weighted("sinkhorn_divergence", x, y, blur, weights)
    result = divergence(x, y, blur, tolerance=_tolerance(x), max_sweeps=MOST_SWEEPS, solver=solver)
    return _or_raise("sinkhorn_divergence", result.value, result.marginal_error, solver)


def entropic_cost(
    x: ArrayLike, y: ArrayLike, *, blur: ArrayLike, weights: ArrayLike | None = None
) -> Float[Array, ""]:
    r"""The entropic cost $\langle P, C\rangle - \varepsilon H(P)$ of the best plan P, not debiased.

    $H(P) = -\sum_{ij} P_{ij}\ln P_{ij}$ is the entropy of the plan itself. With the relative entropy to the
    product of the masses instead, $+\varepsilon\,\mathrm{KL}(P\,|\,ab^T)$, the cost of n against m points
    is larger by $\varepsilon\ln(nm)$. Equal clouds do not cost zero, nor are they the closest: compare by
    `sinkhorn_divergence`. Arguments, derivatives and errors are those of that function.
    """
    x, y = _weighted("entropic_cost", x, y, blur, weights)
    cost = transport_cost(x, y, blur, tolerance=_tolerance(x), max_sweeps=MOST_SWEEPS)
    epsilon = jnp.square(jnp.asarray(blur, x.dtype))
    return _or_raise("entropic_cost", cost.value - epsilon * math.log(len(x) * len(y)), cost.marginal_error)


def _tolerance(x: Float[Array, "n d"]) -> float:
    return max(1e-6, 100 * float(jnp.finfo(x.dtype).eps))


def _or_raise(
    function: str, value: Float[Array, ""], error: Float[Array, ""], solver: Any = None
) -> Float[Array, ""]:
    message = (
        f"`{function}` did not converge in {MOST_SWEEPS:,} sweeps: raise `blur`, or call "
        "`jaxmt.transport.divergence` with more `max_sweeps` and look at its `marginal_error`."
    )
    if solver is not None:
        message = (
            f"`{function}(solver=...)` did not converge: raise `blur`, or the solver's `max_iterations`."
        )
    return eqx.error_if(value, ~(error < ACCEPTABLE_ERROR), message)


def _weighted(
    function: str, first: ArrayLike, second: ArrayLike, blur: ArrayLike, weights: ArrayLike | None
) -> tuple[Float[Array, "n d"], Float[Array, "m d"]]:
    """Both clouds times W."""
    refuse_forked()
    x, y = jnp.asarray(first), jnp.asarray(second)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or 0 in x.shape + y.shape:
        raise ValueError(
            f"`{function}(x, y)` takes two non-empty clouds (points, dimensions) of the same "
            f"dimension. Got shapes {x.shape} and {y.shape}."
        )
    dtype = np.result_type(x.dtype, y.dtype, np.float32)
    x, y = x.astype(dtype), y.astype(dtype)
    d = x.shape[1]
    matrix = jnp.ones(d, x.dtype) if weights is None else jnp.asarray(weights, x.dtype)
    if matrix.shape not in ((d,), (d, d)):
        raise ValueError(
            f"`{function}(weights=...)` must be the diagonal ({d},) or the whole ({d}, {d}) of "
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
                f"`{function}({name}=...)` must be {wanted}. Got {bad.size} value(s) that are "
                f"not, the first {bad[0]}; mask missing data first."
            )
    if matrix.ndim == 1:
        matrix = jnp.diag(matrix)
    return x @ matrix.T, y @ matrix.T
