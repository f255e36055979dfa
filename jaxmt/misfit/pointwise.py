"""Misfits that compare each datum with its own prediction and with nothing else."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..data import Data, known_residuals
from .abstract import AbstractMisfit

Predicted = Float[Array, "comp freq site"]


class LeastSquares(AbstractMisfit):
    r"""$\frac{1}{N}\sum ((d-F)/\sigma)^2$ over the data that exist: the squared nRMS."""

    def prepare(self, data: Data) -> tuple[Data, None]:
        """The data themselves; no state."""
        return data, None

    def __call__(self, predicted: Predicted, prepared: Data, state: None) -> tuple[Float[Array, ""], None]:
        """The mean squared normalised residual."""
        return jnp.sum(jnp.square(known_residuals(prepared, predicted))) / prepared.count, state

    def blur(self, state: None) -> float:
        """NaN."""
        del state
        return float("nan")


class Huber(AbstractMisfit):
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

    def prepare(self, data: Data) -> tuple[Data, None]:
        """The data themselves; no state."""
        return data, None

    def __call__(self, predicted: Predicted, prepared: Data, state: None) -> tuple[Float[Array, ""], None]:
        """The mean over the data that exist."""
        size = jnp.abs(known_residuals(prepared, predicted))
        within = jnp.minimum(size, self.threshold)
        return jnp.sum(within * (2 * size - within)) / prepared.count, state

    def blur(self, state: None) -> float:
        """NaN."""
        del state
        return float("nan")


class Student(AbstractMisfit):
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

    def prepare(self, data: Data) -> tuple[Data, None]:
        """The data themselves; no state."""
        return data, None

    def __call__(self, predicted: Predicted, prepared: Data, state: None) -> tuple[Float[Array, ""], None]:
        """Twice the negative log likelihood per datum, without its constant."""
        logs = jnp.log1p(jnp.square(known_residuals(prepared, predicted)) / self.freedom)
        return (self.freedom + 1) * jnp.sum(logs) / prepared.count, state

    def blur(self, state: None) -> float:
        """NaN."""
        del state
        return float("nan")
