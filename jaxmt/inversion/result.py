"""What an inversion reports while it runs, and what it leaves."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from ..data import Data
from ..labelled import arrays_of, dataset
from ..misfit.motion import in_words
from ..simulation.mesh import Mesh
from ..simulation.responses import Responses
from .parametrisation.abstract import AbstractParametrisation, Parameters
from .parametrisation.cells import Cells


@dataclasses.dataclass(frozen=True)
class Record:
    """One iteration: the state before its step.

    - `loss`: data misfit; `roughness`: regularisation, both unweighted; `regularization_factor`:
      lambda; `seconds`: since the start.
    - `misfit`: what the misfit says of its state, such as the "blur" of a transport.
    - `diagnostics`: what it found, such as how far a transport moved mass.
    """

    iteration: int
    loss: float
    nrms: float
    roughness: float
    regularization_factor: float
    seconds: float
    misfit: Mapping[str, float]
    diagnostics: Mapping[str, float]

    def columns(self) -> dict[str, float]:
        """All numbers by name, in the order of a history; what the misfit says comes before the time."""
        names = ("iteration", "loss", "nrms", "roughness", "regularization_factor")
        numbers = {name: float(getattr(self, name)) for name in names}
        return {**numbers, **self.misfit, **self.diagnostics, "seconds": self.seconds}


class Ending(enum.StrEnum):
    """Why an inversion stopped."""

    TARGET = "target"
    ITERATIONS = "iterations"
    STALLED = "stalled"
    KNEE = "knee"
    INTERRUPTED = "interrupted"
    NOT_FINITE = "not finite"


@dataclasses.dataclass(frozen=True)
class Result:
    """What an inversion found.

    - `resistivity`: ohm m, earth cells; the model of the lowest nRMS met, also after a failure. Where
      `ending` is `Ending.KNEE`: the one at which more roughness ceased to pay. `parameters`: the same
      model as parameters of the `parametrisation`.
    - `nrms`: of that model. `responses`: its responses.
    - `static_shift`: decades that the data lie above the responses' log10 rho, rows TE and TM; zero unless
      `invert(static_shift=...)` allowed any. `predicted`: the responses with it, in the order of
      `COMPONENTS`: what `nrms` compares with the data.
    - `history`: a list over iterations for each name: iteration, loss, nrms, roughness,
      regularization_factor, what the misfit says of its state and what it found (NaN where nothing),
      seconds.
    - `ending`: why it stopped; `message`: the same in words, with numbers.
    """

    mesh: Mesh
    data: Data
    resistivity: Float[np.ndarray, "earth y"]
    responses: Responses
    static_shift: Float[np.ndarray, "mode site"]
    predicted: Float[np.ndarray, "comp freq site"]
    nrms: float
    history: dict[str, list[float]]
    ending: Ending
    message: str
    parametrisation: AbstractParametrisation
    parameters: Parameters

    @property
    def transport(self) -> str | None:
        """What transport did, in words: how far mass moved, or that it was least squares; None without."""
        return in_words(self.history)

    @property
    def converged(self) -> bool:
        """Whether the target was reached."""
        return self.ending is Ending.TARGET

    @property
    def fixed(self) -> Bool[np.ndarray, "earth y"] | None:
        """True for cells that kept a known resistivity, such as the sea; None for none."""
        return getattr(self.parametrisation, "fixed", None)

    @property
    def cells(self) -> AbstractParametrisation:
        """What can be appraised and sampled: the parametrisation, or cells for that of a function."""
        return self.parametrisation if self.parametrisation.has_cells else Cells(self.mesh)

    def to_xarray(self) -> Any:
        """An `xarray.Dataset` with coordinates and units, as `jaxmt.labelled.dataset` makes it.

        `to_xarray()["log10_resistivity"].plot(yincrease=False)` draws the section.
        """
        data, section = self.data, np.asarray(self.resistivity)
        model = np.asarray(self.predicted), self.mesh, section, self.fixed
        arrays = arrays_of(data.survey, data.values, data.errors, *model)
        about = {"nrms": self.nrms, "message": self.message}
        return dataset(arrays, self.mesh).assign_attrs(about)
