import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dot_product_gap

from jaxmt import Basis, Blocks, Cells, Function, Mesh, grid_blocks, growing_blocks
from jaxmt.inversion.parametrisation.section import UNSEEN
from jaxmt.inversion.regularization import Smoothness

MESH = Mesh(np.array([-3.0, -1.0, 0.0, 2.0, 5.0]), np.array([-1.0, 0.0, 1.0, 3.0, 6.0]))
RELIEF = Mesh(MESH.y_nodes, MESH.z_nodes, np.array([1.0, 1.0, 0.5, 0.0, 0.0]))
SECTION = 10 ** np.random.default_rng(0).uniform(-1, 4, MESH.shape)
FIXED = np.zeros(MESH.shape, bool)
FIXED[0, :2] = True
BLOCKS = np.array([[7, 7, -2, -2], [7, 7, -2, -2], [40, 40, 40, 40]])
PATTERNS = np.stack([np.ones(12), np.linspace(-1, 1, 12), np.linspace(-1, 1, 12) ** 2], axis=1)


def linear():
    """Every parametrisation with a tangent, with parameters in and out of the middle of their range."""
    fixed = {"fixed": FIXED, "values": 0.3}
    return {
        "cells": (Cells(MESH, 0.1, 1e4, **fixed), jnp.linspace(-3.0, 3.0, 10)),
        "blocks": (Blocks(MESH, BLOCKS, 0.1, 1e4, **fixed), jnp.array([-2.0, 0.1, 3.0])),
        "basis": (Basis(MESH, PATTERNS, **fixed), jnp.array([2.0, -0.5, 0.3])),
    }


@pytest.mark.parametrize("name", linear())
def test_the_tangent_is_the_derivative(name):
    earth, p = linear()[name]
    tangent = earth.tangent(p)
    full = jax.jacobian(lambda q: earth(q).ravel())(p)
    # The same numbers by another way; slopes are one or less.
    np.testing.assert_allclose(tangent.toarray(), full, atol=1e-14)

    def product(v):
        return jax.jvp(lambda q: earth(q).ravel(), (p,), (v,))[1]

    rng = np.random.default_rng(1)
    v, w = jnp.asarray(rng.standard_normal(p.size)), jnp.asarray(rng.standard_normal(12))
    assert dot_product_gap(product, lambda u: jnp.asarray(tangent.T @ np.asarray(u)), v, w) < 1e-12
    assert not tangent.toarray()[FIXED.ravel()].any()


@pytest.mark.parametrize("name", linear())
def test_parameters_and_section_round_trip(name):
    earth, p = linear()[name]
    section = 10 ** np.array(earth(p))
    np.testing.assert_allclose(section[FIXED], 0.3, rtol=1e-14)
    # Up to one decade from the bounds the logistic function loses a digit.
    np.testing.assert_allclose(earth.start(section), p, atol=1e-11)
    np.testing.assert_array_equal(earth.start(p), p)


@pytest.mark.parametrize("name", linear())
def test_a_short_step_moves_along_the_tangent(name):
    """Exactly: cells and blocks take the first-order change of log resistivity, and a basis is linear."""
    earth, p = linear()[name]
    step = 0.1 * np.linspace(1.0, -1.0, p.size)
    moved = np.asarray(earth(earth.moved(p, step))).ravel()
    np.testing.assert_allclose(moved, np.asarray(earth(p)).ravel() + earth.tangent(p) @ step, atol=1e-12)


def test_a_long_step_is_kept_off_the_bounds():
    earth = Cells(MESH, 1.0, 1e4)
    p = earth.start(100.0)
    low, high = (np.asarray(earth(earth.moved(p, np.full(12, step)))) for step in (-50.0, 50.0))
    # A thousandth of four decades away.
    np.testing.assert_allclose(low, 0.004, atol=1e-12)
    np.testing.assert_allclose(high, 3.996, atol=1e-12)


def test_bounds_hold_for_any_parameter_and_the_gradient_remains():
    earth = Cells(MESH, low=1.0, high=1e4)
    for extreme, bound in ((-1e3, 0.0), (1e3, 4.0)):
        # exp(-1000) is nothing: the bound itself, to rounding of 4 decades.
        np.testing.assert_allclose(earth(jnp.full(12, extreme)), bound, atol=1e-14)
    near = earth(jnp.full(12, 8.0))
    assert np.all((near > 3.99) & (near < 4.0))
    assert np.all(jax.grad(lambda p: jnp.sum(earth(p)))(jnp.full(12, 8.0)) > 1e-4)


def test_slope_is_one_decade_per_unit_in_mid_range():
    earth = Cells(MESH, low=0.1, high=1e3)
    np.testing.assert_allclose(earth(jnp.zeros(12)), 1.0, atol=1e-14)
    np.testing.assert_allclose(earth.tangent(jnp.zeros(12)).toarray(), np.eye(12), atol=1e-14)


