"""Error floors, static shifts, common frequencies and declination against published values."""

import dataclasses
import datetime
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from soundings import half_space

from jaxmt import Data, Responses, Survey
from jaxmt.io import read_modem_sites
from jaxmt.processing import (
    FLOORS,
    declination,
    magnetic_to_geographic,
    on_frequencies,
    prepare,
    remove_static_shift,
    residual_static_shift,
    spatial_static_shift,
    with_errors,
    with_floor,
)
from jaxmt.processing.site import Site


def site_of(z, error=0.0, frequencies=None, **changes):
    z = np.array(z, dtype=complex).reshape(-1, 2, 2)
    n = len(z)
    site = Site(
        name="S",
        latitude=0.0,
        longitude=0.0,
        elevation=0.0,
        frequencies=np.arange(n, 0, -1.0) if frequencies is None else frequencies,
        z=z,
        z_error=np.full((n, 2, 2), error),
        tipper=np.full((n, 2), 0.1 + 0.1j),
        tipper_error=np.full((n, 2), 0.01),
        azimuth=np.zeros(n),
    )
    return dataclasses.replace(site, **changes)


def test_the_floor_of_a_published_file(data_folder):
    folder = data_folder / "cascadia_modem"
    sites, floored = (read_modem_sites(folder / f"cascad_{name}.dat") for name in ("noerrfl", "errfl5"))
    for site, published in zip(sites, floored, strict=True):
        ours = with_floor(site, 0.05, rule="geometric", tipper=0.05)
        exists = np.isfinite(published.z_error)
        # 7 digits are printed.
        np.testing.assert_allclose(ours.z_error[exists], published.z_error[exists], rtol=2e-6)
        exists = np.isfinite(published.tipper_error)
        np.testing.assert_allclose(ours.tipper_error[exists], published.tipper_error[exists], rtol=2e-6)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("percent", [[0.1, 0.4], [0.9, 0.2]]),
        ("geometric", [[0.6, 0.6], [0.6, 0.6]]),
        ("arithmetic", [[0.65, 0.65], [0.65, 0.65]]),
        ("row", [[0.4, 0.4], [0.9, 0.9]]),
        ("median", [[0.3, 0.3], [0.3, 0.3]]),
        ("absolute", [[0.1, 0.1], [0.1, 0.1]]),
    ],
)
def test_named_floors(rule, expected):
    site = with_floor(site_of([[1, 4], [-9, 2]], error=1e-3), 0.1, rule=rule)
    # Rounding only.
    np.testing.assert_allclose(site.z_error[0], expected, rtol=1e-14)
    assert rule in FLOORS
    # A floor lowers nothing, and gives an error to what has none.
    np.testing.assert_array_equal(with_floor(site_of([[1, 4], [-9, 2]], error=5.0), 0.1).z_error, 5.0)
    assert np.isfinite(with_floor(site_of([[1, 4], [-9, 2]], error=np.nan), 0.1).z_error).all()


@pytest.mark.parametrize("rule", FLOORS)
@pytest.mark.parametrize("lost", [(0, 1), (1, 0), (0, 0)])
def test_a_lost_element_leaves_floors_to_the_others(rule, lost):
    z = np.array([[1, 4], [-9, 2]], dtype=complex)
    z[lost] = np.nan
    site = with_floor(site_of(z, error=1e-6), 0.1, rule=rule)
    there = np.isfinite(site.z[0])
    # Without a floor the error stays 1e-6; the smallest of all the rules' floors is that of |Zxx|, 0.1.
    assert there.sum() == 3
    assert np.all(site.z_error[0][there] >= 0.1)


def test_the_floor_of_a_lone_element_is_its_own():
    site = with_floor(site_of([[np.nan, np.nan], [-9, np.nan]], error=1e-6), 0.1)
    # Rounding only.
    np.testing.assert_allclose(site.z_error[0, 1, 0], 0.9, rtol=1e-14)


def test_errors_that_nobody_measured_become_the_floor():
    error = half_space().z_error.copy()
    error[0, 0, 1], error[1, 0, 1], error[2, 1, 0] = np.nan, 0.0, 1e-7 * error[2, 1, 0]
    error[3, 1, 0] *= 1e6
    # Large for a diagonal element that is zero, not for the tensor: it stays.
    site = half_space(z_error=error)
    (new,), journal = with_errors([site], 0.1)
    wrong = np.zeros(error.shape, dtype=bool)
    wrong[[0, 1], 0, 1], wrong[[2, 3], 1, 0] = True, True
    np.testing.assert_array_equal(new.z_error[~wrong], error[~wrong])
    # One resistivity in both modes: the geometric mean is |Z| itself.
    np.testing.assert_allclose(new.z_error[wrong], 0.1 * np.abs(site.z)[wrong], rtol=1e-14)
    text = "of 52 errors of Zxy and Zyx 2 are missing, zero or negative and 2 are absurd; the floor, 0.1"
    assert str(journal).startswith(f"error, S: {text}")
    # Without a floor they are unknown.
    (new,), journal = with_errors([site], 0.0)
    assert np.isnan(new.z_error[wrong]).all()
    assert str(journal).endswith("2 are absurd; left without an error")
    (same,), journal = with_errors([half_space()])
    assert len(journal) == 0
    np.testing.assert_array_equal(same.z_error, half_space().z_error)


def test_stations_that_all_lack_errors_share_a_line():
    sites = [half_space(f"S{k}", error=0.0, longitude=0.01 * k) for k in range(3)]
    done = prepare(sites, angle=30.0, per_decade=None)
    assert done.data.mask[:4].all()
    assert (
        "error, all: at each station of 52 errors of Zxy and Zyx 52 are missing, zero or negative"
        in str(done.journal)
    )
    # 5 % of |Z| is 2.9 degrees; what the rotation makes of equal, independent errors is no less.
    np.testing.assert_allclose(done.data.errors[1], np.rad2deg(0.05), rtol=1e-9)


