"""What ModEM reads besides data and model, and the place that its list states."""

import exports
import numpy as np
import pytest
from soundings import half_space

from jaxmt.io import (
    read_modem_mask,
    write_modem,
    write_modem_control,
    write_modem_covariance,
    write_modem_sites,
)
from jaxmt.io.modem_rows import read_rows
from jaxmt.io.names import words


def test_the_covariance_keeps_sea_and_air(tmp_path):
    hill = exports.mesh(surface=np.array([0.0, 0, 0, 0, 0, 300.0, 300, 600, 600]))
    sea = np.zeros(hill.shape, bool)
    sea[:2, :2] = True
    write_modem_covariance(tmp_path / "out.cov", hill, sea)
    # x has one cell.
    masks = read_modem_mask(tmp_path / "out.cov")
    assert masks.shape == (hill.n_earth, 1, hill.n_y)
    np.testing.assert_array_equal(masks[:, 0] == 9, sea)
    np.testing.assert_array_equal(masks[:, 0] == 0, hill.air)
    assert hill.air.any()
    write_modem_covariance(tmp_path / "out.cov", exports.mesh())
    assert (read_modem_mask(tmp_path / "out.cov") == 1).all()
    with pytest.raises(ValueError, match=r"`write_modem_covariance\(sea=...\)` must have the shape"):
        write_modem_covariance(tmp_path / "bad.cov", hill, sea[:1])


def test_values_stand_where_modem_reads_them(tmp_path):
    """ModEM reads 36 characters of label, then a name, real numbers, or a whole one in 4 columns."""
    inverse, forward = write_modem_control(tmp_path, "line", target=1.2, iterations=100)
    lines = inverse.read_text().splitlines()
    assert [line[35] for line in lines] == [":"] * 8
    assert lines[0][36:].strip() == "line"
    assert [float(line[36:51]) for line in lines[1:7]] == [10.0, 10.0, 20.0, 2e-3, 1.2, 1e-4]
    assert int(lines[7][36:40]) == 100
    assert len(forward.read_text().splitlines()) == 6


def test_positions_are_true(tmp_path):
    place = exports.place()
    write_modem(tmp_path / "out.dat", exports.data(), left_edge=-30e3, place=place)
    lines = (tmp_path / "out.dat").read_text().splitlines()
    assert "-30000.000 m on the profile" in lines[0]
    assert len(lines[0]) <= 100
    assert float(lines[5][1:]) == 20.0
    # The origin of the file is its y = 0, the left edge; six digits after the point, 0.1 m.
    latitude, longitude = place.degrees(np.array([-30e3]))
    assert [float(n) for n in lines[6][1:].split()] == [
        pytest.approx(latitude[0], abs=5e-7),
        pytest.approx(longitude[0], abs=5e-7),
    ]
    codes = {row.code: row for row in read_rows(tmp_path / "out.dat")}
    found = [(row.latitude, row.longitude) for row in codes.values()]
    expected = np.stack([place.latitude, place.longitude], axis=1)
    np.testing.assert_allclose(found, expected, atol=5e-7)
    np.testing.assert_allclose(
        [row.y for row in codes.values()], np.array(exports.STATIONS) + 30e3, atol=5e-4
    )


def test_a_list_of_stations_states_its_origin(tmp_path):
    sites = [half_space(f"S{k}", latitude=-20.0 - k, longitude=179.0 + k) for k in range(3)]
    write_modem_sites(tmp_path / "out.dat", sites)
    origin = (tmp_path / "out.dat").read_text().splitlines()[6]
    # Across the date line, too.
    assert [float(n) for n in origin[1:].split()] == [pytest.approx(-21.0), pytest.approx(-180.0)]


def test_names_that_fortran_would_misread():
    """Free format ends a word at a comma or a slash, reads 3*A as three As; ModEM keeps 20 characters."""
    assert words(["a,b", "3*A", "x/y", "'q", "\u00e9t\u00e9"]) == ["a_b", "3_A", "x_y", "_q", "_t_"]
    long = words(["L" * 30, "L" * 31, "L" * 20])
    assert long == ["L" * 20, "L" * 18 + "_2", "L" * 18 + "_3"]
