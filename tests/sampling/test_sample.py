"""Posteriors of small earths, and what is refused at the door."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxmt
from jaxmt.inversion.objective import check_kind
from jaxmt.inversion.regularization import Penalties, Smallness
from jaxmt.misfit import Huber, LeastSquares, Student
from jaxmt.sampling.density import Density
from jaxmt.sampling.mode import mode, value
from jaxmt.sampling.sample import Sampled

MESH = jaxmt.Mesh(
    np.array([-6e4, -6e3, -2e3, 2e3, 6e3, 6e4]), np.concatenate([[0.0], np.geomspace(50, 5e4, 8)])
)
SURVEY = jaxmt.Survey(np.array([30.0, 3.0, 0.3]), np.array([-4e3, 4e3]), ("tm",))
ROWS = np.arange(MESH.n_earth)[:, None]
LAYERS = jaxmt.Blocks(MESH, np.broadcast_to(ROWS > 3, MESH.shape).astype(int), 1.0, 1e4)
QUARTERS = jaxmt.Blocks(MESH, 2 * (ROWS > 3) + (MESH.y_centres > 0), 1.0, 1e4)
NARROW = Penalties(((1.0, Smallness(100.0, 0.5)), (0.2, jaxmt.Smoothness(depth_exponent=0.0))))
TRUE = np.array([2.3, 1.4])


def simulated(earth, decades, error=0.05, key=None, survey=SURVEY):
    m = np.zeros(MESH.shape)
    m[earth.free] = np.asarray(decades)[earth.numbers]
    data = jaxmt.Data.from_responses(jaxmt.simulate(MESH, survey, 10**m), error)
    return data if key is None else data.with_noise(key, error)


@functools.cache
def layered():
    return simulated(LAYERS, TRUE, key=jax.random.key(1))


def density(misfit=None, static_shift=None, error_scale=None, earth=QUARTERS):
    return Density(
        jaxmt.Objective(
            layered(), earth, misfit or LeastSquares(), NARROW, 0.01, static_shift=static_shift
        ),
        error_scale,
    )


def point(of):
    """Somewhere off the mode, with a factor of the errors and shifts if there are any."""
    rng = np.random.default_rng(0)
    parameters = of.objective.parametrisation.start(30.0)
    x = of.joined(parameters)
    return x + 0.2 * rng.standard_normal(x.size)


CASES = {
    "Gaussian": {},
    "Gaussian with shifts": {"static_shift": jaxmt.StaticShift(0.2)},
    "Gaussian with shifts and a scale": {"static_shift": jaxmt.StaticShift(0.2), "error_scale": 0.2},
    "Huber with a scale": {"misfit": Huber(), "error_scale": 0.2},
    "Student with shifts": {"misfit": Student(), "static_shift": jaxmt.StaticShift(0.2)},
}


@pytest.mark.parametrize("case", CASES)
def test_linearised_has_the_slope_of_the_density(case):
    """By adjoint states and Jacobians beside JAX's gradient, and residuals that go with the rows."""
    of = density(**CASES[case])
    x = point(of)
    around = of.linearised(x)
    slope = np.asarray(jax.jit(jax.grad(of))(jnp.asarray(x)))
    # Both to rounding of solves with a condition of 1e6.
    np.testing.assert_allclose(around.gradient, -slope, rtol=1e-7, atol=1e-7 * np.abs(slope).max())
    np.testing.assert_allclose(around.residuals, of.whitened(x), rtol=1e-9, atol=1e-9)
    first = x.size - of.shift_count - (of.error_scale is not None)
    direction = np.r_[np.ones(first), np.zeros(x.size - first)]
    if case.startswith("Gaussian"):
        apart = (of.whitened(x + 1e-4 * direction) - of.whitened(x - 1e-4 * direction)) / 2e-4
        # A central difference: second order of 1e-4.
        np.testing.assert_allclose(around.rows @ direction, apart, rtol=1e-5, atol=1e-5)


def test_a_likelihood_is_that_of_its_noise():
    """Differences of the density beside SciPy's."""
    x, other = point(density(earth=LAYERS)), density(earth=LAYERS).joined(LAYERS.start(80.0))

    def told(distribution, of, at):
        data = of.objective.data
        r = np.asarray(of.objective.simulated(of.split(jnp.asarray(at))[0]).components) - data.values
        logs = distribution.logpdf(np.asarray(r / data.errors)[data.mask]).sum()
        return logs - float(of.of_prior(*of.split(jnp.asarray(at))))

    for misfit, distribution in ((LeastSquares(), stats.norm), (Student(freedom=4.0), stats.t(4.0))):
        of = density(misfit, earth=LAYERS)
        apart = told(distribution, of, x) - told(distribution, of, other)
        # Rounding of sums of order 1e3.
        assert value(of, x) - value(of, other) == pytest.approx(apart, abs=1e-8)


