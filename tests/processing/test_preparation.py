"""From stations to data for an inversion: the order of the steps and what is on record."""

import csv
import dataclasses

import numpy as np
import pytest
from identities import present
from soundings import half_space

from jaxmt.conventions import MU_0
from jaxmt.io import read, read_edi_site, read_emtf_site
from jaxmt.processing import (
    Coverage,
    Rating,
    RelativeError,
    Screening,
    in_band,
    on_frequencies,
    prepare,
    rotate,
)
from jaxmt.processing.site import Site

FREQUENCIES = np.geomspace(100, 0.1, 19)


def line(strike=20.0, arrow=0.3, n=5, te=400.0, tm=25.0):
    """Stations along a line across strike over a 2-D earth, in north and east axes."""
    omega = 2 * np.pi * FREQUENCIES * MU_0
    z = np.zeros((FREQUENCIES.size, 2, 2), dtype=complex)
    z[:, 0, 1] = np.sqrt(omega * te) * np.exp(1j * np.deg2rad(50))
    z[:, 1, 0] = -np.sqrt(omega * tm) * np.exp(1j * np.deg2rad(40))
    sites = []
    for k in range(n):
        along = np.deg2rad(strike + 90)
        site = Site(
            name=f"S{k}",
            latitude=np.nan,
            longitude=np.nan,
            elevation=0.0,
            frequencies=FREQUENCIES,
            z=z,
            z_error=np.full(z.shape, 1e-3) * np.abs(z[:, :1, 1:]),
            tipper=np.tile([0.0, arrow + 0j], (FREQUENCIES.size, 1)),
            tipper_error=np.full((FREQUENCIES.size, 2), 0.01),
            azimuth=np.full(FREQUENCIES.size, strike),
            easting=1e3 * k * np.sin(along),
            northing=1e3 * k * np.cos(along),
        )
        sites.append(rotate(site, -strike))
    return sites


@pytest.mark.parametrize("strike", [-70.0, 20.0, 75.0])
@pytest.mark.parametrize("arrow", [0.3, np.nan])
def test_a_two_dimensional_line_comes_out_as_it_is(strike, arrow):
    # Without arrows the line of the stations decides.
    prepared = prepare(line(strike, arrow), per_decade=None)
    # Rounding only: TE and TM are what they were in strike axes, in the order along the line.
    np.testing.assert_allclose(prepared.data.values[0], np.log10(400.0), rtol=1e-12)
    np.testing.assert_allclose(prepared.data.values[2], np.log10(25.0), rtol=1e-12)
    np.testing.assert_allclose(prepared.data.values[1], 50.0, rtol=1e-12)
    np.testing.assert_allclose(np.diff(prepared.data.survey.stations), 1e3, rtol=1e-9)
    # 5 % of sqrt(|Zxy||Zyx|), a tenth of |Z_TE| in the geometric mean's ratio 4 of rho.
    np.testing.assert_allclose(prepared.data.errors[1], np.rad2deg(0.05 * (25 / 400) ** 0.25), rtol=1e-9)
    assert prepared.found is not None
    assert prepared.found.settled == np.isfinite(arrow)
    steps = [entry.step for entry in prepared.journal]
    assert steps == ["strike", "rotate", "floor", "profile"]


def test_every_station_has_a_place_along_the_profile():
    sites = line()
    # A station without data is left out, but keeps its place on the map.
    nothing = {name: np.full_like(getattr(sites[2], name), np.nan) for name in ("z", "tipper")}
    sites[2] = dataclasses.replace(sites[2], **nothing)
    prepared = prepare(sites, angle=20.0, per_decade=None)
    assert prepared.strike == 20.0
    assert [site.name for site in prepared.sites] == ["S0", "S1", "S2", "S3", "S4"]
    kept = [name in prepared.data.survey.names for name in ("S0", "S1", "S2", "S3", "S4")]
    assert kept == [True, True, False, True, True]
    # Rounding only: a kilometre apart, in the coordinate of the data.
    np.testing.assert_allclose(np.diff(prepared.distances), 1e3, rtol=1e-9)
    np.testing.assert_allclose(prepared.distances[kept], prepared.data.survey.stations, atol=1e-6)
    alone = prepare(line(n=1)[:1], angle=20.0)
    np.testing.assert_array_equal(alone.distances, alone.data.survey.stations)


