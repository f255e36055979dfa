"""Coefficients of patterns that each span many cells."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ...simulation.mesh import Mesh
from .abstract import AbstractParametrisation
from .section import as_parameters, as_section, check_fixed, filled, fixed_values, free_cells


class Basis(AbstractParametrisation):
    r"""$\log_{10}\rho = Bc$ in the free cells: a sum of given patterns, such as principal components.

    - `matrix`: B, decades, (cells of a section row by row, coefficients); rows of cells that are not free
      do not count. A pattern that is one everywhere lets the mean level be found.
    - `fixed`, `values`: as for `Cells`.

    There are no bounds: resistivity is positive whatever the coefficients are, and to bound a sum cell by
    cell would make it nonlinear, so that it were no basis any more. Starts from a number or a section in
    ohm m, of which it takes the least-squares fit of log resistivity, or from coefficients, a vector.
    Raises `ValueError` for arrays of the wrong shape or not finite, patterns that depend on each other in
    the free cells, and fixed cells without values.
    """

    mesh: Mesh
    matrix: Float[np.ndarray, "cell coefficient"] = eqx.field(converter=lambda v: np.array(v, dtype=float))
    fixed: Bool[np.ndarray, "earth y"] | None = eqx.field(
        default=None, converter=lambda v: None if v is None else np.asarray(v)
    )
    values: Float[np.ndarray, "..."] | None = eqx.field(
        default=None, converter=lambda v: None if v is None else np.array(v, dtype=float)
    )
    has_cells: ClassVar[bool] = True

    def __check_init__(self) -> None:
        check_fixed("Basis", self.mesh, self.fixed, self.values)
        cells = self.mesh.shape[0] * self.mesh.shape[1]
        if self.matrix.ndim != 2 or len(self.matrix) != cells or not self.matrix.shape[1]:
            raise ValueError(
                "`Basis(matrix=...)` must have shape (cells, coefficients) with "
                f"{self.mesh.shape[0]} x {self.mesh.shape[1]} = {cells} cells, row by row. "
                f"Got {self.matrix.shape}."
            )
        if not np.all(np.isfinite(self.matrix)):
            raise ValueError("`Basis(matrix=...)` must be finite, in decades for a coefficient of one.")
        rank = int(np.linalg.matrix_rank(self._free_rows))
        if rank < self.matrix.shape[1]:
            raise ValueError(
                f"`Basis(matrix=...)` has {self.matrix.shape[1]} columns, of which only {rank} are "
                "independent in the free cells. Leave out columns that are sums of others, or zero there."
            )

    @property
    def free(self) -> Bool[np.ndarray, "earth y"]:
        """True for cells that are neither fixed nor above the surface."""
        return free_cells(self.mesh, self.fixed)

    @property
    def _free_rows(self) -> Float[np.ndarray, "free coefficient"]:
        return self.matrix[self.free.ravel()]

    def start(self, given: Any) -> Float[Array, " coefficient"]:
        """The coefficients whose section is nearest to the given one in the free cells."""
        if np.shape(given) == (self.matrix.shape[1],):
            return as_parameters(given, "invert(start")
        cells = as_section(self.mesh, given, "invert(start")[self.free]
        return jnp.asarray(np.linalg.lstsq(self._free_rows, np.log10(cells))[0])

    def __call__(self, parameters: Float[Array, " coefficient"]) -> Float[Array, "earth y"]:
        """log10 of the section in ohm m."""
        cells = jnp.asarray(self._free_rows) @ parameters
        return filled(fixed_values(self.mesh, self.values), self.free, cells)

    def tangent(self, parameters: Float[Array, " coefficient"]) -> sparse.csr_array:
        """The matrix itself, without the rows of cells that are not free."""
        del parameters
        return sparse.csr_array(np.where(self.free.ravel()[:, None], self.matrix, 0.0))

    def log_volume(self, parameters: Float[Array, " coefficient"]) -> Float[Array, ""]:
        """A constant, of no account: coefficients and sections go in proportion."""
        del parameters
        return jnp.zeros(())
