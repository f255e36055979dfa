"""Distance from a given section."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ...simulation.mesh import Mesh
from .abstract import AbstractRegularization


class Smallness(AbstractRegularization):
    r"""$\sum u\,(m - m_0)^2$ over the free cells, with $m = \log_{10}\rho$.

    - `resistivity`: $10^{m_0}$, ohm m; a half-space, or a section of shape `mesh.shape`.
    - `weight`: u; a number, or one for each cell.
    """

    resistivity: np.ndarray = eqx.field(converter=lambda v: np.array(v, dtype=float))
    weight: np.ndarray = eqx.field(default=1.0, converter=lambda v: np.array(v, dtype=float))

    def __check_init__(self) -> None:
        resistivity, weight = self.resistivity, self.weight
        if not np.all(np.isfinite(resistivity) & (resistivity > 0)):
            bad = resistivity[~(np.isfinite(resistivity) & (resistivity > 0))]
            raise ValueError(
                f"`Smallness(resistivity=...)` must be positive and finite, in ohm m. Got {bad[0]}."
            )
        if not np.all(np.isfinite(weight) & (weight >= 0)):
            bad = weight[~(np.isfinite(weight) & (weight >= 0))]
            raise ValueError(f"`Smallness(weight=...)` must be finite and not negative. Got {bad[0]}.")

    def __call__(
        self, log10_resistivity: Float[Array, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> Float[Array, ""]:
        """The weighted squared distance."""
        reference = jnp.log10(_checked("resistivity", self.resistivity, mesh))
        weight = jnp.where(free, _checked("weight", self.weight, mesh), 0.0)
        return jnp.sum(weight * jnp.square(log10_resistivity - reference))

    def curvature(
        self, log10_resistivity: Float[np.ndarray, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> sparse.csr_array:
        """The weights; the same for all sections."""
        del log10_resistivity
        weight = np.where(free, _checked("weight", self.weight, mesh), 0.0)
        return sparse.csr_array(sparse.diags_array(np.ravel(weight)))


def _checked(name: str, values: np.ndarray, mesh: Mesh) -> np.ndarray:
    if values.ndim and values.shape != mesh.shape:
        raise ValueError(
            f"`Smallness({name}=...)` must be a number or have shape (earth rows, columns) = {mesh.shape}. "
            f"Got {values.shape}."
        )
    return values
