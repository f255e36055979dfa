import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp

from jaxmt import sinkhorn_divergence, transport
from jaxmt.transport import divergence

RNG = np.random.default_rng(1)
X = RNG.random((8, 3))
Y = RNG.random((8, 3)) + [0.4, 0.0, -0.2]


def value_of(x, y, blur, weights=None):
    return sinkhorn_divergence(x, y, blur=blur, weights=weights)


gradient_of = jax.grad(value_of, argnums=(0, 1))
TRACED = eqx.filter_jit(value_of)

# Marginals are met to 1e-6 and the value is stationary there: measured, it errs by 5e-12 at most.
ROUNDING = 1e-11


def squared_distances(x, y):
    return np.sum((x[:, None] - y[None]) ** 2, axis=-1)


def entropic_cost(x, y, blur):
    """Sinkhorn in the log domain, dense, one cloud after the other, until nothing moves."""
    cost, epsilon = squared_distances(x, y), blur**2
    f = np.zeros(len(x))
    for _ in range(20_000):
        g = -epsilon * (logsumexp((f[:, None] - cost) / epsilon, axis=0) - np.log(len(x)))
        moved = -epsilon * (logsumexp((g[None] - cost) / epsilon, axis=1) - np.log(len(y)))
        still, f = np.max(abs(moved - f)) < 1e-13, moved
        if still:
            return f.mean() + g.mean()
    raise AssertionError("the reference did not converge")


@pytest.mark.parametrize("blur", [1.0, 0.5, 0.25])
def test_value_is_that_of_an_independent_sinkhorn(blur):
    expected = entropic_cost(X, Y, blur) - 0.5 * (entropic_cost(X, X, blur) + entropic_cost(Y, Y, blur))
    assert float(value_of(X, Y, blur)) == pytest.approx(expected, abs=ROUNDING)


# On X and Y. POT 0.9.7: P = ot.bregman.sinkhorn_log(a, b, C, blur**2, stopThr=1e-14) with C the squared
# distances, OT = sum(P * C) + blur**2 * sum(P * log(P / (a b))), then debiased. GeomLoss 0.3.1: twice
# SamplesLoss("sinkhorn", p=2, blur=blur / sqrt(2), scaling=0.999).
PUBLISHED = [
    (1.0, 0.18828805252157899, 0.18828805214965788),
    (0.3, 0.255713845627575, 0.25571378294787284),
    (0.1, 0.29661274305080687, 0.2966127058706597),
]


@pytest.mark.parametrize(("blur", "pot", "geomloss"), PUBLISHED)
def test_value_is_that_of_pot_and_geomloss(blur, pot, geomloss):
    value = float(value_of(X, Y, blur))
    assert value == pytest.approx(pot, abs=ROUNDING)
    # GeomLoss takes a fixed number of sweeps; at this scaling it stops 1e-7 short.
    assert value == pytest.approx(geomloss, abs=2e-7)


def test_the_entropic_cost_has_the_entropy_of_the_plan():
    r"""$-\epsilon H(P) = \epsilon KL(P|ab^T) - \epsilon\ln(nm)$, against an independent Sinkhorn."""
    x, blur = X[:7], 0.5
    cost = squared_distances(x, Y)
    expected = entropic_cost(x, Y, blur) - blur**2 * np.log(7 * 8)
    assert float(transport.entropic_cost(x, Y, blur=blur)) == pytest.approx(expected, abs=ROUNDING)
    # And from its own plan: <P, C> - eps H(P).
    potentials = transport.transport_cost(jnp.asarray(x), jnp.asarray(Y), blur, tolerance=1e-9).potentials
    plan = np.asarray(transport.plan_matrix(jnp.asarray(x), jnp.asarray(Y), potentials, blur**2))
    assert np.sum(plan * (cost + blur**2 * np.log(plan))) == pytest.approx(expected, abs=1e-8)
    with pytest.raises(ValueError, match=r"`entropic_cost\(blur=...\)` must be positive"):
        transport.entropic_cost(x, Y, blur=-0.1)


def test_a_single_point_moves_at_its_squared_distance():
    x, y = np.array([[0.0, 0.5]]), np.array([[0.3, 0.1]])
    assert float(value_of(x, y, 0.2)) == pytest.approx(0.25, abs=1e-15)


def test_weights_of_zero_leave_nothing_to_compare():
    """The limit of small weights: all points coincide, and so do the clouds."""
    assert float(value_of(X, Y, 0.3, np.zeros(3))) == pytest.approx(0.0, abs=1e-14)
    np.testing.assert_array_equal(gradient_of(X, Y, 0.3, np.zeros(3))[0], 0.0)


def test_a_small_blur_gives_the_exact_squared_wasserstein_distance():
    cost = squared_distances(X, Y)
    exact = cost[linear_sum_assignment(cost)].mean()
    errors = [abs(float(value_of(X, Y, blur)) - exact) for blur in (0.3, 0.1, 0.03, 0.01)]
    assert errors == sorted(errors, reverse=True)
    # The entropy of another assignment is exp(-gap / blur^2): nothing is left of it.
    assert errors[-1] < ROUNDING


