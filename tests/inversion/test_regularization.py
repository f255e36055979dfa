import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.path import Path

from jaxmt import Mesh, Smoothness
from jaxmt.inversion.regularization import L1, L2, MinimumSupport, Penalties, Smallness, TotalVariation

# Rows with centres at 0.5, 2 and 4.5 m: depths 1, 4 and 9 over that of the first.
MESH = Mesh(np.array([-3.0, -1.0, 0.0, 2.0]), np.array([-1.0, 0.0, 1.0, 3.0, 6.0]))
FREE = np.ones(MESH.shape, bool)
M = jnp.asarray([[1.0, 2.0, 2.0], [1.0, 3.0, 2.0], [0.0, 3.0, 5.0]])


@pytest.mark.parametrize("value", [-2.0, 0.0, 3.5])
def test_a_uniform_section_is_smooth(value):
    assert float(Smoothness()(jnp.full(MESH.shape, value), MESH, FREE)) == 0.0


def test_sum_of_squared_differences():
    """30 by hand: 1 + 5 + 13 across, 1 + 10 down; a constant changes nothing."""
    flat = Smoothness(depth_exponent=0.0)
    assert float(flat(M, MESH, FREE)) == 30.0
    assert float(flat(M + 8.0, MESH, FREE)) == 30.0
    assert float(flat(M + 8.0, MESH, FREE)) == float(flat(-M, MESH, FREE))


def test_horizontal_and_vertical_factors_enter_squared():
    assert float(Smoothness(2.0, 0.0, 0.0)(M, MESH, FREE)) == 4 * 19
    assert float(Smoothness(0.0, 3.0, 0.0)(M, MESH, FREE)) == 9 * 11


def test_weights_grow_with_depth():
    """(z / z_0)^q in a row, and the geometric mean of two rows between them."""
    # q = 1/2 makes them 1, 2, 3 across, and sqrt(2), sqrt(6) down.
    expected = 1 * 1 + 2 * 5 + 3 * 13 + np.sqrt(2) * 1 + np.sqrt(6) * 10
    assert float(Smoothness(depth_exponent=0.5)(M, MESH, FREE)) == pytest.approx(expected, rel=1e-14)


def test_differences_to_fixed_cells_do_not_count():
    free = FREE.copy()
    free[1, 1] = False
    flat = Smoothness(depth_exponent=0.0)
    # The four differences of the cell in the middle: 4 and 1 across, 1 and 0 down.
    assert float(flat(M, MESH, free)) == 30.0 - 6.0
    changed = M.at[1, 1].set(100.0)
    assert float(flat(changed, MESH, free)) == 24.0
    slope = jax.grad(lambda m: flat(m, MESH, free))(changed)
    assert slope[1, 1] == 0.0
    assert float(flat(M, MESH, ~FREE)) == 0.0


def test_gradient_is_the_slope_of_the_value():
    """A quadratic: the central difference is exact at any step."""
    smoothness = Smoothness(horizontal=1.5, vertical=0.7)
    direction = jnp.asarray(np.random.default_rng(0).standard_normal(MESH.shape))
    product = jnp.vdot(jax.grad(lambda m: smoothness(m, MESH, FREE))(M), direction)
    slope = (smoothness(M + direction, MESH, FREE) - smoothness(M - direction, MESH, FREE)) / 2
    assert float(product) == pytest.approx(float(slope), rel=1e-13)


@pytest.mark.parametrize(("horizontal", "vertical"), [(0.0, 0.0), (-1.0, 1.0), (1.0, -0.5)])
def test_bad_factors_are_refused(horizontal, vertical):
    with pytest.raises(
        ValueError, match=f"nor both zero. Got horizontal={horizontal}, vertical={vertical}"
    ):
        Smoothness(horizontal, vertical)


