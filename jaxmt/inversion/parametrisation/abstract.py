"""What an inversion asks of a parametrisation."""

import abc
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree
from scipy import sparse

from ...simulation.mesh import Mesh
from .smoothing import Links

Parameters = PyTree[Float[Array, "..."]]

LOWEST, HIGHEST = 1e-2, 1e5
"""Bounds of resistivity unless others are given, ohm m: beyond brine and graphite, beyond dry crust."""


class AbstractParametrisation(eqx.Module):
    """From parameters to a section, for `invert`, `Objective` and `appraise`.

    - `has_cells`: whether the parameters are resistivities of cells or weights of fixed patterns of cells,
      so that the roughness of a section says how many of them the data determine. The knee rule of
      `Stopping`, `GaussNewton` and `appraise` need that.
    """

    mesh: eqx.AbstractVar[Mesh]
    has_cells: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def start(self, given: Any) -> Parameters:
        """Parameters to start from. Raises `ValueError` for what cannot be one, with the remedy."""

    @abc.abstractmethod
    def __call__(self, parameters: Parameters) -> Float[Array, "earth y"]:
        """log10 of resistivity in ohm m of every cell of a section; differentiable."""

    @property
    def free(self) -> Bool[np.ndarray, "earth y"]:
        """True for the cells that parameters can change; no others count in a regularisation."""
        return ~self.mesh.air

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest resistivity, ohm m, that a cell is believed to have before there are data."""
        return LOWEST, HIGHEST

    def smooth(self, update: Parameters, amount: float, links: Links) -> Parameters:
        r"""A change of the parameters, smoothed over neighbouring cells; unchanged without cells.

        - `amount`: s of `smoothed`, in cells squared. `links`: which neighbours may be alike.

        Linear in `update`.
        """
        del amount, links
        return update

    def tangent(self, parameters: Parameters) -> sparse.csr_array | None:
        r"""$\partial \log_{10}\rho / \partial p$, (cells of the section row by row, parameters).

        None if it is not known. Where it is, the parameters are one vector.
        """
        del parameters

    def log_volume(self, parameters: Parameters) -> Float[Array, ""] | None:
        r"""$\ln|\partial\log_{10}\rho/\partial p|$, up to a constant: a uniform prior, of the parameters.

        What is uniform in log10 of resistivity, between `bounds` where there are any, has this logarithm of
        a density of parameters; differentiable, a sum over them. None if there is no such density.
        """
        del parameters

    def linearised(
        self, parameters: Parameters, by: str
    ) -> tuple[sparse.csr_array, Float[np.ndarray, " parameter"]]:
        """The `tangent` over a unit for each parameter, and the units.

        The unit is the most that the parameter changes a cell by, in decades. `by`: who needs it. Raises
        `ValueError` where there are no cells or no tangent.
        """
        tangent = self.tangent(parameters) if self.has_cells else None
        if tangent is None:
            raise ValueError(
                f"`{by}` needs a parametrisation with cells and a tangent, which "
                f"`{type(self).__name__}` does not have. Use `Cells`, `Blocks` or `Basis`, or invert by "
                "`Descent()`, `QuasiNewton()` or a transformation of optax."
            )
        most = abs(tangent).max(axis=0).toarray().ravel()
        unit = np.where(most > 0, most, 1.0)
        return sparse.csr_array(tangent.multiply(1 / unit)), unit

    def moved(self, parameters: Parameters, step: Float[np.ndarray, " parameter"]) -> Parameters:
        """Parameters after a step along the `tangent`, kept within bounds where there are any."""
        return parameters + step

    def identity(self, parameters: Parameters) -> object:
        """What tells this parametrisation from others, in the words that `fingerprint` understands."""
        del parameters
        return self
