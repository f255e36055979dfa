"""The cost of moving mass between any two points: for small clouds, and where no neighbours are known."""

import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float

from .kernel import AbstractGeometry, AbstractKernel, Potentials

Matrix = Float[Array, "n m"]


class FullKernel(AbstractKernel):
    """A kernel as a matrix."""

    near: Potentials
    epsilon: Float[Array, ""]
    matrix: Matrix

    def multiply(self, vector: Float[Array, " k"], axis: int) -> Float[Array, " l"]:
        """As a matrix or its transpose."""
        return self.matrix @ vector if axis == 1 else vector @ self.matrix


class FullGeometry(AbstractGeometry):
    """Squared distances between all points of two weighted clouds; `epsilon` is blur squared."""

    cost_matrix: Matrix
    epsilon: Float[Array, ""]

    def __init__(self, x: Float[Array, "n d"], y: Float[Array, "m d"], epsilon: Float[Array, ""]) -> None:
        self.cost_matrix, self.epsilon = squared_distances(x, y), epsilon

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points of x and of y."""
        n, m = self.cost_matrix.shape
        return n, m

    def kernel(self, potentials: Potentials, epsilon: Float[Array, ""]) -> FullKernel:
        """The kernel near (f', g)."""
        exponent = (potentials.g[None, :] - self.cost_matrix) / epsilon
        largest = jnp.max(exponent, axis=1)
        near = Potentials(-epsilon * largest, potentials.g)
        return FullKernel(near, epsilon, jnp.exp(exponent - largest[:, None]))

    def log_sum_exp(
        self, potential: Float[Array, " k"], epsilon: Float[Array, ""], axis: int
    ) -> Float[Array, " l"]:
        r"""$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$ (axis 1), or over i with f (axis 0)."""
        exponent = (jnp.expand_dims(potential, 1 - axis) - self.cost_matrix) / epsilon
        return epsilon * logsumexp(exponent, axis=axis)

    def largest_cost(self) -> Float[Array, ""]:
        """The largest cost of all pairs."""
        return jnp.max(self.cost_matrix)


def squared_distances(x: Float[Array, "n d"], y: Float[Array, "m d"]) -> Matrix:
    """|x_i - y_j|^2."""
    # Coordinate by coordinate: exact for equal points, and no array (n, m, d) is made.
    total = jnp.zeros((len(x), len(y)), x.dtype)
    for mine, theirs in zip(x.T, y.T, strict=True):
        total = total + jnp.square(mine[:, None] - theirs[None, :])
    return total


def plan_matrix(
    x: Float[Array, "n d"], y: Float[Array, "m d"], potentials: Potentials, epsilon: ArrayLike
) -> Matrix:
    r"""The plan $P_{ij} = e^{(f_i + g_j - |x_i - y_j|^2)/\varepsilon}$ in full."""
    return jnp.exp((potentials.f[:, None] + potentials.g[None, :] - squared_distances(x, y)) / epsilon)


def displacement(
    x: Float[Array, "n d"], y: Float[Array, "m d"], potentials: Potentials, epsilon: Float[Array, ""]
) -> Float[Array, "n d"]:
    r"""$\sum_j P_{ij}(x_i - y_j)$: how far, and how much, the mass at $x_i$ moves."""
    plan = plan_matrix(x, y, potentials, epsilon)
    return jnp.sum(plan, axis=1)[:, None] * x - plan @ y
