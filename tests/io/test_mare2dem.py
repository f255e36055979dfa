"""Files of MARE2DEM: data back to the digits printed, and a graph that fills the plane."""

import exports
import numpy as np
import pytest

from jaxmt import Mesh
from jaxmt.conventions import PHASE, RHO, TIPPER
from jaxmt.io import write_emdata, write_mare2dem_run
from jaxmt.io.bricks import ASPECT, FARTHER, Bricks

CODES = {123: RHO[0], 104: PHASE[0], 125: RHO[1], 106: PHASE[1], 133: TIPPER[0], 134: TIPPER[1]}


def blocks(path):
    """The lines after each `# NAME: COUNT` of a data file, comments left out, and the other keys."""
    found, keys, current = {}, {}, None
    for line in path.read_text().splitlines():
        assert len(line) <= 180, "MARE2DEM reads so many characters"
        if line.startswith("!"):
            continue
        if ":" in line:
            key, _, value = line.partition(":")
            current = key.strip().lower()
            keys[current], found[current] = value.strip(), []
        else:
            found[str(current)].append(line.split())
    for key in ("# mt frequencies", "# mt receivers", "# data"):
        assert len(found[key]) == int(keys[key])
    return found, keys


def test_data_come_back(tmp_path):
    data = exports.data(("A", "B 2", "x/y,z"))
    write_emdata(tmp_path / "out.emdata", data)
    found, keys = blocks(tmp_path / "out.emdata")
    assert keys["format"] == "EMData_2.2"
    np.testing.assert_allclose([float(f) for (f,) in found["# mt frequencies"]], data.survey.frequencies)
    receivers = found["# mt receivers"]
    # To the millimetre, and 0.1 m below the ground.
    np.testing.assert_allclose([float(row[1]) for row in receivers], data.survey.stations, atol=5e-4)
    assert {float(row[2]) for row in receivers} == {0.1}
    assert [row[8] for row in receivers] == ["A", "B_2", "x_y_z"]
    values, errors = np.full(data.values.shape, np.nan), np.full(data.values.shape, np.nan)
    for row in found["# data"]:
        kind, f, transmitter, s = (int(n) for n in row[:4])
        assert transmitter == s
        values[CODES[kind], f - 1, s - 1], errors[CODES[kind], f - 1, s - 1] = map(float, row[4:])
    # Nine digits are printed.
    np.testing.assert_allclose(values, data.values, rtol=5e-9)
    np.testing.assert_allclose(errors[data.mask], data.errors[data.mask], rtol=5e-9)


def test_the_origin_is_stated_in_utm(tmp_path):
    place = exports.place()
    write_emdata(tmp_path / "out.emdata", exports.data(), place)
    _, keys = blocks(tmp_path / "out.emdata")
    zone, north, east, strike = keys["utm of x,y origin (utm zone, n, e, 2d strike)"].split()
    assert (zone, float(strike)) == ("54S", 20.0)
    # PROJ 9 has 7510715.070 N, 314839.150 E for 22.5 S, 139.2 E; 50 m north, 20 m west of it, turned by the
    # convergence of the meridians, 0.69 degrees: to a metre.
    assert (float(north), float(east)) == (
        pytest.approx(7510715.07 + 50, abs=1.0),
        pytest.approx(314839.15 - 20, abs=1.0),
    )


def test_the_bricks_are_the_cells():
    mesh, section = exports.mesh(), exports.section()
    bricks = Bricks.of(mesh, section)
    wide = mesh.dy[bricks.column] > ASPECT * (bricks.bottom - bricks.top[:, 0])
    assert not wide[bricks.bottom < mesh.earth_nodes[-1]].any()
    # Mean log10 of each column by height is kept where cells are joined, single ones are exact.
    for j in range(mesh.n_y):
        own = bricks.column == j
        heights = np.minimum(bricks.bottom[own], mesh.earth_nodes[-1]) - bricks.top[own, 0]
        mean = np.average(np.log(bricks.resistivity[own]), weights=heights)
        assert mean == pytest.approx(np.average(np.log(section[:, j]), weights=mesh.dz), rel=1e-12)
    assert bricks.resistivity.size < section.size
    inner = bricks.resistivity[bricks.column == 3]
    np.testing.assert_array_equal(inner, section[:, 3])
    assert (bricks.left.min(), bricks.right.max()) == (-30e3 - FARTHER, 30e3 + FARTHER)


HILL = [0.0, 0.0, 100.0, 400.0, 600.0, 300.0, 0.0, 0.0, 0.0]
"""Depth of the ground at the nodes, m."""


