"""The lines that a survey has, and which of them is taken: by name, by place, or by default."""

import dataclasses
from collections import Counter
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
            if name is None:
                journal += _told(self.survey, self.lines, line, self.angles)
            elif len(self.lines.lines) > 1 or self.lines.alone:
                text = f"line {line.name}: {len(line.stations)} of {len(self.survey)} stations"
                journal = journal.note("line", "all", text)
            if len(among) < len(line.stations):
                line = measured(line.name, place, among)
        if selection.azimuth is not None:
            towards = selection.azimuth
        return Choice(self.survey, self.lines, line, towards, self.angles, journal, self.supposed)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the lines, in their order."""
        return tuple(line.name for line in self.lines.lines)

    def in_words(self) -> str:
        """What becomes of the stations where every line is taken: which are in several, which in none."""
        among = [[k for k in line.stations if k in self.kept] for line in self.lines.lines]
        times = Counter(k for stations in among for k in stations)
        text = f"{len(times)} of {len(self.survey)} stations, in {len(among)} lines, each on its own"
        if several := [k for k, count in times.items() if count > 1]:
            most = max(times.values())
            how = (
                f"in {most} lines and inverted {most} times"
                if most == min(times[k] for k in several)
                else (f"in 2 to {most} lines and inverted as often")
            )
            text += f"; {len(several)} of them are {how}, for the stations fill an area"
        if self.lines.alone:
            names = listed([self.survey[k].name for k in self.lines.alone])
            text += f"; in no line, and not inverted: {names}"
        return text

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
    """The line with most stations of those not nearly along their own strike, or of all.

    Of those with as many it is the one most nearly across its strike, and of those as near the first.
    """
    return max(_ranked(lines, angles), key=lambda r: r[:2])[2]


def _ranked(lines: Lines, angles: Sequence[float]) -> list[tuple[int, int, StationLine]]:
    """Stations, whole degrees off strike (0 where that is unknown) and line, of those to choose from."""
    pairs = list(zip(lines.lines, angles, strict=True))
    across = [(line, angle) for line, angle in pairs if not angle < ACROSS]
    return [(len(line.stations), round(float(np.nan_to_num(a))), line) for line, a in across or pairs]


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


def _told(survey: Sequence[Site], lines: Lines, line: StationLine, angles: Sequence[float]) -> Journal:
    """What is taken by default and why, what else there is, and how to take it.

    - `angles`: degrees between each line and its own strike.
    """
    if len(lines.lines) == 1 and not lines.alone:
        return Journal()
    angle = next(a for one, a in zip(lines.lines, angles, strict=True) if one is line)
    reason = "whose strike is ill determined" if np.isnan(angle) else "roughly across strike"
    grid = "the stations fill an area rather than a line; " if lines.grid else ""
    count = len(line.stations)
    why = f", that with most stations {reason}{_tie(lines, line, angles)}"
    journal = Journal().note(
        "line", "all", f"{grid}line {line.name}{why}: {count} of {len(survey)} stations"
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


def _tie(lines: Lines, line: StationLine, angles: Sequence[float]) -> str:
    """Why a line is taken of several with as many stations; "" where none has."""
    ranked = _ranked(lines, angles)
    count, angle, _ = next(r for r in ranked if r[2] is line)
    rivals = [r for r in ranked if r[0] == count and r[2] is not line]
    if not rivals:
        return ""
    names = listed([other.name for *_, other in rivals])
    first = any(r[1] == angle for r in rivals)
    why = "the first of them" if first else f"{angle} degrees from its strike, the others less"
    return f" (as many as {names}; {why})"
