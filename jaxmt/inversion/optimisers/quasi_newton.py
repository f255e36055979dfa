"""L-BFGS: curvature from the last few gradients."""

import functools
from typing import Any, ClassVar

import optax
from jaxtyping import PyTree

from ..objective import Objective
from ..parametrisation.abstract import Parameters
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State
from .descent import gradient_step


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
    chooses_lambda: ClassVar[bool] = False
    long_steps: ClassVar[bool] = False

    def __check_init__(self) -> None:
        if self.memory < 1 or self.trials < 1:
            raise ValueError(
                "`QuasiNewton(memory=..., trials=...)` must be at least 1. "
                f"Got memory={self.memory}, trials={self.trials}."
            )

    def _transformation(self) -> optax.GradientTransformationExtraArgs:
        return _l_bfgs(self.memory, self.trials)

    def start(self, objective: Objective, parameters: Parameters) -> PyTree[Any]:
        """An empty memory."""
        del objective
        return self._transformation().init(parameters), parameters

    def step(
        self, objective: Objective, trade_off: AbstractTradeOff, target: float, state: State
    ) -> tuple[State, Report]:
        """One gradient, one line search."""
        del target
        return gradient_step(self._transformation(), 0.0, objective, trade_off, state)


@functools.cache
def _l_bfgs(memory: int, trials: int) -> optax.GradientTransformationExtraArgs:
    """One object for each setting, so that inversions share compiled functions."""
    search = optax.scale_by_zoom_linesearch(max_linesearch_steps=trials)
    return optax.lbfgs(memory_size=memory, linesearch=search)
