r"""The inversion: problem -> loop -> result.

Each iteration takes data misfit + $\lambda$ roughness as a function of the parameters of `Earth`, lets a
rule choose $\lambda$, and an optimiser the step.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optax
from jaxtyping import ArrayLike, Float

from ..data import Data
from ..misfit import AbstractMisfit, CloudTransport
from ..simulation.forward import default_solver, memory_errors_explained
from ..simulation.mesh import Mesh
from ..simulation.sharding import replicate
from ..simulation.solve import AbstractSolver
from .checkpoint import Checkpoint
from .objective import Problem
from .optimisers import AbstractOptimiser, Descent, GaussNewton, State
from .parametrisation import Earth
from .regularization import AbstractRegularization, Smoothness
from .result import Ending, Record, Result
from .run import PROGRESS, Run
from .static_shift import StaticShift
from .trade_off import AbstractTradeOff, Cooling


def invert(
    data: Data,
    mesh: Mesh,
    start: ArrayLike = 100.0,
    misfit: AbstractMisfit | None = None,
    *,
    earth: Earth | None = None,
    regularization: AbstractRegularization | None = None,
    trade_off: AbstractTradeOff | float | None = None,
    static_shift: StaticShift | None = None,
    optimiser: AbstractOptimiser | optax.GradientTransformation | None = None,
    target: float = 1.05,
    max_iterations: int = 300,
    solver: AbstractSolver | None = None,
    devices: Sequence[Any] | None = None,
    progress: Callable[[Record], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Result:
    """The smooth resistivity section whose responses fit the data.

    - `start`: ohm m; a half-space, or a section of shape `mesh.shape`.
    - `misfit`: `CloudTransport()` by default.
    - `earth`: bounds, fixed cells and parameter blocks; by default every cell is free.
    - `regularization`: `Smoothness()` by default.
    - `trade_off`: the rule for lambda, `Cooling()` by default; a number r is `Cooling(r)`.
    - `static_shift`: allows shifts of log10 rho_a by station and mode; none by default.
    - `optimiser`: `Descent()` by default, Adam on smoothed gradients with steps of 0.1 to 0.02 decades;
      a transformation of optax is a `Descent` with it.
    - `target`: nRMS at which to stop, over all data that exist.
    - `solver`, `devices`: as for `simulate`.
    - `progress`: called with the `Record` of each iteration; a `jaxmt.ProgressBar` draws a bar.
    - `checkpoint`: where to keep the state, and whether to go on from there.

    Stops at the target, after `max_iterations`, when the optimiser has made no progress for as long as its
    `patience`, past the knee of the L-curve, where sections become rougher and hardly fit better, or on an
    interrupt from the keyboard, and says which in `Result.ending`. Where misfit or gradient cease to be
    finite it goes back half a step, once, and then stops. The model of the lowest nRMS is returned in any
    case but that of the knee: then the one of `patience` iterations before.

    Raises `ValueError` for a start of the wrong shape or out of bounds, data of a mode that `data.survey`
    leaves out, or a checkpoint of another problem; `FloatingPointError` if the start itself has no finite
    misfit; `MemoryError` when a device runs out of it.
    """
    section = _start(mesh, start)
    mesh.check_stations(data.survey)
    mesh.warn(data.survey, section)
    earth = Earth(mesh) if earth is None else earth
    _check(data, mesh, earth, target, max_iterations)
    if optimiser is None or isinstance(optimiser, optax.GradientTransformation):
        optimiser = Descent() if optimiser is None else Descent(transformation=optimiser)
    if trade_off is not None and isinstance(optimiser, GaussNewton):
        raise ValueError("`GaussNewton` chooses lambda itself: leave `invert(trade_off=...)` out.")
    if not isinstance(trade_off, AbstractTradeOff):
        trade_off = Cooling() if trade_off is None else Cooling(float(trade_off))
    problem, misfit_state = Problem.build(
        data,
        section,
        CloudTransport() if misfit is None else misfit,
        earth,
        Smoothness() if regularization is None else regularization,
        static_shift,
        default_solver() if solver is None else solver,
        devices,
    )
    parameters = earth.parameters(section)
    state = State(parameters, optimiser.start(problem, parameters), misfit_state, trade_off.start())
    # Where the following states will be, so that the step is compiled once.
    run = Run(replicate(state, devices))
    fingerprint = "" if checkpoint is None else problem.fingerprint()
    if checkpoint is not None:
        run.resume(checkpoint, fingerprint, devices)
    ending = Ending.ITERATIONS
    message = f"stopped after {max_iterations} iterations above the target nRMS of {target:g}"
    earlier, begin = run.seconds, time.perf_counter()
    try:
        while run.iteration <= max_iterations:
            if checkpoint is not None and checkpoint.is_due(run.iteration):
                run.save(checkpoint, fingerprint)
            with memory_errors_explained():
                following, report = optimiser.step(problem, trade_off, run.state)
                finite = bool(report.finite)
            if not finite:
                if run.go_back():
                    continue
                ending = Ending.NOT_FINITE
                again = ", again after half a step back" if run.went_back else ""
                message = (
                    f"stopped at iteration {run.iteration}: the misfit or its gradient is not finite{again}"
                )
                break
            run.seconds = earlier + time.perf_counter() - begin
            record = run.record(report, problem.misfit.describe(run.state.misfit).get("blur", np.nan))
            if progress is not None:
                progress(record)
            if record.nrms <= target:
                ending = Ending.TARGET
                message = f"reached the target nRMS of {target:g} in {run.iteration} iterations"
                break
            if run.stalls(optimiser.patience):
                ending = Ending.STALLED
                message = (
                    f"stopped after {run.iteration} iterations above the target nRMS of {target:g}: "
                    f"the last {optimiser.patience} lowered it by less than {PROGRESS:.0%}"
                )
                break
            if run.is_past_the_knee(optimiser.patience, target):
                ending = Ending.KNEE
                message = (
                    f"stopped after {run.iteration} iterations above the target nRMS of {target:g} and "
                    f"went back to iteration {run.go_to_the_knee()}: since then the section became rougher "
                    f"and the nRMS hardly lower, {record.nrms:.3f}"
                )
                break
            run.advance(following)
    except KeyboardInterrupt:
        if run.best is None:
            raise
        ending = Ending.INTERRUPTED
        message = f"interrupted from the keyboard after {len(run.history['nrms'])} iterations"
    if run.best is None:
        raise FloatingPointError(
            "`invert(start=...)`: the misfit of the starting model or its gradient is not finite. Look at "
            "the data and at `simulate(mesh, data.survey, start)`."
        )
    if checkpoint is not None:
        run.save(checkpoint, fingerprint)
    return _result(problem, data, run, ending, message)


def _result(problem: Problem, data: Data, run: Run, ending: Ending, message: str) -> Result:
    assert run.best is not None
    parameters, prediction = run.best
    if prediction is None:
        prediction = problem.predict(parameters)
    return Result(
        problem.mesh,
        data,
        10 ** np.array(problem.section(parameters)),
        prediction.responses,
        np.array(prediction.shifts),
        np.array(prediction.components),
        run.lowest,
        run.history,
        ending,
        message,
    )


def _check(data: Data, mesh: Mesh, earth: Earth, target: float, max_iterations: int) -> None:
    if earth.mesh != mesh:
        raise ValueError("`invert(earth=...)` was made for another mesh than `invert(mesh=...)`.")
    if not (np.isfinite(target) and target > 0):
        raise ValueError(f"`invert(target=...)` must be a positive nRMS. Got {target}.")
    if max_iterations < 1:
        raise ValueError(f"`invert(max_iterations=...)` must be at least 1. Got {max_iterations}.")
    for mode, rows in (("te", [0, 1, 4, 5]), ("tm", [2, 3])):
        if mode not in data.survey.modes and data.mask[rows].any():
            raise ValueError(
                f"`invert(data=...)` holds {mode.upper()} data, but `Survey(modes=...)` is "
                f'{data.survey.modes}. Add "{mode}" to it, or set those values to NaN.'
            )


def _start(mesh: Mesh, start: ArrayLike) -> Float[np.ndarray, "earth y"]:
    section = np.asarray(start, dtype=float)
    if section.ndim == 0:
        section = np.full(mesh.shape, float(section))
    if section.shape != mesh.shape:
        raise ValueError(
            "`invert(start=...)` must be a number or have shape (earth rows, columns) = "
            f"{mesh.shape}, in ohm m. Got {section.shape}."
        )
    if not np.all(np.isfinite(section) & (section > 0)):
        bad = section[~(np.isfinite(section) & (section > 0))]
        raise ValueError(f"`invert(start=...)` must be positive and finite, in ohm m. Got {bad[0]}.")
    return section
