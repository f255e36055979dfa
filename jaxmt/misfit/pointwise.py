"""Misfits that compare each datum with its own prediction and with nothing else."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..conventions import PHASE
from ..data import Data, known_residuals
from .abstract import AbstractMisfit

Values = Float[Array, "comp freq site"]


class AbstractPointwise(AbstractMisfit):
    """The mean of a cost of each normalised residual, over the data that exist.

    - `phase_weight`: how many times heavier phases are than their errors say; enters squared. At 2 the
      weights are about those of `CloudTransport()` for errors of |Z|.
    """

    phase_weight: float = eqx.field(default=1.0, kw_only=True)

    def __check_init__(self) -> None:
        if not (self.phase_weight > 0 and np.isfinite(self.phase_weight)):
            raise ValueError(
                f"`{type(self).__name__}(phase_weight=...)` must be positive and finite. "
                f"Got {self.phase_weight}."
            )

    @abc.abstractmethod
    def cost(self, residual: Values) -> Values:
        """The cost of residuals (d - F) / sigma; zero at zero."""

    @abc.abstractmethod
    def weight(self, residual: Values) -> Values:
        """Slope of the cost over twice the residual."""

    def prepare(self, data: Data) -> tuple[Data, None]:
        """The data themselves; no state."""
        return data, None

    def __call__(self, predicted: Values, prepared: Data, state: None) -> tuple[Float[Array, ""], None]:
        """The mean cost of a datum."""
        shares = self.shares(prepared)
        return jnp.sum(shares * self.cost(jnp.asarray(known_residuals(prepared, predicted)))), state

    def curvature(self, predicted: Values, prepared: Data, state: None) -> Values:
        """Twice the weight over the squared error: iteratively reweighted least squares."""
        del state
        shares = self.shares(prepared)
        weight = shares * self.weight(jnp.asarray(known_residuals(prepared, predicted)))
        return jnp.where(shares > 0, 2 * weight / jnp.square(jnp.asarray(prepared.errors)), 0.0)

    def shares(self, data: Data) -> Values:
        """The part of each datum in the mean; 0 where there is none."""
        known = jnp.isfinite(jnp.asarray(data.values))
        squares = jnp.ones(len(known)).at[jnp.array(PHASE)].set(self.phase_weight**2)
        weights = jnp.where(known, squares[:, None, None], 0.0)
        return weights / jnp.sum(weights)


class LeastSquares(AbstractPointwise):
    r"""$\frac{1}{N}\sum ((d-F)/\sigma)^2$ over the data that exist: the squared nRMS."""

    def cost(self, residual: Values) -> Values:
        """The square."""
        return jnp.square(residual)

    def weight(self, residual: Values) -> Values:
        """One."""
        return jnp.ones_like(residual)


class Huber(AbstractPointwise):
    r"""$\frac{1}{N}\sum h((d-F)/\sigma)$ with $h(r) = r^2$ up to a threshold k, $2k|r| - k^2$ beyond it.

    - `threshold`: k, in standard deviations.
    """

    threshold: float = 1.5

    def __check_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(
                "`Huber(threshold=...)` must be a positive number of standard deviations. "
                f"Got {self.threshold}."
            )

    def cost(self, residual: Values) -> Values:
        """A square that goes on as a straight line."""
        size = jnp.abs(residual)
        within = jnp.minimum(size, self.threshold)
        return within * (2 * size - within)

    def weight(self, residual: Values) -> Values:
        """One up to the threshold, then falling with the size of the residual."""
        return self.threshold / jnp.maximum(jnp.abs(residual), self.threshold)


class Student(AbstractPointwise):
    r"""$\frac{\nu+1}{N}\sum\ln(1 + r^2/\nu)$, $r = (d-F)/\sigma$: noise of Student's t distribution.

    - `freedom`: the degrees of freedom $\nu$; towards infinity it becomes least squares.
    """

    freedom: float = 3.0

    def __check_init__(self) -> None:
        if not self.freedom > 0:
            raise ValueError(
                "`Student(freedom=...)` must be a positive number of degrees of freedom. "
                f"Got {self.freedom}."
            )

    def cost(self, residual: Values) -> Values:
        """Twice the negative log likelihood, without its constant."""
        return (self.freedom + 1) * jnp.log1p(jnp.square(residual) / self.freedom)

    def weight(self, residual: Values) -> Values:
        """Falling with the square of the residual."""
        return (self.freedom + 1) / (self.freedom + jnp.square(residual))
