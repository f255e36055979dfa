"""What is known of a section: draws from its posterior, and whether they may be believed."""

import dataclasses
import enum
import importlib
import zipfile
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from ..atomic import FilePath, atomic_path
from ..simulation.mesh import Mesh

LARGEST_RHAT = 1.01
"""Largest R-hat of chains that agree (Vehtari, Gelman, Simpson, Carpenter & Buerkner 2021)."""

LEAST_ESS = 100.0
"""Fewest effective draws for each chain, by the same."""

FEWEST = 4
"""Draws of a chain below which there is no R-hat; of one chain alone, of each half."""

NODES = ("y_nodes", "z_nodes", "surface")
"""What a mesh is saved as."""

Section = Float[np.ndarray, "earth y"]


class Verdict(enum.StrEnum):
    """Whether draws may be believed."""

    CONVERGED = "converged"
    NOT_CONVERGED = "not converged"
    DIVERGENT = "divergent trajectories"
    BIASED = "approximate"


@dataclasses.dataclass(frozen=True)
class Posterior:
    r"""Draws of log10 of resistivity, as chains, and what they cost.

    - `log10_resistivity`: decades of ohm m. `free`: the cells that were not known.
    - `log_density`: of each draw, up to a constant. `log_weight`: what it is short of the posterior's
      density, zero unless the sampler says otherwise; means and quantiles do not count it.
    - `error_scale`: the factor of all errors; one where it was not sought. `static_shift`: decades, TE and
      TM; None where they were integrated out, or none.
    - `rhat`, `ess`: split R-hat of ranks and effective number of draws in the bulk, of log10 resistivity by
      cell; NaN where a cell is not free.
    - `gradients`: of the density that each draw took, or runs of the physics that one without gradients
      did; `warm_up`: those before the first; `pilot_gradients`: those before any chain began.
    - `divergent`: draws whose trajectory left the posterior.
    - `mode`: log10 of the most probable section; `laplace`: its standard deviation by Laplace's
      approximation, decades. `determined`: how many parameters the data determine.
    - `regularization_factor`: lambda of the prior.
    - `independent`: whether no draw depends on the one before.
    """

    mesh: Mesh
    free: Bool[np.ndarray, "earth y"]
    log10_resistivity: Float[np.ndarray, "chain draw earth y"]
    log_density: Float[np.ndarray, "chain draw"]
    log_weight: Float[np.ndarray, "chain draw"]
    error_scale: Float[np.ndarray, "chain draw"]
    static_shift: Float[np.ndarray, "chain draw mode site"] | None
    rhat: Section
    ess: Section
    gradients: Int[np.ndarray, "chain draw"]
    warm_up: Int[np.ndarray, " chain"]
    divergent: Bool[np.ndarray, "chain draw"]
    mode: Section
    laplace: Section
    determined: float
    regularization_factor: float
    independent: bool
    pilot_gradients: int = 0

    @property
    def mean(self) -> Section:
        """Of log10 of resistivity."""
        return self.log10_resistivity.mean(axis=(0, 1))

    @property
    def deviation(self) -> Section:
        """Standard deviation of log10 of resistivity, decades."""
        return self.log10_resistivity.std(axis=(0, 1))

    @property
    def median(self) -> Section:
        """Of log10 of resistivity."""
        return np.median(self.log10_resistivity, axis=(0, 1))

    def quantiles(self, parts: Any) -> Float[np.ndarray, "*parts earth y"]:
        """log10 of the resistivity below which these parts of the draws lie; a number, or an array.

        Raises `ValueError` for parts that are not between 0 and 1.
        """
        wanted = np.asarray(parts, dtype=float)
        if not np.all((wanted >= 0) & (wanted <= 1)):
            raise ValueError(f"`Posterior.quantiles(parts=...)` must lie between 0 and 1. Got {parts}.")
        return np.quantile(self.log10_resistivity, wanted, axis=(0, 1))

    def exceeds(self, rho: float) -> Section:
        """The probability that a cell's resistivity is above `rho` (ohm m).

        That of a conductor is what is left to one. Raises `ValueError` unless `rho` is positive.
        """
        if not 0 < rho < np.inf:
            raise ValueError(f"`Posterior.exceeds(rho=...)` must be positive, in ohm m. Got {rho}.")
        return np.mean(self.log10_resistivity > np.log10(rho), axis=(0, 1))

    def correlation(self, y: float, z: float) -> Section:
        """How log10 of resistivity goes with that of the cell at (y, z), m; NaN for cells that are known.

        Raises `ValueError` for a place outside the mesh, or in a cell that is known.
        """
        column = int(np.searchsorted(self.mesh.y_nodes, y, side="right")) - 1
        row = int(np.searchsorted(self.mesh.earth_nodes, z, side="right")) - 1
        rows, columns = self.mesh.shape
        if not (0 <= row < rows and 0 <= column < columns and self.free[row, column]):
            raise ValueError(
                "`Posterior.correlation(y=..., z=...)` must lie in a free cell of the mesh, in m. "
                f"Got y={y}, z={z}."
            )
        draws = self.log10_resistivity.reshape(-1, rows, columns)
        apart = draws - draws.mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = apart / np.sqrt(np.sum(apart**2, axis=0))
        return np.where(self.free, np.einsum("d,dzy->zy", unit[:, row, column], unit), np.nan)

    @property
    def gradients_per_effective_draw(self) -> tuple[float, float]:
        """Gradients after warming up over the effective draws, of the median cell and of the worst."""
        total, ess = float(self.gradients.sum()), self.ess[np.isfinite(self.ess)]
        return total / float(np.median(ess)), total / float(ess.min())

    @property
    def weight_worth(self) -> float:
        r"""How many draws the weights leave, $(\sum w)^2 / \sum w^2$; all where weights are equal."""
        w = np.exp(self.log_weight - self.log_weight.max())
        return float(w.sum() ** 2 / np.sum(w**2))

    @property
    def worst(self) -> tuple[int, int]:
        """Row and column of the cell with the largest R-hat."""
        row, column = np.unravel_index(np.argmax(np.nan_to_num(self.rhat, nan=-1.0)), self.rhat.shape)
        return int(row), int(column)

    @property
    def fewest(self) -> float:
        """Effective draws in the cell that has the fewest; NaN where there are none to count."""
        found = self.ess[np.isfinite(self.ess)]
        return float(found.min()) if found.size else np.nan

    @property
    def verdict(self) -> Verdict:
        """Whether the draws may be believed; `message` says it with numbers."""
        if self.divergent.any():
            return Verdict.DIVERGENT
        # What is NaN is not as it should be.
        if not (self.rhat[self.worst] <= LARGEST_RHAT and self.fewest >= LEAST_ESS * len(self.gradients)):
            return Verdict.NOT_CONVERGED
        if self.weight_worth < self.gradients.size / 2:
            return Verdict.BIASED
        return Verdict.CONVERGED

    @property
    def converged(self) -> bool:
        """Whether R-hat and the effective draws of all cells are what they should be."""
        return self.verdict is Verdict.CONVERGED

    @property
    def message(self) -> str:
        """The verdict in words, with numbers and what to do."""
        chains, draws = self.gradients.shape
        row, column = self.worst
        worst, fewest = self.rhat[row, column], self.fewest
        told = f"{chains} x {draws} draws, R-hat up to {worst:.3f}, {fewest:.0f} effective draws or more"
        match self.verdict:
            case Verdict.DIVERGENT:
                many = f"{int(self.divergent.sum())} of {self.divergent.size} draws"
                if self.independent:
                    return (
                        f"not converged: the equations of {many} are not solved ({told}); give them more "
                        "`RandomiseThenOptimise(runs=...)`"
                    )
                return (
                    f"not converged: {many} diverged ({told}); take a higher `NUTS(acceptance=...)`, or a "
                    "prior that keeps off the bounds"
                )
            case Verdict.NOT_CONVERGED:
                many = int(np.sum(self.rhat > LARGEST_RHAT))
                few = int(np.sum(self.ess < LEAST_ESS * chains))
                y, z = self.mesh.y_centres[column] / 1e3, self.mesh.z_centres[row] / 1e3
                return (
                    f"not converged: R-hat above {LARGEST_RHAT} in {many} cells, up to {worst:.3f} at "
                    f"{y:.3g} km, {z:.3g} km deep; fewer than {LEAST_ESS * chains:g} effective draws in "
                    f"{few} cells, {fewest:.0f} at least; more draws"
                )
            case Verdict.BIASED:
                return (
                    f"approximate: by their weights {self.gradients.size} draws are worth "
                    f"{self.weight_worth:.0f}: their spread is that of a randomised optimisation, not "
                    "quite the posterior's; `NUTS()` has no such bias"
                )
            case Verdict.CONVERGED:
                return f"converged: {told}"

    def to_arviz(self) -> Any:
        """An `xarray.DataTree` for ArviZ: groups "posterior" and "sample_stats".

        Raises `ImportError`, with the remedy, where arviz-base is not installed.
        """
        try:
            arviz_base = importlib.import_module("arviz_base")
        except ImportError:
            raise ImportError(
                "`Posterior.to_arviz()` needs arviz-base: install it with `pip install 'jaxmt[sample]'`."
            ) from None
        draws = {"log10_resistivity": self.log10_resistivity, "error_scale": self.error_scale}
        if self.static_shift is not None:
            draws["static_shift"] = self.static_shift
        stats = {"lp": self.log_density, "n_steps": self.gradients, "diverging": self.divergent}
        return arviz_base.from_dict(
            {"posterior": draws, "sample_stats": stats},
            coords={"z": self.mesh.z_centres, "y": self.mesh.y_centres, "mode": ["te", "tm"]},
            dims={"log10_resistivity": ["z", "y"], "static_shift": ["mode", "site"]},
        )

    def save(self, path: FilePath) -> None:
        """Writes an .npz, whole or not at all, with draws in single precision; `read` and NumPy read it."""
        arrays: dict[str, Any] = {name: getattr(self.mesh, name) for name in NODES}
        for field in dataclasses.fields(self):
            content = getattr(self, field.name)
            if field.name != "mesh" and content is not None:
                arrays[field.name] = np.asarray(content)
        arrays["log10_resistivity"] = self.log10_resistivity.astype(np.float32)
        with atomic_path(path) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def read(cls, path: FilePath) -> "Posterior":
        """What `save` wrote. Raises `ValueError` for a file that is damaged, or none of a posterior."""
        try:
            # NumPy leaves a damaged file open.
            with open(path, "rb") as content, np.load(content, allow_pickle=False) as file:
                found: dict[str, Any] = dict(file)
            mesh = Mesh(*(found.pop(name) for name in NODES))
            found["log10_resistivity"] = found["log10_resistivity"].astype(float)
            for name in ("determined", "regularization_factor", "independent", "pilot_gradients"):
                found[name] = found[name].item()
            return cls(mesh=mesh, **{"static_shift": None, **found})
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is no posterior that jaxmt wrote, or damaged ({error}).") from None


def diagnosed(
    draws: Float[np.ndarray, "chain draw earth y"], free: Bool[np.ndarray, "earth y"]
) -> tuple[Section, Section]:
    """R-hat and effective draws of each free cell (Vehtari et al. 2021); NaN elsewhere.

    Of one chain alone R-hat compares the halves. A cell that all draws agree on has none. Raises
    `ImportError`, with the remedy, where arviz-stats is not installed.
    """
    try:
        array_stats = importlib.import_module("arviz_stats.base.array").array_stats
    except ImportError:
        raise ImportError(
            "R-hat needs arviz-stats: install it with `pip install 'jaxmt[sample]'`."
        ) from None
    values = np.moveaxis(draws[:, :, free], -1, 0)
    rhat, ess = np.full(free.shape, np.nan), np.full(free.shape, np.nan)
    cells, chains, count = values.shape
    compared = values if chains > 1 else values[..., : count // 2 * 2].reshape(cells, 2, -1)
    rhat[free] = array_stats.rhat(compared, chain_axis=1, draw_axis=2, method="rank")
    ess[free] = array_stats.ess(values, chain_axis=1, draw_axis=2, method="bulk")
    return rhat, ess
