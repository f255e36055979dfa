"""The files that Occam2D starts from: read back, and the counts that its format wants."""

import dataclasses

import exports
import numpy as np
import pytest

from jaxmt.io import read_occam2d, read_occam2d_model, write_occam2d_run
from jaxmt.io.occam2d_writer import DATA, MESH, MODEL, STARTUP

MODEL_FILES = (MESH, MODEL, STARTUP)


def written(folder, data=None, **changes):
    data = exports.data() if data is None else data
    write_occam2d_run(folder, data, exports.mesh(), exports.section(), **changes)
    return [(folder / name).read_text().splitlines() for name in MODEL_FILES]


def options(lines):
    return {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_the_section_comes_back(tmp_path):
    written(tmp_path)
    mesh, resistivity = read_occam2d_model(*(tmp_path / name for name in MODEL_FILES))
    ours = exports.mesh()
    columns = mesh.columns(ours.y_centres)
    # Eight digits after the point of log10.
    np.testing.assert_allclose(np.log10(resistivity[:, columns]), np.log10(exports.section()), atol=1e-8)
    np.testing.assert_allclose(mesh.earth_nodes, ours.earth_nodes, atol=1e-5)
    # All our nodes are there, and a node under each station, where Occam2D puts its sites.
    for y in (*ours.y_nodes, *exports.STATIONS):
        assert np.abs(mesh.y_nodes - y).min() < 1e-5
    assert mesh.n_y == ours.n_y + 2
    data = read_occam2d(tmp_path / DATA)
    np.testing.assert_allclose(data.survey.stations, exports.STATIONS, atol=5e-4)


def test_the_counts_of_the_format(tmp_path):
    mesh, model, startup = written(tmp_path, target=1.2, iterations=17)
    rows, columns = exports.mesh().shape
    assert [int(n) for n in mesh[1].split()] == [0, columns + 2 + 1, rows + 1, 0, 0, 2]
    cells = mesh[mesh.index("   0") + 1 :]
    assert (len(cells), {len(line) for line in cells}) == (4 * rows, {columns + 2})
    assert set("".join(cells)) == {"?"}
    told = options(model)
    assert (told["format"], told["mesh file"], told["mesh type"]) == ("OCCAM2MTMOD_1.0", MESH, "PW2D")
    assert (int(told["num layers"]), int(told["no. exceptions"])) == (rows, 0)
    layers = model[9:-1]
    assert len(layers) == 2 * rows
    for head, spans in zip(layers[::2], layers[1::2], strict=True):
        thick, blocks = (int(n) for n in head.split())
        assert (thick, blocks) == (1, columns)
        assert sum(int(n) for n in spans.split()) == columns + 2
    # The binding offset is the right edge of the first block.
    assert float(told["binding offset"]) == exports.Y_NODES[1]
    told = options(startup)
    assert (told["format"], told["model file"], told["data file"]) == ("OCCAMITER_FLEX", MODEL, DATA)
    assert (float(told["target misfit"]), int(told["iterations to run"])) == (1.2, 17)
    assert int(told["param count"]) == rows * columns
    values = startup[[line.startswith("Param") for line in startup].index(True) + 1 :]
    assert len(" ".join(values).split()) == rows * columns


def test_a_title_and_names_that_the_files_cannot_hold(tmp_path):
    mesh, model, startup = written(tmp_path, exports.data(("a\0b", "c\nd", " ")), title="x\n" * 300)
    assert all(len(line) <= 80 for line in (mesh[0], *model[:9], *startup[:19]))
    assert read_occam2d(tmp_path / DATA).survey.names == ("a b", "c d", "unnamed")


def test_one_station_and_five_hundred(tmp_path):
    for stations in ([500.0], np.linspace(-7e3, 7e3, 500)):
        names = tuple(f"S{k}" for k in range(len(stations)))
        written(tmp_path, exports.data(names, stations))
        mesh, _ = read_occam2d_model(*(tmp_path / name for name in MODEL_FILES))
        off = np.abs(mesh.y_nodes[:, None] - stations).min(axis=0)
        # Closer than 1 % of a column, 4 km at most, to a node none is added.
        assert off.max() < 0.01 * 4e3
        assert len(read_occam2d(tmp_path / DATA).survey.names) == len(stations)


@pytest.mark.parametrize("value", [np.nan, -1.0, np.inf])
def test_a_section_with_values_that_are_none(tmp_path, value):
    section = exports.section()
    section[2, 3] = value
    with pytest.raises(ValueError, match=r"positive and finite.*, 1 values that are not"):
        write_occam2d_run(tmp_path / "out", exports.data(), exports.mesh(), section)
    assert not (tmp_path / "out").exists()


def test_relief_is_refused(tmp_path):
    hill = exports.mesh(surface=np.linspace(0.0, 300.0, len(exports.Y_NODES)))
    with pytest.raises(ValueError, match="must have level ground"):
        write_occam2d_run(tmp_path, exports.data(), hill, exports.section())
    data = exports.data()
    deep = dataclasses.replace(data.survey, depths=np.array([0.0, 0.0, 500.0]))
    data = dataclasses.replace(data, survey=deep)
    with pytest.raises(ValueError, match="must have level ground, and the stations on it"):
        write_occam2d_run(tmp_path, data, exports.mesh(), exports.section())
