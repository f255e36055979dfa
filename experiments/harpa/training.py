"""Training of networks: Adam on the loss of random batches, by a cosine from a rate to zero."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Key, PyTree

Weights = PyTree[Array]


def learned(
    loss: Callable[[Weights, Array], Float[Array, ""]],
    weights: Weights,
    *,
    key: Key[Array, ""],
    steps: int,
    rate: float,
    chunk: int,
    progress: Callable[[int, float], None],
) -> Weights:
    """The weights after `steps` steps.

    - `loss`: of weights and a key that draws the batch.
    - `chunk`: steps between two calls of `progress`, which is told their number and the root of their
      mean loss.
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))

    @jax.jit
    def run(carry: tuple, draws: Array) -> tuple[tuple, Array]:
        def step(carry: tuple, draw: Array) -> tuple[tuple, Array]:
            weights, state = carry
            value, slope = jax.value_and_grad(loss)(weights, draw)
            with jax.numpy_dtype_promotion("standard"):
                updates, state = optimiser.update(slope, state)
            return (jax.tree.map(jnp.add, weights, updates), state), value

        return lax.scan(step, carry, draws)

    carry = (weights, optimiser.init(weights))
    for draws in jnp.split(jax.random.split(key, steps), list(range(chunk, steps, chunk))):
        carry, values = run(carry, draws)
        progress(len(draws), float(jnp.sqrt(jnp.mean(values))))
    return carry[0]
