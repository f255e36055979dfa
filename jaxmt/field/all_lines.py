"""All lines of a survey: one after the other, or several at once in processes of their own."""

import dataclasses
import functools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..batch import Processes, run_tasks
from ..io.summary import Json
from ..lock import locked
from ..simulation.solvers.host import cores
from . import one_line
from .file_names import unique
from .folder import latest, new_identity, own_run, summary_of
from .line import line_names
from .named_output import named_output
from .one_line import Start
from .options import EXPECTED, FAILED, STOPPED, Refusal, command, complete
from .run_file import NAME, RunFile
from .staging import UNFINISHED, discard, emptied, move
from .survey_page import remove_survey, write_survey

JOBS = ".jobs"
"""Where the tasks of processes are kept while they run."""


def begun(start: Start, out: Path) -> int:
    """The inversion of every line into a folder of its own in `out`; the exit status.

    An earlier run of one line stays there until all lines are whole, one of all lines until each is.
    """
    with locked(out):
        made = out
        if summary_of(out) is not None:
            _require_free(start, out)
            made = emptied(out / UNFINISHED)
        remove_survey(made)
        start = dataclasses.replace(start, run=dataclasses.replace(start.run, identity=new_identity()))
        start.run.write(made / NAME)
        return _each(start, made, out)


def gone_on(start: Start, made: Path, out: Path) -> int:
    """Goes on with the lines that were begun, and begins the others; the exit status."""
    with locked(out):
        return _each(start, made, out)


def is_of(place: Path, run: RunFile) -> bool:
    """Whether a folder holds a line of this run of all lines, be it unfinished."""
    made = latest(place)
    if summary_of(made) is None or not (made / NAME).is_file():
        return False
    return RunFile.read(made / NAME).of == run.identity


def _files(start: Start) -> dict[str, str]:
    """The name of the folder of each line."""
    names = line_names(start.reading, start.found)
    return dict(zip(names, unique([name.lstrip(".") or "line" for name in names]), strict=True))


def _require_free(start: Start, out: Path) -> None:
    """Raises `FileExistsError` where a line would go into a folder that is not jaxmt's."""
    ours = {file.parent for file in own_run(out)}
    for place in (out / file for file in _files(start).values()):
        if place.exists() and place not in ours and summary_of(place) is None:
            raise FileExistsError(
                f"{place} is in the way of the line of that name, and nothing says that jaxmt wrote it. "
                "Move it, or give another -o."
            )


def _each(start: Start, made: Path, out: Path) -> int:
    places = {name: made / file for name, file in _files(start).items()}
    if start.found is not None:
        print(start.found.in_words())
    if start.run.told["jobs"] is None:
        found = _one_by_one(start, places)
    else:
        found = _at_once(start, places, made, out)
    # A line whose data cannot be inverted is not begun.
    begun = [name for name, place in places.items() if is_of(place, start.run)]
    left = [name for name in begun if found.get(name, STOPPED)]
    status = max(found.values(), default=0)
    whole = made != out and bool(begun) and not left and status != STOPPED
    if whole:
        old = [file for name in begun for file in own_run(out / places[name].name)]
        move(made, out, [*own_run(out), *old], NAME)
        print(f"The results of all lines are in {out}")
    elif made != out:
        if not begun and status != STOPPED:
            discard(made)
        print(f"The results of the earlier run stay in {out}.")
    place = out if whole else made
    if place.is_dir():
        write_survey(place, start.run)
    if left or status == STOPPED:
        print(f"Go on with all lines: {command('invert', '--resume', out)}")
    return status


def _one_by_one(start: Start, places: Mapping[str, Path]) -> dict[str, int]:
    """The exit status of each line, up to one that is interrupted."""
    found = {}
    for name, place in places.items():
        print(f"\nLine {name}", flush=True)
        found[name] = _one(start, name, place)
        if found[name] == STOPPED:
            break
    return found


def _one(start: Start, name: str, place: Path) -> int:
    try:
        if is_of(place, start.run):
            return one_line.gone_on(place, start.options, start)
        # What an earlier run of all lines left is replaced.
        return one_line.begun(start.of(name), place, force=True)
    except Refusal:
        raise
    except EXPECTED as error:
        print(f"Line {name} is not inverted: {error}")
        return FAILED


def _at_once(start: Start, places: Mapping[str, Path], made: Path, out: Path) -> dict[str, int]:
    """The exit status of each line, several of which run at a time; an interrupt is that of all."""
    asked = start.run.told["jobs"]
    number = max(1, min(asked, cores(), len(places)))
    less = "" if number == asked else f", not {asked}: there are {len(places)} lines and {cores()} cores"
    print(f"{len(places)} lines by {number} processes{less}", flush=True)
    task = {"run": str(made / NAME), "verbose": bool(start.options["verbose"])}
    tasks = {place.name: {**task, "line": name, "place": str(place)} for name, place in places.items()}
    names = {place.name: name for name, place in places.items()}

    def told(file: str, outcome: Mapping[str, Any] | str) -> None:
        if isinstance(outcome, str):
            print(f"Line {names[file]} is not inverted: {outcome}", flush=True)

    jobs = emptied(out / JOBS)
    try:
        batch = run_tasks(_of_a_process, tasks, jobs, Processes(number), progress=told)
    except KeyboardInterrupt:
        return {names[file]: STOPPED for file in tasks}
    finally:
        shutil.rmtree(jobs, ignore_errors=True)
    return {names[file]: int(batch.done.get(file, {"status": FAILED})["status"]) for file in tasks}


def _of_a_process(folder: Path, task: Mapping[str, Any]) -> Mapping[str, Json]:
    """One line, in a process that inverts nothing else meanwhile."""
    del folder
    with named_output(task["line"]):
        status = _one(_started(task["run"], task["verbose"]), task["line"], Path(task["place"]))
    if status == STOPPED:
        raise KeyboardInterrupt
    return {"status": status}


@functools.lru_cache(1)
def _started(run: str, verbose: bool) -> Start:
    """What the lines of a run begin from; a process reads the data once."""
    read = RunFile.read(run)
    absent = dict.fromkeys(("coordinator", "processes", "process", "resume"))
    return Start.read(dataclasses.replace(read, told=complete(read.told)), {"verbose": verbose, **absent})
