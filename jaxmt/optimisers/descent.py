"""Steps along the gradient, by any transformation of optax."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from ..problem import Parameters, Problem
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State, gradient

FIRST_STEP, LAST_STEP, STEP_DECAY = 0.1, 0.02, 100
"""Decades of resistivity that a step of `normalised_adam` changes a cell by: at first, in the end,
and the number of iterations from one to the other."""


@functools.cache
def normalised_adam(first_step: float = FIRST_STEP) -> optax.GradientTransformation:
    """Adam on normalised gradients, its step falling from `first_step` to `LAST_STEP`.

    - `first_step`: decades; `LAST_STEP` suits a start that already fits to some extent.

    Normalised, because a misfit falls by orders of magnitude, and Adam's memory of the first gradients
    would throttle the steps long after: three times as many iterations on COMMEMI 2D-4.
    """
    rate = LAST_STEP / first_step
    schedule = optax.exponential_decay(first_step, STEP_DECAY, rate, end_value=LAST_STEP)
    return optax.chain(optax.normalize_by_update_norm(), optax.adam(schedule))


class Descent(AbstractOptimiser):
    """The transformed gradient is the step.

    - `transformation`: of optax; `normalised_adam()` by default. Inversions that share the same object
      share compiled functions.
    """

    transformation: optax.GradientTransformation = eqx.field(default_factory=normalised_adam)

    def start(self, problem: Problem, parameters: Parameters) -> optax.OptState:
        """The state of the transformation."""
        del problem
        return self.transformation.init(parameters)

    def step(self, problem: Problem, trade_off: AbstractTradeOff, state: State) -> tuple[State, Report]:
        """One gradient, one step."""
        return _step(self.transformation, problem, trade_off, state)


@eqx.filter_jit
def _step(
    transformation: optax.GradientTransformation,
    problem: Problem,
    trade_off: AbstractTradeOff,
    state: State,
) -> tuple[State, Report]:
    slope = gradient(problem, trade_off, state)
    # optax raises reals to integer powers, which strict promotion forbids.
    with jax.numpy_dtype_promotion("standard"):
        updates, optimiser = transformation.update(slope.total, state.optimiser, state.parameters)
    moved = jax.tree.map(jnp.add, state.parameters, updates)
    return State(moved, optimiser, slope.misfit, slope.trade_off), slope.report