@pytest.mark.parametrize("surface", [None, HILL])
def test_the_graph_fills_the_plane(surface):
    """Corners less sides plus regions is 1 for a connected planar graph (Euler)."""
    mesh = exports.mesh(surface=surface)
    bricks = Bricks.of(mesh, np.where(mesh.air, np.nan, exports.section()))
    wide = mesh.dy[bricks.column] > ASPECT * (bricks.bottom - bricks.top.max(axis=1))
    assert not wide[bricks.bottom < mesh.earth_nodes[-1]].any()
    # As much ground as the mesh has, and what lies farther.
    area = np.sum((bricks.bottom - bricks.top.mean(axis=1)) * (bricks.right - bricks.left))
    wide = np.diff(mesh.y_nodes)
    wide[[0, -1]] += FARTHER
    ground = mesh.earth_nodes[-1] + FARTHER - 0.5 * (mesh.surface[1:] + mesh.surface[:-1])
    assert area == pytest.approx(np.sum(wide * ground), rel=1e-12)
    nodes, sides = bricks.graph()
    assert len(nodes) - len(sides) + bricks.resistivity.size + 1 == 1
    assert len(set(sides)) == len(sides)
    # No corner lies inside a side.
    for a, b in sides:
        (y, z), (v, w) = nodes[a], nodes[b]
        on = [n for n in nodes if min(y, v) <= n[0] <= max(y, v) and min(z, w) <= n[1] <= max(z, w)]
        # Rounding only: a product of lengths.
        assert sum(abs((n[0] - y) * (w - z) - (n[1] - z) * (v - y)) < 1e-6 for n in on) == 2


def test_sea_is_fixed_and_kept_apart():
    sea = np.zeros(exports.mesh().shape, bool)
    sea[0, 5:] = True
    bricks = Bricks.of(exports.mesh(), np.where(sea, 0.3, exports.section()), sea)
    assert (bricks.resistivity[bricks.fixed] == 0.3).all()
    assert bricks.fixed.sum() == sea.sum()
    numbers = bricks.numbers
    assert (numbers[bricks.fixed] == 0).all()
    np.testing.assert_array_equal(numbers[~bricks.fixed], 1 + np.arange(np.count_nonzero(~bricks.fixed)))
    pairs, _ = bricks.penalties()
    assert min(min(pair) for pair in pairs) == 1


def test_a_uniform_section_has_no_penalty_and_every_neighbour_counts():
    mesh = Mesh(np.arange(5.0), np.array([-1.0, 0.0, 1.0, 2.0, 3.0]))
    bricks = Bricks.of(mesh, np.full(mesh.shape, 10.0))
    pairs, weights = bricks.penalties()
    # 4 x 3 cells: 4 x 2 pairs above each other, 3 x 3 side by side.
    assert len(pairs) == len(set(map(frozenset, pairs))) == 17
    inner = [w for (a, b), w in zip(pairs, weights, strict=True) if {a, b} == {5, 8}]
    # Cells of a metre share a metre, a metre apart.
    assert inner == [pytest.approx(1.0)]


def test_the_files_agree_with_each_other(tmp_path):
    write_mare2dem_run(
        tmp_path, exports.data(), exports.mesh(), exports.section(), name="my line", target=1.1
    )
    bricks = Bricks.of(exports.mesh(), exports.section())
    names = {f.name for f in tmp_path.iterdir()}
    parts = {f"my_line{end}" for end in (".emdata", ".poly", ".penalty", ".0.resistivity")}
    assert names == parts | {"mare2dem.settings"}
    lines = (tmp_path / "my_line.0.resistivity").read_text().splitlines()
    told = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines if ":" in line)}
    assert (told["Model File"], told["Data File"]) == ("my_line.poly", "my_line.emdata")
    assert (told["Penalty File"], told["Settings File"]) == ("my_line.penalty", "mare2dem.settings")
    assert (float(told["Target Misfit"]), told["Format"]) == (1.1, "mare2dem_1.1")
    rows = [line.split() for line in lines[lines.index(next(x for x in lines if x[0] == "!")) + 1 :]]
    assert len(rows) == int(told["Number of regions"]) == bricks.resistivity.size + 1
    assert (float(rows[0][1]), int(rows[0][2])) == (1e12, 0)
    # Eleven digits are printed.
    np.testing.assert_allclose([float(r[1]) for r in rows[1:]], bricks.resistivity, rtol=1e-10)
    poly = [line.split() for line in (tmp_path / "my_line.poly").read_text().splitlines()]
    nodes = int(poly[0][0])
    sides = int(poly[nodes + 1][0])
    assert poly[nodes + sides + 2] == ["0"]
    regions = poly[nodes + sides + 4 :]
    assert len(regions) == int(poly[nodes + sides + 3][0]) == len(rows)
    for k, (number, y, z, attribute, area) in enumerate(regions):
        assert (int(number), int(attribute), int(area)) == (k + 1, k + 1, -1)
        inside = (bricks.left < float(y)) & (float(y) < bricks.right)
        inside &= (bricks.top[:, 0] < float(z)) & (float(z) < bricks.bottom)
        assert np.flatnonzero(inside).tolist() == ([k - 1] if k else [])
    penalty = (tmp_path / "my_line.penalty").read_text().splitlines()
    entries, count = (int(n) for n in penalty[1].split())
    assert entries == 2 * count
    starts = [int(n) for n in penalty[2 + entries :]]
    assert starts == list(range(1, entries + 2, 2))


def test_what_cannot_be_a_model(tmp_path):
    section = exports.section()
    section[0, 0] = np.nan
    with pytest.raises(ValueError, match="positive and finite, .* 1 values that are not"):
        write_mare2dem_run(tmp_path / "out", exports.data(), exports.mesh(), section)
    assert not (tmp_path / "out").exists()
