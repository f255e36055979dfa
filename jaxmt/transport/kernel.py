r"""The kernel $e^{(f_i + g_j - c_{ij})/\varepsilon}$ near some potentials: sweeps without exponentials.

Potentials that differ from those of the kernel by u and v enter as factors, $e^{u_i/\varepsilon}$ and
$e^{v_j/\varepsilon}$, so that $\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$ is a product of the
kernel and a vector. Kernels are made anew before the factors leave the range of numbers (stabilised
scaling, Schmitzer 2019, SIAM J. Sci. Comput. 41(3), A1443).
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class Potentials(NamedTuple):
    """Dual potentials at the points of x and of y."""

    f: Float[Array, " n"]
    g: Float[Array, " m"]


class AbstractKernel(eqx.Module):
    """A kernel: `near` are its potentials, `epsilon` its blur squared."""

    near: eqx.AbstractVar[Potentials]
    epsilon: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def multiply(self, vector: Float[Array, " k"], axis: int) -> Float[Array, " l"]:
        """The sum over y for each point of x (axis 1), or over x for each point of y (axis 0)."""


class AbstractGeometry(eqx.Module):
    """The cost of moving mass between two clouds; `epsilon` is the blur squared."""

    epsilon: eqx.AbstractVar[Float[Array, ""]]

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of points of x and of y."""

    @abc.abstractmethod
    def kernel(self, potentials: Potentials, epsilon: Float[Array, ""]) -> AbstractKernel:
        """The kernel near (f', g), where f' makes the largest entry of each row one; f does not matter."""

    @abc.abstractmethod
    def log_sum_exp(
        self, potential: Float[Array, " k"], epsilon: Float[Array, ""], axis: int
    ) -> Float[Array, " l"]:
        r"""$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$ (axis 1), or over i with f (axis 0)."""

    @abc.abstractmethod
    def largest_cost(self) -> Float[Array, ""]:
        """The largest cost of any pair that the geometry knows."""


def log_sum(kernel: AbstractKernel, potentials: Potentials, axis: int) -> Float[Array, " k"]:
    r"""$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$ (axis 1), or over i with f (axis 0).

    No less than the logarithm of the smallest number allows: from far away it takes several kernels.
    """
    # Side 0 is x: along axis 1 its points get sums over y, and the other way round.
    factors = jnp.exp((potentials[axis] - kernel.near[axis]) / kernel.epsilon)
    tiny = 1e10 * jnp.finfo(factors.dtype).tiny
    product = jnp.maximum(kernel.multiply(factors, axis), tiny)
    return kernel.epsilon * jnp.log(product) - kernel.near[1 - axis]
