"""A line of field data: what will be inverted, where it came from, and what was done to it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import jaxmt

from ..processing import Journal, Strike, prepare
from ..processing import strike as strike_of
from ..processing.site import Site

GUESS = 100.0
"""ohm m, of ground of which only tippers are known."""


@dataclasses.dataclass(frozen=True)
class Line:
    """Data along a profile and what is known about them.

    - `sites`: the stations as measured, with their tensors, and `distances`, their y in m; empty where
      the data came along a profile already.
    - `strike`: degrees, the one used; NaN if nobody knows. `found`: the one that the tensors show.
    - `facts`: of the survey, for its report. `cite`: what to cite besides jaxmt.
    """

    name: str
    data: jaxmt.Data
    journal: Journal
    sites: tuple[Site, ...] = ()
    distances: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    strike: float = np.nan
    found: Strike | None = None
    facts: tuple[tuple[str, str], ...] = ()
    cite: tuple[str, ...] = ()


def from_sites(name: str, sites: Sequence[Site], journal: Journal, **options) -> Line:
    """The line of stations with tensors; `options` are those of `jaxmt.processing.prepare`."""
    done = prepare(sites, **options)
    return Line(
        name,
        done.data,
        journal + done.journal,
        done.sites,
        done.distances,
        done.strike,
        done.found or found_strike(done.sites),
    )


def found_strike(sites: Sequence[Site]) -> Strike | None:
    """The strike that the tensors show, None if they show none."""
    try:
        return strike_of(sites)
    except ValueError:
        return None


def without_tipper(line: Line) -> Line:
    """The line with its impedances alone, with a note of what went; an exit if none is left."""
    count = int(line.data.mask[4:].sum())
    if not count:
        return line
    if not line.data.mask[:4].any():
        raise SystemExit(
            f"Nothing to invert: of {line.name} only {count} data of tippers are left. Impedances without "
            "errors need a floor (--floor 0.05)."
        )
    values = line.data.values.copy()
    values[4:] = np.nan
    text = "tippers are not inverted; the 6-D cloud has none"
    return dataclasses.replace(
        line,
        data=jaxmt.Data(line.data.survey, values, line.data.errors),
        journal=line.journal.note("tipper", "all", text, count),
    )


def reading_of(path: Path, **options) -> jaxmt.io.Reading:
    """What `jaxmt.io.read` finds, or an exit with its message."""
    try:
        return jaxmt.io.read(path, **options)
    except ValueError as error:
        raise SystemExit(f"Nothing to invert: {error}") from None


def median_resistivity(data: jaxmt.Data) -> float:
    """The median of all apparent resistivities, ohm m: a first look at the ground. `GUESS` without any."""
    known = data.values[[0, 2]][data.mask[[0, 2]]]
    return float(10 ** np.median(known)) if known.size else GUESS