# A mesh of uneven cells, a rough section, a sea that is fixed, and a fault.
RNG = np.random.default_rng(3)
GRID = Mesh(np.cumsum(RNG.uniform(1, 3, 9)), np.array([-1.0, *np.cumsum([0, *RNG.uniform(1, 2, 6)])]))
ROUGH = 0.3 * RNG.standard_normal(GRID.shape)
LAND = np.ones(GRID.shape, bool)
LAND[0, :3] = False
FAULT = [[8.0, -1.0], [10.0, 4.0], [9.0, 6.0]]
REFERENCE = 10 ** RNG.standard_normal(GRID.shape)
OPTIONS = {"horizontal": 1.5, "vertical": 0.7, "cuts": [FAULT]}
QUADRATIC = {
    "squares": (Smoothness(**OPTIONS), 0.0),
    "smallness": (Smallness(REFERENCE, RNG.uniform(0, 1, GRID.shape)), np.log10(REFERENCE)),
    "sum": (Penalties(((2.0, Smoothness(**OPTIONS)), (0.5, Smallness(1.0)))), 0.0),
}
ROBUST = {
    type(norm).__name__: (Smoothness(**OPTIONS, norm=norm), 0.0)
    for norm in (L1(0.1), TotalVariation(0.1), MinimumSupport(0.2))
}
ALL = QUADRATIC | ROBUST


def test_squares_are_what_they_always_were():
    """Bit by bit the sum that defines the default."""
    m = jnp.asarray(ROUGH)
    weight = (GRID.z_centres / GRID.z_centres[0]) ** 0.3
    between = np.sqrt(weight[1:] * weight[:-1])
    along, below = weight[:, None] * (LAND[:, 1:] & LAND[:, :-1]), between[:, None] * (LAND[1:] & LAND[:-1])
    across, down = (jnp.square(jnp.diff(m, axis=axis)) for axis in (1, 0))
    assert float(Smoothness()(m, GRID, LAND)) == float(jnp.sum(along * across) + jnp.sum(below * down))


@pytest.mark.parametrize("name", QUADRATIC)
def test_a_quadratic_penalty_is_the_form_of_its_curvature(name):
    penalty, reference = QUADRATIC[name]
    curvature = penalty.curvature(ROUGH, GRID, LAND)
    moved = np.ravel(ROUGH - reference)
    value = float(penalty(jnp.asarray(ROUGH), GRID, LAND))
    # Rounding of sums of 90 terms.
    assert moved @ curvature @ moved == pytest.approx(value, rel=1e-13)
    other = penalty.curvature(np.zeros(GRID.shape), GRID, LAND)
    np.testing.assert_array_equal(curvature.toarray(), other.toarray())


@pytest.mark.parametrize("name", ALL)
def test_the_gradient_is_twice_the_curvature_times_the_section(name):
    """The identity behind reweighted least squares."""
    penalty, reference = ALL[name]
    slope = np.ravel(jax.grad(lambda m: penalty(m, GRID, LAND))(jnp.asarray(ROUGH)))
    curvature = penalty.curvature(ROUGH, GRID, LAND)
    expected = 2 * curvature @ np.ravel(ROUGH - reference)
    # Rounding alone.
    np.testing.assert_allclose(slope, expected, atol=1e-13 * np.abs(slope).max())
    assert np.abs(slope).max() > 0


@pytest.mark.parametrize("name", ALL)
def test_curvature_is_symmetric_not_negative_and_leaves_out_fixed_cells(name):
    curvature = ALL[name][0].curvature(ROUGH, GRID, LAND).toarray()
    assert curvature.shape == (LAND.size, LAND.size)
    np.testing.assert_array_equal(curvature, curvature.T)
    # Rounding of eigenvalues.
    assert np.linalg.eigvalsh(curvature).min() > -1e-13 * np.abs(curvature).max()
    np.testing.assert_array_equal(curvature[~LAND.ravel()], 0.0)


