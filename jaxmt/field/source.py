"""What is to be converted: stations, data along a profile, or what came of inversions."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..io import Reading, Results, read_results
from ..processing import Journal
from ..processing.georeference import Georeference
from ..processing.site import Site
from .file_names import unique
from .folder import LINE, MODEL, USABLE, Folder, summary_of
from .line import Line, line_names
from .look import notes
from .objects import treatment_of
from .options import ALL, Refusal, complete
from .run_file import NAME, RunFile
from .selection import located
from .staging import end_move
from .store import folders_of_lines, read_line

ABOUT_STATIONS = ("variance", "line", "stations", "drop", "positions", "spacing", "recursive")
"""Options that say which stations are written as they were measured, and where they are."""

ABOUT_SPACING = ("azimuth", "strike")
"""Options that say more of `--spacing`."""

TARGET = 1.05
"""nRMS at which another code shall stop where nobody said one."""


@dataclasses.dataclass(frozen=True)
class Inverted:
    """What came of one inversion.

    - `line`: that it belongs to; None where its folder is not known. `target`: nRMS.
    """

    results: Results
    line: Line | None = None
    target: float = TARGET

    @property
    def has_section(self) -> bool:
        """Whether there is a section, and not data alone."""
        return self.results.mesh is not None and self.results.resistivity is not None

    @property
    def place(self) -> Georeference | None:
        """Where the line lies; None if nobody knows."""
        return None if self.line is None else self.line.place


@dataclasses.dataclass(frozen=True)
class Source:
    """What is to be converted: stations, or a line, or inversions by name."""

    name: str
    reading: Reading | None = None
    inversions: Mapping[str, Inverted] = dataclasses.field(default_factory=dict)
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def sites(self) -> tuple[Site, ...]:
        """The stations with whole tensors."""
        return () if self.reading is None else self.reading.sites

    def stations(self) -> tuple[Site, ...]:
        """The stations that are asked for, as measured, where they are said to be; prints what was done.

        Raises `Refusal` for an option that changes data or is about a line.
        """
        assert self.reading is not None
        known = ABOUT_STATIONS + (ABOUT_SPACING if "spacing" in self.told else ())
        if vain := [name for name in self.told if name not in known]:
            raise Refusal(
                f"stations are written as they were measured: leave --{vain[0]} out, or write a line, "
                "--to occam2d or netcdf."
            )
        if self.told.get("line") == ALL:
            raise Refusal("--line all is for lines: leave it out, and all stations are written.")
        treatment, sites = treatment_of(complete(self.told)), self.reading.sites
        if treatment.line is None:
            placed, journal, _ = located(sites, treatment.selection, treatment.strike)
            chosen = tuple(placed[k] for k in treatment.selection.chosen([site.name for site in placed]))
        else:
            choice = treatment.choice(sites)
            chosen, journal = choice.sites, choice.journal
        _tell(self.reading.journal + journal)
        return chosen

    def lines(self) -> dict[str, Line]:
        """The data along a profile, as `jaxmt invert` would take them, by names for files; prints what
        was done to them. Raises `ValueError` where one of all lines cannot be taken.
        """
        assert self.reading is not None
        treatment, made = treatment_of(complete(self.told)), {}
        if treatment.line != ALL:
            made[self.name] = Line.from_reading(self.name, self.reading, treatment)
        else:
            found = treatment.find(self.sites) if self.sites else None
            names = line_names(self.reading, found)
            for name, file in zip(names, unique(names), strict=True):
                one = dataclasses.replace(treatment, line=name)
                try:
                    choice = None if found is None else found.taken(name)
                    made[f"{self.name}-{file}"] = Line.from_reading(self.name, self.reading, one, choice)
                except Refusal:
                    raise
                except ValueError as error:
                    raise ValueError(
                        f"line {name}: {error} --line NAME takes one of {', '.join(names)}."
                    ) from None
        for line in made.values():
            _tell(line.journal)
        return made


def _tell(journal: Journal) -> None:
    if text := notes(journal):
        print(text)


def source_of(path: Path, told: Mapping[str, Any]) -> Source:
    """What lies at a path: a folder of results, one of their files, or transfer functions."""
    if path.suffix in (".npz", ".nc"):
        folder = path.resolve().parent
        folder = folder.parent if path.name == MODEL else folder
        of_run = path.name in (MODEL, LINE, USABLE) and summary_of(folder) is not None
        line, target = _told(folder if of_run else None)
        return Source(path.stem, inversions={path.stem: Inverted(read_results(path), line, target)})
    found = {}
    end_move(path)
    if path.is_dir() and (path / NAME).is_file() and summary_of(path) is None:
        whole = RunFile.read(path / NAME).identity
        runs = folders_of_lines(path, whole)
        found = {f"{run.name}-{name}": one for run in runs for name, one in _inversions(run).items()}
    elif path.is_dir() and summary_of(path) is not None:
        found = _inversions(path)
        if not found:
            raise ValueError(f"{path} is a folder of results without any model yet.")
    if found:
        return Source(path.resolve().name, inversions=found)
    return Source(path.resolve().stem, treatment_of(complete(told)).read(path), told=told)


def _inversions(path: Path) -> dict[str, Inverted]:
    """What a folder of results holds, by misfit; that of one misfit by the name of the folder."""
    if (path / MODEL).is_file():
        run = path.resolve().parent
        line, target = _told(run if summary_of(run) is not None else None)
        return {path.name: Inverted(read_results(path / MODEL), line, target)}
    files = {name: path / name / MODEL for name in Folder.open(path).misfits()}
    found = {name: read_results(file) for name, file in files.items() if file.is_file()}
    line, target = _told(path if found else None)
    return {name: Inverted(results, line, target) for name, results in found.items()}


def _told(run: Path | None) -> tuple[Line | None, float]:
    """The line of a run and its target; no line where nobody knows the run."""
    if run is None or not (run / LINE).is_file():
        return None, TARGET
    shown = (summary_of(run) or {}).get("shown", {})
    target = shown.get("target", TARGET) if isinstance(shown, dict) else TARGET
    return read_line(Folder.open(run)), float(target)
