r"""Langevin dynamics: descent with noise, so that a run explores a distribution rather than a point.

Exploration, not a posterior: with a learning rate and a temperature that fall, or gradients of parts of the
data, what is sampled is not calibrated.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, PyTree

Schedule = float | optax.Schedule


class LangevinState(eqx.Module):
    """Steps made, the mean square of past gradients, and the key of the noise to come."""

    steps: Int[Array, ""]
    mean_square: PyTree[Float[Array, "..."]]
    key: Key[Array, ""]


def langevin(
    learning_rate: Schedule,
    temperature: Schedule = 1.0,
    *,
    key: Key[Array, ""],
    decay: float = 0.99,
    damping: float = 1e-8,
) -> optax.GradientTransformation:
    r"""Stochastic gradient Langevin dynamics, preconditioned by the root mean square of past gradients.

    $$v \leftarrow d\,v + (1 - d)\,g^2, \quad G = 1 / (\sqrt{v / (1 - d^k)} + \varepsilon), \quad
    \theta \leftarrow \theta - l\,G g + \sqrt{2\,l\,T\,G}\;\xi, \quad \xi \sim N(0, 1)$$

    at step k, for the gradient g of a loss L. For a learning rate l that is small against the width of the
    loss it samples the density exp(-L / T): with L the negative logarithm of a posterior, T = 1 is that
    posterior.

    - `learning_rate`: l, in units of the parameters; a number or a schedule over steps.
    - `temperature`: T, in units of the loss; a number or a schedule over steps. T = 0 is RMSprop.
    - `key`: of the noise. Runs side by side need one each.
    - `decay`: d, of the mean square, whose memory is 1 / (1 - d) steps; that it starts at zero is
      corrected for.
    - `damping`: epsilon, in units of the gradient. A parameter that has had no gradient yet is shaken by
      sqrt(2 l T / epsilon).

    The change of G with the parameters, of the order of 1 - d, is left out. Raises `ValueError` for a
    negative number, or a `decay` that is not between 0 and 1. From Li, Chen, Carlson & Carin, AAAI 2016.
    """
    for name, value in (("learning_rate", learning_rate), ("temperature", temperature)):
        if not callable(value) and not value >= 0:
            raise ValueError(f"`langevin({name}=...)` must be zero or positive. Got {value}.")
    if not 0 <= decay < 1:
        raise ValueError(f"`langevin(decay=...)` must be at least 0 and below 1. Got {decay}.")
    if not damping > 0:
        raise ValueError(
            f"`langevin(damping=...)` must be positive, in units of the gradient. Got {damping}."
        )

    def init(params: optax.Params) -> Any:
        return LangevinState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params), key)

    def update(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Any]:
        del params
        rate, degree = (
            value(state.steps) if callable(value) else value for value in (learning_rate, temperature)
        )
        mean_square = jax.tree.map(
            lambda v, g: decay * v + (1 - decay) * jnp.square(g), state.mean_square, updates
        )
        steps = jnp.asarray(optax.safe_increment(state.steps))
        following, current = jax.random.split(state.key)
        leaves, structure = jax.tree.flatten(updates)
        # Drawn at once: to compile one generator takes as long as all the rest.
        draws = jax.random.normal(current, (sum(leaf.size for leaf in leaves),), jnp.result_type(*leaves))
        ends = np.cumsum([leaf.size for leaf in leaves])
        shaken = [
            part.reshape(leaf.shape).astype(leaf.dtype)
            for part, leaf in zip(jnp.split(draws, ends[:-1]), leaves, strict=True)
        ]

        def step(g: Array, v: Array, xi: Array) -> Array:
            seen = 1 - jnp.asarray(decay, g.dtype) ** steps.astype(g.dtype)
            scale = jnp.asarray(rate, g.dtype) / (jnp.sqrt(v / seen) + damping)
            return jnp.sqrt(2 * jnp.asarray(degree, g.dtype) * scale) * xi - scale * g

        moved = jax.tree.map(step, updates, mean_square, jax.tree.unflatten(structure, shaken))
        return moved, LangevinState(steps, mean_square, following)

    return optax.GradientTransformation(init, update)
