"""A mesh with fine columns under every station, for lines whose stations stand many skin depths apart."""

import numpy as np

import jaxmt
from jaxmt.conventions import skin_depth
from jaxmt.simulation.grading import graded_nodes


def growing_blocks(mesh: jaxmt.Mesh, part: float = 0.5) -> np.ndarray:
    """Parameter blocks for `jaxmt.Earth`: the columns of a row joined until `part` of its depth wide.

    Smoothness counts steps from cell to cell. Where columns are fine, a section could step at no cost.
    Widths double from level to level, and the blocks of a level are made of those of the level above.
    """
    blocks = np.zeros(mesh.shape, dtype=int)
    wanted = np.maximum(np.log2(part * mesh.z_centres / mesh.dy.min()), 0).astype(int)
    edges, count, level = mesh.y_nodes, 0, 0
    for row, deep in enumerate(wanted):
        while level < deep:
            level += 1
            edges = joined(edges, mesh.dy.min() * 2.0**level)
        blocks[row] = count + np.searchsorted(edges, mesh.y_centres)
        count = blocks[row].max() + 1
    return blocks


def joined(edges: np.ndarray, width: float) -> np.ndarray:
    """Those of the edges that lie `width` or more from the last one kept, and the last edge."""
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] >= width:
            kept.append(edge)
    kept[-1] = edges[-1]
    return np.array(kept)


def station_mesh(
    survey: jaxmt.Survey,
    low: float,
    high: float,
    *,
    first_row: float = 0.25,
    column: float = 1.0,
    growth: float = 0.12,
    spread: float = 0.8,
) -> jaxmt.Mesh:
    """Columns and rows in parts of the shortest skin depth, which is that of `low` ohm m.

    - `low`, `high`: ohm m; the skin depth of `high` at the lowest frequency sets how far the mesh reaches.
    - `first_row`, `column`: height of the first row, and width of the column that each station stands in
      the middle of, over the shortest skin depth.
    - `growth`: of the rows. `spread`: of the columns between stations.
    """
    short, long = skin_depth(low, survey.frequencies.max()), skin_depth(high, survey.frequencies.min())
    z = graded_nodes([0.0, 5 * long], [(0.0, first_row * short)], growth)
    stations = np.unique(survey.stations)
    width = np.minimum(column * short, 0.5 * np.min(np.diff(stations), initial=2 * column * short))
    edges = np.sort(np.concatenate([stations - width / 2, stations + width / 2]))
    line = graded_nodes(list(edges), [(float(s), float(width)) for s in stations], spread)
    pad = graded_nodes([0.0, 8 * long], [(0.0, float(width))], 2 * growth)[1:]
    y = np.concatenate([line[0] - pad[::-1], line, line[-1] + pad])
    return jaxmt.Mesh(y, z).with_air(8 * long, growth=2.0)
