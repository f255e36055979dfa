"""What `jaxmt convert` writes is read back."""

import csv
import dataclasses
import json
import shutil
import warnings

import numpy as np
import pytest
from soundings import two_dimensional

import jaxmt
from jaxmt.conventions import MU_0
from jaxmt.field import Line, export, source
from jaxmt.field.command import main
from jaxmt.field.conversion import SUFFIXES
from jaxmt.field.file_names import unique
from jaxmt.field.folder import Folder
from jaxmt.field.store import read_line
from jaxmt.io.occam2d_writer import FILES as OCCAM2D

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
    stored, mesh, section, predicted = model(inverted)
    assert convert(inverted, "modem", tmp_path / "modem") == 0
    _, resistivity = jaxmt.io.read_modem_model(tmp_path / "modem" / "l2.rho")
    # Logarithms are printed to a few digits.
    np.testing.assert_allclose(np.log(resistivity), np.log(section), atol=1e-4)
    assert int(jaxmt.io.read_modem(tmp_path / "modem" / "l2.dat").mask.sum()) == stored.data.mask.sum()
    assert convert(inverted, "occam2d", tmp_path / "occam2d") == 0
    data, *parts = (tmp_path / "occam2d" / name for name in OCCAM2D)
    assert int(jaxmt.io.read_occam2d(data).mask.sum()) == stored.data.mask.sum()
    again, resistivity = jaxmt.io.read_occam2d_model(*parts)
    np.testing.assert_allclose(
        np.log10(resistivity[:, again.columns(mesh.y_centres)]), np.log10(section), atol=1e-8
    )
    assert convert(inverted, "csv", tmp_path / "csv") == 0
    cells = rows(tmp_path / "csv" / "l2_section.csv")
    np.testing.assert_array_equal([float(cell["resistivity_ohm_m"]) for cell in cells], section.ravel())
    data = rows(tmp_path / "csv" / "l2_data.csv")
    np.testing.assert_array_equal([float(d["value"]) for d in data], stored.data.values[stored.data.mask])
    np.testing.assert_array_equal([float(d["predicted"]) for d in data], predicted[stored.data.mask])
    # The stations lie on the equator, 0.02 degrees apart.
    places = sorted({(float(d["latitude_deg"]), float(d["longitude_deg"])) for d in data})
    np.testing.assert_allclose(places, [(0.0, 0.02 * k) for k in range(4)], atol=1e-9)
    assert {cell["epsg"] for cell in cells} == {"32631"}


def test_results_as_edi(inverted, tmp_path, capsys):
    stored, _, _, predicted = model(inverted)
    assert convert(inverted, "edi", tmp_path / "out") == 0
    line = read_line(Folder.open(inverted))
    assert f"in the axes of the strike, {line.strike:.6g} degrees" in capsys.readouterr().out
    with warnings.catch_warnings():
        # They say that their axes are not north and east.
        warnings.simplefilter("ignore", UserWarning)
        read = {part: jaxmt.io.read(tmp_path / "out" / part).sites for part in ("processed", "predicted")}
    rows = {"processed": stored.data.values, "predicted": predicted}
    for part, sites in read.items():
        assert {site.name for site in sites} == set(SITES)
        for site in sites:
            longitude = 0.02 * SITES.index(site.name)
            assert (site.latitude, site.longitude) == (pytest.approx(0.0), pytest.approx(longitude))
            k = stored.data.survey.names.index(site.name)
            np.testing.assert_allclose(np.sin(np.deg2rad(site.azimuth - line.strike)), 0.0, atol=1e-9)
            there = np.isfinite(rows[part][0, :, k])
            rho = np.abs(site.z[:, 0, 1]) ** 2 / (2 * np.pi * site.frequencies * MU_0)
            # Thirteen digits are printed.
            np.testing.assert_allclose(np.log10(rho), rows[part][0, there, k], atol=1e-10)
            assert np.isnan(site.z[:, 0, 0]).all()
            assert np.isfinite(site.z_error[:, 0, 1]).all() == (part == "processed")


