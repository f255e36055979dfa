"""Training of the networks: AdamW on the mean absolute error, by cosines that start anew."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key
from tqdm import tqdm

from .decoder import SINGLE

Network = TypeVar("Network", bound=Callable[[Array], Array])
Batch = Float[Array, "model *input"]
Pictures = Float[Array, "model row column"]


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    - `epochs`: at most; `patience`: epochs without a better validation error after which to stop.
    - `first`: epochs of the first cosine, from `rate` to zero; each next is twice as long.
    - `decay`: of the weights.
    """

    epochs: int = 75
    patience: int = 30
    first: int = 5
    batch: int = 128
    rate: float = 1e-3
    decay: float = 1e-4

    def rates(self, steps: int) -> optax.Schedule:
        """The rate of each step, with so many steps in an epoch."""
        cosines, ends, length = [], [0], self.first
        while ends[-1] < self.epochs * steps:
            cosines.append(optax.cosine_decay_schedule(self.rate, length * steps))
            ends.append(ends[-1] + length * steps)
            length *= 2
        return optax.join_schedules(cosines, ends[1:-1])


@dataclasses.dataclass(frozen=True)
class History:
    """Mean absolute error, decades, of each epoch: while it was trained, and on the validation models."""

    training: tuple[float, ...]
    validation: tuple[float, ...]

    @property
    def best(self) -> int:
        """The epoch, counted from 0, whose weights are kept."""
        return int(np.argmin(self.validation))


def trained(
    network: Network,
    draw: Callable[[Key[Array, ""]], Batch],
    pictures: Pictures,
    validation: tuple[Batch, Pictures],
    *,
    key: Key[Array, ""],
    schedule: Schedule,
    progress: Callable[[float], None] = lambda _error: None,
) -> tuple[Network, History]:
    """The network of the epoch with the lowest validation error.

    - `draw`: the inputs of all training models for an epoch, with noise of their own each time.
    - `progress`: called after each epoch with the validation error so far.

    Raises `FloatingPointError` where the loss ceases to be finite.
    """
    pictures = pictures.astype(SINGLE)
    inputs, truth = (part.astype(SINGLE) for part in validation)
    batch = min(schedule.batch, len(pictures))
    steps = len(pictures) // batch
    optimiser = optax.adamw(schedule.rates(steps), b1=0.5, b2=0.999, weight_decay=schedule.decay)

    @eqx.filter_jit
    def step(
        network: Network, state: Any, x: Batch, y: Pictures, chosen: Array
    ) -> tuple[Network, Any, Array]:
        value, slope = eqx.filter_value_and_grad(absolute_error)(network, x[chosen], y[chosen])
        # optax raises reals to integer powers, which strict promotion forbids.
        with jax.numpy_dtype_promotion("standard"):
            updates, state = optimiser.update(slope, state, eqx.filter(network, eqx.is_inexact_array))
        return eqx.apply_updates(network, updates), state, value

    error = eqx.filter_jit(absolute_error)
    state = optimiser.init(eqx.filter(network, eqx.is_inexact_array))
    best, curves, history = network, ([], []), History((), ())
    for epoch in range(schedule.epochs):
        key, noise, order = jax.random.split(key, 3)
        x = draw(noise).astype(SINGLE)
        losses = []
        # One step a call: XLA is slow at convolutions inside a scan on a CPU.
        for chosen in jax.random.permutation(order, len(pictures))[: steps * batch].reshape(steps, batch):
            network, state, value = step(network, state, x, pictures, chosen)
            losses.append(value)
        curves[0].append(float(jnp.mean(jnp.stack(losses))))
        curves[1].append(float(error(network, inputs, truth)))
        if not np.isfinite(curves[0][-1]):
            raise FloatingPointError(f"The loss ceased to be finite in epoch {epoch + 1}; lower the rate.")
        history = History(*map(tuple, curves))
        best = network if history.best == epoch else best
        progress(history.validation[history.best])
        if epoch - history.best >= schedule.patience:
            break
    return best, history


def absolute_error(
    network: Callable[[Array], Array], inputs: Batch, pictures: Pictures
) -> Float[Array, ""]:
    """Mean over models and pixels, decades."""
    return jnp.mean(jnp.abs(jax.vmap(network)(inputs) - pictures))


class Epochs:
    """A bar over the epochs of a network; it is told the validation error."""

    def __init__(self, name: str, epochs: int) -> None:
        self._bar = tqdm(total=epochs, desc=name, unit="epoch", dynamic_ncols=True)

    def __call__(self, error: float) -> None:
        """Moves on."""
        self._bar.set_postfix_str(f"MAE {error:.3f} decades", refresh=False)
        self._bar.update()

    def __enter__(self) -> "Epochs":
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the bar."""
        del error
        self._bar.close()
