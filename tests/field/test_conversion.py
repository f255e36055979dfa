"""What `jaxmt convert` writes is read back."""

import csv
import dataclasses

import numpy as np
import pytest
from soundings import two_dimensional

import jaxmt
from jaxmt.field import Line
from jaxmt.field.command import main
from jaxmt.field.file_names import unique

SITES = ("S0", "S1", "S2", "S3")


def convert(source, to, out, *told):
    return main(["convert", str(source), "--to", to, "-o", str(out), *told])


def model(folder):
    """What is stored of an inversion, with its mesh and section."""
    stored = jaxmt.io.read_results(folder / "l2" / "model.npz")
    assert stored.mesh is not None
    assert stored.resistivity is not None
    assert stored.predicted is not None
    return stored, stored.mesh, stored.resistivity, stored.predicted


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_stations_as_edi(survey, tmp_path):
    assert convert(survey, "edi", tmp_path / "out") == 0
    again, first = jaxmt.io.read(tmp_path / "out").sites, jaxmt.io.read(survey).sites
    assert [site.name for site in again] == list(SITES)
    for a, b in zip(again, first, strict=True):
        # Thirteen digits are printed.
        np.testing.assert_allclose(a.z, b.z, rtol=1e-11)
        np.testing.assert_allclose(a.tipper, b.tipper, atol=1e-11)


def test_stations_as_a_list_of_modem(survey, tmp_path):
    assert convert(survey, "modem", tmp_path / "list.dat") == 0
    again = jaxmt.io.read_modem_sites(tmp_path / "list.dat")
    # Ten digits are printed.
    np.testing.assert_allclose(again[2].z, jaxmt.io.read(survey).sites[2].z, rtol=1e-8, atol=1e-12)


def test_stations_as_a_table(survey, tmp_path):
    assert convert(survey, "csv", tmp_path / "table.csv") == 0
    first = jaxmt.io.read(survey).sites[0]
    found = rows(tmp_path / "table.csv")[0]
    assert (found["station"], float(found["frequency_hz"])) == ("S0", first.frequencies[0])
    assert complex(float(found["z_xy_real_ohm"]), float(found["z_xy_imag_ohm"])) == first.z[0, 0, 1]


@pytest.mark.parametrize(("to", "name"), [("occam2d", "line.dat"), ("netcdf", "line.nc")])
def test_stations_become_a_line_as_an_inversion_takes_it(to, name, survey, tmp_path):
    if to == "netcdf":
        pytest.importorskip("xarray")
    told = ["--strike", "0", "--per-decade", "1", "--stations", "S[012]"]
    assert convert(survey, to, tmp_path / name, *told) == 0
    line = Line.read(survey, strike=0.0, per_decade=1, stations=("S[012]",))
    path = tmp_path / name
    data = jaxmt.io.read_occam2d(path) if to == "occam2d" else jaxmt.io.read_results(path).data
    assert data.survey.names == SITES[:3]
    # Nine digits are printed.
    np.testing.assert_allclose(data.values[:4], line.data.values[:4], rtol=1e-7)
    if to == "occam2d":
        # And back: a line is data along a profile already.
        assert convert(path, "modem", tmp_path / "again.dat") == 0
        again = jaxmt.io.read_modem(tmp_path / "again.dat")
        np.testing.assert_allclose(again.values[:4], line.data.values[:4], rtol=1e-6)


def test_stations_are_written_as_they_were_chosen_and_placed(survey, tmp_path, capsys):
    places = "name,latitude,longitude\n" + "".join(f"S{k},-10,{20 + k}\n" for k in range(4))
    (tmp_path / "places.csv").write_text(places)
    told = ["--positions", str(tmp_path / "places.csv"), "--drop", "S1", "--line", "A"]
    assert convert(survey, "edi", tmp_path / "out", *told) == 0
    again = jaxmt.io.read(tmp_path / "out").sites
    assert [(site.name, site.latitude, site.longitude) for site in again] == [
        ("S0", -10.0, 20.0),
        ("S2", -10.0, 22.0),
        ("S3", -10.0, 23.0),
    ]
    assert "positions, all: 4 from the table" in capsys.readouterr().out
    assert convert(survey, "csv", tmp_path / "out.csv", "--stations", "S[01]") == 0
    assert {row["station"] for row in rows(tmp_path / "out.csv")} == {"S0", "S1"}


@pytest.mark.parametrize("to", ["edi", "modem", "csv"])
def test_options_that_would_change_stations_are_refused(to, survey, tmp_path, capsys):
    for told in (["--band", "1", "10"], ["--remove", "skew"], ["--strike", "3"]):
        assert convert(survey, to, tmp_path / "out", *told) == 2
        assert f"written as they were measured: leave {told[0]} out" in capsys.readouterr().err
    assert convert(survey, to, tmp_path / "out", "--line", "all") == 2
    assert "--line all is for lines" in capsys.readouterr().err


