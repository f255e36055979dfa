r"""Static shift as parameters of an inversion: a real factor of rho_a for each station and mode.

Small bodies at the surface multiply the apparent resistivity of a station by a factor at all frequencies
and leave the phase alone (Jones 1988, Geophysics 53, 967). With Gaussian noise and a Gaussian prior the
best shifts for given predictions have a closed form, so they need no steps of their own: each iteration
takes the best ones (variable projection, Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, 413). By the
envelope theorem the gradient of a least-squares misfit is then exact with the shifts held fixed.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ..conventions import RHO
from ..data import Data, normalised_residuals


class StaticShift(eqx.Module):
    r"""Shifts of log10 rho_a by station and mode, Gaussian with mean zero.

    - `decades`: the standard deviation expected of them, in decades of apparent resistivity.

    $s = \sum_k r_k/\sigma_k^2 \,/\, (\sum_k 1/\sigma_k^2 + 1/s_0^2)$ for the residuals $r_k$ of a curve.
    """

    decades: float = 0.3

    def __check_init__(self) -> None:
        if not (self.decades > 0 and np.isfinite(self.decades)):
            raise ValueError(
                "`StaticShift(decades=...)` must be positive and finite, the standard deviation of the "
                f"shifts in decades of apparent resistivity. Got {self.decades}."
            )

    def __call__(self, predicted: Float[Array, "comp freq site"], data: Data) -> Float[Array, "mode site"]:
        """The best shifts (TE, TM) of predicted data, constants under differentiation; 0 without data."""
        rows = jnp.array(RHO)
        errors = jnp.asarray(data.errors)[rows]
        residual = normalised_residuals(data, lax.stop_gradient(predicted))[rows]
        known = jnp.isfinite(jnp.asarray(data.values)[rows])
        precision = jnp.where(known, 1 / errors, 0.0)
        pull = jnp.sum(jnp.where(known, residual, 0.0) * precision, axis=1)
        return pull / (jnp.sum(jnp.square(precision), axis=1) + 1 / self.decades**2)

    def without(
        self,
        rows: Float[np.ndarray, "datum ..."],
        weights: Float[np.ndarray, "comp freq site"],
        unit: float = 1.0,
    ) -> Float[np.ndarray, "datum ..."]:
        r"""What is not hidden behind shifts of which only the prior is known: whitened rows, white again.

        Marginal over the shifts, the noise of a curve has the covariance $I + uu^T$, $u = s_0w$ with the
        weights w of its data. The inverse of its root is $I - (1 - (1 + u^Tu)^{-1/2})\,uu^T/u^Tu$.

        - `weights`: what the rows were multiplied by, $w = 1/\sigma$ or another weight in its place; rows
          belong to the data whose weight is positive, in the order of `weights[weights > 0]`.
        - `unit`: mean of $w^2\sigma^2$, by which $s_0^2$ is divided: the prior is in standard deviations.
        """
        component, _, site = np.nonzero(weights > 0)
        u = self.decades / np.sqrt(unit) * weights[weights > 0]
        left = rows.copy()
        for curve in np.unique([component, site], axis=1).T:
            if curve[0] in RHO:
                members = np.flatnonzero((component == curve[0]) & (site == curve[1]))
                square = u[members] @ u[members]
                pull = (1 - 1 / np.sqrt(1 + square)) / square * np.tensordot(u[members], rows[members], 1)
                left[members] -= np.multiply.outer(u[members], pull)
        return left


def shifted(
    predicted: Float[Array, "comp freq site"], shifts: Float[Array, "mode site"]
) -> Float[Array, "comp freq site"]:
    """Predicted data with `shifts` (TE, TM; decades) added to log10 rho."""
    return predicted.at[jnp.array(RHO)].add(shifts[:, None, :])
