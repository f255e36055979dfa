"""An inversion between two iterations: its history and its best model."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ..simulation.sharding import replicate
from .checkpoint import Checkpoint, CheckpointWarning, Identity
from .objective import Prediction
from .optimisers import Report, State
from .parametrisation.abstract import Parameters
from .result import Record

_HEADER = ("iteration", "seconds", "lowest", "went_back", "history")
"""What a checkpoint holds beside arrays, and beside the iterations of the models that were kept."""


@dataclasses.dataclass
class InversionState:
    """How far an inversion has come.

    - `state`: before the step of `iteration`; `previous`: before the one that led there.
    - `best`: parameters of the lowest nRMS, and their prediction unless they come from a file.
    - `kept`: iteration and parameters of the last two models that a stopping rule may go back to.
    - `history`: a list over iterations for each name.
    - `warned`: whether it was said that a checkpoint could not be written.
    """

    state: State
    iteration: int = 0
    seconds: float = 0.0
    lowest: float = np.inf
    went_back: bool = False
    previous: State | None = None
    best: tuple[Parameters, Prediction | None] | None = None
    kept: list[tuple[int, Parameters]] = dataclasses.field(default_factory=list)
    history: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    warned: bool = False

    def record(
        self, report: Report, described: Mapping[str, float], diagnostics: Mapping[str, float]
    ) -> Record:
        """Adds an iteration to the history, and its model to the best if it is.

        - `described`, `diagnostics`: what the misfit says of its state and what it found; NaN where it says
          nothing any more.
        """
        record = Record(
            iteration=self.iteration,
            loss=float(report.loss),
            nrms=float(report.nrms),
            roughness=float(report.roughness),
            regularization_factor=float(report.regularization_factor),
            seconds=self.seconds,
            misfit={name: float(value) for name, value in described.items()},
            diagnostics={name: float(value) for name, value in diagnostics.items()},
        )
        columns = record.columns()
        for name in [*self.history, *columns]:
            column = self.history.setdefault(name, [float("nan")] * self.iteration)
            if len(column) == self.iteration:
                column.append(columns.get(name, float("nan")))
        if record.nrms < self.lowest:
            self.best, self.lowest = (self.state.parameters, report.prediction), record.nrms
        return record

    def keep(self) -> None:
        """Keeps the present model as one to go back to, and the last one before it."""
        others = [one for one in self.kept if one[0] != self.iteration]
        self.kept = [*others[-1:], (self.iteration, self.state.parameters)]

    def has_kept(self, iteration: int) -> bool:
        """Whether the model of an iteration is one to go back to."""
        return iteration in dict(self.kept)

    def go_back_to(self, iteration: int) -> None:
        """Takes a model that was kept for the best."""
        self.best, self.lowest = (dict(self.kept)[iteration], None), self.history["nrms"][iteration]

    def advance(self, following: State) -> None:
        """Goes on to the next iteration."""
        self.previous, self.state = self.state, following
        self.iteration += 1

    def halve_step(self) -> bool:
        """Takes half the last step instead, with all else as before it; False if that was done already."""
        if self.previous is None or self.went_back:
            return False
        middle = jax.tree.map(lambda a, b: (a + b) / 2, self.previous.parameters, self.state.parameters)
        self.state = eqx.tree_at(lambda s: s.parameters, self.previous, middle)
        self.went_back = True
        return True

    def save(self, checkpoint: Checkpoint, identity: Identity) -> None:
        """Writes everything that `resume` needs; warns, the first time, if that cannot be."""
        header = {name: getattr(self, name) for name in _HEADER}
        header["kept"] = [iteration for iteration, _ in self.kept]
        best = self.state.parameters if self.best is None else self.best[0]
        previous = self.state if self.previous is None else self.previous
        # Always two, for files of one problem are all alike.
        kept = [*(parameters for _, parameters in self.kept), best, best][:2]
        try:
            checkpoint.write(identity, header, (self.state, previous, best, kept))
        except OSError as error:
            if not self.warned:
                warnings.warn(
                    f"The checkpoint {checkpoint.path} could not be written at iteration {self.iteration}: "
                    f"{error}. The inversion goes on, and tries again every {checkpoint.every} iterations "
                    "and at its end.",
                    CheckpointWarning,
                    stacklevel=3,
                )
            self.warned = True

    def resume(self, checkpoint: Checkpoint, identity: Identity, devices: Sequence[Any] | None) -> None:
        """Goes on from the file, if there is one."""
        parameters = self.state.parameters
        found = checkpoint.read(identity, (self.state, self.state, parameters, [parameters] * 2))
        if found is None:
            return
        header, arrays = found
        for name in _HEADER:
            setattr(self, name, header[name])
        for column in self.history.values():
            # A file written where an inversion stopped holds the iteration that is about to be repeated.
            del column[self.iteration :]
        self.state, self.previous, best, kept = replicate(arrays, devices)
        self.best = (best, None)
        self.kept = list(zip(header["kept"], kept, strict=False))
