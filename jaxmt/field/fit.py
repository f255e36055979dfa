"""One inversion of a line: what came of it, and its files."""

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..atomic import atomic_path
from ..comparison import agreement, under_stations
from ..inversion.appraisal import Uncertainty
from ..inversion.parametrisation import Cells
from ..inversion.result import Ending, Result
from ..io import read_results, write_inversion
from ..misfit.catalogue import MISFITS
from ..processing import Journal
from ..processing.georeference import Georeference
from ..sampling.posterior import Posterior
from ..simulation.responses import Responses
from .folder import APPRAISAL, HISTORY, MODEL, POSTERIOR, Folder, summary_of
from .options import command
from .settings import Reference
from .store import reading

TRUSTED = 0.5
"""Trust from which a cell counts in a comparison."""

CELLS = ("deviation", "prior", "resolution", "reliance", "detectability")
IMPEDANCES = ("z_xy", "z_yx", "tipper")


@dataclasses.dataclass(frozen=True)
class Fit:
    """What came of a line by one misfit.

    - `name`: of the misfit. `uncertainty`: what the data say of each cell.
    - `seconds`: of an iteration; `share`: what of it value and gradient of the misfit take, NaN for none
      with transport. `warnings`: what the reader of the report shall know first.
    - `posterior`: draws of sections; None where none were asked for.
    - `usable_nrms`: over all usable data of the line with the floors alone.
    """

    name: str
    result: Result
    uncertainty: Uncertainty
    seconds: float = np.nan
    share: float = np.nan
    warnings: tuple[str, ...] = ()
    usable_nrms: float = np.nan
    posterior: Posterior | None = None

    @property
    def label(self) -> str:
        """The misfit in figures."""
        return label_of(self.name)

    @property
    def trust(self) -> Float[np.ndarray, "earth y"]:
        """Between 0 and 1, where the data say nothing of a cell, and enough."""
        return self.uncertainty.trust()

    def agreement(self, reference: Reference | None) -> dict[str, float]:
        """Correlation and rms of log10 rho against a reference, in trusted cells under the stations."""
        if reference is None:
            return {}
        mesh = self.result.mesh
        other = reference.on(mesh)
        inside = under_stations(mesh, self.result.data.survey.stations)
        inside = inside & (self.trust >= TRUSTED) & np.isfinite(other)
        correlation, rms = agreement(mesh, self.result.resistivity, other, inside)
        return {"correlation_log10_rho": correlation, "rms_log10_rho": rms}

    def write(self, folder: Folder, journal: Journal, place: Georeference | None = None) -> None:
        """Writes the files of the inversion, all but its figures, into a folder named by the misfit.

        - `place`: where its line lies, for the files of other programs.
        """
        at = folder.path / self.name
        numbers: dict[str, Any] = {
            "seconds_per_iteration": self.seconds,
            "transport_share": self.share,
            "nrms_usable": self.usable_nrms,
            "warnings": list(self.warnings),
        }
        result = self.result
        write_model(folder, self.name, result, journal, numbers, place=place)
        arrays = {name: getattr(self.uncertainty, name) for name in CELLS}
        impedances = {name: getattr(result.responses, name) for name in IMPEDANCES}
        arrays |= {name: np.asarray(value) for name, value in impedances.items() if value is not None}
        # It comes last of all: where there is one, the rest is whole.
        with atomic_path(at / APPRAISAL) as temporary, temporary.open("wb") as file:
            np.savez_compressed(
                file,
                run=np.array(folder.identity),
                regularization_factor=np.array(self.uncertainty.regularization_factor),
                static_shift=np.asarray(result.static_shift),
                **arrays,
            )

    @classmethod
    def read(cls, folder: Folder, name: str) -> "Fit":
        """What `write` wrote; whatever the parameters were, they are cells now.

        Raises `ValueError` if a file is missing or damaged.
        """
        place = folder.path / name
        summary = summary_of(place)
        missing = [file for file in (MODEL, APPRAISAL, HISTORY) if not (place / file).is_file()]
        if summary is None or missing:
            raise ValueError(
                f"{place} is not whole: {', '.join(missing) or 'summary.json'} is missing. Finish the run "
                f"with `{command('invert', '--resume', folder.path)}`."
            )
        stored = read_results(place / MODEL)
        kept = place / APPRAISAL
        with reading(kept), kept.open("rb") as content, np.load(content) as file:
            arrays = dict(file)
        with reading(place / HISTORY):
            history = _history(place / HISTORY)
        if stored.mesh is None or stored.resistivity is None or stored.predicted is None:
            raise ValueError(f"{place / MODEL} holds no model with its responses.")
        impedances = (jnp.asarray(arrays[k]) if k in arrays else None for k in IMPEDANCES)
        ground = stored.resistivity[~stored.mesh.air]
        holes = int(np.count_nonzero(~np.isfinite(ground)))
        if holes:
            raise ValueError(
                f"{place / MODEL}: {holes} cells of the ground have no resistivity. Put back the file that "
                "the run wrote."
            )
        cells = Cells(stored.mesh, low=float(ground.min()) / 10, high=10 * float(ground.max()))
        result = Result(
            stored.mesh,
            stored.data,
            stored.resistivity,
            Responses(stored.data.survey, *impedances),
            arrays["static_shift"],
            stored.predicted,
            float(summary["nrms"]),
            history,
            Ending(summary["ending"]),
            summary["message"],
            cells,
            cells.start(stored.resistivity),
        )
        seconds, share, usable = (
            np.nan if summary.get(key) is None else float(summary[key])
            for key in ("seconds_per_iteration", "transport_share", "nrms_usable")
        )
        known: dict[str, Any] = {name: arrays[name] for name in CELLS}
        draws = Posterior.read(place / POSTERIOR) if (place / POSTERIOR).is_file() else None
        factor = float(arrays["regularization_factor"])
        uncertainty = Uncertainty(mesh=stored.mesh, regularization_factor=factor, **known)
        return cls(name, result, uncertainty, seconds, share, tuple(summary["warnings"]), usable, draws)


def write_model(
    folder: Folder,
    name: str,
    result: Result,
    journal: Journal,
    numbers: Mapping[str, Any] | None = None,
    *,
    place: Georeference | None,
) -> None:
    """Writes what an inversion found into its folder, before its data are asked what they say of it.

    The appraisal of an earlier model goes. `numbers`: of its summary besides those of the result. `place`:
    as for `Fit.write`.
    """
    at = folder.path / name
    at.mkdir(parents=True, exist_ok=True)
    (at / APPRAISAL).unlink(missing_ok=True)
    summary = {"misfit": name, **(numbers or {})}
    write_inversion(at, result, summary, journal, identity=folder.identity, place=place)


def _history(path: Path) -> dict[str, list[float]]:
    """The columns of a file of `write_inversion`."""
    with path.open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return {name: [float(row[k]) for row in rows] for k, name in enumerate(names)}


def label_of(name: str) -> str:
    """What figures call a misfit: its label in the catalogue, or the name that it was given."""
    return MISFITS[name].label if name in MISFITS else name
