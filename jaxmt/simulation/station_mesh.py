"""A mesh with fine columns under every station, for lines whose stations stand many skin depths apart."""

import numpy as np

from ..conventions import skin_depth
from .grading import graded_nodes
from .mesh import Mesh
from .survey import Survey


def station_mesh(
    survey: Survey,
    low: float,
    high: float,
    *,
    first_row: float = 0.25,
    column: float = 1.0,
    growth: float = 0.12,
    spread: float = 0.8,
) -> Mesh:
    """A mesh on which every station stands in the middle of a fine column.

    - `low`, `high`: ohm m. The skin depth of `low` at the highest frequency is the unit of cells; that of
      `high` at the lowest frequency sets how far the mesh reaches.
    - `first_row`, `column`: height of the first row, and width of the column of a station, over the
      shortest skin depth; a column is at most half the distance to the next station wide.
    - `growth`: fraction by which a row is higher than the one above. `spread`: fraction by which a column
      between stations is wider than its neighbour.

    `Mesh.design` makes one for stations that stand closer. Raises `ValueError` unless 0 < low <= high and
    the other numbers are positive.
    """
    if not 0 < low <= high < np.inf:
        raise ValueError(
            "`station_mesh(low=..., high=...)` must satisfy 0 < low <= high, in ohm m. "
            f"Got low={low}, high={high}."
        )
    parts = {"first_row": first_row, "column": column, "growth": growth, "spread": spread}
    for name, value in parts.items():
        if not 0 < value < np.inf:
            raise ValueError(f"`station_mesh({name}=...)` must be positive and finite. Got {value}.")
    short, long = skin_depth(low, survey.highest), skin_depth(high, survey.lowest)
    z = graded_nodes([0.0, 5 * long], [(0.0, first_row * short)], growth)
    stations = np.unique(survey.stations)
    width = np.minimum(column * short, 0.5 * np.min(np.diff(stations), initial=2 * column * short))
    edges = np.sort(np.concatenate([stations - width / 2, stations + width / 2]))
    line = graded_nodes(list(edges), [(float(s), float(width)) for s in stations], spread)
    pad = graded_nodes([0.0, 8 * long], [(0.0, float(width))], 2 * growth)[1:]
    y = np.concatenate([line[0] - pad[::-1], line, line[-1] + pad])
    return Mesh(y, z).with_air(8 * long, growth=2.0)
