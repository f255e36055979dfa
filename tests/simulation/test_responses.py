import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Responses, Survey
from jaxmt.conventions import COMPONENTS, MU_0
from jaxmt.simulation.responses import apparent_resistivity

SURVEY = Survey(np.array([10.0, 0.1]), np.array([0.0, 1.0, 2.0]))
RHO = np.array([[1.0, 10.0, 300.0], [2.0, 20.0, 600.0]])
PHASE = np.array([[5.0, 45.0, 85.0], [30.0, 100.0, -20.0]])
OMEGA = 2 * np.pi * SURVEY.frequencies[:, None]
Z = jnp.asarray(np.sqrt(RHO * OMEGA * MU_0) * np.exp(1j * np.deg2rad(PHASE)))
# Square roots, squares and an arctangent: a few roundings.
ROUNDING = 1e-13


def both(tipper=None):
    return Responses(SURVEY, Z, -2 * Z, tipper)


def test_apparent_resistivity_inverts_the_impedance():
    np.testing.assert_allclose(apparent_resistivity(Z, jnp.asarray(SURVEY.frequencies)), RHO, rtol=ROUNDING)


def test_both_modes_and_the_sign_of_yx():
    responses = both()
    np.testing.assert_allclose(responses.rho_xy, RHO, rtol=ROUNDING)
    np.testing.assert_allclose(responses.rho_yx, 4 * RHO, rtol=ROUNDING)
    np.testing.assert_allclose(responses.phase_xy, PHASE, rtol=ROUNDING)
    np.testing.assert_allclose(responses.phase_yx, PHASE, rtol=ROUNDING)


def test_components_are_in_their_published_order():
    tipper = 0.1 * PHASE + 0.2j * RHO
    by_name = dict(zip(COMPONENTS, both(jnp.asarray(tipper)).components, strict=True))
    np.testing.assert_allclose(by_name["log10_rho_xy"], np.log10(RHO), atol=ROUNDING)
    np.testing.assert_allclose(by_name["phase_xy"], PHASE, rtol=ROUNDING)
    np.testing.assert_allclose(by_name["log10_rho_yx"], np.log10(4 * RHO), atol=ROUNDING)
    np.testing.assert_allclose(by_name["phase_yx"], PHASE, rtol=ROUNDING)
    np.testing.assert_array_equal(by_name["tipper_real"], 0.1 * PHASE)
    np.testing.assert_array_equal(by_name["tipper_imag"], 0.2 * RHO)


@pytest.mark.parametrize(("mode", "suffix"), [("te", "xy"), ("tm", "yx")])
def test_a_mode_left_out_is_nan_in_components_and_raises_when_read(mode, suffix):
    survey = Survey(SURVEY.frequencies, SURVEY.stations, modes=tuple({"te", "tm"} - {mode}))
    responses = Responses(survey, None if mode == "te" else Z, None if mode == "tm" else Z, None)
    absent = [suffix in name or "tipper" in name for name in COMPONENTS]
    np.testing.assert_array_equal(np.isnan(responses.components).all(axis=(1, 2)), absent)
    for name in ("rho", "phase"):
        with pytest.raises(ValueError, match=f'no {mode.upper()} mode.*Add "{mode}"'):
            getattr(responses, f"{name}_{suffix}")


def test_responses_pass_through_jit():
    result = jax.jit(lambda r: jax.tree.map(lambda x: 2 * x, r))(both())
    assert result.survey == SURVEY
    np.testing.assert_allclose(result.rho_xy, 4 * RHO, rtol=ROUNDING)
