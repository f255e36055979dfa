r"""Lambda: how much roughness weighs against data misfit, from one iteration to the next."""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, PyTree

from ..forking import refuse_forked

Scalar = Float[Array, ""]


def _traced(value: ArrayLike) -> Scalar:
    """A setting as an array, so that inversions with other values share compiled functions."""
    refuse_forked()
    return jnp.asarray(value, dtype=float)


class Slopes(eqx.Module):
    """What a rule for lambda may look at.

    - `data`, `roughness`: norms of the two gradients. `nrms`: of the present model.
    - `stage`: number of the misfit in force; where it changes, so does the unit of the data misfit.
    """

    data: Scalar
    roughness: Scalar
    nrms: Scalar
    stage: Int[Array, ""]

    def balance(self) -> Scalar:
        """Ratio of the gradients, infinite where a section has no roughness yet."""
        rough = self.roughness > 0
        return jnp.where(rough, self.data / jnp.where(rough, self.roughness, 1.0), jnp.inf)

    def unit(self, balance: Scalar, stage: Int[Array, ""]) -> Scalar:
        """The unit of the data misfit over that of the iteration of `balance` and `stage`."""
        return jnp.where(self.stage == stage, 1.0, self.balance() / balance)


class AbstractTradeOff(eqx.Module):
    """A rule for lambda, for `invert(trade_off=...)`."""

    @abc.abstractmethod
    def start(self) -> PyTree[Any]:
        """The state of the first iteration."""

    @abc.abstractmethod
    def __call__(self, state: PyTree[Any], slopes: Slopes) -> tuple[Scalar, PyTree[Any]]:
        """Lambda (infinite while a section has no roughness) and the next state."""


class Fixed(AbstractTradeOff):
    """The same lambda always, in the unit of the misfit over squared decades."""

    factor: ArrayLike = eqx.field(converter=_traced)

    def __check_init__(self) -> None:
        _not_negative("Fixed(factor", self.factor)

    def start(self) -> None:
        """Nothing."""

    def __call__(self, state: None, slopes: Slopes) -> tuple[Scalar, None]:
        """The factor."""
        del slopes
        return jnp.asarray(self.factor), state


class GradientRatio(AbstractTradeOff):
    """The ratio of the gradients' norms times `ratio`, so that both terms pull alike; it only decreases.

    A step then never undoes what the data have shown (Liu, Chen, Bo & Tang 2026, MTinv_OT). It starts
    anew where the misfit changes.
    """

    ratio: ArrayLike = eqx.field(default=0.1, converter=_traced)

    def __check_init__(self) -> None:
        _not_negative("GradientRatio(ratio", self.ratio)

    def start(self) -> tuple[Scalar, Int[Array, ""]]:
        """Infinite lambda, the first stage."""
        return jnp.full((), jnp.inf, float), jnp.zeros((), int)

    def __call__(
        self, state: tuple[Scalar, Int[Array, ""]], slopes: Slopes
    ) -> tuple[Scalar, tuple[Scalar, Int[Array, ""]]]:
        """The smaller of the last one and the present ratio."""
        last = jnp.where(slopes.stage == state[1], state[0], jnp.inf)
        factor = jnp.minimum(last, self.ratio * slopes.balance())
        return factor, (factor, slopes.stage)


class Cooling(AbstractTradeOff):
    """Down by `rate` in every iteration, and never above `ratio` times the ratio of the gradients' norms.

    Smoothness so pulls at most as hard as the data, and ever less: the section follows the path of the
    smoothest ones, and where it started from is forgotten. Where the misfit changes, and its unit with it,
    lambda changes as the ratio of the norms.
    """

    ratio: ArrayLike = eqx.field(default=1.0, converter=_traced)
    rate: ArrayLike = eqx.field(default=0.93, converter=_traced)

    def __check_init__(self) -> None:
        _not_negative("Cooling(ratio", self.ratio)
        _fraction("Cooling(rate", self.rate)

    def start(self) -> tuple[Scalar, Scalar, Int[Array, ""]]:
        """Neither lambda nor a ratio of the gradients' norms, the first stage."""
        infinite = jnp.full((), jnp.inf, float)
        return infinite, infinite, jnp.zeros((), int)

    def __call__(
        self, state: tuple[Scalar, Scalar, Int[Array, ""]], slopes: Slopes
    ) -> tuple[Scalar, tuple[Scalar, Scalar, Int[Array, ""]]]:
        """The last lambda cooled, or the most that is allowed."""
        last, balance, stage = state
        now = slopes.balance()
        factor = jnp.minimum(self.rate * slopes.unit(balance, stage) * last, self.ratio * now)
        return factor, (factor, now, slopes.stage)


class Discrepancy(AbstractTradeOff):
    """The largest lambda that still lets the fit improve: it falls by `rate` whenever nRMS stalls.

    The model that first reaches the target is then about the smoothest that does (Morozov's discrepancy
    principle; Parker 1994, Geophysical Inverse Theory, sec. 3.02). Where the misfit changes, and its unit
    with it, lambda changes as the ratio of the gradients' norms.

    - `ratio`: of the gradients' norms to start from. `stall`: the relative fall of nRMS in an iteration
      below which lambda falls.
    """

    ratio: ArrayLike = eqx.field(default=3.0, converter=_traced)
    rate: ArrayLike = eqx.field(default=0.7, converter=_traced)
    stall: ArrayLike = eqx.field(default=0.01, converter=_traced)

    def __check_init__(self) -> None:
        _not_negative("Discrepancy(ratio", self.ratio)
        _fraction("Discrepancy(rate", self.rate)
        _fraction("Discrepancy(stall", self.stall)

    def start(self) -> tuple[Scalar, Scalar, Scalar, Int[Array, ""]]:
        """Neither lambda, a ratio of the gradients' norms nor a last nRMS; the first stage."""
        infinite = jnp.full((), jnp.inf, float)
        return infinite, infinite, infinite, jnp.zeros((), int)

    def __call__(
        self, state: tuple[Scalar, Scalar, Scalar, Int[Array, ""]], slopes: Slopes
    ) -> tuple[Scalar, tuple[Scalar, Scalar, Scalar, Int[Array, ""]]]:
        """The last lambda, smaller if nRMS has stalled, or the first."""
        last, balance, nrms, stage = state
        now = slopes.balance()
        slower = jnp.where(slopes.nrms > (1 - self.stall) * nrms, self.rate, 1.0)
        going = slower * slopes.unit(balance, stage) * last
        factor = jnp.where(jnp.isfinite(last), going, self.ratio * now)
        return factor, (factor, now, slopes.nrms, slopes.stage)


def _not_negative(name: str, value: ArrayLike) -> None:
    number = np.asarray(value, dtype=float)
    if not (number >= 0 and np.isfinite(number)):
        raise ValueError(f"`{name}=...)` must be finite and not negative. Got {number}.")


def _fraction(name: str, value: ArrayLike) -> None:
    number = np.asarray(value, dtype=float)
    if not 0 < number <= 1:
        raise ValueError(f"`{name}=...)` must lie in (0, 1]. Got {number}.")
