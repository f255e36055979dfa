r"""Steps along the smoothed gradient, by any transformation of optax.

Adam gives every cell a step of the same size, whether the data ask for it or not, and so a section that is
rougher than the data want. Therefore gradient and step diffuse between neighbouring cells: with the
diffusion S, the gradient g and the transformation T, the step is $S\,T(S^Tg)$: that of T for parameters q
with m = S q. Constants stay as they are.
"""

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

TIME = 0.2
"""Of a step of diffusion, in cells squared: under the 1/4 where it becomes unstable."""


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
    """The transformed gradient, both smoothed, is the step.

    - `transformation`: of optax; `normalised_adam()` by default. Inversions that share the same object
      share compiled functions.
    - `smoothing`: steps of diffusion, each over a standard deviation of 0.6 cells; 5 make 1.4. It does not
      cross the cuts of a `Smoothness` nor fixed cells; 0 leaves the gradient as it is.
    """

    transformation: optax.GradientTransformation = eqx.field(default_factory=normalised_adam)
    smoothing: int = 5

    def __check_init__(self) -> None:
        if self.smoothing < 0:
            raise ValueError(
                f"`Descent(smoothing=...)` must be a number of steps, not negative. Got {self.smoothing}."
            )

    def start(self, problem: Problem, parameters: Parameters) -> optax.OptState:
        """The state of the transformation."""
        del problem
        return self.transformation.init(parameters)

    def step(self, problem: Problem, trade_off: AbstractTradeOff, state: State) -> tuple[State, Report]:
        """One gradient, one step."""
        return _step(self.transformation, self.smoothing, problem, trade_off, state)


@eqx.filter_jit
def _step(
    transformation: optax.GradientTransformation,
    smoothing: int,
    problem: Problem,
    trade_off: AbstractTradeOff,
    state: State,
) -> tuple[State, Report]:
    slope = gradient(problem, trade_off, state)
    smooth = functools.partial(_diffused, problem, smoothing)
    (pull,) = jax.linear_transpose(smooth, slope.total)(slope.total)
    # optax raises reals to integer powers, which strict promotion forbids.
    with jax.numpy_dtype_promotion("standard"):
        updates, optimiser = transformation.update(pull, state.optimiser, state.parameters)
    moved = state.parameters + smooth(updates)
    return State(moved, optimiser, slope.misfit, slope.trade_off), slope.report


def _diffused(problem: Problem, steps: int, parameters: Parameters) -> Parameters:
    """Parameters after as many steps of diffusion over the section; a block is the mean of its cells."""
    earth = problem.earth
    across, down = (
        jnp.asarray(link, float) for link in problem.regularization.links(earth.mesh, earth.free)
    )
    m = earth.over_cells(parameters)
    for _ in range(steps):
        right, below = TIME * across * jnp.diff(m, axis=1), TIME * down * jnp.diff(m, axis=0)
        m = m.at[:, :-1].add(right).at[:, 1:].add(-right)
        m = m.at[:-1].add(below).at[1:].add(-below)
    return earth.of_cells(m)