@pytest.mark.parametrize("name", ROBUST)
def test_robust_penalties_lie_below_the_parabola_that_touches_them(name):
    """So a step of reweighted least squares never goes up."""
    penalty = ROBUST[name][0]
    curvature = penalty.curvature(ROUGH, GRID, LAND)
    here, m = float(penalty(jnp.asarray(ROUGH), GRID, LAND)), ROUGH.ravel()
    for scale in (0.1, 1.0, 10.0):
        other = scale * RNG.standard_normal(GRID.shape)
        n = other.ravel()
        parabola = here + n @ curvature @ n - m @ curvature @ m
        assert float(penalty(jnp.asarray(other), GRID, LAND)) < parabola


def flat(norm, **options):
    return lambda m: float(
        Smoothness(depth_exponent=0.0, norm=norm, **options)(jnp.asarray(m), GRID, ALL_FREE)
    )


ALL_FREE = np.ones(GRID.shape, bool)
JUMP = np.zeros(GRID.shape)
JUMP[:, 4:] = 2.0
RAMP = np.zeros(GRID.shape)
RAMP[:, 3], RAMP[:, 4:] = 1.0, 2.0
BLOCK = np.zeros(GRID.shape)
BLOCK[2:4, 2:5] = 1.0


@pytest.mark.parametrize("norm", [L1(1e-6), TotalVariation(1e-6)])
def test_sizes_do_not_mind_a_jump(norm):
    """Six rows of two decades; `epsilon` a difference of error. Squares prefer the ramp."""
    assert flat(norm)(JUMP) == pytest.approx(12.0, abs=1e-4)
    assert flat(norm)(RAMP) == pytest.approx(12.0, abs=1e-4)
    assert flat(L2())(RAMP) == flat(L2())(JUMP) / 2


def test_total_variation_shortens_corners():
    """A side is 1, in four quarters; at each corner of the block a cell inside has two of them together."""
    assert flat(L1(1e-9))(BLOCK) == pytest.approx(10.0, abs=1e-6)
    # Of these two quarters sqrt(2) / 4 is left.
    assert flat(TotalVariation(1e-9))(BLOCK) == pytest.approx(10 - 4 * (2 - np.sqrt(2)) / 4, abs=1e-6)


@pytest.mark.parametrize("norm", [TotalVariation(), MinimumSupport()])
def test_isotropic_norms_have_no_preferred_side(norm):
    """Rounding of sums in another order."""
    value = flat(norm)(ROUGH)
    assert flat(norm)(ROUGH[:, ::-1]) == pytest.approx(value, rel=1e-14)
    assert flat(norm)(ROUGH[::-1]) == pytest.approx(value, rel=1e-14)


def test_minimum_support_counts_changes_whatever_their_size():
    """Half a cell on each side of the jump in every row, six rows; one and two halves for the ramp."""
    support = flat(MinimumSupport(1e-4))
    # epsilon^2 of error.
    assert support(JUMP) == pytest.approx(6.0, abs=1e-6)
    assert support(10 * JUMP) == pytest.approx(6.0, abs=1e-6)
    assert support(RAMP) == pytest.approx(12.0, abs=1e-6)


def cut_differences(lines):
    """Numbers of differences across and down that a section of unit slopes loses to the lines."""
    columns, rows = np.indices(GRID.shape)[::-1].astype(float)
    lost = [flat(L2())(m) - flat(L2(), cuts=lines)(m) for m in (columns, rows)]
    return tuple(int(n) for n in lost)


def test_a_cut_along_the_nodes_parts_two_rows():
    level = GRID.earth_nodes[2]
    assert cut_differences([[[-99.0, level], [99.0, level]]]) == (0, GRID.n_y)
    assert cut_differences([[[99.0, level], [9.0, level], [-99.0, level]]]) == (0, GRID.n_y)
    side = GRID.y_nodes[3]
    assert cut_differences([[[side, -9.0], [side, 99.0]]]) == (GRID.n_earth, 0)
    # Between the centres of the second and the fourth row: it ends within the section.
    first, last = GRID.z_centres[[1, 3]]
    assert cut_differences([[[side, first + 0.1], [side, last + 0.1]]]) == (2, 0)
    assert cut_differences([]) == (0, 0)


