"""The phase tensor and its errors against published values, invariances and drawn noise."""

import csv
import dataclasses

import numpy as np
import pytest
from identities import present

from jaxmt.io import read_edi_site
from jaxmt.processing import dimensionality, phase_tensor, rotate
from jaxmt.processing.site import Site


def site_of(*tensors, error=0.0, **changes):
    z = np.array(tensors, dtype=complex)
    n = len(z)
    site = Site(
        name="S",
        latitude=0.0,
        longitude=0.0,
        elevation=0.0,
        frequencies=np.ones(n),
        z=z,
        z_error=np.full((n, 2, 2), error),
        tipper=np.full((n, 2), np.nan + 0j),
        tipper_error=np.full((n, 2), np.nan),
        azimuth=np.zeros(n),
    )
    return dataclasses.replace(site, **changes)


TENSOR = np.array([[0.5 + 0.5j, 1.5 + 1j], [-0.8 - 1.2j, 0.3 + 0.3j]])


@pytest.mark.parametrize(
    ("z", "phi", "alpha", "beta", "phi_min", "phi_max"),
    [
        (
            [[-7.420305 - 15.02897j, 53.44306 + 114.4988j], [-49.96444 - 116.4191j, 11.95081 + 21.52367j]],
            [[2.340504, 0.084469], [0.043753, 2.154173]],
            17.266664,
            0.259506,
            64.895527,
            67.040794,
        ),
        (
            TENSOR,
            [[1.444444, -0.111111], [-0.148148, 0.703704]],
            -9.645023,
            0.493880,
            34.287470,
            55.712530,
        ),
    ],
)
def test_published_tensors(z, phi, alpha, beta, phi_min, phi_max):
    tensor = phase_tensor(site_of(z))
    # Printed with 6 decimals.
    np.testing.assert_allclose(tensor.tensor[0], phi, atol=5.1e-7)
    found = [tensor.alpha[0], tensor.beta[0], tensor.phi_min[0], tensor.phi_max[0]]
    np.testing.assert_allclose(found, [alpha, beta, phi_min, phi_max], atol=5.1e-7)


def test_a_published_station(data_folder):
    folder = data_folder / "paralana_occam2d"
    tensor = phase_tensor(read_edi_site(folder / "edi" / "pb42c.edi"))
    with open(folder / "expected_phase_tensor_pb42.csv") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=float)
    # Tensors have 9 digits, angles 9 digits of up to 90 degrees.
    np.testing.assert_allclose(tensor.tensor.reshape(-1, 4), rows[:, 1:5], rtol=0, atol=1e-8)
    angles = [tensor.alpha, tensor.beta, tensor.azimuth, tensor.phi_min, tensor.phi_max]
    np.testing.assert_allclose(np.transpose(angles), rows[:, 5:], rtol=0, atol=1e-7)


def test_a_distorted_station_has_the_same_tensor():
    distorted = np.array([[0.5, 0.1], [0.2, 0.6]]) @ TENSOR
    # Rounding only.
    np.testing.assert_allclose(
        phase_tensor(site_of(distorted)).tensor, phase_tensor(site_of(TENSOR)).tensor, rtol=1e-13
    )


def test_axes_do_not_change_the_azimuth():
    site = site_of(TENSOR, error=0.01)
    one, other = phase_tensor(site), phase_tensor(rotate(site, 33.0))
    # Rounding only; the azimuth counts from north whatever the axes are.
    for name in ("azimuth", "beta", "phi_min", "phi_max", "ellipticity"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-12)
    np.testing.assert_allclose(other.alpha, one.alpha - 33.0, rtol=1e-12)


def test_the_larger_phase_need_not_be_across_strike():
    # TE 60 degrees, TM 35 degrees, strike 30: the axis of the larger phase is strike - 90.
    te, tm = np.exp(1j * np.deg2rad([60.0, 35.0]))
    site = rotate(site_of([[0, te], [-tm, 0]]), -30.0)
    tensor = phase_tensor(dataclasses.replace(site, azimuth=np.zeros(1)))
    # Rounding only.
    assert tensor.azimuth[0] == pytest.approx(-60.0, abs=1e-12)
    assert tensor.beta[0] == pytest.approx(0.0, abs=1e-12)
    assert tensor.phi_max[0] == pytest.approx(60.0, abs=1e-12)


