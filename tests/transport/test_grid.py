import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import present

from jaxmt.transport import Divergence, Grid, Status, divergence, self_cost
from jaxmt.transport.certificate import left_out

ROWS, COLUMNS = 9, 11
TIGHT = {"tolerance": 1e-6, "max_sweeps": 10_000}


def clouds(seed=0, shift=0.02, missing=7):
    """Two clouds on an uneven grid with some points missing, 4-D."""
    rng = np.random.default_rng(seed)
    t, s = np.meshgrid(np.linspace(0, 1, ROWS), np.sort(rng.random(COLUMNS)), indexing="ij")
    observed = np.stack([t, s, *0.1 * rng.random((2, *t.shape))], axis=-1).reshape(-1, 4)
    predicted = observed.copy()
    predicted[:, 2:] += shift * rng.standard_normal((len(observed), 2))
    kept = np.sort(rng.permutation(len(observed))[missing:])
    return jnp.asarray(predicted[kept]), jnp.asarray(observed[kept])


@jax.jit
def solved(x, y, blur, grid=None, start=None, y_self=None):
    """((value, divergence), gradient): one program for each kind of grid and start."""

    def value(x):
        result = divergence(x, y, blur, start, grid=grid, y_self=y_self, **TIGHT)
        return result.value, result

    return jax.value_and_grad(value, has_aux=True)(x)


def result_of(*args, **options):
    return solved(*args, **options)[0][1]


LEFT_OUT = jax.jit(left_out)
X, Y = clouds()
# Windows of 9 and 25 points in blocks of 25 columns: neither holds all 92 points.
GRID = Grid.from_axes(np.asarray(Y[:, :2]), sizes=(9, 25, 49))


def neighbours(grid, level):
    """The relation as a matrix of truth values."""
    n = len(grid.row)
    matrix = np.zeros((n, n + 1), int)
    for column in grid.table[: grid.blocks[level]].reshape(-1, n):
        np.add.at(matrix, (np.arange(n), column), 1)
    return matrix[:, :n]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_table_holds_each_point_of_the_window_once(level):
    found = neighbours(GRID, level)
    down, right = GRID.window[level]
    expected = (abs(GRID.row[:, None] - GRID.row) <= down) & (
        abs(GRID.column[:, None] - GRID.column) <= right
    )
    np.testing.assert_array_equal(found, expected.astype(int))
    np.testing.assert_array_equal(found, found.T)


def test_levels_are_nested_and_their_reach_is_the_nearest_point_beyond():
    axes = np.asarray(Y[:, :2])
    distance = np.abs(axes[:, None] - axes[None]).max(axis=-1)
    reach = []
    for level in range(3):
        beyond = neighbours(GRID, level) == 0
        # The grid knows distances along an axis, over every rank of it; points may be missing there.
        assert GRID.reach[level] <= distance[beyond].min() + 1e-15
        reach.append(GRID.reach[level])
    assert reach == sorted(reach)
    assert np.isfinite(reach[-1])


def test_a_window_may_hold_the_whole_grid():
    grid = Grid.from_axes(np.asarray(Y[:30, :2]), sizes=(25, 441))
    assert np.isinf(grid.reach[-1])
    np.testing.assert_array_equal(neighbours(grid, len(grid.blocks) - 1), 1)


@pytest.mark.parametrize("blur", [0.2, 0.1, 0.02])
def test_value_and_gradient_are_those_over_all_pairs(blur):
    """Wide windows in part, so that blurs need different levels, and all pairs in the end."""
    (local, result), slope = solved(X, Y, blur, GRID)
    (dense, _), expected = solved(X, Y, blur)
    assert bool(result.converged)
    assert float(result.left_out) <= 1e-6
    # By duality within epsilon times the mass left out, and marginals are met to 1e-6 (L1).
    assert float(local) == pytest.approx(float(dense), abs=1e-8)
    np.testing.assert_allclose(slope, expected, atol=1e-7)


def test_gradient_is_the_slope_of_the_value():
    direction = jnp.asarray(np.random.default_rng(2).standard_normal(X.shape))
    direction = direction.at[:, :2].set(0.0)
    h = 1e-5
    for blur in (0.1, 0.05, 0.02, 0.01):
        high, low = (solved(X + step * direction, Y, blur, GRID)[0][0] for step in (h, -h))
        slope = (high - low) / (2 * h)
        # Truncation of order h^2 / blur^2 = 1e-6, and marginals met to 1e-6.
        assert float(jnp.vdot(solved(X, Y, blur, GRID)[1], direction)) == pytest.approx(
            float(slope), rel=1e-5
        )


