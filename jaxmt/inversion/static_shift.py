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
from scipy import sparse

from ..conventions import RHO
from ..data import Data, normalised_residuals

TINY = float(np.finfo(float).tiny)


class StaticShift(eqx.Module):
    r"""Shifts of log10 rho_a by station and mode, Gaussian, of mean zero over the stations of each mode.

    - `decades`: the standard deviation expected of them, in decades of apparent resistivity.

    $s_i = (q_i - \mu)/(p_i + 1/s_0^2)$ with $q_i = \sum_k r_k/\sigma_k^2$ and $p_i = \sum_k 1/\sigma_k^2$
    over the residuals $r_k$ of a curve, and $\mu$ such that $\sum_i s_i = 0$. Were the common shift free,
    little would keep the level of the section: where no section fits, the inversion turns to a more
    conductive, shallower one, whose stations see less of what their neighbours see, and shifts all curves.
    One station alone has no shift. Shifts beside a smooth section: deGroot-Hedlin (1991, Geophysics 56,
    2102).
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
        variance = 1 / (jnp.sum(jnp.square(precision), axis=1) + 1 / self.decades**2)
        variance = jnp.where(jnp.any(known, axis=1), variance, 0.0)
        common = jnp.sum(pull * variance, axis=1) / jnp.maximum(jnp.sum(variance, axis=1), TINY)
        return (pull - common[:, None]) * variance

    def without(
        self,
        rows: Float[np.ndarray, "datum ..."],
        weights: Float[np.ndarray, "comp freq site"],
        unit: float = 1.0,
    ) -> Float[np.ndarray, "datum ..."]:
        r"""What is not hidden behind shifts of which only the prior is known: whitened rows, white again.

        Marginal over the shifts, noise has the covariance $I + USU^T$ with the weights w of the data of a
        curve in each column of U, and the prior covariance S. With $U = VD^{1/2}$, $V^TV = I$, the inverse
        of its root is $I + V\,[(I + D^{1/2}SD^{1/2})^{-1/2} - I]\,V^T$.

        - `weights`: what the rows were multiplied by, $w = 1/\sigma$ or another weight in its place; rows
          belong to the data whose weight is positive, in the order of `weights[weights > 0]`.
        - `unit`: mean of $w^2\sigma^2$, by which $s_0^2$ is divided: the prior is in standard deviations.
        """
        component, _, site = np.nonzero(weights > 0)
        left = rows.copy()
        for mode in RHO:
            members = np.flatnonzero(component == mode)
            curves, curve = np.unique(site[members], return_inverse=True)
            if curves.size < 2:
                continue
            w = weights[weights > 0][members]
            norms = np.sqrt(np.bincount(curve, w * w))
            directions = sparse.csr_array((w / norms[curve], (np.arange(members.size), curve)))
            prior = self.decades**2 / unit * (np.eye(curves.size) - 1 / curves.size)
            variances, axes = np.linalg.eigh(norms[:, None] * prior * norms)
            change = (axes * (1 / np.sqrt(1 + np.maximum(variances, 0.0)) - 1)) @ axes.T
            flat = rows[members].reshape(members.size, -1)
            left[members] += (directions @ (change @ (directions.T @ flat))).reshape(rows[members].shape)
        return left


def shifted(
    predicted: Float[Array, "comp freq site"], shifts: Float[Array, "mode site"]
) -> Float[Array, "comp freq site"]:
    """Predicted data with `shifts` (TE, TM; decades) added to log10 rho."""
    return predicted.at[jnp.array(RHO)].add(shifts[:, None, :])
