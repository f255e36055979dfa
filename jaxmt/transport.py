r"""Entropic optimal transport between clouds of points, by Sinkhorn's algorithm.

With the cost $c_{ij} = |W(x_i - y_j)|^2$ and $\varepsilon = \mathrm{blur}^2$,
$\mathrm{OT}_\varepsilon(x, y) = \min_P \langle P, C\rangle + \varepsilon\,\mathrm{KL}(P\,|\,ab^T)$ over
plans with equal masses as marginals, and the debiased divergence is
$S = \mathrm{OT}(x, y) - \frac12\mathrm{OT}(x, x) - \frac12\mathrm{OT}(y, y)$
(Feydy et al. 2019, AISTATS). GeomLoss with p = 2 uses $|x-y|^2/2$: its divergence at blur b is half of
ours at blur $\sqrt2\,b$. blur is a length in the weighted space: features of the clouds
much smaller than it are not seen.

The gradient is that of the dual objective with the potentials held fixed (envelope theorem), so
nothing is differentiated through the iterations. The iterations are ott-jax's.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Float, Int
from ott.geometry import pointcloud
from ott.problems.linear import linear_problem
from ott.solvers.linear import acceleration, sinkhorn

LEVELS = 12
"""Blurs of a cold start: the diameter of the clouds, halved this often, but never below the target."""

SWEEPS_PER_LEVEL = 10

ACCEPTABLE_ERROR = 1e-2
"""L1 error of a marginal beyond which a divergence is not worth returning."""


class Potentials(eqx.Module):
    """Dual potentials of the three problems in a divergence, to start the next solve from."""

    x_to_y: Float[Array, " n"]
    y_to_x: Float[Array, " m"]
    x_self: Float[Array, " n"]
    y_self: Float[Array, " m"]


class Divergence(eqx.Module):
    """A debiased divergence and how it was reached.

    - `value`: S, in squared units of the weighted space.
    - `marginal_error`: the largest L1 error of a marginal of the three plans.
    - `sweeps`: Sinkhorn sweeps of the three problems together.
    - `converged`: whether all three reached the tolerance.
    """

    value: Float[Array, ""]
    potentials: Potentials
    marginal_error: Float[Array, ""]
    sweeps: Int[Array, ""]
    converged: Bool[Array, ""]


def _solve(
    x: Float[Array, "n d"],
    y: Float[Array, "m d"],
    epsilon: Float[Array, ""],
    start: tuple[Float[Array, " n"], Float[Array, " m"]],
    tolerance: float,
    max_sweeps: int,
    symmetric: bool,
) -> sinkhorn.SinkhornOutput:
    problem = linear_problem.LinearProblem(pointcloud.PointCloud(x, y, epsilon=epsilon))
    solver = sinkhorn.Sinkhorn(
        threshold=tolerance,
        inner_iterations=5,
        max_iterations=max_sweeps,
        # The symmetric fixed point of Feydy et al. (2019), eq. 25.
        parallel_dual_updates=symmetric,
        momentum=acceleration.Momentum(start=0, value=0.5 if symmetric else 1.0),
    )
    # Only the cost is differentiated, at potentials held fixed: keep the iterations out of it.
    fixed, start = lax.stop_gradient((problem, start))
    return solver(fixed, init=start).set_cost(problem, lse_mode=True, use_danskin=True)


def _anneal(
    x: Float[Array, "n d"], y: Float[Array, "m d"], epsilon: Float[Array, ""], symmetric: bool
) -> tuple[Float[Array, " n"], Float[Array, " m"]]:
    """Potentials near the solution, from zero, by halving the blur from the diameter down."""
    x, y = lax.stop_gradient((x, y))
    diameter2 = jnp.sum(jnp.square(jnp.ptp(jnp.concatenate([x, y]), axis=0)))
    levels = jnp.maximum(diameter2 * 0.25 ** jnp.arange(LEVELS, dtype=x.dtype), epsilon)

    def step(
        potentials: tuple[Float[Array, " n"], Float[Array, " m"]], level: Float[Array, ""]
    ) -> tuple[tuple[Float[Array, " n"], Float[Array, " m"]], None]:
        out = _solve(x, y, level, potentials, 0.0, SWEEPS_PER_LEVEL, symmetric)
        return (out.f, out.g), None

    zero = (jnp.zeros(x.shape[0], x.dtype), jnp.zeros(y.shape[0], x.dtype))
    return lax.scan(step, zero, levels)[0]


@partial(jax.jit, static_argnames=("tolerance", "max_sweeps"))
def divergence(
    x: Float[Array, "n d"],
    y: Float[Array, "m d"],
    blur: ArrayLike,
    potentials: Potentials | None = None,
    *,
    tolerance: float = 1e-3,
    max_sweeps: int = 2000,
) -> Divergence:
    """The debiased divergence between two clouds of equal masses, with everything it found.

    - `x`, `y`: points already multiplied by W.
    - `potentials`: where to start, such as those of the last call; with an annealed blur if None.
    - `tolerance`: L1 error of the marginals at which to stop.
    - `max_sweeps`: most sweeps for each of the three problems.
    """
    epsilon = jnp.square(jnp.asarray(blur, x.dtype))
    # ott-jax mixes types in its own arithmetic.
    with jax.numpy_dtype_promotion("standard"):
        outputs = []
        for left, right, start, symmetric in (
            (x, y, potentials and (potentials.x_to_y, potentials.y_to_x), False),
            (x, x, potentials and (potentials.x_self, potentials.x_self), True),
            (y, y, potentials and (potentials.y_self, potentials.y_self), True),
        ):
            start = _anneal(left, right, epsilon, symmetric) if start is None else start
            outputs.append(_solve(left, right, epsilon, start, tolerance, max_sweeps, symmetric))
        xy, xx, yy = outputs
        value = xy.reg_ot_cost - 0.5 * (xx.reg_ot_cost + yy.reg_ot_cost)
        # Errors are recorded now and then, and -1 after the last sweep.
        errors = jnp.stack([o.errors[jnp.sum(o.errors > -1) - 1] for o in outputs])
        # ott-jax ends at once on NaN, with no error on record.
        errors = jnp.where(jnp.isfinite(value), errors, jnp.inf)
        sweeps = sum(o.n_iters for o in outputs)
    final = Potentials(xy.f, xy.g, 0.5 * (xx.f + xx.g), 0.5 * (yy.f + yy.g))
    return Divergence(
        value,
        lax.stop_gradient(final),
        lax.stop_gradient(jnp.max(errors)),
        jnp.asarray(sweeps),
        jnp.all(errors < tolerance),
    )


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
