import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import present
from scipy import stats

from jaxmt import Data, Responses, Survey
from jaxmt.conventions import MU_0
from jaxmt.data import nearest_turn

SURVEY = Survey(np.geomspace(100, 1e-3, 6), np.array([0.0, 1.0, 5.0]))
OMEGA = 2 * np.pi * SURVEY.frequencies[:, None]
SHAPE = (6, 3)


def an_impedance(seed):
    rng = np.random.default_rng(seed)
    size = np.sqrt(10 ** rng.uniform(0, 4, SHAPE) * OMEGA * MU_0)
    return size * np.exp(1j * rng.uniform(0.1, 1.4, SHAPE))


def responses(survey=SURVEY, tipper=True):
    hz = 0.1 * an_impedance(3) / abs(an_impedance(3))
    return Responses(
        survey,
        jnp.asarray(an_impedance(1)),
        jnp.asarray(-an_impedance(2)),
        jnp.asarray(hz) if tipper else None,
    )


def test_a_relative_error_of_z_becomes_errors_of_rho_and_phase():
    """2e/ln 10 and e rad: the first order of log10 |Z|^2 and of arg Z."""
    e = 0.03
    data = Data.from_responses(responses(), relative_error=e, tipper_error=0.02)
    expected = [2 * e / np.log(10), np.rad2deg(e)] * 2 + [0.02, 0.02]
    np.testing.assert_allclose(data.errors, np.broadcast_to(np.reshape(expected, (6, 1, 1)), (6, *SHAPE)))
    np.testing.assert_array_equal(data.values, responses().components)
    # An independent check by a sample of noisy impedances; 1 / sqrt(2 n) = 0.35 %, so 1.5 % is 4 sigma.
    rng = np.random.default_rng(0)
    z = 1 + e / 10 * (rng.standard_normal(40_000) + 1j * rng.standard_normal(40_000))
    assert np.std(np.log10(abs(z) ** 2)) == pytest.approx(expected[0] / 10, rel=0.015)
    assert np.std(np.angle(z, deg=True)) == pytest.approx(expected[1] / 10, rel=0.015)


def test_tippers_are_left_out_unless_they_have_an_error():
    data = Data.from_responses(responses())
    assert data.mask[:4].all()
    assert not data.mask[4:].any()


def test_from_impedance_inverts_to_the_same_impedance_and_errors():
    z_xy, z_yx = an_impedance(1), -an_impedance(2)
    tipper = 0.3 * np.exp(1j * np.arange(18.0).reshape(SHAPE))
    e_xy, e_yx = 0.05 * abs(z_xy), 0.1 * abs(z_yx)
    data = Data.from_impedance(SURVEY, z_xy, e_xy, z_yx, e_yx, tipper, np.full(SHAPE, 0.02))
    log_xy, phase_xy, log_yx, phase_yx, real, imaginary = data.values
    # A logarithm and a power of ten: a few roundings of ten digits before the point.
    for z, log, phase in ((z_xy, log_xy, phase_xy), (-z_yx, log_yx, phase_yx)):
        again = np.sqrt(10**log * OMEGA * MU_0) * np.exp(1j * np.deg2rad(phase))
        np.testing.assert_allclose(again, z, rtol=1e-12)
    np.testing.assert_array_equal(real + 1j * imaginary, tipper)
    for k, expected in enumerate([0.1 / np.log(10), np.rad2deg(0.05), 0.2 / np.log(10), np.rad2deg(0.1)]):
        np.testing.assert_allclose(data.errors[k], expected, rtol=1e-14)
    np.testing.assert_array_equal(data.errors[4:], 0.02)


def test_a_missing_impedance_or_error_is_a_missing_datum():
    z_xy, z_yx = an_impedance(1), -an_impedance(2)
    e_xy, e_yx = 0.05 * abs(z_xy), 0.1 * abs(z_yx)
    z_xy[0, 0] = np.nan
    e_yx[1, 2] = np.nan
    data = Data.from_impedance(SURVEY, z_xy, e_xy, z_yx, e_yx)
    expected = np.zeros((6, *SHAPE), bool)
    expected[:4] = True
    expected[:2, 0, 0] = False
    expected[2:4, 1, 2] = False
    np.testing.assert_array_equal(data.mask, expected)


