r"""A x = b for the symmetric five-point systems, and its derivative by the adjoint state.

This is the only derivative written by hand. With $A^T = A$ (complex symmetric, no conjugate) and a
real loss L, JAX's cotangents obey $\bar b = A^{-T}\bar x = A^{-1}\bar x =: \lambda$ and
$\bar A = -\lambda x^T$, restricted to the entries that A has: the factors of the field serve the
adjoint. The backward rule calls `substitute` again, so it can itself be differentiated in reverse,
which is how products with the Jacobian are formed (`sensitivity.py`).
"""

import abc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, PyTree


class Stencil(eqx.Module):
    """A symmetric five-point operator on a grid of unknowns.

    (A x)[i, j] = diagonal[i, j] x[i, j] - down[i, j] x[i+1, j] - down[i-1, j] x[i-1, j]
                                         - right[i, j] x[i, j+1] - right[i, j-1] x[i, j-1]
    """

    diagonal: Complex[Array, "row col"]
    down: Float[Array, "row-1 col"]
    right: Float[Array, "row col-1"]

    def matvec(self, x: Complex[Array, "row col"]) -> Complex[Array, "row col"]:
        """A x."""
        down, right = self.down.astype(x.dtype), self.right.astype(x.dtype)
        y = self.diagonal * x
        y = y.at[:-1].add(-down * x[1:]).at[1:].add(-down * x[:-1])
        return y.at[:, :-1].add(-right * x[:, 1:]).at[:, 1:].add(-right * x[:, :-1])

    def lowered(self, rows: int) -> "Stencil":
        """The operator below `rows` more rows of unknowns, which equal their right-hand sides."""
        top = ((rows, 0), (0, 0))
        diagonal = jnp.pad(self.diagonal, top, constant_values=1)
        return Stencil(diagonal, jnp.pad(self.down, top), jnp.pad(self.right, top))


class AbstractSolver(eqx.Module):
    """A way to solve with a `Stencil`: pass an instance to `simulate(solver=...)`.

    Both methods act on one system and are `vmap`ped over frequencies and models; they need no
    derivative of their own. `one_batch` says that systems of different sizes are best padded to one size
    and solved in one batch, as on a GPU.
    """

    one_batch: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def factorise(self, stencil: Stencil) -> PyTree[Any]:
        """Whatever `substitute` needs, as arrays; made once, used for the field and its adjoint."""

    @abc.abstractmethod
    def substitute(
        self, factor: PyTree[Any], rhs: Complex[Array, "row col"], last: bool
    ) -> Complex[Array, "row col"]:
        """Solves A x = rhs; `last` says that this use of `factor` is most likely the last one."""


def _substitute_plainly(
    solver: AbstractSolver,
    last: bool,
    factor: PyTree[Any],
    stencil: Stencil,
    rhs: Complex[Array, "row col"],
) -> Complex[Array, "row col"]:
    del stencil
    return solver.substitute(factor, rhs, last)


_substitute: Callable[..., Complex[Array, "row col"]] = jax.custom_vjp(
    _substitute_plainly, nondiff_argnums=(0, 1)
)


def _forward(
    solver: AbstractSolver,
    last: bool,
    factor: PyTree[Any],
    stencil: Stencil,
    rhs: Complex[Array, "row col"],
) -> tuple[Complex[Array, "row col"], tuple[PyTree[Any], Stencil, Complex[Array, "row col"]]]:
    del last
    x = _substitute(solver, False, factor, stencil, rhs)
    return x, (factor, stencil, x)


def _backward(
    solver: AbstractSolver,
    last: bool,
    residual: tuple[PyTree[Any], Stencil, Complex[Array, "row col"]],
    x_bar: Complex[Array, "row col"],
) -> tuple[None, Stencil, Complex[Array, "row col"]]:
    del last
    factor, stencil, x = residual
    adjoint = _substitute(solver, True, factor, stencil, x_bar)
    # An off-diagonal coefficient enters A twice with a minus sign, and is real.
    stencil_bar = Stencil(
        diagonal=-adjoint * x,
        down=jnp.real(adjoint[:-1] * x[1:] + adjoint[1:] * x[:-1]),
        right=jnp.real(adjoint[:, :-1] * x[:, 1:] + adjoint[:, 1:] * x[:, :-1]),
    )
    return None, stencil_bar, adjoint


_substitute.defvjp(_forward, _backward)


def solve(
    solver: AbstractSolver, stencil: Stencil, rhs: Complex[Array, "row col"]
) -> Complex[Array, "row col"]:
    """Solves A x = rhs, differentiable in reverse, to any order, with respect to A and rhs.

    Forward mode (`jax.jvp`) is not available; `jaxmt.jacobian_vector_product` forms the product.
    """
    factor = lax.stop_gradient(solver.factorise(lax.stop_gradient(stencil)))
    return _substitute(solver, True, factor, stencil, rhs)


def solve_all(
    solver: AbstractSolver,
    stencils: Sequence[Stencil],
    rhs: Sequence[Complex[Array, "_row col"]],
) -> list[Complex[Array, "_row col"]]:
    """Solves systems that may differ in their number of rows."""
    if not solver.one_batch or len(rhs) == 1:
        return [solve(solver, a, b) for a, b in zip(stencils, rhs, strict=True)]
    most = max(len(b) for b in rhs)
    lowered = [a.lowered(most - len(b)) for a, b in zip(stencils, rhs, strict=True)]
    together = jax.tree.map(lambda *parts: jnp.stack(parts), *lowered)
    padded = jnp.stack([jnp.pad(b, ((most - len(b), 0), (0, 0))) for b in rhs])
    x = jax.vmap(partial(solve, solver))(together, padded)
    return [full[most - len(b) :] for full, b in zip(x, rhs, strict=True)]
