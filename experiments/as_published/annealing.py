"""The published annealing of the blur."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

import jaxmt
from jaxmt.misfit import AbstractMisfit
from jaxmt.misfit.cloud import CloudState

WINDOW, SMOOTHED = 5, 3
"""Changes of the misfit that must be small together, and values that are averaged before."""


class Annealed(AbstractMisfit):
    """Transport whose blur falls by `factor` where the misfit is flat, and stays as it is otherwise.

    - `cloud`: begins with its `start_blur`; its own rules for the blur are not used.
    - `smallest`: blur. `flat`: the relative change of the misfit, averaged over three iterations, that five
      changes in a row stay below.
    - `wait`: iterations from one fall to the next. 1e9 never lets the blur fall.
    """

    cloud: jaxmt.CloudTransport
    factor: float = 0.9
    smallest: float = 1e-4
    flat: float = 0.03
    wait: int = 20

    def prepare(self, data: jaxmt.Data) -> tuple[Any, "AnnealedState"]:
        """As the cloud does; no value yet."""
        prepared, state = self.cloud.prepare(data)
        values = jnp.full(WINDOW + SMOOTHED, jnp.nan)
        return prepared, AnnealedState(state, values, jnp.asarray(self.wait))

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: Any, state: "AnnealedState"
    ) -> tuple[Float[Array, ""], "AnnealedState"]:
        """The divergence at the present blur."""
        value, following = self.cloud(predicted, prepared, state.cloud)
        values = jnp.append(state.values[1:], lax.stop_gradient(value))
        means = jnp.mean(jnp.stack([values[k : k + WINDOW + 1] for k in range(SMOOTHED)]), axis=0)
        is_flat = jnp.all(jnp.abs(jnp.diff(means)) < self.flat * jnp.abs(means[:-1]))
        falls = is_flat & (state.since >= self.wait)
        blur = jnp.where(
            falls, jnp.maximum(self.factor * state.cloud.blur, self.smallest), state.cloud.blur
        )
        following = eqx.tree_at(lambda s: s.blur, following, blur)
        return value, AnnealedState(following, values, jnp.where(falls, 1, state.since + 1))

    def describe(self, state: "AnnealedState") -> dict[str, float]:
        """As the cloud."""
        return self.cloud.describe(state.cloud)


class AnnealedState(eqx.Module):
    """The state of the cloud, the last values of the misfit, and the iterations since the last fall."""

    cloud: CloudState
    values: Float[Array, " value"]
    since: Int[Array, ""]