def test_zero_for_equal_clouds_in_any_order_and_positive_otherwise():
    assert abs(float(value_of(X, X[::-1], 0.3))) < ROUNDING
    # One point in eight moves by 0.01: at most 1e-4 / 8, and seen through the blur, not much less.
    moved = X.copy()
    moved[3, 1] += 0.01
    assert 1e-7 < float(value_of(X, moved, 0.3)) < 1e-4 / 8


def test_symmetric():
    assert float(value_of(X, Y, 0.3)) == pytest.approx(float(value_of(Y, X, 0.3)), abs=ROUNDING)


@pytest.mark.parametrize("size", [1e-3, 1.0, 100.0])
def test_a_translation_adds_its_square(size):
    """S(x, y + t) = S(x, y) + 2 t.(mean y - mean x) + |t|^2 at any blur, so S(x, x + t) = |t|^2."""
    shift = size * np.array([0.5, -0.3, 0.2])
    square = shift @ shift
    # Costs of size |t|^2 are rounded in both dual potentials.
    rounding = ROUNDING + 1e-12 * square
    assert float(value_of(X, X + shift, 0.3)) == pytest.approx(square, abs=rounding)
    expected = float(value_of(X, Y, 0.3)) + 2 * shift @ (Y.mean(axis=0) - X.mean(axis=0)) + square
    assert float(value_of(X, Y + shift, 0.3)) == pytest.approx(expected, abs=rounding)


@pytest.mark.parametrize("blur", [1.0, 0.3, 0.1])
def test_gradient_is_the_slope_of_the_value(blur):
    rng = np.random.default_rng(3)
    u, v = rng.standard_normal((2, *X.shape))
    gx, gy = gradient_of(X, Y, blur)
    h = 1e-4
    for product, high, low in (
        (np.vdot(gx, u), (X + h * u, Y), (X - h * u, Y)),
        (np.vdot(gy, v), (X, Y + h * v), (X, Y - h * v)),
    ):
        slope = (float(value_of(*high, blur)) - float(value_of(*low, blur))) / (2 * h)
        # Truncation of order h^2 / blur^2 = 1e-6, and marginals met to 1e-6.
        assert product == pytest.approx(slope, rel=1e-5)


def test_a_jitted_batch_equals_a_loop():
    blurs = jnp.array([1.0, 0.3, 0.3])
    batch = jnp.stack([jnp.asarray(X), jnp.asarray(Y), jnp.asarray(X[::-1] ** 2)])
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(value_of), in_axes=(0, None, 0)))(batch, Y, blurs)
    for k in range(3):
        # Members that have converged rest until the last one has: the same sweeps, other roundings.
        assert float(values[k]) == pytest.approx(float(value_of(batch[k], Y, float(blurs[k]))), abs=1e-13)
        np.testing.assert_allclose(slopes[k], gradient_of(batch[k], Y, float(blurs[k]))[0], atol=1e-13)


def test_a_warm_start_gives_the_same_value_in_fewer_sweeps():
    x, y = jnp.asarray(X), jnp.asarray(Y)
    options = {"tolerance": 1e-6, "max_sweeps": 5000}
    cold = divergence(x, y, 0.1, **options)
    warm = divergence(x, y, 0.1, cold, **options)
    nearby = divergence(x + 1e-4, y, 0.1, cold, **options)
    assert cold.converged
    assert warm.converged
    assert nearby.converged
    # A second look at a converged solution takes the least that is possible, a sweep a problem.
    assert int(warm.sweeps) == 3 < int(nearby.sweeps) < int(cold.sweeps)
    assert float(warm.value) == pytest.approx(float(cold.value), abs=ROUNDING)


def test_weights_stretch_the_coordinates():
    """W as a diagonal, in full, and applied beforehand; a rotation changes nothing."""

    def weighted(weights):
        return float(value_of(X, Y, 0.3, weights))

    diagonal = np.array([2.0, 0.5, 1.0])
    expected = float(value_of(X * diagonal, Y * diagonal, 0.3))
    assert weighted(diagonal) == pytest.approx(expected, abs=1e-13)
    assert weighted(np.diag(diagonal)) == pytest.approx(expected, abs=1e-13)
    full = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.2, 0.0, 2.0]])
    expected = float(value_of(X @ full.T, Y @ full.T, 0.3))
    assert weighted(full) == pytest.approx(expected, abs=1e-13)
    rotation = np.linalg.qr(np.random.default_rng(5).standard_normal((3, 3)))[0]
    assert weighted(rotation) == pytest.approx(float(value_of(X, Y, 0.3)), abs=ROUNDING)


def test_clouds_of_different_sizes():
    x = X[:7]
    expected = entropic_cost(x, Y, 0.5) - 0.5 * (entropic_cost(x, x, 0.5) + entropic_cost(Y, Y, 0.5))
    assert float(value_of(x, Y, 0.5)) == pytest.approx(expected, abs=ROUNDING)


