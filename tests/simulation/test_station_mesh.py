import numpy as np

import jaxmt
from jaxmt.conventions import skin_depth

SURVEY = jaxmt.Survey([10.0, 1.0], [-2e3, 0.0, 3e3], names=("A", "B", "C"))


def test_every_station_stands_in_the_middle_of_a_fine_column():
    mesh = jaxmt.station_mesh(SURVEY, 10.0, 100.0)
    short = skin_depth(10.0, 10.0)
    column = np.searchsorted(mesh.y_nodes, SURVEY.stations) - 1
    np.testing.assert_allclose(mesh.y_centres[column], SURVEY.stations, atol=1e-6)
    np.testing.assert_allclose(mesh.dy[column], short, rtol=1e-9)
    # A quarter, and the growth of a row.
    assert mesh.dz[0] <= 0.28 * short
    mesh.check_stations(SURVEY)


def test_blocks_grow_with_depth_and_nest():
    mesh = jaxmt.station_mesh(SURVEY, 10.0, 100.0)
    blocks = jaxmt.growing_blocks(mesh)
    # No block spans two rows, and the first rows have one for each column.
    assert all(np.intersect1d(a, b).size == 0 for a, b in zip(blocks[:-1], blocks[1:], strict=True))
    assert len(np.unique(blocks[0])) == mesh.n_y
    edges = [set(np.flatnonzero(np.diff(row))) for row in blocks]
    assert all(lower <= upper for upper, lower in zip(edges[:-1], edges[1:], strict=True))
    for row, z in zip(blocks, mesh.z_centres, strict=True):
        widths = np.bincount(row - row.min(), mesh.dy)
        # Wanted is half the depth, rounded down to a power of two of the finest column.
        assert z / 2 < mesh.dy.min() or np.all(widths >= z / 4 * (1 - 1e-9))