def test_results_as_netcdf_and_geojson(inverted, tmp_path):
    xarray = pytest.importorskip("xarray", reason="needs the extra jaxmt[io]")
    stored, mesh, section, _ = model(inverted)
    assert convert(inverted, "netcdf", tmp_path / "run.nc") == 0
    with xarray.open_dataset(tmp_path / "run.nc") as found:
        np.testing.assert_array_equal(found["resistivity"], section)
        np.testing.assert_array_equal(found["y"], mesh.y_centres)
        np.testing.assert_allclose(np.sort(found["station_longitude"]), [0, 0.02, 0.04, 0.06], atol=1e-9)
        assert found["crs"].attrs["grid_mapping_name"] == "transverse_mercator"
    np.testing.assert_array_equal(
        jaxmt.io.read_results(tmp_path / "run.nc").data.values, stored.data.values
    )
    assert convert(inverted, "geojson", tmp_path / "run.geojson") == 0
    features = json.loads((tmp_path / "run.geojson").read_text())["features"]
    assert {f["properties"]["name"] for f in features[:4]} == set(SITES)
    assert features[4]["geometry"]["type"] == "LineString"


def test_results_as_mare2dem(inverted, tmp_path):
    assert convert(inverted, "mare2dem", tmp_path / "out") == 0
    names = {f.name for f in (tmp_path / "out").iterdir()}
    assert names == {"l2.emdata", "l2.poly", "l2.penalty", "l2.0.resistivity", "mare2dem.settings"}
    assert "UTM of x,y origin" in (tmp_path / "out" / "l2.emdata").read_text()


def test_a_run_of_all_lines_is_converted_line_by_line(inverted, tmp_path):
    shutil.copytree(inverted, tmp_path / "all" / "P")
    shutil.copytree(inverted, tmp_path / "all" / "Q")
    shutil.copy(inverted / "run.toml", tmp_path / "all")
    assert convert(tmp_path / "all", "occam2d", tmp_path / "out") == 0
    for line in "PQ":
        assert {f.name for f in (tmp_path / "out" / f"{line}-l2").iterdir()} == set(OCCAM2D)


@pytest.mark.parametrize("to", ["modem", "occam2d", "mare2dem", "edi", "csv"])
def test_a_file_where_a_folder_is_needed_is_refused_before_the_work(
    to, inverted, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("jaxmt.field.conversion.source_of", None)
    assert convert(inverted, to, tmp_path / f"x{SUFFIXES[to][0]}") == 2
    assert f"{to} writes several files here: -o must be a folder, not" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", SUFFIXES)
def test_a_name_with_an_ending_is_that_of_a_file_of_the_format(to, survey, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jaxmt.field.conversion.source_of", None)
    assert convert(survey, to, tmp_path / "x.modem") == 2
    said = capsys.readouterr().err
    assert f"x.modem: a file of {to} must end in {SUFFIXES[to][0]}" in said
    assert f"Give {tmp_path / 'x'}{SUFFIXES[to][0]}, or a folder" in said
    assert not list(tmp_path.iterdir())


def test_edi_files_of_a_folder_go_to_a_folder(survey, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jaxmt.field.conversion.source_of", None)
    assert convert(survey, "edi", tmp_path / "x.edi") == 2
    assert "edi writes several files here: -o must be a folder" in capsys.readouterr().err


def test_of_a_conversion_that_fails_nothing_stays_but_what_was_there(inverted, tmp_path, monkeypatch):
    def full(path, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write_section_csv", full)
    assert convert(inverted, "csv", tmp_path / "new") == 1
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "mine.txt").write_text("mine")
    (tmp_path / "old" / "l2_section.csv").write_text("before")
    assert convert(inverted, "csv", tmp_path / "old", "--force") == 1
    assert {file.name: file.stat().st_size for file in (tmp_path / "old").iterdir()} == {
        "mine.txt": 4,
        "l2_section.csv": 6,
    }


def test_the_folder_of_one_inversion_is_no_run(inverted, capsys):
    assert main(["report", str(inverted / "l2")]) == 1
    assert f"holds one inversion of the run in {inverted}. Give the folder" in capsys.readouterr().err


def test_the_line_of_a_run_is_read_once(inverted, tmp_path, monkeypatch):
    run, read = tmp_path / "run", []
    shutil.copytree(inverted, run)
    shutil.copytree(run / "l2", run / "huber")
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "misfits": ["l2", "huber"]}))
    monkeypatch.setattr(source, "read_line", lambda folder: read.append(folder) or read_line(folder))
    assert len(source.source_of(run, {}).inversions) == 2
    assert len(read) == 1


