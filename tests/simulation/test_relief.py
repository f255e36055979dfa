import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dense, observed_orders, present, taylor_orders

import jaxmt
from jaxmt import Mesh, Survey, drape, simulate
from jaxmt.benchmarks import HILL_PROFILE, HILL_RESPONSES
from jaxmt.simulation import layered
from jaxmt.simulation.operator import TE, TM

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

RHO, THICKNESS = np.array([0.3, 30.0, 300.0]), np.array([1000.0, 4000.0])
"""A sea over two layers."""


def impedance_at_interface(frequencies, number):
    """Closed form: E/H at the top of a layer depends on the layers below it alone."""
    arrays = jnp.asarray(RHO), jnp.asarray(THICKNESS)
    at = jax.vmap(lambda omega: layered.impedances(omega, *arrays)[number])
    return np.asarray(at(jnp.asarray(2 * np.pi * frequencies)))


def layers(mesh):
    column = RHO[np.searchsorted(np.cumsum(THICKNESS), mesh.z_centres)]
    return np.tile(column[:, None], mesh.n_y)


def sea_floor(n):
    """Relative errors of TE and TM at the sea floor on n rows through the sea, halved from n to 2 n."""
    frequencies = np.array([0.1, 0.01])
    z = np.concatenate(
        [
            1000 * np.linspace(0, 1, n + 1),
            1000 + 1.5e5 * np.sinh(6 * np.linspace(0, 1, 3 * n + 1)[1:]) / np.sinh(6),
        ]
    )
    z[np.argmin(np.abs(z - 5000.0))] = 5000.0
    mesh = Mesh(np.linspace(-4e5, 4e5, 5), np.concatenate([[-4e5, -1e5, -2e4, -3e3], z]))
    r = simulate(mesh, Survey(frequencies, [1e4], depths=[1000.0]), layers(mesh))
    exact = impedance_at_interface(frequencies, 1)
    return [np.abs(np.asarray(z)[:, 0] / exact - 1).max() for z in (present(r.z_xy), -present(r.z_yx))]


def test_sea_floor_converges_with_order_two_to_the_closed_form():
    errors = np.array([sea_floor(n) for n in (10, 20, 40)])
    for mode in errors.T:
        np.testing.assert_allclose(observed_orders(mode), 2, atol=0.3)


def test_sea_floor_on_a_designed_mesh():
    frequencies = np.array([0.1, 0.01, 1e-3])
    survey = Survey(frequencies, [0.0, 3e4], depths=[1000.0, 1000.0])
    mesh = Mesh.design(survey, (0.3, 300.0), z_contacts=(1000.0, 5000.0))
    r = simulate(mesh, survey, layers(mesh))
    exact = impedance_at_interface(frequencies, 1)[:, None]
    # What the package states for a designed mesh, of |Z|^2 and of the phase in rad.
    for z in (np.asarray(r.z_xy), -np.asarray(r.z_yx)):
        np.testing.assert_allclose(np.abs(z / exact) ** 2, 1, atol=1e-3)
        np.testing.assert_allclose(np.angle(z / exact), 0, atol=1e-3)
    np.testing.assert_allclose(present(r.tipper), 0, atol=1e-6)


Y = np.array([-9e3, -4e3, -1.5e3, -300.0, 0.0, 500.0, 2e3, 5e3, 8e3])
Z = np.array([-9e3, -1e3, -200.0, 0.0, 100.0, 300.0, 800.0, 2e3, 5e3, 1e4])


def a_section(shape, seed=0):
    return 10 ** np.random.default_rng(seed).uniform(0, 3, shape)


