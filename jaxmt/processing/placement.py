"""Positions of stations whose files have none: from a table, or from a spacing and the order of names."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from .journal import Journal
from .positions import known_positions, natural
from .site import Site

Table = Mapping[str, Mapping[str, float]]
"""For each name latitude and longitude, degrees, or easting and northing, m; perhaps elevation, m."""

UNPLACED = ("latitude", "longitude", "easting", "northing")

LISTED = 5
"""Names that a sentence lists; more are counted."""


def plain(name: str) -> str:
    """A name without its case and its blanks."""
    return "".join(name.casefold().split())


def listed(names: Sequence[str]) -> str:
    """Names in a row, no more than `LISTED` of them."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def placed_by_table(sites: Sequence[Site], table: Table) -> tuple[list[Site], Journal]:
    """The stations at the places of a table, names compared without case and blanks.

    Stations that the table lacks have no position then. Raises `ValueError` if it has none of them.
    """
    rows = {plain(name): row for name, row in table.items()}
    placed, lacking = [], []
    for site in sites:
        row = rows.get(plain(site.name))
        if row is None:
            lacking.append(site.name)
        place: dict[str, float] = dict.fromkeys(UNPLACED, np.nan)
        placed.append(dataclasses.replace(site, **{**place, **(row or {})}))
    if len(lacking) == len(sites):
        raise ValueError(
            f"the table of positions names none of the stations; it has {listed(list(table))}, the data "
            f"have {listed([site.name for site in sites])}."
        )
    journal = Journal().note("positions", "all", f"{len(sites) - len(lacking)} from the table")
    if lacking:
        journal = journal.note("positions", "all", f"the table lacks {listed(lacking)}")
    ours = {plain(site.name) for site in sites}
    if strange := [name for name in table if plain(name) not in ours]:
        journal = journal.note("positions", "all", f"no data of {listed(strange)}, which the table has")
    return placed, journal


def placed_by_spacing(sites: Sequence[Site], spacing: float, azimuth: float) -> tuple[list[Site], Journal]:
    """The stations `spacing` m apart towards `azimuth`, degrees, in the natural order of their names."""
    order = sorted(range(len(sites)), key=lambda k: natural(sites[k].name))
    placed = list(sites)
    for step, k in enumerate(order):
        placed[k] = dataclasses.replace(
            sites[k],
            latitude=np.nan,
            longitude=np.nan,
            northing=round(step * spacing * float(np.cos(np.deg2rad(azimuth))), 6),
            easting=round(step * spacing * float(np.sin(np.deg2rad(azimuth))), 6),
        )
    text = (
        f"{spacing:g} m apart in the order of names, {sites[order[0]].name} to {sites[order[-1]].name}, "
        f"towards {azimuth:g} degrees"
    )
    known = int(np.isfinite(known_positions(sites)).all(axis=1).sum())
    if known:
        text += f"; the positions that the files of {known} stations state are not used"
    return placed, Journal().note("positions", "all", text)