def test_cuts_along_centres_part_rows_once():
    """A centre belongs to one side of a line, and the line of two that meet at it."""
    level, middle = GRID.z_centres[2], GRID.y_centres[4]
    assert cut_differences([[[-99.0, level], [middle, level], [99.0, level]]]) == (0, GRID.n_y)
    assert cut_differences([[[middle, -99.0], [middle, level], [middle, 99.0]]]) == (GRID.n_earth, 0)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_leaks_through_a_closed_cut(seed):
    """What lies inside a polygon, found by other means, may have any value; each side holds together."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
    centre = np.array([GRID.y_nodes.mean(), GRID.earth_nodes.mean()])
    corners = centre + rng.uniform(3, 6, (7, 1)) * np.stack([np.cos(angles), 0.7 * np.sin(angles)], axis=1)
    closed = np.concatenate([corners, corners[:1]])
    centres = np.stack(np.meshgrid(GRID.y_centres, GRID.z_centres), axis=-1).reshape(-1, 2)
    inside = Path(closed).contains_points(centres).reshape(GRID.shape)
    assert 3 < inside.sum() < inside.size - 3
    penalty = Smoothness(cuts=[closed])
    assert float(penalty(jnp.asarray(np.where(inside, 3.0, 1.0)), GRID, ALL_FREE)) == 0.0
    assert float(penalty(jnp.asarray(ROUGH), GRID, ALL_FREE)) > 0.0


def test_closeness_by_hand():
    near = Smallness(10.0, np.where(FREE, 2.0, 0.0))
    # Twice the squares of M - 1: 0 + 1 + 1 + 0 + 4 + 1 + 1 + 4 + 16.
    assert float(near(M, MESH, FREE)) == 56.0
    half = FREE.copy()
    half[2] = False
    assert float(near(M, MESH, half)) == 14.0


def test_penalties_link_what_all_of_them_link():
    cut = Smoothness(cuts=[[(0.0, -1.0), (0.0, 1e6)]])
    free = np.ones(MESH.shape, bool)
    free[0, 0] = False
    alone, both = cut.links(MESH, free), Penalties(((1.0, Smoothness()), (1.0, cut))).links(MESH, free)
    for one, other, plain in zip(alone, both, Smoothness().links(MESH, free), strict=True):
        np.testing.assert_array_equal(one, other)
        assert not plain[0, 0]
    assert not alone[0].all(axis=0).all()


def test_penalties_add_up():
    first, second = Smoothness(), Smallness(100.0)
    both = Penalties(((2.0, first), (0.25, second)))
    expected = 2 * float(first(M, MESH, FREE)) + 0.25 * float(second(M, MESH, FREE))
    assert float(both(M, MESH, FREE)) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L1(0.0), r"`L1\(epsilon=...\)` must be positive, in decades. Got 0.0"),
        (lambda: TotalVariation(-1.0), r"`TotalVariation\(epsilon=...\)`.*Got -1.0"),
        (lambda: MinimumSupport(np.inf), r"`MinimumSupport\(epsilon=...\)`.*Got inf"),
        (
            lambda: Smoothness(cuts=[[[0.0, 1.0]]]),
            r"two or more finite points.*cuts\[0\] of shape \(1, 2\)",
        ),
        (lambda: Smoothness(cuts=[FAULT, [[0.0, np.nan]] * 2]), r"Got cuts\[1\] of shape \(2, 2\)"),
        (lambda: Smallness(-3.0), r"resistivity=...\)` must be positive and finite, in ohm m. Got -3.0"),
        (lambda: Smallness(1.0, -1.0), r"weight=...\)` must be finite and not negative. Got -1.0"),
        (
            lambda: Smallness(np.ones(3))(M, MESH, FREE),
            r"shape .earth rows, columns. = \(3, 3\). Got \(3,\)",
        ),
        (lambda: Penalties(()), r"one or more pairs.*Got the weights \[\]"),
        (lambda: Penalties(((-1.0, Smoothness()),)), r"not negative.*Got the weights \[-1.0\]"),
    ],
)
def test_bad_penalties_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
