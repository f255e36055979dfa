"""The report about all lines of a survey: where they lie, how well each is explained, their sections."""

import dataclasses
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
from matplotlib.figure import Figure

from .. import plot
from ..lock import locked
from ..processing import positions
from ..report import Link, Page, write_page
from .cover import day, length_in_words
from .drawing import Drawing, draw
from .folder import REPORT, Folder, summary_of
from .options import ALL, complete
from .outcome import Outcome
from .run_file import NAME, RunFile
from .settings import Pair
from .store import folders_of_lines
from .survey_map import page as size

MAP = "survey_map.png"


@dataclasses.dataclass(frozen=True)
class Inverted:
    """A line of the survey: its folder, and what came of it."""

    folder: Folder
    outcome: Outcome

    @property
    def file(self) -> str:
        """The name of its folder."""
        return self.folder.path.name

    @property
    def placed(self) -> bool:
        """Whether any station has a place on a map."""
        sites = self.outcome.line.sites
        return bool(sites) and bool(np.isfinite(positions(sites)).all(axis=1).any())

    @property
    def met(self) -> bool:
        """Whether all of its inversions reached the target."""
        return all(fit.result.converged for fit in self.outcome.fits)


def whole_run(path: Path) -> RunFile | None:
    """What a run of all lines of a survey was told, of whose folder this is the path; else None."""
    if summary_of(path) is not None or not (path / NAME).is_file():
        return None
    run = RunFile.read(path / NAME)
    return run if complete(run.told)["line"] == ALL else None


def remove_survey(path: Path) -> None:
    """Removes the page of an earlier run of all lines, which tells of lines that are replaced."""
    if whole_run(path) is not None:
        for name in (REPORT, MAP):
            (path / name).unlink(missing_ok=True)


def write_survey(path: Path, run: RunFile) -> None:
    """Writes the page about the lines that have a report, if any has, and says where it is."""
    lines = []
    for place in folders_of_lines(path, run.identity):
        if not (place / REPORT).is_file():
            continue
        try:
            folder = Folder.open(place)
            lines.append(Inverted(folder, Outcome.read(folder)))
        except ValueError as error:
            print(f"The report about all lines leaves {place.name} out: {error}")
    if not lines:
        return
    if complete(run.told)["limits"] is None:
        lines = _in_shared_colours(lines)
    found = [line for line in lines if line.placed]
    if found:
        draw([Drawing(path / MAP, partial(_map, found))], quiet=True)
    write_page(path / REPORT, _page(path, run, lines, has_map=bool(found)))
    print(f"\nThe report about all lines is {path / REPORT}")


def _in_shared_colours(lines: list[Inverted]) -> list[Inverted]:
    """The lines once all sections have the same colours, from the lowest to the highest limit of any."""
    own = np.array([line.outcome.own_limits() for line in lines])
    limits = float(own[:, 0].min()), float(own[:, 1].max())
    found = []
    for line in lines:
        outcome = line.outcome
        if outcome.settings.limits != limits:
            try:
                with locked(line.folder.path):
                    outcome = outcome.recoloured(line.folder, limits)
            except OSError as error:
                print(f"Line {line.file} keeps colours of its own: {error}")
        found.append(dataclasses.replace(line, outcome=outcome))
    print(f"\nAll sections have colours from {_ends(limits)}, what the data see of them.")
    return found


def _ends(limits: Pair) -> str:
    return f"{limits[0]:g} to {limits[1]:g} ohm m"


def _map(lines: list[Inverted]) -> Figure:
    sites = [site for each in lines for site in each.outcome.line.sites]
    members, kept, first = {}, set(), 0
    for each in lines:
        line = each.outcome.line
        members[each.file] = [first + int(k) for k in np.argsort(line.distances)]
        kept |= {first + k for k in line.matched if k is not None}
        first += len(line.sites)
    figure = Figure(figsize=size(sites), layout="constrained")
    plot.station_map(figure.add_subplot(), sites, kept=kept, lines=members)
    return figure


def _page(path: Path, run: RunFile, lines: list[Inverted], *, has_map: bool) -> Page:
    told = complete(run.told)
    met = sum(line.met for line in lines)
    title = told["title"] or path.resolve().name
    page = Page(title, "2-D inversions of the lines of a magnetotelluric survey", run=run.identity)
    shared = {each.outcome.settings.limits for each in lines}
    limits = shared.pop() if len(shared) == 1 else None
    stations = sum(line.outcome.line.data.survey.stations.size for line in lines)
    facts = [
        ("Client", told["client"] or ""),
        ("Author", told["author"] or ""),
        ("Date", day(run.identity)),
        ("Lines", f"{len(lines)} with {stations} stations; the target is met by {met or 'none'} of them"),
        ("Colours", f"{_ends(limits)} in all sections" if limits is not None else ""),
        ("Run", run.identity),
    ]
    page = page.facts([(name, text) for name, text in facts if text])
    if has_map:
        page = page.figure(path / MAP, "Stations, joined along their lines; hollow ones were left out.")
    head = ["line", "stations", "length", "misfit", "nRMS", "target", "met"]
    rows = []
    for each in lines:
        line, settings = each.outcome.line, each.outcome.settings
        for fit in each.outcome.fits:
            rows.append(
                [
                    Link(line.name, f"{quote(each.file)}/{REPORT}"),
                    line.data.survey.stations.size,
                    length_in_words(line),
                    fit.label,
                    fit.result.nrms,
                    f"{settings.target:g}",
                    "yes" if fit.result.converged else "no",
                ]
            )
    page = page.table("The lines; each name leads to a report.", head, rows).sheet()
    if limits is None:
        page = page.warning(
            "The colours of the sections have limits of their own; --limits LO HI gives them the same."
        )
    for each in lines:
        fit = each.outcome.fits[0]
        text = f"Resistivity by {fit.label}, nRMS {fit.result.nrms:.2f}."
        page = page.heading(each.outcome.line.name)
        page = page.figure(path / each.file / fit.name / "section.png", text)
    return page
