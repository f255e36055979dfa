"""The cost of moving mass between any two points: for small clouds, and where no neighbours are known."""

from typing import Any, cast

import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float

from .kernel import AbstractGeometry, AbstractKernel, Pair

Matrix = Float[Array, "n m"]


class FullKernel(AbstractKernel):
    """A kernel as a matrix."""

    near: Pair
    epsilon: Float[Array, ""]
    matrix: Matrix

    def multiply(self, vector: Float[Array, " k"], axis: int) -> Float[Array, " l"]:
        """As a matrix or its transpose."""
        return self.matrix @ vector if axis == 1 else vector @ self.matrix


class FullGeometry(AbstractGeometry):
    """Squared distances between all points of two weighted clouds; `epsilon` is blur squared."""

    def __init__(self, x: Float[Array, "n d"], y: Float[Array, "m d"], epsilon: Float[Array, ""]) -> None:
        super().__init__(cost_matrix=squared_distances(x, y), epsilon=cast(Any, epsilon))

    def kernel(self, pair: Pair, epsilon: Float[Array, ""]) -> FullKernel:
        """The kernel near (f', g)."""
        exponent = (pair.g[None, :] - self.cost_matrix) / epsilon
        largest = jnp.max(exponent, axis=1)
        return FullKernel(Pair(-epsilon * largest, pair.g), epsilon, jnp.exp(exponent - largest[:, None]))

    def apply_lse_kernel(
        self, f: Float[Array, " n"], g: Float[Array, " m"], eps: Any, vec: Any = None, axis: int = 0
    ) -> tuple[Float[Array, " k"], Float[Array, " 1"]]:
        r"""$\varepsilon\log\sum_i e^{(f_i - c_{ij})/\varepsilon}$ (axis 0) or the same over j (axis 1)."""
        del vec
        potential = g[None, :] if axis == 1 else f[:, None]
        return eps * logsumexp((potential - self.cost_matrix) / eps, axis=axis), jnp.ones(1, f.dtype)

    def largest_cost(self) -> Float[Array, ""]:
        """Of all pairs."""
        return jnp.max(self.cost_matrix)


def squared_distances(x: Float[Array, "n d"], y: Float[Array, "m d"]) -> Matrix:
    """|x_i - y_j|^2."""
    # Coordinate by coordinate: exact for equal points, and no array (n, m, d) is made.
    total = jnp.zeros((len(x), len(y)), x.dtype)
    for mine, theirs in zip(x.T, y.T, strict=True):
        total = total + jnp.square(mine[:, None] - theirs[None, :])
    return total


def plan_matrix(
    x: Float[Array, "n d"], y: Float[Array, "m d"], potentials: Pair, epsilon: ArrayLike
) -> Matrix:
    r"""The plan $P_{ij} = e^{(f_i + g_j - |x_i - y_j|^2)/\varepsilon}$ in full."""
    return jnp.exp((potentials.f[:, None] + potentials.g[None, :] - squared_distances(x, y)) / epsilon)


def displacement(
    x: Float[Array, "n d"], y: Float[Array, "m d"], potentials: Pair, epsilon: Float[Array, ""]
) -> Float[Array, "n d"]:
    r"""$\sum_j P_{ij}(x_i - y_j)$: how far, and how much, the mass at $x_i$ moves."""
    plan = plan_matrix(x, y, potentials, epsilon)
    return jnp.sum(plan, axis=1)[:, None] * x - plan @ y
