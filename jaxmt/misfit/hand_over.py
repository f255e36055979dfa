"""One misfit after another."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..data import Data
from .abstract import AbstractMisfit

PROGRESS = 0.01
"""A smaller relative fall of the nRMS is no progress."""


class HandOver(AbstractMisfit):
    """A misfit that hands over to another, once and for good.

    Transport may find the way from a start where least squares loses it, and least squares fits the noise
    closer than a blur does: `HandOver(CloudTransport(), LeastSquares())`.

    The first of these that comes true decides, from the call after it:

    - `nrms`: the nRMS of all data has come down to this;
    - `iterations`: the first misfit has been called so many times;
    - `patience`: so many calls in a row have not brought the nRMS 1 % under its lowest.

    None leaves a condition out. Only the misfit in force is computed, and the state of the other waits:
    the second starts as if it were the only one.
    """

    first: AbstractMisfit
    second: AbstractMisfit
    nrms: float | None = 2.0
    iterations: int | None = None
    patience: int | None = 20

    def __check_init__(self) -> None:
        if self.nrms is None and self.iterations is None and self.patience is None:
            raise ValueError("`HandOver` needs one of `nrms`, `iterations` and `patience`; all are None.")
        if self.nrms is not None and not self.nrms > 0:
            raise ValueError(f"`HandOver(nrms=...)` must be positive or None. Got {self.nrms}.")
        for name, count in (("iterations", self.iterations), ("patience", self.patience)):
            if count is not None and count < 1:
                raise ValueError(f"`HandOver({name}=...)` must be at least 1 or None. Got {count}.")

    def prepare(self, data: Data) -> tuple[tuple[Data, Any, Any], "HandOverState"]:
        """The data and what both misfits need of them; the state has those of both."""
        first, first_state = self.first.prepare(data)
        second, second_state = self.second.prepare(data)
        none, endless = jnp.zeros((), int), jnp.full((), jnp.inf, float)
        no = jnp.zeros((), bool)
        state = HandOverState(first_state, second_state, no, no, none, endless, none)
        return (data, first, second), state

    def __call__(
        self,
        predicted: Float[Array, "comp freq site"],
        prepared: tuple[Data, Any, Any],
        state: "HandOverState",
    ) -> tuple[Float[Array, ""], "HandOverState"]:
        """The misfit in force; its state decides, so that its value does not jump with the data."""
        data, first, second = prepared

        def by_first(predicted: Array) -> tuple[Float[Array, ""], PyTree[Any], PyTree[Any]]:
            value, following = self.first(predicted, first, state.first)
            return value, following, state.second

        def by_second(predicted: Array) -> tuple[Float[Array, ""], PyTree[Any], PyTree[Any]]:
            value, following = self.second(predicted, second, state.second)
            return value, state.first, following

        value, first_state, second_state = lax.cond(state.handed, by_second, by_first, predicted)
        nrms = lax.stop_gradient(data.nrms_of(predicted))
        calls = state.calls + 1
        progress = nrms < (1 - PROGRESS) * state.lowest
        lowest = jnp.where(progress, nrms, state.lowest)
        idle = jnp.where(progress, 0, state.idle + 1)
        handed = state.handed
        if self.nrms is not None:
            handed |= nrms <= self.nrms
        if self.iterations is not None:
            handed |= calls >= self.iterations
        if self.patience is not None:
            handed |= idle >= self.patience
        return value, HandOverState(first_state, second_state, handed, state.handed, calls, lowest, idle)

    def curvature(
        self,
        predicted: Float[Array, "comp freq site"],
        prepared: tuple[Data, Any, Any],
        state: "HandOverState",
    ) -> Float[Array, "comp freq site"]:
        """The curvature of the misfit in force."""
        _, first, second = prepared
        return lax.cond(
            state.handed,
            lambda: self.second.curvature(predicted, second, state.second),
            lambda: self.first.curvature(predicted, first, state.first),
        )

    def describe(self, state: "HandOverState") -> dict[str, float]:
        """What the misfit in force says."""
        return self.second.describe(state.second) if state.handed else self.first.describe(state.first)

    def diagnostics(self, state: "HandOverState") -> dict[str, float]:
        """What the misfit found that was in force in the last call."""
        first, second = self.first.diagnostics(state.first), self.second.diagnostics(state.second)
        return second if state.by_second else first

    def stage(self, state: "HandOverState") -> Int[Array, ""]:
        """One more after handing over; stages of the two themselves count too."""
        return self.first.stage(state.first) + state.handed.astype(int) + self.second.stage(state.second)

    def for_long_steps(self) -> "HandOver":
        """Both misfits for long steps."""
        first, second = self.first.for_long_steps(), self.second.for_long_steps()
        return dataclasses.replace(self, first=first, second=second)


class HandOverState(eqx.Module):
    """The states of both misfits, whether the second is in force, and what that depends on.

    - `by_second`: whether the second was in force in the last call.
    - `calls`: so far. `lowest`: nRMS at the last progress. `idle`: calls since then.
    """

    first: PyTree[Any]
    second: PyTree[Any]
    handed: Bool[Array, ""]
    by_second: Bool[Array, ""]
    calls: Int[Array, ""]
    lowest: Float[Array, ""]
    idle: Int[Array, ""]
