"""What a transport of clouds hands from one iteration to the next."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..transport import Divergence
from .motion import Motion

SPACING_QUANTILE, SPACING_FRACTION = 0.1, 1 / 6
"""Quantile of the spacings of the points, and the fraction of it that the blur of transport does not go
under: at a sixth the kernel from one point to the next is e^-36."""


def smallest_blur(axes: Float[np.ndarray, "point 2"]) -> Float[Array, ""]:
    """A blur so far under the spacing of most points that transport does not notice it any more."""
    steps = [np.diff(np.unique(axis)).astype(float) for axis in axes.T]
    spacings = [np.quantile(step, SPACING_QUANTILE) for step in steps if step.size]
    return jnp.asarray(np.float64(SPACING_FRACTION * min(spacings, default=0.0)))


class CloudState(eqx.Module):
    """The blur of the next call, the result that it starts from with its blur and motion, and two bounds.

    - `final_blur`: the smallest blur for the weights of the cloud.
    - `smallest_blur`: the smallest blur for transport in the next call: below it no mass leaves its point.
    """

    blur: Float[Array, ""]
    last_blur: Float[Array, ""]
    final_blur: Float[Array, ""]
    smallest_blur: Float[Array, ""]
    last: Divergence
    motion: Motion

    @property
    def transport_blur(self) -> Float[Array, ""]:
        """The blur that transport takes in the next call."""
        return jnp.maximum(self.blur, self.smallest_blur)
