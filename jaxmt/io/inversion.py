"""The folder that an inversion leaves behind."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..atomic import FilePath, atomic_path
from ..inversion.result import Result
from ..processing import Journal
from ..processing.georeference import Georeference
from .dataset import Results, write_results
from .modem_model import write_modem_model
from .modem_writer import write_modem
from .summary import Json, write_summary

NOTHING = Journal()


def write_inversion(
    folder: FilePath,
    result: Result,
    summary: Mapping[str, Json] | None = None,
    journal: Journal = NOTHING,
    *,
    identity: str = "",
    place: Georeference | None = None,
) -> None:
    """Writes an inversion's outcome into `folder`, each file whole or not at all.

    - `identity`: of the run, which `model.npz` and `summary.json` then state as "run".
    - `place`: where the profile lies, for `predicted.dat`.
    - `summary.json`: how it ended, and the entries of `summary`.
    - `model.npz`: model, observed and predicted data, `journal`; it explains itself, and `read_results`
      reads it. `processing.log`: the journal as text, if it has entries.
    - `model.rho`: the section for ModEM. `predicted.dat`: its responses in ModEM's list format.
    - `history.csv`: a row for each iteration.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = {"run": identity} if identity else {}
    stored = Results(
        data=result.data,
        predicted=result.predicted,
        mesh=result.mesh,
        resistivity=np.asarray(result.resistivity),
        fixed=result.fixed,
        journal=journal,
        attributes={"nrms": str(result.nrms), "message": result.message, **run},
    )
    write_results(folder / "model.npz", stored)
    if len(journal):
        with atomic_path(folder / "processing.log") as temporary:
            temporary.write_text(f"{journal}\n", encoding="utf-8")
    write_modem_model(folder / "model.rho", result.mesh, result.resistivity)
    left = float(result.mesh.y_nodes[0])
    write_modem(folder / "predicted.dat", result.responses, left_edge=left, place=place)
    with atomic_path(folder / "history.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(result.history)
        writer.writerows(zip(*result.history.values(), strict=True))
    ending = {
        "nrms": result.nrms,
        "converged": result.converged,
        "ending": result.ending,
        "message": result.message,
        "iterations": len(result.history["iteration"]) - 1,
        "seconds": result.history["seconds"][-1],
    }
    write_summary(folder / "summary.json", {**run, **ending, **(summary or {})})
