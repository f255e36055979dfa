"""Positions of stations whose files have none: from a table, or from a spacing and the order of names."""

import dataclasses
from collections import Counter
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
    """The stations at the places of a table, by their names, or else by these without case and blanks.

    Stations that the table lacks have no position then; those of one name have all that of its row, and the
    journal says so. Raises `ValueError` if the table has none of them, or two rows that may be one
    station's.
    """
    rows: dict[str, list[str]] = {}
    for name in table:
        rows.setdefault(plain(name), []).append(name)
    placed, lacking, taken = [], [], Counter[str]()
    for site in sites:
        alike = [site.name] if site.name in table else rows.get(plain(site.name), [])
        if len(alike) > 1:
            raise ValueError(
                f"the table of positions has {' and '.join(alike)}, and either may be the station "
                f"{site.name}: write its name as the data do."
            )
        row = table[alike[0]] if alike else None
        taken.update(alike)
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
    for name, count in taken.items():
        if count > 1:
            text = (
                f"{count} stations of this name all have the one place of the table; if they are not one "
                "station, give them names of their own in their files (DATAID of EDI), or a folder each "
                "(--recursive puts its name before theirs)"
            )
            journal = journal.note("positions", name, text)
    for site in sites:
        own = site.name.removeprefix(f"{site.folder}-".replace("/", "-"))
        if own != site.name and site.name in lacking and plain(own) in rows:
            text = f"the table has {own}, the name of stations of several folders: call it {site.name}"
            journal = journal.note("positions", site.name, text)
    if strange := [name for name in table if name not in taken]:
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
