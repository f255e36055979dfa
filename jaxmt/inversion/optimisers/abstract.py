"""What an inversion asks of an optimiser."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from ..objective import Parameters, Prediction, Problem
from ..trade_off import AbstractTradeOff, Slopes


class State(eqx.Module):
    """Everything that an iteration hands to the next."""

    parameters: Parameters
    optimiser: PyTree[Any]
    misfit: PyTree[Any]
    trade_off: PyTree[Any]


class Report(eqx.Module):
    """What an iteration says of the model it started from.

    - `loss`, `roughness`: unweighted; `factor`: lambda. `finite`: whether misfit and gradient are.
    """

    prediction: Prediction
    loss: Float[Array, ""]
    nrms: Float[Array, ""]
    roughness: Float[Array, ""]
    factor: Float[Array, ""]
    finite: Bool[Array, ""]


class AbstractOptimiser(eqx.Module):
    """One iteration after another; for `invert(optimiser=...)`.

    - `patience`: iterations after which an inversion stops if they lowered its nRMS by less than 1 %.
    """

    patience: eqx.AbstractVar[int]

    def __check_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(
                f"`{type(self).__name__}(patience=...)` must be at least 1 iteration. Got {self.patience}."
            )

    @abc.abstractmethod
    def start(self, problem: Problem, parameters: Parameters) -> PyTree[Any]:
        """What the first iteration finds in `State.optimiser`."""

    @abc.abstractmethod
    def step(self, problem: Problem, trade_off: AbstractTradeOff, state: State) -> tuple[State, Report]:
        """The state of the next iteration, and a report on this one."""


class Gradient(eqx.Module):
    """The objective's gradient with lambda from the trade-off, and what came with it."""

    total: Parameters
    misfit: PyTree[Any]
    trade_off: PyTree[Any]
    report: Report


def gradient(problem: Problem, trade_off: AbstractTradeOff, state: State) -> Gradient:
    """Gradient of data misfit + lambda roughness; the roughness of a section without any has none."""
    (loss, (misfit_state, prediction, nrms)), pull = jax.value_and_grad(problem.data_misfit, has_aux=True)(
        state.parameters, state.misfit
    )
    rough, push = jax.value_and_grad(problem.roughness)(state.parameters)
    stage = problem.misfit.stage(state.misfit)
    slopes = Slopes(jnp.linalg.norm(pull), jnp.linalg.norm(push), nrms, stage)
    factor, trade_off_state = trade_off(state.trade_off, slopes)
    total = pull + jnp.where(slopes.roughness > 0, factor, 0.0) * push
    finite = jnp.isfinite(loss) & jnp.all(jnp.isfinite(total))
    report = Report(prediction, loss, nrms, rough, factor, finite)
    return Gradient(total, misfit_state, trade_off_state, report)
