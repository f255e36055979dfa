r"""Parameters of the inversion: from a real vector to the resistivity of the earth cells.

Each parameter p gives $\log_{10}\rho = a + (b-a)\,s(4p/(b-a))$ with the bounds a and b in decades and the
logistic function s: unbounded p, bounded resistivity, and a slope of one decade per unit of p in the
middle of the range. The gradient never vanishes entirely, as it would with clipping.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy import sparse

from ..simulation.mesh import Mesh


class Earth(eqx.Module):
    """Which cells are free, how they are tied together, and the bounds of their resistivity.

    - `low`, `high`: bounds in ohm m.
    - `fixed`: True for cells that keep their starting resistivity, such as the sea; shape
      `mesh.shape`. None fixes no cell. Cells above the surface of the mesh are never free.
    - `blocks`: number of the parameter of each cell, any integers; cells with the same number
      share one parameter. None gives each free cell its own. `grid_blocks` makes coarse ones.
    """

    mesh: Mesh
    low: float = 1e-2
    high: float = 1e5
    fixed: Bool[np.ndarray, "earth y"] | None = None
    blocks: Int[np.ndarray, "earth y"] | None = None

    def __check_init__(self) -> None:
        if not 0 < self.low < self.high < np.inf:
            raise ValueError(
                "`Earth(low=..., high=...)` must satisfy 0 < low < high, in ohm m. "
                f"Got low={self.low}, high={self.high}."
            )
        for name, array in (("fixed", self.fixed), ("blocks", self.blocks)):
            if array is not None and array.shape != self.mesh.shape:
                raise ValueError(
                    f"`Earth({name}=...)` must have shape (earth rows, columns) = {self.mesh.shape}. "
                    f"Got {array.shape}."
                )
        if not self.free.any():
            raise ValueError("`Earth(fixed=...)` fixes every cell; leave at least one free.")

    @property
    def free(self) -> Bool[np.ndarray, "earth y"]:
        """True for cells that the inversion may change: neither fixed nor above the surface."""
        return ~self.mesh.air if self.fixed is None else ~(self.fixed | self.mesh.air)

    def _numbers(self) -> Int[np.ndarray, " free"]:
        """Parameter of each free cell, numbered from 0 without gaps."""
        cells = np.arange(self.free.size).reshape(self.free.shape) if self.blocks is None else self.blocks
        return np.unique(cells[self.free], return_inverse=True)[1]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self._numbers().max()) + 1

    @property
    def ties(self) -> sparse.csr_array:
        """One where a cell (row, the section taken row by row) has a parameter (column)."""
        cells, numbers = np.flatnonzero(self.free), self._numbers()
        return sparse.csr_array((np.ones(cells.size), (cells, numbers)), (self.free.size, self.size))

    def parameters(self, resistivity: Float[np.ndarray, "earth y"]) -> Float[Array, " parameter"]:
        """Parameters that reproduce a section, block by block the mean of log resistivity.

        Raises `ValueError` where a free cell lies outside the bounds.
        """
        cells = np.asarray(resistivity)[self.free]
        outside = (cells <= self.low) | (cells >= self.high)
        if outside.any():
            raise ValueError(
                f"The start must lie between `Earth(low={self.low}, high={self.high})` in every free "
                f"cell, in ohm m. Got {cells[outside][0]}; widen the bounds or fix those cells."
            )
        a, b = np.log10(self.low), np.log10(self.high)
        numbers = self._numbers()
        mean = np.bincount(numbers, np.log10(cells)) / np.bincount(numbers)
        s = (mean - a) / (b - a)
        return jnp.asarray((b - a) / 4 * np.log(s / (1 - s)))

    def over_cells(self, parameters: Float[Array, " parameter"]) -> Float[Array, "earth y"]:
        """In each cell the value of its parameter; zero where there is none."""
        numbers = np.full(self.free.shape, self.size)
        numbers[self.free] = self._numbers()
        return jnp.append(parameters, 0.0)[numbers]

    def of_cells(self, section: Float[Array, "earth y"]) -> Float[Array, " parameter"]:
        """For each parameter the mean of its cells."""
        numbers = self._numbers()
        sums = jnp.zeros(self.size).at[numbers].add(section[self.free])
        return sums / np.bincount(numbers).astype(float)

    def log10_resistivity(
        self, parameters: Float[Array, " parameter"], start: Float[Array | np.ndarray, "earth y"]
    ) -> Float[Array, "earth y"]:
        """log10 of the section in ohm m; fixed cells come from `start` (ohm m)."""
        a, b = np.log10(self.low), np.log10(self.high)
        values = a + (b - a) * jax.nn.sigmoid(4 / (b - a) * parameters)
        return jnp.where(self.free, self.over_cells(values), jnp.log10(jnp.asarray(start)))


def grid_blocks(
    mesh: Mesh, y_edges: Float[np.ndarray, " m"], z_edges: Float[np.ndarray, " n"]
) -> Int[np.ndarray, "earth y"]:
    """Coarse parameter blocks: cells whose centres lie between the same edges (m) share a number."""
    column = np.searchsorted(np.asarray(y_edges, float), mesh.y_centres)
    row = np.searchsorted(np.asarray(z_edges, float), mesh.z_centres)
    return row[:, None] * (len(y_edges) + 1) + column[None, :]
