"""What an inversion asks of an optimiser."""

import abc
import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from ...misfit import AbstractMisfit
from ...programs import QUICK, compiled, physics
from ...simulation.solvers.host import AbstractHostSolver
from ..objective import Objective, Prediction
from ..parametrisation.abstract import Parameters
from ..trade_off import AbstractTradeOff, Slopes


class State(eqx.Module):
    """Everything that an iteration hands to the next."""

    parameters: Parameters
    optimiser: PyTree[Any]
    misfit: PyTree[Any]
    trade_off: PyTree[Any]


class Report(eqx.Module):
    """What an iteration says of the model it started from.

    - `loss`: data misfit; `roughness`: regularisation, both unweighted; `regularization_factor`: lambda.
    - `finite`: whether misfit and gradient are.
    """

    prediction: Prediction
    loss: Float[Array, ""]
    nrms: Float[Array, ""]
    roughness: Float[Array, ""]
    regularization_factor: Float[Array, ""]
    finite: Bool[Array, ""]


class AbstractOptimiser(eqx.Module):
    """One iteration after another; for `invert(optimiser=...)`.

    - `patience`: iterations after which an inversion stops if they lowered its nRMS by less than 1 %,
      unless `Stopping(patience=...)` says otherwise.
    - `chooses_lambda`: whether it finds lambda itself, so that there is no trade-off to give.
    - `long_steps`: whether its steps are few and long, so that `AbstractMisfit.for_long_steps` suits it.
    """

    patience: eqx.AbstractVar[int]
    chooses_lambda: eqx.AbstractClassVar[bool]
    long_steps: eqx.AbstractClassVar[bool]

    def __check_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(
                f"`{type(self).__name__}(patience=...)` must be at least 1 iteration. Got {self.patience}."
            )

    def identity(self, first: PyTree[Any], target: float) -> object:
        """What changes its steps, in the words that `fingerprint` understands; its patience does not.

        - `first`: its state at the start. `target`: nRMS.
        """
        del first, target
        return dataclasses.replace(self, patience=1)

    @abc.abstractmethod
    def start(self, objective: Objective, parameters: Parameters) -> PyTree[Any]:
        """The first `State.optimiser`. Raises `ValueError` for a parametrisation that it cannot take."""

    @abc.abstractmethod
    def step(
        self, objective: Objective, trade_off: AbstractTradeOff, target: float, state: State
    ) -> tuple[State, Report]:
        """The state of the next iteration, and a report on this one.

        - `target`: the nRMS at which the inversion stops.
        """


class Gradient(eqx.Module):
    """The objective's gradient with lambda from the trade-off, and what came with it.

    - `weight`: lambda, zero where a section has no roughness.
    """

    total: Parameters
    weight: Float[Array, ""]
    misfit: PyTree[Any]
    trade_off: PyTree[Any]
    report: Report

    @property
    def value(self) -> Float[Array, ""]:
        """Data misfit plus weighted roughness."""
        return self.report.loss + self.weight * self.report.roughness


def gradient(objective: Objective, trade_off: AbstractTradeOff, state: State) -> Gradient:
    """Gradient of data misfit + lambda roughness; the roughness of a section without any has none.

    Three programs: those of the physics serve any misfit, and that of a misfit any mesh.
    """
    on_host = isinstance(objective.solver, AbstractHostSolver)
    (prediction, nrms), pull_back = _predicted(on_host)(objective, state.parameters)
    compared = _compared(objective.misfit, prediction.components, objective.prepared, state.misfit)
    return _gathered(on_host)(objective, trade_off, state, prediction, nrms, pull_back, *compared)


def _predict(objective: Objective, parameters: Parameters) -> tuple[tuple[Prediction, Array], Any]:
    """The prediction, its nRMS, and how a slope of its components becomes one of the parameters."""

    def components(parameters: Parameters) -> tuple[Array, tuple[Prediction, Array]]:
        prediction = objective.predict(parameters)
        nrms = jnp.asarray(objective.data.nrms_of(prediction.components))
        return prediction.components, (prediction, nrms)

    _, pull_back, found = jax.vjp(components, parameters, has_aux=True)
    return found, pull_back


def _compare(
    misfit: AbstractMisfit, components: Array, prepared: PyTree[Any], state: PyTree[Any]
) -> tuple[Array, PyTree[Any], Array]:
    """The misfit, its next state, and its slope."""
    compare = jax.value_and_grad(lambda c: misfit(c, prepared, state), has_aux=True)
    (loss, following), slope = compare(components)
    return loss, following, slope


def _gather(
    objective: Objective,
    trade_off: AbstractTradeOff,
    state: State,
    prediction: Prediction,
    nrms: Array,
    pull_back: Any,
    loss: Array,
    misfit_state: PyTree[Any],
    slope: Array,
) -> Gradient:
    """The gradient of both terms, weighed by the trade-off."""
    (pull,) = pull_back(slope)
    rough, push = jax.value_and_grad(objective.roughness)(state.parameters)
    stage = objective.misfit.stage(state.misfit)
    slopes = Slopes(norm(pull), norm(push), nrms, stage)
    factor, trade_off_state = trade_off(state.trade_off, slopes)
    weight = jnp.where((slopes.roughness > 0) & jnp.isfinite(factor), factor, 0.0)
    total = jax.tree.map(lambda a, b: a + weight.astype(a.dtype) * b, pull, push)
    finite = jnp.isfinite(loss)
    for leaf in jax.tree.leaves(total):
        finite &= jnp.all(jnp.isfinite(leaf))
    report = Report(prediction, loss, nrms, rough, factor, finite)
    return Gradient(total, weight, misfit_state, trade_off_state, report)


_compared = compiled(_compare, QUICK)
_predicted, _gathered = physics(_predict), physics(_gather)


def norm(tree: Parameters) -> Float[Array, ""]:
    """Root of the sum of squares over all leaves, in double precision."""
    squares = [jnp.sum(jnp.square(leaf.astype(float))) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(jnp.sum(jnp.stack(squares)))
