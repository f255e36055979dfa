"""Differences between neighbours."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ...programs import compiled
from ...simulation.mesh import Mesh
from .abstract import AbstractRegularization
from .cuts import Line, as_lines, crossed
from .norms import L2, AbstractNorm

Across = Float[Array, "earth inner_y"]
Down = Float[Array, "inner_z y"]


class Smoothness(AbstractRegularization):
    r"""Sum of norms of differences of log10 resistivity between neighbours, growing with depth.

    $\sum w(z)\,N((h\,\Delta_y m)^2) + w(z)\,N((v\,\Delta_z m)^2)$ with $w(z) = (z/z_0)^{q}$, z the depth of
    the cell centre and $z_0$ that of the first row; N is the identity for squares. Differences are taken
    per cell, not per metre: cells that grow with depth like the resolution of the data then weigh the same
    at all depths, and w adds to that.

    An isotropic norm takes the two together: $\sum w(z)\,N((h\,\Delta_y m)^2 + (v\,\Delta_z m)^2)$, the
    mean over the four corners of each cell, so that left and right are alike.

    - `horizontal`, `vertical`: h and v.
    - `depth_exponent`: q.
    - `norm`: N, such as `L1()`, `TotalVariation()` or `MinimumSupport()`.
    - `cuts`: broken lines of points (y, z) in m, z down; differences across them do not count.
    """

    horizontal: float = 1.0
    vertical: float = 1.0
    depth_exponent: float = 0.3
    norm: AbstractNorm = L2()
    cuts: tuple[Line, ...] = eqx.field(default=(), converter=as_lines)

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
        return self._sum(*_squares(log10_resistivity, self._counted(mesh, free)), mesh)

    def curvature(
        self, log10_resistivity: Float[np.ndarray, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> sparse.csr_array:
        """See `AbstractRegularization`; for `L2` the same for all sections."""
        counted = self._counted(mesh, free)
        slopes = _slopes(self, log10_resistivity, counted, mesh)
        weights = [
            np.ravel(count * np.asarray(slope)) for count, slope in zip(counted, slopes, strict=True)
        ]
        rows = _difference_rows(mesh)
        return sparse.csr_array(rows.T @ sparse.diags_array(np.concatenate(weights)) @ rows)

    def links(
        self, mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> tuple[Bool[np.ndarray, "earth inner_y"], Bool[np.ndarray, "inner_z y"]]:
        """All `free` neighbours that no cut parts."""
        across, down = crossed(mesh, self.cuts)
        return free[:, 1:] & free[:, :-1] & ~across, free[1:] & free[:-1] & ~down

    def _counted(
        self, mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> tuple[Float[np.ndarray, "earth inner_y"], Float[np.ndarray, "inner_z y"]]:
        """What multiplies the squared differences: zero for those that do not count."""
        along, below = self.links(mesh, free)
        return self.horizontal**2 * along, self.vertical**2 * below

    def _sum(self, across: Across, down: Down, mesh: Mesh) -> Float[Array, ""]:
        """The penalty of squared differences."""
        weight = (mesh.z_centres / mesh.z_centres[0]) ** self.depth_exponent
        if not self.norm.isotropic:
            between = np.sqrt(weight[1:] * weight[:-1])
            return jnp.sum(weight[:, None] * self.norm(across)) + jnp.sum(
                between[:, None] * self.norm(down)
            )
        # To the left and to the right of a cell, above and below it; nothing beyond the sides.
        sides = [jnp.pad(across, ((0, 0), ends)) for ends in ((1, 0), (0, 1))]
        levels = [jnp.pad(down, (ends, (0, 0))) for ends in ((1, 0), (0, 1))]
        corners = jnp.stack([self.norm(side + level) for side in sides for level in levels])
        return jnp.sum(weight[:, None] * jnp.mean(corners, axis=0))


def _squares(
    m: Float[Array, "earth y"],
    counted: tuple[Float[Array | np.ndarray, "earth inner_y"], Float[Array | np.ndarray, "inner_z y"]],
) -> tuple[Across, Down]:
    """Squared differences across and down."""
    along, below = counted
    return jnp.square(jnp.diff(m, axis=1)) * along, jnp.square(jnp.diff(m, axis=0)) * below


@compiled
def _slopes(
    penalty: Smoothness,
    m: Float[Array, "earth y"],
    counted: tuple[Float[Array, "earth inner_y"], Float[Array, "inner_z y"]],
    mesh: Mesh,
) -> tuple[Across, Down]:
    """How the penalty changes with each squared difference."""
    return jax.grad(penalty._sum, argnums=(0, 1))(*_squares(m, counted), mesh)


def _difference_rows(mesh: Mesh) -> sparse.csr_array:
    """Differences across, then down, of a section taken row by row."""
    n_z, n_y = mesh.shape
    across = sparse.kron(sparse.eye_array(n_z), _differences(n_y))
    down = sparse.kron(_differences(n_z), sparse.eye_array(n_y))
    return sparse.csr_array(sparse.vstack([across, down]))


def _differences(n: int) -> sparse.dia_array:
    return sparse.eye_array(n - 1, n, k=1) - sparse.eye_array(n - 1, n)
