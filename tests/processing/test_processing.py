"""Rotation, projection and the common frequency grid, against published and exact values."""

import csv
import dataclasses
import functools

import numpy as np
import pytest
import soundings

from jaxmt.conventions import OHM_PER_PRACTICAL
from jaxmt.io import read_edi, read_edi_site
from jaxmt.processing import profile, rotate
from jaxmt.processing.geodesy import local_metres
from jaxmt.processing.resampling import merge_frequencies, resample
from jaxmt.processing.site import Site

FREQUENCIES = np.array([100.0, 10.0, 1.0])

half_space = functools.partial(soundings.half_space, error=0.01, frequencies=FREQUENCIES)


def random_site(seed=0, **changes):
    generator = np.random.default_rng(seed)
    n = FREQUENCIES.size

    def complex_normal(*shape):
        return generator.normal(size=shape) + 1j * generator.normal(size=shape)

    site = Site(
        name=f"S{seed}",
        latitude=47.0,
        longitude=-122.0 + 0.01 * seed,
        elevation=0.0,
        frequencies=FREQUENCIES,
        z=complex_normal(n, 2, 2),
        z_error=generator.uniform(0.1, 0.2, size=(n, 2, 2)),
        tipper=complex_normal(n, 2),
        tipper_error=generator.uniform(0.1, 0.2, size=(n, 2)),
        azimuth=np.zeros(n),
    )
    return dataclasses.replace(site, **changes)


def test_rotation_keeps_invariants_and_composes():
    site = random_site()
    turned = rotate(site, 33.0)
    # Trace, determinant and Zxy - Zyx do not depend on the axes; rounding of a few products.
    for invariant in (
        lambda z: np.trace(z, axis1=1, axis2=2),
        np.linalg.det,
        lambda z: z[:, 0, 1] - z[:, 1, 0],
    ):
        np.testing.assert_allclose(invariant(turned.z), invariant(site.z), rtol=1e-13)
    again = rotate(rotate(turned, 17.0), -50.0)
    np.testing.assert_allclose(again.z, site.z, rtol=1e-13)
    np.testing.assert_allclose(again.tipper, site.tipper, rtol=1e-13)
    np.testing.assert_allclose(again.azimuth, 0.0, atol=1e-13)


def test_ninety_degrees_exchange_the_modes():
    site = random_site()
    turned = rotate(site, 90.0)
    # x' = y and y' = -x: Z'xy = -Zyx, Z'xx = Zyy; the rounding of cos(90 degrees).
    np.testing.assert_allclose(turned.z[:, 0, 1], -site.z[:, 1, 0], rtol=1e-13)
    np.testing.assert_allclose(turned.z[:, 0, 0], site.z[:, 1, 1], rtol=1e-13)
    np.testing.assert_allclose(turned.tipper[:, 0], site.tipper[:, 1], rtol=1e-13)
    np.testing.assert_allclose(turned.z_error[:, 0, 1], site.z_error[:, 1, 0], rtol=1e-13)


@pytest.mark.parametrize("angle", [90.0, 180.0, 270.0, -90.0, 450.0])
@pytest.mark.parametrize("lost", [0, 1])
def test_quarter_turns_keep_a_tipper_of_one_element(angle, lost):
    site = random_site()
    whole = rotate(site, angle)
    tipper, error = site.tipper.copy(), site.tipper_error.copy()
    tipper[:, lost], error[:, lost] = np.nan, np.nan
    turned = rotate(dataclasses.replace(site, tipper=tipper, tipper_error=error), angle)
    left = 1 - lost if angle % 180 == 0 else lost
    np.testing.assert_array_equal(turned.tipper[:, left], whole.tipper[:, left])
    np.testing.assert_array_equal(turned.tipper_error[:, left], whole.tipper_error[:, left])
    assert np.isnan(turned.tipper[:, 1 - left]).all()
    # Against the matrix: the rounding of the cosine of a right angle.
    t = np.deg2rad(angle)
    by_matrix = site.tipper @ np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    np.testing.assert_allclose(whole.tipper, by_matrix, rtol=1e-12)


