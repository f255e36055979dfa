"""Transport of each component on its own: 3-D clouds."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..data import Data
from ..transport import Grid
from .abstract import AbstractMisfit
from .cloud import CloudTransport
from .cloud_state import CloudState
from .embedding import Embedding
from .motion import Motion

Prepared = tuple[Embedding, list[tuple[int, Int[np.ndarray | Array, " _"], Grid]]]


class ComponentTransport(AbstractMisfit):
    """The sum of the divergences between 3-D clouds (log frequency, position, value), one a component.

    - `cloud`: scales, weights and blurs; the clouds are slices of its own cloud.

    Components may move independently, which they must not in `CloudTransport`.
    """

    cloud: CloudTransport = CloudTransport()

    def __check_init__(self) -> None:
        if self.cloud.correlation is not None:
            raise ValueError(
                "`ComponentTransport(cloud=...)` takes components apart: leave out its `correlation`."
            )

    def prepare(self, data: Data) -> tuple[Prepared, list[CloudState]]:
        """The embedding, and for each component with data its place, points and grid."""
        embedding = self.cloud.embedding(data)
        parts = []
        for k in np.flatnonzero(embedding.present.any(axis=0)):
            points = np.flatnonzero(embedding.present[:, k])
            parts.append((int(k), points, Grid.from_axes(embedding.interpolation.axes[points])))
        observed = embedding.observed_cloud(jnp.asarray(self.cloud.start_blur, dtype=float))
        last = self.cloud.last_blur(embedding)
        states = [self.cloud.start(_slice(observed, k, points), grid, last) for k, points, grid in parts]
        return (embedding, parts), states

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: Prepared, state: list[CloudState]
    ) -> tuple[Float[Array, ""], list[CloudState]]:
        """The sum at the present blur."""
        embedding, parts = prepared
        blur = state[0].blur
        clouds = embedding.predicted_cloud(predicted, blur), embedding.observed_cloud(blur)
        stiffness, units = embedding.stiffness(blur), embedding.units_at(blur)
        results, motions = [], []
        for (k, points, grid), one in zip(parts, state, strict=True):
            first, second = (_slice(cloud, k, points) for cloud in clouds)
            result = self.cloud.compare(first, second, grid.scaled(stiffness), one)
            results.append(result)
            motions.append(Motion.of(first, second, result, one.transport_blur, units))
        total = jnp.sum(jnp.stack([result.value for result in results]))
        # The blur is one for all: the plan that lags most behind it decides.
        error = jnp.max(jnp.stack([result.marginal_error for result in results]))
        found = zip(state, results, motions, strict=True)
        return total, [
            self.cloud.following(one, result, total, motion, error) for one, result, motion in found
        ]

    def curvature(
        self, predicted: Float[Array, "comp freq site"], prepared: Prepared, state: list[CloudState]
    ) -> Float[Array, "comp freq site"]:
        """As of `CloudTransport`, each component with its own number of points."""
        embedding, parts = prepared
        factor = np.zeros((len(predicted), 1, 1))
        for k, points, _ in parts:
            factor[embedding.components[k]] = 2 / len(points)
        return jnp.asarray(factor) * embedding.squared_slopes(predicted, state[0].blur)

    def describe(self, state: list[CloudState]) -> dict[str, float]:
        """The blur of the next call."""
        return self.cloud.describe(state[0])

    def diagnostics(self, state: list[CloudState]) -> dict[str, float]:
        """As of `CloudTransport`, over all components."""
        return Motion.together([one.motion for one in state]).describe()

    def for_long_steps(self) -> "ComponentTransport":
        """With `CloudTransport.for_long_steps`."""
        return dataclasses.replace(self, cloud=self.cloud.for_long_steps())


def _slice(
    cloud: Float[Array, "all_points d"], component: int, points: Int[np.ndarray | Array, " point"]
) -> Float[Array, "point 3"]:
    return cloud[jnp.asarray(points)][:, jnp.asarray([0, 1, 2 + component])]
