"""What many tests state: orders of convergence, Taylor remainders, adjoint products."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt


def observed_orders(errors, ratio=2.0):
    """Exponents p of errors ~ h^p between neighbours, for steps that shrink by `ratio`."""
    errors = np.asarray(errors)
    return np.log(errors[:-1] / errors[1:]) / np.log(ratio)


def self_convergence_order(coarse, medium, fine, ratio=2.0):
    """Exponent p from three levels whose limit is unknown, in the 2-norm over all values."""
    first = np.linalg.norm(np.asarray(coarse) - np.asarray(medium))
    second = np.linalg.norm(np.asarray(medium) - np.asarray(fine))
    return np.log(first / second) / np.log(ratio)


def taylor_orders(function, at, directions, steps=(0.02, 0.01)):
    """Exponents of |F(x + h d) - F(x) - h J d| between two steps h, one for each row of F and each d.

    `function` returns an array (row, ...); `directions` is stacked along the first axis. A correct J
    gives 2 or more, a wrong one 1.
    """
    value = function(at)
    jacobian = jax.jacrev(function)(at)
    slope = jnp.einsum("...zy,nzy->n...", jacobian, directions)
    both = jnp.stack([at + h * directions for h in steps])
    moved = jax.lax.map(function, both.reshape(-1, *at.shape)).reshape(len(steps), *slope.shape)
    remainder = moved - value - jnp.asarray(steps).reshape(-1, *[1] * slope.ndim) * slope
    norms = jnp.sqrt(jnp.sum(remainder**2, axis=tuple(range(3, remainder.ndim))))
    return np.log(np.asarray(norms[0] / norms[1])) / np.log(steps[0] / steps[1])


def dot_product_gap(function, at, seed):
    """|<J v, w> - <v, J^T w>| over their size, for random v and w."""
    v_key, w_key = jax.random.split(jax.random.key(seed))
    v = jax.random.normal(v_key, at.shape)
    forward = jaxmt.jacobian_vector_product(function, at, v)
    w = jax.random.normal(w_key, forward.shape)
    backward = jaxmt.vector_jacobian_product(function, at, w)
    left, right = jnp.vdot(forward, w), jnp.vdot(v, backward)
    return float(jnp.abs(left - right) / jnp.abs(left))
