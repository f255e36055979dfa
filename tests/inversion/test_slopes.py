import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from problems import SMALL, SURVEY, log_section
from scipy import sparse

from jaxmt import SuperLU, Survey, jacobian, simulate
from jaxmt.inversion.slopes import data_slopes

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

CELLS = SMALL.shape[0] * SMALL.shape[1]
SINGLE = np.random.default_rng(1).permutation(CELLS)[:20]
PATTERNS = {
    "one cell each": sparse.csc_array((np.linspace(0.5, 1, 20), (SINGLE, np.arange(20))), (CELLS, 20)),
    "many cells": sparse.csc_array(np.random.default_rng(2).standard_normal((CELLS, 3))),
}
BETWEEN = Survey(SURVEY.frequencies, SURVEY.stations, computed=np.geomspace(10.0, 0.01, 4))


@pytest.mark.parametrize("patterns", PATTERNS.values(), ids=PATTERNS)
@pytest.mark.parametrize("survey", [SURVEY, BETWEEN], ids=["all computed", "interpolated"])
@pytest.mark.parametrize("tipper", [True, False])
def test_they_are_rows_of_the_jacobian_times_patterns(survey, patterns, tipper):
    section = jnp.exp(log_section(SMALL))
    wanted = np.random.default_rng(0).random((6, 5, 3)) < 0.5
    wanted[4:] &= tipper
    # No curve of phases at one station.
    wanted[1, :, 2] = False
    responses, slopes = data_slopes(SMALL, survey, section, wanted, patterns, solver=SuperLU())
    whole = np.asarray(jacobian(SMALL, survey, section, solver=SuperLU()))
    expected = whole[wanted].reshape(-1, CELLS) @ patterns.toarray()
    # The same numbers, summed in another order.
    np.testing.assert_allclose(slopes, expected, rtol=0, atol=1e-13 * np.abs(expected).max())
    simulated = simulate(SMALL, survey, section, solver=SuperLU())
    for name in ("z_xy", "z_yx", "tipper"):
        mine, other = getattr(responses, name), getattr(simulated, name)
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-12 * np.abs(other).max())


def test_of_one_mode_the_other_has_no_responses():
    survey = dataclasses.replace(SURVEY, modes=("tm",))
    wanted = np.zeros((6, 5, 3), bool)
    wanted[2:4] = True
    responses, slopes = data_slopes(
        SMALL, survey, jnp.exp(log_section(SMALL)), wanted, PATTERNS["many cells"], solver=SuperLU()
    )
    assert responses.z_xy is None
    assert slopes.shape == (30, 3)
