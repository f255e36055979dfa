"""A parameter for every block of cells."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from scipy import sparse

from ...simulation.mesh import Mesh
from . import bounded
from .abstract import HIGHEST, LOWEST, AbstractParametrisation
from .section import as_section, check_fixed, filled, fixed_values, free_cells, of_free
from .smoothing import Links, smoothed


class Blocks(AbstractParametrisation):
    """Cells with the same number share one resistivity, between bounds.

    - `blocks`: the number of the block of each cell, any integers; shape `mesh.shape`. `grid_blocks` and
      `growing_blocks` make some.
    - `low`, `high`, `fixed`, `values`: as for `Cells`; fixed cells belong to no block.

    A block starts at the mean of log resistivity of its free cells. Starts from what `Cells` does, and
    raises the same.
    """

    mesh: Mesh
    blocks: Int[np.ndarray, "earth y"] = eqx.field(converter=np.asarray)
    low: float = LOWEST
    high: float = HIGHEST
    fixed: Bool[np.ndarray, "earth y"] | None = eqx.field(
        default=None, converter=lambda v: None if v is None else np.asarray(v)
    )
    values: Float[np.ndarray, "..."] | None = eqx.field(
        default=None, converter=lambda v: None if v is None else np.array(v, dtype=float)
    )
    has_cells: ClassVar[bool] = True

    def __check_init__(self) -> None:
        bounded.check_bounds("Blocks", self.low, self.high)
        if self.blocks.shape != self.mesh.shape or self.blocks.dtype.kind not in "iu":
            raise ValueError(
                "`Blocks(blocks=...)` must hold integers and have shape (earth rows, columns) = "
                f"{self.mesh.shape}. Got {self.blocks.dtype} of shape {self.blocks.shape}."
            )
        check_fixed("Blocks", self.mesh, self.fixed, self.values)

    @property
    def free(self) -> Bool[np.ndarray, "earth y"]:
        """True for cells that are neither fixed nor above the surface."""
        return free_cells(self.mesh, self.fixed)

    @property
    def numbers(self) -> Int[np.ndarray, " free"]:
        """Parameter of each free cell, numbered from 0 without gaps."""
        return np.unique(self.blocks[self.free], return_inverse=True)[1]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self.numbers.max()) + 1

    @property
    def bounds(self) -> tuple[float, float]:
        """`low` and `high`."""
        return self.low, self.high

    def start(self, given: Any) -> Float[Array, " parameter"]:
        """Parameters of the mean of each block. Raises `ValueError` where a free cell is out of bounds."""
        if np.shape(given) == (self.size,):
            return bounded.checked("Blocks", given)
        cells = as_section(self.mesh, given, "invert(start")[self.free]
        bounded.check_within("Blocks", cells, self.low, self.high)
        mean = np.bincount(self.numbers, np.log10(cells)) / np.bincount(self.numbers)
        return bounded.from_decades(mean, self.low, self.high)

    def __call__(self, parameters: Float[Array, " parameter"]) -> Float[Array, "earth y"]:
        """log10 of the section in ohm m."""
        decades = bounded.to_decades(parameters, self.low, self.high)
        return filled(fixed_values(self.mesh, self.values), self.free, decades[self.numbers])

    def smooth(
        self, update: Float[Array, " parameter"], amount: float, links: Links
    ) -> Float[Array, " parameter"]:
        """Over the free cells; a block is the mean of its cells."""
        section = filled(np.zeros(self.mesh.shape), self.free, update[self.numbers])
        cells = of_free(smoothed(section, amount, links), self.free)
        sums = jnp.zeros(self.size).at[self.numbers].add(cells)
        return sums / np.bincount(self.numbers).astype(float)

    def tangent(self, parameters: Float[Array, " parameter"]) -> sparse.csr_array:
        """The slope of the map, in the rows of the block's cells."""
        slopes, cells = bounded.slope(parameters, self.low, self.high), np.flatnonzero(self.free)
        return sparse.csr_array((slopes[self.numbers], (cells, self.numbers)), (self.free.size, self.size))

    def log_volume(self, parameters: Float[Array, " parameter"]) -> Float[Array, ""]:
        """The logarithms of the slopes of the map."""
        return bounded.log_volume(parameters, self.low, self.high)

    def moved(
        self, parameters: Float[Array, " parameter"], step: Float[np.ndarray, " parameter"]
    ) -> Float[Array, " parameter"]:
        """The step in decades, kept off the bounds."""
        return bounded.moved(parameters, step, self.low, self.high)


def grid_blocks(
    mesh: Mesh, y_edges: Float[np.ndarray, " m"], z_edges: Float[np.ndarray, " n"]
) -> Int[np.ndarray, "earth y"]:
    """Coarse blocks for `Blocks`: cells whose centres lie between the same edges (m) share a number."""
    column = np.searchsorted(np.asarray(y_edges, float), mesh.y_centres)
    row = np.searchsorted(np.asarray(z_edges, float), mesh.z_centres)
    return row[:, None] * (len(y_edges) + 1) + column[None, :]


def growing_blocks(mesh: Mesh, part: float = 0.5) -> Int[np.ndarray, "earth y"]:
    """Blocks that widen with depth: the columns of a row joined until they are `part` of its depth wide.

    Smoothness counts steps from cell to cell, so that where columns are fine a section could step at no
    cost. Widths double from level to level, and the blocks of a level are made of those of the level above.
    Raises `ValueError` unless `part` is positive.
    """
    if not 0 < part < np.inf:
        raise ValueError(f"`growing_blocks(part=...)` must be positive, a part of the depth. Got {part}.")
    blocks = np.zeros(mesh.shape, dtype=int)
    wanted = np.maximum(np.log2(part * mesh.z_centres / mesh.dy.min()), 0).astype(int)
    edges, count, level = mesh.y_nodes, 0, 0
    for row, deep in enumerate(wanted):
        while level < deep:
            level += 1
            edges = _joined(edges, mesh.dy.min() * 2.0**level)
        blocks[row] = count + np.searchsorted(edges, mesh.y_centres)
        count = blocks[row].max() + 1
    return blocks


def _joined(edges: Float[np.ndarray, " n"], width: float) -> Float[np.ndarray, " m"]:
    """The edges that lie `width` or more from the last one kept, and the last edge."""
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] >= width:
            kept.append(edge)
    kept[-1] = edges[-1]
    return np.array(kept)
