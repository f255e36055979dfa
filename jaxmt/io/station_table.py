"""Tables of station positions: name and degrees, or name and metres, between commas, semicolons or tabs."""

import csv
import io
import re
from pathlib import Path

import numpy as np

from ..atomic import FilePath
from .free_format import BadFile, text_of
from .place import degrees_of

DEGREES, METRES = ("latitude", "longitude"), ("easting", "northing")
WANTED = "name,latitude,longitude[,elevation] in degrees and m, or name,easting,northing[,elevation] in m"
SHORT = {"lat": "latitude", "lon": "longitude", "long": "longitude", "elev": "elevation"}
SHORT |= dict.fromkeys(("station", "site"), "name")
SEPARATORS = (";", "\t", ",")
HEMISPHERES = {"latitude": "NS", "longitude": "EW"}
ANGLE = re.compile(
    r"([NSEW]?)\s*([+-]?)\s*(\d{1,3}(?:\.\d*)?)\s*(?:[D°º:]\s*|\s+|(?=[NSEW]|$))"
    r"(?:(\d{1,2}(?:\.\d*)?)\s*(?:['’′:]\s*|\s+|(?=[NSEW]|$)))?"
    r"(?:(\d{1,2}(?:\.\d*)?)\s*(?:\"|''|”|″)?\s*)?([NSEW]?)"
)
"""An angle in capitals: a letter, a sign, degrees, minutes, seconds, a letter."""


def read_station_table(path: FilePath) -> dict[str, dict[str, float]]:
    """For each name the latitude and longitude, degrees, or easting and northing, m, and any elevation, m.

    The first row names the columns, in any order and case, between commas, semicolons or tabs. Degrees are
    decimal or degrees, minutes and seconds (12:34:56, 12d34'56"S); between semicolons or tabs a comma may
    be the decimal point. Raises `BadFile` for a table without the columns or without rows, a row with more
    cells than columns, a value that is no number or has two meanings, degrees that are on no globe, or a
    name that comes twice.
    """
    # Old line ends, and the minus sign of word processors.
    text = "\n".join(text_of(Path(path), "a table of positions").splitlines()).replace("\u2212", "-")
    first = next((line for line in text.splitlines() if line.strip(" \t;,")), "")
    separator = next((mark for mark in SEPARATORS if mark in first), ",")
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise BadFile(f"{path} is no table of positions: {error}.") from None
    filled = [(k, row) for k, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    if not filled:
        raise BadFile(f"{path} is empty; expected {WANTED}.")
    # A quoted cell may hold lines.
    words = [" ".join(cell.split()).lower() for cell in filled[0][1]]
    head = [SHORT.get(word, word) for word in words]
    pair = next((p for p in (DEGREES, METRES) if set(p) <= set(head)), None)
    if "name" not in head or pair is None:
        raise BadFile(f"{path}: the first row is {', '.join(head)[:200]}; expected {WANTED}.")
    if doubled := [column for column in head if column and head.count(column) > 1]:
        raise BadFile(f"{path}: the first row names {doubled[0][:40]} twice; leave one column out.")
    if len(filled) == 1:
        raise BadFile(f"{path} has no row below the first; expected one row a station.")
    table: dict[str, dict[str, float]] = {}
    for number, row in filled[1:]:
        where = f"{path}, line {number}"
        if any(cell.strip() for cell in row[len(head) :]):
            raise BadFile(
                f"{where}: {len(row)} cells, but the first row names {len(head)} columns. Numbers with a "
                "decimal comma need semicolons or tabs between the cells."
            )
        cells = dict(zip(head, (cell.strip() for cell in row), strict=False))
        name = cells.get("name", "")
        if not name or name in table:
            what = f"{name[:40]} comes twice" if name else "has no name"
            raise BadFile(f"{where}: {what}; expected one row a station.")
        columns = (*pair, "elevation") if cells.get("elevation") else pair
        table[name] = {c: _value(where, c, cells.get(c, ""), separator) for c in columns}
    return table


def _value(where: str, column: str, cell: str, separator: str) -> float:
    """The number of a cell, degrees or m. Raises `BadFile` for none, or one with two meanings."""
    limit = {"latitude": 90.0, "longitude": 360.0}.get(column, 1e8)
    said = f"{where}: {column} {cell[:40]!r}"
    if "," in cell and (separator == "," or "." in cell or cell.count(",") > 1):
        raise BadFile(
            f"{said} may have a decimal comma or one between thousands; write a point, or a single decimal "
            "comma between semicolons or tabs."
        )
    plain = cell.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        value = _angle(said, column, plain, limit) if column in HEMISPHERES else np.nan
    if not abs(value) <= limit:
        unit = "degrees" if column in DEGREES else "m"
        raise BadFile(
            f"{where}: {column} must be a number of {unit}, {limit:g} at most. Got {cell[:40]!r}."
        )
    return value


def _angle(said: str, column: str, cell: str, limit: float) -> float:
    """Degrees of an angle with minutes, seconds or a hemisphere; NaN for none.

    - `said`: where it stands and how it is written, for messages.
    """
    # Rows of blanks would take the time of their square.
    match = ANGLE.fullmatch(" ".join(cell.upper().split()))
    if match is None:
        return np.nan
    before, sign, *parts, behind = match.groups()
    letters, allowed = before + behind, HEMISPHERES[column]
    if len(letters) > 1 or (sign and letters):
        raise BadFile(f"{said} says twice on which side it lies; give one of them.")
    if letters and letters not in allowed:
        raise BadFile(f"{said} must end in {' or '.join(allowed)}; are the columns exchanged?")
    given = [part for part in parts if part is not None]
    if any("." in part for part in given[:-1]) or any(float(part) >= 60 for part in given[1:]):
        raise BadFile(f"{said} must be whole degrees and minutes, minutes and seconds below 60.")
    value = degrees_of(f"{sign}{':'.join(given)}{letters}", limit)
    return np.nan if value is None else value