def test_fixed_cells_keep_their_values_whatever_the_start():
    earth = Cells(MESH, fixed=FIXED, values=np.where(FIXED, 1e-9, 7.0))
    assert earth.size == 10
    np.testing.assert_array_equal(earth.free, ~FIXED)
    p = earth.start(SECTION)
    log10, pull = jax.vjp(earth, p + 1.0)
    np.testing.assert_array_equal(log10[FIXED], np.log10(1e-9))
    assert np.all(log10[~FIXED] > np.log10(SECTION)[~FIXED])
    np.testing.assert_array_equal(pull(jnp.asarray(FIXED, float))[0], 0.0)


def test_cells_above_the_surface_are_no_parameters():
    for earth in (Cells(RELIEF), Blocks(RELIEF, BLOCKS), Basis(RELIEF, PATTERNS)):
        np.testing.assert_array_equal(earth.free, ~RELIEF.air)
        log10 = np.asarray(earth(earth.start(10.0)))
        np.testing.assert_allclose(log10[RELIEF.air], np.log10(UNSEEN))
        np.testing.assert_allclose(log10[~RELIEF.air], 1.0, atol=1e-13)
    assert np.all(np.asarray(Cells(RELIEF, values=5.0)(jnp.zeros(11)))[RELIEF.air] == np.log10(5.0))


def test_a_block_is_the_mean_of_its_free_cells():
    """Any numbers will do; the mean is that of log resistivity."""
    earth = Blocks(MESH, BLOCKS, fixed=FIXED, values=SECTION)
    assert earth.size == 3
    expected = np.log10(SECTION)
    for number in (7, -2, 40):
        cells = (BLOCKS == number) & ~FIXED
        expected[cells] = expected[cells].mean()
    np.testing.assert_allclose(earth(earth.start(SECTION)), expected, atol=1e-13)


def test_a_basis_is_fitted_by_least_squares_in_the_free_cells():
    earth = Basis(MESH, PATTERNS, fixed=FIXED, values=1.0)
    found = earth.start(SECTION)
    residual = (np.asarray(earth(found)) - np.log10(SECTION))[~FIXED]
    # Normal equations: nothing is left along the patterns.
    np.testing.assert_allclose(PATTERNS[~FIXED.ravel()].T @ residual, 0.0, atol=1e-12)
    assert np.linalg.norm(residual) > 0.1


def test_smoothing_goes_over_cells_and_blocks_alone():
    links = Smoothness().links(MESH, np.ones(MESH.shape, bool))
    spike = jnp.zeros(12).at[5].set(1.0)
    assert float(Cells(MESH).smooth(spike, 1.0, links)[5]) < 0.5
    single = Blocks(MESH, np.arange(12).reshape(MESH.shape))
    # A block of one cell is that cell.
    np.testing.assert_allclose(single.smooth(spike, 1.0, links), Cells(MESH).smooth(spike, 1.0, links))
    change = {"weights": jnp.ones(3)}
    assert Function(MESH, lambda p: p).smooth(change, 1.0, links) is change


def network(key=0, points=None):
    """A small neural field and its parameters."""
    net = eqx.nn.MLP(2, "scalar", 4, 1, activation=jnp.tanh, key=jax.random.key(key))
    parameters, static = eqx.partition(net, eqx.is_inexact_array)
    y, z = np.meshgrid(MESH.y_centres, MESH.z_centres)
    points = jnp.asarray(np.stack([y.ravel(), z.ravel()], axis=1) if points is None else points)

    def f(p):
        return 2 + jax.vmap(eqx.combine(p, static))(points).reshape(MESH.shape)

    return Function(MESH, f), parameters


def test_a_network_is_a_parametrisation():
    earth, net = network()
    assert jax.tree.structure(earth.start(net)) == jax.tree.structure(net)
    direction = jax.tree.map(jnp.ones_like, net)
    _, slope = jax.jvp(earth, (net,), (direction,))
    h = 1e-4
    ends = [earth(jax.tree.map(lambda a, s=s: a + s * h, net)) for s in (1, -1)]
    # Second order in h.
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * h), atol=1e-6)
    assert earth.tangent(net) is None


def test_functions_are_told_apart_by_what_they_compute():
    (earth, net), (same, _) = network(), network()
    assert earth.identity(net) == same.identity(net)
    moved, _ = network(points=np.ones((12, 2)))
    assert earth.identity(net) != moved.identity(net)
    assert Function(MESH, jnp.sin).identity(jnp.ones(MESH.shape)) != Function(MESH, jnp.cos).identity(
        jnp.ones(MESH.shape)
    )