def noisy(kind, level=0.04, seed=0, size=(100, 100)):
    """Noise over the stated error, for a survey large enough for statistics."""
    survey = Survey(np.geomspace(1, 10, size[0]), np.arange(float(size[1])))
    z = jnp.ones(size, complex)
    clean = Data.from_responses(Responses(survey, z, -z, 0.1 * z), level, tipper_error=level)
    noise = clean.with_noise(jax.random.key(seed), level, kind)
    np.testing.assert_array_equal(noise.errors, clean.errors)
    return (noise.values - clean.values) / clean.errors


# 60,000 samples: a fraction p has a deviation below sqrt(p (1 - p) / 60,000) = 0.002; 0.008 is 4 of these.
FRACTION = 0.008


def test_gaussian_noise_has_the_stated_distribution_in_every_component():
    noise = noisy("gaussian")
    # Of 10,000 samples each: 1 / sqrt(2 n) = 0.7 %.
    np.testing.assert_allclose(noise.std(axis=(1, 2)), 1, rtol=0.03)
    np.testing.assert_allclose(noise.mean(axis=(1, 2)), 0, atol=0.04)
    assert abs(np.mean(abs(noise) > 2) - 2 * stats.norm.sf(2)) < FRACTION


def test_student_noise_has_three_degrees_of_freedom():
    noise = noisy("student")
    for bound in (0.7649, 2.0, 5.0):
        assert abs(np.mean(abs(noise) > bound) - 2 * stats.t.sf(bound, 3)) < FRACTION


def test_outliers_are_one_datum_in_ten_with_ten_times_the_noise():
    noise = noisy("outliers")
    for bound in (1.0, 4.0, 10.0):
        expected = 0.9 * 2 * stats.norm.sf(bound) + 0.1 * 2 * stats.norm.sf(bound / 10)
        assert abs(np.mean(abs(noise) > bound) - expected) < FRACTION


@pytest.mark.parametrize("kind", ["gaussian", "student", "outliers"])
def test_noise_repeats_with_its_key_and_scales_with_its_level(kind):
    small = (4, 5)
    np.testing.assert_array_equal(noisy(kind, size=small), noisy(kind, size=small))
    assert not np.any(noisy(kind, size=small) == noisy(kind, seed=1, size=small))
    # The noise is a difference of values of order 50 in units of their error.
    np.testing.assert_allclose(noisy(kind, 0.02, size=small), noisy(kind, 0.2, size=small), atol=1e-11)


def test_phases_are_compared_modulo_a_turn():
    survey = Survey(np.array([1.0]), np.array([0.0, 1.0, 2.0]))
    z = jnp.asarray(np.exp(1j * np.deg2rad([[179.0, -170.0, 45.0]])))
    predicted = Responses(survey, z, None, None)
    values = np.full((6, 1, 3), np.nan)
    values[0] = predicted.components[0] + 10.0
    values[1] = [[-179.0, 175.0, 45.0 + 720.0]]
    data = Data(survey, values, np.full(values.shape, 2.0))
    residual = data.residuals(predicted)
    # Angles of 1,000 keep 13 digits. The logarithm, which has no turns, keeps its difference, with 13
    # digits.
    np.testing.assert_allclose(residual[1], [[1.0, -7.5, 0.0]], atol=1e-12)
    np.testing.assert_allclose(residual[0], 5.0, rtol=1e-12)
    assert np.isnan(residual[2:]).all()


def test_nrms_is_over_the_data_that_exist():
    data = Data.from_responses(responses(), 0.05, tipper_error=0.1)
    values = data.values + np.arange(6.0)[:, None, None] * data.errors
    values[5, 0] = np.nan
    shifted = Data(SURVEY, values, data.errors)
    n = SURVEY.stations.size * SURVEY.frequencies.size
    expected = np.sqrt((n * (1 + 4 + 9 + 16) + (n - 3) * 25) / (6 * n - 3))
    # Shifts of 1e-2 on values of 50 keep 12 digits.
    assert shifted.nrms(responses()) == pytest.approx(expected, rel=1e-10)


