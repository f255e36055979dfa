r"""A x = b for the symmetric five-point systems, and its derivative by the adjoint state.

This is the only derivative written by hand. With $A^T = A$ (complex symmetric, no conjugate) and a
real loss L, JAX's cotangents obey $\bar b = A^{-T}\bar x = A^{-1}\bar x =: \lambda$ and
$\bar A = -\lambda x^T$, restricted to the entries that A has: the factors of the field serve the
adjoint. The backward rule calls `substitute` again, so it can itself be differentiated in reverse,
which is how products with the Jacobian are formed (`sensitivity.py`).

JAX takes no tangent of such a rule, so there is a second way for forward mode, by
`lax.custom_linear_solve`: $\dot x = A^{-1}(\dot b - \dot A x)$ on the same factors, which JAX transposes to
the adjoint state, and differentiates again.
"""

import abc
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, PyTree

from .reverse_only import reverse_only
from .sharding import vary_alike


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
    # What comes from the host is not known to vary over the devices of a `jax.shard_map`.
    return vary_alike((solver.substitute(factor, rhs, last), rhs))[0]


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
    return None, pull(adjoint, x), adjoint


def pull(adjoint: Complex[Array, "row col"], x: Complex[Array, "row col"]) -> Stencil:
    r"""$\bar A = -\lambda x^T$ where the operator has coefficients."""
    # An off-diagonal coefficient enters A twice with a minus sign, and is real.
    return Stencil(
        diagonal=-adjoint * x,
        down=jnp.real(adjoint[:-1] * x[1:] + adjoint[1:] * x[:-1]),
        right=jnp.real(adjoint[:, :-1] * x[:, 1:] + adjoint[:, 1:] * x[:, :-1]),
    )


_substitute.defvjp(_forward, _backward)


def _linear_solve(
    solver: AbstractSolver,
    last: bool,
    factor: PyTree[Any],
    stencil: Stencil,
    rhs: Complex[Array, "row col"],
) -> Complex[Array, "row col"]:
    def substitute(matvec: Callable[..., Any], b: Complex[Array, "row col"]) -> Complex[Array, "row col"]:
        del matvec
        return _substitute_plainly(solver, last, factor, stencil, b)

    return lax.custom_linear_solve(stencil.matvec, rhs, substitute, substitute, symmetric=True)


_both_modes: Callable[..., Complex[Array, "row col"]] = jax.custom_jvp(
    _linear_solve, nondiff_argnums=(0, 1)
)


@_both_modes.defjvp
def _tangent(
    solver: AbstractSolver, last: bool, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Complex[Array, "row col"], Complex[Array, "row col"]]:
    """The rule of `lax.custom_linear_solve`, written out to say which solve is the last one."""
    del last
    factor, stencil, rhs = primals
    _, stencil_dot, rhs_dot = tangents
    x = _linear_solve(solver, False, factor, stencil, rhs)
    return x, _linear_solve(solver, True, factor, stencil, rhs_dot - stencil_dot.matvec(x))


def solve(
    solver: AbstractSolver, stencil: Stencil, rhs: Complex[Array, "row col"], forward_mode: bool = False
) -> Complex[Array, "row col"]:
    """Solves A x = rhs, differentiable to any order with respect to A and rhs.

    In reverse only, by the adjoint state, or in both modes with `forward_mode`. Raises `TypeError` for
    forward mode without it; `jaxmt.jacobian_vector_product` forms the product in reverse.
    """
    stencil, rhs = vary_alike((stencil, rhs))
    factor = lax.stop_gradient(solver.factorise(lax.stop_gradient(stencil)))
    if forward_mode:
        return _both_modes(solver, True, factor, stencil, rhs)
    return _substitute(solver, True, factor, *reverse_only((stencil, rhs)))


def solve_all(
    solver: AbstractSolver,
    stencils: Sequence[Stencil],
    rhs: Sequence[Complex[Array, "_row col"]],
    forward_mode: bool = False,
) -> list[Complex[Array, "_row col"]]:
    """Solves systems that may differ in their number of rows."""
    if not solver.one_batch or len(rhs) == 1:
        return [solve(solver, a, b, forward_mode) for a, b in zip(stencils, rhs, strict=True)]
    most = max(len(b) for b in rhs)
    lowered = [a.lowered(most - len(b)) for a, b in zip(stencils, rhs, strict=True)]
    together = jax.tree.map(lambda *parts: jnp.stack(parts), *lowered)
    padded = jnp.stack([jnp.pad(b, ((most - len(b), 0), (0, 0))) for b in rhs])
    x = jax.vmap(lambda a, b: solve(solver, a, b, forward_mode))(together, padded)
    return [full[most - len(b) :] for full, b in zip(x, rhs, strict=True)]
