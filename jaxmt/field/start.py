"""A run begins, goes on, or is drawn anew."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..io.reading import DATA_SUFFIXES
from ..lock import locked
from . import all_lines, machine, one_line
from .folder import FILES, REPORT, Folder, latest, require_room
from .methods import shown_of
from .one_line import Start
from .options import ALL, EXPECTED, FAILED, Refusal, complete
from .outcome import Outcome
from .run_file import NAME, TOLD, RunFile
from .staging import discard, end_move
from .store import folders_of_lines
from .survey_page import whole_run, write_survey

SHOWN = (*TOLD["figures"], *TOLD["report"])
"""What `jaxmt report` can be told anew."""


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
    require_together(run.told, options)
    end_move(out)
    require_room(out, force=options["force"])
    start = Start.read(run, options)
    if run.told["line"] == ALL:
        return all_lines.begun(start, machine.own_folder(out, options))
    return one_line.begun(start, out, force=options["force"])


def require_together(told: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Raises `Refusal` for options that do not go together."""
    if told["jobs"] is None:
        return
    if told["line"] != ALL:
        raise Refusal("--jobs is for lines that are inverted at once: give --line all, or leave it out.")
    other = next((name for name in ("devices", "coordinator") if {**options, **told}.get(name)), None)
    if other is not None:
        raise Refusal(f"--jobs and --{other} share out the same cores: give one of them.")


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
    end_move(path)
    made = latest(path)
    run = whole_run(made)
    if run is not None:
        if not run.identity:
            raise ValueError(f"{made / NAME} was cut short, and does not say how to go on: begin anew.")
        start = Start.read(dataclasses.replace(run, told=complete(run.told)), options)
        return all_lines.gone_on(start, made, path)
    if not path.is_dir():
        Folder.open(path)
    return one_line.gone_on(path, options)


def report(path: Path, told: Mapping[str, Any]) -> int:
    """`jaxmt report`: figures and page again from what lies in a folder of results; what is told stays.

    What was there stays until all is drawn. In the folder of all lines of a survey, those of every line,
    and the page about all.
    """
    end_move(path)
    run = whole_run(path)
    if run is not None:
        status, told = 0, _told_again(path, path, told)
        for place in folders_of_lines(path, run.identity):
            print(f"\nLine {place.name}", flush=True)
            try:
                report(place, told)
            except EXPECTED as error:
                print(f"Line {place.name} is not drawn: {error}")
                status = FAILED
        write_survey(path, RunFile.read(path / NAME))
        return status
    if not path.is_dir():
        Folder.open(path)
    with locked(path):
        folder = Folder.open(path)
        outcome = Outcome.read(folder)
        made = folder.redrawn()
        try:
            if (path / NAME).is_file():
                told = _told_again(path, made.path, told)
            settings = dataclasses.replace(outcome.settings, **shown_of(told))
            dataclasses.replace(outcome, settings=settings).draw(made)
            made.settled()
        finally:
            discard(made.path)
    print(f"The report is {path / REPORT}")
    return 0


def _told_again(path: Path, made: Path, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a run was told of its report, and what it is told now, which its run file then holds, too.

    - `made`: the folder of the new run file.
    """
    run = RunFile.read(path / NAME)
    told = {**{name: run.told[name] for name in SHOWN if name in run.told}, **told}
    places = {name: str(Path(run.told[name]).resolve()) for name in run.told if name == "positions"}
    # A name that was relative to one folder is wrong in another.
    if places or any(run.told.get(name) != value for name, value in told.items()):
        kept = {**run.told, **places, **told}
        dataclasses.replace(run, path=run.path.resolve(), told=kept).write(made / NAME)
    return told
