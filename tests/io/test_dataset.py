"""Results files: exact there and back in both formats, readable without jaxmt, refused when damaged."""

import dataclasses
import json
import random
import sys

import numpy as np
import pytest
from identities import present

from jaxmt import Cells, Data, Ending, Mesh, Responses, Result, Survey
from jaxmt.io import BadFile, Results, read_results, write_results
from jaxmt.processing import Journal
from jaxmt.processing.georeference import Georeference


def results():
    generator = np.random.default_rng(6)
    survey = Survey([10.0, 1.0 / 3.0], [-5.0, 7.0, 11.0], ("te",), ("A", "B ü", "C"), [0.0, 0.5, 0.25])
    values = generator.normal(size=(6, 2, 3))
    values[2:4] = np.nan
    mesh = Mesh([0.0, 1.0, 3.0], [-2.0, 0.0, 1.0, 4.0, 9.0], [0.0, 0.5, 0.25])
    return Results(
        data=Data(survey, values, np.abs(values) + 0.1),
        predicted=generator.normal(size=(6, 2, 3)),
        mesh=mesh,
        resistivity=np.exp(generator.normal(size=mesh.shape)),
        journal=Journal().note("read", "a.edi", 'with "quotes"').note("skew", "A", "gone", 3),
        attributes={"nrms": "1.0"},
    )


@pytest.fixture(params=[".npz", ".nc"])
def suffix(request):
    if request.param == ".nc":
        pytest.importorskip("xarray", reason="needs the extra jaxmt[io]")
    return request.param


def test_there_and_back(tmp_path, suffix):
    stored = results()
    write_results(tmp_path / f"out{suffix}", stored)
    again = read_results(tmp_path / f"out{suffix}")
    assert again.data.survey == stored.data.survey
    np.testing.assert_array_equal(again.data.values, stored.data.values)
    np.testing.assert_array_equal(again.data.errors, stored.data.errors)
    np.testing.assert_array_equal(again.predicted, stored.predicted)
    np.testing.assert_array_equal(again.resistivity, stored.resistivity)
    assert again.mesh == stored.mesh
    assert again.journal == stored.journal
    assert again.attributes == stored.attributes


def test_computed_frequencies_come_back(tmp_path, suffix):
    survey = Survey(np.geomspace(100.0, 1.0, 9), [0.0], computed=np.geomspace(100.0, 1.0, 5))
    values = np.ones((6, 9, 1))
    write_results(tmp_path / f"out{suffix}", Results(data=Data(survey, values, values)))
    again = read_results(tmp_path / f"out{suffix}").data.survey
    assert again == survey
    np.testing.assert_array_equal(present(again.computed), present(survey.computed))


def test_data_alone(tmp_path, suffix):
    write_results(tmp_path / f"out{suffix}", Results(data=results().data))
    again = read_results(tmp_path / f"out{suffix}")
    assert again.mesh is None
    assert again.predicted is None
    assert len(again.journal) == 0


def test_numpy_alone_reads_and_explains_it(tmp_path):
    write_results(tmp_path / "out.npz", results())
    with np.load(tmp_path / "out.npz") as file:
        about = json.loads(str(file["about"]))
        assert about["arrays"]["resistivity"] == {
            "axes": ["earth", "y"],
            "units": "ohm m",
            "long_name": "resistivity of the earth cells",
        }
        assert set(about["arrays"]) == set(file.files) - {"about"}
    assert about["time_dependence"] == "exp(+i omega t)"


def test_what_is_no_results_file(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "text.npz").write_text("nothing")
    write_results(tmp_path / "out.npz", results())
    half = (tmp_path / "out.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(half[: len(half) // 2])
    for name in ("other.npz", "text.npz", "half.npz", "none.npz"):
        with pytest.raises(BadFile, match=f"{name} is not a file of `write_results`"):
            read_results(tmp_path / name)


@pytest.mark.parametrize("suffix", [".npz", ".nc"])
def test_damaged_results_raise_nothing_else(tmp_path, suffix):
    if suffix == ".nc":
        pytest.importorskip("xarray", reason="needs the extra jaxmt[io]")
    path = tmp_path / f"out{suffix}"
    write_results(path, results())
    whole = path.read_bytes()
    generator = random.Random(20261128)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 6)):
            # The headers of an archive stand at its ends.
            near = generator.choice((0, len(whole) - 300, generator.randrange(len(whole))))
            damaged[min(near + generator.randrange(300), len(whole) - 1)] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            read_results(path)
        except BadFile:
            refused += 1
    assert refused > 10


