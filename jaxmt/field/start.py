"""A run begins, goes on, or is drawn anew."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..inversion.result import Ending
from ..report import versions
from . import machine
from .folder import Folder, require_room
from .line import Line
from .objects import misfits_of, settings_of, treatment_of
from .options import STOPPED, complete
from .outcome import Outcome
from .run_file import NAME, RunFile
from .workflow import invert_line


def invert(options: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    """`jaxmt invert`: from data, or from a run file, with the options that were given; the exit status."""
    source, out = options["path"], options["out"]
    run = RunFile.read(source) if source.suffix == ".toml" else RunFile(source)
    run = dataclasses.replace(run, path=run.path.resolve(), told=complete({**run.told, **told}))
    require_room(out, force=options["force"])
    devices = machine.start({**options, "devices": run.told["devices"]})
    misfits, settings = misfits_of(run.told, run.misfits), settings_of(run.told)
    line = Line.read(run.path, treatment_of(run.told))
    line.require()
    folder = Folder.create(machine.own_folder(out, options), force=options["force"])
    run = dataclasses.replace(run, identity=folder.identity, versions=dict(versions()))
    run.write(folder.path / NAME)
    return ended(invert_line(line, misfits, settings, folder=folder, devices=devices), folder)


def resume(options: Mapping[str, Any]) -> int:
    """`jaxmt invert --resume`: goes on with a run that was stopped; the exit status."""
    folder = Folder.open(options["resume"])
    if not (folder.path / NAME).is_file():
        raise ValueError(f"{folder.path} has no {NAME}, which says how to go on.")
    run = RunFile.read(folder.path / NAME)
    told = complete(run.told)
    devices = machine.start({**options, "devices": told["devices"]})
    misfits, settings = misfits_of(told, run.misfits), settings_of(told)
    line = Line.read(run.path, treatment_of(told))
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
    print(f"The report is {Outcome.read(folder).draw(folder)}")
    return 0
