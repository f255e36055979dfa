"""The clouds of predicted and observed data without transport: every point is kept on its own datum."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..data import Data
from .abstract import AbstractMisfit
from .cloud import CloudTransport
from .embedding import Embedding


class PairedClouds(AbstractMisfit):
    r"""$\frac1n\sum_i |W(x_i - y_i)|^2$: least squares with the weights of `CloudTransport`.

    - `cloud`: scales, weights, blurs and the points of the clouds. What it says of transport has no effect.
    - `by_component`: whether the mean of a component is over the points that have it, as in
      `ComponentTransport`, and not over all points.

    The blur enters the weights alone, and follows the fit in the same way. This is what transport becomes
    where its plans move no mass, and so the control for what transport does: the same in all but the plan.
    """

    cloud: CloudTransport = CloudTransport()
    by_component: bool = False

    def __check_init__(self) -> None:
        if self.by_component and self.cloud.correlation is not None:
            raise ValueError(
                "`PairedClouds(by_component=True)` takes components apart: leave out the `correlation` of "
                "its `cloud`."
            )

    def prepare(self, data: Data) -> tuple[Embedding, "PairedState"]:
        """The embedding of the data; the state starts at `start_blur`."""
        embedding = self.cloud.embedding(data)
        blur, last = self.cloud.start_blur, self.cloud.last_blur(embedding)
        return embedding, PairedState(jnp.asarray(blur, dtype=float), jnp.asarray(last, dtype=float))

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: Embedding, state: "PairedState"
    ) -> tuple[Float[Array, ""], "PairedState"]:
        """The mean over the points at the present blur."""
        blur = state.blur
        apart = prepared.predicted_cloud(predicted, blur) - prepared.observed_cloud(blur)
        squares = jnp.sum(jnp.square(apart[:, 2:]), axis=0)
        value = jnp.sum(squares * self._shares(prepared))
        return value, PairedState(self.cloud.next_blur(blur, state.final_blur, value), state.final_blur)

    def curvature(
        self, predicted: Float[Array, "comp freq site"], prepared: Embedding, state: "PairedState"
    ) -> Float[Array, "comp freq site"]:
        """Twice the squared weights, and what a point counts."""
        factor = jnp.zeros(len(predicted)).at[jnp.asarray(prepared.components)].set(self._shares(prepared))
        return 2 * factor[:, None, None] * prepared.squared_slopes(predicted, state.blur)

    def _shares(self, embedding: Embedding) -> Float[Array, " value"]:
        """What a point counts in the mean of each component."""
        if self.by_component:
            return 1 / jnp.maximum(jnp.sum(jnp.asarray(embedding.present), axis=0), 1)
        return jnp.full(len(embedding.components), 1 / len(embedding.axes))

    def describe(self, state: "PairedState") -> dict[str, float]:
        """The blur of the next call."""
        return {"blur": float(state.blur)}

    def for_long_steps(self) -> "PairedClouds":
        """With `CloudTransport.for_long_steps`."""
        return dataclasses.replace(self, cloud=self.cloud.for_long_steps())


class PairedState(eqx.Module):
    """The blur of the next call, and the smallest."""

    blur: Float[Array, ""]
    final_blur: Float[Array, ""]
