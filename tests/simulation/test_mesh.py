import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Mesh, MeshWarning, Survey, simulate
from jaxmt.conventions import skin_depth

Y = np.array([-3.0, -1.0, 0.0, 2.0, 5.0])
Z = np.array([-2.0, -1.0, 0.0, 1.0, 3.0, 6.0])
SURVEY = Survey(np.array([100.0, 1.0, 0.01]), np.array([-2e3, 0.0, 500.0]))


@pytest.mark.parametrize("name", ["y_nodes", "z_nodes"])
@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (np.array([0.0, 2.0, 1.0, 3.0]), r"increase strictly, in m. Got {}\[1\] = 2.0 and {}\[2\] = 1.0"),
        (np.array([0.0, 1.0, 1.0, 3.0]), r"increase strictly"),
        (np.array([0.0, 1.0, np.nan]), r"finite, in m. Got {}\[2\] = nan"),
        (np.array([0.0, 1.0, np.inf]), r"finite, in m. Got {}\[2\] = inf"),
        (np.array([0.0, 1e-300, 1.0]), r"{}\[0\] and {}\[1\] are 1e-300 m apart; is the unit m"),
        (np.array([0.0, 1.0, 1e300]), r"lie within 1e.12 m of zero.*nodes from 0 to 1e.300 m"),
        (np.array([0.0, 1.0]), r"at least 3 node coordinates in m. Got shape \(2,\)"),
    ],
)
def test_bad_nodes_are_refused_by_name(name, nodes, message):
    given: dict[str, Any] = {"y_nodes": Y, "z_nodes": Z} | {name: nodes}
    with pytest.raises(ValueError, match=rf"`Mesh\({name}=...\)` must.*" + message.replace("{}", name)):
        Mesh(**given)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (np.array([-1.0, 0.5, 2.0]), "node at exactly 0 m. The nearest node is at 0.5 m"),
        (np.array([1.0, 2.0, 3.0]), "node at exactly 0 m. The nearest node is at 1.0 m"),
        (np.array([-2.0, -1.0, 0.0]), "reach below the ground"),
    ],
)
def test_a_mesh_needs_the_ground_and_earth_below_it(nodes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Mesh(Y, nodes)


def test_counts_steps_and_centres():
    mesh = Mesh(Y, Z)
    assert (mesh.n_y, mesh.n_z, mesh.n_air, mesh.n_earth, mesh.shape) == (4, 5, 2, 3, (3, 4))
    np.testing.assert_array_equal(mesh.dy, [2, 1, 2, 3])
    np.testing.assert_array_equal(mesh.dz, [1, 2, 3])
    np.testing.assert_array_equal(mesh.earth_nodes, [0, 1, 3, 6])
    np.testing.assert_array_equal(mesh.y_centres, [-2, -0.5, 1, 3.5])
    np.testing.assert_array_equal(mesh.z_centres, [0.5, 2, 4.5])
    assert Mesh(Y, Z[2:]).n_air == 0


def test_a_mesh_is_a_value():
    """Equal coordinates are equal meshes, and a mesh keeps its own read-only copy of them."""
    y, z = Y.copy(), Z.copy()
    mesh = Mesh(y, z)
    y[0] = -100.0
    assert mesh == Mesh(Y, Z)
    assert hash(mesh) == hash(Mesh(Y, Z))
    assert mesh != Mesh(Y, Z + np.array([0, 0, 0, 0, 0, 1.0]))
    assert mesh != Mesh(Y - 1, Z)
    assert mesh != "mesh"
    with pytest.raises(ValueError, match="read-only"):
        mesh.y_nodes[0] = 0.0


def test_a_mesh_is_static_under_jit():
    traces = []

    @jax.jit
    def height(mesh, x):
        traces.append(mesh)
        return x * mesh.dz[0]

    for mesh in (Mesh(Y, Z), Mesh(Y, Z), Mesh(Y, 2 * Z)):
        assert height(mesh, jnp.array(3.0)) == 3 * mesh.dz[0]
    assert len(traces) == 2


def test_with_air_keeps_the_earth_and_reaches_the_height():
    mesh = Mesh(Y, Z)
    tall = mesh.with_air(100.0, growth=1.5)
    np.testing.assert_array_equal(tall.earth_nodes, mesh.earth_nodes)
    np.testing.assert_array_equal(tall.y_nodes, mesh.y_nodes)
    air = -np.diff(tall.z_nodes[tall.n_air :: -1])
    assert air[0] == mesh.dz[0]
    # Differences of coordinates of 100 keep 14 digits.
    np.testing.assert_allclose(air[1:] / air[:-1], 1.5, rtol=1e-12)
    assert 100.0 <= -tall.z_nodes[0] < 100.0 + air[-1]
    assert -mesh.with_air().z_nodes[0] >= Y[-1] - Y[0]


def test_stations_outside_are_refused_and_on_the_edge_are_not():
    mesh = Mesh(Y, Z)
    mesh.check_stations(Survey(np.array([1.0]), np.array([-3.0, 5.0])))
    with pytest.raises(
        ValueError, match=r"2 of 3 stations lie outside.*stations\[1\] = 5.5 m.*-3.0 to 5.0 m"
    ):
        mesh.check_stations(Survey(np.array([1.0]), np.array([0.0, 5.5, -4.0])))


@pytest.mark.parametrize("resistivity", [100.0, (5.0, 2000.0)])
@pytest.mark.parametrize("growth", [0.06, 0.15])
def test_a_designed_mesh_follows_its_rules(resistivity, growth):
    y_contacts, z_contacts = (-700.0, 300.0), (1000.0, 9000.0)
    mesh = Mesh.design(SURVEY, resistivity, y_contacts=y_contacts, z_contacts=z_contacts, growth=growth)
    low, high = np.broadcast_to(resistivity, 2)
    short, long = skin_depth(low, 100.0), skin_depth(high, 0.01)
    assert mesh.faults(SURVEY, low, high) == []
    assert set(y_contacts) <= set(mesh.y_nodes)
    assert set(z_contacts) <= set(mesh.earth_nodes)
    # The first row has grown by half of g already, and fits whole rows above the first contact.
    assert mesh.dz[0] == pytest.approx(0.5 * growth * short, rel=0.15)
    assert mesh.z_nodes[-1] == pytest.approx(5 * long + 9000.0)
    assert mesh.y_nodes[-1] == pytest.approx(500.0 + 8 * long)
    assert mesh.y_nodes[0] == pytest.approx(-2000.0 - 8 * long)
    assert -mesh.z_nodes[0] >= 8 * long
    # One step per row is the growth; rounding to whole rows between two contacts adds to it.
    assert np.max(mesh.dz[1:] / mesh.dz[:-1]) < np.exp(1.5 * growth)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resistivity": 0.0}, "Got 0.0"),
        ({"resistivity": -5.0}, "Got -5.0"),
        ({"resistivity": np.inf}, "Got inf"),
        ({"resistivity": np.nan}, "Got nan"),
        ({"resistivity": (100.0, 10.0)}, "the lowest before the highest"),
        ({"growth": 0.0}, r"must lie in \(0, 0.5\], a fraction. Got 0.0"),
        ({"growth": 0.6}, r"must lie in \(0, 0.5\], a fraction. Got 0.6"),
    ],
)
def test_design_refuses_impossible_arguments(arguments, message):
    (name,) = arguments
    with pytest.raises(ValueError, match=rf"`Mesh.design\({name}=...\)`.*{message}"):
        Mesh.design(SURVEY, **arguments)