def test_single_precision_and_whole_numbers():
    single = value_of(X.astype(np.float32), Y.astype(np.float32), 0.3)
    assert single.dtype == jnp.float32
    # Costs of order one in single precision.
    assert float(single) == pytest.approx(float(value_of(X, Y, 0.3)), abs=1e-6)
    whole = np.arange(24).reshape(8, 3) % 5
    assert float(value_of(whole, whole + 1.0, 4.0)) == pytest.approx(3.0, abs=ROUNDING)


def test_non_convergence_is_named():
    result = divergence(jnp.asarray(X[:7]), jnp.asarray(Y), 0.01, tolerance=1e-6, max_sweeps=1)
    assert not result.converged
    assert result.marginal_error > 1e-2
    not_finite = divergence(jnp.full((7, 3), np.nan), jnp.asarray(Y), 0.01, tolerance=1e-6, max_sweeps=1)
    assert not not_finite.converged
    assert not_finite.marginal_error == np.inf


@pytest.mark.parametrize(("x", "blur"), [(X[:7], 1e-4), (np.full((7, 3), np.nan), 0.3), (X[:7], 0.0)])
def test_a_hopeless_divergence_raises_at_run_time(x, blur):
    """Under `jit`, where nothing is known at the door."""
    with pytest.raises(eqx.EquinoxRuntimeError, match=r"did not converge.*raise `blur`"):
        TRACED(jnp.asarray(x), Y, jnp.asarray(blur))


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (X[:, :2], Y, {}, r"same dimension. Got shapes \(8, 2\) and \(8, 3\)"),
        (X[0], Y, {}, r"same dimension. Got shapes \(3,\) and \(8, 3\)"),
        (X, Y[:0], {}, r"non-empty clouds.*Got shapes \(8, 3\) and \(0, 3\)"),
        (np.where(X == X[0, 0], np.nan, X), Y, {}, r"x=...\)` must be finite. Got 1 value.*first nan"),
        (X, np.where(Y == Y[0, 0], np.inf, Y), {}, r"y=...\)` must be finite. Got 1 value.*first inf"),
        (X, Y, {"blur": 0.0}, r"blur=...\)` must be positive and finite. Got 1 value.*first 0.0"),
        (X, Y, {"blur": -0.1}, r"blur=...\)` must be positive and finite. Got 1 value.*first -0.1"),
        (X, Y, {"blur": np.nan}, r"blur=...\)` must be positive and finite. Got 1 value.*first nan"),
        (X, Y, {"weights": np.ones(2)}, r"the diagonal \(3,\) or the whole \(3, 3\).*Got shape \(2,\)"),
        (X, Y, {"weights": np.ones((1, 3))}, r"weights=...\)` must be the diagonal.*Got shape \(1, 3\)"),
        (X, Y, {"weights": np.array([1, 1, np.nan])}, r"weights=...\)` must be finite.*first nan"),
    ],
)
def test_bad_input_is_refused(x, y, options, message):
    with pytest.raises(ValueError, match=message):
        sinkhorn_divergence(x, y, **({"blur": 0.3} | options))


@pytest.mark.parametrize("far", [1.0, 1.4])
def test_a_lone_outlier_is_no_overflow(far):
    """Its own error of a marginal is a small part of all, and says nothing of how near its potential is."""
    times = [0, 0.6, 1.0, 1.3, 1.6, 1.8, 2.1, 2.4, 2.7, 3.0]
    places = [0, 0.6, 1.1, 1.5, 1.9, 2.2, 2.6, 3.0]
    axes = np.stack(np.meshgrid(times, places, indexing="ij"), axis=-1).reshape(-1, 2)
    grid = transport.Grid.from_axes(axes)
    x = jnp.asarray(np.concatenate([axes, np.zeros((80, 1))], axis=1))
    y = x.at[75, 2].set(-far)
    term = transport.self_cost(y, 0.05, grid=grid, max_sweeps=10)
    start = transport.Divergence.of(term, term, term, 1e-3)
    found = divergence(x, y, 0.05, start, grid=grid, max_sweeps=10)
    # Points are 0.2 apart: that is 16 times the blur squared, and what is left of the kernel 1e-7.
    assert float(found.value) == pytest.approx(far**2 / 80, rel=1e-4)


def test_second_derivatives_are_refused_rather_than_zero():
    x, y = (jax.random.normal(jax.random.key(k), (5, 2)) for k in (0, 1))

    def value(x):
        return sinkhorn_divergence(x, y, blur=0.5)

    with pytest.raises(TypeError, match=r"first derivatives only.*For second ones.*`LeastSquares\(\)`"):
        jax.jvp(jax.grad(value), (x,), (x,))
    with pytest.raises(TypeError, match="first derivatives only"):
        jax.grad(lambda x: jnp.sum(jnp.square(jax.grad(value)(x))))(x)
