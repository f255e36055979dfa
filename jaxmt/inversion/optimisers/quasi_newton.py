"""L-BFGS: curvature from the last few gradients."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from ..objective import Parameters, Problem
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State, gradient


class QuasiNewton(AbstractOptimiser):
    """L-BFGS of optax with a zoom line search (Nocedal & Wright 2006, ch. 7 and 3.5).

    Lambda, blur and the plans of transport are those of the iteration throughout its line search. An
    iteration costs a gradient for the step and one for each trial of the line search.

    - `memory`: gradients remembered. `trials`: the most of a line search. `patience`: iterations without
      progress after which to stop.
    """

    memory: int = 10
    trials: int = 8
    patience: int = 30

    def __check_init__(self) -> None:
        if self.memory < 1 or self.trials < 1:
            raise ValueError(
                "`QuasiNewton(memory=..., trials=...)` must be at least 1. "
                f"Got memory={self.memory}, trials={self.trials}."
            )

    def _transformation(self) -> optax.GradientTransformationExtraArgs:
        search = optax.scale_by_zoom_linesearch(max_linesearch_steps=self.trials)
        return optax.lbfgs(memory_size=self.memory, linesearch=search)

    def start(self, problem: Problem, parameters: Parameters) -> optax.OptState:
        """An empty memory."""
        del problem
        return self._transformation().init(parameters)

    def step(self, problem: Problem, trade_off: AbstractTradeOff, state: State) -> tuple[State, Report]:
        """One gradient, one line search."""
        return _step(self, problem, trade_off, state)


@eqx.filter_jit
def _step(
    self: QuasiNewton, problem: Problem, trade_off: AbstractTradeOff, state: State
) -> tuple[State, Report]:
    slope = gradient(problem, trade_off, state)
    factor = jnp.where(jnp.isfinite(slope.report.factor), slope.report.factor, 0.0)

    def objective(parameters: Parameters) -> Float[Array, ""]:
        value, _ = problem.data_misfit(parameters, state.misfit)
        return value + factor * problem.roughness(parameters)

    value = slope.report.loss + factor * slope.report.roughness
    with jax.numpy_dtype_promotion("standard"):
        updates, optimiser = self._transformation().update(
            slope.total,
            state.optimiser,
            state.parameters,
            value=value,
            grad=slope.total,
            value_fn=objective,
        )
    moved = jax.tree.map(jnp.add, state.parameters, updates)
    return State(moved, optimiser, slope.misfit, slope.trade_off), slope.report
