"""Responses between the computed frequencies: exact at nodes, of fourth order between, differentiable."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dot_product_gap, observed_orders, present, taylor_orders
from scipy.interpolate import CubicSpline

from jaxmt import Data, Mesh, MeshWarning, SuperLU, Survey, jacobian, simulate
from jaxmt.simulation.between import interpolated, spline_weights
from jaxmt.simulation.layered import impedances
from jaxmt.simulation.responses import Responses

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

MESH = Mesh(np.array([-3e3, -1e3, 0.0, 1e3, 3e3]), np.array([-3e3, -1e3, 0.0, 200.0, 800.0, 3e3]))
MEASURED = np.array([0.1, 0.13, 0.3, 0.7, 1.0, 1.7, 2.2, 8.0, 10.0])
SURVEY = Survey(MEASURED, [-500.0, 700.0], computed=np.geomspace(0.1, 10.0, 5))
DIRECT = dataclasses.replace(SURVEY, computed=None)
SOLVER = SuperLU()
SCALE = np.array([1.0, 0.02, 1.0, 0.02, 1.0, 1.0])[:, None, None]


def a_model(seed):
    return 3 + jax.random.normal(jax.random.key(seed), MESH.shape)


def curves(log_resistivity, forward_mode=False, survey=SURVEY):
    """Responses made comparable."""
    r = simulate(MESH, survey, jnp.exp(log_resistivity), solver=SOLVER, forward_mode=forward_mode)
    return SCALE * r.components


def layered(frequencies):
    """Impedances over 30, 1 and 300 ohm m, in ohm, and a tipper as smooth."""
    earth = jnp.array([30.0, 1.0, 300.0]), jnp.array([300.0, 500.0])
    z = jax.jit(jax.vmap(lambda omega: impedances(omega, *earth)))(2 * jnp.pi * jnp.asarray(frequencies))
    z = np.asarray(z)[:, :1]
    return {"z_xy": z, "z_yx": -z, "tipper": np.sqrt(z)}


def test_the_error_is_of_fourth_order_in_the_spacing():
    wanted = np.geomspace(0.1, 100.0, 301)
    truth, errors = layered(wanted), []
    for count in (25, 49, 97):
        survey = Survey(wanted, [0.0], computed=np.geomspace(0.1, 100.0, count))
        nodes = {name: jnp.asarray(z) for name, z in layered(present(survey.computed)).items()}
        found = interpolated(Responses(survey.solved(), **nodes), survey)
        errors.append([np.abs(getattr(found, name) - z).max() for name, z in truth.items()])
    # The theorem of the cubic spline is 4; the first spacing, 0.12 decades, is not quite in its range.
    assert observed_orders(np.array(errors)).min() > 3.7


def test_a_node_keeps_its_value_and_a_constant_stays_one():
    nodes = np.geomspace(10.0, 0.1, 7)
    weights = spline_weights(nodes, np.array([10.0, nodes[3] * (1 + 1e-12), 0.5, 0.1]))
    np.testing.assert_array_equal(weights[[0, 1, 3]], np.eye(7)[[0, 3, 6]])
    # Rounding of a solve with seven unknowns.
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-13)
    irregular = np.array([30.0, 9.0, 8.0, 2.0, 0.1])
    at = np.geomspace(0.1, 30.0, 17)
    # Rounding of two ways to solve for the same spline.
    np.testing.assert_allclose(
        spline_weights(irregular, at), CubicSpline(-np.log(irregular), np.eye(5))(-np.log(at)), atol=1e-12
    )
    # A cubic is its own spline.
    x, at = np.log(nodes), np.log(np.array([0.123, 3.0]))
    np.testing.assert_allclose(spline_weights(nodes, np.exp(at)) @ x**3, at**3, rtol=1e-12)


def test_responses_at_nodes_are_those_computed_and_a_half_space_stays_one():
    found, direct = (simulate(MESH, s, np.exp(a_model(0)), solver=SOLVER) for s in (SURVEY, DIRECT))
    at = np.isin(MEASURED, present(SURVEY.computed))
    assert at.sum() == 3
    for name in ("z_xy", "z_yx", "tipper"):
        ours, theirs = (np.asarray(getattr(r, name)) for r in (found, direct))
        # A logarithm and an exponential: a few units of the last place.
        np.testing.assert_allclose(ours[at], theirs[at], rtol=1e-13)
        # Two nodes a decade follow four random cells roughly.
        assert np.abs(ours - theirs)[~at].max() > 1e-6 * np.abs(theirs).max()
    flat = simulate(MESH, SURVEY, np.full(MESH.shape, 50.0), solver=SOLVER)
    assert flat.survey == SURVEY
    assert present(flat.z_yx).shape == (9, 2)


def test_the_phase_is_continued_through_the_cut_of_the_angle():
    wanted = np.geomspace(0.1, 100.0, 31)
    survey = Survey(wanted, [0.0], computed=np.geomspace(0.1, 100.0, 13))

    def turning(frequencies):
        # From 100 to -260 degrees: it passes the cut at -180 between two nodes.
        phase = np.deg2rad(100 - 120 * np.log10(frequencies / 0.1))
        return (np.sqrt(frequencies) * np.exp(1j * phase))[:, None]

    at = Responses(survey.solved(), None, jnp.asarray(turning(present(survey.computed))), None)
    # Linear in ln f, so that the spline is exact.
    np.testing.assert_allclose(present(interpolated(at, survey).z_yx), turning(wanted), rtol=1e-12)


def test_both_modes_of_differentiation_are_transposes_and_of_second_order():
    """Of TM, to compile less; the whole Jacobian below is that of both."""
    at, change = a_model(1), a_model(2)
    weights = jax.random.normal(jax.random.key(3), (2, MEASURED.size, 2))
    survey = dataclasses.replace(SURVEY, modes=("tm",))

    def tm(log_resistivity, forward_mode=False):
        return curves(log_resistivity, forward_mode, survey)[2:4]

    push = jax.jit(lambda v: jax.jvp(partial(tm, forward_mode=True), (at,), (v,))[1])
    for forward_mode in (False, True):
        _, back = jax.jit(partial(jax.vjp, partial(tm, forward_mode=forward_mode)))(at)
        # The package states 1e-10.
        assert dot_product_gap(push, lambda u, back=back: back(u)[0], change, weights) < 1e-10
    rows = jacobian(MESH, survey, jnp.exp(at), solver=SOLVER) * SCALE[..., None, None] / np.log(10)
    # 2 where the second derivative rules, more where it vanishes; a wrong Jacobian gives 1.
    assert taylor_orders(jax.jit(tm), rows[2:4], at, a_model(4)[None]).min() > 1.9


def test_the_whole_jacobian_is_interpolated_exactly():
    section = np.exp(a_model(5))
    rows = jax.jit(jax.jacrev(lambda m: simulate(MESH, SURVEY, 10**m, solver=SOLVER).components))
    expected, ours = rows(np.log10(section)), jacobian(MESH, SURVEY, section, solver=SOLVER)
    assert ours.shape == expected.shape
    for mine, other in zip(ours, expected, strict=True):
        # The same factors, summed in another order.
        np.testing.assert_allclose(mine, other, atol=1e-10 * np.abs(other).max())
    tm = jacobian(MESH, dataclasses.replace(SURVEY, modes=("tm",)), section, solver=SOLVER)
    assert np.isnan(tm).all(axis=(1, 2, 3, 4)).tolist() == [True, True, False, False, True, True]


def test_vmap_over_models_and_devices_give_the_same():
    models = jnp.exp(jnp.stack([a_model(6), a_model(7)]))
    run = partial(simulate, MESH, SURVEY, solver=SOLVER)
    together, alone = jax.jit(jax.vmap(run))(models).components, run(models[1]).components
    shared = run(models[1], devices=jax.devices()[:2]).components
    for row, one, other in zip(together[1], alone, shared, strict=True):
        # The same operations but for XLA's order of summation; the elimination has a condition of 1e4.
        np.testing.assert_allclose(row, one, atol=1e-11 * np.abs(one).max())
        np.testing.assert_allclose(other, one, atol=1e-11 * np.abs(one).max())


def test_frequencies_of_the_call_are_all_computed():
    section, wanted = np.exp(a_model(8)), np.array([0.2, 50.0])
    direct = simulate(MESH, dataclasses.replace(DIRECT, frequencies=wanted), section, solver=SOLVER)
    known = simulate(MESH, SURVEY, section, solver=SOLVER, frequencies=wanted)
    assert known.survey.computed is None
    np.testing.assert_array_equal(known.components, direct.components)
    traced = jax.jit(lambda f: simulate(MESH, SURVEY, section, solver=SOLVER, frequencies=f))(wanted)
    # XLA's order of summation.
    np.testing.assert_allclose(present(traced.z_xy), present(direct.z_xy), rtol=1e-12)
    assert traced.surveyed() == dataclasses.replace(DIRECT, frequencies=wanted)
    assert Data.from_responses(traced).survey.computed is None


def test_the_mesh_must_suit_what_is_computed():
    wide = Survey([1.0, 2.0, 3.0, 4.0, 5.0], [0.0], computed=[0.01, 0.1, 10.0, 100.0])
    assert Mesh.design(wide) == Mesh.design(wide.solved())
    assert MESH.faults(wide, 10.0, 100.0) == MESH.faults(wide.solved(), 10.0, 100.0)
    with pytest.warns(MeshWarning, match="at 100 Hz"):
        simulate(MESH, wide, np.full(MESH.shape, 10.0), solver=SOLVER)


def test_a_failure_names_a_frequency_that_was_computed():
    with pytest.raises(FloatingPointError, match=r"no finite z_yx at 10 Hz"):
        simulate(
            MESH, dataclasses.replace(SURVEY, modes=("tm",)), np.full(MESH.shape, 1e308), solver=SOLVER
        )