def test_grid_blocks_number_the_cells_between_edges():
    blocks = grid_blocks(MESH, np.array([-0.75, 3.0]), np.array([1.5]))
    a, b, c, d, e, f = (blocks[k] for k in ((0, 0), (0, 1), (0, 3), (1, 0), (1, 1), (1, 3)))
    assert len({a, b, c, d, e, f}) == 6
    np.testing.assert_array_equal(blocks, [[a, b, b, c], [d, e, e, f], [d, e, e, f]])
    assert Blocks(MESH, blocks).size == 6
    assert np.unique(grid_blocks(MESH, np.array([]), np.array([]))).size == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cells(MESH, low=0.0), r"Cells\(low=..., high=...\)` must satisfy.*Got low=0.0"),
        (lambda: Cells(MESH, 10.0, 10.0), "0 < low < high, in ohm m. Got low=10.0, high=10.0"),
        (lambda: Blocks(MESH, BLOCKS, high=np.inf), r"Blocks\(low.*in ohm m.*high=inf"),
        (lambda: Cells(MESH, low=np.nan), "0 < low < high, in ohm m. Got low=nan"),
        (lambda: Cells(MESH, fixed=FIXED[:2], values=1.0), r"fixed=...\)` must.*\(3, 4\). Got.*\(2, 4\)"),
        (lambda: Cells(MESH, fixed=FIXED), r"Cells\(fixed=..., values=...\)` go together"),
        (lambda: Cells(MESH, fixed=FIXED, values=-1.0), r"Cells\(values=...\)` must be positive.*Got -1"),
        (lambda: Cells(MESH, values=np.ones(3)), r"Cells\(values=...\)` must be a number or have.*\(3,\)"),
        (lambda: Blocks(MESH, BLOCKS.T), r"blocks=...\)` must hold integers.*\(3, 4\). Got.*\(4, 3\)"),
        (lambda: Cells(MESH, fixed=FIXED | True, values=1.0), "fixes every cell; leave at least one free"),
        (lambda: Basis(MESH, PATTERNS[:5]), r"Basis\(matrix=...\)` must.*3 x 4 = 12 cells.*Got \(5, 3\)"),
        (lambda: Basis(MESH, PATTERNS * np.nan), r"Basis\(matrix=...\)` must be finite"),
        (lambda: Basis(MESH, PATTERNS[:, [0, 0]]), "2 columns, of which only 1 are independent"),
        (lambda: growing_blocks(MESH, 0.0), r"growing_blocks\(part=...\)` must be positive"),
        (lambda: Function(MESH, lambda p: p).start(100.0), "PyTree of arrays of real numbers. Got a float"),
        (lambda: Function(MESH, lambda p: p).start({}), "Got none among them"),
        (lambda: Function(MESH, lambda p: p).start(jnp.arange(3)), "Got an array of int64 among them"),
        (lambda: Function(MESH, lambda p: p).start(jnp.ones(3)), r"\(3, 4\). Got float64 of shape \(3,\)"),
        (
            lambda: Function(MESH, lambda p: p).start(jnp.full(MESH.shape, jnp.nan)),
            "must give finite log10.*For the start it gives nan in row 0, column 0",
        ),
        (lambda: Cells(MESH).start({"a": 1}), "must be a number or a section in ohm m. Got a dict"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", [0.5, 1.0, 1e3, 2e3])
def test_a_start_out_of_bounds_is_refused_unless_fixed(value):
    start = np.full(MESH.shape, 10.0)
    start[0, 1] = value
    with pytest.raises(ValueError, match=f"low=1.0, high=1000.0.*Got {value}; widen the bounds or fix"):
        Cells(MESH, low=1.0, high=1e3).start(start)
    Cells(MESH, low=1.0, high=1e3, fixed=FIXED, values=start).start(start)


def test_the_volume_is_that_of_the_map():
    """The determinant of JAX's Jacobian, up to a constant."""
    mesh = Mesh(np.linspace(-1e3, 1e3, 4), np.array([0.0, 100.0, 300.0]))
    blocks = np.array([[0, 0, 1], [2, 2, 1]])
    for earth, cells in (
        (Cells(mesh, 1.0, 1e4), slice(None)),
        (Blocks(mesh, blocks, 1.0, 1e4), np.array([0, 2, 3])),
    ):

        def volume(p, earth=earth, cells=cells):
            slopes = jax.jacfwd(lambda p: earth(p).ravel()[cells])(p)
            return np.linalg.slogdet(np.asarray(slopes))[1]

        one, two = earth.start(100.0), earth.start(3.0)
        told = float(earth.log_volume(one)) - float(earth.log_volume(two))
        assert told == pytest.approx(volume(one) - volume(two), abs=1e-10)
        assert float(earth.log_volume(one)) == pytest.approx(volume(one), abs=1e-10)
