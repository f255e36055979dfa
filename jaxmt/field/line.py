"""A line of field data: what will be inverted, where it came from, and what was done to it."""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath
from ..conventions import IMPEDANCE, TIPPER
from ..data import Data
from ..io import Reading
from ..processing import Journal, Strike, prepare
from ..processing import strike as strike_of
from ..processing.georeference import Georeference, matched
from ..processing.site import Site
from ..simulation.survey import Survey
from .along_profile import along_profile, files_of
from .cautions import cautions
from .choice import Choice, Found
from .treatment import Treatment

A_DATUM = "An apparent resistivity counts as one datum, so does a phase: an impedance has two."
"""What is counted wherever data are."""

LEAST = 1 / 3
"""Share of the stations asked for that a line must keep to be worth an inversion by the command."""


@dataclasses.dataclass(frozen=True)
class Line:
    """Data along a profile and what is known about them.

    - `data`: as they are inverted. `usable`: all that can be used, with the floors alone: `data` before a
      rule removed a datum or enlarged an error; None where that is `data` itself.
    - `sites`: the stations with their tensors as measured, but in the band, with the declination in their
      axes and wrong signs mended, and `distances`, their y in m; empty where the data came along a profile
      already.
    - `strike`: degrees, the one used; NaN if nobody knows. `found`: the one that the tensors show.
    - `asked`: stations that were read and asked for; 0 where nobody counted.
    - `direction`: degrees of the profile; None where it is across strike.
    - `facts`: of the survey, for its report. `cite`: what to cite besides jaxmt.
    """

    name: str
    data: Data
    journal: Journal = Journal()
    sites: tuple[Site, ...] = ()
    distances: Float[np.ndarray, " site"] = dataclasses.field(default_factory=lambda: np.zeros(0))
    strike: float = np.nan
    found: Strike | None = None
    asked: int = 0
    facts: tuple[tuple[str, str], ...] = ()
    cite: tuple[str, ...] = ()
    usable: Data | None = None
    direction: float | None = None

    @classmethod
    def read(cls, path: FilePath, treatment: Treatment | None = None, **changes: Any) -> "Line":
        """The line of a folder or a file of transfer functions, whatever its format.

        - `treatment`: what is done to them; `changes` are to its fields: `Line.read("EDI", floor=0.1)`.

        Warnings on the way are in its journal. Raises `ValueError` if nothing is left to invert.
        """
        treatment = dataclasses.replace(treatment or Treatment(), **changes)
        return cls.from_reading(Path(path).resolve().stem, treatment.read(path), treatment)

    @classmethod
    def from_reading(
        cls, name: str, reading: Reading, treatment: Treatment, choice: Choice | None = None
    ) -> "Line":
        """The line of what `io.read` found. Raises `ValueError` if nothing is left to invert."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            if reading.sites:
                journal = reading.journal
                for file in reading.lines:
                    text = "along a profile already, beside stations; give this file to take it"
                    journal = journal.note("pass over", Path(file).name, text)
                line = cls.from_sites(name, reading.sites, journal, treatment, choice)
            else:
                data, journal = along_profile(reading, treatment)
                line = cls(name, data, journal, asked=data.survey.stations.size)
        for warning in caught:
            text = str(warning.message).removeprefix("`profile(sites=...)`: ")
            noted = line.journal.note("warning", "all", text)
            line = dataclasses.replace(line, journal=noted)
        return line.with_tipper() if treatment.tipper else line.without_tipper()

    @classmethod
    def from_sites(
        cls,
        name: str,
        sites: Sequence[Site],
        journal: Journal,
        treatment: Treatment | None = None,
        choice: Choice | None = None,
        **changes: Any,
    ) -> "Line":
        """The line of stations with tensors, tippers included; arguments as for `read`.

        - `choice`: that of `treatment.choice(sites)`, where it was made before.
        """
        treatment = dataclasses.replace(treatment or Treatment(), **changes)
        choice = treatment.choice(sites) if choice is None else choice
        journal = _of_line(journal, choice) + choice.journal
        done = prepare(
            choice.sites,
            angle=treatment.strike,
            declination=treatment.declination,
            band=treatment.band,
            floor=treatment.floor,
            per_decade=treatment.per_decade,
            screening=treatment.screening,
            signs=treatment.signs,
            direction=choice.direction,
        )
        found = done.found or found_strike(done.sites)
        journal += done.journal + cautions(choice, done.strike)
        # Whoever has no position might belong to the line.
        asked = len(choice.sites) + len(set(choice.lines.unknown) - set(choice.line.stations))
        line = cls(
            choice.title(name), done.data, journal, done.sites, done.distances, done.strike, found, asked
        )
        return dataclasses.replace(
            line,
            usable=None if same(done.data, done.usable) else done.usable,
            direction=choice.direction,
        )

    def with_tipper(self) -> "Line":
        """The line as it is, with a note where no tipper is left although they were asked for."""
        if self.data.mask[TIPPER[0]].any():
            return self
        read = any(np.isfinite(site.tipper).any() for site in self.sites)
        why = "no datum of a tipper is left of those that were read" if read else "no station has one"
        text = f"--tipper is in vain: {why}; the impedances alone are inverted"
        return dataclasses.replace(self, journal=self.journal.note("tipper", "all", text))

    def without_tipper(self) -> "Line":
        """The line with its impedances alone, and a note of what went; `ValueError` if none is left."""
        count = int(self.data.mask[list(TIPPER)].sum())
        if not count:
            return self
        if not self.data.mask[list(IMPEDANCE)].any():
            raise ValueError(
                f"of {self.name} only {count} data of tippers are left. Impedances without errors need a "
                "floor (--floor 0.05); --tipper inverts the tippers."
            )
        text = "tippers are not inverted unless asked for (--tipper)"
        journal = self.journal.note("tipper", "all", text, count)
        data = self.data.without_tipper()
        there = data.mask.any(axis=(0, 1))
        for k in np.flatnonzero(~there):
            name = data.survey.names[k]
            journal = journal.note("station tipper", name, "left out: only a tipper is left")
        data = data.select(stations=there)
        usable = None if self.usable is None else self.usable.without_tipper()
        return dataclasses.replace(self, data=data, usable=usable, journal=journal)

    @property
    def place(self) -> Georeference | None:
        """Where the line lies; None if nobody knows."""
        survey = self.data.survey
        return Georeference.of(survey, self.sites, self.distances, self.strike, self.direction)

    @property
    def matched(self) -> list[int | None]:
        """Which of `sites` each station of the data is; None for one that is none of them."""
        return matched(self.data.survey, [site.name for site in self.sites], self.distances)

    @property
    def elevations(self) -> Float[np.ndarray, " site"]:
        """How high the stations of the data are, m above the sea; NaN where no site tells."""
        return np.array([np.nan if k is None else float(self.sites[k].elevation) for k in self.matched])

    def require(self) -> None:
        """Raises `ValueError`, with what took them, if fewer than a third of the stations are left."""
        left = self.data.survey.stations.size
        if left < LEAST * self.asked:
            taken = self.journal.stations_taken()
            remedy = "Add them to --positions" if "position took" in taken else "Remove less (--remove)"
            raise ValueError(
                f"{left} of {self.asked} stations are left, fewer than a third"
                f"{': ' if taken else ''}{taken}. {remedy}, or widen --band."
            )


def _of_line(journal: Journal, choice: Choice) -> Journal:
    """What was noted of all, of files, and of stations of a line or without a place; not of other lines."""
    names = [site.name for site in choice.survey]
    ours = {names[k] for k in (*choice.line.stations, *choice.lines.unknown)}
    return Journal(tuple(e for e in journal if e.subject in ours or e.subject not in names))


def counted(survey: Survey) -> str:
    """How many frequencies a survey has, and at how many fields are computed where these are others."""
    computed = "" if survey.computed is None else f", computed at {survey.computed.size}"
    return f"{survey.frequencies.size} frequencies{computed}"


def line_names(reading: Reading, found: Found | None) -> tuple[str, ...]:
    """The names of the lines that `Treatment.line` takes, in their order.

    - `found`: the lines of the stations that were read; None where the data came along a profile.
    """
    return tuple(files_of(reading)) if found is None else found.names


def same(one: Data, other: Data) -> bool:
    """Whether two sets of data hold the same stations, frequencies, values and errors."""
    mine, theirs = one.survey, other.survey
    pairs = [(one.values, other.values), (one.errors[one.mask], other.errors[other.mask])]
    pairs += [(getattr(mine, name), getattr(theirs, name)) for name in ("frequencies", "stations")]
    return mine.names == theirs.names and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def found_strike(sites: Sequence[Site]) -> Strike | None:
    """The strike that the tensors show, None if they show none."""
    try:
        return strike_of(sites)
    except ValueError:
        return None
