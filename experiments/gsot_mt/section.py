"""One 2-D inversion by several misfits from several starts: COMMEMI 2D-4 with few stations."""

import dataclasses

import jax
import numpy as np
from jaxtyping import Float

import jaxmt
from jaxmt.benchmarks import COMMEMI_2D_4
from jaxmt.misfit import AbstractMisfit

NOISE, SEED, TARGET = 0.05, 0, 1.05
HALF, DEPTH = 15e3, 8e3
"""Half the station line, and how deep to judge the model, m."""

MISFITS: dict[str, AbstractMisfit] = {
    "least squares": jaxmt.LeastSquares(),
    "graph space, eta 1": jaxmt.GraphSpaceTransport(1.0),
    "graph space, eta 0.1": jaxmt.GraphSpaceTransport(0.1),
    "graph space, eta 0.01": jaxmt.GraphSpaceTransport(0.01),
    "6-D transport": jaxmt.CloudTransport(),
}


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of the problem is done."""

    stations: int
    frequencies: int
    growth: float
    fine_growth: float
    iterations: int
    starts: tuple[float, ...]
    misfits: tuple[str, ...] = tuple(MISFITS)


FULL = Size(13, 13, 0.2, 0.1, 100, (10.0, 100.0, 1000.0))
QUICK = Size(7, 6, 0.3, 0.15, 10, (100.0,), ("least squares", "graph space, eta 0.1", "6-D transport"))


class Problem:
    """Noisy data of the model, simulated on a finer mesh than the one to invert on."""

    def __init__(self, size: Size) -> None:
        model = COMMEMI_2D_4
        frequencies = np.geomspace(100.0, 0.01, size.frequencies)
        survey = jaxmt.Survey(frequencies, np.linspace(-HALF, HALF, size.stations))
        fine = model.design(survey, growth=size.fine_growth)
        responses = jaxmt.simulate(fine, survey, model.resistivity(fine))
        data = jaxmt.Data.from_responses(responses, relative_error=NOISE)
        self.size = size
        self.data = data.with_noise(jax.random.key(SEED), level=NOISE)
        self.mesh = jaxmt.Mesh.design(survey, 20.0, growth=size.growth)
        self.true = model.resistivity(self.mesh)

    def invert(self, misfit: AbstractMisfit, start: float) -> tuple[jaxmt.Result, dict]:
        """The result, and what to say of it; `start` in ohm m."""
        with jaxmt.ProgressBar(self.size.iterations) as bar:
            result = jaxmt.invert(
                self.data,
                self.mesh,
                start,
                misfit,
                target=TARGET,
                max_iterations=self.size.iterations,
                progress=bar,
            )
        iterations, seconds = len(result.history["nrms"]) - 1, result.history["seconds"]
        return result, {
            "start_ohm_m": start,
            "start_nrms": result.history["nrms"][0],
            "iterations": iterations,
            "converged": result.converged,
            "nrms": result.nrms,
            "rmse_log10_rho": self.rmse(result.resistivity),
            "seconds_per_iteration": (seconds[-1] - seconds[0]) / max(iterations, 1),
            "message": result.message,
        }

    def rmse(self, resistivity: Float[np.ndarray, "earth y"]) -> float:
        """Of log10 rho under the stations."""
        under = (np.abs(self.mesh.y_centres) <= HALF)[None, :] & (self.mesh.z_centres <= DEPTH)[:, None]
        return float(np.sqrt(np.mean(np.square(np.log10(resistivity / self.true)[under]))))
