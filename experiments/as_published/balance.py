"""The published rule for lambda."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxmt.inversion.trade_off import AbstractTradeOff, Scalar, Slopes

SMOOTHED = 3
"""Iterations over which the norms of the gradients are averaged."""
LOWEST_RATIO = 0.01
"""A smaller ratio counts as this."""
LEAST_CHANGE = 0.05
"""A relative change of lambda that is not larger is left out."""
LOWEST = 1e-6

State = tuple[Scalar, Int[Array, ""], Float[Array, "2 _"]]
"""Lambda, the number of the iteration, and the last norms of the gradients of data and roughness."""


class Balance(AbstractTradeOff):
    r"""Every `interval` iterations lambda falls by the ratio of the gradients, and it never rises.

    With $r = |\nabla\phi| / (b\,\lambda\,|\nabla R|)$, of norms averaged over three iterations, lambda
    becomes $\lambda r^\alpha$ where r is less than one.

    - `first`: the first lambda. `balance`: b. `exponent`: $\alpha$.
    - `warm_up`: iterations before the first fall.
    """

    first: float = 10.0
    balance: float = 2.0
    exponent: float = 0.5
    warm_up: int = 10
    interval: int = 10

    def start(self) -> State:
        """The first lambda; no norms yet."""
        return jnp.asarray(self.first, float), jnp.zeros((), int), jnp.full((2, SMOOTHED), jnp.nan)

    def __call__(self, state: State, slopes: Slopes) -> tuple[Scalar, State]:
        """The last lambda, or a smaller one."""
        last, iteration, norms = state
        norms = jnp.concatenate([norms[:, 1:], jnp.stack([slopes.data, slopes.roughness])[:, None]], axis=1)
        data, roughness = jnp.mean(norms, axis=1)
        ratio = data / (self.balance * last * roughness)
        fallen = jnp.maximum(last * jnp.maximum(ratio, LOWEST_RATIO) ** self.exponent, LOWEST)
        due = (iteration >= self.warm_up) & ((iteration - self.warm_up) % self.interval == 0)
        falls = due & (ratio < 1) & (fallen < (1 - LEAST_CHANGE) * last)
        factor = jnp.where(falls, fallen, last)
        return factor, (factor, iteration + 1, norms)
