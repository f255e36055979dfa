r"""Static shift as parameters of an inversion: a real factor of rho_a for each station and mode.

Small bodies at the surface multiply the apparent resistivity of a station by a factor at all frequencies
and leave the phase alone (Jones 1988, Geophysics 53, 967). With Gaussian noise and a Gaussian prior the
best shifts for given predictions have a closed form, so they need no steps of their own: each iteration
takes the best ones (variable projection, Golub & Pereyra 1973, SIAM J. Numer. Anal. 10, 413). By the
envelope theorem the gradient of a least-squares misfit is then exact with the shifts held fixed.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float
from scipy import sparse

from ..conventions import RHO
from ..data import Data, normalised_residuals

TINY = float(np.finfo(float).tiny)

FARTHEST = 3.0
"""Standard deviations that a shift may have: of a thousand Gaussian ones three have more."""


class StaticShift(eqx.Module):
    r"""Shifts of log10 rho_a by station and mode, Gaussian, of mean zero over the stations of each mode.

    - `decades`: the standard deviation expected of them, in decades of apparent resistivity; no shift is
      beyond `FARTHEST` of them.

    $s_i = (q_i - \mu)/(p_i + 1/s_0^2)$ within the bounds, with $q_i = \sum_k r_k/\sigma_k^2$ and
    $p_i = \sum_k 1/\sigma_k^2$ over the residuals $r_k$ of a curve, and $\mu$ such that
    $\sum_i s_i = 0$. One station alone has no shift.

    Data of many periods outweigh a Gaussian prior. Were the common shift free, the inversion of data that
    no section fits would turn to a more conductive, shallower one, whose stations see less of what their
    neighbours see, and shift all curves. Without bounds it makes shifts of TM of its own, of decades, by
    cells below stations, and takes them back by these. Shifts beside a smooth section: deGroot-Hedlin
    (1991, Geophysics 56, 2102).
    """

    decades: float = 0.3

    def __check_init__(self) -> None:
        if not (self.decades > 0 and np.isfinite(self.decades)):
            raise ValueError(
                "`StaticShift(decades=...)` must be positive and finite, the standard deviation of the "
                f"shifts in decades of apparent resistivity. Got {self.decades}."
            )

    @property
    def farthest(self) -> float:
        """The largest shift, decades."""
        return FARTHEST * self.decades

    def __call__(self, predicted: Float[Array, "comp freq site"], data: Data) -> Float[Array, "mode site"]:
        """The best shifts (TE, TM) of predicted data, constants under differentiation; 0 without data."""
        rows = jnp.array(RHO)
        errors = jnp.asarray(data.errors)[rows]
        residual = normalised_residuals(data, lax.stop_gradient(predicted))[rows]
        known = jnp.isfinite(jnp.asarray(data.values)[rows])
        precision = jnp.where(known, 1 / errors, 0.0)
        pull = jnp.sum(jnp.where(known, residual, 0.0) * precision, axis=1)
        variance = 1 / (jnp.sum(jnp.square(precision), axis=1) + 1 / self.decades**2)
        return jax.vmap(self._balanced)(pull, jnp.where(jnp.any(known, axis=1), variance, 0.0))

    def _balanced(
        self, pull: Float[Array, " site"], variance: Float[Array, " site"]
    ) -> Float[Array, " site"]:
        r"""$s_i = v_i(q_i - \mu)$ within the bounds, of sum zero.

        The sum falls with $\mu$ along straight lines between the $\mu$ at which a shift leaves its bounds.
        """

        def shifts(common: Float[Array, ""]) -> Float[Array, " site"]:
            return jnp.clip((pull - common) * variance, -self.farthest, self.farthest)

        reach = self.farthest / jnp.where(variance > 0, variance, 1.0)
        turns = jnp.concatenate([pull - reach, pull + reach])
        sums = jnp.sum(jax.vmap(shifts)(turns), axis=1)
        low = jnp.max(jnp.where(sums >= 0, turns, -jnp.inf))
        high = jnp.min(jnp.where(sums <= 0, turns, jnp.inf))
        near = shifts((low + high) / 2)
        within = (jnp.abs(near) < self.farthest) & (variance > 0)
        bound = jnp.sum(jnp.where(within, 0.0, near))
        total = jnp.sum(jnp.where(within, variance, 0.0))
        common = (jnp.sum(jnp.where(within, pull * variance, 0.0)) + bound) / jnp.maximum(total, TINY)
        return jnp.where(within, (pull - common) * variance, near)

    def unbound(
        self,
        shifts: Float[Array | np.ndarray, "mode site"],
        weights: Float[np.ndarray, "comp freq site"],
    ) -> tuple[Bool[np.ndarray, "mode site"], Float[np.ndarray, "mode site"]]:
        """Which shifts of curves are not at their bounds, and what each of these is beyond their mean.

        - `weights`: a curve has data whose weight is positive.
        """
        own, curves = np.asarray(shifts), (weights[np.array(RHO)] > 0).any(axis=1)
        movable = curves & (np.abs(own) < self.farthest * (1 - 1e-12))
        mean = np.sum(own, axis=1, where=movable) / np.maximum(movable.sum(axis=1), 1)
        return movable, np.where(movable, own - mean[:, None], 0.0)

    def without(
        self,
        rows: Float[np.ndarray, "datum ..."],
        weights: Float[np.ndarray, "comp freq site"],
        unit: float = 1.0,
        movable: Bool[np.ndarray, "mode site"] | None = None,
    ) -> Float[np.ndarray, "datum ..."]:
        r"""What is not hidden behind shifts of which only the prior is known: whitened rows, white again.

        Marginal over the shifts, noise has the covariance $I + USU^T$ with the weights w of the data of a
        curve in each column of U, and the prior covariance S. With $U = VD^{1/2}$, $V^TV = I$, the inverse
        of its root is $I + V\,[(I + D^{1/2}SD^{1/2})^{-1/2} - I]\,V^T$.

        - `weights`: what the rows were multiplied by, $w = 1/\sigma$ or another weight in its place; rows
          belong to the data whose weight is positive, in the order of `weights[weights > 0]`.
        - `unit`: mean of $w^2\sigma^2$, by which $s_0^2$ is divided: the prior is in standard deviations.
        - `movable`: shifts that are not known; all by default.
        """
        component, _, site = np.nonzero(weights > 0)
        left = rows.copy()
        for mode, row in enumerate(RHO):
            unknown = component == row
            if movable is not None:
                unknown &= movable[mode, site]
            members = np.flatnonzero(unknown)
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