def test_rotated_errors_are_those_of_independent_noise():
    n = 20000
    site = random_site()
    noise = np.random.default_rng(1).normal(size=(n, 2, 2)) * site.z_error[0]
    many = dataclasses.replace(
        site,
        frequencies=np.ones(n),
        z=site.z[0] + noise,
        z_error=np.repeat(site.z_error[:1], n, axis=0),
        tipper=np.repeat(site.tipper[:1], n, axis=0),
        tipper_error=np.repeat(site.tipper_error[:1], n, axis=0),
        azimuth=np.zeros(n),
    )
    scatter = np.real(rotate(many, 25.0).z).std(axis=0)
    # 20000 draws give a deviation to 0.5 %; four of those.
    np.testing.assert_allclose(scatter, rotate(site, 25.0).z_error[0], rtol=0.02)


def test_a_missing_element_survives_no_rotation_but_a_full_turn():
    site = random_site()
    z = site.z.copy()
    z[1, 0, 0] = np.nan
    site = dataclasses.replace(site, z=z)
    # The second is what 0.1 + 0.2 - 0.3 leaves.
    for angle in (360.0, 360.0 + 6e-14, -6e-17):
        np.testing.assert_array_equal(rotate(site, angle).z, z)
    turned = rotate(site, 10.0)
    np.testing.assert_array_equal(np.isnan(turned.z).all(axis=(1, 2)), [False, True, False])


def test_rotation_of_a_field_station_to_strike(data_folder):
    folder = data_folder / "paralana_occam2d"
    data = profile([read_edi_site(folder / "edi" / "pb44c.edi")], strike=7.0)
    with open(folder / "expected_rotation_pb44_strike7.csv") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=float)
    # The table has 9 digits.
    np.testing.assert_allclose(data.survey.frequencies, rows[:, 0], rtol=1e-8)
    np.testing.assert_allclose(data.values[:4, :, 0].T, rows[:, 1:], rtol=1e-8, atol=1e-8)


def occam_data(path):
    lines = path.read_text().splitlines()
    offsets = np.array([float(line) for line in lines[19:34]])
    start = next(k for k, line in enumerate(lines) if line.startswith("SITE "))
    return offsets, np.array([line.split() for line in lines[start + 1 :] if line.split()], dtype=float)


def test_a_line_reproduces_its_occam2d_file(data_folder):
    folder = data_folder / "paralana_occam2d"
    data = read_edi(folder / "edi", strike=7.0)
    offsets, rows = occam_data(folder / "occam2d" / "OccamDataFile.dat")
    assert rows.shape == (1140, 5)
    component = {1: 0, 2: 1, 5: 2, 6: 3}
    values = [data.values[component[int(kind)], int(f) - 1, int(s) - 1] for s, f, kind, _, _ in rows]
    # Half of the last of the 4 digits printed.
    np.testing.assert_allclose(values, rows[:, 3], rtol=0, atol=5.001e-5)
    y = data.survey.stations
    assert y.sum() == pytest.approx(0.0, abs=1e-6)
    # The file's offsets come from UTM coordinates, whose scale and grid north differ by 0.05 % here.
    np.testing.assert_allclose(y - y[0], offsets, rtol=1e-3)


def test_projection_against_published_coordinates(data_folder):
    # The CN Tower, 43d38'33.24"N 79d23'13.7"W, has the UTM coordinates 17T 630084 4833438.
    latitude, longitude = 43 + 38 / 60 + 33.24 / 3600, -(79 + 23 / 60 + 13.7 / 3600)
    north, east = local_metres(np.array([latitude]), np.array([longitude]), (0.0, -81.0))
    # Published to the metre.
    assert 0.9996 * east[0] + 500000 == pytest.approx(630084, abs=1)
    assert 0.9996 * north[0] == pytest.approx(4833438, abs=1)
    # The offsets of an Occam2D file, printed to 0.1 m, were projected from UTM zone 54 onto 97 degrees.
    folder = data_folder / "paralana_occam2d"
    with open(folder / "stations.csv") as file:
        rows = [(float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file)]
    latitude, longitude = np.array(rows).T
    north, east = local_metres(latitude, longitude, (0.0, 141.0))
    y = 0.9996 * (east * np.cos(np.deg2rad(7)) - north * np.sin(np.deg2rad(7)))
    offsets, _ = occam_data(folder / "occam2d" / "OccamDataFile.dat")
    np.testing.assert_allclose(y - y[0], offsets, rtol=0, atol=0.06)


