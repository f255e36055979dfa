"""What an inversion asks of a misfit."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..data import Data


class AbstractMisfit(eqx.Module):
    """A data misfit for `invert(misfit=...)`: `prepare` and `__call__`; all else is optional."""

    @abc.abstractmethod
    def prepare(self, data: Data) -> tuple[PyTree[Any], PyTree[Any]]:
        """What the misfit needs of the data, and the state of the first iteration."""

    @abc.abstractmethod
    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: PyTree[Any], state: PyTree[Any]
    ) -> tuple[Float[Array, ""], PyTree[Any]]:
        """The misfit of predicted data (order of `COMPONENTS`) and the state of the next iteration.

        Phases are angles: `jaxmt.data.nearest_turn` takes them within half a turn of the observed ones.
        """

    def curvature(
        self, predicted: Float[Array, "comp freq site"], prepared: PyTree[Any], state: PyTree[Any]
    ) -> Float[Array, "comp freq site"]:
        r"""What `GaussNewton` needs: h of a parabola that touches the misfit and lies above it.

        It rises by $g^T\delta + \frac12\sum_k h_k\delta_k^2$ for a change $\delta$ of the data, g the
        gradient; h is zero where a datum does not count. Raises `NotImplementedError` for a misfit that
        does not say.
        """
        raise NotImplementedError(
            f"`GaussNewton` needs `{type(self).__name__}.curvature`, which is not defined. Define it, or "
            "use `Descent()` or `QuasiNewton()`."
        )

    def stage(self, state: PyTree[Any]) -> Int[Array, ""]:
        """Number of the misfit in force in the next call: it grows when one hands over to another."""
        del state
        return jnp.zeros((), int)

    def describe(self, state: PyTree[Any]) -> dict[str, float]:
        """Numbers of the next call that are shown and recorded, by name, such as the blur."""
        del state
        return {}

    def diagnostics(self, state: PyTree[Any]) -> dict[str, float]:
        """Numbers found in the last call that are recorded, by name, such as how far mass has moved."""
        del state
        return {}

    def for_long_steps(self) -> "AbstractMisfit":
        """The same misfit for an optimiser of few and long steps, such as `GaussNewton`."""
        return self
