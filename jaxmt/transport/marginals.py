r"""What becomes of mass that has far to go: all of it must move, or some may be left at a price.

A potential without its mass is $\bar f = f - \varepsilon\log a$; Sinkhorn's update of a balanced problem is
passed through the proximal operator of the price (Sejourne et al. 2019, arXiv:1910.12958).
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float

Potential = Float[Array, " n"]


class AbstractMarginals(eqx.Module):
    """How the marginals of a plan may differ from the masses; sides are 0 for x and 1 for y."""

    @abc.abstractmethod
    def of_side(self, side: int) -> "AbstractMarginals":
        """Those of a problem whose two clouds are both that of `side`."""

    @abc.abstractmethod
    def update(self, bare: Potential, epsilon: Float[Array, ""], side: int) -> Potential:
        """The potential of a side, from the one that would meet the masses."""

    @abc.abstractmethod
    def dual(self, bare: Potential, side: int) -> Float[Array, ""]:
        """What a side contributes to the dual objective; each point has the same mass, one in all."""

    @abc.abstractmethod
    def shift(self, bare: tuple[Potential, Float[Array, " m"]]) -> Float[Array, ""]:
        """The best constant to add to f and take off g, which leaves the plan alone."""


class Balanced(AbstractMarginals):
    """Both marginals are the masses."""

    def of_side(self, side: int) -> "Balanced":
        """The same."""
        del side
        return self

    def update(self, bare: Potential, epsilon: Float[Array, ""], side: int) -> Potential:
        """The same."""
        del epsilon, side
        return bare

    def dual(self, bare: Potential, side: int) -> Float[Array, ""]:
        """The mean."""
        del side
        return jnp.mean(bare)

    def shift(self, bare: tuple[Potential, Float[Array, " m"]]) -> Float[Array, ""]:
        """Zero: the objective does not depend on it."""
        return jnp.zeros((), bare[0].dtype)


class Relaxed(AbstractMarginals):
    r"""Unbalanced: marginals differ at $\lambda_1\mathrm{KL}(P1|a) + \lambda_2\mathrm{KL}(P^T1|b)$.

    - `x_reach`, `y_reach`: $\sqrt{\lambda_1}$ and $\sqrt{\lambda_2}$, lengths in the weighted space: mass
      that would have to go further is mostly left. Both to infinity is `Balanced`.

    With different reaches the divergence of equal clouds is not zero.
    """

    x_reach: ArrayLike
    y_reach: ArrayLike

    def __check_init__(self) -> None:
        _check_reach(self, self.x_reach, self.y_reach)

    def _price(self, side: int, dtype: jnp.dtype) -> Float[Array, ""]:
        return jnp.square(jnp.asarray((self.x_reach, self.y_reach)[side], dtype))

    def of_side(self, side: int) -> "Relaxed":
        """With the reach of that side twice."""
        reach = (self.x_reach, self.y_reach)[side]
        return Relaxed(reach, reach)

    def update(self, bare: Potential, epsilon: Float[Array, ""], side: int) -> Potential:
        r"""Damped by $\lambda/(\lambda + \varepsilon)$."""
        price = self._price(side, bare.dtype)
        return price / (price + epsilon) * bare

    def dual(self, bare: Potential, side: int) -> Float[Array, ""]:
        r"""$\lambda\,\mathrm{mean}(1 - e^{-\bar f/\lambda})$."""
        price = self._price(side, bare.dtype)
        return -price * jnp.mean(jnp.expm1(-bare / price))

    def shift(self, bare: tuple[Potential, Float[Array, " m"]]) -> Float[Array, ""]:
        """The shift of Sejourne, Vialard & Peyre (2022): without it iterations crawl at a high price."""
        prices = [self._price(side, bare[0].dtype) for side in (0, 1)]
        logs = [
            logsumexp(-b / p) - jnp.log(jnp.asarray(b.size, b.dtype))
            for b, p in zip(bare, prices, strict=True)
        ]
        return prices[0] * prices[1] / (prices[0] + prices[1]) * (logs[0] - logs[1])


class Partial(AbstractMarginals):
    r"""Partial: marginals differ at the price $\lambda_1|P1 - a|_1 + \lambda_2|P^T1 - b|_1$.

    - `x_reach`, `y_reach`: $\sqrt{\lambda_1}$ and $\sqrt{\lambda_2}$, lengths in the weighted space: mass
      is left on both sides rather than moved further than $\sqrt{\lambda_1 + \lambda_2}$.
    """

    x_reach: ArrayLike
    y_reach: ArrayLike

    def __check_init__(self) -> None:
        _check_reach(self, self.x_reach, self.y_reach)

    def of_side(self, side: int) -> "Partial":
        """With the reach of that side twice."""
        reach = (self.x_reach, self.y_reach)[side]
        return Partial(reach, reach)

    def update(self, bare: Potential, epsilon: Float[Array, ""], side: int) -> Potential:
        r"""Clipped to $\pm\lambda$."""
        del epsilon
        price = jnp.square(jnp.asarray((self.x_reach, self.y_reach)[side], bare.dtype))
        return jnp.clip(bare, -price, price)

    def dual(self, bare: Potential, side: int) -> Float[Array, ""]:
        """The mean, since the potential is clipped."""
        del side
        return jnp.mean(bare)

    def shift(self, bare: tuple[Potential, Float[Array, " m"]]) -> Float[Array, ""]:
        """Zero: any constant that the clipping allows is as good."""
        return jnp.zeros((), bare[0].dtype)


def _check_reach(owner: Relaxed | Partial, *reaches: ArrayLike) -> None:
    # Traced, and placeholders of JAX, are not looked at.
    known = [r for r in reaches if isinstance(r, int | float)]
    if any(not r > 0 for r in known):
        raise ValueError(
            f"`{type(owner).__name__}(x_reach=..., y_reach=...)` must be positive lengths in the weighted "
            f"space. Got {reaches}; `Balanced()` takes no reach."
        )
