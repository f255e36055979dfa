import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import SMALL, SURVEY, log_section

from jaxmt import NestedDissection, SuperLU, jacobian, simulate

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")


@pytest.mark.parametrize("modes", [("te", "tm"), ("tm",)])
def test_the_whole_jacobian_is_that_of_reverse_mode(modes):
    survey = dataclasses.replace(SURVEY, modes=modes)
    section = jnp.exp(log_section(SMALL))
    rows = jax.jit(jax.jacrev(lambda m: simulate(SMALL, survey, 10**m, solver=SuperLU()).components))
    expected = rows(jnp.log10(section))
    ours = jacobian(SMALL, survey, section, solver=SuperLU())
    missing = np.isnan(ours).all(axis=(1, 2, 3, 4))
    np.testing.assert_array_equal(
        missing, ["te" not in modes] * 2 + ["tm" not in modes] * 2 + ["te" not in modes] * 2
    )
    for mine, other in zip(ours[~missing], expected[~missing], strict=True):
        # The same factors; sums in another order, and a condition of 1e4.
        np.testing.assert_allclose(mine, other, atol=1e-11 * np.abs(other).max())


def test_the_whole_jacobian_with_factors_on_the_device():
    survey = dataclasses.replace(SURVEY, modes=("tm",))
    section = jnp.exp(log_section(SMALL))
    ours = jacobian(SMALL, survey, section, solver=NestedDissection())[2:4]
    expected = jacobian(SMALL, survey, section, solver=SuperLU())[2:4]
    np.testing.assert_allclose(ours, expected, atol=1e-10 * np.abs(expected).max())


def test_a_bad_section_is_refused():
    with pytest.raises(ValueError, match=r"`jacobian\(resistivity=...\)` must be.*Got shape \(3,\)"):
        jacobian(SMALL, SURVEY, np.ones(3))
    with pytest.raises(ValueError, match=r"`jacobian\(resistivity=...\)` must be positive and finite"):
        jacobian(SMALL, SURVEY, np.zeros(SMALL.shape))


def test_a_system_without_a_finite_solution_is_named():
    survey = dataclasses.replace(SURVEY, modes=("tm",))
    with pytest.raises(FloatingPointError, match="`jacobian` is not finite.*extreme values"):
        jacobian(SMALL, survey, np.full(SMALL.shape, 1e308), solver=SuperLU())
