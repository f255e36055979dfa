"""Samplers on densities of which everything is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gaussians import Bent, bent, gaussian

import jaxmt
from jaxmt.sampling.chain import starts
from jaxmt.sampling.density import AbstractDensity
from jaxmt.sampling.mode import NEAR, mode, value
from jaxmt.sampling.whitened import apply, typical


def known(density):
    return mode(density, np.zeros(density.diagonal.size))


@pytest.mark.parametrize(("data", "size"), [(4, 9), (30, 7), (1, 1)])
def test_the_whitening_is_a_root_of_the_covariance(data, size):
    density = gaussian(data, size)
    found = known(density)
    # A point whose density is within NEAR of the highest is that far from the mode in its own units.
    apart = np.linalg.solve(np.linalg.cholesky(density.covariance), found.x - density.mean)
    assert np.linalg.norm(apart) <= np.sqrt(2 * NEAR)
    # Exact up to what counts as negligible, 1e-6 of the prior.
    whitening = found.laplace.whitening(found.x)
    root = apply(whitening, jnp.eye(size)) - found.x
    np.testing.assert_allclose(root.T @ root, density.covariance, atol=1e-6)
    gradient = np.arange(1.0, size + 1)
    np.testing.assert_allclose(found.laplace.solve(gradient), density.covariance @ gradient, atol=1e-5)
    resolved = np.trace(density.covariance @ density.rows.T @ density.rows)
    assert found.laplace.determined == pytest.approx(resolved, abs=1e-5)


def test_the_typical_curvature_is_between_the_means_of_its_points():
    density, centre = bent(0.3), np.array([0.5, -0.5])
    points = [density.linearised(np.array(place)) for place in ([0.0, 0.0], [1.0, -0.5], [-2.0, 1.0])]
    curvatures = [one.rows.T @ one.rows + one.precision.toarray() for one in points]
    # They differ: the density is no Gaussian.
    assert np.linalg.norm(curvatures[2] - curvatures[0]) > np.linalg.norm(curvatures[0])
    root = apply(typical(iter(points), centre), jnp.eye(2)) - centre
    found = np.linalg.inv(root.T @ root)
    arithmetic = np.mean(curvatures, axis=0)
    harmonic = np.linalg.inv(np.mean(np.linalg.inv(curvatures), axis=0))
    # The one solution of this equation is the geometric mean; up to 1e-6, which counts as negligible.
    between = found @ np.linalg.inv(arithmetic) @ found
    np.testing.assert_allclose(between, harmonic, atol=1e-4 * np.abs(harmonic).max())


def test_the_mode_is_where_no_slope_is_left():
    density = bent(0.3)
    found = known(density)
    assert found.left < 1e-2
    assert found.log_density == pytest.approx(value(density, found.x))
    slope = jax.jit(jax.grad(density))(jnp.asarray(found.x))
    # A decrement of 0.01 leaves a tenth of a standard deviation, here less than 0.1, times the curvature.
    assert np.all(np.abs(found.laplace.solve(np.asarray(slope))) < 0.15)
    far = mode(density, np.array([40.0, -40.0]))
    np.testing.assert_allclose(far.x, found.x, atol=0.1)


def test_a_search_that_ends_early_says_how_far_it_was(monkeypatch):
    density = bent(0.3)
    monkeypatch.setattr("jaxmt.sampling.mode.STEPS", 1)
    assert mode(density, np.array([3.0, 3.0])).left > NEAR


def test_randomise_then_optimise_is_exact_for_a_gaussian():
    """Then a draw is Laplace's, and the weights say so by being equal."""
    density = gaussian(5, 8)
    found = known(density)
    whitening = found.laplace.whitening(found.x)
    key = jax.random.key(3)
    made = jaxmt.RandomiseThenOptimise().draw(density, whitening, None, key, 6)
    white = jax.random.normal(key, (6, 8))
    np.testing.assert_allclose(made["x"], apply(whitening, white), atol=1e-5)
    assert np.ptp(made["log_weight"]) < 1e-4
    assert not made["divergent"].any()


def moments(density):
    """Means and second moments by quadrature."""
    axes = np.linspace(-4, 4, 401)
    x = np.stack(np.meshgrid(axes, axes, indexing="ij"), -1).reshape(-1, 2)
    p = np.exp(np.asarray(jax.vmap(density)(jnp.asarray(x))))
    p /= p.sum()
    return p @ x, p @ x**2