def draws(site, count=20000):
    """The site with errors drawn from its covariance, or from its independent errors."""
    generator = np.random.default_rng(7)
    white = generator.normal(size=(2, count, 4)).view()
    white = (white[0] + 1j * white[1]) / np.sqrt(2)
    if site.z_covariance is None:
        noise = white * np.sqrt(2) * site.z_error.reshape(4)
    else:
        noise = white @ np.linalg.cholesky(site.z_covariance.reshape(4, 4)).T
    return site_of(*(site.z[0] + noise.reshape(count, 2, 2)))


def covariance(scale):
    r"""N_ik S_lj of a signal that is polarised and two electric channels that share noise."""
    signal = np.array([[1.0, 0.6 + 0.3j], [0.6 - 0.3j, 0.8]])
    noise = scale * np.array([[1.0, 0.5 - 0.6j], [0.5 + 0.6j, 1.2]])
    return np.einsum("ik,lj->ijkl", noise, signal)[None]


@pytest.mark.parametrize("correlated", [False, True])
def test_errors_are_those_of_drawn_noise(correlated):
    site = site_of(TENSOR, error=0.01, z_covariance=covariance(4e-4) if correlated else None)
    tensor, drawn = phase_tensor(site), phase_tensor(draws(site))
    # 20000 draws give a deviation to 0.5 %; second order adds about (2 %)^2.
    for name in ("alpha", "beta", "azimuth", "phi_min", "phi_max", "ellipticity", "tensor"):
        scatter = np.std(getattr(drawn, name), axis=0)
        np.testing.assert_allclose(scatter, getattr(tensor, f"{name}_error")[0], rtol=0.02, err_msg=name)


def test_errors_stand_in_for_covariances_that_are_lost():
    z = [TENSOR, TENSOR]
    given = np.concatenate([covariance(4e-4), covariance(4e-4)])
    given[1] = np.nan
    tensor = phase_tensor(site_of(*z, error=0.01, z_covariance=given))
    first = phase_tensor(site_of(*z, error=0.01, z_covariance=np.repeat(covariance(4e-4), 2, axis=0)))
    second = phase_tensor(site_of(*z, error=0.01))
    for name in ("beta_error", "azimuth_error", "ellipticity_error"):
        got, with_covariance, without = (getattr(t, name) for t in (tensor, first, second))
        np.testing.assert_array_equal(got, [with_covariance[0], without[1]])


def test_covariances_rotate_exactly():
    site = site_of(TENSOR, error=0.01, z_covariance=covariance(4e-4))
    turned = rotate(site, 25.0)
    scatter = np.std(np.real(rotate(draws(site), 25.0).z), axis=0)
    # 20000 draws give a deviation to 0.5 %; four of those.
    np.testing.assert_allclose(scatter, turned.z_error[0], rtol=0.02)
    # There and back: rounding only.
    back = present(rotate(turned, -25.0).z_covariance)
    np.testing.assert_allclose(back, present(site.z_covariance), atol=1e-18)
    one, other = phase_tensor(site), phase_tensor(turned)
    np.testing.assert_allclose(other.beta_error, one.beta_error, rtol=1e-12)


def test_an_angle_nobody_knows():
    tensor = phase_tensor(site_of([[0, 1 + 1j], [-1 - 1j, 0]], error=0.1))
    # A 1-D earth has no axes: the deviation of a uniform angle over 180 degrees.
    assert tensor.alpha_error[0] == pytest.approx(180 / np.sqrt(12), rel=1e-14)
    assert tensor.ellipticity[0] == 0.0
    assert tensor.phi_min[0] == pytest.approx(45.0, abs=1e-13)


def test_missing_elements_and_singular_tensors_are_missing():
    tensor = phase_tensor(site_of([[0, np.nan], [-1, 0]], [[1, 1], [1, 1]], error=0.1))
    assert np.isnan(tensor.beta).all()
    assert np.isnan(tensor.beta_error).all()
    np.testing.assert_array_equal(dimensionality(tensor), 0)


def test_dimensions():
    te, tm = np.exp(1j * np.deg2rad([60.0, 35.0]))
    flat, ridge, twisted = [[0, te], [-te, 0]], [[0, te], [-tm, 0]], [[0.5j, te], [-tm, -0.5]]
    site = site_of(flat, ridge, twisted)
    np.testing.assert_array_equal(dimensionality(phase_tensor(site)), [1, 2, 3])
    # Large errors excuse a skew.
    noisy = dataclasses.replace(site, z_error=np.full((3, 2, 2), 2.0))
    assert dimensionality(phase_tensor(noisy))[2] < 3
    with pytest.raises(ValueError, match=r"`dimensionality\(max_beta=...\)` must not be negative"):
        dimensionality(phase_tensor(site), max_beta=-1.0)
