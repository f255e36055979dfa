"""Which stations of a survey are the line that is inverted: by name, by place, or by default."""

import dataclasses
import fnmatch
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..io import read_station_table
from ..processing import Journal
from ..processing import strike as strike_of
from ..processing.alignment import between, spacing_of
from ..processing.declination import magnetic_to_geographic
from ..processing.geodesy import local_metres
from ..processing.lines import Lines, StationLine, corridor, find_lines, letter, measured
from ..processing.placement import listed, placed_by_spacing, placed_by_table
from ..processing.polarity import correct_polarity
from ..processing.positions import known_positions
from ..processing.site import Site
from ..processing.strike import CLEAR

ACROSS = 30.0
"""Degrees from strike beyond which a line is roughly across it."""

Degrees = tuple[float, float]
"""Latitude and longitude."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which stations are asked for, and where they are.

    - `line`: the name of one of the lines that `find_lines` finds; None takes one by default.
    - `stations`: names to keep, with `*` and `?` for any characters; unless all, they are the line.
      `drop`: names to leave out.
    - `azimuth`: degrees of the profile. `segment`: latitudes and longitudes of its two ends, and
      `corridor`: m, how far from it stations may be; None for one station spacing.
    - `positions`: a table, see `io.read_station_table`. `spacing`: m, between stations, in the
      order of names.
    """

    line: str | None = None
    stations: Sequence[str] = ("*",)
    drop: Sequence[str] = ()
    azimuth: float | None = None
    segment: tuple[Degrees, Degrees] | None = None
    corridor: float | None = None
    positions: Path | None = None
    spacing: float | None = None

    def chosen(self, names: Sequence[str]) -> list[int]:
        """Which of the stations are kept. Raises `ValueError` if a pattern fits none, or none is kept."""
        for pattern in (*self.stations, *self.drop):
            if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
                raise ValueError(f"no station is called {pattern!r}; there are {listed(names)}.")
        kept = [k for k, name in enumerate(names) if self._wanted(name) and not self._dropped(name)]
        if not kept:
            raise ValueError(f"all {len(names)} stations are dropped.")
        return kept

    def _wanted(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.stations)

    def _dropped(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.drop)


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


def choose(
    sites: Sequence[Site],
    selection: Selection,
    *,
    strike: float | None = None,
    band: tuple[float, float] = (0.0, np.inf),
    declination: float = 0.0,
    signs: str = "mend",
) -> Choice:
    """The line that is asked for, or else that with most stations which is roughly across its own strike.

    - `strike`: degrees, if it is given. `band`: Hz, the frequencies to find it from; `declination`,
      `signs`: as in `processing.prepare`, for the tensors that show it. The sites stay as measured.

    Raises `ValueError` where positions are unknown, or no station is where it is asked for.
    """
    survey, journal, towards = located(sites, selection, strike)
    kept = selection.chosen([site.name for site in survey])
    free = [k for k, site in enumerate(survey) if not selection._dropped(site.name)]
    if len(kept) < len(sites):
        journal = journal.note("select", "all", f"{len(kept)} of {len(sites)} stations")
    place = known_positions(survey)
    unknown = [k for k in kept if not np.isfinite(place[k]).all()]
    if len(unknown) == len(kept) and len(kept) > 1:
        raise ValueError(
            f"the positions of all {len(kept)} stations are unknown: none has one, or all have the same. "
            "Give --positions FILE.csv (name,latitude,longitude or name,easting,northing), or --spacing M "
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
    if selection.segment is not None:
        line, towards, text = _along(survey, kept, selection.segment, selection.corridor)
        journal = journal.note("line", "all", text)
    elif len(kept) == 1 or (tuple(selection.stations) != ("*",) and selection.line is None):
        known = [k for k in kept if k not in unknown] or kept
        line = measured("as named", known_positions(survey), known)
    else:
        line = default(lines, angles) if selection.line is None else lines.named(selection.line)
        among = [k for k in line.stations if k in kept]
        if not among:
            raise ValueError(f"line {line.name} has none of the stations that --stations names.")
        angle = dict(zip((each.name for each in lines.lines), angles, strict=True))[line.name]
        journal += _told(survey, lines, line, angle, by_default=selection.line is None)
        if len(among) < len(line.stations):
            line = measured(line.name, place, among)
    if selection.azimuth is not None:
        towards = selection.azimuth
    return Choice(tuple(survey), lines, line, towards, angles, journal, supposed)


def located(
    sites: Sequence[Site], selection: Selection, strike: float | None
) -> tuple[list[Site], Journal, float | None]:
    """The stations where they are said to be, and the direction of a line that has no other."""
    if selection.positions is not None:
        return *placed_by_table(sites, read_station_table(selection.positions)), None
    if selection.spacing is None:
        return list(sites), Journal(), None
    across = 90.0 if strike is None else (strike + 90) % 360
    towards = across if selection.azimuth is None else selection.azimuth
    placed, journal = placed_by_spacing(sites, selection.spacing, towards)
    if selection.azimuth is None:
        how = (
            "nobody said where the line runs: laid towards east" if strike is None else "laid across strike"
        )
        journal = journal.note("positions", "all", f"{how}; --azimuth DEG gives its direction")
    return placed, journal, towards


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
    """The lines of scattered stations, and as one more the fullest strip across the strike of them all."""
    among = sorted({*(k for line in lines.lines for k in line.stations), *lines.alone})
    try:
        across = strike_of([survey[k] for k in among], band=band).angle if strike is None else strike
    except ValueError:
        return lines
    taken = [line.name for line in lines.lines]
    name = next(title for title in (letter(k) for k in range(len(taken) + 1)) if title not in taken)
    strip = corridor(name, place, among, across)
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


def _along(
    survey: Sequence[Site],
    kept: Sequence[int],
    segment: tuple[Degrees, Degrees],
    width: float | None,
) -> tuple[StationLine, float, str]:
    """The stations near a segment, its azimuth in degrees, and both in words."""
    degrees = np.array([(survey[k].latitude, survey[k].longitude) for k in kept]).reshape(-1, 2)
    ends = np.array(segment)
    latitude, longitude = np.concatenate([ends, degrees]).T
    north, east = local_metres(latitude, longitude, segment[0])
    whole = np.stack([north, east], axis=1)
    end, place = whole[1], whole[2:]
    known = np.isfinite(place).all(axis=1)
    length = float(np.hypot(*end))
    if length < 1.0 or not known.any():
        what = "are one place" if length < 1.0 else "need stations with latitude and longitude"
        raise ValueError(f"--from and --to {what}; give two places in degrees, LAT,LON.")
    share = np.clip(place @ end / length**2, 0, 1)
    distance = np.hypot(*(place - share[:, None] * end).T)
    if width is None:
        width = spacing_of(place[known]) if known.sum() > 1 else length
    inside = [k for k, d in zip(kept, distance, strict=True) if d <= width]
    if not inside:
        near = survey[kept[int(np.nanargmin(distance))]].name
        raise ValueError(
            f"no station is within {width / 1e3:.3g} km of the line --from --to; the nearest is {near} at "
            f"{np.nanmin(distance) / 1e3:.3g} km. Widen --corridor KM."
        )
    azimuth = float(np.rad2deg(np.arctan2(end[1], end[0])) % 360)
    out = [survey[k].name for k in kept if k not in inside]
    text = (
        f"{len(inside)} of {len(kept)} stations within {width / 1e3:.3g} km of a segment of "
        f"{length / 1e3:.3g} km along {azimuth:.0f} degrees" + (f"; not {listed(out)}" if out else "")
    )
    return measured("segment", known_positions(survey), inside), azimuth, text


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
