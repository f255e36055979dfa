r"""Exact assignment: which point of one set goes to which of another, one to one, at the least cost.

On the CPU it is SciPy's, for a whole batch in one call to the host; elsewhere optax's Hungarian algorithm,
which on the CPU takes four times as long for 84 problems of 30 points. scipy.optimize is slow to import, so
each function that needs it does so.
"""

import importlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.experimental.buffer_callback import buffer_callback
from jaxtyping import Array, Float, Int
from scipy.sparse import eye_array, kron, vstack


def assignment(costs: Float[Array, "*batch n n"]) -> Int[Array, "*batch n"]:
    """The column that each row is given so that the sum of costs is least; costs must be finite.

    No derivative goes through it: where the assignment does not change, it has none.
    """
    costs = lax.stop_gradient(costs)
    return lax.platform_dependent(costs, cpu=_on_host, default=_on_device)


def _on_host(costs: Float[Array, "*batch n n"]) -> Int[Array, "*batch n"]:
    # SciPy's optimisers are slow to import: not before they are used, and not first in XLA's threads.
    importlib.import_module("scipy.optimize")
    shape = jax.ShapeDtypeStruct(costs.shape[:-1], jnp.int32)
    # A buffer callback hands over memory: no JAX array is touched while XLA's threads wait.
    return buffer_callback(_assign_batch, shape, vmap_method="broadcast_all")(costs)


def _assign_batch(context: Any, out: Any, costs: Any) -> None:
    from scipy.optimize import linear_sum_assignment

    del context
    found, problems = np.asarray(out), np.asarray(costs)
    size = problems.shape[-1]
    # Not a number anywhere: the sum of costs will say so, whatever is matched.
    problems = np.nan_to_num(problems).reshape(-1, size, size)
    rows = [linear_sum_assignment(problem)[1] for problem in problems]
    found[...] = np.reshape(rows, found.shape)


def _on_device(costs: Float[Array, "*batch n n"]) -> Int[Array, "*batch n"]:
    problems = costs.reshape(-1, *costs.shape[-2:])
    with jax.numpy_dtype_promotion("standard"):
        rows, columns = jax.vmap(optax.assignment.hungarian_algorithm)(problems)
    ordered = jax.vmap(lambda r, c: jnp.zeros_like(c).at[r].set(c))(rows, columns)
    return ordered.reshape(costs.shape[:-1]).astype(jnp.int32)


def exact_plan(
    x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m _"]
) -> tuple[float, Float[np.ndarray, "n m"]]:
    r"""$W_2^2 = \min_P\langle P, C\rangle$ without blur, and the plan: a reference for small clouds.

    On the host, by assignment if the sizes are equal and else by SciPy's linear programme (HiGHS). Each
    cloud has mass one, and C holds squared distances. Raises `ValueError` for clouds of different
    dimension, empty ones, and points that are not finite.
    """
    from scipy.optimize import linear_sum_assignment, linprog

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    shapes = x.shape[1:] == y.shape[1:] and x.ndim == 2 and x.size and y.size
    if not shapes or not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError(
            "`exact_plan(x, y)` takes two non-empty clouds (points, dimensions) of finite points and the "
            f"same dimension. Got shapes {x.shape} and {y.shape}; mask missing data first."
        )
    costs = np.square(x[:, None] - y[None]).sum(axis=-1)
    n, m = costs.shape
    if n == m:
        plan = np.zeros((n, n))
        plan[linear_sum_assignment(costs)] = 1.0 / n
    else:
        sums = vstack([kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))])
        masses = np.concatenate([np.full(n, 1.0 / n), np.full(m, 1.0 / m)])
        plan = linprog(costs.ravel(), A_eq=sums, b_eq=masses, method="highs").x.reshape(n, m)
    return float(np.sum(plan * costs)), plan