def test_what_cannot_be_written_is_said_before_anything_is_read(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jaxmt.field.conversion.source_of", None)
    (tmp_path / "data").mkdir()
    (tmp_path / "file").write_text("mine")
    for out, status, text in (
        (tmp_path / "file" / "out", 2, "is a file, not a folder"),
        (tmp_path / "file", 1, "exists. Give another -o, or replace it with --force"),
        (tmp_path / "x.txt", 2, "a file of netcdf must end in .nc. Give"),
    ):
        assert convert(tmp_path / "data", "netcdf", out) == status
        said = capsys.readouterr().err
        assert text in said
        assert len(said.splitlines()) == 1
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert convert(tmp_path / "data", "csv", tmp_path / "out") == 1
    assert f"nothing can be written to {tmp_path}" in capsys.readouterr().err


def test_hostile_names_are_replaced_with_a_note(tmp_path, capsys):
    names = ("a/b,c", "3*A", "<script>$b_{$c", "a/b,c")
    sites = [
        dataclasses.replace(two_dimensional(name, arrow=0.2), longitude=0.02 * k)
        for k, name in enumerate(names)
    ]
    (tmp_path / "EDI").mkdir()
    for k, site in enumerate(sites):
        jaxmt.io.write_edi(tmp_path / "EDI" / f"{k}.edi", site)
    assert convert(tmp_path / "EDI", "modem", tmp_path / "list.dat") == 0
    said = capsys.readouterr().out
    assert "Note: names that modem cannot hold are written otherwise: 'a/b,c' is 'a_b_c'" in said
    assert len(jaxmt.io.read_modem_sites(tmp_path / "list.dat")) == 4
    assert convert(tmp_path / "EDI", "edi", tmp_path / "out") == 0
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert convert(tmp_path / "EDI", "geojson", tmp_path / "out.geojson") == 0
    features = json.loads((tmp_path / "out.geojson").read_text())["features"]
    assert {f["properties"]["name"] for f in features} == set(names)


def test_results_as_vtk_in_their_true_place(inverted, tmp_path):
    _, mesh, section, _ = model(inverted)
    assert convert(inverted / "l2" / "model.npz", "vtk", tmp_path / "section.vtk") == 0
    text = (tmp_path / "section.vtk").read_text()
    words = text.split()
    shape = (mesh.n_earth + 1, mesh.n_y + 1)
    assert "WGS 84 / UTM zone 31N" in text.splitlines()[1]
    start = words.index("POINTS") + 3
    points = np.array([float(w) for w in words[start : start + 3 * shape[0] * shape[1]]]).reshape(*shape, 3)
    # Elevations are 100 to 103 m; z = 0 is at their mean.
    np.testing.assert_allclose(points[:, 0, 2], 101.5 - mesh.earth_nodes[::-1])
    # UTM shortens lengths by 0.04 % on the meridian of its zone and less so towards its edge.
    lengths = np.linalg.norm(np.diff(points[0, :, :2], axis=0), axis=1)
    np.testing.assert_allclose(lengths, mesh.dy, rtol=2e-3)
    start = words.index("default") + 1
    cells = np.array([float(w) for w in words[start : start + mesh.n_y * mesh.n_earth]])
    np.testing.assert_array_equal(cells.reshape(mesh.n_earth, mesh.n_y)[::-1], section)


@pytest.fixture
def alone(inverted, tmp_path):
    """A file of results outside its run."""
    shutil.copy(inverted / "l2" / "model.npz", tmp_path / "model.npz")
    return tmp_path / "model.npz"


@pytest.mark.parametrize(
    ("what", "to", "message"),
    [
        ("survey", "vtk", "holds stations; vtk takes the section of a folder of results."),
        ("alone", "edi", "nobody knows the strike of model"),
        ("alone", "geojson", "nobody says where the stations are"),
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


def test_names_of_files_that_some_system_cannot_hold():
    """A zero byte ends a name, 255 bytes are the most, and some systems tell no capitals."""
    assert len("".join(unique(["\u96fb" * 80])).encode()) < 255 - len(".edi")
    assert unique(["a\0b\n", "..", "x" * 300, "S1", "s1", 'q"?', "nul", "\ud800"]) == [
        "a_b_",
        "station",
        "x" * 80,
        "S1",
        "s1-2",
        "q__",
        "nul_",
        "_",
    ]