def test_a_factor_of_the_errors_counts_as_errors_that_are_larger():
    of = density(error_scale=0.2, earth=LAYERS)
    x = of.joined(LAYERS.start(30.0))
    told = value(of, np.r_[x[:-1], np.log(2.0)]) - value(of, x)
    alone = density(earth=LAYERS).objective
    r = np.asarray(alone.simulated(jnp.asarray(x[:-1])).components) - alone.data.values
    squares = np.nansum((r / alone.data.errors) ** 2)
    wanted = squares / 2 * (1 - 1 / 4) - alone.data.mask.sum() * np.log(2.0)
    assert told == pytest.approx(wanted - (np.log10(2) / 0.2) ** 2 / 2, abs=1e-8)


def test_shifts_that_are_integrated_out_are():
    """Beside quadrature over the shifts, up to the constant that does not depend on the section."""

    def by_quadrature(of, x):
        data, s0 = of.objective.data, 0.2
        r = (np.asarray(of.objective.simulated(jnp.asarray(x)).components) - data.values) / data.errors
        total = -float(of.of_prior(jnp.asarray(x), jnp.zeros(()), jnp.zeros((2, 2))))
        total -= np.nansum(np.where(data.mask, r, 0.0)[3] ** 2) / 2
        # Steps of a fortieth of the narrowest width, out to six standard deviations; their sum is zero.
        s = np.linspace(-1.2, 1.2, 4801)[:, None]
        logs = -2 * (s[:, 0] / s0) ** 2 / 2
        for site, sign in enumerate((1, -1)):
            logs -= np.sum((r[2, :, site] + sign * s / data.errors[2, :, site]) ** 2, axis=1) / 2
        logs = np.asarray(logs)
        return float(total + np.log(np.sum(np.exp(logs - logs.max()))) + logs.max())

    of = density(static_shift=jaxmt.StaticShift(0.2), earth=LAYERS)
    true = 10 ** TRUE[LAYERS.blocks]
    one, two = (of.joined(LAYERS.start(rho)) for rho in (true, 2 * true))
    told = value(of, one) - value(of, two)
    assert told == pytest.approx(by_quadrature(of, one) - by_quadrature(of, two), abs=1e-6)
    # A change of the level of all curves of a mode is the section's: shifts take nothing of it.
    without = density(earth=LAYERS)
    assert told == pytest.approx(value(without, one) - value(without, two), abs=1e-6)


def test_shifts_that_are_sampled_have_the_mean_zero():
    of = density(Student(), jaxmt.StaticShift(0.2), earth=LAYERS)
    x = point(of)
    found = np.asarray(of.shifts(of.split(jnp.asarray(x))[2]))
    assert found[1].sum() == pytest.approx(0.0, abs=1e-15)
    assert np.ptp(found[1]) == pytest.approx(np.ptp(x[-2:]), rel=1e-12)
    # There are no data of TE.
    assert not found[0].any()


def grid_moments(of, reach=2.0, points=41):
    """Mean and deviation of log10 rho by brute force over two parameters."""
    peak = mode(of, of.joined(LAYERS.start(100.0)))
    axes = [np.linspace(centre - reach, centre + reach, points) for centre in peak.x]
    x = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    logs = np.array([value(of, one) for one in x])
    p = np.exp(logs - logs.max())
    p /= p.sum()
    decades = np.stack([np.asarray(of.section(jnp.asarray(one)))[[0, -1], 0] for one in x])
    mean = p @ decades
    return mean, np.sqrt(p @ (decades - mean) ** 2)


