"""What JAX transforms a simulation by, through both ways of the solve."""

from functools import partial

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import PartitionSpec

from jaxmt import Data, Mesh, NestedDissection, Responses, SuperLU, Survey, simulate
from jaxmt.simulation.solve import AbstractSolver

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

MESH = Mesh(np.array([-3e3, -1e3, 0.0, 1e3, 3e3]), np.array([-3e3, -1e3, 0.0, 200.0, 800.0, 3e3]))
SURVEY = Survey([1.0, 0.1], [-500.0, 700.0])
TM = Survey([1.0, 0.1], [-500.0, 700.0], modes=("tm",))
SOLVER = SuperLU(threads=2)
MODELS = jnp.exp(3 + jax.random.normal(jax.random.key(0), (3, *MESH.shape)))

both_ways = pytest.mark.parametrize("forward_mode", [False, True], ids=["adjoint state", "forward mode"])

# The same operations on the same numbers, but for XLA's order of summation.
SAME = 1e-12


def apparent(model, forward_mode=False, solver: AbstractSolver = SOLVER, **places):
    """Log10 rho and phase of TM, made comparable."""
    r = simulate(MESH, TM, model, solver=solver, forward_mode=forward_mode, **places)
    return jnp.array([1.0, 0.02])[:, None, None] * r.components[2:4]


def misfit(model, forward_mode=False, solver=SOLVER):
    return jnp.sum(jnp.sin(apparent(model, forward_mode, solver)))


plain = jax.jit(jax.value_and_grad(misfit))


def close(ours, theirs, tolerance=SAME):
    np.testing.assert_allclose(ours, theirs, atol=tolerance * float(jnp.abs(theirs).max()))


@both_ways
def test_vmap_over_models_gives_responses_with_the_models_first(forward_mode):
    function = partial(simulate, MESH, SURVEY, solver=SOLVER, forward_mode=forward_mode)
    together = jax.vmap(function)(MODELS)
    assert together.components.shape == (3, 6, 2, 2)
    for k, model in enumerate(MODELS):
        alone = function(model)
        assert jax.tree.structure(alone) == jax.tree.structure(together)
        for name in ("components", "rho_xy", "rho_yx", "phase_xy", "phase_yx", "tipper"):
            close(getattr(together, name)[k], getattr(alone, name))
    assert jax.vmap(jax.vmap(partial(simulate, MESH, TM, solver=SOLVER)))(
        MODELS[None]
    ).components.shape == (
        1,
        3,
        6,
        2,
        2,
    )


@both_ways
def test_vmap_over_frequencies_and_the_derivative_with_respect_to_them(forward_mode):
    frequencies = jnp.asarray(TM.frequencies)
    at = partial(apparent, MODELS[0], forward_mode)
    together = jax.vmap(lambda f: at(frequencies=f))(frequencies)
    close(together[:, :, 0].transpose(1, 0, 2), at())
    slope = jax.jit(jax.jacrev(lambda f: at(frequencies=f)))(frequencies)
    step = 1e-4 * frequencies
    ahead, behind = (at(frequencies=np.asarray(frequencies + h * step)) for h in (1, -1))
    own = jnp.stack([slope[:, k, :, k] for k in (0, 1)], axis=1)
    # Central differences of relative step 1e-4.
    close((ahead - behind) / (2 * step[:, None]), own, 1e-6)


@both_ways
def test_derivative_with_respect_to_the_position_of_a_station(forward_mode):
    survey = Survey([1.0], [-500.0, 700.0])

    def at(y):
        r = simulate(MESH, survey, MODELS[0], solver=SOLVER, forward_mode=forward_mode, stations=y)
        return r.components

    places = jnp.asarray(survey.stations)
    slope = jax.jit(jax.jacrev(at))(places)
    step = 0.1
    for k in (0, 1):
        ahead, behind = (at(np.asarray(places.at[k].add(h * step))) for h in (1, -1))
        # Linear in a column for the fields; the responses bend by step^2 / (1 km)^2.
        for row, of_row in zip((ahead - behind) / (2 * step), slope[..., k], strict=True):
            np.testing.assert_allclose(row, of_row, atol=1e-6 * float(jnp.abs(of_row).max()))


@both_ways
def test_pmap_is_the_plain_loop(forward_mode):
    values, slopes = jax.pmap(jax.value_and_grad(partial(misfit, forward_mode=forward_mode)))(MODELS)
    for value, slope, model in zip(values, slopes, MODELS, strict=True):
        expected = plain(model)
        np.testing.assert_allclose(value, expected[0], rtol=SAME)
        close(slope, expected[1])