@pytest.mark.parametrize("name", ["X", "S0"])
def test_a_station_without_a_datum_may_have_a_place_of_another_kind(name):
    """Local metres of those with data, degrees alone of the one without."""
    unknown = {"latitude": np.nan, "longitude": np.nan}
    line = [
        dataclasses.replace(half_space(f"S{k}"), easting=2e3 * k, northing=0.0, **unknown) for k in range(3)
    ]
    empty = half_space(name)
    empty = dataclasses.replace(empty, z=np.full_like(empty.z, np.nan))
    found = prepare([empty, *line], angle=0.0)
    assert found.data.survey.names == ("S0", "S1", "S2")
    np.testing.assert_allclose(found.distances, [np.nan, -2e3, 0.0, 2e3], atol=1e-9)


def test_declination_turns_the_axes():
    given = prepare(line(20.0), angle=20.0)
    magnetic = [rotate(site, 15.0) for site in line(20.0)]
    magnetic = [dataclasses.replace(site, azimuth=np.zeros(FREQUENCIES.size)) for site in magnetic]
    declined = prepare(magnetic, angle=20.0, declination=15.0)
    # Rounding of a rotation there and back.
    np.testing.assert_allclose(declined.data.values, given.data.values, rtol=1e-9)
    assert "declination, all: 15 degrees east" in str(declined.journal)
    assert given.found is None


def test_band_and_frequencies():
    prepared = prepare(line(), band=(1.0, 50.0), per_decade=3)
    survey = prepared.data.survey
    inside = FREQUENCIES[(FREQUENCIES >= 1.0) & (FREQUENCIES <= 50.0)]
    np.testing.assert_array_equal(survey.frequencies, inside)
    # 1.5 decades of three, from the highest to the lowest measured.
    np.testing.assert_allclose(present(survey.computed), np.geomspace(inside[0], inside[-1], 6), rtol=1e-12)
    assert "11 measured from 46.42 to 1 Hz and kept; fields computed at 6" in str(prepared.journal)
    with pytest.raises(ValueError, match="at least one site"):
        prepare([])
    with pytest.raises(ValueError, match=r"band=\(100000, 1e\+06\).* no site has a frequency in it; widen"):
        prepare(line(), band=(1e5, 1e6))
    sites = line()
    sites[1] = in_band(sites[1], (0.0, 0.5))
    prepared = prepare(sites, band=(1.0, 50.0))
    assert prepared.data.survey.stations.size == 4
    assert "band, S1: left out: no frequency in the band" in str(prepared.journal)


def test_interleaved_frequencies_are_all_kept_where_they_were_measured():
    """Every other station has the even frequencies, the others the odd ones."""
    sites = [on_frequencies(site, FREQUENCIES[k % 2 :: 2]) for k, site in enumerate(line(n=6))]
    prepared = prepare(sites, angle=20.0)
    mask, survey = prepared.data.mask[0], prepared.data.survey
    np.testing.assert_array_equal(survey.frequencies, FREQUENCIES)
    assert mask.sum() == sum(site.frequencies.size for site in sites)
    for k in range(6):
        np.testing.assert_array_equal(np.flatnonzero(mask[:, k]) % 2, k % 2)
    # As measured, not as interpolated: rounding of the rotation only.
    np.testing.assert_allclose(prepared.data.values[0][mask], np.log10(400.0), rtol=1e-12)
    # 6 a decade are fewer than 8.
    assert survey.computed is None


def test_a_frequency_measured_twice_is_kept_once_and_said():
    sites = line()
    twice = sites[1]
    # 26 Hz twice within 1 %, all parts of it: Zxy, Zyx and Ty of the station.
    parts = ("z", "z_error", "tipper", "tipper_error", "azimuth")
    again = {name: np.insert(getattr(twice, name), 5, getattr(twice, name)[5], axis=0) for name in parts}
    frequencies = np.insert(FREQUENCIES, 5, 1.004 * FREQUENCIES[5])
    sites[1] = dataclasses.replace(twice, frequencies=frequencies, **again)
    prepared = prepare(sites, angle=20.0, per_decade=None, screening=Screening.none())
    said = [entry for entry in prepared.journal if entry.step == "merged"]
    assert [(entry.subject, entry.removed) for entry in said] == [("S1", 6)]
    # Read and kept, with what was removed, add up.
    assert prepared.data.mask[::2].sum() + 3 == 3 * (5 * FREQUENCIES.size + 1)
    once = prepare(line(), angle=20.0, per_decade=None, screening=Screening.none())
    assert "merged" not in [entry.step for entry in once.journal]


