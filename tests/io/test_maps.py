"""What GIS and ParaView read: GeoJSON, tables with places, sections on a map."""

import csv
import json

import exports
import numpy as np
import pytest
from soundings import half_space

from jaxmt.io import (
    write_line_geojson,
    write_section_csv,
    write_sites_geojson,
    write_vtk,
)

HOSTILE = 'a"\0\n<script>\u2028\N{MUSICAL SYMBOL G CLEF}'


def test_stations_keep_any_name_and_their_places(tmp_path):
    sites = [half_space(HOSTILE, longitude=-179.5, latitude=1.25), half_space("B", latitude=np.nan)]
    write_sites_geojson(tmp_path / "out.geojson", sites)
    whole = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))
    assert whole["type"] == "FeatureCollection"
    first, second = whole["features"]
    # Longitude first (RFC 7946).
    assert first["geometry"] == {"type": "Point", "coordinates": [-179.5, 1.25, 0.0]}
    # Readers in C end a name at a NUL.
    assert first["properties"]["name"] == HOSTILE.replace("\0", "\N{REPLACEMENT CHARACTER}")
    assert (second["type"], second["geometry"]) == ("Feature", None)


def test_a_profile_is_a_line_through_its_stations(tmp_path):
    data, place = exports.data(), exports.place()
    write_line_geojson(tmp_path / "out.geojson", data.survey, place, {"name": "L"})
    *points, line = json.loads((tmp_path / "out.geojson").read_text())["features"]
    assert [p["properties"]["name"] for p in points] == list(data.survey.names)
    np.testing.assert_allclose(
        [p["geometry"]["coordinates"][0] for p in points], place.longitude, atol=5e-10
    )
    assert line["properties"] == {"name": "L", "direction_deg": 110.0, "strike_deg": 20.0}
    ends = line["geometry"]["coordinates"]
    np.testing.assert_allclose(ends, np.stack([place.longitude, place.latitude], axis=1)[[0, 2]], atol=1e-9)
    # One station is no line.
    one = exports.data(("A",), exports.STATIONS[:1])
    write_line_geojson(tmp_path / "one.geojson", one.survey, exports.place(1))
    assert len(json.loads((tmp_path / "one.geojson").read_text())["features"]) == 1
    nowhere = exports.place(origin=(np.nan, np.nan))
    with pytest.raises(ValueError, match="has no latitudes and longitudes"):
        write_line_geojson(tmp_path / "out.geojson", data.survey, nowhere)


def test_cells_of_a_section_have_their_places(tmp_path):
    mesh, section, place = exports.mesh(), exports.section(), exports.place()
    section[0, 0] = np.nan
    write_section_csv(tmp_path / "out.csv", mesh, section, place)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == section.size
    latitude, longitude = place.degrees(mesh.y_centres)
    north, east = place.metres(mesh.y_centres)
    last = {key: float(value) for key, value in rows[-1].items()}
    assert last["latitude_deg"] == latitude[-1]
    assert last["longitude_deg"] == longitude[-1]
    assert (last["easting_m"], last["northing_m"], last["epsg"]) == (east[-1], north[-1], 32754)
    assert rows[0]["resistivity_ohm_m"] == "nan"


def test_a_section_stands_on_the_map(tmp_path):
    mesh, place = exports.mesh(), exports.place()
    write_vtk(tmp_path / "out.vtk", mesh, {"rho": exports.section()}, place=place)
    lines = (tmp_path / "out.vtk").read_text().splitlines()
    assert lines[3:5] == ["DATASET STRUCTURED_GRID", f"DIMENSIONS {mesh.n_y + 1} 1 {mesh.n_earth + 1}"]
    count = (mesh.n_y + 1) * (mesh.n_earth + 1)
    assert lines[5] == f"POINTS {count} double"
    points = np.array([line.split() for line in lines[6 : 6 + count]], dtype=float)
    north, east = place.metres(mesh.y_nodes)
    np.testing.assert_array_equal(points[: mesh.n_y + 1, :2], np.stack([east, north], axis=1))
    # From the deepest row up; the ground is at the mean elevation, 110 m.
    np.testing.assert_allclose(points[:: mesh.n_y + 1, 2], 110.0 - mesh.earth_nodes[::-1])
    assert lines[6 + count] == f"CELL_DATA {mesh.n_y * mesh.n_earth}"