@pytest.mark.slow
def test_a_layered_earth_beside_brute_force():
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    data = simulated(LAYERS, TRUE, 0.2, jax.random.key(1))
    options = {"prior": NARROW, "regularization_factor": 0.02}
    rounds = []
    found = jaxmt.sample(
        data,
        LAYERS,
        100.0,
        draws=100,
        chains=2,
        sampler=jaxmt.NUTS(warm_up=40),
        progress=rounds.append,
        **options,
    )
    objective = jaxmt.Objective(data, LAYERS, LeastSquares(), NARROW, 0.02)
    mean, spread = grid_moments(Density(objective), 0.6)
    at = (slice(None), slice(None), [0, -1], 0)
    draws = found.log10_resistivity[at]
    ess = found.ess[[0, -1], 0]
    # Four standard errors of what the draws are worth.
    assert np.all(np.abs(draws.mean(axis=(0, 1)) - mean) < 4 * spread / np.sqrt(ess))
    assert np.all(np.abs(draws.std(axis=(0, 1)) / spread - 1) < 4 / np.sqrt(2 * ess))
    assert np.nanmax(found.rhat) < 1.05
    assert found.ess.min() > 60
    assert [type(one) for one in rounds] == [Sampled, Sampled]
    assert [one.draws for one in rounds] == [50, 100]
    spent = found.gradients.sum() + found.warm_up.sum() + found.pilot_gradients
    assert rounds[-1].gradients == spent
    # Well determined, so that Laplace's approximation is near.
    np.testing.assert_allclose(found.laplace[[0, -1], 0], spread, rtol=0.2)
    assert 1.5 < found.determined < 2


def test_a_call_that_was_stopped_goes_on_and_more_draws_are_added(tmp_path):
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    options = {
        "prior": NARROW,
        "regularization_factor": 0.02,
        "chains": 2,
        "sampler": jaxmt.NUTS(warm_up=10, round=8),
    }

    def stop(come):
        if come.draws == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jaxmt.sample(layered(), LAYERS, 100.0, draws=16, folder=tmp_path, progress=stop, **options)
    begun = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert begun == ["chain-0-0", "chain-1-0"]
    stamp = (tmp_path / "chain-0-0" / "draws.npz").stat().st_mtime_ns
    went_on = jaxmt.sample(layered(), LAYERS, 100.0, draws=16, folder=tmp_path, **options)
    assert (tmp_path / "chain-0-0" / "draws.npz").stat().st_mtime_ns == stamp
    at_once = jaxmt.sample(layered(), LAYERS, 100.0, draws=16, **options)
    np.testing.assert_array_equal(went_on.log10_resistivity, at_once.log10_resistivity)
    more = jaxmt.sample(layered(), LAYERS, 100.0, draws=20, folder=tmp_path, **options)
    np.testing.assert_array_equal(more.log10_resistivity[:, :16], at_once.log10_resistivity)
    changed = {**options, "regularization_factor": 0.03}
    with pytest.raises(ValueError, match="holds draws of another posterior"):
        jaxmt.sample(layered(), LAYERS, 100.0, draws=16, folder=tmp_path, **changed)


def test_randomise_then_optimise_of_a_section():
    """Beside brute force; the weights say that its draws are nearly those of the posterior."""
    pytest.importorskip("arviz_stats", reason="needs the extra `sample`")
    data = simulated(LAYERS, TRUE, 0.2, jax.random.key(1))
    sampler = jaxmt.RandomiseThenOptimise()
    found = jaxmt.sample(
        data,
        LAYERS,
        100.0,
        prior=NARROW,
        regularization_factor=0.02,
        sampler=sampler,
        draws=30,
        chains=2,
    )
    assert not found.divergent.any()
    assert found.independent
    assert found.weight_worth > 40
    objective = jaxmt.Objective(data, LAYERS, LeastSquares(), NARROW, 0.02)
    mean, spread = grid_moments(Density(objective), 0.6, 21)
    draws = found.log10_resistivity[:, :, [0, -1], 0]
    assert np.all(np.abs(draws.mean(axis=(0, 1)) - mean) < 4 * spread / np.sqrt(60))
    assert np.all(np.abs(draws.std(axis=(0, 1)) / spread - 1) < 4 / np.sqrt(120))