def test_a_floor_raises_small_errors_only():
    e = 0.01
    data = Data.from_responses(responses(), e, tipper_error=0.3)
    floored = data.with_floor(0.05)
    np.testing.assert_allclose(floored.errors[:4], 5 * data.errors[:4], rtol=1e-14)
    np.testing.assert_array_equal(floored.errors[4:], 0.3)
    np.testing.assert_array_equal(data.with_floor(e / 2).errors, data.errors)
    np.testing.assert_array_equal(data.with_floor(e / 2, phase=2.0).errors[[1, 3]], 2.0)
    np.testing.assert_array_equal(data.with_floor(e / 2, phase=2.0).errors[[0, 2]], data.errors[[0, 2]])


def test_bad_data_are_refused():
    good = Data.from_responses(responses())
    with pytest.raises(
        ValueError, match=r"`Data\(values=...\)` must have shape.*\(6, 6, 3\). Got \(6, 6, 2\)"
    ):
        Data(SURVEY, good.values[..., :2], good.errors)
    with pytest.raises(ValueError, match=r"`Data\(errors=...\)` must have shape"):
        Data(SURVEY, good.values, good.errors[:4])
    with pytest.raises(ValueError, match="holds no datum"):
        Data(SURVEY, np.full_like(good.values, np.nan), good.errors)
    for bad in (0.0, -1.0, np.nan, np.inf):
        errors = good.errors.copy()
        errors[0, 0, 0] = bad
        with pytest.raises(
            ValueError, match=f"1e-12 to 1e.12 decades.*Got 1 that are not, the first {bad}"
        ):
            Data(SURVEY, good.values, errors)
        errors[:, 0, 0] = bad
        Data(SURVEY, np.where(errors == good.errors, good.values, np.nan), errors)