def broken(rule):
    """A designed mesh for 100 ohm m with one rule broken, and the numbers the warning must state."""
    good = Mesh.design(SURVEY, 100.0, growth=0.2)
    y, z = good.y_nodes, good.z_nodes
    short, long = skin_depth(100.0, 100.0), skin_depth(100.0, 0.01)
    if rule == "row":
        deep = z[z > 2 * short]
        return Mesh(y, np.concatenate([z[z <= 0], deep])), deep[0], short / 3
    if rule == "side":
        y = y[y > -2000.0 - 0.9 * long]
        return Mesh(y, z), -2000.0 - y[0], long
    if rule == "depth":
        z = z[z < 1.4 * long]
        return Mesh(y, z), z[-1], 1.5 * long
    z = z[z > -0.9 * long]
    return Mesh(y, z), -z[0], long


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("row", "the first earth row is {} m high, but should be at most {} m"),
        ("side", "outermost station to a side .* is {} m, but should be at least {} m"),
        ("depth", "the depth .* is {} m, but should be at least {} m"),
        ("air", "the air .* is {} m, but should be at least {} m"),
    ],
)
def test_a_mesh_that_breaks_one_rule_is_told_which_and_by_how_much(rule, words):
    mesh, value, limit = broken(rule)
    pattern = words.format(*(re.escape(f"{v:.4g}") for v in (value, limit)))
    faults = mesh.faults(SURVEY, 100.0, 100.0)
    assert len(faults) == 1
    assert re.search(pattern, faults[0])
    with pytest.warns(MeshWarning, match=pattern):
        mesh.warn(SURVEY, np.full(mesh.shape, 100.0))