def test_every_line_is_written_and_what_was_done_is_said(tmp_path, capsys):
    for row in range(2):
        for k in range(4):
            place = {"latitude": 0.2 * row, "longitude": 0.02 * k}
            site = dataclasses.replace(two_dimensional(f"{'PQ'[row]}{k}", arrow=0.2), **place)
            # An electric channel of the wrong sign, which is mended.
            site = dataclasses.replace(site, z=-site.z) if site.name == "P2" else site
            (tmp_path / "EDI").mkdir(exist_ok=True)
            jaxmt.io.write_edi(tmp_path / "EDI" / f"{site.name}.edi", site)
    assert convert(tmp_path / "EDI", "occam2d", tmp_path / "out", "--line", "all") == 0
    said = capsys.readouterr().out
    assert "sign, P2: channels Ex and Ey (all of Z) multiplied by -1" in said
    for line in "PQ":
        data = jaxmt.io.read_occam2d(tmp_path / "out" / f"EDI-{line}.dat")
        assert data.survey.names == tuple(f"{line}{k}" for k in range(4))
    assert convert(tmp_path / "EDI", "occam2d", tmp_path / "one.dat", "--line", "Q") == 0
    assert jaxmt.io.read_occam2d(tmp_path / "one.dat").survey.names == ("Q0", "Q1", "Q2", "Q3")


def test_results_as_everything_that_takes_them(inverted, tmp_path):
    stored, _, section, predicted = model(inverted)
    assert convert(inverted, "modem", tmp_path / "modem") == 0
    _, resistivity = jaxmt.io.read_modem_model(tmp_path / "modem" / "l2.rho")
    # Logarithms are printed to a few digits.
    np.testing.assert_allclose(np.log(resistivity), np.log(section), atol=1e-4)
    assert int(jaxmt.io.read_modem(tmp_path / "modem" / "l2.dat").mask.sum()) == stored.data.mask.sum()
    assert convert(inverted, "occam2d", tmp_path / "data.dat") == 0
    assert int(jaxmt.io.read_occam2d(tmp_path / "data.dat").mask.sum()) == stored.data.mask.sum()
    assert convert(inverted, "csv", tmp_path / "csv") == 0
    cells = rows(tmp_path / "csv" / "l2_section.csv")
    np.testing.assert_array_equal([float(cell["resistivity_ohm_m"]) for cell in cells], section.ravel())
    data = rows(tmp_path / "csv" / "l2_data.csv")
    np.testing.assert_array_equal([float(d["value"]) for d in data], stored.data.values[stored.data.mask])
    np.testing.assert_array_equal([float(d["predicted"]) for d in data], predicted[stored.data.mask])


def test_results_as_vtk(inverted, tmp_path):
    _, mesh, section, _ = model(inverted)
    assert convert(inverted / "l2" / "model.npz", "vtk", tmp_path / "section.vtk") == 0
    words = (tmp_path / "section.vtk").read_text().split()
    x, z = words.index("X_COORDINATES"), words.index("Z_COORDINATES")
    n_y, n_z = int(words[x + 1]), int(words[z + 1])
    np.testing.assert_array_equal([float(w) for w in words[x + 3 : x + 3 + n_y]], mesh.y_nodes)
    heights = [float(w) for w in words[z + 3 : z + 3 + n_z]]
    np.testing.assert_array_equal(heights, -mesh.earth_nodes[::-1])
    start = words.index("default") + 1
    cells = np.array([float(w) for w in words[start : start + (n_y - 1) * (n_z - 1)]])
    np.testing.assert_array_equal(cells.reshape(n_z - 1, n_y - 1)[::-1], section)


@pytest.mark.parametrize(
    ("what", "to", "message"),
    [
        ("survey", "vtk", "holds stations; vtk takes the section of a folder of results."),
        ("inverted", "edi", "holds results; edi takes stations with whole tensors"),
    ],
)
def test_what_a_format_cannot_take_is_said(what, to, message, request, tmp_path, capsys):
    assert convert(request.getfixturevalue(what), to, tmp_path / "out") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_there_is_replaced_by_force_alone(survey, tmp_path, capsys):
    (tmp_path / "table.csv").write_text("mine")
    assert convert(survey, "csv", tmp_path / "table.csv") == 1
    assert "table.csv exists. Give another -o, or replace it with --force." in capsys.readouterr().err
    assert (tmp_path / "table.csv").read_text() == "mine"
    assert convert(survey, "csv", tmp_path / "table.csv", "--force") == 0


def test_files_of_stations_with_one_name_do_not_meet():
    assert unique(["A", "B/C", "A", "A"]) == ["A", "B_C", "A-2", "A-3"]
