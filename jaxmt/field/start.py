"""A run begins, goes on, or is drawn anew."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..inversion.result import Ending
from ..io import Reading
from ..io.reading import DATA_SUFFIXES
from ..lock import locked
from ..report import versions
from . import machine
from .along_profile import refuse_in_vain
from .choice import Found
from .file_names import unique
from .folder import (
    FILES,
    LINE,
    REPORT,
    UNFINISHED,
    Folder,
    new_identity,
    remove,
    require_room,
    summary_of,
)
from .line import Line, line_names, same
from .look import notes, rules, table
from .methods import misfits_of, settings_of, shown_of
from .objects import treatment_of
from .options import ALL, EXPECTED, FAILED, STOPPED, Refusal, command, complete
from .outcome import Outcome
from .run_file import NAME, TOLD, RunFile
from .settings import survey_limits
from .store import folders_of_lines, read_line
from .survey_page import whole_run, write_survey
from .workflow import invert_line

SHOWN = (*TOLD["figures"], *TOLD["report"])
"""What `jaxmt report` can be told anew."""


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
        """That of one line."""
        return dataclasses.replace(
            self,
            run=dataclasses.replace(self.run, told={**self.run.told, "line": name}),
            whole=self.run.identity,
        )

    def line(self) -> Line:
        """The line that the run names, or that is taken by default."""
        treatment = treatment_of(self.run.told)
        choice = None if self.found is None else self.found.taken(treatment.line)
        return Line.from_reading(self.run.path.stem, self.reading, treatment, choice)


def invert(options: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    """`jaxmt invert`: from data, or from a run file, with the options that were given; the exit status."""
    source, out = options["path"], options["out"]
    run = RunFile.read(source) if source.suffix == ".toml" else RunFile(source)
    asked = complete({**run.told, **told})
    if asked["positions"] is not None:
        asked["positions"] = str(Path(asked["positions"]).resolve())
    run = dataclasses.replace(run, path=run.path.resolve(), told=asked)
    if holds_data(out.resolve(), run.path):
        raise ValueError(f"results must not go among the data in {out}. Give another -o.")
    require_room(out, force=options["force"])
    start = Start.read(run, options)
    if run.told["line"] != ALL:
        return begun(start, out, force=options["force"])
    out = machine.own_folder(out, options)
    with locked(out):
        remove(out)
        start = dataclasses.replace(start, run=dataclasses.replace(start.run, identity=new_identity()))
        start.run.write(out / NAME)
        return each(start, out)


def each(start: Start, out: Path) -> int:
    """The inversion of every line into a folder of its own, those begun before gone on with; the status."""
    status, names = 0, line_names(start.reading, start.found)
    files = unique([name.lstrip(".") or "line" for name in names])
    for name, file in zip(names, files, strict=True):
        print(f"\nLine {name}", flush=True)
        place = out / file
        try:
            if is_of(place, start.run):
                ending = gone_on(place, start.options, start)
            else:
                # What an earlier run of all lines left is replaced.
                ending = begun(start.of(name), place, force=True)
        except Refusal:
            raise
        except EXPECTED as error:
            print(f"Line {name} is not inverted: {error}")
            ending = FAILED
        status = max(status, ending)
        if ending == STOPPED:
            print(f"Go on with all lines: {command('invert', '--resume', out)}")
            break
    _survey(out, start.run)
    return status


def _survey(out: Path, run: RunFile) -> None:
    """Writes the page about all lines, and says where it is."""
    page = write_survey(out, run)
    if page is not None:
        print(f"\nThe report about all lines is {page}")


def is_of(place: Path, run: RunFile) -> bool:
    """Whether a folder holds a line of this run of all lines, be it unfinished."""
    made = place / UNFINISHED if (place / UNFINISHED / NAME).is_file() else place
    if summary_of(made) is None or not (made / NAME).is_file():
        return False
    return RunFile.read(made / NAME).of == run.identity


def begun(start: Start, out: Path, *, force: bool) -> int:
    """The inversion of one line into a folder of its own; the exit status."""
    run, options = start.run, start.options
    if start.whole and run.told["limits"] is None:
        # The sections of a survey share their colours.
        told = {**run.told, "limits": list(survey_limits(start.reading))}
        run = dataclasses.replace(run, told=told)
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
        return ended(invert_line(line, misfits, settings, folder=folder, devices=start.devices), folder)


def holds_data(out: Path, source: Path) -> bool:
    """Whether data lie in a folder itself, those of this run or others: sub-folders are not read."""
    if out == (source if source.is_dir() else source.parent):
        return True
    ours = {name for name, _ in FILES}
    files = [f for f in out.iterdir() if f.name not in ours] if out.is_dir() else []
    return any(f.is_file() and f.suffix.lower() in DATA_SUFFIXES for f in files)


def resume(options: Mapping[str, Any]) -> int:
    """`jaxmt invert --resume`: goes on with a run that was stopped, of one line or all; the exit status."""
    path = options["resume"]
    if summary_of(path) is None and (path / NAME).is_file():
        run = RunFile.read(path / NAME)
        told = complete(run.told)
        if told["line"] == ALL:
            with locked(path):
                return each(Start.read(dataclasses.replace(run, told=told), options), path)
    if not path.is_dir():
        Folder.open(path)
    return gone_on(path, options)


def gone_on(path: Path, options: Mapping[str, Any], whole: Start | None = None) -> int:
    """Goes on with the inversions of one line; the exit status.

    - `whole`: the start of the run of all lines that it belongs to, whose data are read already.
    """
    with locked(path):
        return _gone_on(Folder.begun(path), options, whole)


def _gone_on(folder: Folder, options: Mapping[str, Any], whole: Start | None) -> int:
    if not (folder.path / NAME).is_file():
        raise ValueError(f"{folder.path} has no {NAME}, which says how to go on.")
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
    return ended(invert_line(line, misfits, settings, folder=folder, devices=devices), folder)


def ended(outcome: Outcome, folder: Folder) -> int:
    """Says where the report is, once a whole run has replaced an earlier one; the exit status."""
    interrupted = outcome.fits[-1].result.ending is Ending.INTERRUPTED
    if outcome.unwritten or interrupted:
        if not outcome.unwritten:
            print(f"The report is {folder.path / REPORT}")
        else:
            print(f"{len(outcome.unwritten)} things are not written: {'; '.join(outcome.unwritten)}")
        if folder.replaces is not None:
            print(f"The results of the earlier run stay in {folder.replaces}.")
        what = "Interrupted. Go on with" if interrupted else "Once there is room, go on with"
        print(f"{what}: {command('invert', '--resume', folder.place)}")
        return STOPPED if interrupted else FAILED
    print(f"The report is {folder.place / REPORT}")
    return 0


def report(path: Path, told: Mapping[str, Any]) -> int:
    """`jaxmt report`: figures and page again from what lies in a folder of results; what is told stays.

    In the folder of all lines of a survey, those of every line, and the page about all.
    """
    run = whole_run(path)
    if run is not None:
        status, told = 0, _told_again(path, told)
        for place in folders_of_lines(path, run.identity):
            print(f"\nLine {place.name}", flush=True)
            try:
                report(place, told)
            except EXPECTED as error:
                print(f"Line {place.name} is not drawn: {error}")
                status = FAILED
        _survey(path, RunFile.read(path / NAME))
        return status
    if not path.is_dir():
        Folder.open(path)
    with locked(path):
        folder = Folder.open(path)
        outcome = Outcome.read(folder)
        if (path / NAME).is_file():
            told = _told_again(path, told)
        settings = dataclasses.replace(outcome.settings, **shown_of(told))
        print(f"The report is {dataclasses.replace(outcome, settings=settings).draw(folder)}")
    return 0


def _told_again(path: Path, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a run was told of its report, and what it is told now, which its run file then holds, too."""
    run = RunFile.read(path / NAME)
    told = {**{name: run.told[name] for name in SHOWN if name in run.told}, **told}
    if any(run.told.get(name) != value for name, value in told.items()):
        places = {name: str(Path(run.told[name]).resolve()) for name in run.told if name == "positions"}
        kept = {**run.told, **places, **told}
        dataclasses.replace(run, path=run.path.resolve(), told=kept).write(path / NAME)
    return told
