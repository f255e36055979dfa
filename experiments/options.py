"""The command line that the experiments share."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxmt.field import Folder
from jaxmt.field.folder import CHECKPOINT, remove, summary_of
from jaxmt.field.methods import misfits_of, settings_of
from jaxmt.field.options import OPTIONS, Refusal, add, complete, given
from jaxmt.misfit import AbstractMisfit

SOURCES = {
    "cafe_cascadia": "github.com/MTinv-OT/MTinv_OT, folder Cascadia",
    "cascadia_modem": "github.com/magnetotellurics/ModEM-Examples, folder Magnetotelluric/3D_MT/Cascadia",
    "coprod2": "github.com/CUG-EMI/HMCMT2D, folder HMCMT/examples/coprod2",
    "east_tennant": "github.com/MTgeophysics/mtpy, folder examples/data/ET_edi, in folders L1, L2 and L3",
    "mt3dinv4": "github.com/ubcgif/2026-mtinv-challenge, the EDI files in folder edi",
    "paralana_occam2d": "github.com/MTgeophysics/mtpy, folders examples/data/edi_files (as edi) and "
    "examples/model_files/Occam2d (as occam2d)",
    "strangers": "github.com/MTgeophysics/mtpy, folders examples/data/edi2 (as grid14), data/edifiles (as "
    "twolines12) and legacy/gui/occam2d/v1/edi (as threelines25), and github.com/earthai-tech/pycsamt, "
    "folders data/AMT/WILLY_DATA/L18PLT (as amt28), data/stratagem/Dafang/df5-edi (as stratagem21) and "
    "data/stratagem/K2/k2-edi (as nopositions87)",
}
"""Where each folder of field data is to be had."""

STATIC_SHIFT = 0.0
"""Decades by which stations and modes may shift, unless an experiment is told otherwise."""


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


def add_inversion(
    made: argparse.ArgumentParser, iterations: int = 200, static_shift: float = STATIC_SHIFT
) -> None:
    """Adds what every inversion of field data can be told, as by `jaxmt invert`, with other defaults."""
    add(made, ["misfit", "optimiser"])
    made.add_argument(
        "--static-shift",
        dest="static-shift",
        default=argparse.SUPPRESS,
        metavar="DECADES",
        help=f"decades by which stations and modes may shift, roughly; here default {static_shift:g}, "
        "0 for none",
    )
    made.add_argument("--iterations", type=int, default=iterations, help=f"at most; default {iterations}")
    add_resume(made)


def chosen(
    made: argparse.ArgumentParser, options: argparse.Namespace, **defaults: Any
) -> tuple[dict[str, AbstractMisfit], dict[str, Any]]:
    """What `add_inversion` was told: the misfits by name, and what of it is for `Settings`.

    - `defaults`: of options, by name, where nothing was said.
    """
    try:
        told = complete({"static-shift": STATIC_SHIFT, **defaults, **given(vars(options))})
    except Refusal as refusal:
        made.error(str(refusal))
    settings = settings_of(told)
    optimiser, static_shift = settings.optimiser, settings.static_shift
    return misfits_of(told, {}), {"optimiser": optimiser, "static_shift": static_shift, "timed": True}


def run_folder(options: argparse.Namespace, name: str) -> Folder:
    """The folder `name` under `--out` for a run; what one before left there goes, unless it goes on."""
    path = options.out / name
    if options.resume and summary_of(path) is not None:
        return Folder.open(path)
    left = next(path.glob(f"*/{CHECKPOINT}"), None)
    if left is not None:
        raise SystemExit(f"{left} is left from a run that was stopped. Go on with --resume, or remove it.")
    remove(path)
    return Folder.create(path, force=True)


def error_floor(text: str) -> float:
    """A floor of relative errors from the command line."""
    try:
        return OPTIONS["floor"].checked(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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