def test_the_floor_of_eigenvalues():
    # The eigenvalues of an antidiagonal matrix are +- sqrt(Zxy Zyx): the geometric mean.
    site = site_of([[0, 4], [-9, 0]])
    np.testing.assert_allclose(with_floor(site, 0.1, rule="eigen").z_error, 0.6, rtol=1e-14)
    with pytest.raises(ValueError, match=r"`with_floor\(rule=...\)` must be one of percent"):
        with_floor(site, rule="harmonic")
    with pytest.raises(ValueError, match=r"`with_floor\(fraction=...\)` must not be negative"):
        with_floor(site, -0.1)


def test_a_published_static_shift():
    site = remove_static_shift(
        site_of([[0.1 - 0.1j, 10 + 10j], [-10 - 10j, -0.1 + 0.1j]], error=1.0), 0.5, 1.5
    )
    # Printed with 8 digits after the point.
    expected = [
        [0.14142136 - 0.14142136j, 14.14213562 + 14.14213562j],
        [-8.16496581 - 8.16496581j, -0.08164966 + 0.08164966j],
    ]
    np.testing.assert_allclose(site.z[0], expected, atol=5.1e-9)
    # Relative errors stay.
    np.testing.assert_allclose(site.z_error[0, :, 0], 1 / np.sqrt([0.5, 1.5]), rtol=1e-14)
    with pytest.raises(ValueError, match=r"`remove_static_shift\(s_x=...\)` must be positive"):
        remove_static_shift(site, 0.0, 1.0)


def test_static_shifts_against_the_neighbours():
    z = np.array([[[0, 10 + 10j], [-10 - 10j, 0]]] * 5)
    line = [site_of(z, name=f"S{k}", longitude=0.01 * k) for k in range(5)]
    line[2] = remove_static_shift(line[2], 1 / 4.0, 1 / 1.1)
    factors = spatial_static_shift(line, radius=3500.0)
    # Four times the neighbours' rho_xy; 10 % of rho_yx is within the tolerance. Rounding only.
    np.testing.assert_allclose(factors[2], [4.0, 1.0], rtol=1e-12)
    np.testing.assert_allclose(factors[[0, 4]], 1.0)
    mended = remove_static_shift(line[2], *factors[2])
    np.testing.assert_allclose(mended.z[:, 0], line[0].z[:, 0], rtol=1e-12)


def test_static_shifts_left_by_a_model():
    survey = Survey([10.0, 1.0], [0.0, 1e3])
    z = jnp.full((2, 2), 1e-2 + 1e-2j)
    responses = Responses(survey, z, -z, None)
    data = Data.from_responses(responses, 0.05)
    values = data.values.copy()
    values[0, :, 1] += np.log10(2.0)
    values[2, :, 0] = np.nan
    shifted = dataclasses.replace(data, values=values)
    # Rounding only.
    np.testing.assert_allclose(residual_static_shift(shifted, responses), [[1, 1], [2, 1]], rtol=1e-13)


def test_common_frequencies():
    frequencies = 10.0 ** np.array([1.0, 0.9, 0.8, 0.2, 0.1])
    z = np.einsum("f,ij->fij", np.sqrt(frequencies) * (1 + 1j), [[0.1, 1], [-1, 0.1]])
    site = on_frequencies(
        site_of(z, error=0.1, frequencies=frequencies), 10.0 ** np.array([0.85, 0.5, 0.1])
    )
    # A power law is interpolated exactly; the gap of 0.6 decades is not bridged.
    np.testing.assert_allclose(site.z[0, 0, 1], 10**0.425 * (1 + 1j), rtol=1e-13)
    np.testing.assert_array_equal(np.isnan(site.z[:, 1, 1]), [False, True, False])
    np.testing.assert_array_equal(np.isnan(site.tipper[:, 1]), [False, True, False])
    kept = on_frequencies(site_of(z, frequencies=frequencies), [10**0.85, 10.0], interpolate=False)
    np.testing.assert_array_equal(np.isnan(kept.z[:, 0, 1]), [True, False])
    with pytest.raises(ValueError, match="must be positive, in Hz"):
        on_frequencies(site, [-1.0])


def test_declination_moves_the_axes_not_the_data():
    site = site_of([[0, 1], [-1, 0]])
    moved = magnetic_to_geographic(site, 15.0)
    np.testing.assert_array_equal(moved.azimuth, 15.0)
    np.testing.assert_array_equal(moved.z, site.z)
    with pytest.raises(ValueError, match="east positive"):
        magnetic_to_geographic(site, np.nan)


def test_declination_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "ppigrf", None)
    with pytest.raises(ImportError, match=r"pip install 'jaxmt\[geo\]'`, or give the declination"):
        declination(46.0, -116.0, datetime.date(2007, 10, 1))


@pytest.mark.parametrize(
    ("latitude", "longitude", "date", "degrees"),
    [
        (46.353, -116.213, (1995, 1, 1), 17.377),
        (46.353, -116.213, (2007, 10, 1), 15.401),
        (-19.38575, 135.453, (2019, 7, 1), 4.441),
        (32.1203, 119.1288, (2023, 11, 9), -6.214),
    ],
)
def test_published_declinations(latitude, longitude, date, degrees):
    pytest.importorskip("ppigrf", reason="needs the extra jaxmt[geo]")
    # Three digits after the point are published.
    assert declination(latitude, longitude, datetime.date(*date)) == pytest.approx(degrees, abs=6e-4)
