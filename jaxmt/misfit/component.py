"""Transport of each component on its own: 3-D clouds."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from ..data import Data
from ..transport import Divergence, Grid
from .abstract import AbstractMisfit
from .cloud import CloudTransport
from .cloud_state import CloudState
from .embedding import Embedding
from .motion import Motion

Cloud = Float[Array, "point 3"]
Points = Int[np.ndarray | Array, " _"]
Prepared = tuple[Embedding, list[tuple[list[int], Points, Grid]]]


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
        """The embedding; components with data at the same points, with these and their grid; the states."""
        embedding = self.cloud.embedding(data)
        present, axes = embedding.present, embedding.interpolation.axes
        alike: dict[bytes, list[int]] = {}
        for k in map(int, np.flatnonzero(present.any(axis=0))):
            alike.setdefault(present[:, k].tobytes(), []).append(k)
        parts = []
        for components in alike.values():
            points = np.flatnonzero(present[:, components[0]])
            parts.append((components, points, Grid.from_axes(axes[points])))
        last = self.cloud.last_blur(embedding)
        states = [
            self.cloud.start(axes[points], last) for components, points, _ in parts for _ in components
        ]
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
        for components, points, grid in parts:
            near, states = grid.scaled(stiffness), state[len(results) :][: len(components)]

            def compared(
                given: tuple[Cloud, Cloud, CloudState], near: Grid = near
            ) -> tuple[Divergence, Motion]:
                first, second, one = given
                result = self.cloud.compare(first, second, near, one)
                return result, Motion.of(first, second, result, one.transport_blur, units)

            # In a loop over one program: each takes seconds to compile.
            slices = (jnp.stack([_slice(cloud, k, points) for k in components]) for cloud in clouds)
            found = lax.map(compared, (*slices, jax.tree.map(lambda *each: jnp.stack(each), *states)))
            for k in range(len(components)):
                result, motion = jax.tree.map(lambda part, k=k: part[k], found)
                results.append(result)
                motions.append(motion)
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
        for components, points, _ in parts:
            for k in components:
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


def _slice(cloud: Float[Array, "all_points d"], component: int, points: Points) -> Cloud:
    return cloud[jnp.asarray(points)][:, jnp.asarray([0, 1, 2 + component])]
