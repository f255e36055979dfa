import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Mesh, Smoothness

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
