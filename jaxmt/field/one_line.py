"""The inversion of one line begins, goes on and ends, in a folder of its own."""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from ..inversion.result import Ending
from ..io import Reading
from ..lock import locked
from ..report import versions
from . import machine
from .along_profile import refuse_in_vain
from .choice import Found
from .folder import LINE, REPORT, Folder, require_room
from .line import Line, same
from .look import notes, rules, table
from .methods import misfits_of, settings_of
from .objects import treatment_of
from .options import FAILED, STOPPED, command, complete
from .outcome import Outcome
from .run_file import NAME, RunFile
from .store import read_line
from .workflow import finished, invert_line


@dataclasses.dataclass(frozen=True)
class Start:
    """What inversions begin from.

    - `run`: what was told. `reading`: the data. `found`: their lines; None where the data came along a
      profile. `options`: of the command line. `devices`: as for `invert_line`. `whole`: the identity of the
      run of all lines that this is part of.
    """

    run: RunFile
    reading: Reading
    found: Found | None
    options: Mapping[str, Any]
    devices: tuple[Any, ...] | None
    whole: str = ""

    @classmethod
    def read(cls, run: RunFile, options: Mapping[str, Any]) -> "Start":
        """What a run begins from. Raises `ValueError` if nothing can be read, or stations have no place."""
        # What was told in vain is said before anything is read.
        treatment, _ = treatment_of(run.told), misfits_of(run.told, run.misfits)
        devices = machine.start({**options, "devices": run.told["devices"]})
        reading = treatment.read(run.path)
        found = treatment.find(reading.sites) if reading.sites else None
        if found is None:
            refuse_in_vain(reading, treatment)
        return cls(run, reading, found, options, devices)

    def of(self, name: str) -> "Start":
        """That of one line, whose report has its name after the title that all have."""
        told = {**self.run.told, "line": name, "jobs": None}
        if told["title"] is not None:
            told["title"] = f"{told['title']}, line {name}"
        return dataclasses.replace(
            self, run=dataclasses.replace(self.run, told=told), whole=self.run.identity
        )

    def line(self) -> Line:
        """The line that the run names, or that is taken by default."""
        treatment = treatment_of(self.run.told)
        choice = None if self.found is None else self.found.taken(treatment.line)
        return Line.from_reading(self.run.path.stem, self.reading, treatment, choice)


def begun(start: Start, out: Path, *, force: bool) -> int:
    """The inversion of one line into a folder of its own; the exit status."""
    run, options = start.run, start.options
    require_room(out, force=force)
    misfits, settings = misfits_of(run.told, run.misfits), settings_of(run.told)
    line = start.line()
    print(notes(line.journal, verbose=options["verbose"]))
    if line.sites:
        print(rules(line, treatment_of(run.told).screening))
    try:
        line.require()
    except ValueError:
        print(table(start.reading))
        raise
    out = machine.own_folder(out, options)
    with locked(out):
        folder = Folder.create(out, force=force)
        run = dataclasses.replace(run, identity=folder.identity, of=start.whole, versions=dict(versions()))
        run.write(folder.path / NAME)
        with _hinted(folder, misfits):
            outcome = invert_line(line, misfits, settings, folder=folder, devices=start.devices)
        return ended(outcome, folder)


def gone_on(path: Path, options: Mapping[str, Any], whole: Start | None = None) -> int:
    """Goes on with the inversions of one line; the exit status.

    - `whole`: the start of the run of all lines that it belongs to, whose data are read already.
    """
    with locked(path):
        return _gone_on(Folder.begun(path), options, whole)


def _gone_on(folder: Folder, options: Mapping[str, Any], whole: Start | None) -> int:
    if not (folder.path / NAME).is_file():
        raise ValueError(
            f"{folder.path} has no {NAME}, which says how to go on: the run had only begun. Begin it anew: "
            f"jaxmt invert DIR -o {quote(str(folder.place))} --force."
        )
    run = RunFile.read(folder.path / NAME)
    told = complete(run.told)
    devices = machine.start({**options, "devices": told["devices"]})
    misfits, settings = misfits_of(told, run.misfits), settings_of(told)
    if whole is None:
        line = Line.read(run.path, treatment_of(told))
    else:
        line = dataclasses.replace(whole, run=dataclasses.replace(run, told=told)).line()
    if (folder.path / LINE).is_file() and not same(line.data, read_line(folder).data):
        raise ValueError(
            f"the data of {run.path}, as they are processed now, are no longer those that {folder.path} "
            "began with: the files changed, or jaxmt did. Put them back, or begin another run."
        )
    if all(finished(folder, name) for name in misfits):
        count = "the inversion" if len(misfits) == 1 else f"all {len(misfits)} inversions"
        print(f"{folder.place}: {count} ended before; nothing is left to invert.")
    with _hinted(folder, misfits):
        outcome = invert_line(line, misfits, settings, folder=folder, devices=devices)
    return ended(outcome, folder)


@contextlib.contextmanager
def _hinted(folder: Folder, misfits: Iterable[str]) -> Iterator[None]:
    """Whoever interrupts it while it compiles or appraises is told how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if not all(finished(folder, name) for name in misfits):
            print(f"\nGo on with: {command('invert', '--resume', folder.place)}")
        raise


def ended(outcome: Outcome, folder: Folder) -> int:
    """Says where the report is, once a whole run has replaced an earlier one; the exit status."""
    interrupted = outcome.fits[-1].result.ending is Ending.INTERRUPTED
    if outcome.unwritten or interrupted:
        if not outcome.unwritten:
            print(f"The report is {folder.path / REPORT}")
        if folder.replaces is not None:
            print(f"The results of the earlier run stay in {folder.replaces}.")
        what = "Interrupted. Go on with" if interrupted else "Once there is room, go on with"
        print(f"{what}: {command('invert', '--resume', folder.place)}")
        return STOPPED if interrupted else FAILED
    print(f"The report is {folder.place / REPORT}")
    return 0