def test_lengths_of_a_degree():
    # WGS 84: 110574.39 m of latitude at the equator, 78846.84 m of longitude at 45 degrees.
    north, _ = local_metres(np.array([1.0]), np.array([0.0]), (0.0, 0.0))
    assert north[0] == pytest.approx(110574.39, abs=0.01)
    # The arc along the parallel against its projection: (1 degree)^2 / 6 of its length at most.
    _, east = local_metres(np.array([45.0]), np.array([-179.5]), (45.0, 179.5))
    assert east[0] == pytest.approx(78846.84, rel=6e-5)


def test_stations_are_ordered_across_strike():
    sites = [half_space(name, latitude=lat) for name, lat in (("N", 1.0), ("S", -1.0), ("M", 0.0))]
    # Strike east: y points south.
    data = profile(sites, strike=90.0)
    assert data.survey.names == ("N", "M", "S")
    # Two degrees of latitude at the equator are 221148.8 m.
    np.testing.assert_allclose(np.diff(data.survey.stations), 110574.4, atol=0.1)
    moved = profile(sites, strike=90.0, origin=(1.0, 0.0))
    assert moved.survey.stations[0] == pytest.approx(0.0, abs=1e-6)


def test_local_coordinates_go_before_degrees():
    sites = [
        half_space(f"S{k}", easting=1000.0 * k, northing=-500.0 * k, latitude=np.nan) for k in range(3)
    ]
    data = profile(sites, strike=30.0)
    step = 1000 * np.cos(np.pi / 6) + 500 * np.sin(np.pi / 6)
    # Rounding only.
    np.testing.assert_allclose(data.survey.stations, [-step, 0.0, step], atol=1e-9)


def test_the_azimuth_of_the_sites_counts():
    site = random_site()
    reference = profile([site], strike=25.0)
    turned = profile([rotate(site, 60.0)], strike=25.0)
    # Rounding of a rotation there and back.
    np.testing.assert_allclose(turned.values, reference.values, rtol=1e-11, atol=1e-11)
    declined = profile([dataclasses.replace(site, azimuth=np.full(3, 77.0))], strike=25.0, azimuth=0.0)
    np.testing.assert_array_equal(declined.values, reference.values)


def test_a_half_space_looks_the_same_from_everywhere():
    data = profile([half_space(rho=30.0)], strike=-63.0)
    # Rounding only.
    np.testing.assert_allclose(data.values[[0, 2]], np.log10(30.0), rtol=1e-13)
    np.testing.assert_allclose(data.values[[1, 3]], 45.0, rtol=1e-13)
    assert np.isnan(data.values[4:]).all()


def test_frequencies_within_one_percent_are_one():
    np.testing.assert_array_equal(
        merge_frequencies(np.array([1.0, 10.05, 10.0, 1.0, 1.02])), [10.05, 1.02, 1.0]
    )
    one = half_space("A", frequencies=np.array([10.0, 1.0]))
    two = half_space("B", frequencies=np.array([10.05, 3.0]), longitude=0.1)
    data = profile([one, two])
    np.testing.assert_array_equal(data.survey.frequencies, [10.05, 3.0, 1.0])
    np.testing.assert_array_equal(data.mask[0], [[True, True], [False, True], [True, False]])
    # The merged frequency keeps its apparent resistivity; rounding only.
    np.testing.assert_allclose(data.values[0][data.mask[0]], 2.0, rtol=1e-13)


def test_interpolation_is_exact_for_power_laws_and_stops_at_gaps():
    # Gaps of 0.2, 0.3 and 0.2 decades.
    measured = 10.0 ** np.array([0.7, 0.5, 0.2, 0.0])
    wanted = 10.0 ** np.array([0.8, 0.7, 0.6, 0.35, 0.1, -0.001, -0.1])

    def power(f):
        return 3.0 * f**0.7 * np.exp(1j * (2.9 + 0.4 * np.log(f)))

    values, errors = resample(
        measured, power(measured), 0.1 * np.abs(power(measured)), wanted, impedance=True, interpolate=True
    )
    exists = np.array([False, True, True, False, True, True, False])
    np.testing.assert_array_equal(np.isfinite(values), exists)
    # Linear in ln f, phases beyond 180 degrees included; the last is moved by 0.23 %.
    np.testing.assert_allclose(values[exists][:-1], power(wanted[exists])[:-1], rtol=1e-13)
    np.testing.assert_allclose(errors[exists] / np.abs(values[exists]), 0.1, rtol=1e-13)
    kept, _ = resample(
        measured, power(measured), np.abs(power(measured)), wanted, impedance=True, interpolate=False
    )
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(kept)), [1, 5])


