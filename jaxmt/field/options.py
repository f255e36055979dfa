"""The command line that the experiments share."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import jaxmt

Misfit = jaxmt.CloudTransport | jaxmt.LeastSquares
MISFITS: dict[str, Callable[..., Misfit]] = {
    "cloud": jaxmt.CloudTransport,
    "l2": jaxmt.LeastSquares,
}
LONG_STEPS: dict[str, Any] = {"max_sweeps": 200, "decay": 0.7}
"""Of transport under Gauss-Newton, whose steps are few: plans solved to the end, a blur that falls fast."""
OPTIMISERS = ("adam", "gauss-newton")
LABELS = {"cloud": "6-D transport", "l2": "least squares"}

SOURCES = {
    "cafe_cascadia": "github.com/MTinv-OT/MTinv_OT, folder Cascadia",
    "cascadia_modem": "github.com/magnetotellurics/ModEM-Examples, folder Magnetotelluric/3D_MT/Cascadia",
    "coprod2": "github.com/CUG-EMI/HMCMT2D, folder HMCMT/examples/coprod2",
    "east_tennant": "github.com/MTgeophysics/mtpy, folder examples/data/ET_edi, in folders L1, L2 and L3",
    "paralana_occam2d": "github.com/MTgeophysics/mtpy, folders examples/data/edi_files (as edi) and "
    "examples/model_files/Occam2d (as occam2d)",
}
"""Where each folder of field data is to be had."""


def parser(document: str | None, quick: str) -> argparse.ArgumentParser:
    """A command line that describes itself by `document`, with `--quick` (what it does) and `--out`."""
    made = argparse.ArgumentParser(
        description=document, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--out", type=Path, default=Path("results"), help="folder for the results")
    return made


def results(options: argparse.Namespace, name: str) -> Path:
    """The folder `name` under `--out`, made if it is not there."""
    folder = options.out / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def add_resume(made: argparse.ArgumentParser) -> None:
    """Adds the choice to go on where a run was stopped."""
    made.add_argument("--resume", action="store_true", help="go on from the checkpoint of a stopped run")


def checkpoint(folder: Path, resume: bool) -> jaxmt.Checkpoint:
    """The checkpoint in a folder of results; an exit if there is one from a run that did not end."""
    path = folder / "inversion.checkpoint"
    if path.exists() and not resume:
        raise SystemExit(f"{path} is left from a run that was stopped. Go on with --resume, or remove it.")
    return jaxmt.Checkpoint(path, resume=resume)


def ended(kept: jaxmt.Checkpoint, result: jaxmt.Result) -> None:
    """Removes the checkpoint, unless the run was interrupted."""
    if result.ending is not jaxmt.Ending.INTERRUPTED:
        Path(kept.path).unlink(missing_ok=True)


def add_inversion(made: argparse.ArgumentParser, iterations: int = 200) -> None:
    """Adds what every inversion of field data can be told."""
    made.add_argument(
        "--misfit",
        nargs="+",
        choices=tuple(MISFITS),
        default=["cloud"],
        help="cloud (default), l2, or both, side by side",
    )
    made.add_argument(
        "--optimiser",
        choices=OPTIMISERS,
        default=OPTIMISERS[0],
        help="adam (default), or gauss-newton: fewer and dearer iterations, Occam's inversion",
    )
    made.add_argument(
        "--static-shift",
        type=_decades,
        metavar="DECADES",
        help="let each station and mode shift by about so much of apparent resistivity; 0 lets none",
    )
    made.add_argument("--iterations", type=int, default=iterations, help=f"at most; default {iterations}")
    add_resume(made)


def _decades(text: str) -> float:
    try:
        decades = float(text)
        return jaxmt.StaticShift(decades).decades if decades else 0.0
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def chosen(options: argparse.Namespace, static_shift: float = 0.0) -> dict[str, Any]:
    """What `add_inversion` was told, as a `Plan` takes it.

    - `static_shift`: decades, where nothing was said.
    """
    decades = static_shift if options.static_shift is None else options.static_shift
    return {
        "misfits": options.misfit,
        "optimiser": options.optimiser,
        "static_shift": jaxmt.StaticShift(decades) if decades else None,
        "resume": options.resume,
    }


def error_floor(text: str) -> float:
    """A floor of relative errors from the command line."""
    try:
        floor = float(text)
    except ValueError:
        floor = np.nan
    if not 0 <= floor < np.inf:
        raise argparse.ArgumentTypeError(f"must be a part of the datum, 0.05 for 5 %. Got {text}.")
    return floor


def add_floor(made: argparse.ArgumentParser) -> None:
    """Adds the floor of the errors of |Z|."""
    made.add_argument("--floor", type=error_floor, default=0.05, help="relative error of |Z|; default 0.05")


def add_blocks(made: argparse.ArgumentParser) -> None:
    """Adds the choice of parameters that widen with depth."""
    made.add_argument("--blocks", action="store_true", help="join columns to half their depth")


def add_data(made: argparse.ArgumentParser) -> None:
    """Adds the folder of field data."""
    made.add_argument("--data", type=Path, help="folder of field data; default $JAXMT_DATA")


def data_folder(given: Path | None, needs: Sequence[str]) -> Path:
    """The folder of field data that holds the folders `needs`; an exit that says where to get them."""
    folder = given or Path(os.environ.get("JAXMT_DATA", ""))
    missing = [name for name in needs if folder == Path() or not (folder / name).is_dir()]
    if missing:
        where = "; ".join(f"{name} (from {SOURCES[name]})" for name in missing)
        raise SystemExit(
            f"No field data in {str(folder)!r}. Give --data DIR or set JAXMT_DATA to a folder that holds "
            f"{where}."
        )
    return folder
