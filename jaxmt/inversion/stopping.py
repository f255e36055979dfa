"""When an inversion stops, and what it says then."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from .result import Ending

History = Mapping[str, Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Knee:
    r"""Ends an inversion past the knee of its L-curve, where sections become rougher and hardly fit better.

    Over the last `patience` iterations the elasticity of nRMS to roughness R is
    $\ln(\mathrm{nRMS}_1 / \mathrm{nRMS}_2) / \ln(R_2 / R_1)$.

    - `elasticity`: the inversion ends where it is less than this. Where a target was reached, on synthetic
      and field data, it was 0.23 and more; where it never was, 0.1.
    - `growth`: and where R grew by this factor at least; over less, an elasticity says little.

    It does not end an inversion that would reach the target, going on like that, with a section twice as
    rough. Raises `ValueError` for an elasticity that is not positive or a growth that is not above 1.
    """

    elasticity: float = 0.2
    growth: float = 1.5

    def __post_init__(self) -> None:
        if not 0 < self.elasticity < np.inf:
            raise ValueError(f"`Knee(elasticity=...)` must be positive and finite. Got {self.elasticity}.")
        if not 1 < self.growth < np.inf:
            raise ValueError(f"`Knee(growth=...)` must be a finite factor above 1. Got {self.growth}.")

    def is_past(self, before: float, lowest: float, growth: float, target: float) -> bool:
        """Whether a section that grew rougher by `growth` hardly fits better: nRMS `before`, and lowest."""
        if not growth > self.growth:
            return False
        elasticity = np.log(before / lowest) / np.log(growth)
        return bool(elasticity < self.elasticity and lowest > target * 2**elasticity)


@dataclasses.dataclass(frozen=True)
class Stop:
    """Why an inversion stops: `ending`, the same in words, and the iteration to go back to, if any."""

    ending: Ending
    message: str
    back_to: int | None = None


@dataclasses.dataclass(frozen=True)
class Stopping:
    """The rules that end an inversion, for `invert(stopping=...)`.

    - `target`: nRMS at which to stop, over all data that exist.
    - `max_iterations`: the most steps.
    - `patience`: iterations after which to stop if they lowered the lowest nRMS by less than `progress`, a
      fraction; None leaves it to the optimiser.
    - `knee`: the rule for the knee of the L-curve, over so many iterations; None leaves it out. It applies
      only where the parametrisation has cells, whose number lets a section become rougher, and while
      lambda is not zero.

    Raises `ValueError` for a target that is not positive, fewer than one iteration, or a progress that is
    not between 0 and 1.
    """

    target: float = 1.05
    max_iterations: int = 300
    patience: int | None = None
    progress: float = 0.01
    knee: Knee | None = Knee()

    def __post_init__(self) -> None:
        if not (np.isfinite(self.target) and self.target > 0):
            raise ValueError(f"`invert(target=...)` must be a positive nRMS. Got {self.target}.")
        if self.max_iterations < 1:
            raise ValueError(f"`invert(max_iterations=...)` must be at least 1. Got {self.max_iterations}.")
        if self.patience is not None and not self.patience >= 1:
            raise ValueError(f"`Stopping(patience=...)` must be at least 1 iteration. Got {self.patience}.")
        if not 0 < self.progress < 1:
            raise ValueError(f"`Stopping(progress=...)` must lie in (0, 1). Got {self.progress}.")

    def filled(self, patience: int, has_cells: bool) -> "Stopping":
        """With the patience of an optimiser, unless it has one, and no knee where there are no cells."""
        return dataclasses.replace(
            self,
            patience=patience if self.patience is None else self.patience,
            knee=self.knee if has_cells else None,
        )

    def is_last(self, history: History) -> "Stop | None":
        """Whether the last iteration of a history ends the inversion, and why."""
        nrms, count = history["nrms"], len(history["nrms"]) - 1
        above = f"above the target nRMS of {self.target:g}"
        if nrms[-1] <= self.target:
            return Stop(Ending.TARGET, f"reached the target nRMS of {self.target:g} in {_counted(count)}")
        if self._stalls(nrms):
            return Stop(
                Ending.STALLED,
                f"stopped after {_counted(count)} {above}: the last {self.patience} lowered it by less "
                f"than {self.progress:.0%}",
            )
        knee = self._knee(history)
        if knee is not None:
            return Stop(
                Ending.KNEE,
                f"stopped after {_counted(count)} {above} and went back to iteration {knee}: since then "
                f"the section became rougher and the nRMS hardly lower, {nrms[-1]:.3f}",
                knee,
            )
        return None

    def is_spent(self, iteration: int) -> "Stop | None":
        """Whether the model of this iteration lies more than `max_iterations` steps from the start."""
        if iteration <= self.max_iterations:
            return None
        return Stop(
            Ending.ITERATIONS,
            f"stopped after {_counted(self.max_iterations)} above the target nRMS of {self.target:g}",
        )

    def _stalls(self, nrms: Sequence[float]) -> bool:
        if self.patience is None or len(nrms) <= self.patience:
            return False
        before = nrms[: -self.patience]
        return bool(min(nrms) > (1 - self.progress) * min(before))

    def keeps(self, iteration: int) -> bool:
        """Whether the model of this iteration may be one that the knee rule goes back to."""
        half = self._half
        return half is not None and iteration % half == 0

    @property
    def _half(self) -> int | None:
        """Every so many iterations the knee rule looks twice as many back."""
        return None if self.knee is None or self.patience is None else max(self.patience // 2, 1)

    def _knee(self, history: History) -> int | None:
        """The iteration to go back to, if the last one is past the knee."""
        half, last = self._half, len(history["nrms"]) - 1
        if self.knee is None or half is None or last % half or last < 2 * half:
            return None
        if not history["regularization_factor"][-1] > 0:
            return None
        first, nrms, roughness = last - 2 * half, history["nrms"], history["roughness"]
        growth = roughness[last] / roughness[first] if roughness[first] > 0 else 0.0
        return first if self.knee.is_past(nrms[first], min(nrms), growth, self.target) else None


def not_finite(iteration: int, again: bool) -> Stop:
    """The misfit or its gradient is not a number, perhaps again after half a step back."""
    after = ", again after half a step back" if again else ""
    return Stop(
        Ending.NOT_FINITE,
        f"stopped at iteration {iteration}: the misfit or its gradient is not finite{after}",
    )


def interrupted(count: int) -> Stop:
    """Somebody, or the system, asked for an end after so many iterations."""
    return Stop(Ending.INTERRUPTED, f"interrupted after {_counted(count)}")


def _counted(iterations: int) -> str:
    return f"{iterations} iteration{'s' * (iterations != 1)}"
