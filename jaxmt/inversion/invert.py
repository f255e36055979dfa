r"""The inversion: objective -> loop -> result.

Each iteration takes data misfit + $\lambda$ roughness as a function of the parameters, lets a rule choose
$\lambda$, and an optimiser the step.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax

from ..data import Data
from ..fingerprint import fingerprint
from ..forking import refuse_forked
from ..misfit import AbstractMisfit
from ..programs import make_room
from ..simulation.forward import memory_errors_explained
from ..simulation.mesh import Mesh
from ..simulation.sharding import replicate
from ..simulation.solve import AbstractSolver
from .checkpoint import Checkpoint, Identity
from .objective import Objective, section_of
from .optimisers import AbstractOptimiser, Descent, State
from .parametrisation import AbstractParametrisation
from .regularization import AbstractRegularization
from .result import Record, Result
from .state import InversionState
from .static_shift import StaticShift
from .stopping import Stop, Stopping, interrupted, not_finite
from .trade_off import AbstractTradeOff, Cooling


def invert(
    data: Data,
    parametrisation: AbstractParametrisation | Mesh,
    start: Any = 100.0,
    misfit: AbstractMisfit | None = None,
    *,
    regularization: AbstractRegularization | None = None,
    trade_off: AbstractTradeOff | float | None = None,
    static_shift: StaticShift | None = None,
    optimiser: AbstractOptimiser | optax.GradientTransformation | None = None,
    optimizer: AbstractOptimiser | optax.GradientTransformation | None = None,
    stopping: Stopping | None = None,
    target: float | None = None,
    max_iterations: int | None = None,
    solver: AbstractSolver | None = None,
    devices: Sequence[Any] | None = None,
    progress: Callable[[Record], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """The smooth resistivity section whose responses fit the data.

    - `parametrisation`: what may change: `Cells`, `Blocks`, `Basis` or `Function`. A mesh is `Cells(mesh)`.
    - `start`: ohm m, a half-space or a section of shape `mesh.shape`; or parameters, as of `Result`. A
      `Function` takes its parameters.
    - `misfit`: `CloudTransport()` by default.
    - `regularization`: `Smoothness()` of the section by default.
    - `trade_off`: the rule for lambda, `Cooling()` by default; a number r is `Cooling(r)`.
    - `static_shift`: allows shifts of log10 rho_a by station and mode; none by default.
    - `optimiser`, or `optimizer`: `Descent()` by default, Adam on smoothed gradients with steps of 0.1 to
      0.02 decades; a transformation of optax, such as `optax.lbfgs()`, is a `Descent` with it.
    - `stopping`: when to stop, `Stopping()` by default; `target` and `max_iterations` replace those in it.
    - `solver`, `devices`: as for `simulate`.
    - `progress`: called with the `Record` of each iteration; a `jaxmt.ProgressBar` draws a bar.
    - `checkpoint`: where to keep the state, and whether to go on from there.

    Stops by the rules of `Stopping`, or on an interrupt from the keyboard, and says why in `Result.ending`.
    Where misfit or gradient cease to be finite it goes back half a step, once, and then stops. The model of
    the lowest nRMS is returned in any case but that of the knee: then the one of `patience` iterations
    before. Emits `CheckpointWarning` once where the checkpoint cannot be written, and goes on.

    Raises `ValueError` for a start that the parametrisation does not take, data of a mode that
    `data.survey` leaves out, an optimiser that does not go with the parametrisation or the trade-off, or a
    checkpoint of another inversion; `FloatingPointError` if the start itself has no finite misfit;
    `MemoryError` when a device runs out of it; `RuntimeError` in a process that was forked after JAX began
    to compute.
    """
    refuse_forked()
    optimiser = _optimiser(optimiser, optimizer)
    trade_off = _trade_off(trade_off, optimiser)
    given = {"target": target, "max_iterations": max_iterations}
    stopping = dataclasses.replace(
        Stopping() if stopping is None else stopping, **{k: v for k, v in given.items() if v is not None}
    )
    objective = Objective(
        data,
        parametrisation,
        misfit,
        regularization,
        static_shift=static_shift,
        solver=solver,
        devices=devices,
    )
    make_room(_compiled_for(objective, optimiser, trade_off))
    parameters = objective.parametrisation.start(start)
    objective.mesh.warn(data.survey, 10 ** np.array(section_of(objective, parameters)))
    stopping = stopping.filled(optimiser.patience, objective.parametrisation.has_cells)
    state = State(parameters, optimiser.start(objective, parameters), objective.state, trade_off.start())
    # Where the following states will be, so that the step is compiled once.
    inversion = InversionState(replicate(state, devices))
    identity = {}
    if checkpoint is not None:
        identity = objective.identity(parameters)
        try:
            identity["optimiser"] = fingerprint(optimiser.identity(state.optimiser, stopping.target))
            identity["trade_off"] = fingerprint(trade_off)
        except TypeError as error:
            raise ValueError(
                "`invert(checkpoint=...)` knows an inversion by its optimiser and trade-off, whose fields "
                f"must be arrays, numbers, strings or modules of them. {error} Leave the checkpoint out."
            ) from error
        inversion.resume(checkpoint, identity, devices)
    earlier, begin = inversion.seconds, time.perf_counter()
    # Of a file that was written at the end of an inversion there is nothing left to do.
    stop = stopping.is_spent(inversion.iteration)
    try:
        while stop is None:
            if checkpoint is not None and checkpoint.is_due(inversion.iteration):
                inversion.save(checkpoint, identity)
            with memory_errors_explained():
                following, report = optimiser.step(objective, trade_off, stopping.target, inversion.state)
                finite = bool(report.finite)
            if not finite:
                if not inversion.halve_step():
                    stop = not_finite(inversion.iteration, inversion.went_back)
                continue
            inversion.seconds = earlier + time.perf_counter() - begin
            described = objective.misfit.describe(inversion.state.misfit)
            found = objective.misfit.diagnostics(following.misfit)
            record = inversion.record(report, described, found)
            if progress is not None:
                progress(record)
            stop = stopping.is_last(inversion.history)
            if stop is not None and stop.back_to is not None and not inversion.has_kept(stop.back_to):
                # Before a checkpoint, other rules kept other models.
                stop = None
            if stop is None:
                if stopping.keeps(inversion.iteration):
                    inversion.keep()
                inversion.advance(following)
                stop = stopping.is_spent(inversion.iteration)
    except KeyboardInterrupt:
        if inversion.best is None:
            raise
        stop = interrupted(len(inversion.history["nrms"]))
    return _result(objective, data, inversion, stop, checkpoint, identity)


def _result(
    objective: Objective,
    data: Data,
    inversion: InversionState,
    stop: Stop,
    checkpoint: Checkpoint | None,
    identity: Identity,
) -> Result:
    """The best model, once the state is saved."""
    if inversion.best is None:
        raise FloatingPointError(
            "`invert(start=...)`: the misfit of the starting model or its gradient is not finite. Look at "
            "the data and at `simulate(mesh, data.survey, start)`."
        )
    if stop.back_to is not None:
        inversion.go_back_to(stop.back_to)
    if checkpoint is not None:
        inversion.save(checkpoint, identity)
    parameters, prediction = inversion.best
    if prediction is None:
        prediction = objective.predict(parameters)
    return Result(
        objective.mesh,
        data,
        10 ** np.array(section_of(objective, parameters)),
        prediction.responses,
        np.array(prediction.shifts),
        np.array(prediction.components),
        inversion.lowest,
        inversion.history,
        stop.ending,
        stop.message,
        objective.parametrisation,
        parameters,
    )


def _compiled_for(*parts: Any) -> Any:
    """What tells problems apart that share no program: all but the numbers in their arrays."""
    arrays, rest = eqx.partition(parts, eqx.is_array)
    shapes = [(leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arrays)]
    return jax.tree.structure(parts), tuple(shapes), tuple(jax.tree.leaves(rest))


def _optimiser(
    optimiser: AbstractOptimiser | optax.GradientTransformation | None,
    optimizer: AbstractOptimiser | optax.GradientTransformation | None,
) -> AbstractOptimiser:
    if optimiser is not None and optimizer is not None:
        raise ValueError("`invert(optimiser=..., optimizer=...)` are two spellings of one: give one.")
    chosen = optimizer if optimiser is None else optimiser
    if isinstance(chosen, AbstractOptimiser):
        return chosen
    if chosen is not None and not isinstance(chosen, optax.GradientTransformation):
        raise ValueError(
            "`invert(optimiser=...)` must be `Descent()`, `QuasiNewton()`, `GaussNewton()` or a "
            f"transformation of optax. Got a {type(chosen).__name__}."
        )
    return Descent() if chosen is None else Descent(transformation=chosen)


def _trade_off(
    trade_off: AbstractTradeOff | float | None, optimiser: AbstractOptimiser
) -> AbstractTradeOff:
    if trade_off is not None and optimiser.chooses_lambda:
        raise ValueError(
            f"`{type(optimiser).__name__}` chooses lambda itself: leave `invert(trade_off=...)` out."
        )
    if isinstance(trade_off, AbstractTradeOff):
        return trade_off
    return Cooling() if trade_off is None else Cooling(float(trade_off))