def test_interpolated_tippers_are_linear():
    measured, wanted = np.array([2.0, 1.5]), np.array([np.sqrt(3.0)])
    values, errors = resample(
        measured, np.array([0.2j, -0.2]), np.array([0.1, 0.3]), wanted, impedance=False, interpolate=True
    )
    # Half-way in ln f; rounding only.
    np.testing.assert_allclose(values, [-0.1 + 0.1j], rtol=1e-13)
    np.testing.assert_allclose(errors, [0.2], rtol=1e-13)


def test_a_profile_on_given_frequencies(data_folder):
    data = read_edi(
        data_folder / "east_tennant" / "L3", strike=44.0, frequencies=np.geomspace(1000.0, 1.0, 13)
    )
    assert data.values.shape == (6, 13, 29)
    # 10 frequencies a decade or so are measured: nearly every station has every frequency.
    assert data.mask[0].mean() > 0.95


def test_missing_errors_are_given_or_reported():
    site = half_space()
    bare = dataclasses.replace(site, z_error=np.full((3, 2, 2), np.nan))
    with pytest.raises(ValueError, match=r"none of 6 data has an error; give `relative_error=...`"):
        profile([bare])
    data = profile([bare], relative_error=0.05)
    # sigma(log10 rho) = 2 e / ln 10, sigma(phase) = e rad.
    np.testing.assert_allclose(data.errors[0], 0.1 / np.log(10), rtol=1e-13)
    np.testing.assert_allclose(data.errors[1], np.rad2deg(0.05), rtol=1e-13)
    z_error = site.z_error.copy()
    z_error[0, 0, 1] = 0.0
    with pytest.warns(UserWarning, match="1 impedances and 0 tippers have no error"):
        data = profile([dataclasses.replace(site, z_error=z_error)])
    assert data.mask[:4].sum() == 10


def test_stations_at_one_place_are_reported():
    with pytest.warns(UserWarning, match="1 pairs of stations lie within 1 m .* A and B"):
        profile([half_space("A"), half_space("B")])


def test_modes_that_nobody_measured_are_left_out():
    z = half_space().z.copy()
    z[:, 0] = np.nan
    data = profile([half_space(z=z)])
    assert data.survey.modes == ("tm",)


def test_one_station_needs_no_position():
    data = profile([half_space(latitude=np.nan, longitude=np.nan)])
    np.testing.assert_array_equal(data.survey.stations, [0.0])


@pytest.mark.parametrize(
    ("sites", "options", "message"),
    [
        ([], {}, "at least one site"),
        ([half_space()], {"strike": np.nan}, r"`profile\(strike=...\)` must be finite"),
        ([half_space()], {"relative_error": 0.0}, r"`profile\(relative_error=...\)` must be positive"),
        ([half_space(), half_space("S2", latitude=np.nan)], {}, "1 of 2 sites have no latitude.*S2"),
        ([half_space(z=np.full((3, 2, 2), np.nan + 0j))], {}, "no site has a finite"),
        ([half_space()], {"frequencies": [1.0, -1.0]}, "must be positive, in Hz"),
        (
            [half_space(z=np.where(np.eye(2, dtype=bool), np.nan, half_space().z))],
            {"strike": 10.0},
            "site S must be rotated by 10 degrees",
        ),
    ],
)
def test_errors_at_the_door(sites, options, message):
    with pytest.raises(ValueError, match=message):
        profile(sites, **options)


def test_rotation_by_no_number():
    with pytest.raises(ValueError, match=r"`rotate\(angle=...\)` must be finite"):
        rotate(half_space(), np.inf)


def test_units_of_a_known_impedance():
    # rho_a = 0.2/f |Z|^2 for Z in (mV/km)/nT, to the rounding of the constants.
    z = np.zeros((1, 2, 2), dtype=complex)
    z[0, 0, 1] = 5.0 * OHM_PER_PRACTICAL
    site = half_space(frequencies=np.array([10.0]), z=z)
    assert profile([site]).values[0, 0, 0] == pytest.approx(np.log10(0.2 / 10 * 25), rel=1e-12)
