"""Sums of regularisations."""

import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ...simulation.mesh import Mesh
from .abstract import AbstractRegularization


class Penalties(AbstractRegularization):
    r"""$\sum_k \alpha_k \phi_k$: several penalties under one $\lambda$.

    - `terms`: pairs of a weight $\alpha_k$, not negative, and a regularisation.
    """

    terms: tuple[tuple[float, AbstractRegularization], ...]

    def __check_init__(self) -> None:
        weights = [weight for weight, _ in self.terms]
        if not weights or not all(weight >= 0 and np.isfinite(weight) for weight in weights):
            raise ValueError(
                "`Penalties(terms=...)` must be one or more pairs of a weight that is finite and not "
                f"negative, and a regularisation. Got the weights {weights}."
            )

    def __call__(
        self, log10_resistivity: Float[Array, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> Float[Array, ""]:
        """The weighted sum."""
        (weight, first), *others = self.terms
        total = weight * first(log10_resistivity, mesh, free)
        for weight, term in others:
            total = total + weight * term(log10_resistivity, mesh, free)
        return total

    def links(
        self, mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> tuple[Bool[np.ndarray, "earth inner_y"], Bool[np.ndarray, "inner_z y"]]:
        """Those on which all terms agree."""
        across, down = zip(*(term.links(mesh, free) for _, term in self.terms), strict=True)
        return np.logical_and.reduce(across), np.logical_and.reduce(down)

    def curvature(
        self, log10_resistivity: Float[np.ndarray, "earth y"], mesh: Mesh, free: Bool[np.ndarray, "earth y"]
    ) -> sparse.csr_array:
        """The same sum."""
        (weight, first), *others = self.terms
        total = weight * first.curvature(log10_resistivity, mesh, free)
        for weight, term in others:
            total = total + weight * term.curvature(log10_resistivity, mesh, free)
        return sparse.csr_array(total)
