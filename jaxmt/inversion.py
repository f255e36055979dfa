r"""The inversion: problem -> loop -> result.

Each iteration takes data misfit + $\lambda$ roughness as a function of the parameters of `Earth`, lets a
rule choose $\lambda$, and an optimiser the step.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import numpy as np
import optax
from jaxtyping import ArrayLike, Float

from .checkpoint import Checkpoint
from .data import Data
from .earth import Earth
from .forward import default_solver, memory_errors_explained
from .mesh import Mesh
from .misfit import AbstractMisfit, CloudTransport
from .optimisers import AbstractOptimiser, Descent, GaussNewton, Report, State
from .problem import Parameters, Prediction, Problem
from .regularization import AbstractRegularization, Smoothness
from .result import Ending, Record, Result
from .sharding import replicate
from .solve import AbstractSolver
from .static_shift import StaticShift
from .trade_off import AbstractTradeOff, Cooling

PROGRESS = 0.01
"""What an optimiser has to lower the nRMS by, as a part of it, for its patience to last."""

ELASTICITY = 0.2
"""Of nRMS to roughness, under which an inversion is past the knee of its L-curve.

Where a target was reached, on synthetic and field data, it was 0.23 and more; where it never was, 0.1.
"""

GROWTH = 1.5
"""Of the roughness, that the elasticity is taken over at least."""


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
    run = _Run(replicate(state, devices))
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
            record = run.record(report, problem.misfit.blur(run.state.misfit))
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


@dataclasses.dataclass
class _Run:
    """How far an inversion has come.

    - `state`: before the step of `iteration`; `previous`: before the one that led there.
    - `best`: parameters of the lowest nRMS, and their prediction unless they come from a file.
    - `marks`: iteration and parameters half of the optimiser's patience ago, and all of it.
    """

    state: State
    iteration: int = 0
    seconds: float = 0.0
    lowest: float = np.inf
    went_back: bool = False
    previous: State | None = None
    best: tuple[Parameters, Prediction | None] | None = None
    marks: list[tuple[int, Parameters]] = dataclasses.field(default_factory=list)
    history: dict[str, list[float]] = dataclasses.field(
        default_factory=lambda: {field.name: [] for field in dataclasses.fields(Record)}
    )

    def record(self, report: Report, blur: float) -> Record:
        """Adds an iteration to the history, and its model to the best if it is."""
        numbers = (report.loss, report.nrms, report.roughness, report.factor)
        loss, nrms, roughness, factor = (float(number) for number in numbers)
        record = Record(self.iteration, loss, nrms, roughness, factor, blur, self.seconds)
        for name, value in dataclasses.asdict(record).items():
            self.history[name].append(float(value))
        if nrms < self.lowest:
            self.best, self.lowest = (self.state.parameters, report.prediction), nrms
        return record

    def stalls(self, patience: int) -> bool:
        """Whether the last `patience` iterations lowered the lowest nRMS by less than `PROGRESS`."""
        before = self.history["nrms"][:-patience]
        return bool(before) and self.lowest > (1 - PROGRESS) * min(before)

    def is_past_the_knee(self, patience: int, target: float) -> bool:
        """Whether what was added to the older mark was rough and of little use; else may set a mark.

        Not where, going on like that, a section twice as rough would reach the target.
        """
        if self.iteration % max(patience // 2, 1):
            return False
        if len(self.marks) == 2:
            before = self.marks[0][0]
            nrms, roughness = self.history["nrms"], self.history["roughness"]
            growth = roughness[-1] / roughness[before] if roughness[before] > 0 else 0.0
            if growth > GROWTH:
                elasticity = np.log(nrms[before] / self.lowest) / np.log(growth)
                if elasticity < ELASTICITY and self.lowest > target * 2**elasticity:
                    return True
        self.marks = [*self.marks[-1:], (self.iteration, self.state.parameters)]
        return False

    def go_to_the_knee(self) -> int:
        """Takes the older mark for the best, and says which iteration it is of."""
        iteration, parameters = self.marks[0]
        self.best, self.lowest = (parameters, None), self.history["nrms"][iteration]
        return iteration

    def advance(self, following: State) -> None:
        """Goes on to the next iteration."""
        self.previous, self.state = self.state, following
        self.iteration += 1

    def go_back(self) -> bool:
        """Takes half the last step instead, with all else as before it; False if that was done already."""
        if self.previous is None or self.went_back:
            return False
        middle = (self.previous.parameters + self.state.parameters) / 2
        self.state = eqx.tree_at(lambda s: s.parameters, self.previous, middle)
        self.went_back = True
        return True

    def save(self, checkpoint: Checkpoint, fingerprint: str) -> None:
        """Writes everything that `resume` needs."""
        header = {name: getattr(self, name) for name in _HEADER}
        header["marks"] = [iteration for iteration, _ in self.marks]
        best = self.state.parameters if self.best is None else self.best[0]
        previous = self.state if self.previous is None else self.previous
        # Always two, for files of one problem are all alike.
        marked = [*(parameters for _, parameters in self.marks), best, best][:2]
        checkpoint.write(fingerprint, header, (self.state, previous, best, marked))

    def resume(self, checkpoint: Checkpoint, fingerprint: str, devices: Sequence[Any] | None) -> None:
        """Goes on from the file, if there is one."""
        parameters = self.state.parameters
        found = checkpoint.read(fingerprint, (self.state, self.state, parameters, [parameters] * 2))
        if found is None:
            return
        header, arrays = found
        for name in _HEADER:
            setattr(self, name, header[name])
        for column in self.history.values():
            # A file written where an inversion stopped holds the iteration that is about to be repeated.
            del column[self.iteration :]
        self.state, self.previous, best, marked = replicate(arrays, devices)
        self.best = (best, None)
        self.marks = list(zip(header["marks"], marked, strict=False))


_HEADER = ("iteration", "seconds", "lowest", "went_back", "history")


def _result(problem: Problem, data: Data, run: _Run, ending: Ending, message: str) -> Result:
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
