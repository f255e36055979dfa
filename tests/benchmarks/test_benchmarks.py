import numpy as np
import pytest

from jaxmt import Mesh, Survey, simulate
from jaxmt.benchmarks import (
    COMMEMI,
    COMMEMI_2D_0,
    COMMEMI_2D_1,
    COMMEMI_2D_4,
    PERFECT_CONDUCTOR,
    control_model_tm,
)
from jaxmt.conventions import MU_0

# The perfect conductor of 2D-0 is one row that no mesh resolves, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

OMEGA = 2 * np.pi / 300

# An independent evaluation of the series of Weaver et al.: y (m), Re and Im of -Z_yx (ohm), 9 digits.
CLOSED_FORM = np.array(
    [
        (-40000, 3.89634080e-04, 3.63432566e-04),
        (-15000, 4.37844450e-04, 3.80959493e-04),
        (-10100, 4.74771486e-04, 4.53129737e-04),
        (-9900, 4.86347773e-05, 5.25112787e-05),
        (-7000, 7.46166443e-05, 1.06891802e-04),
        (0, 1.04831375e-04, 1.24504696e-04),
        (9900, 9.41051531e-05, 9.71025667e-05),
        (10100, 1.86941263e-04, 1.86644117e-04),
        (20000, 1.66570344e-04, 1.60237417e-04),
    ]
)


def test_closed_form_has_the_published_values():
    y, real, imaginary = CLOSED_FORM.T
    # Half the last printed digit of a number 1.xxx is 5e-9 of it.
    np.testing.assert_allclose(-control_model_tm(y), real + 1j * imaginary, rtol=5e-9)


def test_closed_form_is_one_dimensional_far_from_the_contacts():
    for y, rho in ((-3e6, 10.0), (3e6, 2.0)):
        k = np.sqrt(1j * OMEGA * MU_0 / rho)
        np.testing.assert_allclose(
            control_model_tm(np.array([y])), -rho * k * np.tanh(k * 50e3), rtol=1e-12
        )


@pytest.mark.parametrize(("contact", "left", "right"), [(-10e3, 10.0, 1.0), (10e3, 1.0, 2.0)])
def test_current_of_the_closed_form_is_continuous_at_contacts(contact, left, right):
    """E_y jumps with the resistivity; J_y = E_y / rho does not, at H_x = 1."""
    gaps = []
    for d in (40.0, 20.0, 10.0):
        z = control_model_tm(contact + np.array([-d, d]))
        gaps.append(abs(z[0] / left - z[1] / right) / abs(z[1] / right))
    # J_y behaves like d ln d on both sides, so that halving d divides the gap by 1.75 to 1.8.
    np.testing.assert_allclose(np.divide(gaps[:-1], gaps[1:]), 1.78, atol=0.05)
    on_and_close = control_model_tm(contact + np.array([0.0, 1.0]))
    # A metre of d ln d; the series cut after 20,000 terms is ten times closer.
    assert abs(on_and_close[0] / on_and_close[1] - 1) < 2e-3


def test_tm_of_the_control_model_is_its_closed_form():
    """At a kilometre from the contacts and beyond."""
    stations = 1e3 * np.array([-25, -15, -12, -11, -9, -8, -5, 0, 5, 8, 9, 11, 12, 15, 30.0])
    survey = Survey(np.array([1 / 300]), stations, modes=("tm",))
    mesh = COMMEMI_2D_0.design(survey, growth=0.03)
    z = np.asarray(simulate(mesh, survey, COMMEMI_2D_0.resistivity(mesh)).z_yx)[0]
    ratio = z / control_model_tm(stations)
    # The package states 0.2 % and 0.1 degrees; measured 0.13 % and 0.05 at 9 km.
    np.testing.assert_allclose(abs(ratio), 1, atol=2e-3)
    np.testing.assert_allclose(np.angle(ratio, deg=True), 0, atol=0.1)


def computed(benchmark, growth=0.06):
    mesh = benchmark.design(growth=growth)
    r = simulate(mesh, benchmark.compared, benchmark.resistivity(mesh))
    rho = {"te": np.asarray(r.rho_xy[0]), "tm": np.asarray(r.rho_yx[0])}
    places = {y: k for k, y in enumerate(benchmark.survey.stations)}
    return {(e.mode, e.station): rho[e.mode][places[e.station]] for e in benchmark.table}


@pytest.fixture(scope="module")
def commemi_2d_1():
    return computed(COMMEMI_2D_1)


# Entries of 2D-1 that refined meshes do not approach: table 51.5, limit 50.2; 46.4, 44.9; 9.86, 9.71.
UNREACHED = {("te", 1e3), ("tm", 500.0), ("tm", 0.0)}
# The scatter among the published methods is of this size.
SCATTER = {"te": 0.01, "tm": 0.015}


