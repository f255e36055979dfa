"""The published measure of roughness."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

import jaxmt
from jaxmt.inversion.regularization import AbstractRegularization


class SquaredGradient(AbstractRegularization):
    r"""$\sum |w(z)\,\nabla\ln\sigma|^2\,L$ with $w = (z/z_0)^q$ over its largest value.

    Gradients are per metre, unlike the differences of `jaxmt.Smoothness`. L is the length of the interface
    of two cells, m, as in the inversion of the three blocks: what is coarse, so what lies deep, may change
    almost for nothing. With `areas` L is times the distance of the centres, as in their later inversions.

    - `depth_exponent`: q. `areas`: whether it is an integral over area.
    """

    depth_exponent: float = 0.3
    areas: bool = False

    def __call__(
        self,
        log10_resistivity: Float[Array, "earth y"],
        mesh: jaxmt.Mesh,
        free: Bool[np.ndarray, "earth y"],
    ) -> Float[Array, ""]:
        """The sum, 1/m, or the integral, without unit."""
        across, down = self._weights(mesh, free)
        along = jnp.sum(across * jnp.square(jnp.diff(log10_resistivity, axis=1)))
        return along + jnp.sum(down * jnp.square(jnp.diff(log10_resistivity, axis=0)))

    def curvature(
        self,
        log10_resistivity: Float[np.ndarray, "earth y"],
        mesh: jaxmt.Mesh,
        free: Bool[np.ndarray, "earth y"],
    ) -> sparse.csr_array:
        """The same for all sections."""
        del log10_resistivity
        n_z, n_y = mesh.shape
        rows = sparse.vstack(
            [
                sparse.kron(sparse.eye_array(n_z), _differences(n_y)),
                sparse.kron(_differences(n_z), sparse.eye_array(n_y)),
            ]
        )
        weights = np.concatenate([np.ravel(w) for w in self._weights(mesh, free)])
        return sparse.csr_array(rows.T @ sparse.diags_array(weights) @ rows)

    def _weights(
        self, mesh: jaxmt.Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> tuple[Float[np.ndarray, "earth inner_y"], Float[np.ndarray, "inner_z y"]]:
        """What multiplies the squared differences of log10 resistivity, across and down."""
        along, below = self.links(mesh, free)
        weight = (mesh.z_centres / mesh.z_centres[0]) ** self.depth_exponent
        weight /= weight.max()
        between = 0.5 * (weight[1:] + weight[:-1])
        power = 1 if self.areas else 2
        across = (weight**2 * mesh.dz)[:, None] / np.diff(mesh.y_centres) ** power
        down = (between**2 / np.diff(mesh.z_centres) ** power)[:, None] * mesh.dy
        return np.log(10) ** 2 * across * along, np.log(10) ** 2 * down * below


def _differences(n: int) -> sparse.dia_array:
    return sparse.eye_array(n - 1, n, k=1) - sparse.eye_array(n - 1, n)
