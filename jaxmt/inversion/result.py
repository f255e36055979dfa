"""What an inversion reports while it runs, and what it leaves."""

import dataclasses
import enum

import numpy as np
from jaxtyping import Float

from ..data import Data
from ..simulation.mesh import Mesh
from ..simulation.responses import Responses


@dataclasses.dataclass(frozen=True)
class Record:
    """One iteration: the state before its step.

    - `loss`: data misfit; `roughness`: regularisation, both unweighted; `regularization_factor`:
      lambda; `blur`: of the transport, NaN for others; `seconds`: since the start.
    """

    iteration: int
    loss: float
    nrms: float
    roughness: float
    regularization_factor: float
    blur: float
    seconds: float


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
      `ending` is `Ending.KNEE`: the one at which more roughness ceased to pay.
    - `nrms`: of that model. `responses`: its responses.
    - `static_shift`: decades that the data lie above the responses' log10 rho, rows TE and TM; zero unless
      `invert(static_shift=...)` allowed any. `predicted`: the responses with it, in the order of
      `COMPONENTS`: what `nrms` compares with the data.
    - `history`: a `Record` field name -> list over iterations.
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

    @property
    def converged(self) -> bool:
        """Whether the target was reached."""
        return self.ending is Ending.TARGET
