r"""Steps along the smoothed gradient, by any transformation of optax.

Adam gives every cell a step of the same size, whether the data ask for it or not, and so a section that is
rougher than the data want. Therefore gradient and step are smoothed by $S = (1 + sL)^{-1}$ with the
Laplacian L of the differences between neighbouring cells (a Sobolev gradient, Neuberger 1997). With the
gradient g and the transformation T the step is $S\,T(S^Tg)$: that of T for parameters q with m = S q.
Constants stay as they are.
"""

import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from ..objective import Parameters, Problem
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Report, State, gradient

FIRST_STEP, LAST_STEP, STEP_DECAY = 0.1, 0.02, 100
"""Decades of resistivity that a step of `normalised_adam` changes a cell by: at first, in the end,
and the number of iterations from one to the other."""

ITERATIONS = 2.5
"""Of Chebyshev, for each root of the condition number: these leave an error under 1 %."""

Section = Float[Array, "earth y"]


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
    - `smoothing`: s, in cells squared: a lone cell becomes a spot with the variance 2 s in each direction.
      It does not reach across the cuts of a `Smoothness` nor fixed cells; 0 leaves the gradient as it is.
    - `patience`: iterations without progress after which to stop; many for a `langevin` that samples.
    """

    transformation: optax.GradientTransformation = eqx.field(default_factory=normalised_adam)
    smoothing: float = 0.3
    patience: int = 50

    def __check_init__(self) -> None:
        if not 0 <= self.smoothing < np.inf:
            raise ValueError(
                "`Descent(smoothing=...)` must be finite and not negative, in cells squared. "
                f"Got {self.smoothing}."
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
    smoothing: float,
    problem: Problem,
    trade_off: AbstractTradeOff,
    state: State,
) -> tuple[State, Report]:
    slope = gradient(problem, trade_off, state)
    smooth = functools.partial(_smoothed, problem, smoothing)
    (pull,) = jax.linear_transpose(smooth, slope.total)(slope.total)
    # optax raises reals to integer powers, which strict promotion forbids.
    with jax.numpy_dtype_promotion("standard"):
        updates, optimiser = transformation.update(pull, state.optimiser, state.parameters)
    moved = state.parameters + smooth(jnp.asarray(updates))
    return State(moved, optimiser, slope.misfit, slope.trade_off), slope.report


def _smoothed(problem: Problem, s: float, parameters: Parameters) -> Parameters:
    """S times parameters, by Chebyshev's iteration; a block is the mean of its cells."""
    earth = problem.earth
    across, down = (
        jnp.asarray(link, float) for link in problem.regularization.links(earth.mesh, earth.free)
    )

    def applied(m: Section) -> Section:
        """(1 + s L) m, whose eigenvalues lie between 1 and 1 + 8 s."""
        right, below = s * across * jnp.diff(m, axis=1), s * down * jnp.diff(m, axis=0)
        total = m.at[:, :-1].add(-right).at[:, 1:].add(right)
        return total.at[:-1].add(-below).at[1:].add(below)

    middle, half = 1 + 4 * s, 4 * s
    residual = earth.over_cells(parameters)
    step = solution = residual / middle
    # The same for a constant, which is its own solution: what a few iterations leave of it.
    one_left, one_step, one = 1.0, 1 / middle, 1 / middle
    last = half / middle
    for _ in range(math.ceil(ITERATIONS * math.sqrt(1 + 8 * s)) if s else 0):
        factor = 1 / (2 * middle / half - last)
        residual, one_left = residual - applied(step), one_left - one_step
        step = factor * last * step + 2 * factor / half * residual
        one_step = factor * last * one_step + 2 * factor / half * one_left
        solution, one, last = solution + step, one + one_step, factor
    return earth.of_cells(solution / one)
