r"""Restarts: one descent from many starts side by side, because each may end in another minimum."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Float, Key, PyTree


class Restarts(NamedTuple):
    """What `descend` found.

    - `parameters`: where each restart ended.
    - `path`: parameters after every `thin` steps; the last are `parameters`.
    - `losses`: before each step.
    """

    parameters: PyTree[Float[Array, "restart ..."]]
    path: PyTree[Float[Array, "restart kept ..."]]
    losses: Float[Array, "restart step"]


def descend(
    loss: Callable[[Any, Key[Array, ""]], Float[Array, ""]],
    starts: PyTree[Array],
    optimiser: Callable[[Key[Array, ""]], optax.GradientTransformation],
    steps: int,
    *,
    key: Key[Array, ""],
    thin: int | None = None,
) -> Restarts:
    """`steps` steps from each start.

    - `loss`: called with the parameters of one restart and a key, new at each step: it may draw a part of
      the data.
    - `starts`: parameters whose leaves have the restarts as first axis.
    - `optimiser`: called with a key, another for each restart, for `langevin(..., key=key)`; one without
      noise takes no notice of it.
    - `thin`: how many steps lie between the points of the path, by default all of them.

    All restarts take the same steps in one compiled program; under `jax.jit` give `steps` as a Python
    number. Raises `ValueError` unless all leaves of `starts` agree in their first axis and `steps` is a
    positive multiple of `thin`.
    """
    counts = {leaf.shape[:1] for leaf in jax.tree.leaves(starts)}
    if len(counts) != 1 or counts == {()}:
        raise ValueError(
            "`descend(starts=...)` must have the restarts as first axis of every leaf. Got first axes "
            f"{sorted(counts)}."
        )
    thin = steps if thin is None else thin
    if min(steps, thin) < 1 or steps % thin:
        raise ValueError(
            "`descend(steps=..., thin=...)`: steps must be a positive multiple of thin. Got "
            f"{steps} and {thin}."
        )
    ((restarts,),) = counts

    def run(start: PyTree, own: Key[Array, ""]) -> Restarts:
        keys = jax.random.split(own, steps + 1)
        transformation = optimiser(keys[0])

        def step(carry: tuple[PyTree, Any], draw: Key[Array, ""]) -> tuple[Any, Float[Array, ""]]:
            parameters, state = carry
            value, gradient = jax.value_and_grad(loss)(parameters, draw)
            # optax raises reals to integer powers, which strict promotion forbids.
            with jax.numpy_dtype_promotion("standard"):
                updates, state = transformation.update(gradient, state, parameters)
            return (jax.tree.map(jnp.add, parameters, updates), state), value

        def several(carry: tuple[PyTree, Any], draws: Key[Array, " thin"]) -> tuple[Any, Any]:
            carry, values = lax.scan(step, carry, draws)
            return carry, (carry[0], values)

        draws = keys[1:].reshape(steps // thin, thin)
        (end, _), (path, values) = lax.scan(several, (start, transformation.init(start)), draws)
        return Restarts(end, path, values.reshape(steps))

    return jax.vmap(run)(starts, jax.random.split(key, restarts))
