r"""Steps along the smoothed gradient, by any transformation of optax.

Adam gives every cell a step of the same size, whether the data ask for it or not, and so a section that is
rougher than the data want. Therefore gradient and step are smoothed by $S = (1 + sL)^{-1}$ with the
Laplacian L of the differences between neighbouring cells (a Sobolev gradient, Neuberger 1997). With the
gradient g and the transformation T the step is $S\,T(S^Tg)$: that of T for parameters q with m = S q.
Constants stay as they are.
"""

import functools
import hashlib
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PyTree

from ...programs import QUICK, compiled
from ..objective import Objective
from ..parametrisation.abstract import Parameters
from ..trade_off import AbstractTradeOff
from .abstract import AbstractOptimiser, Gradient, Report, State, gradient

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
    """The transformed gradient, both smoothed, is the step.

    - `transformation`: of optax; `normalised_adam()` by default. One that searches along a line, such as
      `optax.lbfgs()`, is given value, gradient and the objective at the lambda and the state of the misfit
      of the iteration. Inversions that share the same object share compiled functions.
    - `smoothing`: s, in cells squared: a lone cell becomes a spot with the variance 2 s in each direction.
      It does not reach across the cuts of a `Smoothness` nor fixed cells; 0 leaves the gradient as it is,
      and so does a parametrisation whose parameters are no cells.
    - `patience`: iterations without progress after which to stop; many for a `langevin` that samples.
    """

    transformation: optax.GradientTransformation = eqx.field(default_factory=normalised_adam)
    smoothing: float = 0.3
    patience: int = 50
    chooses_lambda: ClassVar[bool] = False
    long_steps: ClassVar[bool] = False

    def __check_init__(self) -> None:
        if not 0 <= self.smoothing < np.inf:
            raise ValueError(
                "`Descent(smoothing=...)` must be finite and not negative, in cells squared. "
                f"Got {self.smoothing}."
            )

    def identity(self, first: PyTree[Any], target: float) -> object:
        """The smoothing, the program that the transformation compiles to, and what that starts from."""
        del target
        inner, at = first
        leaves = [jax.random.key_data(x) if _is_key(x) else x for x in jax.tree.leaves(inner)]
        return "Descent", self.smoothing, _program(self.transformation, inner, at), leaves

    def start(self, objective: Objective, parameters: Parameters) -> PyTree[Any]:
        """The state of the transformation, and the parameters q that it moves."""
        del objective
        return _started(self.transformation, parameters), parameters

    def step(
        self, objective: Objective, trade_off: AbstractTradeOff, target: float, state: State
    ) -> tuple[State, Report]:
        """One gradient, one step."""
        del target
        return gradient_step(self.transformation, self.smoothing, objective, trade_off, state)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _program(transformation: optax.GradientTransformation, inner: PyTree[Any], at: Parameters) -> str:
    """A digest of the program of an update with its constants, the same in every process; not compiled."""
    update = optax.with_extra_args_support(transformation).update

    def updated(slope: Parameters, inner: PyTree[Any], at: Parameters) -> tuple[Any, Any]:
        def squares(q: Parameters) -> Array:
            return sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(q)), jnp.zeros(()))

        return update(slope, inner, at, value=squares(slope), grad=slope, value_fn=squares)

    with jax.numpy_dtype_promotion("standard"):
        text = jax.jit(updated).lower(at, inner, at).as_text()
    return hashlib.sha256(text.encode()).hexdigest()


def gradient_step(
    transformation: optax.GradientTransformation,
    smoothing: float,
    objective: Objective,
    trade_off: AbstractTradeOff,
    state: State,
) -> tuple[State, Report]:
    """One step of an optax transformation along the smoothed gradient."""
    slope = gradient(objective, trade_off, state)
    moved, following = _moved(transformation, smoothing, objective, slope, state)
    return State(moved, following, slope.misfit, slope.trade_off), slope.report


@compiled
def _started(transformation: optax.GradientTransformation, parameters: Parameters) -> PyTree[Any]:
    return optax.with_extra_args_support(transformation).init(parameters)


def _move(
    transformation: optax.GradientTransformation,
    smoothing: float,
    objective: Objective,
    slope: Gradient,
    state: State,
) -> tuple[Parameters, PyTree[Any]]:
    """The next parameters, and the next state of the optimiser."""
    parametrisation = objective.parametrisation
    links = objective.regularization.links(objective.mesh, parametrisation.free)
    present = objective.at(state.misfit, slope.weight)
    inner, at = state.optimiser

    def smooth(change: Parameters) -> Parameters:
        return parametrisation.smooth(change, smoothing, links)

    def along(q: Parameters) -> Array:
        """The objective for the parameters of the transformation."""
        change = smooth(jax.tree.map(jnp.subtract, q, at))
        return present(jax.tree.map(jnp.add, state.parameters, change))

    (pull,) = jax.linear_transpose(smooth, slope.total)(slope.total)
    # optax raises reals to integer powers, which strict promotion forbids.
    with jax.numpy_dtype_promotion("standard"):
        updates, inner = optax.with_extra_args_support(transformation).update(
            pull, inner, at, value=slope.value, grad=pull, value_fn=along
        )
    change = jax.tree.map(lambda u, p: jnp.asarray(u).astype(p.dtype), updates, at)
    moved, following = (
        jax.tree.map(jnp.add, old, step) for old, step in ((state.parameters, smooth(change)), (at, change))
    )
    return moved, (inner, following)


_moved = compiled(_move, QUICK)
