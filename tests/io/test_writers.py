"""EDI files and 3-D ModEM lists: the way there and back, to the digits printed."""

import dataclasses

import numpy as np
import pytest

from jaxmt.io import read_edi_site, read_emtf_site, read_modem_sites, write_edi, write_modem_sites
from jaxmt.processing import rotate
from jaxmt.processing.site import Site

# Impedances are random, in any quadrant.
pytestmark = pytest.mark.filterwarnings("ignore:.* outside the .* quadrant")


def random_site(seed=0, **changes):
    generator = np.random.default_rng(seed)
    n = 7

    def complex_normal(*shape):
        return generator.normal(size=shape) + 1j * generator.normal(size=shape)

    z = complex_normal(n, 2, 2)
    z[2, 0, 1] = z[3] = np.nan
    site = Site(
        name=f"S{seed}",
        latitude=-0.25 - seed,
        longitude=-122.123456789,
        elevation=-12.5,
        frequencies=np.geomspace(1e4, 1e-3, n),
        z=z,
        z_error=np.where(np.isnan(z), np.nan, generator.uniform(0.1, 0.2, size=(n, 2, 2))),
        tipper=complex_normal(n, 2),
        tipper_error=generator.uniform(0.1, 0.2, size=(n, 2)),
        azimuth=np.zeros(n),
    )
    return dataclasses.replace(site, **changes)


def assert_same(again, site, rtol, names=("z", "z_error", "tipper", "tipper_error")):
    np.testing.assert_allclose(again.frequencies, site.frequencies, rtol=1e-11)
    for name in names:
        np.testing.assert_allclose(getattr(again, name), getattr(site, name), rtol=rtol, err_msg=name)


def test_edi_there_and_back(tmp_path):
    site = random_site()
    write_edi(tmp_path / "out.edi", site)
    again = read_edi_site(tmp_path / "out.edi")
    # 13 digits are printed; a variance is squared and back.
    assert_same(again, site, 1e-11)
    assert (again.name, again.elevation) == ("S0", -12.5)
    # Seconds of arc with 6 digits after the point.
    assert (again.latitude, again.longitude) == pytest.approx((site.latitude, site.longitude), abs=2e-10)
    # What was printed once is printed the same again, to the last digit of the square root.
    write_edi(tmp_path / "again.edi", again)
    assert_same(read_edi_site(tmp_path / "again.edi"), again, 1e-12)


def test_edi_of_rotated_data_states_its_axes(tmp_path):
    site = rotate(random_site(tipper=np.full((7, 2), np.nan + 0j)), 30.0)
    write_edi(tmp_path / "out.edi", site)
    with pytest.warns(UserWarning, match="x axis points 30 to 30 degrees"):
        again = read_edi_site(tmp_path / "out.edi")
    np.testing.assert_allclose(again.azimuth, 30.0)
    np.testing.assert_allclose(again.z, site.z, rtol=1e-11)
    assert ">TXR" not in (tmp_path / "out.edi").read_text()


def test_edi_of_a_station_nobody_located(tmp_path):
    nowhere = random_site(latitude=np.nan, longitude=np.nan, elevation=np.nan)
    write_edi(tmp_path / "out.edi", nowhere)
    again = read_edi_site(tmp_path / "out.edi")
    assert np.isnan([again.latitude, again.longitude, again.elevation]).all()
    # Sixty seconds are a minute.
    write_edi(tmp_path / "out.edi", random_site(latitude=-(12 + 7 / 60) + 1e-12))
    assert "LAT=-12:07:00.000000" in (tmp_path / "out.edi").read_text()


def test_edi_of_a_station_with_an_odd_name(tmp_path):
    write_edi(tmp_path / "out.edi", random_site(name='a"b\0\nc '))
    assert read_edi_site(tmp_path / "out.edi").name == "a'b c"


def test_modem_there_and_back(tmp_path):
    sites = [random_site(k) for k in range(3)]
    write_modem_sites(tmp_path / "out.dat", sites)
    again = read_modem_sites(tmp_path / "out.dat")
    for one, site in zip(again, sites, strict=True):
        # 10 digits are printed.
        assert_same(one, site, 1e-8)
    # Written from metres, x and y return to the millimetre.
    write_modem_sites(tmp_path / "again.dat", again)
    for one, site in zip(read_modem_sites(tmp_path / "again.dat"), again, strict=True):
        assert (one.northing, one.easting) == pytest.approx((site.northing, site.easting), abs=5e-4)
    # One degree of latitude on WGS 84 near the equator.
    assert again[0].northing - again[1].northing == pytest.approx(110574, abs=2)


def test_modem_data_without_errors(tmp_path):
    site = random_site(z_error=np.full((7, 2, 2), np.nan))
    write_modem_sites(tmp_path / "out.dat", [site])
    assert np.isnan(read_modem_sites(tmp_path / "out.dat")[0].z_error).all()


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        ([], "at least one site"),
        ([random_site(), rotate(random_site(1), 5.0)], "x axes from 0 to 5 degrees; rotate"),
        ([random_site(latitude=np.nan)], "S0 has no position"),
        (
            [random_site(z=np.full((7, 2, 2), np.nan + 0j), tipper=np.full((7, 2), np.nan + 0j))],
            "hold no impedance",
        ),
    ],
)
def test_what_modem_cannot_express(tmp_path, sites, message):
    with pytest.raises(ValueError, match=message):
        write_modem_sites(tmp_path / "out.dat", sites)
    assert not list(tmp_path.iterdir())


def test_published_stations_through_every_format(tmp_path, data_folder):
    for file in sorted((data_folder / "cascadia_modem" / "xml").glob("*.xml"))[:3]:
        site = read_emtf_site(file)
        write_edi(tmp_path / "out.edi", site)
        assert_same(read_edi_site(tmp_path / "out.edi"), site, 1e-11)
        write_modem_sites(tmp_path / "out.dat", [site])
        assert_same(read_modem_sites(tmp_path / "out.dat")[0], site, 1e-8)
