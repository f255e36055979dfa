"""A model as a Gauss-Newton step sees it: its misfit and roughness, expanded about it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ...data import Data, nearest_turn
from ...programs import QUICK, compiled, physics
from ...simulation.responses import Responses
from ...simulation.solvers.host import AbstractHostSolver
from ..objective import Objective, Prediction
from ..parametrisation.abstract import Parameters

LEAST_SECANT = 0.1
"""Least ratio of the curvature between prediction and data to that of a plan held fixed."""

ROUNDING = 1e-6
"""Difference of that ratio from one that counts as none."""

Values = Float[Array, "comp freq site"]


class Expanded(eqx.Module):
    """A model as Gauss-Newton sees it.

    - `misfit`: the next state of the misfit. `pull`, `curvature`: of the misfit in the data.
    - `slope`: gradient of the roughness with the section.
    """

    loss: Float[Array, ""]
    misfit: PyTree[Any]
    prediction: Prediction
    nrms: Float[Array, ""]
    roughness: Float[Array, ""]
    pull: Values
    curvature: Values
    slope: Float[Array, "earth y"]


def expanded(objective: Objective, parameters: Parameters) -> Expanded:
    """A model whose responses are still to be computed."""
    on_host = isinstance(objective.solver, AbstractHostSolver)
    return expanded_at(objective, parameters, _responses(on_host)(objective, parameters))


def _respond(objective: Objective, parameters: Parameters) -> Responses:
    return objective.simulated(parameters)


_responses = physics(_respond)


def _expand(objective: Objective, parameters: Parameters, responses: Responses) -> Expanded:
    prediction = objective.predicted(responses)

    def misfit(predicted: Values) -> tuple[Float[Array, ""], PyTree[Any]]:
        return objective.misfit(predicted, objective.prepared, objective.state)

    def penalty(section: Float[Array, "earth y"]) -> Float[Array, ""]:
        return objective.regularization(section, objective.mesh, objective.parametrisation.free)

    (loss, following), pull = jax.value_and_grad(misfit, has_aux=True)(prediction.components)
    held = objective.misfit.curvature(prediction.components, objective.prepared, objective.state)
    curvature = held * secant(objective.data, prediction.components, pull, held)
    nrms = jnp.asarray(objective.data.nrms_of(prediction.components))
    rough, slope = jax.value_and_grad(penalty)(objective.section(parameters))
    return Expanded(loss, following, prediction, nrms, rough, pull, curvature, slope)


expanded_at = compiled(_expand, QUICK)
"""A model whose responses are known."""


def secant(data: Data, predicted: Values, pull: Values, held: Values) -> Float[Array, ""]:
    r"""How much less a misfit curves between prediction and data than by h: $g^T\delta / \delta^T h\delta$.

    $\delta$ leads from the data, where the gradient is zero, to the prediction. The ratio is one for least
    squares and for robust costs, whose h is reweighted; a plan that moves with the prediction makes it
    less, down to `LEAST_SECANT`, and so does h where it is a bound, between the samples of a cloud.
    """
    observed = jnp.asarray(data.values)
    apart = jnp.where(held > 0, nearest_turn(predicted, observed) - observed, 0.0)
    whole = jnp.vdot(held * apart, apart)
    ratio = jnp.where(whole > 0, jnp.vdot(pull, apart) / jnp.where(whole > 0, whole, 1.0), 1.0)
    # As far as rounding goes a ratio of one is one.
    return jnp.where(ratio > 1 - ROUNDING, 1.0, jnp.maximum(ratio, LEAST_SECANT))
