"""An inversion on its way: its history, its best model, and whether it still gets anywhere."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from ..simulation.sharding import replicate
from .checkpoint import Checkpoint
from .objective import Parameters, Prediction
from .optimisers import Report, State
from .result import Record

PROGRESS = 0.01
"""What an optimiser has to lower the nRMS by, as a part of it, for its patience to last."""

ELASTICITY = 0.2
"""Of nRMS to roughness, under which an inversion is past the knee of its L-curve.

Where a target was reached, on synthetic and field data, it was 0.23 and more; where it never was, 0.1.
"""

GROWTH = 1.5
"""Of the roughness, that the elasticity is taken over at least."""

_HEADER = ("iteration", "seconds", "lowest", "went_back", "history")
"""What a checkpoint holds beside arrays, and beside the iterations of the marks."""


@dataclasses.dataclass
class Run:
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
