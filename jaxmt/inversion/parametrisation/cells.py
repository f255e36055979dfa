"""A parameter for every free cell."""

from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ...simulation.mesh import Mesh
from . import bounded
from .abstract import HIGHEST, LOWEST, AbstractParametrisation
from .section import as_section, check_fixed, filled, fixed_values, free_cells, of_free
from .smoothing import Links, smoothed


class Cells(AbstractParametrisation):
    """Every free cell has a resistivity of its own, between bounds.

    - `low`, `high`: bounds in ohm m; `bounded.py` has the map.
    - `fixed`: True for cells that keep a known resistivity, such as the sea; shape `mesh.shape`. None fixes
      no cell. Cells above the surface of the mesh are never free.
    - `values`: resistivity of the cells that are not free, ohm m, a number or a section; what it holds in
      free cells does not count. Needed with `fixed`.

    Starts from a number or a section in ohm m, whose fixed cells do not count, or from parameters, a
    vector. Raises `ValueError` for bounds out of order, arrays of the wrong shape, fixed cells without
    values, and if no cell is free.
    """

    mesh: Mesh
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
        bounded.check_bounds("Cells", self.low, self.high)
        check_fixed("Cells", self.mesh, self.fixed, self.values)

    @property
    def free(self) -> Bool[np.ndarray, "earth y"]:
        """True for cells that are neither fixed nor above the surface."""
        return free_cells(self.mesh, self.fixed)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(np.count_nonzero(self.free))

    @property
    def bounds(self) -> tuple[float, float]:
        """`low` and `high`."""
        return self.low, self.high

    def start(self, given: Any) -> Float[Array, " parameter"]:
        """Parameters that reproduce a section. Raises `ValueError` where a free cell is out of bounds."""
        if np.shape(given) == (self.size,):
            return bounded.checked("Cells", given)
        cells = as_section(self.mesh, given, "invert(start")[self.free]
        bounded.check_within("Cells", cells, self.low, self.high)
        return bounded.from_decades(np.log10(cells), self.low, self.high)

    def __call__(self, parameters: Float[Array, " parameter"]) -> Float[Array, "earth y"]:
        """log10 of the section in ohm m."""
        known = fixed_values(self.mesh, self.values)
        return filled(known, self.free, bounded.to_decades(parameters, self.low, self.high))

    def smooth(
        self, update: Float[Array, " parameter"], amount: float, links: Links
    ) -> Float[Array, " parameter"]:
        """Over the free cells."""
        section = filled(np.zeros(self.mesh.shape), self.free, update)
        return of_free(smoothed(section, amount, links), self.free)

    def tangent(self, parameters: Float[Array, " parameter"]) -> sparse.csr_array:
        """The slope of the map, in the row of its cell."""
        slopes = bounded.slope(parameters, self.low, self.high)
        cells = np.flatnonzero(self.free)
        return sparse.csr_array((slopes, (cells, np.arange(self.size))), (self.free.size, self.size))

    def log_volume(self, parameters: Float[Array, " parameter"]) -> Float[Array, ""]:
        """The logarithms of the slopes of the map."""
        return bounded.log_volume(parameters, self.low, self.high)

    def moved(
        self, parameters: Float[Array, " parameter"], step: Float[np.ndarray, " parameter"]
    ) -> Float[Array, " parameter"]:
        """The step in decades, kept off the bounds."""
        return bounded.moved(parameters, step, self.low, self.high)
