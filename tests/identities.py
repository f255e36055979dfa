"""What many tests state: orders of convergence, Taylor remainders, adjoint products, full matrices, presence."""

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

T = TypeVar("T")


def present(value: T | None) -> T:
    """`value`, which must not be None here."""
    assert value is not None
    return value


def observed_orders(errors, ratio=2.0):
    """Exponents p of errors ~ h^p between neighbours, for steps that shrink by `ratio`."""
    errors = np.asarray(errors)
    return np.log(errors[:-1] / errors[1:]) / np.log(ratio)


def self_convergence_order(coarse, medium, fine, ratio=2.0):
    """Exponent p from three levels whose limit is unknown, in the 2-norm over all values."""
    first = np.linalg.norm(np.asarray(coarse) - np.asarray(medium))
    second = np.linalg.norm(np.asarray(medium) - np.asarray(fine))
    return np.log(first / second) / np.log(ratio)


def taylor_orders(function, jacobian, at, directions, steps=(0.02, 0.01)):
    """Exponents of |F(x + h d) - F(x) - h J d| between two steps h: (row of F, direction d).

    `function` returns an array (row, ...), `jacobian` the same with the axes of x appended;
    `directions` is stacked along the first axis. A correct J gives 2 or more, a wrong one 1.
    """
    axes = directions.ndim - 1
    last = tuple(range(-axes, 0))
    slope = jnp.tensordot(directions, jacobian, (last, last))
    shifts = jnp.stack([h * directions for h in (0.0, *steps)])
    values = jax.lax.map(lambda shift: function(at + shift), shifts.reshape(-1, *at.shape))
    values = values.reshape(*shifts.shape[:2], *values.shape[1:])
    norms = [
        jnp.linalg.norm((moved - values[0] - h * slope).reshape(*slope.shape[:2], -1), axis=-1)
        for moved, h in zip(values[1:], steps, strict=True)
    ]
    return np.log(np.asarray(norms[0] / norms[1])).T / np.log(steps[0] / steps[1])


def dot_product_gap(product, transposed, v, w):
    """|<J v, w> - <v, J^T w>| over their size."""
    left, right = jnp.vdot(product(v), w), jnp.vdot(v, transposed(w))
    return float(jnp.abs(left - right) / jnp.abs(left))


@jax.jit
def dense(stencil):
    """The matrix of a stencil, column by column from its products with unit vectors."""
    n = stencil.diagonal.size
    units = jnp.eye(n, dtype=complex).reshape(n, *stencil.diagonal.shape)
    return jax.vmap(stencil.matvec)(units).reshape(n, n).T
