"""Frequencies that differ from station to station: masked, and fields computed at fewer of them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import BLOCK, BURIED
from problems import BLOCK_MESH as MESH

from jaxmt import (
    CloudTransport,
    ComponentTransport,
    Data,
    GraphSpaceTransport,
    LeastSquares,
    Survey,
    invert,
    simulate,
)
from jaxmt.inversion.optimisers import OPTIMISERS

# The mesh is the one that the data were made on, so its coarseness does not matter.
pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

SURVEY = Survey(np.geomspace(100.0, 1.0, 12), np.linspace(-3000, 3000, 6))
TARGET = 1.05


@pytest.fixture(scope="module")
def complete():
    """Every station at every frequency, 3 % noise; the fields are computed at four a decade."""
    clean = Data.from_responses(simulate(MESH, SURVEY, BURIED), 0.03)
    data = clean.with_noise(jax.random.key(0), 0.03)
    return dataclasses.replace(data, survey=SURVEY.thinned(4))


@pytest.fixture(scope="module")
def ragged(complete):
    """Even stations have the even frequencies, odd stations the odd ones."""
    odd = np.add.outer(np.arange(12), np.arange(6)) % 2 == 1
    return dataclasses.replace(complete, values=np.where(odd, np.nan, complete.values))


@pytest.fixture(scope="module")
def start():
    return simulate(MESH, SURVEY, np.full(MESH.shape, 100.0)).components


@pytest.mark.parametrize(
    "misfit",
    [LeastSquares(), CloudTransport(), ComponentTransport(), GraphSpaceTransport()],
    ids=["least squares", "cloud", "components", "graph space"],
)
def test_misfits_and_gradients_are_finite_and_blind_to_what_is_missing(misfit, ragged, start):
    prepared, state = misfit.prepare(ragged)
    value, slope = jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])(start)
    assert np.isfinite(value)
    assert value > 0
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(slope[~ragged.mask], 0.0)
    # Every station and frequency has its say.
    known = ragged.mask[0]
    assert np.all(np.abs(slope[0])[known] > 0)
    moved = jnp.where(ragged.mask, start, start + 1.0)
    assert float(misfit(moved, prepared, state)[0]) == float(misfit(start, prepared, state)[0])


def inverted(data, misfit, name="adam"):
    options = {"optimiser": OPTIMISERS[name](), "target": TARGET, "max_iterations": 100}
    result = invert(data, MESH, 100.0, misfit, **options)
    assert result.converged
    error = np.log10(result.resistivity / BURIED)
    # The start is wrong by one decade in the block; seen from above, most of that goes.
    assert np.sqrt(np.mean(error[BLOCK] ** 2)) < 0.5
    return result


def test_an_inversion_reaches_its_target_like_that_of_complete_data(ragged, complete):
    ours, whole = (inverted(data, LeastSquares()) for data in (ragged, complete))
    counts = [len(result.history["nrms"]) for result in (ours, whole)]
    # Half of the data, of the same section: about as many iterations.
    assert counts[0] <= 2 * counts[1]
    # Its section predicts what was left out: at the noise, and what half of the data cannot tell.
    assert complete.nrms(ours.responses) < 1.2


@pytest.mark.parametrize(
    ("misfit", "name"), [(CloudTransport(), "adam"), (LeastSquares(), "gauss-newton")], ids=["cloud", "gn"]
)
def test_other_ways_reach_it_too(misfit, name, ragged):
    inverted(ragged, misfit, name)
