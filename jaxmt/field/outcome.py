"""What came of a line: its inversions beside each other, on disk and back."""

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..atomic import FilePath, atomic_path
from ..io import write_modem, write_occam2d
from ..lock import locked
from ..misfit import AbstractMisfit
from ..processing import Journal
from ..report import write_page
from .drawing import Drawing, clear, draw
from .figures import LAST, both_figure, fit_figures, line_figures, section_figures
from .fit import Fit
from .folder import BOTH, LOG, REFERENCE, REPORT, SUMMARY, Folder, summary_of
from .line import Line
from .options import command
from .posterior import posterior_figures
from .report import report_page
from .settings import Pair, Reference, Settings
from .store import read_line, read_reference, write_line, write_reference

TITLES = ("title", "client", "author")
"""What the first page of a report is told."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A line and its inversions.

    - `settings`: with which it was inverted, none of them None. `facts`: the same as text.
    - `unwritten`: what could not be written to its folder, and why.
    """

    line: Line
    fits: tuple[Fit, ...]
    settings: Settings
    facts: tuple[tuple[str, str], ...]
    unwritten: tuple[str, ...] = ()

    def write(self, folder: FilePath | Folder, *, force: bool = False) -> Path:
        """Writes data, results, figures and report; the report's path.

        - `folder`: empty or not there yet. `force`: replace what jaxmt wrote there before.
        """
        if not isinstance(folder, Folder):
            with locked(Path(folder)):
                return self.write(Folder.create(folder, force=force))
        folder.claim([fit.name for fit in self.fits])
        self.write_line(folder)
        for fit in self.fits:
            self.write_fit(folder, fit)
        self.draw(folder, quiet=True)
        return folder.settled().path / REPORT

    def journal(self, folder: Folder) -> Journal:
        """The journal of the line, which run it belongs to first."""
        return Journal().note("run", "all", folder.identity) + self.line.journal

    def write_line(self, folder: Folder) -> None:
        """Writes the data as they are inverted, also for ModEM and Occam2D."""
        line, path = self.line, folder.path
        write_line(folder, line)
        if self.settings.reference is not None:
            write_reference(path / REFERENCE, self.settings.reference)
        modem = line.data.complete()
        if modem is not None:
            left = self.settings.mesh.y_nodes[0] if self.settings.mesh is not None else 0.0
            write_modem(path / "modem_data.dat", modem, left_edge=float(left), place=line.place)
        write_occam2d(path / "occam2d_data.dat", line.data, title=f"{line.name}, run {folder.identity}")
        with atomic_path(path / LOG) as temporary:
            temporary.write_text(f"{self.journal(folder)}\n", encoding="utf-8")

    def write_fit(self, folder: Folder, fit: Fit) -> None:
        """Writes the files of one inversion, all but its figures, which are to be drawn anew."""
        clear(folder.path / fit.name, LAST)
        fit.write(folder, self.journal(folder), self.line.place)

    def draw(self, folder: Folder, *, missing: bool = False, quiet: bool = False) -> Path:
        """Draws the figures and writes the report; its path. The summary is on disk before.

        - `missing`: leave what is there. `quiet`: whether to draw no bar.

        Where a figure cannot be written it goes on with the others, writes no report, and raises `OSError`.
        """
        folder.seal(self.summary())
        path, settings = folder.path, self.shown()
        drawings = [] if missing and (path / REPORT).is_file() else line_figures(path, self.line)
        for fit in self.fits:
            place, there = path / fit.name, missing and (path / fit.name / LAST).is_file()
            if not there:
                drawings += posterior_figures(place, fit, settings)
                drawings += fit_figures(place, fit, settings, self.line)
            elif self.settings.limits is None and len(self.fits) > 1:
                # Another inversion may have moved the ends of the colours.
                drawings += self._coloured(place, fit, settings)
        return self._drawn(folder, settings, drawings, quiet=quiet)

    def shown(self) -> Settings:
        """The settings with depth and limits of the figures, which the inversions say where nobody does."""
        sections = [fit.result.resistivity for fit in self.fits]
        return self.settings.shown(self.line.data, self.fits[0].uncertainty, *sections)

    def own_limits(self) -> Pair:
        """Limits of the colours (ohm m) that the inversions say, whatever was told."""
        untold = dataclasses.replace(self.settings, limits=None)
        limits = dataclasses.replace(self, settings=untold).shown().limits
        assert limits is not None
        return limits

    def recoloured(self, folder: Folder, limits: Pair) -> "Outcome":
        """The outcome once what shows resistivities has other limits (ohm m), and the report is written."""
        made = dataclasses.replace(self, settings=dataclasses.replace(self.settings, limits=limits))
        settings = made.shown()
        each = [self._coloured(folder.path / fit.name, fit, settings) for fit in self.fits]
        made._drawn(folder, settings, [drawing for drawings in each for drawing in drawings], quiet=True)
        return made

    def _coloured(self, place: Path, fit: Fit, settings: Settings) -> list[Drawing]:
        """The figures of an inversion that have the colours of resistivities."""
        return [*posterior_figures(place, fit, settings), *section_figures(place, fit, settings, self.line)]

    def _drawn(self, folder: Folder, settings: Settings, drawings: list[Drawing], *, quiet: bool) -> Path:
        """Draws figures, and what needs all inversions: the sections of two, the report; its path."""
        path, page = folder.path, folder.path / REPORT
        clear(path, BOTH)
        if len(self.fits) == 2:
            drawings = [*drawings, both_figure(path, self.fits, settings)]
        draw(drawings, settings.formats, quiet=quiet)
        write_page(page, report_page(folder, self.line, self.fits, settings, self.facts))
        folder.seal(self.summary())
        return page

    def without(self, what: str, *, quiet: bool = False) -> "Outcome":
        """The outcome once it is said that something could not be written."""
        text = f"Not written: {what}"
        if quiet:
            warnings.warn(text, stacklevel=3)
        else:
            print(text, flush=True)
        return dataclasses.replace(self, unwritten=(*self.unwritten, what))

    def summary(self) -> dict[str, Any]:
        """The numbers of `summary.json`."""
        line, settings = self.line, self.settings
        return {
            "line": line.name,
            "stations": line.data.survey.stations.size,
            "asked": line.asked,
            "frequencies": line.data.survey.frequencies.size,
            "computed_frequencies": line.data.survey.solved().frequencies.size,
            "data": int(line.data.mask.sum()),
            "strike_deg": line.strike,
            "settings": dict(self.facts),
            "shown": {
                "target": settings.target,
                "iterations": settings.iterations,
                "depth": settings.depth,
                "limits": None if settings.limits is None else list(settings.limits),
                "colours": settings.colours,
                "formats": list(settings.formats),
                **{name: getattr(settings, name) for name in TITLES},
            },
            "runs": {fit.name: _numbers(fit, settings.reference) for fit in self.fits},
        }

    @classmethod
    def read(cls, folder: Folder) -> "Outcome":
        """What lies in a folder of results. Raises `ValueError` if it is not whole."""
        summary = summary_of(folder.path) or {}
        names = [name for name in folder.misfits() if (folder.path / name / SUMMARY).is_file()]
        if not names or "shown" not in summary:
            raise ValueError(
                f"{folder.path} holds no inversion that ended. Go on with: "
                f"{command('invert', '--resume', folder.path)}"
            )
        fits = tuple(Fit.read(folder, name) for name in names)
        shown = summary["shown"]
        reference = folder.path / REFERENCE
        settings = Settings(
            mesh=fits[0].result.mesh,
            target=shown["target"],
            iterations=shown["iterations"],
            depth=shown["depth"],
            limits=None if shown["limits"] is None else tuple(shown["limits"]),
            # Runs of older versions have neither.
            colours=shown.get("colours", Settings.colours),
            formats=tuple(shown.get("formats", Settings.formats)),
            reference=read_reference(reference) if reference.is_file() else None,
            **{name: shown.get(name, "") for name in TITLES},
        )
        return cls(read_line(folder), fits, settings, tuple(summary["settings"].items()))


def _numbers(fit: Fit, reference: Reference | None) -> dict[str, Any]:
    result = fit.result
    return {
        "nrms": result.nrms,
        "nrms_usable": fit.usable_nrms,
        "converged": result.converged,
        "message": result.message,
        "iterations": len(result.history["nrms"]) - 1,
        "seconds": result.history["seconds"][-1],
        "seconds_per_iteration": fit.seconds,
        "transport_share": fit.share,
        **fit.agreement(reference),
    }


def begun(line: Line, misfits: Mapping[str, AbstractMisfit], settings: Settings) -> Outcome:
    """A line before its first inversion."""
    return Outcome(line, (), settings, settings.facts(misfits))
