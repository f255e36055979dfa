"""Sections made of uniform regions painted one over the other."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ..simulation.mesh import Mesh

PERFECT_CONDUCTOR = 1e-7
"""ohm m; stands for the perfect conductor below 2D-0, where the skin depth at 300 s is then 3 m."""


@dataclasses.dataclass(frozen=True)
class Region:
    """A box or quadrilateral of uniform resistivity with vertical sides.

    - `left`, `right`: m, -inf and inf allowed; `top`, `bottom`: m.
    - `resistivity`: ohm m.
    - `bottom_right`, `top_right`: depth of the bottom and of the top at `right`, if they slope; else
      they are level.
    """

    left: float
    right: float
    top: float
    bottom: float
    resistivity: float
    bottom_right: float | None = None
    top_right: float | None = None

    def contains(self, y: Float[np.ndarray, "..."], z: Float[np.ndarray, "..."]) -> np.ndarray:
        """Whether points lie in the region."""
        top = self._edge(self.top, self.top_right, y)
        bottom = self._edge(self.bottom, self.bottom_right, y)
        return (y >= self.left) & (y < self.right) & (z >= top) & (z < bottom)

    def _edge(
        self, left: float, right: float | None, y: Float[np.ndarray, "..."]
    ) -> float | Float[np.ndarray, "..."]:
        return left if right is None else left + (right - left) * (y - self.left) / (self.right - self.left)


def contacts(regions: Sequence[Region], *names: str) -> tuple[float, ...]:
    """The finite values, m, that the fields `names` take over some regions, in order, each once."""
    edges = {getattr(region, name) for region in regions for name in names} - {None}
    return tuple(sorted(e for e in edges if math.isfinite(e)))


def paint(regions: Sequence[Region], mesh: Mesh, samples: int) -> Float[np.ndarray, "earth y"]:
    """Regions on a mesh, ohm m; a cell that a contact cuts gets the mean of log resistivity.

    The mean is over `samples` times `samples` points in each cell. Later regions cover earlier ones.
    """
    offset = (np.arange(samples) + 0.5) / samples
    y = (mesh.y_nodes[:-1, None] + mesh.dy[:, None] * offset).ravel()
    z = (mesh.earth_nodes[:-1, None] + mesh.dz[:, None] * offset).ravel()
    points = np.full((z.size, y.size), np.nan)
    for region in regions:
        points[region.contains(y[None, :], z[:, None])] = math.log10(region.resistivity)
    return 10 ** points.reshape(mesh.n_earth, samples, mesh.n_y, samples).mean(axis=(1, 3))
