import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from jaxmt.transport import (
    Balanced,
    Partial,
    Relaxed,
    assignment,
    divergence,
    exact_plan,
    graph_space_distance,
    partial_1d,
    wasserstein_1d,
)

RNG = np.random.default_rng(4)
X = jnp.asarray(RNG.random((8, 3)))
Y = jnp.asarray(RNG.random((8, 3)) + 0.2)
OPTIONS = {"tolerance": 1e-9, "max_sweeps": 20_000}


def of(x, y, marginals):
    return divergence(x, y, 0.3, marginals=marginals, **OPTIONS)


@pytest.mark.parametrize("kind", [Relaxed, Partial])
def test_a_long_reach_is_balanced_transport(kind):
    balanced = float(of(X, Y, Balanced()).value)
    # A price of 1e6 for what costs one: KL differs by cost squared over price.
    assert float(of(X, Y, kind(1e3, 1e3)).value) == pytest.approx(balanced, abs=2e-6)
    assert float(of(X, Y, kind(0.3, 0.3)).value) < 0.9 * balanced


@pytest.mark.parametrize("kind", [Relaxed, Partial])
def test_an_outlier_costs_no_more_than_its_price(kind):
    far = Y.at[0].add(100.0)
    assert float(of(X, far, Balanced()).value) > 1e3
    # Both of its sides stay: 2 lambda for one point in eight, and the others move at most 1.
    assert float(of(X, far, kind(0.5, 0.5)).value) < 1.0


@pytest.mark.parametrize("marginals", [Relaxed(0.5, 0.5), Partial(0.5, 0.5)])
def test_unbalanced_divergence_is_zero_for_equal_clouds_and_its_gradient_is_its_slope(marginals):
    assert abs(float(of(X, X[::-1], marginals).value)) < 1e-10

    def value(x):
        return of(x, Y, marginals).value

    direction = jnp.asarray(np.random.default_rng(5).standard_normal(X.shape))
    h = 1e-4
    slope = float(value(X + h * direction) - value(X - h * direction)) / (2 * h)
    # Truncation of order h^2 / blur^2 = 1e-7.
    assert float(jnp.vdot(jax.grad(value)(X), direction)) == pytest.approx(slope, rel=1e-5)


def test_relaxed_transport_of_one_point_in_closed_form():
    r"""One point each, cost c: the mass m minimises $m c + \epsilon KL(m|1) + 2\lambda KL(m|1)$."""
    x, y = jnp.zeros((1, 1)), jnp.full((1, 1), 0.7)
    epsilon, price = 0.09, 0.16
    value = float(of(x, y, Relaxed(0.4, 0.4)).between.value)
    # With KL(m|1) = m ln m - m + 1 the least is (epsilon + 2 lambda)(1 - m) at ln m = -c / (...).
    total = epsilon + 2 * price
    assert value == pytest.approx(total * (1 - np.exp(-0.49 / total)), rel=1e-9)


@pytest.mark.parametrize("kind", [Relaxed, Partial])
@pytest.mark.parametrize("reach", [0.0, -1.0, np.nan])
def test_a_reach_that_is_not_positive_is_refused(kind, reach):
    with pytest.raises(ValueError, match=r"must be positive lengths.*`Balanced\(\)` takes no reach"):
        kind(1.0, reach)


def test_small_blur_tends_to_the_exact_cost():
    exact, plan = exact_plan(np.asarray(X), np.asarray(Y))
    np.testing.assert_allclose(plan.sum(axis=0), 1 / 8)
    # Blur is far smaller than the gap to the second best assignment.
    assert float(divergence(X, Y, 0.02, **OPTIONS).value) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "y"), [(np.ones((3, 2)), np.ones((3, 3))), (np.ones((0, 2)), np.ones((3, 2)))]
)
def test_an_exact_plan_needs_clouds_of_one_dimension(x, y):
    with pytest.raises(ValueError, match=r"`exact_plan\(x, y\)` takes two non-empty clouds"):
        exact_plan(x, y)


def test_an_exact_plan_needs_finite_points():
    with pytest.raises(ValueError, match="mask missing data first"):
        exact_plan(np.full((3, 2), np.nan), np.ones((3, 2)))