def true_mass(potentials, blur, level):
    """The mass beyond a level, pair by pair."""
    costs = np.square(np.asarray(X)[:, None] - np.asarray(Y)[None]).sum(axis=-1)
    f, g = (np.asarray(p) for p in potentials)
    mass = np.exp((f[:, None] + g[None] - costs) / blur**2)
    return mass[neighbours(GRID, level) == 0].sum()


@pytest.mark.parametrize("blur", [0.2, 0.1, 0.05])
def test_the_certificate_bounds_the_mass_left_out(blur):
    potentials = result_of(X, Y, blur).between.potentials
    for level in range(3):
        args = (X, Y, *potentials, jnp.asarray(blur**2), GRID, jnp.asarray(level))
        bound, mass = float(LEFT_OUT(*args)), true_mass(potentials, blur, level)
        assert mass <= bound * (1 + 1e-12)
        # And it is of use: what is far adds to it little by little.
        assert bound < 10 * mass + 0.5


def test_a_stencil_that_is_too_small_is_found_out():
    """Level 0 forced at a blur that reaches beyond it: its value is wrong, and the bound says so."""
    narrow = Grid.from_axes(np.asarray(Y[:, :2]), sizes=(9,))
    right = result_of(X, Y, 0.2)
    potentials = right.between.potentials
    bound = float(LEFT_OUT(X, Y, *potentials, jnp.asarray(0.04), narrow, jnp.asarray(0)))
    assert bound > 0.1
    result = result_of(X, Y, 0.2, narrow)
    # So all pairs are taken, and the value is right.
    assert float(result.left_out) == 0.0
    assert bool(result.converged)
    # Marginals are met to 1e-6, and the value is stationary there.
    assert float(result.value) == pytest.approx(float(right.value), rel=1e-9)


def test_a_large_cloud_that_a_grid_cannot_hold_is_named(monkeypatch):
    monkeypatch.setattr("jaxmt.transport.cost.MOST_POINTS", 0)
    narrow = Grid.from_axes(np.asarray(Y[:-1, :2]), sizes=(9,))
    result = divergence(X[:-1], Y[:-1], 0.2, grid=narrow)
    assert result.status == Status.truncated
    assert float(result.left_out) > 0.1


def test_far_mass_makes_the_stencil_grow_and_the_next_solve_remembers():
    """Values off by several points of the grid at a blur for which the nearest would do."""
    y = Y * jnp.array([1.0, 1.0, 5.0, 5.0])
    x = y.at[:, 2:].set(jnp.roll(y[:, 2:], 4 * COLUMNS, axis=0))
    first = divergence(x, y, 0.02, grid=GRID)
    assert int(first.between.extra_levels) > 0
    assert bool(first.converged)
    again = divergence(x, y, 0.02, first, grid=GRID)
    # The level that was enough is taken at once: few sweeps at one, not many at each.
    assert int(again.between.extra_levels) == int(first.between.extra_levels)
    assert int(again.between.sweeps) < int(first.between.sweeps) / 10