def test_a_section_is_judged_by_its_ground_and_its_mean():
    """A deep conductor needs no finer rows at the ground, a conductor at the ground does."""
    mesh = Mesh.design(SURVEY, 100.0, growth=0.2)
    section = np.full(mesh.shape, 100.0)
    section[-3, :2] = 1e-4
    mesh.warn(SURVEY, section)
    section[0, 5] = 0.01
    with pytest.warns(MeshWarning, match="a third of the skin depth 5.033 m of 0.01 ohm m at 100 Hz"):
        mesh.warn(SURVEY, section)


def test_tm_alone_asks_for_no_air():
    mesh, _, _ = broken("air")
    survey = Survey(SURVEY.frequencies, SURVEY.stations, modes=("tm",))
    assert mesh.faults(survey, 100.0, 100.0) == []


def test_columns_at_stations_far_apart_resolve_their_own_ground():
    """Blocks of a quarter of the spacing of 3 km, in which 10 kHz reaches 9 to 28 m: locally 1-D.

    Neighbours differ by up to a factor of ten; on columns of a quarter of the spacing alone the responses
    mix them, which gives 0.56 to 1.74 of rho in TE and 0.25 to 1.44 in TM.
    """
    stations = np.array([0.0, 2.8e3, 6.1e3, 9.4e3])
    survey = Survey(np.array([1e4, 1e3]), stations)
    edges = np.sort(np.concatenate([stations[:-1] + share * np.diff(stations) for share in (0.125, 0.875)]))
    rho = np.array([3.0, 30.0, 5.0, 20.0, 30.0, 3.0, 10.0])
    mesh = Mesh.design(survey, (3.0, 30.0), growth=0.15)
    section = np.tile(rho[np.searchsorted(edges, mesh.y_centres)], (mesh.n_earth, 1))
    under = rho[np.searchsorted(edges, stations)]
    r = simulate(mesh, survey, section)
    for value in (r.rho_xy, r.rho_yx):
        # A mesh of growth g is good for 0.25 g^2 = 0.6 % over a half-space; measured 0.7 %.
        np.testing.assert_allclose(value, np.broadcast_to(under, value.shape), rtol=0.01)


def test_dense_lines_get_no_columns_at_stations():
    """A quarter of the spacing resolves the shortest skin depth of 5 km: as many columns as ever."""
    stations = np.linspace(-1e5, 1e5, 21)
    mesh = Mesh.design(Survey(np.array([1.0, 0.01]), stations), 100.0)
    between = np.diff(mesh.y_nodes)[(mesh.y_centres > stations[0]) & (mesh.y_centres < stations[-1])]
    # 2.5 km, plus up to 2 g of the 5 km to the next station, and the rounding of graded nodes.
    assert 2.4e3 < between.min() < between.max() < 3.2e3
