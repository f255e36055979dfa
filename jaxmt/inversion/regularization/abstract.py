"""What an inversion asks of a regularisation."""

import abc

import equinox as eqx
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ...simulation.mesh import Mesh


class AbstractRegularization(eqx.Module):
    """A penalty on a section for `invert(regularization=...)`."""

    @abc.abstractmethod
    def __call__(
        self, log10_resistivity: Float[Array, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> Float[Array, ""]:
        """The penalty; cells that are not `free`, and differences to them, do not count."""

    def links(
        self, mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> tuple[Bool[np.ndarray, "earth inner_y"], Bool[np.ndarray, "inner_z y"]]:
        """True between neighbours, across and down, that may be expected to be alike: all `free` ones."""
        del mesh
        return free[:, 1:] & free[:, :-1], free[1:] & free[:-1]

    @abc.abstractmethod
    def curvature(
        self, log10_resistivity: Float[np.ndarray, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> sparse.csr_array:
        r"""Half the Gauss-Newton Hessian of the penalty, over all earth cells row by row.

        With the rows Dm - d of the penalty, it is $C = D^TWD$, where W holds the slope of each norm in the
        square of its row: $\nabla\phi = 2D^TW(Dm - d)$ exactly, and where the norms are squares,
        W is constant and $\phi = (Dm-d)^TW(Dm-d)$. A step of iteratively reweighted least squares so solves
        with C, and wants $D^TWd = Cm - \nabla\phi/2$ for its right-hand side.

        Symmetric and not negative; constants may have none.
        """
