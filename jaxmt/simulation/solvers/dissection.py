r"""Nested dissection in pure JAX, for GPUs and TPUs: few, large, batched matrix products.

The grid of unknowns is cut into equal small boxes that share the nodes on their common sides (George
1973; `boxes.py`). Each box is a dense matrix, a front; the nodes inside it are eliminated, which leaves a
Schur complement on the ring of nodes around it. Then pairs of boxes are merged, all pairs of a level at
once: their Schur complements are added on the union of the two rings, and the nodes of the side that they
shared are eliminated, up to the whole grid. With the front
$\begin{pmatrix}A_{II} & A_{IB}\\ A_{IB}^T & A_{BB}\end{pmatrix}$ of the nodes I to eliminate and the ring
B, a level keeps $D = A_{II}^{-1}$ and $X = DA_{IB}$, and hands up $A_{BB} - A_{IB}^TX$. A solve goes up,
$b_B \leftarrow b_B - X^Tb_I$, and down, $x_I = Db_I - Xx_B$.

No pivoting is needed: with $A = K + i\omega M$, K and M symmetric and positive (semi-)definite, every
Schur complement is of the same kind, and elements grow by less than 3 (George, Ikramov & Kucherov 2002).
"""

from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Int

from ..solve import AbstractSolver, Stencil
from .boxes import Merge, Plan, plan

PIVOTS = 32
"""Nodes eliminated at once, as one matrix product."""


class _Level(NamedTuple):
    """D and X of all boxes of a level; the last box, the grid, has no ring and no X."""

    inverse: Complex[Array, "down across inner inner"]
    coupling: Complex[Array, "down across inner ring"] | None


class _Factor(NamedTuple):
    """The levels, from the smallest boxes to the grid; none if they are to be made again."""

    stencil: Stencil
    levels: tuple[_Level, ...] | None


class NestedDissection(AbstractSolver):
    r"""Block elimination on the device, batched over the boxes of a level, frequencies and models.

    - `refinements`: None keeps the factors in double precision. A number keeps them in single precision,
      with half the memory and, on most GPUs, a fraction of the time, and improves the solution by as
      many steps $x \leftarrow x + \tilde A^{-1}(b - Ax)$ in double precision. Each gains three to six
      digits; three reach the accuracy of double precision on the meshes of the tests.
    - `keep`: whether the factors are kept for the adjoint pass or made again, which saves memory.
    """

    one_batch: ClassVar[bool] = True
    refinements: int | None = None
    keep: bool = True

    def __check_init__(self) -> None:
        if self.refinements is not None and self.refinements < 1:
            raise ValueError(
                "`NestedDissection(refinements=...)` must be at least 1, or None for factors in double "
                f"precision. Got {self.refinements}."
            )

    def factorise(self, stencil: Stencil) -> _Factor:
        """The levels of the elimination."""
        return _Factor(stencil, self._levels(stencil) if self.keep else None)

    def substitute(
        self, factor: _Factor, rhs: Complex[Array, "row col"], last: bool
    ) -> Complex[Array, "row col"]:
        """Solves A x = rhs; NaN if A is not finite, not finite if it is singular."""
        del last
        boxes = plan(*rhs.shape)
        levels = self._levels(factor.stencil) if factor.levels is None else factor.levels
        if self.refinements is None:
            return _solve(boxes, levels, rhs)
        x = jnp.zeros_like(rhs)
        for _ in range(1 + self.refinements):
            residual = rhs - factor.stencil.matvec(x)
            # Scaled, so that small residuals do not leave the range of single precision.
            scale = jnp.max(jnp.abs(residual))
            scale = jnp.where(scale > 0, scale, 1.0).astype(rhs.dtype)
            step = _solve(boxes, levels, (residual / scale).astype(jnp.complex64))
            x = x + scale * step.astype(rhs.dtype)
        return x

    def _levels(self, stencil: Stencil) -> tuple[_Level, ...]:
        dtype = stencil.diagonal.dtype if self.refinements is None else jnp.complex64
        # An infinite pivot would drop its node without a trace; NaN spreads to the whole solution.
        diagonal, down, right = (
            jnp.where(jnp.isfinite(part), part, jnp.nan).astype(dtype)
            for part in (stencil.diagonal, -stencil.down, -stencil.right)
        )
        return _factorise(plan(*stencil.diagonal.shape), diagonal, down, right)


def _boxed(
    boxes: Plan, values: Complex[Array, "row col"], padding: int
) -> Complex[Array, "down across own"]:
    """Values of the nodes as the smallest boxes own them."""
    (a, b), (p, q) = boxes.size, boxes.number
    rows, cols = values.shape
    frame = ((1, a * p - 1 - rows), (1, b * q - 1 - cols))
    padded = jnp.pad(values, frame, constant_values=padding)
    return padded.reshape(p, a, q, b).transpose(0, 2, 1, 3).reshape(p, q, a * b)


