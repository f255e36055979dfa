"""Lines among the stations of a survey: found by names and by places, named, and measured."""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from .alignment import LEAST, LOOSER, Row, azimuth, between, median_step, merged, row, rows, spacing_of
from .positions import known_positions, natural
from .site import Site

PARALLEL = 25.0
"""Degrees between lines that belong together."""

MOST, MANY = 0.6, 0.75
"""Share of the stations that one line holds, or parallel lines together, unless the survey is a grid."""

STRIPS = (1.0, 1.5, 2.0)
"""Widths of strips through scattered stations, in spacings of the survey."""

Places = Float[np.ndarray, "station 2"]


@dataclasses.dataclass(frozen=True)
class StationLine:
    """Stations in a row.

    - `name`: what the names of its stations begin or end with and those of no other, or a letter.
    - `stations`: their indices, in the order along the line towards `azimuth`.
    - `azimuth`: degrees clockwise from north, -10 to 170, of the line of least squares; NaN for one.
    - `length`: m along it; `spacing`: m, median; `gap`: m, the widest. `offset`: m, the largest distance of
      a station from the straight line. `bend`: degrees between the directions of its two halves.
    """

    name: str
    stations: tuple[int, ...]
    azimuth: float
    length: float
    spacing: float
    gap: float
    offset: float
    bend: float


@dataclasses.dataclass(frozen=True)
class Lines:
    """What lines a survey has.

    - `lines`: in the order of their names, those across a grid last. `alone`: stations in none of them.
    - `unknown`: stations without a position. `grid`: whether the stations fill an area rather than
      lines; `scattered`: whether they do so without order.
    """

    lines: tuple[StationLine, ...]
    alone: tuple[int, ...]
    unknown: tuple[int, ...]
    grid: bool = False
    scattered: bool = False

    def named(self, name: str) -> StationLine:
        """The line of a name, whatever the case. Raises `ValueError` if there is none."""
        for line in self.lines:
            if line.name.casefold() == name.casefold():
                return line
        known = ", ".join(line.name for line in self.lines)
        raise ValueError(f"there is no line {name!r} (--line). Known: {known}.")


def find_lines(sites: Sequence[Site]) -> Lines:
    """The lines among stations, the same whatever the order in which these come.

    A survey that is a row as a whole is one line. Else stations of one folder are, or those whose names
    have a part in common, if each such group is a row; else rows are sought by their places alone:
    parabolas with few stations beside them, the fullest first. In a grid the rows across these are lines,
    too. Stations in no row at all are one line together, and a grid.
    """
    place = known_positions(sites)
    known = np.flatnonzero(np.isfinite(place).all(axis=1))
    unknown = tuple(int(k) for k in range(len(sites)) if k not in known)
    order = sorted(known.tolist(), key=lambda k: (natural(sites[k].name), *place[k]))
    names, place = [sites[k].name for k in order], place[order]
    if not order:
        return Lines((), (), unknown)
    first = merged(place)
    distinct = np.unique(first)
    folders = [sites[k].folder for k in order]
    groups, grid, parted = _groups(
        [names[k] for k in distinct], [folders[k] for k in distinct], place[distinct]
    )
    families = [[np.flatnonzero(np.isin(first, distinct[g])) for g in family] for family in groups]
    found: list[StationLine] = []
    for family in families:
        family.sort(key=lambda members: natural(names[members[0]]))
        taken = [line.name for line in found]
        titles = _names(names, family, taken, ends=parted == "ends")
        if parted == "folders" and not taken:
            titles = [folders[int(members[0])] for members in family]
        for title, members in zip(titles, family, strict=True):
            line = measured(title, place, members)
            found.append(dataclasses.replace(line, stations=tuple(order[k] for k in line.stations)))
    inside = {k for line in found for k in line.stations}
    alone = tuple(k for k in sorted(order) if k not in inside)
    return Lines(tuple(found), alone, unknown, grid, grid and len(families) == 1)


Group = Sequence[int] | np.ndarray


def _groups(
    names: Sequence[str], folders: Sequence[str], place: Places
) -> tuple[list[list[np.ndarray]], bool, str]:
    """Families of lines, whether they are a grid, and what told them: folders or a part of the names."""
    everything = np.arange(len(place))
    if len(place) < LEAST:
        return [[everything]], False, ""
    whole = row(place, everything)
    if whole is not None and whole.fits:
        return [[everything]], False, ""
    named, part = _by_folders(folders, place), "folders"
    if not named:
        named, part = _by_names(names, place)
    family = named or rows(place)
    if not family:
        return [[everything]], True, ""
    families, grid = [family], False
    cross = _across(family, place)
    if cross:
        families, grid = [family, cross], True
    elif not named:
        share = [r.members.size / len(place) for r in family]
        together = _parallel(family) and min((r.members.size for r in family), default=0) > LEAST
        grid = max(share, default=0.0) < MOST and not (together and sum(share) >= MANY)
    return [[r.members for r in f] for f in families], grid, part


def _by_folders(folders: Sequence[str], place: Places) -> list[Row]:
    """Rows of stations whose files lay in one folder; none if some are no row."""
    return _all_rows(
        [[k for k, f in enumerate(folders) if f == folder] for folder in dict.fromkeys(folders)], place
    )


def _all_rows(groups: Sequence[Sequence[int]], place: Places) -> list[Row]:
    """Groups of stations as rows; none if some are no row, or too few stations are in any."""
    found = [row(place, np.array(g), LOOSER) for g in groups if len(g) >= LEAST]
    fitting = [r for r in found if r is not None and r.fits]
    many = sum(r.members.size for r in fitting) >= MANY * len(place)
    return fitting if len(fitting) > 1 and len(fitting) == len(found) and many else []


