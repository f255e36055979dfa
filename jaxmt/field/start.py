"""A run begins, goes on, or is drawn anew."""

import dataclasses
from pathlib import Path
from typing import Any

from ..inversion.result import Ending
from ..report import versions
from . import machine
from .folder import Folder, require_room
from .line import Line
from .objects import misfits_of, settings_of, treatment_of
from .options import Refusal, complete, given
from .outcome import Outcome
from .run_file import NAME, RunFile
from .workflow import invert_line

STOPPED = 130
"""Status of a program that Ctrl-C ended."""


def invert(options: dict[str, Any]) -> int:
    """`jaxmt invert`: from data, from a run file, or on from a folder; the exit status."""
    if options["resume"] is not None:
        return resume(options)
    source, out = options["path"], options["out"]
    if source is None:
        raise Refusal("what shall be inverted? Give a folder or file of transfer functions, or a run.toml.")
    if out is None:
        raise Refusal("where shall the results go? Give a folder: -o OUT.")
    told = RunFile.read(source) if source.suffix == ".toml" else RunFile(source)
    told = dataclasses.replace(
        told, path=told.path.resolve(), told=complete({**told.told, **given(options)})
    )
    require_room(out, force=options["force"])
    return run(told, out, options)


def run(told: RunFile, out: Path, options: dict[str, Any]) -> int:
    """Reads, checks and inverts what a run file tells, into a new folder."""
    misfits, settings = misfits_of(told.told, told.misfits), settings_of(told.told)
    devices = machine.start(options | {"devices": told.told["devices"]})
    print(f"Reading {told.path}", flush=True)
    line = Line.read(told.path, treatment_of(told.told))
    line.require()
    folder = Folder.create(machine.own_folder(out, options), force=options["force"])
    told = dataclasses.replace(told, identity=folder.identity, versions=dict(versions()))
    told.write(folder.path / NAME)
    return ended(invert_line(line, misfits, settings, folder=folder, devices=devices), folder)


def resume(options: dict[str, Any]) -> int:
    """Goes on with a run that was stopped."""
    also = [f"--{name}" for name in given(options)] + ["-o"] * (options["out"] is not None)
    if options["path"] is not None or also:
        extra = "the data" if options["path"] is not None else also[0]
        raise Refusal(f"--resume goes on as its {NAME} says: leave {extra} out.")
    folder = Folder.open(options["resume"])
    if not (folder.path / NAME).is_file():
        raise ValueError(f"{folder.path} has no {NAME}, which says how to go on.")
    told = RunFile.read(folder.path / NAME)
    told = dataclasses.replace(told, told=complete(told.told))
    misfits, settings = misfits_of(told.told, told.misfits), settings_of(told.told)
    devices = machine.start(options | {"devices": told.told["devices"]})
    print(f"Going on with run {folder.identity}: reading {told.path}", flush=True)
    line = Line.read(told.path, treatment_of(told.told))
    return ended(invert_line(line, misfits, settings, folder=folder, devices=devices), folder)


def ended(outcome: Outcome, folder: Folder) -> int:
    """Says where the report is; the exit status."""
    print(f"The report is {folder.path / 'report.html'}")
    if outcome.fits[-1].result.ending is Ending.INTERRUPTED:
        print(f"Interrupted. Go on with: jaxmt invert --resume {folder.path}")
        return STOPPED
    return 0


def report(path: Path) -> int:
    """`jaxmt report`: figures and page again from what lies in a folder of results."""
    folder = Folder.open(path)
    print(f"Drawing run {folder.identity}", flush=True)
    print(f"The report is {Outcome.read(folder).draw(folder)}")
    return 0