def test_a_station_that_reaches_far_beyond_the_others_is_named():
    sites = line(n=5)
    long = np.append(FREQUENCIES, 1e-6)
    sites[3] = dataclasses.replace(
        on_frequencies(sites[3], long, interpolate=False),
        z=np.concatenate([sites[3].z, 3e-4 * sites[3].z[-1:]]),
        z_error=np.concatenate([sites[3].z_error, 3e-4 * sites[3].z_error[-1:]]),
    )
    prepared = prepare(sites, angle=20.0)
    assert prepared.data.survey.lowest == 1e-6
    notes = [entry for entry in prepared.journal if entry.step == "frequencies"]
    assert [entry.subject for entry in notes] == ["S3"]
    assert "its lowest frequency, 1e-06 Hz, is 5.0 decades below those of the other stations" in str(notes)
    assert "--band" in notes[0].text
    cut = prepare(sites, angle=20.0, band=(0.05, np.inf))
    assert "frequencies, S3" not in str(cut.journal)


def test_a_flipped_cable_is_mended_before_anything_else():
    sites = line()
    sites[2] = dataclasses.replace(sites[2], z=sites[2].z * np.array([[-1.0], [1.0]]))
    prepared = prepare(sites, per_decade=None)
    np.testing.assert_allclose(prepared.data.values[0], np.log10(400.0), rtol=1e-12)
    assert "sign, S2: channel Ex (Zxx, Zxy) multiplied by -1" in str(prepared.journal)


def test_the_band_of_a_site_with_covariances(data_folder):
    path = next((data_folder / "cascadia_modem" / "xml").glob("*.xml"))
    site = in_band(read_emtf_site(path), (1e-3, 1e-2))
    assert len(present(site.z_covariance)) == site.frequencies.size == len(present(site.tipper_covariance))
    assert 0 < site.frequencies.size < 30


def test_published_lines(data_folder):
    folder = data_folder / "east_tennant"
    with open(folder / "profiles.csv") as file:
        rows = {row["station"]: row for row in csv.DictReader(file)}
    reading = read(folder / "L3")
    prepared = prepare(reading.sites, band=(1.0, 1e4))
    survey = prepared.data.survey
    assert survey.stations.size == 29
    # The strike of the description, N45E, is across the line; the axis is known to a few degrees.
    assert prepared.found is not None
    assert min(abs(prepared.found.angle - 45), abs(prepared.found.other - 45)) < 10
    published = np.array([float(rows[name]["distance_m"]) for name in survey.names])
    # Along a line 7 degrees off the published one: 1 - cos, and 2 km off line times sin.
    np.testing.assert_allclose(
        survey.stations - survey.stations[0], published - published[0], rtol=0.01, atol=600
    )
    assert prepared.journal.removed() > 0


def test_every_site_has_the_place_along_the_line_that_its_data_have(data_folder):
    # A line of 470 km, where projections about other origins differ by kilometres.
    folder = data_folder / "cafe_cascadia" / "edi"
    sites = [read_edi_site(path) for path in sorted(folder.glob("*.edi"), reverse=True)]
    done = prepare(sites, angle=-15.0, screening=Screening.none())
    order = [[site.name for site in done.sites].index(name) for name in done.data.survey.names]
    np.testing.assert_allclose(done.distances[order], done.data.survey.stations, atol=1e-6)


def test_a_layered_earth_takes_the_strike_across_the_stations():
    """No tensor shows a strike there: any would do, and the profile keeps its length across that one."""
    sites = [half_space(f"S{k}", easting=1e3 * k, northing=500.0 * k) for k in range(4)]
    done = prepare(sites)
    # The line runs at atan(2) from north; across it is 90 degrees less.
    assert done.strike == pytest.approx(np.rad2deg(np.arctan2(2, 1)) - 90)
    assert done.found is None
    assert np.ptp(done.data.survey.stations) == pytest.approx(3 * np.hypot(1e3, 500.0))
    assert any("no tensor shows one" in entry.text for entry in done.journal)


def test_stations_that_are_all_taken_are_said_with_what_took_them():
    """Ratings of one take the first station, coverage the others, whose errors are too large."""
    sites = [half_space("S0", easting=0.0, northing=0.0, rating=1.0)]
    sites += [half_space(f"S{k}", easting=1e3 * k, northing=0.0, error=0.6) for k in (1, 2)]
    assert prepare(sites, angle=0.0).data.survey.stations.size == 3
    asked = Screening(remove=(RelativeError(),), station_remove=(Rating(), Coverage()))
    with pytest.raises(ValueError, match="none of 3 stations is left: rating took 1, coverage took 2"):
        prepare(sites, angle=0.0, screening=asked)