def test_level_ground_deeper_in_the_mesh_is_level_ground():
    """Rows above the surface are air like those above z = 0: a shift of the datum by 200 m."""
    level = Mesh(Y, Z)
    shifted = Mesh(Y, Z + 200.0, np.full(Y.size, 200.0))
    assert (shifted.n_air, shifted.n_earth) == (2, level.n_earth + 1)
    frequencies, stations = np.array([10.0, 0.1]), np.array([-2e3, 100.0, 3e3])
    section = a_section(level.shape)
    r = simulate(level, Survey(frequencies, stations), section)
    below = np.concatenate([np.full((1, level.n_y), 7.0), section])
    s = simulate(shifted, Survey(frequencies, stations, depths=np.full(3, 200.0)), below)
    for name in ("z_xy", "z_yx", "tipper"):
        # Coordinates of 1e4 m that differ by 200 m keep 12 digits of a step of 100 m.
        np.testing.assert_allclose(getattr(s, name), getattr(r, name), rtol=1e-10)


def ramp(n):
    """TM and TE errors on the middle of a slope of 1 in 2, many skin depths long, on meshes n, 2 n."""
    stations = np.array([-40.0, 0.0, 35.0])
    core = np.linspace(-1600.0, 1600.0, 16 * n + 1)
    far = np.array([2e3, 3e3, 5e3])
    y = np.concatenate([-far[::-1], core, far])
    z = np.concatenate([[-9e3, -3e3, -1e3, -400.0], np.linspace(0, 1600.0, 16 * n + 1), [2e3, 3e3, 5e3]])
    surface = np.interp(y, [-1e3, 1e3], [0.0, 1000.0])
    survey = Survey([1e3], stations, depths=np.interp(stations, y, surface))
    r = simulate(Mesh(y, z, surface), survey, np.full((z.size - 5, y.size - 1), 100.0))
    return np.max(np.abs(np.asarray(r.rho_yx) / 100 - 1)), np.max(np.abs(np.asarray(r.rho_xy) / 125 - 1))


def test_a_long_slope_is_a_tilted_half_space():
    r"""E along the slope over H is that of the half-space; level H_y is the one along the slope times cos.

    So TM gives rho and TE $\rho / \cos^2\alpha$ = 125 ohm m.
    """
    tm, te = np.array([ramp(n) for n in (2, 4, 8)]).T
    # The surface cuts cells anyhow, so that the order wavers about 2; measured 2.8 and 2.9.
    assert np.all(observed_orders(tm) > 1.8)
    # The slope is 14 skin depths long, not infinite; measured 0.10, 0.04 and 0.012.
    assert te[-1] < 0.02


def test_trapezoidal_hill_of_wannamaker():
    y, te, te_phase, tm, tm_phase = HILL_RESPONSES.T
    core = 25.0 * np.arange(-64, 65)
    pad = 1600 + np.cumsum(25 * 1.15 ** np.arange(1, 38))
    rows = np.cumsum(np.append(0.0, 12.5 * 1.12 ** np.arange(48)))
    level = Mesh(np.concatenate([-pad[::-1], core, pad]), np.append(-1.0, rows)).with_air(3e4, 1.6)
    relief = drape(level, Survey([2.0], y), *HILL_PROFILE, step=12.5)
    r = simulate(relief.mesh, relief.survey, relief.section(100.0))
    on_slope = (y > 225) & (y < 1000)
    level_e = np.where(on_slope, np.cos(np.arctan2(450, 775)), 1.0) ** 2
    # MARE2DEM aims at 1 % of the fields and prints wiggles of 0.1 degrees between neighbours;
    # measured here 0.5 % of rho in TE, 1.6 % in TM, 0.13 degrees.
    np.testing.assert_allclose(r.rho_xy[0], 10**te, rtol=0.01)
    np.testing.assert_allclose(r.rho_yx[0] * level_e, 10**tm, rtol=0.02)
    np.testing.assert_allclose(r.phase_xy[0], te_phase, atol=0.2)
    np.testing.assert_allclose(r.phase_yx[0], tm_phase, atol=0.2)


