"""The velocity that explains one trace, by Adam on every grid point."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from .acoustic import LARGEST_COURANT, Shot

Misfit = Callable[[Float[Array, " sample"], Float[Array, " sample"]], Float[Array, ""]]


@dataclasses.dataclass(frozen=True)
class Fit:
    """What an inversion leaves behind.

    - `losses`: misfit before each step, and after the last.
    - `message`: how it ended, in words.
    """

    losses: Float[np.ndarray, " epoch"]
    velocity: Float[np.ndarray, "z x"]
    trace: Float[np.ndarray, " sample"]
    message: str


def invert(
    shot: Shot,
    observed: Float[np.ndarray, " sample"],
    start: Float[np.ndarray, "z x"],
    misfit: Misfit,
    *,
    epochs: int,
    step: float,
    progress: Callable[[int, float], None],
) -> Fit:
    """Fits the trace from a starting velocity.

    - `start`: m/s. `step`: of Adam, m/s: about what a grid point moves in an epoch.
    - `progress`: called with each epoch and its misfit.

    Stops early, and says so, where the velocity becomes too high for the time step or the misfit is not
    finite.
    """
    target = jnp.asarray(observed)
    optimiser = optax.adam(step)

    @jax.jit
    def evaluate(velocity):
        def loss(velocity):
            trace = shot(velocity)
            return misfit(trace, target), trace

        return jax.value_and_grad(loss, has_aux=True)(velocity)

    @jax.jit
    def move(velocity, gradient, memory):
        # optax raises reals to integer powers, which strict promotion forbids.
        with jax.numpy_dtype_promotion("standard"):
            updates, memory = optimiser.update(gradient, memory)
        return optax.apply_updates(velocity, updates), memory

    velocity = jnp.asarray(start)
    memory = optimiser.init(velocity)
    losses = []
    message = f"{epochs} epochs"
    epoch = 0
    while True:
        (value, trace), gradient = evaluate(velocity)
        losses.append(float(value))
        progress(epoch, losses[-1])
        if not np.isfinite(losses[-1]):
            message = f"stopped at epoch {epoch}: the misfit is not finite"
            break
        if epoch >= epochs:
            break
        following, memory = move(velocity, gradient, memory)
        if shot.courant(following) >= LARGEST_COURANT:
            message = (
                f"stopped at epoch {epoch}: {float(following.max()):.0f} m/s is too fast for the time "
                "step; take more `substeps`"
            )
            break
        velocity = following
        epoch += 1
    return Fit(np.array(losses), np.asarray(velocity), np.asarray(trace), message)
