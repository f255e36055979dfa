"""`simulate(forward_mode=True)`: the same numbers as the adjoint state, and the other mode too."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dot_product_gap, taylor_orders

from jaxmt import Mesh, NestedDissection, Pardiso, SuperLU, Survey, simulate

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

MESH = Mesh(np.array([-3e3, -1e3, 0.0, 1e3, 3e3]), np.array([-3e3, -1e3, 0.0, 200.0, 800.0, 3e3]))
SURVEY = Survey([1.0, 0.1], [-500.0, 700.0])
SOLVERS = [
    SuperLU(threads=2),
    pytest.param(
        Pardiso(threads=2),
        marks=pytest.mark.skipif(not Pardiso.is_installed(), reason="needs the extra `fast`"),
    ),
    NestedDissection(),
]
TM = Survey([1.0, 0.1], [-500.0, 700.0], modes=("tm",))
SCALE = jnp.array([1.0, 0.02, 1.0, 0.02, 3.0, 3.0])[:, None, None]


def a_model(seed):
    return 3 + jax.random.normal(jax.random.key(seed), MESH.shape)


def curves(model, solver=SOLVERS[0], forward_mode=True, survey=SURVEY):
    r = simulate(MESH, survey, jnp.exp(model), solver=solver, forward_mode=forward_mode)
    return SCALE * r.components if survey is SURVEY else SCALE[2:4] * r.components[2:4]


def misfit(model, solver=SOLVERS[0], forward_mode=True):
    """A scalar that is not quadratic in the fields."""
    return jnp.sum(jnp.sin(curves(model, solver, forward_mode, TM)))


gradient = jax.jit(jax.grad(misfit), static_argnums=(1, 2))


@jax.jit
def product(model, change):
    return jax.jvp(partial(curves, survey=TM), (model,), (change,))[1]


def size(array):
    return float(jnp.abs(array).max())


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: type(solver).__name__)
def test_both_ways_give_one_value_and_one_gradient_and_both_modes_are_transposes(solver):
    at, change = a_model(0), a_model(1)
    weights = jax.random.normal(jax.random.key(2), (6, 2, 2))

    @partial(jax.jit, static_argnums=0)
    def pull(forward_mode):
        value, back = jax.vjp(partial(curves, solver=solver, forward_mode=forward_mode), at)
        return value, back(weights)[0]

    adjoint, ours = pull(False), pull(True)
    value, pushed = jax.jit(lambda v: jax.jvp(partial(curves, solver=solver), (at,), (v,)))(change)
    np.testing.assert_array_equal(ours[0], adjoint[0])
    # Two programs, whose sums XLA may order as it likes.
    np.testing.assert_allclose(value, adjoint[0], rtol=1e-12)
    # The products of the adjoint with the field are summed in another order.
    np.testing.assert_allclose(ours[1], adjoint[1], atol=1e-12 * size(adjoint[1]))
    # The package states 1e-10.
    assert dot_product_gap(lambda _: pushed, lambda _: ours[1], change, weights) < 1e-10


def test_jacfwd_is_jacrev_of_the_adjoint_state_and_a_taylor_remainder_is_of_second_order():
    at = a_model(4)
    function = jax.jit(partial(curves, survey=TM))
    ours = jax.jit(jax.jacfwd(function))(at)
    theirs = jax.jit(jax.jacrev(partial(curves, forward_mode=False, survey=TM)))(at)
    # Two solves with matrices whose condition is below 1e5, in double precision.
    np.testing.assert_allclose(ours, theirs, atol=1e-10 * size(theirs))
    directions = jax.random.normal(jax.random.key(7), (4, *MESH.shape))
    # 2 where the second derivative rules, more where it vanishes; a wrong Jacobian gives 1.
    assert taylor_orders(function, ours, at, directions).min() > 1.9


def test_a_linearised_simulation_is_the_product():
    at, change = a_model(5), a_model(6)
    _, push = jax.linearize(partial(curves, survey=TM), at)
    expected = product(at, change)
    # The same solves, compiled in two programs instead of one.
    np.testing.assert_allclose(jax.jit(push)(change), expected, atol=1e-12 * size(expected))


@pytest.mark.parametrize(
    "solver",
    [SOLVERS[0], pytest.param(SOLVERS[2], marks=pytest.mark.slow)],
    ids=lambda solver: type(solver).__name__,
)
def test_the_hessian_is_symmetric_and_a_difference_of_gradients(solver):
    at = a_model(8)
    hessian = jax.jit(jax.hessian(partial(misfit, solver=solver)))(at)
    np.testing.assert_allclose(hessian, hessian.transpose(2, 3, 0, 1), atol=1e-11 * size(hessian))
    change, step = a_model(9), 1e-4
    ahead, behind = (gradient(at + h * change, solver, False) for h in (step, -step))
    # Central differences: the third derivative leaves step^2, rounding 1e-13 / step.
    np.testing.assert_allclose(
        jnp.tensordot(hessian, change, 2), (ahead - behind) / (2 * step), atol=1e-6 * size(hessian)
    )


@pytest.mark.parametrize("solver", [SOLVERS[0], SOLVERS[2]], ids=lambda solver: type(solver).__name__)
def test_products_under_vmap_are_products_in_a_loop(solver):
    models, changes = jnp.stack([a_model(k) for k in (0, 1)]), jnp.stack([a_model(k) for k in (2, 3)])

    def push(model, change):
        return jax.jvp(partial(curves, solver=solver, survey=TM), (model,), (change,))[1]

    together = jax.jit(jax.vmap(push))(models, changes)
    for one, model, change in zip(together, models, changes, strict=True):
        alone = product(model, change)
        # Another order of summation, or of elimination.
        np.testing.assert_allclose(one, alone, atol=1e-11 * size(alone))


def test_the_way_is_visible_in_the_jaxpr():
    def program(forward_mode):
        return str(jax.make_jaxpr(lambda m: curves(m, forward_mode=forward_mode))(a_model(0)))

    assert "custom_vjp" in program(False)
    assert "custom_linear_solve" not in program(False)
    assert "custom_linear_solve" in program(True)
    assert "custom_vjp" not in program(True)


@pytest.mark.parametrize("solver", [SOLVERS[0], SOLVERS[2]], ids=lambda solver: type(solver).__name__)
def test_forward_mode_without_the_argument_is_refused_by_its_name(solver):
    at = a_model(0)
    default = partial(curves, solver=solver, forward_mode=False)
    scalar = partial(misfit, solver=solver, forward_mode=False)
    for attempt in (
        lambda: jax.jvp(default, (at,), (at,)),
        lambda: jax.jvp(jax.jit(default), (at,), (at,)),
        lambda: jax.jit(lambda m: jax.jvp(default, (m,), (m,)))(at),
        lambda: jax.jacfwd(default)(at),
        lambda: jax.linearize(default, at)[1](at),
        lambda: jax.hessian(scalar)(at),
        lambda: jax.jit(jax.hessian(scalar))(at),
        lambda: jax.jit(jax.vmap(lambda m: jax.jvp(default, (m,), (m,))))(at[None]),
    ):
        with pytest.raises(
            TypeError, match=r"`simulate\(..., forward_mode=True\)`, or `Objective.*: the default"
        ) as error:
            attempt()
        assert "\n" not in str(error.value)
