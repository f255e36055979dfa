"""What a section should look like where the data do not say: smooth."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .mesh import Mesh


class AbstractRegularization(eqx.Module):
    """A penalty on a section for `invert(regularization=...)`."""

    @abc.abstractmethod
    def __call__(
        self, log10_resistivity: Float[Array, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> Float[Array, ""]:
        """The penalty; differences to cells that are not `free` do not count."""


class Smoothness(AbstractRegularization):
    r"""Sum of squared differences of log10 resistivity between neighbours, growing with depth.

    $\sum w(z)\,(h\,\Delta_y m)^2 + w(z)\,(v\,\Delta_z m)^2$ with $w(z) = (z/z_0)^{q}$, z the depth of the
    cell centre and $z_0$ that of the first row. Differences are taken per cell, not per metre: cells
    that grow with depth like the resolution of the data then weigh the same at all depths, and w
    adds to that.

    - `horizontal`, `vertical`: h and v.
    - `depth_exponent`: q.
    """

    horizontal: float = 1.0
    vertical: float = 1.0
    depth_exponent: float = 0.3

    def __check_init__(self) -> None:
        if self.horizontal < 0 or self.vertical < 0 or self.horizontal + self.vertical == 0:
            raise ValueError(
                "`Smoothness(horizontal=..., vertical=...)` must not be negative nor both zero. "
                f"Got horizontal={self.horizontal}, vertical={self.vertical}."
            )

    def __call__(
        self, log10_resistivity: Float[Array, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> Float[Array, ""]:
        """The roughness of a section."""
        depth = mesh.z_centres / mesh.z_centres[0]
        weight = depth**self.depth_exponent
        between = np.sqrt(weight[1:] * weight[:-1])
        along = self.horizontal**2 * weight[:, None] * (free[:, 1:] & free[:, :-1])
        down = self.vertical**2 * between[:, None] * (free[1:] & free[:-1])
        m = log10_resistivity
        return jnp.sum(along * jnp.square(jnp.diff(m, axis=1))) + jnp.sum(
            down * jnp.square(jnp.diff(m, axis=0))
        )
