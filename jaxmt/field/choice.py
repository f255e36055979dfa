"""The lines that a survey has, and which of them is taken: by name, by place, or by default."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..processing import Journal
from ..processing import strike as strike_of
from ..processing.alignment import between
from ..processing.declination import magnetic_to_geographic
from ..processing.lines import Lines, StationLine, corridor, find_lines, letter, measured
from ..processing.placement import listed
from ..processing.polarity import correct_polarity
from ..processing.positions import known_positions
from ..processing.site import Site
from ..processing.strike import CLEAR
from .options import Refusal
from .selection import Selection, along, located

ACROSS = 30.0
"""Degrees from strike beyond which a line is roughly across it."""

STEP = 5.0
"""Degrees between the directions of strips that are tried."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """The stations of a line, among those of a survey.

    - `survey`: all stations, with their positions. `lines`: those that were found among them.
    - `line`: the one that is taken, its stations as indices of `survey`; `sites`: these stations.
    - `direction`: degrees, onto which they are projected; None for the normal of strike. `supposed`:
      whether nobody said it or can know it.
    - `angles`: degrees between each line and its own strike; NaN where that is ill determined.
    """

    survey: tuple[Site, ...]
    lines: Lines
    line: StationLine
    direction: float | None
    angles: tuple[float, ...]
    journal: Journal
    supposed: bool = False

    @property
    def sites(self) -> tuple[Site, ...]:
        """The stations of the line."""
        return tuple(self.survey[k] for k in sorted(self.line.stations))

    def title(self, name: str) -> str:
        """The name of a survey with that of its line, where it has several."""
        several = len(self.lines.lines) > 1 and self.line.name in [line.name for line in self.lines.lines]
        return f"{name}, line {self.line.name}" if several else name


@dataclasses.dataclass(frozen=True)
class Found:
    """The stations of a survey and its lines, before one of them is taken.

    - `survey`: all stations, with their positions. `lines`: those that were found among them.
    - `selection`: which stations are asked for; `kept`: these, as indices of `survey`.
    - `angles`, `supposed`: as in `Choice`. `towards`: degrees of a line that has no other direction.
    """

    survey: tuple[Site, ...]
    lines: Lines
    selection: Selection
    kept: tuple[int, ...]
    towards: float | None
    angles: tuple[float, ...]
    journal: Journal
    supposed: bool

    def taken(self, name: str | None = None) -> Choice:
        """The stations of the line of a name, or else of the one that is taken by default.

        By default that is the one with most stations of those roughly across their own strike, unless
        stations are asked for by name or place. Raises `Refusal` where there is no line of that name, and
        `ValueError` where none of its stations is asked for.
        """
        selection, kept, journal = self.selection, self.kept, self.journal
        place, towards = known_positions(self.survey), self.towards
        if selection.segment is not None:
            line, towards, text = along(self.survey, kept, selection.segment, selection.corridor)
            journal = journal.note("line", "all", text)
        elif len(kept) == 1 or (tuple(selection.stations) != ("*",) and name is None):
            known = [k for k in kept if np.isfinite(place[k]).all()] or list(kept)
            line = measured("as named", place, known)
        else:
            line = default(self.lines, self.angles) if name is None else self._named(name)
            among = [k for k in line.stations if k in kept]
            if not among:
                raise ValueError(f"line {line.name} has none of the stations that --stations names.")
            angle = dict(zip(self.names, self.angles, strict=True))[line.name]
            journal += _told(self.survey, self.lines, line, angle, by_default=name is None)
            if len(among) < len(line.stations):
                line = measured(line.name, place, among)
        if selection.azimuth is not None:
            towards = selection.azimuth
        return Choice(self.survey, self.lines, line, towards, self.angles, journal, self.supposed)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the lines, in their order."""
        return tuple(line.name for line in self.lines.lines)

    def _named(self, name: str) -> StationLine:
        try:
            return self.lines.named(name)
        except ValueError as error:
            raise Refusal(str(error)) from None


def find(
    sites: Sequence[Site],
    selection: Selection,
    *,
    strike: float | None = None,
    band: tuple[float, float] = (0.0, np.inf),
    declination: float = 0.0,
    signs: str = "mend",
) -> Found:
    """The stations that are asked for, and the lines among all that are not dropped.

    - `strike`: degrees, if it is given. `band`: Hz, the frequencies to find it from; `declination`,
      `signs`: as in `processing.prepare`, for the tensors that show it. The sites stay as measured.

    Raises `ValueError` where positions are unknown, and `Refusal` where no station has a name that is asked
    for.
    """
    survey, journal, towards = located(sites, selection, strike)
    kept = selection.chosen([site.name for site in survey])
    free = [k for k, site in enumerate(survey) if not selection.dropped(site.name)]
    if len(kept) < len(sites):
        journal = journal.note("select", "all", f"{len(kept)} of {len(sites)} stations")
    place = known_positions(survey)
    unknown = [k for k in kept if not np.isfinite(place[k]).all()]
    if len(unknown) == len(kept) and len(kept) > 1:
        raise ValueError(
            f"the positions of all {len(kept)} stations are unknown: none has one, or all have the same. "
            "Give --positions FILE (name,latitude,longitude or name,easting,northing), or --spacing M "
            "for stations M metres apart in the order of their names."
        )
    for k in unknown if len(kept) > 1 else ():
        text = "left out: its position is unknown (--positions gives it)"
        journal = journal.note("position", survey[k].name, text)
    lines = _indexed(find_lines([survey[k] for k in free]), free)
    tensors = _mended(survey, declination, signs)
    if lines.scattered:
        lines = _with_corridor(tensors, lines, place, strike, band)
    supposed = selection.spacing is not None and selection.azimuth is None and strike is None
    angles = tuple(
        np.nan if supposed else _angle([tensors[k] for k in line.stations], line, strike, band)
        for line in lines.lines
    )
    return Found(tuple(survey), lines, selection, tuple(kept), towards, angles, journal, supposed)