@pytest.mark.parametrize(("n", "m"), [(5, 5), (5, 8), (6, 4), (1, 3)])
def test_wasserstein_on_a_line_is_the_exact_cost(n, m):
    rng = np.random.default_rng(n + m)
    x, y = rng.random(n), rng.random(m)
    expected, _ = exact_plan(x[:, None], y[:, None])
    # A linear programme to 1e-7 where the sizes differ.
    assert float(wasserstein_1d(jnp.asarray(x), jnp.asarray(y))) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_partial_matching_on_a_line_is_the_exact_assignment(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.random(6), rng.random(8)
    x_mask, y_mask = rng.random(6) < 0.7, rng.random(8) < 0.5
    costs = np.square(x[x_mask][:, None] - y[y_mask])
    rows, columns = linear_sum_assignment(costs)
    value, slope = jax.value_and_grad(partial_1d)(*map(jnp.asarray, (x, y, x_mask, y_mask)))
    assert float(value) == pytest.approx(costs[rows, columns].sum(), abs=1e-14)
    expected = np.zeros(6)
    matched = np.flatnonzero(x_mask)[rows]
    expected[matched] = 2 * (x[matched] - y[y_mask][columns])
    np.testing.assert_allclose(slope, expected, atol=1e-14)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("price", [0.0, 1e-3, 0.02, 10.0])
def test_matching_on_a_line_at_a_price_is_the_exact_assignment(seed, price):
    rng = np.random.default_rng(seed)
    x, y = rng.random(6), rng.random(8)
    x_mask, y_mask = rng.random(6) < 0.7, rng.random(8) < 0.5
    n, m = x_mask.sum(), y_mask.sum()
    # A row and a column for each point's absence: partnered with its own it costs the price.
    costs = np.full((n + m, m + n), 1e6)
    costs[:n, :m] = np.square(x[x_mask][:, None] - y[y_mask])
    costs[:n, m:][np.eye(n, dtype=bool)] = costs[n:, :m][np.eye(m, dtype=bool)] = price
    costs[n:, m:] = 0.0
    rows, columns = linear_sum_assignment(costs)
    arguments = map(jnp.asarray, (x, y, x_mask, y_mask, price))
    value, (slope, dear) = jax.value_and_grad(partial_1d, (0, 4))(*arguments)
    # Sums of a dozen numbers below 100.
    assert float(value) == pytest.approx(costs[rows, columns].sum(), abs=1e-13)
    real = (rows < n) & (columns < m)
    expected = np.zeros(6)
    matched = np.flatnonzero(x_mask)[rows[real]]
    expected[matched] = 2 * (x[matched] - y[y_mask][columns[real]])
    if price > 0:
        np.testing.assert_allclose(slope, expected, atol=1e-13)
        assert float(dear) == pytest.approx(n + m - 2 * real.sum(), abs=1e-12)


def test_assignment_in_a_batch_under_jit_and_vmap():
    costs = RNG.random((3, 2, 5, 5))
    found = jax.jit(jax.vmap(assignment))(jnp.asarray(costs))
    for k in np.ndindex(3, 2):
        np.testing.assert_array_equal(found[k], linear_sum_assignment(costs[k])[1])


def ricker(centre):
    u = np.square(np.pi * 25.0 * 0.004 * (np.arange(100) - centre))
    return (1 - 2 * u) * np.exp(-u)


def test_graph_space_distance_of_a_shifted_wavelet_grows_with_the_shift():
    """The example of Deepwave's documentation: a 25 Hz Ricker wavelet at 4 ms, eta 0.003.

    The expected numbers were computed with Deepwave 0.1.0 and SciPy's assignment.
    """
    published = {0: 0.0, 1: 0.1805, 2: 0.3633, 3: 0.5977, 5: 1.2009, 10: 2.5418, 20: 5.2441, 26: 5.9841}
    shifted = jnp.asarray(np.stack([ricker(50 + s) for s in published]))
    observed = jnp.broadcast_to(jnp.asarray(ricker(50)), shifted.shape)
    found = graph_space_distance(shifted, observed, jnp.arange(100.0), 0.003)
    # Four digits are given.
    np.testing.assert_allclose(found, list(published.values()), atol=6e-5)


def test_graph_space_limits_and_masks():
    p, o, t = jnp.asarray(RNG.random(9)), jnp.asarray(RNG.random(9)), jnp.linspace(0, 1, 9)
    stiff = graph_space_distance(p, o, t, 1e6)
    assert float(stiff) == pytest.approx(float(jnp.sum(jnp.square(p - o))), rel=1e-12)
    free = graph_space_distance(p, o, t, 0.0)
    assert float(free) == pytest.approx(9 * float(wasserstein_1d(p, o)), rel=1e-12)
    mask = np.arange(9) % 3 > 0
    holes = jnp.where(mask, p, jnp.nan)
    value, slope = jax.value_and_grad(graph_space_distance)(holes, o, t, 0.1, mask=jnp.asarray(mask))
    kept = graph_space_distance(p[mask], o[mask], t[mask], 0.1)
    assert float(value) == pytest.approx(float(kept), rel=1e-12)
    np.testing.assert_array_equal(slope[~mask], 0.0)
