"""Which stations of a survey are asked for, by name and by place, and where they are said to be."""

import dataclasses
import fnmatch
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..io import read_station_table
from ..processing import Journal
from ..processing.alignment import spacing_of
from ..processing.geodesy import local_metres
from ..processing.lines import StationLine, measured
from ..processing.placement import listed, placed_by_spacing, placed_by_table
from ..processing.positions import known_positions
from ..processing.site import Site
from .options import Refusal

Degrees = tuple[float, float]
"""Latitude and longitude."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which stations are asked for, and where they are.

    - `stations`: names to keep, with `*` and `?` for any characters; unless all, they are the line.
      `drop`: names to leave out.
    - `azimuth`: degrees of the profile. `segment`: latitudes and longitudes of its two ends, and
      `corridor`: m, how far from it stations may be; None for one station spacing.
    - `positions`: a table, see `io.read_station_table`. `spacing`: m, between stations, in the
      order of names.
    """

    stations: Sequence[str] = ("*",)
    drop: Sequence[str] = ()
    azimuth: float | None = None
    segment: tuple[Degrees, Degrees] | None = None
    corridor: float | None = None
    positions: Path | None = None
    spacing: float | None = None

    def chosen(self, names: Sequence[str]) -> list[int]:
        """Which of the stations are kept. Raises `Refusal` if a pattern fits none, or none is kept."""
        for pattern in (*self.stations, *self.drop):
            if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
                raise Refusal(f"no station is called {pattern!r}; there are {listed(names)}.")
        kept = [k for k, name in enumerate(names) if self._wanted(name) and not self.dropped(name)]
        if not kept:
            raise Refusal(f"all {len(names)} stations are dropped.")
        return kept

    def _wanted(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.stations)

    def dropped(self, name: str) -> bool:
        """Whether a station of that name is left out."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.drop)


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


def along(
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