def test_weights_take_the_bias_from_randomise_then_optimise():
    density = bent(0.3)
    found = known(density)
    whitening = found.laplace.whitening(found.x)
    made = jaxmt.RandomiseThenOptimise().draw(density, whitening, None, jax.random.key(0), 400)
    w = np.exp(made["log_weight"] - made["log_weight"].max())
    assert np.ptp(w) > 0.1
    w /= w.sum()
    first, second = moments(density)
    # 400 draws: the errors are deviation over 20, and 4 of them.
    spread = np.sqrt(second - first**2)
    np.testing.assert_allclose(w @ made["x"], first, atol=4 * spread.max() / 20)
    np.testing.assert_allclose(w @ made["x"] ** 2, second, atol=4 * 1.5 * (spread**2).max() / 20)


class Walled(AbstractDensity):
    """A density without an answer where a parameter has a decade or more."""

    inner: Bent

    def __call__(self, x):
        return jnp.where(jnp.all(jnp.abs(x) < 1), self.inner(x), -jnp.inf)

    def linearised(self, x):
        return self.inner.linearised(x)

    def whitened(self, x):
        return self.inner.whitened(x) if np.all(np.abs(x) < 1) else np.full(2, np.nan)


def test_equations_without_an_answer_are_marked():
    density = bent(0.3)
    found = known(density)
    sampler = jaxmt.RandomiseThenOptimise(runs=20)
    made = sampler.draw(Walled(density), found.laplace.whitening(found.x), None, jax.random.key(0), 60)
    # What begins beyond the wall; by its Jacobian each draw has one run more.
    assert 0 < made["divergent"].sum() < 15
    assert made["gradients"].max() == 21
    assert np.isfinite(made["x"]).all()
    np.testing.assert_array_equal(made["divergent"], np.isinf(made["log_weight"]))


def drawn(density, draws, chains=2, **options):
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    found = known(density)
    whitening = found.laplace.whitening(found.x)
    sampler = jaxmt.NUTS(**options)
    return [
        sampler.draw(density, whitening, None, key, draws)
        for key in jax.random.split(jax.random.key(0), chains)
    ]


def test_nuts_has_the_moments_of_a_gaussian():
    density = gaussian(4, 6)
    chains = drawn(density, 200)
    x = np.concatenate([chain["x"] for chain in chains])
    spread = np.sqrt(np.diag(density.covariance))
    # Draws of a Gaussian in its own units are independent or better: 4 standard errors of 400.
    np.testing.assert_allclose((x.mean(axis=0) - density.mean) / spread, 0, atol=4 / 20)
    unit = np.linalg.cholesky(np.linalg.inv(density.covariance)).T
    np.testing.assert_allclose(np.cov(x @ unit.T, rowvar=False), np.eye(6), atol=4 * np.sqrt(2) / 20)
    assert not np.concatenate([chain["divergent"] for chain in chains]).any()
    for chain in chains:
        assert chain["log_density"][7] == pytest.approx(value(density, chain["x"][7]))
        # A step of some tenths, trajectories of a few.
        assert 2 <= chain["gradients"].mean() <= 15
        assert 0.6 < chain["acceptance"].mean() < 0.95


def test_nuts_has_the_moments_of_what_is_no_gaussian():
    density = bent(0.3)
    first, second = moments(density)
    x = np.concatenate([chain["x"] for chain in drawn(density, 400)])
    spread = np.sqrt(second - first**2)
    np.testing.assert_allclose(x.mean(axis=0), first, atol=4 * spread.max() / np.sqrt(400))
    np.testing.assert_allclose((x**2).mean(axis=0), second, atol=4 * 1.5 * (spread**2).max() / 20)


def test_a_chain_goes_on_where_a_round_ended():
    density = gaussian(3, 4)
    (chain,) = drawn(density, 20, chains=1, warm_up=20)
    whitening = known(density).laplace.whitening(known(density).x)
    more = jaxmt.NUTS().draw(density, whitening, chain, jax.random.key(9), 5)
    assert more["step"] == chain["step"]
    assert more["warm_up_gradients"] == 0
    np.testing.assert_allclose(apply(whitening, jnp.asarray(more["white"][None]))[0], more["x"][-1])


def test_a_start_without_density_is_named():
    density = gaussian(3, 4)
    found = known(density)
    nowhere = found.laplace.whitening(np.full(4, np.nan))
    with pytest.raises(FloatingPointError, match="No start near the most probable section"):
        starts(density, nowhere, jax.random.key(0))


def test_settings_out_of_range_are_named():
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    with pytest.raises(ValueError, match=r"NUTS\(acceptance=...\)` must lie between 0 and 1. Got 1"):
        jaxmt.NUTS(acceptance=1.0)
    with pytest.raises(ValueError, match=r"NUTS\(warm_up=...\)` must be at least 10. Got 2"):
        jaxmt.NUTS(warm_up=2)
    with pytest.raises(ValueError, match=r"RandomiseThenOptimise\(runs=...\)` must be at least 1. Got 0"):
        jaxmt.RandomiseThenOptimise(runs=0)