SURFACE = np.array([800.0, 800.0, 350.0, 120.0, 0.0, 60.0, 250.0, 300.0, 300.0])
"""A hill on `Y` that leaves nodes close to, on, above and below it."""
ROUGH = Mesh(Y, Z, SURFACE)
ON_IT = Survey(
    np.array([10.0, 0.1]),
    [-2e3, 100.0, 3e3, 3e3],
    depths=[*ROUGH.ground(np.array([-2e3, 100.0, 3e3])), 2e3],
)


@pytest.mark.parametrize("operator", [TE, TM])
def test_the_matrix_on_a_hill_is_symmetric_with_positive_parts(operator):
    section = jnp.asarray(a_section(ROUGH.shape))
    matrix = np.asarray(dense(jax.jit(operator(ROUGH).system)(jnp.array(2.0), section).stencil))
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(np.real(matrix)).min() > 0
    assert np.linalg.eigvalsh(np.imag(matrix)).min() >= 0


def test_filled_cells_are_the_area_below_the_surface():
    area = np.sum(ROUGH.filled * ROUGH.dz[:, None] * ROUGH.dy)
    ground = 0.5 * (SURFACE[1:] + SURFACE[:-1])
    # A sum of 50 areas of like size.
    np.testing.assert_allclose(area, np.sum((Z[-1] - ground) * ROUGH.dy), rtol=1e-12)
    np.testing.assert_array_equal(ROUGH.air, ROUGH.filled == 0)
    np.testing.assert_array_equal(Mesh(Y, Z).filled, 1.0)


def test_the_jacobian_on_a_hill_and_below_it():
    """Second-order Taylor remainders for every row; what lies in the air has no effect at all."""
    section = a_section(ROUGH.shape)
    matrix = jaxmt.jacobian(ROUGH, ON_IT, section)

    def curves(log10_resistivity):
        components = simulate(ROUGH, ON_IT, 10**log10_resistivity).components
        return components.reshape(6, -1)

    rows = matrix.reshape(6, -1, *ROUGH.shape)
    direction = np.random.default_rng(1).standard_normal((1, *ROUGH.shape))
    orders = taylor_orders(jax.jit(curves), rows, jnp.log10(section), jnp.asarray(direction))
    # The quadratic term of some rows nearly vanishes, which raises their order.
    assert orders.min() > 1.9
    assert ROUGH.air.sum() > 5
    assert np.all(np.asarray(matrix)[..., ROUGH.air] == 0)
    changed = np.where(ROUGH.air, 1e9, section)
    same = simulate(ROUGH, ON_IT, changed).components
    np.testing.assert_array_equal(same, simulate(ROUGH, ON_IT, section).components)


def test_an_inversion_keeps_sea_and_air():
    """A coast with a hill: the fixed cells stay, the others move, and the fit improves."""
    y = np.linspace(-8e3, 8e3, 17)
    level = Mesh(y, np.concatenate([[-2e4, -5e3, -1e3], [0.0, 100, 300, 700, 1500, 3000, 6000, 12000]]))
    survey = Survey(np.array([10.0, 1.0, 0.1]), np.array([-5e3, -2.5e3, 500.0, 3500.0]))
    relief = drape(level, survey, [-6e3, 0.0, 3e3, 6e3], [-800.0, 0.0, 400.0, 300.0], step=100.0)
    assert relief.sea.any()
    assert relief.mesh.air.any()
    true = relief.section(np.where(relief.mesh.y_centres > 1e3, 30.0, 200.0))
    data = jaxmt.Data.from_responses(simulate(relief.mesh, relief.survey, true))
    start = relief.section(100.0)
    earth = jaxmt.Cells(relief.mesh, fixed=relief.sea, values=start)
    kept = relief.sea | relief.mesh.air
    np.testing.assert_array_equal(earth.free, ~kept)
    result = jaxmt.invert(data, earth, start, jaxmt.LeastSquares(), max_iterations=8)
    # 10 ** log10 rounds in the last digit.
    np.testing.assert_allclose(result.resistivity[kept], start[kept], rtol=1e-14)
    assert np.all(result.resistivity[~kept] != start[~kept])
    assert result.nrms < 0.7 * result.history["nrms"][0]


