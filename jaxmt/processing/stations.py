"""Rules that remove whole stations; each is an object to pass."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from ..conventions import OFF_DIAGONAL, PARTS
from .alignment import frame, median_step
from .journal import Journal
from .positions import positions
from .screening import HALF_DECADE, curves, medians
from .site import Site

Verdicts = list[tuple[int, str]]
"""Which sites shall go, and why."""

StationRule = Callable[[Sequence[Site]], Verdicts]


def _count(site: Site) -> int:
    """How many of Zxy and Zyx there are."""
    return int(np.isfinite(site.z[:, *OFF_DIAGONAL]).sum())


def _modes(site: Site) -> int:
    return int(np.isfinite(site.z[:, *OFF_DIAGONAL]).any(axis=0).sum())


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Stations with less than the fraction `least` of Zxy and Zyx at their own frequencies.

    A station with one of the two alone is judged by that one.
    """

    least: float = 0.5

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        left = [_count(site) / max(_modes(site) * site.frequencies.size, 1) for site in sites]
        return [
            (k, f"{100 * part:.0f} % of its data are left, {100 * self.least:.0f} % are asked for")
            for k, part in enumerate(left)
            if part < self.least
        ]


@dataclasses.dataclass(frozen=True)
class Rating:
    """Stations whose file rates them below `least` of 5; those without a rating stay."""

    least: float = 3.0

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        return [
            (k, f"rated {site.rating:g} of 5 by its file, below {self.least:g}")
            for k, site in enumerate(sites)
            if site.rating < self.least
        ]


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """Of stations closer than `distance` m, all but the one with most data."""

    distance: float = 10.0

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        place = positions(sites)
        order = sorted(range(len(sites)), key=lambda k: -_count(sites[k]))
        kept: list[int] = []
        verdicts = []
        for k in order:
            near = [j for j in kept if np.hypot(*(place[k] - place[j])) < self.distance]
            if near:
                verdicts.append((k, f"stands within {self.distance:g} m of {sites[near[0]].name}"))
            else:
                kept.append(k)
        return sorted(verdicts)


@dataclasses.dataclass(frozen=True)
class OffLine:
    """Stations farther from the line than `spacings` of the median station spacing.

    The line is that of least squared distances through all stations; stations at one place count once in
    the spacing.
    """

    spacings: float = 1.0

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        place = positions(sites)
        known = np.isfinite(place).all(axis=1)
        if known.sum() < 3:
            return []
        along, across = frame(place[known])
        limit = self.spacings * median_step(np.diff(np.sort(along)))
        return [
            (int(k), f"lies {off:.0f} m off the line, {self.spacings:g} spacings are {limit:.0f} m")
            for k, off in zip(np.flatnonzero(known), np.abs(across), strict=True)
            if off > limit
        ]


@dataclasses.dataclass(frozen=True)
class Offset:
    """Stations whose log10 rho lies more than `decades` from the median of their `neighbours`.

    Medians over all frequencies that both have within half a decade; both modes must agree.
    """

    decades: float = 1.0
    neighbours: int = 4

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        place = positions(sites)
        levels = [curves(site)[0] for site in sites]
        verdicts = []
        for k in range(len(sites)):
            distance = np.hypot(*(place - place[k]).T)
            near = [int(j) for j in np.argsort(distance) if j != k and np.isfinite(distance[j])]
            shifts = [self._shift(sites, levels, k, j) for j in near[: self.neighbours]]
            if len(shifts) < 2:
                continue
            shift = np.median(shifts, axis=0)
            if np.all(np.abs(shift) > self.decades):
                verdicts.append(
                    (k, f"rho lies {shift[0]:+.1f} and {shift[1]:+.1f} decades off its neighbours")
                )
        return verdicts

    def _shift(
        self, sites: Sequence[Site], levels: Sequence[Float[np.ndarray, "_ 2"]], k: int, j: int
    ) -> Float[np.ndarray, " 2"]:
        gap = np.abs(np.log10(sites[k].frequencies[:, None] / sites[j].frequencies))
        nearest = np.argmin(gap, axis=1)
        difference = levels[k] - levels[j][nearest]
        difference = difference[gap[np.arange(nearest.size), nearest] < HALF_DECADE]
        return np.nan_to_num(medians(difference))


@dataclasses.dataclass(frozen=True)
class Copies:
    """Stations whose impedances repeat those of another at the same known place, value for value.

    A place at latitude and longitude 0 is none: files of stations whose places are unknown say so.
    """

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        seen: dict[tuple, str] = {}
        verdicts = []
        for k, site in enumerate(sites):
            place = (site.latitude, site.longitude, site.northing, site.easting)
            if not np.isfinite(place).any() or place[:2] == (0.0, 0.0):
                continue
            key = (site.frequencies.tobytes(), site.z.tobytes(), f"{place}")
            if key in seen:
                verdicts.append((k, f"holds the same values as {seen[key]}"))
            seen.setdefault(key, site.name)
        return verdicts


@dataclasses.dataclass(frozen=True)
class Empty:
    """Stations without a datum."""

    def __call__(self, sites: Sequence[Site]) -> Verdicts:
        """Which of `sites` it would remove, and why."""
        return [
            (k, "none of its values is finite")
            for k, site in enumerate(sites)
            if not _count(site) and not np.isfinite(site.tipper).any()
        ]


STATION_RULES: tuple[StationRule, ...] = (Rating(), Duplicates(), OffLine(), Offset(), Coverage())
"""Rules about what is doubtful, in the order of the work."""

UNUSABLE: tuple[StationRule, ...] = (Copies(), Empty())
"""Rules about what nobody can use."""


def station_step(rule: StationRule) -> str:
    """The step of a rule in a journal: `OffLine()` is "station offline"."""
    return f"station {type(rule).__name__.lower()}"


def screen_stations(
    sites: Sequence[Site], rules: Sequence[StationRule] = STATION_RULES, *, keep: bool = False
) -> tuple[list[Site], Journal]:
    """The stations that the rules leave, and which were removed by which rule and why.

    - `rules`: applied in order to what is left; leave one out to switch it off.
    - `keep`: whether stations that a rule names stay, marked in the journal.
    """
    journal = Journal()
    left = list(sites)
    for rule in rules:
        verdicts = dict(rule(left))
        for k, reason in verdicts.items():
            step, count = station_step(rule), PARTS * _count(left[k])
            if keep:
                journal = journal.note(step, left[k].name, f"doubtful, and kept: {reason}", 0, count)
            else:
                journal = journal.note(step, left[k].name, f"left out: {reason}", count)
        if not keep:
            left = [site for k, site in enumerate(left) if k not in verdicts]
    return left, journal