REFUSED = {
    "fewer than four draws": ({"draws": 1}, r"draws=...\)` must be at least 4 for each chain.*Got 1"),
    "no chain": ({"chains": 0}, r"chains=...\)` must be at least 1.*Got 0"),
    "transport": (
        {"misfit": jaxmt.CloudTransport()},
        r"misfit=CloudTransport\(...\)\)`: a posterior needs a likelihood.*give the result as `sample",
    ),
    "a weight of phases": (
        {"misfit": LeastSquares(phase_weight=2.0)},
        r"phase_weight=...\)\)` must be 1.*change `Data\(errors",
    ),
    "a factor of nothing": ({"regularization_factor": 0.0}, "must be positive and finite. Got 0"),
    "no spread of the errors": ({"error_scale": 0.0}, r"error_scale=...\)` must be positive"),
    "a start out of bounds": ({"start": 1e6}, r"Resistivity must lie between `Blocks\(low=1"),
    "a scale for an ensemble": (
        {"sampler": jaxmt.RandomiseThenOptimise(), "error_scale": 0.1},
        "needs Gaussian noise with the errors as stated",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    changes, words = REFUSED[case]
    given = {"data": layered(), "start": 100.0, "prior": NARROW, "regularization_factor": 0.02, **changes}
    with pytest.raises(ValueError, match=words):
        jaxmt.sample(given.pop("data"), LAYERS, **given)


def test_what_is_no_data_is_refused_by_the_name_of_the_door():
    with pytest.raises(ValueError, match=r"`sample\(data=...\)` must be an instance of `Data`.*a NoneType"):
        check_kind("data", None, jaxmt.Data, "Data(survey, values, errors)", door="sample")


def test_improper_priors_are_refused_by_name():
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    patterns = np.stack([np.ones(MESH.shape), np.broadcast_to(ROWS > 3, MESH.shape)], -1).reshape(-1, 2)
    basis = jaxmt.Basis(MESH, patterns)
    with pytest.raises(ValueError, match=r"prior=Smoothness\(...\)\)` is improper for a `Basis`"):
        jaxmt.sample(layered(), basis, 100.0, regularization_factor=0.02)
    function = jaxmt.Function(MESH, lambda p: jnp.broadcast_to(p, MESH.shape))
    with pytest.raises(ValueError, match="parameters of `Function` have no bounds"):
        jaxmt.sample(layered(), function, jnp.full((), 2.0), regularization_factor=0.02)


def test_errors_that_say_nothing_or_everything_are_refused():
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    options = {"prior": NARROW, "regularization_factor": 0.02}
    data = layered()
    huge = dataclasses.replace(data, errors=np.full(data.errors.shape, 1e7))
    with pytest.raises(ValueError, match=r"says nothing: its errors, 1e\+07 and more"):
        jaxmt.sample(huge, LAYERS, 100.0, **options)
    tiny = dataclasses.replace(data, errors=np.full(data.errors.shape, 1e-9))
    with pytest.raises(ValueError, match="errors so small that the data outweigh"):
        jaxmt.sample(tiny, LAYERS, 100.0, **options)


def ranks(replications, draws, earth=QUARTERS, factor=0.1, error=0.1):
    """Of true parameters among draws, for truths from the prior (Talts et al. 2018)."""
    count = 12
    tangent = np.zeros((MESH.shape[0] * MESH.shape[1], earth.size))
    tangent[np.arange(len(tangent)), earth.numbers] = 1
    inner = tangent.T @ NARROW.curvature(np.zeros(MESH.shape), MESH, earth.free).toarray() @ tangent
    root = np.linalg.cholesky(np.linalg.inv(count * factor * inner))
    assert layered().mask.sum() == count
    rng, found = np.random.default_rng(0), []
    first = [int(np.flatnonzero(earth.numbers == k)[0]) for k in range(earth.size)]
    while len(found) < replications:
        truth = 2 + root @ rng.standard_normal(earth.size)
        if not np.all((truth > 0.01) & (truth < 3.99)):
            continue
        data = simulated(earth, truth, error, jax.random.key(len(found)))
        made = jaxmt.sample(
            data,
            earth,
            100.0,
            prior=NARROW,
            regularization_factor=factor,
            draws=draws,
            chains=1,
            sampler=jaxmt.NUTS(warm_up=30, round=draws),
            key=jax.random.key(1000 + len(found)),
        )
        cells = made.log10_resistivity.reshape(draws, -1)[:, first]
        found.append((cells < truth).sum(axis=0))
    return np.array(found)


@pytest.mark.slow
def test_true_sections_have_any_rank_among_the_draws():
    """Simulation-based calibration: uniform in tenths, by chi-square at a part in 10,000."""
    pytest.importorskip("blackjax", reason="needs the extra `sample`")
    found = ranks(100, 99)
    for own in found.T:
        counted = np.histogram(own, np.linspace(0, 100, 11))[0]
        assert stats.chisquare(counted).pvalue > 1e-4