def test_netcdf_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"NetCDF needs the package xarray; .*suffix .npz"):
        write_results(tmp_path / "out.nc", results())
    assert not list(tmp_path.iterdir())


def test_fixed_cells_come_back(tmp_path, suffix):
    stored = results()
    fixed = np.zeros(present(stored.mesh).shape, bool)
    fixed[0, 1] = True
    write_results(tmp_path / f"out{suffix}", dataclasses.replace(stored, fixed=fixed))
    np.testing.assert_array_equal(read_results(tmp_path / f"out{suffix}").fixed, fixed)


def test_netcdf_has_the_coordinates_of_the_cf_conventions(tmp_path):
    xarray = pytest.importorskip("xarray", reason="needs the extra jaxmt[io]")
    stored = results()
    mesh = present(stored.mesh)
    place = Georeference(
        (-22.5, 139.2), (0.0, 0.0), 110.0, 20.0, *(np.array([v] * 3) for v in (-22.5, 139.2, 7.0, 0.0, 0.0))
    )
    write_results(tmp_path / "out.nc", stored, place)
    with xarray.open_dataset(tmp_path / "out.nc") as found:
        assert found.attrs["Conventions"].startswith("CF-")
        assert found["resistivity"].dims == ("depth", "y")
        np.testing.assert_array_equal(found["y"], mesh.y_centres)
        np.testing.assert_array_equal(found["depth"], mesh.z_centres)
        about = found["depth"].attrs
        assert (about["units"], about["positive"], about["standard_name"]) == ("m", "down", "depth")
        np.testing.assert_array_equal(found["depth_bounds"][:, 0], mesh.earth_nodes[:-1])
        log10 = np.log10(np.where(mesh.air, np.nan, present(stored.resistivity)))
        np.testing.assert_array_equal(found["log10_resistivity"], log10)
        chosen = found["values"].sel(component="phase_xy", frequency=10.0, station=7.0)
        assert float(chosen) == stored.data.values[1, 0, 1]
        assert str(found["station_name"].values[1]) == "B ü"
        np.testing.assert_allclose(found["period"], [0.1, 3.0])
        np.testing.assert_array_equal(found["station_elevation"], 7.0)
        # The line goes 110 degrees from north: longitudes grow, latitudes fall.
        assert (np.diff(found["longitude"]) > 0).all()
        assert (np.diff(found["latitude"]) < 0).all()
        assert found["latitude"].attrs["standard_name"] == "latitude"
        assert (int(found["crs"]), found.attrs["strike_degrees"]) == (32754, 20.0)
    again = read_results(tmp_path / "out.nc")
    np.testing.assert_array_equal(again.data.values, stored.data.values)


def test_an_inversion_becomes_a_dataset():
    pytest.importorskip("xarray", reason="needs the extra jaxmt[io]")
    stored = results()
    mesh, section = present(stored.mesh), present(stored.resistivity)
    fixed = np.zeros(mesh.shape, bool)
    fixed[2, 1] = True
    cells = Cells(mesh, fixed=fixed, values=1.0)
    result = Result(
        mesh=mesh,
        data=stored.data,
        resistivity=section,
        responses=Responses(stored.data.survey, None, None, None),
        static_shift=np.zeros((2, 3)),
        predicted=present(stored.predicted),
        nrms=1.5,
        history={"nrms": [1.5]},
        ending=Ending.TARGET,
        message="done",
        parametrisation=cells,
        parameters=cells.start(section),
    )
    found = result.to_xarray()
    np.testing.assert_array_equal(found["resistivity"], section)
    np.testing.assert_array_equal(found["predicted"], stored.predicted)
    np.testing.assert_array_equal(found["fixed"], fixed)
    assert (found.attrs["nrms"], found["log10_resistivity"].dims) == (1.5, ("depth", "y"))


def test_data_become_a_table():
    pytest.importorskip("pandas", reason="needs the extra jaxmt[io]")
    data = results().data
    table = data.to_dataframe()
    assert len(table) == data.mask.sum()
    row = table[(table["component"] == "phase_xy") & (table["station"] == "C")].iloc[1]
    assert (row["y_m"], row["frequency_hz"], row["unit"]) == (11.0, 1.0 / 3.0, "degrees")
    assert (row["value"], row["error"]) == (data.values[1, 1, 2], data.errors[1, 1, 2])


def test_a_table_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"a table of data needs the package pandas; install it with"):
        results().data.to_dataframe()
