"""What a posterior says of draws that are made up."""

import dataclasses

import numpy as np
import pytest

from jaxmt import Mesh, Posterior
from jaxmt.sampling.posterior import Verdict, diagnosed

MESH = Mesh(np.array([-1e3, 0.0, 1e3, 2e3]), np.array([0.0, 100.0, 300.0]))


def made_up(chains=4, draws=200, **changes):
    """Independent draws of mean 2 and deviation 0.5; the last cell is known, two go together."""
    rng = np.random.default_rng(0)
    m = 2 + 0.5 * rng.standard_normal((chains, draws, *MESH.shape))
    m[..., 0, 1] = 2 - (m[..., 0, 0] - 2)
    free = np.ones(MESH.shape, bool)
    free[1, 2] = False
    m[..., 1, 2] = 1.0
    m = changes.pop("log10_resistivity", m)
    ones, (rhat, ess) = np.ones(m.shape[:2]), diagnosed(m, free)
    told = {
        "log_density": -ones,
        "log_weight": 0 * ones,
        "error_scale": ones,
        "static_shift": None,
        "gradients": 7 * ones.astype(int),
        "warm_up": np.full(chains, 100),
        "divergent": ones < 0,
        "mode": np.full(MESH.shape, 2.0),
        "laplace": np.full(MESH.shape, 0.5),
        "determined": 3.0,
        "regularization_factor": 0.1,
        "independent": False,
    }
    return Posterior(MESH, free, m, rhat=rhat, ess=ess, **{**told, **changes})


@pytest.fixture(autouse=True)
def _extra():
    pytest.importorskip("arviz_stats", reason="needs the extra `sample`")


def test_numbers_of_draws():
    found = made_up()
    flat = found.log10_resistivity.reshape(-1, *MESH.shape)
    np.testing.assert_array_equal(found.mean, flat.mean(axis=0))
    np.testing.assert_array_equal(found.median, found.quantiles(0.5))
    low, high = found.quantiles([0.16, 0.84])
    # One standard deviation on either side; 800 draws.
    np.testing.assert_allclose((high - low)[found.free] / 2, 0.5, atol=0.06)
    assert found.exceeds(10**2.5)[1, 0] == np.mean(flat[:, 1, 0] > 2.5)
    assert found.exceeds(5.0)[1, 2] == 1.0
    assert found.deviation[1, 2] == 0.0


def test_what_goes_with_a_cell():
    found = made_up().correlation(-500.0, 50.0)
    assert found[0, 0] == pytest.approx(1.0)
    assert found[0, 1] == pytest.approx(-1.0)
    # Independent: 4 over the root of 800 draws.
    assert abs(found[1, 0]) < 4 / np.sqrt(800)
    assert np.isnan(found[1, 2])
    for y, z in ((-5e3, 50.0), (500.0, 1e3), (1500.0, 200.0)):
        with pytest.raises(ValueError, match=r"correlation\(y=..., z=...\)` must lie in a free cell"):
            made_up().correlation(y, z)


def test_questions_out_of_range_are_named():
    with pytest.raises(ValueError, match=r"quantiles\(parts=...\)` must lie between 0 and 1. Got 5"):
        made_up().quantiles(5)
    with pytest.raises(ValueError, match=r"exceeds\(rho=...\)` must be positive, in ohm m. Got -2"):
        made_up().exceeds(-2.0)


def test_chains_that_agree_have_converged():
    found = made_up()
    assert found.converged
    assert found.verdict is Verdict.CONVERGED
    assert found.message.startswith("converged: 4 x 200 draws, R-hat up to 1.0")
    # Independent draws: each is effective, to the scatter of the estimate.
    np.testing.assert_allclose(found.ess[found.free], 800, rtol=0.3)
    assert found.gradients_per_effective_draw[0] == pytest.approx(7, rel=0.3)
    assert np.isnan(found.rhat[1, 2])


def test_a_chain_apart_is_named_with_its_cell():
    draws = made_up().log10_resistivity.copy()
    draws[0, :, 1, 1] += 1.0
    found = made_up(log10_resistivity=draws)
    assert found.verdict is Verdict.NOT_CONVERGED
    assert not found.converged
    assert "R-hat above 1.01 in 1 cells, up to 1." in found.message
    assert "at 0.5 km, 0.2 km deep" in found.message
    assert found.message.endswith("more draws")


def test_one_chain_is_compared_with_itself():
    one = made_up(chains=1, draws=2000)
    assert one.converged
    assert one.message.startswith("converged: 1 x 2000 draws, R-hat up to 1.0")
    draws = one.log10_resistivity.copy()
    draws[0, :1000, 1, 1] += 1.0
    assert "at 0.5 km, 0.2 km deep" in made_up(chains=1, log10_resistivity=draws).message
    # Draws of which there is nothing to say.
    few = made_up(chains=1, draws=6)
    assert few.verdict is Verdict.NOT_CONVERGED
    assert "up to nan" in few.message


def test_draws_that_hardly_move_are_few():
    rng = np.random.default_rng(0)
    draws = made_up().log10_resistivity.copy()
    draws[:, :, 0, 2] = 2 + 0.1 * np.cumsum(rng.standard_normal(draws.shape[:2]), axis=1)
    assert made_up(log10_resistivity=draws).verdict is Verdict.NOT_CONVERGED


def test_divergences_and_weights_are_named():
    found = made_up()
    divergent = found.divergent.copy()
    divergent[0, :3] = True
    found = dataclasses.replace(found, divergent=divergent)
    assert found.verdict is Verdict.DIVERGENT
    assert "3 of 800 draws diverged" in found.message
    alone = dataclasses.replace(found, independent=True).message
    assert "equations of 3 of 800 draws are not solved" in alone
    assert "NUTS" not in alone
    weights = np.zeros((4, 200))
    weights[:, 20:] = -50.0
    found = made_up(log_weight=weights)
    assert found.weight_worth == pytest.approx(80)
    assert found.verdict is Verdict.BIASED
    assert "800 draws are worth 80" in found.message


def test_arviz_takes_it():
    pytest.importorskip("arviz_base", reason="needs the extra `sample`")
    found = made_up()
    tree = found.to_arviz()
    section = tree["posterior"]["log10_resistivity"]
    assert section.dims == ("chain", "draw", "z", "y")
    np.testing.assert_array_equal(section, found.log10_resistivity)
    np.testing.assert_array_equal(section["y"], MESH.y_centres)
    assert not tree["sample_stats"]["diverging"].any()


def test_what_is_saved_comes_back(tmp_path):
    found = made_up()
    found.save(tmp_path / "posterior.npz")
    back = Posterior.read(tmp_path / "posterior.npz")
    # Single precision: seven digits.
    np.testing.assert_allclose(back.log10_resistivity, found.log10_resistivity, rtol=1e-6)
    np.testing.assert_array_equal(back.mesh.surface, MESH.surface)
    assert back.static_shift is None
    assert back.message == found.message
    (tmp_path / "posterior.npz").write_bytes((tmp_path / "posterior.npz").read_bytes()[:500])
    with pytest.raises(ValueError, match="no posterior that jaxmt wrote, or damaged"):
        Posterior.read(tmp_path / "posterior.npz")
