import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Earth, Mesh, grid_blocks

MESH = Mesh(np.array([-3.0, -1.0, 0.0, 2.0, 5.0]), np.array([-1.0, 0.0, 1.0, 3.0, 6.0]))
SECTION = 10 ** np.random.default_rng(0).uniform(-1, 4, MESH.shape)
FIXED = np.zeros(MESH.shape, bool)
FIXED[0, :2] = True


def test_parameters_and_section_round_trip():
    earth = Earth(MESH)
    p = earth.parameters(SECTION)
    assert p.shape == (earth.size,) == (12,)
    # Up to one decade from the bounds the logistic function loses a digit.
    np.testing.assert_allclose(earth.log10_resistivity(p, SECTION), np.log10(SECTION), atol=1e-13)
    q = jnp.linspace(-3.0, 3.0, 12)
    again = earth.parameters(10 ** np.array(earth.log10_resistivity(q, SECTION)))
    np.testing.assert_allclose(again, q, atol=1e-13)


def test_bounds_hold_for_any_parameter_and_the_gradient_remains():
    earth = Earth(MESH, low=1.0, high=1e4)
    for extreme, bound in ((-1e3, 0.0), (1e3, 4.0)):
        log10 = earth.log10_resistivity(jnp.full(12, extreme), SECTION)
        # exp(-1000) is nothing: the bound itself, to rounding of 4 decades.
        np.testing.assert_allclose(log10, bound, atol=1e-14)
    near = earth.log10_resistivity(jnp.full(12, 8.0), SECTION)
    assert np.all((near > 3.99) & (near < 4.0))
    slope = jax.grad(lambda p: jnp.sum(earth.log10_resistivity(p, SECTION)))(jnp.full(12, 8.0))
    assert np.all(slope > 1e-4)


def test_slope_is_one_decade_per_unit_in_mid_range():
    earth = Earth(MESH, low=0.1, high=1e3)
    middle = jnp.zeros(12)
    np.testing.assert_allclose(earth.log10_resistivity(middle, SECTION), 1.0, atol=1e-14)
    jacobian = jax.jacobian(lambda p: earth.log10_resistivity(p, SECTION).ravel())(middle)
    np.testing.assert_allclose(jacobian, np.eye(12), atol=1e-14)


def test_fixed_cells_stay_and_have_no_parameter():
    earth = Earth(MESH, fixed=FIXED)
    assert earth.size == 10
    np.testing.assert_array_equal(earth.free, ~FIXED)
    start = np.where(FIXED, 1e-9, SECTION)
    p = earth.parameters(start)
    log10, pull = jax.vjp(lambda p: earth.log10_resistivity(p, start), p + 1.0)
    np.testing.assert_array_equal(log10[FIXED], np.log10(1e-9))
    assert np.all(log10[~FIXED] > np.log10(start)[~FIXED])
    np.testing.assert_array_equal(pull(jnp.asarray(FIXED, float))[0], 0.0)
    assert np.all(pull(jnp.asarray(~FIXED, float))[0] > 0)


def test_blocks_tie_cells_together():
    """Any numbers will do; a block starts at the mean of log resistivity of its free cells."""
    blocks = np.array([[7, 7, -2, -2], [7, 7, -2, -2], [40, 40, 40, 40]])
    earth = Earth(MESH, blocks=blocks, fixed=FIXED)
    assert earth.size == 3
    log10 = np.array(earth.log10_resistivity(earth.parameters(SECTION), SECTION))
    expected = np.log10(SECTION)
    for number in (7, -2, 40):
        cells = (blocks == number) & ~FIXED
        expected[cells] = expected[cells].mean()
    np.testing.assert_allclose(log10, expected, atol=1e-13)
    slope = jax.grad(lambda p: jnp.sum(earth.log10_resistivity(p, SECTION)))(jnp.zeros(3))
    # One decade per unit and cell in mid-range: the numbers of free cells, blocks in order.
    np.testing.assert_allclose(slope, [4, 2, 4], atol=1e-13)


def test_cells_take_from_parameters_and_parameters_from_cells():
    blocks = np.arange(12).reshape(MESH.shape)
    blocks[1:, 2:] = 20
    earth = Earth(MESH, fixed=FIXED, blocks=blocks)
    p = jnp.arange(1.0, earth.size + 1)
    cells = earth.over_cells(p)
    np.testing.assert_array_equal(cells.ravel(), earth.ties @ np.asarray(p))
    np.testing.assert_array_equal(earth.of_cells(cells), p)
    values = np.random.default_rng(0).standard_normal(MESH.shape)
    count = np.asarray(earth.ties.sum(axis=0))
    # The same sums in another order.
    np.testing.assert_allclose(
        earth.of_cells(jnp.asarray(values)), earth.ties.T @ values.ravel() / count, rtol=1e-14
    )


def test_grid_blocks_number_the_cells_between_edges():
    blocks = grid_blocks(MESH, np.array([-0.75, 3.0]), np.array([1.5]))
    a, b, c, d, e, f = (blocks[k] for k in ((0, 0), (0, 1), (0, 3), (1, 0), (1, 1), (1, 3)))
    assert len({a, b, c, d, e, f}) == 6
    np.testing.assert_array_equal(blocks, [[a, b, b, c], [d, e, e, f], [d, e, e, f]])
    assert Earth(MESH, blocks=blocks).size == 6
    assert np.unique(grid_blocks(MESH, np.array([]), np.array([]))).size == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 0.0}, "0 < low < high, in ohm m. Got low=0.0"),
        ({"low": 10.0, "high": 10.0}, "0 < low < high, in ohm m. Got low=10.0, high=10.0"),
        ({"high": np.inf}, "0 < low < high, in ohm m.*high=inf"),
        ({"low": np.nan}, "0 < low < high, in ohm m. Got low=nan"),
        ({"fixed": FIXED[:2]}, r"fixed=...\)` must have shape.*\(3, 4\). Got \(2, 4\)"),
        ({"blocks": np.zeros((4, 3), int)}, r"blocks=...\)` must have shape.*\(3, 4\). Got \(4, 3\)"),
        ({"fixed": np.ones(MESH.shape, bool)}, "fixes every cell; leave at least one free"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Earth(MESH, **options)


@pytest.mark.parametrize("value", [0.5, 1.0, 1e3, 2e3])
def test_a_start_out_of_bounds_is_refused_unless_fixed(value):
    start = np.full(MESH.shape, 10.0)
    start[0, 1] = value
    with pytest.raises(ValueError, match=f"low=1.0, high=1000.0.*Got {value}; widen the bounds or fix"):
        Earth(MESH, low=1.0, high=1e3).parameters(start)
    Earth(MESH, low=1.0, high=1e3, fixed=FIXED).parameters(start)