@pytest.mark.parametrize(
    ("row", "value", "message"),
    [
        (
            0,
            np.inf,
            r"log10_rho_xy must lie within 20 log10\(ohm m\) of zero.*first inf at frequency 2, st",
        ),
        (2, -np.inf, "log10_rho_yx must lie within 20"),
        (0, 100.0, "log10_rho_xy must lie within 20.*the first 100 at frequency 2, station 1"),
        (1, 1e9, "phase_xy must lie within 3600 degrees of zero"),
        (5, -1e30, r"tipper_imag must lie within 1000 of zero.*NaN marks what is missing"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(row, value, message):
    good = Data.from_responses(responses(), tipper_error=0.02)
    values = good.values.copy()
    values[row, 2, 1] = value
    with pytest.raises(ValueError, match=r"`Data\(values=...\)` of " + message):
        Data(SURVEY, values, good.errors)
    values[row, 2, 1] = np.nan
    assert Data(SURVEY, values, good.errors).mask.sum() == good.mask.sum() - 1


@pytest.mark.parametrize("error", [1e300, 1e13, 1e-300])
def test_errors_that_would_fit_any_model_or_none_are_refused(error):
    good = Data.from_responses(responses())
    with pytest.raises(ValueError, match=f"1e-12 to 1e.12 decades.*the first {re.escape(str(error))};"):
        Data(SURVEY, good.values, np.full_like(good.errors, error))


def test_an_impedance_of_zero_or_infinity_is_no_value():
    z, error = an_impedance(1), 0.05 * abs(an_impedance(1))
    z[0, 0] = 0
    assert Data.from_impedance(SURVEY, z, error, -z, error).mask.sum() == 4 * (z.size - 1)
    z[0, 1] = np.inf
    with pytest.raises(ValueError, match=r"log10_rho_xy must lie within 20"):
        Data.from_impedance(SURVEY, z, error, -z, error)


def test_bad_arguments_are_refused():
    data = Data.from_responses(responses())
    with pytest.raises(ValueError, match=r"relative_error=...\)` must be positive.*Got 0.0"):
        Data.from_responses(responses(), relative_error=0.0)
    with pytest.raises(ValueError, match="must be 'gaussian', 'student' or 'outliers'. Got 'cauchy'"):
        data.with_noise(jax.random.key(0), kind="cauchy")
    with pytest.raises(ValueError, match=r"level=...\)` must not be negative.*Got -0.1"):
        data.with_noise(jax.random.key(0), level=-0.1)


def test_select_keeps_frequencies_stations_and_components():
    survey = Survey([10.0, 1.0, 0.1], [0.0, 1e3], names=("A", "B"), depths=[0.0, 5.0])
    values = np.arange(36.0).reshape(6, 3, 2)
    data = Data(survey, values, np.ones_like(values))
    part = data.select(
        frequencies=[True, False, True], stations=[1], components=["phase_xy", "tipper_real"]
    )
    np.testing.assert_array_equal(part.survey.frequencies, [10.0, 0.1])
    assert part.survey.names == ("B",)
    np.testing.assert_array_equal(part.survey.depths, [5.0])
    np.testing.assert_array_equal(part.values[1], values[1][[0, 2]][:, [1]])
    np.testing.assert_array_equal(np.flatnonzero(part.mask.any(axis=(1, 2))), [1, 4])
    np.testing.assert_array_equal(data.without_tipper().values[:4], values[:4])
    assert not data.without_tipper().mask[4:].any()


def test_a_selection_keeps_the_computed_frequencies_that_it_needs():
    survey = Survey(np.geomspace(0.01, 100.0, 60), [0.0, 1e3]).thinned(8)
    data = Data(survey, np.ones((6, 60, 2)), np.ones((6, 60, 2)))
    assert data.without_tipper().survey == survey
    assert data.select(stations=[1]).survey.computed is not None
    assert data.select(frequencies=survey.frequencies > 1).survey == survey.at(survey.frequencies[30:])
    assert data.select(frequencies=[3, 4]).survey.computed is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": ["rho"]}, r"must name some of .* Got 'rho'"),
        ({"stations": [True]}, "must hold 2 booleans"),
        ({"stations": [2]}, "indices below 2"),
        ({"frequencies": [False] * 3}, "leaves none of 3"),
    ],
)
def test_a_selection_that_cannot_be_made_is_refused(options, message):
    values = np.ones((6, 3, 2))
    data = Data(Survey([10.0, 1.0, 0.1], [0.0, 1e3]), values, values)
    with pytest.raises(ValueError, match=message):
        data.select(**options)


def test_complete_drops_lone_parts_only():
    values = np.ones((6, 1, 3))
    values[0, 0, 0] = values[3, 0, 1] = values[5, 0, 2] = np.nan
    data = Data(Survey([1.0], [0.0, 1e3, 2e3]), values, np.ones_like(values))
    expected = np.ones((6, 1, 3), dtype=bool)
    expected[:2, 0, 0] = expected[2:4, 0, 1] = expected[4:, 0, 2] = False
    np.testing.assert_array_equal(present(data.complete()).mask, expected)
    lone = np.full((6, 1, 1), np.nan)
    lone[1] = 45.0
    assert Data(Survey([1.0], [0.0]), lone, np.ones_like(lone)).complete() is None


def test_median_resistivity_is_that_of_both_modes():
    values = np.full((6, 1, 3), np.nan)
    values[0, 0], values[2, 0] = [0.0, 1.0, 2.0], [2.0, 3.0, np.nan]
    data = Data(Survey([1.0], [0.0, 1e3, 2e3]), values, np.ones_like(values))
    assert data.median_resistivity() == pytest.approx(100.0)
    tippers = np.full((6, 1, 1), np.nan)
    tippers[4:] = 0.1
    assert Data(Survey([1.0], [0.0]), tippers, np.ones_like(tippers)).median_resistivity(30.0) == 30.0


def test_nearest_turn_leaves_all_but_phases_and_missing_values():
    values = jnp.array([500.0, -179.0, 500.0, 900.0, 500.0, 500.0])[:, None]
    to = jnp.array([0.0, 179.0, 0.0, jnp.nan, 0.0, 0.0])[:, None]
    found = nearest_turn(values, to)
    np.testing.assert_array_equal(found[:, 0], [500.0, 181.0, 500.0, 900.0, 500.0, 500.0])
    slope = jax.jacobian(lambda v: nearest_turn(v, to))(values)
    np.testing.assert_array_equal(slope.reshape(6, 6), np.eye(6))