def test_a_large_grid_begins_on_coarser_ones(monkeypatch):
    monkeypatch.setattr("jaxmt.transport.grid.MOST_POINTS", 60)
    monkeypatch.setattr("jaxmt.transport.grid.FEWEST_POINTS", 20)
    grid = Grid.from_axes(np.asarray(Y[:, :2]), sizes=(25, 49))
    first = present(grid.coarser)
    second = present(first.coarser)
    assert len(grid.row) > len(first.row) > len(second.row)
    assert second.coarser is None
    np.testing.assert_array_equal(first.row[grid.parent], grid.row // 2)
    np.testing.assert_array_equal(first.column[grid.parent], grid.column // 2)
    np.testing.assert_allclose(first.mass, np.bincount(present(grid.parent)) / len(grid.row), rtol=1e-14)
    assert second.mass.sum() == pytest.approx(1.0, rel=1e-14)
    alike = eqx.tree_at(lambda g: (g.parent, g.coarser), grid, (None, None))
    for blur in (0.05, 0.02):
        found, plain = result_of(X, Y, blur, grid), result_of(X, Y, blur, alike)
        assert bool(found.converged)
        # Each is within epsilon times the mass left out, 0.05^2 times 1e-6, of the value over all pairs.
        assert float(found.value) == pytest.approx(float(plain.value), abs=5e-9)
        assert int(found.x_self.sweeps) == int(plain.x_self.sweeps)
        # Far shorter than from nothing, since the start is good.
        assert int(found.between.sweeps) < int(plain.between.sweeps)


def test_the_kept_term_of_the_observed_cloud_changes_nothing():
    kept = self_cost(Y, 0.05, grid=GRID, **TIGHT)
    plain = result_of(X, Y, 0.05, GRID)
    short = result_of(X, Y, 0.05, GRID, y_self=kept)
    assert float(short.value) == pytest.approx(float(plain.value), abs=1e-14)


def test_batches_and_single_precision():
    many = jnp.stack([X, Y, 1.01 * X])
    found = jax.jit(jax.vmap(lambda x: divergence(x, Y, 0.05, grid=GRID, **TIGHT).value))(many)
    for k in range(3):
        alone = solved(many[k], Y, 0.05, GRID)[0][0]
        # Members that have converged rest until the last one has.
        assert float(found[k]) == pytest.approx(float(alone), abs=1e-12)
    single = divergence(X.astype(jnp.float32), Y.astype(jnp.float32), 0.05, grid=GRID, tolerance=1e-4)
    assert single.value.dtype == jnp.float32
    # Costs of order one in single precision.
    assert float(single.value) == pytest.approx(float(found[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (np.zeros((0, 2)), "at least one point"),
        (np.array([[0.0, np.nan]]), "must hold finite coordinates"),
        (np.array([[0.0, 1.0], [0.0, 1.0]]), "two points at the same place"),
    ],
)
def test_bad_axes_are_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        Grid.from_axes(axes)


def test_a_single_point():
    x, y = jnp.asarray([[0.0, 0.0, 0.3]]), jnp.asarray([[0.0, 0.0, 0.1]])
    result = divergence(x, y, 0.05, grid=Grid.from_axes(np.zeros((1, 2))))
    # One point moves to the other: the squared distance.
    assert float(result.value) == pytest.approx(0.04, abs=1e-15)


def test_a_scaled_grid_is_that_of_scaled_axes():
    """Reach and spacing are lengths; tables and tiles do not change. A large grid has coarser ones."""
    axes = np.stack(np.meshgrid(np.linspace(0, 1, 50), np.linspace(0, 2, 45), indexing="ij"), -1).reshape(
        -1, 2
    )
    scaled, expected = Grid.from_axes(axes).scaled(jnp.asarray(2.0)), Grid.from_axes(2 * axes)
    assert present(expected.coarser).mass.sum() == pytest.approx(1.0)
    # Twice a number is exact.
    assert eqx.tree_equal(jax.tree.map(np.asarray, scaled), jax.tree.map(np.asarray, expected))


def test_a_start_and_the_kept_term_of_the_observed_cloud_go_together():
    """Each of the two that are left is solved from its start, which was that of another cloud."""
    first = result_of(X, Y, 0.05, GRID)
    near = X.at[:, 2].add(0.05)
    plain = result_of(near, Y, 0.05, GRID)
    warm = result_of(near, Y, 0.05, GRID, start=first, y_self=first.y_self)
    # Each is within epsilon times the mass left out, 0.07^2 times 1e-6, of the value over all pairs.
    assert float(warm.value) == pytest.approx(float(plain.value), abs=5e-9)
    assert float(warm.x_self.value) == pytest.approx(float(plain.x_self.value), abs=5e-9)
    assert float(warm.value) != pytest.approx(float(first.value), rel=1e-2)


def test_a_term_that_may_not_hold_is_solved_again_where_it_does_not():
    @jax.jit
    def result(blur, holds, start):
        options = {"grid": GRID, "y_self": start.y_self, "y_self_holds": holds} | TIGHT
        return divergence(X, Y, blur, start, **options)

    start = result_of(X, Y, 0.05, GRID)
    wide = result_of(X, Y, 0.07, GRID)
    found = result(0.07, jnp.asarray(False), start)
    assert float(found.value) == pytest.approx(float(wide.value), abs=5e-9)
    kept = result(0.05, jnp.asarray(True), start)
    np.testing.assert_array_equal(kept.y_self.potentials.f, start.y_self.potentials.f)
    with pytest.raises(ValueError, match="may not hold wants a `start"):
        divergence(X, Y, 0.05, grid=GRID, y_self=start.y_self, y_self_holds=jnp.asarray(True))


def test_what_was_never_solved_starts_from_the_observed_cloud():
    start = Divergence.unsolved(len(Y))
    options = {"grid": GRID, "y_self": start.y_self, "y_self_holds": jnp.asarray(True)} | TIGHT
    found, plain = divergence(X, Y, 0.05, start, **options), result_of(X, Y, 0.05, GRID)
    assert bool(found.converged)
    assert float(found.value) == pytest.approx(float(plain.value), abs=5e-9)