@pytest.mark.parametrize(
    ("forward_mode", "solver"),
    [
        (False, SOLVER),
        (True, SOLVER),
        (False, NestedDissection()),
        # Either one is here already; both together are under `vmap` in test_forward_mode.py.
        pytest.param(True, NestedDissection(), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_shard_map_over_models_and_over_frequencies(forward_mode, solver):
    """With its check of what varies over the devices, and gradients summed over them."""
    spread = partial(jax.shard_map, mesh=jax.sharding.Mesh(np.array(jax.devices()), ("device",)))
    shared = PartitionSpec("device")
    at = partial(apparent, forward_mode=forward_mode, solver=solver)

    def of_models(models):
        return jnp.sum(jnp.sin(spread(jax.vmap(at), in_specs=shared, out_specs=shared)(models)))

    value, slopes = jax.jit(jax.value_and_grad(of_models))(MODELS)
    expected = [plain(model) for model in MODELS]
    # NestedDissection eliminates in another order.
    tolerance = SAME if solver is SOLVER else 1e-10
    np.testing.assert_allclose(value, sum(v for v, _ in expected), rtol=tolerance)
    close(slopes, jnp.stack([slope for _, slope in expected]), tolerance)

    frequencies = jnp.array([1.0, 0.1, 1.0])

    def of_frequencies(model):
        each = spread(
            lambda f, m: at(m, frequencies=f),
            in_specs=(shared, PartitionSpec()),
            out_specs=PartitionSpec(None, "device"),
        )
        return jnp.sum(jnp.sin(each(frequencies, model))[:, :2])

    value, slope = jax.jit(jax.value_and_grad(of_frequencies))(MODELS[0])
    np.testing.assert_allclose(value, expected[0][0], rtol=tolerance)
    close(slope, expected[0][1], tolerance)


@both_ways
def test_checkpoint_and_scan_are_the_plain_loop(forward_mode):
    function = jax.checkpoint(partial(misfit, forward_mode=forward_mode))

    @jax.jit
    @jax.value_and_grad
    def total(scale):
        return lax.scan(lambda sum_, model: (sum_ + function(scale * model), None), 0.0, MODELS)[0]

    value, slope = total(jnp.ones(MESH.shape))
    expected = [plain(model) for model in MODELS]
    np.testing.assert_allclose(value, sum(v for v, _ in expected), rtol=SAME)
    close(slope, sum(s * model for (_, s), model in zip(expected, MODELS, strict=True)))


@both_ways
def test_a_program_with_a_solver_in_jax_is_exported(forward_mode):
    function = jax.jit(partial(apparent, forward_mode=forward_mode, solver=NestedDissection()))
    exported = jax.export.export(function)(jax.ShapeDtypeStruct(MESH.shape, float))
    expected = function(MODELS[0])
    np.testing.assert_array_equal(exported.call(MODELS[0]), expected)
    pytest.importorskip("flatbuffers", reason="`Exported.serialize` needs flatbuffers")
    again = jax.export.deserialize(exported.serialize(vjp_order=1))
    np.testing.assert_array_equal(again.call(MODELS[0]), expected)
    slope = jax.jit(jax.grad(lambda m: jnp.sum(jnp.sin(again.call(m)))))(MODELS[0])
    # NestedDissection eliminates in another order.
    close(slope, plain(MODELS[0])[1], 1e-10)


def test_traced_values_out_of_range_raise_at_run_time_or_are_nan():
    host = jax.jit(lambda **places: simulate(MESH, TM, MODELS[0], solver=SOLVER, **places).z_yx)
    with pytest.raises(
        Exception, match=r"`simulate\(frequencies=...\)` must be positive and finite, in Hz"
    ):
        host(frequencies=jnp.array([1.0, 0.0])).block_until_ready()
    with pytest.raises(Exception, match=r"`simulate\(stations=...\)` must be in the mesh, from -3000.0 to"):
        host(stations=jnp.array([0.0, 3001.0])).block_until_ready()
    device = jax.jit(lambda m: simulate(MESH, TM, m, solver=NestedDissection()).z_yx)
    assert np.isfinite(device(MODELS[0])).all()
    assert np.isnan(device(MODELS[0].at[0, 0].set(-1.0))).all()


def test_traced_places_of_a_wrong_shape_or_on_a_slope_are_refused():
    with pytest.raises(
        ValueError, match=r"`simulate\(stations=...\)` must hold 2 positions. Got shape \(3,"
    ):
        jax.jit(lambda y: simulate(MESH, TM, MODELS[0], stations=y).z_yx)(jnp.zeros(3))
    with pytest.raises(ValueError, match=r"`simulate\(frequencies=...\)` must hold a number or a 1-D"):
        jax.jit(lambda f: simulate(MESH, TM, MODELS[0], frequencies=f).z_yx)(jnp.ones((2, 2)))
    sloping = Mesh(MESH.y_nodes, MESH.z_nodes, surface=[0.0, 0.0, 50.0, 100.0, 100.0])
    survey = Survey([1.0], [-500.0, 700.0], modes=("tm",), depths=[25.0, 85.0])
    with pytest.raises(ValueError, match=r"`simulate\(stations=...\)` takes.*on level ground only"):
        jax.jit(lambda y: simulate(sloping, survey, MODELS[0], stations=y).z_yx)(jnp.zeros(2))


def test_responses_know_the_survey_that_they_are_of():
    known = simulate(MESH, TM, MODELS[0], frequencies=np.array([3.0]), stations=np.array([0.0, 10.0]))
    assert known.survey == Survey([3.0], [0.0, 10.0], modes=("tm",))
    traced = jax.jit(lambda f: simulate(MESH, SURVEY, MODELS[0], frequencies=f))(jnp.array([3.0, 5.0, 9.0]))
    assert traced.surveyed() == Survey([3.0, 5.0, 9.0], SURVEY.stations)
    np.testing.assert_array_equal(Data.from_responses(traced, 0.05).survey.frequencies, [3.0, 5.0, 9.0])
    batch = Responses(SURVEY, None, traced.z_yx[None], None, traced.frequencies[None])
    np.testing.assert_allclose(batch.rho_yx[0], traced.rho_yx, rtol=SAME)
    with pytest.raises(ValueError, match="traced or batched frequencies, which no `Survey` holds"):
        batch.surveyed()