def default(lines: Lines, angles: Sequence[float]) -> StationLine:
    """The line with most stations of those not nearly along their own strike, or of all."""
    ranked = [
        (len(line.stations), np.nan_to_num(a), line) for line, a in zip(lines.lines, angles, strict=True)
    ]
    across = [r for r, a in zip(ranked, angles, strict=True) if not a < ACROSS]
    return max(across or ranked, key=lambda r: r[:2])[2]


def _mended(sites: Sequence[Site], declination: float, signs: str) -> list[Site]:
    """The stations as `prepare` asks them for their strike: in geographic axes, with their signs mended."""
    return correct_polarity([magnetic_to_geographic(site, declination) for site in sites], signs)[0]


def _indexed(lines: Lines, at: Sequence[int]) -> Lines:
    """Lines among some stations with the indices of these among all."""

    def of(stations: Sequence[int]) -> tuple[int, ...]:
        return tuple(at[k] for k in stations)

    moved = tuple(dataclasses.replace(line, stations=of(line.stations)) for line in lines.lines)
    return dataclasses.replace(lines, lines=moved, alone=of(lines.alone), unknown=of(lines.unknown))


def _with_corridor(
    survey: Sequence[Site],
    lines: Lines,
    place: np.ndarray,
    strike: float | None,
    band: tuple[float, float],
) -> Lines:
    """The lines of scattered stations, and as one more the best strip roughly across strike.

    Where the strike of them all is ill determined the strip may run anywhere, and where it has two axes
    across either.
    """
    among = sorted({*(k for line in lines.lines for k in line.stations), *lines.alone})
    normals = [] if strike is None else [strike + 90]
    try:
        found = strike_of([survey[k] for k in among], band=band)
        if strike is None and found.resultant >= CLEAR:
            normals = [found.other] if found.settled else [found.angle, found.other]
    except ValueError:
        pass
    offs = [0.0, *(sign * off for off in np.arange(STEP, ACROSS + 1e-9, STEP) for sign in (1, -1))]
    directions = [normal + off for off in offs for normal in normals] or np.arange(0.0, 180.0, STEP)
    taken = [line.name for line in lines.lines]
    name = next(title for title in (letter(k) for k in range(len(taken) + 1)) if title not in taken)
    strip = corridor(name, place, among, directions)
    alone = tuple(k for k in lines.alone if k not in strip.stations)
    return dataclasses.replace(lines, lines=(*lines.lines, strip), alone=alone)


def _angle(
    sites: Sequence[Site], line: StationLine, strike: float | None, band: tuple[float, float]
) -> float:
    """Degrees between a line and its strike, given or found; NaN where it is ill determined."""
    if strike is not None:
        return between(line.azimuth, strike)
    try:
        found = strike_of(sites, band=band)
    except ValueError:
        return np.nan
    if found.settled:
        return between(line.azimuth, found.angle)
    if found.resultant < CLEAR:
        return np.nan
    return max(between(line.azimuth, found.angle), between(line.azimuth, found.other))


def _told(
    survey: Sequence[Site], lines: Lines, line: StationLine, angle: float, *, by_default: bool
) -> Journal:
    """What is taken, `angle` degrees off its strike, what else there is, and how to take it."""
    reason = "whose strike is ill determined" if np.isnan(angle) else "roughly across strike"
    if len(lines.lines) == 1 and not lines.alone:
        return Journal()
    grid = "the stations fill an area rather than a line; " if lines.grid else ""
    why = f", that with most stations {reason}" if by_default else ""
    journal = Journal().note(
        "line", "all", f"{grid}line {line.name}{why}: {len(line.stations)} of {len(survey)} stations"
    )
    others = [f"{o.name} ({len(o.stations)})" for o in lines.lines if o.name != line.name]
    if others:
        text = (
            f"other lines, with their stations: {', '.join(others)}; --line NAME takes one, --line all each"
        )
        journal = journal.note("line", "all", text)
    if lines.alone:
        text = f"in no line: {listed([survey[k].name for k in lines.alone])}"
        journal = journal.note("line", "all", f"{text}; --stations, or --from and --to, take them in")
    return journal
