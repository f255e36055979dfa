"""Tables of station positions, comma-separated: name and degrees, or name and metres."""

import csv
import io
from pathlib import Path

import numpy as np

from ..atomic import FilePath
from .free_format import BadFile, text_of

DEGREES, METRES = ("latitude", "longitude"), ("easting", "northing")
WANTED = "name,latitude,longitude[,elevation] in degrees and m, or name,easting,northing[,elevation] in m"
SHORT = {"lat": "latitude", "lon": "longitude", "long": "longitude", "elev": "elevation"}
SHORT |= dict.fromkeys(("station", "site"), "name")


def read_station_table(path: FilePath) -> dict[str, dict[str, float]]:
    """For each name the latitude and longitude, degrees, or easting and northing, m, and any elevation, m.

    The first row names the columns, in any order and case. Raises `BadFile` for a table without the
    columns, a value that is no number, degrees that are on no globe, or a name that comes twice.
    """
    rows = list(csv.reader(io.StringIO(text_of(Path(path), "a table of positions"))))
    filled = [(k, row) for k, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    if not filled:
        raise BadFile(f"{path} is empty; expected {WANTED}.")
    head = [SHORT.get(cell.strip().lower(), cell.strip().lower()) for cell in filled[0][1]]
    pair = next((p for p in (DEGREES, METRES) if set(p) <= set(head)), None)
    if "name" not in head or pair is None:
        raise BadFile(f"{path}: the first row is {', '.join(head)}; expected {WANTED}.")
    table: dict[str, dict[str, float]] = {}
    for number, row in filled[1:]:
        cells = dict(zip(head, (cell.strip() for cell in row), strict=False))
        name = cells.get("name", "")
        if not name or name in table:
            what = f"{name} comes twice" if name else "has no name"
            raise BadFile(f"{path}, line {number}: {what}; expected one row a station.")
        table[name] = {column: _number(path, number, column, cells.get(column, "")) for column in pair}
        if cells.get("elevation"):
            table[name]["elevation"] = _number(path, number, "elevation", cells["elevation"])
    return table


def _number(path: FilePath, line: int, column: str, cell: str) -> float:
    limit = {"latitude": 90.0, "longitude": 360.0}.get(column, 1e8)
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not abs(value) <= limit:
        unit = "degrees" if column in DEGREES else "m"
        raise BadFile(
            f"{path}, line {line}: {column} must be a number of {unit}, {limit:g} at most. Got {cell!r}."
        )
    return value