def _factorise(
    boxes: Plan,
    diagonal: Complex[Array, "row col"],
    down: Complex[Array, "row-1 col"],
    right: Complex[Array, "row col-1"],
) -> tuple[_Level, ...]:
    parts = (diagonal, jnp.pad(down, ((0, 1), (0, 0))), jnp.pad(right, ((0, 0), (0, 1))))
    owned = [_boxed(boxes, part, padding) for part, padding in zip(parts, (1, 0, 0), strict=True)]
    front = _take(jnp.concatenate(owned, axis=-1), boxes.entries, -1)
    level, schur = _eliminate(front, boxes.inner)
    levels = [level]
    for merge in boxes.merges:
        first, second = (
            _take(_take(child, place, -1), place, -2)
            for child, place in zip(_pairs(schur, merge), merge.down, strict=True)
        )
        level, schur = _eliminate(first + second, merge.inner)
        levels.append(level)
    return tuple(levels)


def _solve(
    boxes: Plan, levels: tuple[_Level, ...], rhs: Complex[Array, "row col"]
) -> Complex[Array, "row col"]:
    b = _take(_boxed(boxes, rhs, 0), boxes.own, -1)
    inside = []
    for level, merge in zip(levels, (None, *boxes.merges), strict=True):
        if merge is not None:
            first, second = (
                _take(child, place, -1) for child, place in zip(_pairs(b, merge), merge.down, strict=True)
            )
            b = first + second
        inner = level.inverse.shape[-1]
        inside.append(b[..., :inner])
        if level.coupling is not None:
            b = b[..., inner:] - _product(level.coupling.mT, b[..., :inner])
    x = b
    for level, merge, own in zip(levels[::-1], (*boxes.merges[::-1], None), inside[::-1], strict=True):
        front = _product(level.inverse, own)
        if level.coupling is not None:
            front = jnp.concatenate([front - _product(level.coupling, x), x], axis=-1)
        if merge is not None:
            children = [_take(front, place, -1) for place in merge.up]
            x = jnp.stack(children, axis=1 + merge.axis)
            x = x.reshape(*_interleaved(front.shape[:2], merge), -1)
        else:
            x = _take(front, boxes.out, -1)
    (a, b), (p, q) = boxes.size, boxes.number
    grid = x.reshape(p, q, a, b).transpose(0, 2, 1, 3).reshape(a * p, b * q)
    return grid[1 : rhs.shape[0] + 1, 1 : rhs.shape[1] + 1]


def _interleaved(shape: tuple[int, ...], merge: Merge) -> tuple[int, ...]:
    """Boxes down and across of the level below."""
    down, across = shape
    return (2 * down, across) if merge.axis == 0 else (down, 2 * across)


def _pairs(values: Array, merge: Merge) -> tuple[Array, Array]:
    """The first and the second child of each box."""
    if merge.axis == 0:
        return values[0::2], values[1::2]
    return values[:, 0::2], values[:, 1::2]


def _take(values: Array, places: Int[np.ndarray, "..."], axis: int) -> Array:
    """Entries along an axis; zero for those that are not there."""
    return jnp.take(values, places, axis=axis, mode="fill", fill_value=0)


def _product(matrix: Complex[Array, "... m n"], vector: Complex[Array, "... n"]) -> Complex[Array, "... m"]:
    # Without this a TPU, and some GPUs, multiply with fewer digits.
    return jnp.einsum("...mn,...n->...m", matrix, vector, precision=lax.Precision.HIGHEST)


def _eliminate(
    front: Complex[Array, "down across front front"], inner: int
) -> tuple[_Level, Complex[Array, "down across ring ring"]]:
    """D, X and the Schur complement, if any, by Gauss-Jordan steps with blocks of pivots."""
    for begin in range(0, inner, PIVOTS):
        end = min(begin + PIVOTS, inner)
        inverse = _inverse(front[..., begin:end, begin:end])
        if end - begin == front.shape[-1]:
            # Not through the general step, which ends XLA's compiler on several devices in jax 0.11.2.
            return _Level(inverse, None), inverse
        row = jnp.matmul(inverse, front[..., begin:end, :], precision=lax.Precision.HIGHEST)
        row = row.at[..., begin:end].set(inverse)
        column = front[..., begin:end]
        front = front.at[..., begin:end].set(0)
        front = front - jnp.matmul(column, row, precision=lax.Precision.HIGHEST)
        front = front.at[..., begin:end, :].set(row)
    if inner == front.shape[-1]:
        return _Level(front, None), front
    return _Level(front[..., :inner, :inner], front[..., :inner, inner:]), front[..., inner:, inner:]


def _inverse(matrix: Complex[Array, "... n n"]) -> Complex[Array, "... n n"]:
    """Inverse by Gauss-Jordan steps, in place and without pivoting."""
    n = matrix.shape[-1]

    def step(k: Int[Array, ""], a: Complex[Array, "... n n"]) -> Complex[Array, "... n n"]:
        here = jnp.arange(n) == k
        column = lax.dynamic_index_in_dim(a, k, -1)
        pivot = lax.dynamic_index_in_dim(column, k, -2)
        row = lax.dynamic_index_in_dim(a, k, -2) / pivot
        row = jnp.where(here, 1 / pivot, row)
        a = jnp.where(here, 0, a) - jnp.where(here[:, None], 0, column) * row
        return jnp.where(here[:, None], row, a)

    return lax.fori_loop(0, n, step, matrix)