def test_commemi_2d_1(commemi_2d_1):
    for entry in COMMEMI_2D_1.table:
        if (entry.mode, entry.station) not in UNREACHED:
            value = commemi_2d_1[entry.mode, entry.station]
            assert value == pytest.approx(entry.resistivity, rel=SCATTER[entry.mode]), entry


def test_commemi_2d_1_is_converged_where_it_differs_from_the_table(commemi_2d_1):
    finer = computed(COMMEMI_2D_1, growth=0.04)
    for key in UNREACHED:
        # A tenth of the difference from the table: the mesh is not the cause.
        assert commemi_2d_1[key] == pytest.approx(finer[key], rel=3e-3), key


def test_commemi_2d_4():
    values = computed(COMMEMI_2D_4)
    for entry in COMMEMI_2D_4.table:
        value = values[entry.mode, entry.station]
        assert value == pytest.approx(entry.resistivity, rel=SCATTER[entry.mode]), entry


def test_commemi_2d_0():
    """TM against the closed form: the table's own entries miss it by up to 6 %."""
    values = computed(COMMEMI_2D_0)
    for entry in COMMEMI_2D_0.table:
        value = values[entry.mode, entry.station]
        if entry.mode == "te":
            allowed = max(entry.half_digit, 0.01 * entry.resistivity)
            assert value == pytest.approx(entry.resistivity, abs=allowed), entry
        else:
            place = entry.station + COMMEMI_2D_0.beside * (entry.station in COMMEMI_2D_0.y_contacts)
            exact = abs(control_model_tm(np.array([place]))[0]) ** 2 / (OMEGA * MU_0)
            # 0.2 % of |Z|.
            assert value == pytest.approx(exact, rel=4e-3), entry


def test_table_of_2d_0_contradicts_its_closed_form():
    """Why the test above does not use it: far stations agree, near ones do not."""
    tm = {e.station: e.resistivity for e in COMMEMI_2D_0.table if e.mode == "tm"}
    exact = {y: abs(control_model_tm(np.array([y]))[0]) ** 2 / (OMEGA * MU_0) for y in tm}
    ratio = {y: tm[y] / exact[y] for y in tm}
    assert ratio[-25e3] == pytest.approx(1, abs=0.01)
    assert ratio[7e3] == pytest.approx(1.063, abs=0.005)
    assert ratio[15e3] == pytest.approx(0.982, abs=0.005)


@pytest.mark.parametrize("contact", [-10e3, 10e3])
def test_the_table_of_2d_0_took_the_left_side_of_contacts(contact):
    """On the other side it would be 97 times too large, or 4 times too small."""
    left, right = abs(control_model_tm(contact + np.array([-1.0, 0.0]))) ** 2 / (OMEGA * MU_0)
    table = {e.station: e.resistivity for e in COMMEMI_2D_0.table if e.mode == "tm"}[contact]
    # What the table misses its own closed form by elsewhere, too.
    assert table == pytest.approx(left, rel=0.06)
    assert not 0.3 < table / right < 3


@pytest.mark.parametrize("benchmark", COMMEMI.values(), ids=COMMEMI.keys())
def test_contacts_are_nodes_of_the_designed_mesh(benchmark):
    survey = Survey(np.array([1 / benchmark.period]), np.array([0.0]))
    mesh = benchmark.design(survey, growth=0.3)
    assert set(benchmark.y_contacts) <= set(mesh.y_nodes)
    assert set(benchmark.z_contacts) <= set(mesh.earth_nodes)
    section = benchmark.resistivity(mesh)
    published = {region.resistivity for region in benchmark.regions}
    if benchmark.name != "2D-4":
        # No cell is cut; a power of a logarithm is a few roundings.
        for value in np.unique(section):
            assert np.isclose(value, list(published), rtol=1e-12).any()
    assert (PERFECT_CONDUCTOR in published) == bool((section[-1] < 1e-6).all())


def test_cells_cut_by_the_wedge_have_a_mean_between_the_two_sides():
    """The base of the 2.5 ohm m wedge falls from 1 km at 5 km to 4 km at 2 km, over 1,000 ohm m."""
    mesh = Mesh(
        np.array([0.0, 2e3, 3e3, 4e3, 5e3, 6e3]), np.array([0.0, 500, 1e3, 2e3, 3e3, 4e3, 25e3, 50e3])
    )
    section = COMMEMI_2D_4.resistivity(mesh, samples=64)
    wedge = section[2:5, 1:4]
    assert wedge.min() >= 2.5 * (1 - 1e-12)
    assert wedge.max() <= 1000 * (1 + 1e-12)
    # The diagonal halves three cells: the mean of log resistivity, to 1/64 of its range.
    cut = [wedge[2, 0], wedge[1, 1], wedge[0, 2]]
    np.testing.assert_allclose(np.log(cut), np.log(2500) / 2, atol=np.log(400) / 64)
    np.testing.assert_allclose([wedge[0, 0], wedge[2, 2]], [2.5, 1000.0], rtol=1e-12)
