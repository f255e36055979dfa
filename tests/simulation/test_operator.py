import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dense, observed_orders, present, self_convergence_order

from jaxmt import Mesh, Survey, simulate
from jaxmt.conventions import MU_0, skin_depth
from jaxmt.simulation.operator import TE, TM, assemble

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

MESH = Mesh(
    np.array([-9e3, -4e3, -1e3, 0.0, 500.0, 3e3, 8e3]), np.array([-5e3, -1e3, 0, 100, 400, 2e3, 9e3])
)
OMEGA = jnp.array(2.0)


def a_section(mesh, seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(10 ** rng.uniform(0, 3, mesh.shape))


def a_stencil(operator):
    return jax.jit(operator(MESH).system)(OMEGA, a_section(MESH)).stencil


@pytest.mark.parametrize("operator", [TE, TM])
def test_matrix_is_symmetric_with_positive_parts(operator):
    matrix = np.asarray(dense(a_stencil(operator)))
    np.testing.assert_array_equal(matrix, matrix.T)
    # K is definite, as its Dirichlet sides leave no constant; M is positive where there is earth.
    assert np.linalg.eigvalsh(np.real(matrix)).min() > 0
    mass = np.linalg.eigvalsh(np.imag(matrix))
    assert mass.min() >= 0
    # Unknowns in the air have no mass: one row of nodes above the ground's, and the top.
    assert np.count_nonzero(mass == 0) == (2 * (MESH.n_y - 1) if operator is TE else 0)


@pytest.mark.parametrize("operator", [TE, TM])
def test_product_is_the_five_point_sum(operator):
    stencil = a_stencil(operator)
    down, right = np.asarray(stencil.down), np.asarray(stencil.right)
    rng = np.random.default_rng(1)
    x = rng.standard_normal(stencil.diagonal.shape) + 1j * rng.standard_normal(stencil.diagonal.shape)
    rows, columns = x.shape
    expected = np.zeros_like(x)
    for i in range(rows):
        for j in range(columns):
            expected[i, j] = stencil.diagonal[i, j] * x[i, j]
            expected[i, j] -= down[i, j] * x[i + 1, j] if i + 1 < rows else 0
            expected[i, j] -= down[i - 1, j] * x[i - 1, j] if i else 0
            expected[i, j] -= right[i, j] * x[i, j + 1] if j + 1 < columns else 0
            expected[i, j] -= right[i, j - 1] * x[i, j - 1] if j else 0
    # Five products; the order of summation differs.
    np.testing.assert_allclose(stencil.matvec(jnp.asarray(x)), expected, rtol=1e-13, atol=1e-16)


def test_energy_of_linear_fields_is_the_integral_of_the_coefficients():
    """u^T K u = int c |grad u|^2 for u = y and u = z, and 1^T M 1 = int m."""
    c, m = a_section(MESH, 1), a_section(MESH, 2)
    dy, dz = MESH.dy, MESH.dz
    full = assemble(OMEGA, c, m, dy, dz)
    y, z = np.meshgrid(MESH.y_nodes, MESH.earth_nodes)
    robin = assemble(OMEGA, 0 * c, m, dy, dz).diagonal.real
    still = assemble(OMEGA, c, 0 * m, dy, dz)
    np.testing.assert_array_equal(robin, 0)
    for u in (y, z):
        u = jnp.asarray(u + 0j)
        energy = jnp.sum(u * still.matvec(u))
        # Sums of 20 positive terms of like size.
        np.testing.assert_allclose(energy, jnp.sum(c * dz[:, None] * dy), rtol=1e-12)
    one = jnp.ones(y.shape, complex)
    np.testing.assert_allclose(still.matvec(one), 0, atol=1e-15 * float(jnp.max(jnp.abs(still.diagonal))))
    bottom = jnp.sqrt(OMEGA * m[-1] * c[-1] / 2) @ jnp.asarray(dy)
    mass = jnp.imag(jnp.sum(one * full.matvec(one))) - bottom
    np.testing.assert_allclose(mass, OMEGA * jnp.sum(m * dz[:, None] * dy), rtol=1e-12)


def smooth(n):
    """A mesh of n columns and n rows under smooth maps, so that meshes n, 2n, 4n are nested."""
    s = np.linspace(-1, 1, n + 1)
    down = np.linspace(0, 1, n + 1)
    up = np.linspace(0, 1, n // 2 + 1)[:0:-1]
    y = 2e4 * np.sinh(3 * s) / np.sinh(3)
    z = 3e4 * np.sinh(3.5 * down) / np.sinh(3.5)
    return Mesh(y, np.concatenate([-5e4 * np.sinh(4 * up) / np.sinh(4), z]))


def responses(mesh, rho):
    stations = mesh.y_nodes[mesh.n_y * 3 // 8 : mesh.n_y * 5 // 8 : mesh.n_y // 16]
    survey = Survey(np.array([0.3]), stations)
    result = simulate(mesh, survey, rho)
    return result.z_xy, result.z_yx, result.tipper


def a_bump(mesh):
    """A smooth conductor off the centre, in a smoothly layered host; ohm m.

    It leaves the surface cells alone: E_y belongs to the cell on the right of a station, so that its
    change from cell to cell would be an error of first order.
    """
    y, z = np.meshgrid(mesh.y_centres, mesh.z_centres)
    host = 1.5 + 0.5 * np.tanh((z - 6e3) / 3e3)
    return 10 ** (host - 1.2 * np.exp(-(((y - 1.5e3) / 2e3) ** 2) - ((z - 4e3) / 1.2e3) ** 2))


@pytest.fixture(scope="module")
def three_levels():
    return [responses(smooth(n), a_bump(smooth(n))) for n in (32, 64, 128)]


@pytest.mark.parametrize("index", [0, 1, 2], ids=["TE", "TM", "tipper"])
def test_second_order_over_a_smooth_conductor(three_levels, index):
    order = self_convergence_order(*(level[index] for level in three_levels))
    # Measured 1.98, 1.95, 1.97; the next term of the error still shows.
    assert order == pytest.approx(2, abs=0.2)


def half_space_error(z_nodes, frequency):
    """Largest relative error of TM and TE over 100 ohm m, on columns too wide to matter."""
    y = 1e8 * np.arange(-2.0, 3.0)
    mesh = Mesh(y, np.concatenate([[-2e3, -1e3], z_nodes]))
    result = simulate(mesh, Survey(np.array([frequency]), np.array([0.0])), np.full(mesh.shape, 100.0))
    exact = np.sqrt(2j * np.pi * frequency * MU_0 * 100.0)
    te, tm = present(result.z_xy)[0, 0], present(result.z_yx)[0, 0]
    return float(abs(-tm / exact - 1)), float(abs(te / exact - 1))


def test_half_space_converges_with_order_two_on_graded_rows():
    depth = 8 * skin_depth(100.0, 1.0)
    levels = []
    for n in (20, 40, 80):
        s = np.linspace(0, 1, n + 1)
        levels.append(half_space_error(depth * np.sinh(3 * s) / np.sinh(3), 1.0))
    for errors in np.transpose(levels):
        np.testing.assert_allclose(observed_orders(errors), 2, atol=0.2)


def test_half_space_converges_with_order_three_on_uniform_rows():
    r"""The ground flux cancels the second-order error of the interior; $-k^3h^3/16$ is left."""
    depth = 10 * skin_depth(100.0, 1.0)
    levels = [half_space_error(depth * np.linspace(0, 1, n + 1), 1.0) for n in (60, 120)]
    for errors in np.transpose(levels):
        np.testing.assert_allclose(observed_orders(errors), 3, atol=0.2)
