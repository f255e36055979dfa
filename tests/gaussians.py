"""Densities of which everything is known."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from scipy import sparse

from jaxmt.sampling.density import AbstractDensity, Linearised


class Bent(AbstractDensity):
    r"""$\frac12|r|^2 + \frac12x^TQx$, $r = A(x + cx^3) - b$; Gaussian for c = 0.

    Q is tridiagonal, like that of a layered earth.
    """

    rows: np.ndarray
    data: np.ndarray
    diagonal: np.ndarray
    beside: np.ndarray
    cubic: float = 0.0

    @property
    def precision(self):
        return sparse.csr_array(np.diag(self.diagonal) + np.diag(self.beside, 1) + np.diag(self.beside, -1))

    @property
    def covariance(self):
        return np.linalg.inv(self.rows.T @ self.rows + self.precision.toarray())

    @property
    def mean(self):
        return self.covariance @ self.rows.T @ self.data

    def residuals(self, x):
        return jnp.asarray(self.rows) @ (x + self.cubic * x**3) - jnp.asarray(self.data)

    def __call__(self, x):
        prior = jnp.sum(jnp.asarray(self.diagonal) * x**2) / 2
        prior += jnp.sum(jnp.asarray(self.beside) * x[1:] * x[:-1])
        return -jnp.sum(self.residuals(x) ** 2) / 2 - prior

    def linearised(self, x):
        rows = self.rows * (1 + 3 * self.cubic * x**2)
        residuals = np.asarray(self.residuals(jnp.asarray(x)))
        gradient = rows.T @ residuals + self.precision @ x
        return Linearised(residuals, rows, gradient, self.precision, sparse.csr_array(np.eye(x.size)))

    def whitened(self, x):
        return np.asarray(self.residuals(jnp.asarray(x)))


def gaussian(data, size, seed=0):
    """So many data of so many parameters, some well determined and some hardly."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((data, size)) * np.geomspace(3.0, 0.03, size)
    diagonal, beside = rng.uniform(2.5, 4.0, size), rng.uniform(-1.0, 1.0, size - 1)
    return Bent(rows, rng.standard_normal(data), diagonal, beside)


def bent(cubic):
    """Two parameters of two data, not linear."""
    return dataclasses.replace(
        gaussian(2, 2), rows=np.array([[2.0, 0.5], [0.0, 1.0]]), data=np.array([1.5, -0.5]), cubic=cubic
    )