def test_a_relief_of_land_and_sea():
    level = Mesh(np.linspace(-4e3, 4e3, 9), [-1e4, -1e3, 0.0, 50.0, 150.0, 1e3, 1e4])
    survey = Survey([1.0], [-3.4e3, -1.2e3, 500.0, 2e3])
    relief = drape(level, survey, [-3e3, -1e3, 1e3, 3e3], [-500.0, -100.0, 100.0, 300.0])
    # The land is highest at 300 m, the sea 300 m below it.
    assert relief.datum == 300.0
    np.testing.assert_array_equal(relief.mesh.surface, [300, 300, 300, 300, 300, 200, 100, 0, 0])
    np.testing.assert_array_equal(relief.mesh.earth_nodes[:18], 50.0 * np.arange(18))
    np.testing.assert_array_equal(np.diff(relief.mesh.earth_nodes[16:]), [50, 100, 850, 9000])
    # The sea floor falls from 100 to 300 and 500 m, in rows of 50 m.
    np.testing.assert_array_equal(relief.sea.sum(axis=0), [10, 10, 6, 2, 0, 0, 0, 0])
    np.testing.assert_allclose(relief.water.sum(axis=0), [10, 8, 4, 1, 0, 0, 0, 0], rtol=1e-12)
    # The second station stands beside a column that is wet to 800 m.
    np.testing.assert_array_equal(relief.survey.depths, [800.0, 800.0, 250.0, 100.0])
    section = relief.section(50.0)
    np.testing.assert_array_equal(section[~relief.sea], 50.0)
    np.testing.assert_allclose(1 / section, relief.water / 0.3 + (1 - relief.water) / 50, rtol=1e-12)
    dry = drape(level, survey, [-3e3, 3e3], [-500.0, -500.0], sea_level=-np.inf)
    assert not dry.sea.any()
    assert dry.mesh == level


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positions": [0.0, 0.0]}, r"`drape\(positions=...\)` must increase strictly, in m"),
        ({"positions": [0.0, 1.0, 2.0]}, r"go together, in m. Got shapes \(3,\) and \(2,\)"),
        ({"elevation": [0.0, np.nan]}, "must be finite"),
        ({"step": 0.0}, r"`drape\(step=...\)` must be positive, in m. Got 0.0"),
        ({"mesh": ROUGH}, "has a relief already"),
    ],
)
def test_drape_refuses_what_makes_no_relief(arguments, message):
    good = {
        "mesh": Mesh(Y, Z),
        "survey": Survey([1.0], [0.0]),
        "positions": [0.0, 1.0],
        "elevation": [1.0, 2.0],
    }
    with pytest.raises(ValueError, match=message):
        drape(**(good | arguments))


@pytest.mark.parametrize("surface", [np.zeros(8), np.full(9, -1.0), np.full(9, 5e3), np.full(9, np.nan)])
def test_a_surface_outside_the_mesh_is_refused(surface):
    with pytest.raises(ValueError, match=r"`Mesh\(surface=...\)` must hold the depth of the ground"):
        Mesh(Y, Z, surface)


def test_a_station_in_the_air_is_refused():
    with pytest.raises(ValueError, match=r"1 of 2 stations lie in.*stations\[1\] at 0.0 m.*at 300 m"):
        ROUGH.check_stations(Survey([1.0], [0.0, 6e3]))


def test_a_relief_is_part_of_the_mesh():
    assert ROUGH != Mesh(Y, Z)
    assert ROUGH == Mesh(Y, Z, SURFACE)
    assert hash(ROUGH) != hash(Mesh(Y, Z))
    assert ROUGH.with_air(2e4).surface.tolist() == SURFACE.tolist()