def _by_names(names: Sequence[str], place: Places) -> tuple[list[Row], str]:
    """Rows of stations whose names begin, or end, alike; none if some are no row."""
    words = [re.findall(r"\d+|[^\W\d_]+", name.casefold()) for name in names]
    longest = max(len(w) for w in words)
    for part in ("starts", "ends"):
        for count in range(1, longest):
            heads = [tuple(w[:count] if part == "starts" else w[-count:]) for w in words]
            groups = [[k for k, head in enumerate(heads) if head == h] for h in dict.fromkeys(heads)]
            if found := _all_rows(groups, place):
                return found, part
    return [], ""


def _parallel(family: Sequence[Row]) -> bool:
    mean = _mean([r.azimuth for r in family])
    return all(between(r.azimuth, mean) <= PARALLEL for r in family)


def _mean(azimuths: Iterable[float]) -> float:
    """Mean direction of lines, degrees."""
    return float(np.rad2deg(np.angle(np.sum(np.exp(2j * np.deg2rad(list(azimuths)))))) / 2 % 180)


def _across(family: Sequence[Row], place: Places) -> list[Row]:
    """Rows across parallel ones, if they are long enough and many enough to make a grid of both."""
    if len(family) < LEAST or not _parallel(family):
        return []
    cross = rows(place, away=_mean(r.azimuth for r in family))
    own, other = (np.array([r.members.size for r in f]) for f in (family, cross))
    many = other.size > 1 and other.sum() >= MOST * len(place) and np.mean(other) >= np.mean(own) / 2
    return cross if many and _parallel(cross) else []


def _names(names: Sequence[str], family: Sequence[Group], taken: Sequence[str], *, ends: bool) -> list[str]:
    """Names of lines: the shortest beginning (or last word) that no other station has, or letters."""
    plain = [name[::-1] if ends else name for name in names]
    found = [_own_beginning(plain, members, words=ends) for members in family]
    if all(found) and not {t.casefold() for t in taken} & {f.casefold() for f in found}:
        if len(family) > 1 or len(family[0]) < len(names):
            return [name[::-1] if ends else name for name in found]
    titles = (letter(k) for k in range(len(taken) + len(family)))
    return [title for title in titles if title not in taken][: len(family)]


def letter(k: int) -> str:
    """A to Z, then AA to AZ, BA, ..."""
    return (letter(k // 26 - 1) if k >= 26 else "") + chr(ord("A") + k % 26)


def _own_beginning(names: Sequence[str], members: Group, *, words: bool) -> str:
    """The shortest beginning that all members share and nobody else; "" if there is none."""
    inside = {int(k) for k in members}
    own = [names[k].casefold() for k in inside]
    others = [name.casefold() for k, name in enumerate(names) if k not in inside]
    start = names[int(members[0])]
    for size in range(1, len(start) + 1):
        head = start[:size].casefold()
        if not all(name.startswith(head) for name in own):
            return ""
        whole = not words or not (start[size - 1 : size + 1].isalnum() and _same_kind(start, size))
        if head[-1].isalnum() and whole and not any(name.startswith(head) for name in others):
            return start[:size]
    return ""


def _same_kind(name: str, size: int) -> bool:
    """Whether the characters before and after a cut are both digits, or both letters."""
    return size < len(name) and name[size - 1].isdigit() == name[size].isdigit()


def corridor(name: str, place: Places, among: Group, directions: Iterable[float]) -> StationLine:
    """The stations of the best strip along one of some directions, degrees.

    Strips are one, one and a half and two spacings of the survey wide. As of rows, the best has most
    stations, each counting less the farther they scatter about the straight line through them.
    """
    at = np.array([int(k) for k in among])
    spacing = spacing_of(place[at])
    found: list[tuple[float, float, np.ndarray]] = []
    for direction in directions:
        s = np.deg2rad(direction - 90.0)
        beside = place[at] @ np.array([np.cos(s), np.sin(s)])
        for width in STRIPS:
            for side in beside:
                inside = np.flatnonzero((beside >= side) & (beside <= side + width * spacing))
                scatter = float(np.std(beside[inside])) / spacing
                found.append((round(inside.size * (1 - 2 * scatter**2), 6), direction, inside))
    _, direction, best = max(found, key=lambda strip: strip[0])
    return measured(name, place, at[best], direction)


def measured(name: str, place: Places, members: Group, direction: float | None = None) -> StationLine:
    """The line of the places of some stations, in the order along it, and its measures.

    - `direction`: degrees; by default that of least squares.
    """
    at = np.array([int(k) for k in members])
    if at.size < 2 or not np.ptp(place[at], axis=0).any():
        return StationLine(name, tuple(at.tolist()), np.nan, 0.0, np.nan, np.nan, 0.0, 0.0)
    direction = azimuth(place[at]) if direction is None else (direction + 10) % 180 - 10
    north, east = np.cos(np.deg2rad(direction)), np.sin(np.deg2rad(direction))
    centred = place[at] - place[at].mean(axis=0)
    towards, beside = centred @ np.array([north, east]), centred @ np.array([-east, north])
    order = np.argsort(np.round(towards, 3), kind="stable")
    step = np.diff(towards[order])
    return StationLine(
        name,
        tuple(at[order].tolist()),
        direction,
        float(np.ptp(towards)),
        median_step(step),
        float(step.max()),
        float(np.abs(beside).max()),
        _bend(place[at[order]]),
    )


def _bend(place: Places) -> float:
    """Degrees between the directions of two halves of a line; 0 for fewer than five stations."""
    if len(place) < 5:
        return 0.0
    half = len(place) // 2
    return between(azimuth(place[: half + 1]), azimuth(place[half:]))
