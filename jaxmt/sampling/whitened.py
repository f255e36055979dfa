r"""Parameters in units of their posterior: a linear map after which Laplace's approximation is $N(0, I)$.

With the prior's precision $Q = LL^T$ and the rows of the data, $GL^{-T} = U\,\mathrm{diag}(s)\,V^T$,
the Hessian is $G^TG + Q = L\,(I + V\mathrm{diag}(s^2)V^T)\,L^T$, so that

$x = x_0 + L^{-T}\,(I + V\,\mathrm{diag}((1 + s^2)^{-1/2} - 1)\,V^T)\,\xi.$

V has as many columns as the data determine parameters, and L is banded: for many cells it takes little
memory, and less time than a simulation.
"""

from collections.abc import Iterable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int
from scipy import linalg, sparse

from ..inversion.information import compressed
from ..inversion.precision import Precision
from ..programs import compiled
from .density import Linearised

NEGLIGIBLE = 1e-6
"""Directions in which the data say less than this part of what the prior says count as the prior alone."""


class Whitening(eqx.Module):
    r"""$x = x_0 + L^{-T}(I + V\,\mathrm{diag}(d)V^T)\,\xi$ with $\xi$ in the order of elimination.

    - `centre`: $x_0$. `place`: where each parameter stands in that order.
    - `inverse`, `beside`: the blocks of L, as `Precision.stacked` gives them.
    - `directions`: $V^T$. `shrinkage`: d.
    """

    centre: Float[Array | np.ndarray, " parameter"]
    place: Int[Array | np.ndarray, " parameter"]
    inverse: Float[Array | np.ndarray, "block w w"]
    beside: Float[Array | np.ndarray, "block w w"]
    directions: Float[Array | np.ndarray, "direction parameter"]
    shrinkage: Float[Array | np.ndarray, " direction"]

    def __call__(self, white: Float[Array, " parameter"]) -> Float[Array, " parameter"]:
        r"""The x of $\xi$; differentiable."""
        v, d = jnp.asarray(self.directions), jnp.asarray(self.shrinkage)
        mixed = white + (d * (v @ white)) @ v
        blocks, width, _ = self.inverse.shape
        padded = jnp.pad(mixed, (0, blocks * width - white.size)).reshape(blocks, width)

        def eliminate(
            below: Float[Array, " w"],
            parts: tuple[Float[Array, " w"], Float[Array, "w w"], Float[Array, "w w"]],
        ) -> tuple[Float[Array, " w"], Float[Array, " w"]]:
            own, inverse, beside = parts
            x = inverse @ (own - beside @ below)
            return x, x

        parts = padded, jnp.asarray(self.inverse), jnp.asarray(self.beside)
        _, x = lax.scan(eliminate, jnp.zeros(width), parts, reverse=True)
        return jnp.asarray(self.centre) + x.reshape(-1)[jnp.asarray(self.place)]


class Laplace:
    r"""A linearised density, factorised: its Gaussian.

    - `determined`: $\sum s^2/(1+s^2)$, how many parameters the data determine.

    Raises `numpy.linalg.LinAlgError` for a precision that is not positive definite.
    """

    def __init__(self, found: Linearised) -> None:
        self.prior = Precision(found.precision)
        self.rows = compressed(found.rows, NEGLIGIBLE * float(found.precision.diagonal().min()))
        white = self.prior.forwards(self.rows.T)
        squares, vectors = linalg.eigh(white.T @ white)
        kept = squares > NEGLIGIBLE
        self.squares = squares[kept]
        # In the order of elimination.
        self.directions = (white @ vectors[:, kept] / np.sqrt(self.squares)).T
        self.determined = float(np.sum(self.squares / (1 + self.squares)))

    def whitening(self, centre: Float[np.ndarray, " parameter"]) -> Whitening:
        """The map around a point."""
        inverse, beside = self.prior.stacked()
        shrinkage = 1 / np.sqrt(1 + self.squares) - 1
        return Whitening(centre, np.argsort(self.prior.order), inverse, beside, self.directions, shrinkage)

    def solve(self, gradient: Float[np.ndarray, " parameter"]) -> Float[np.ndarray, " parameter"]:
        """The inverse of the Hessian times a gradient."""
        white = self.prior.forwards(gradient[:, None])[:, 0]
        part = self.squares / (1 + self.squares) * (self.directions @ white)
        return self.prior.backwards((white - part @ self.directions)[:, None])[:, 0]


def typical(points: Iterable[Linearised], centre: Float[np.ndarray, " parameter"]) -> Whitening:
    r"""The map around `centre` whose unit is a curvature between two means of that at several points.

    What a step may be is told by the mean of the Hessians, A, which is the covariance of the gradient; how
    far a trajectory has to go by the mean of their inverses, $H^{-1}$, as far as each point tells. Their
    geometric mean M, with $MA^{-1}M = H$, is between them, as the metric of Seyboldt, Carlson & Carpenter
    (2026) is between the covariances of gradients and draws, of which there would have to be many.
    """
    found = list(points)
    precision = sparse.csr_array(sum(one.precision for one in found) / len(found))
    prior = Precision(precision)
    small = NEGLIGIBLE * float(precision.diagonal().min())
    white = [prior.forwards(compressed(one.rows, small).T).T for one in found]
    span = np.linalg.qr(compressed(np.concatenate(white), NEGLIGIBLE).T)[0]
    identity = np.eye(span.shape[1])
    hessians = [identity + (part := rows @ span).T @ part for rows in white]
    arithmetic = np.mean(hessians, axis=0)
    harmonic = linalg.inv(np.mean([linalg.inv(hessian) for hessian in hessians], axis=0))
    ratios, vectors = linalg.eigh(harmonic, arithmetic)
    root = arithmetic @ (vectors * ratios**0.25)
    curvatures, directions = linalg.eigh(root @ root.T)
    inverse, beside = prior.stacked()
    shrinkage = 1 / np.sqrt(curvatures) - 1
    return Whitening(centre, np.argsort(prior.order), inverse, beside, (span @ directions).T, shrinkage)


def pulled(whitening: Whitening, slope: Float[Array, " parameter"]) -> Float[Array, " parameter"]:
    r"""A gradient with x as one with $\xi$."""
    return _pulled(whitening, slope)


@compiled
def _pulled(whitening: Whitening, slope: Float[Array, " parameter"]) -> Float[Array, " parameter"]:
    _, back = jax.vjp(whitening, jnp.zeros_like(slope))
    return back(slope)[0]


def apply(
    whitening: Whitening, white: Float[Array, "many parameter"]
) -> Float[np.ndarray, "many parameter"]:
    r"""Map many $\xi$."""
    return np.asarray(_applied(whitening, white))


@compiled
def _applied(whitening: Whitening, white: Float[Array, "many parameter"]) -> Float[Array, "many parameter"]:
    return jax.vmap(whitening)(white)
