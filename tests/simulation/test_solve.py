from functools import partial
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dense, dot_product_gap, taylor_orders

from jaxmt import Mesh, Survey, jacobian_vector_product, simulate, vector_jacobian_product
from jaxmt.conventions import COMPONENTS
from jaxmt.simulation.fields import te_at_stations, tm_at_stations
from jaxmt.simulation.operator import TE, TM
from jaxmt.simulation.responses import Responses
from jaxmt.simulation.solve import AbstractSolver, Stencil, solve
from jaxmt.simulation.solvers import SuperLU

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

MESH = Mesh(
    np.array([-6e3, -3e3, -1.5e3, -500.0, 0.0, 700.0, 1.5e3, 3e3, 6e3]),
    np.array([-6e3, -2e3, -500.0, 0.0, 100.0, 300.0, 700.0, 1.5e3, 3e3, 6e3]),
)
# The lowest frequency sees the bottom row and the edges; stations lie on and between nodes.
SURVEY = Survey(np.array([10.0, 0.1]), np.array([-2e3, 0.0, 900.0]))


def log_section(seed):
    return 3 + jax.random.normal(jax.random.key(seed), MESH.shape)


def components(log_resistivity, solver=None):
    return simulate(MESH, SURVEY, jnp.exp(log_resistivity), solver=solver).components


def weights(seed):
    """Random weights of the six components, of a size that makes them count alike."""
    size = jnp.array([1.0, 0.02, 1.0, 0.02, 3.0, 3.0])[:, None, None]
    return size * jax.random.normal(jax.random.key(seed), (6, 2, 3))


def misfit(log_resistivity, solver=None):
    """A scalar that is not quadratic in the fields."""
    return jnp.sum(jnp.sin(weights(5) * components(log_resistivity, solver)))


def eliminate(matrix, rhs):
    """x with matrix x = rhs by Gauss and Jordan, in operations that JAX differentiates by itself."""

    def step(table, k):
        row = table[k] / table[k, k]
        column = table[:, k].at[k].add(-1)
        return table - column[:, None] * row, None

    table = jnp.concatenate([matrix, rhs.reshape(-1, 1)], axis=1)
    table, _ = jax.lax.scan(step, table, jnp.arange(rhs.size))
    return table[:, -1].reshape(rhs.shape)


class Dense(AbstractSolver):
    """Elimination of the full matrix, under the package's own derivative."""

    one_batch: ClassVar[bool] = False

    def factorise(self, stencil: Stencil):
        return dense(stencil)

    def substitute(self, factor, rhs, last):
        del last
        return eliminate(factor, rhs)


def plain_misfit(log_resistivity):
    """`misfit` without the package's derivative: JAX differentiates the elimination step by step."""
    resistivity = jnp.exp(log_resistivity)

    def field(operator, omega):
        system = operator.system(omega, resistivity)
        return operator, omega, resistivity, system.field(eliminate(dense(system.stencil), system.rhs))

    def both(omega):
        te = te_at_stations(*field(TE(MESH), omega), SURVEY)
        return te, tm_at_stations(*field(TM(MESH), omega), SURVEY)

    (z_xy, tipper), z_yx = jax.vmap(both)(2 * jnp.pi * jnp.asarray(SURVEY.frequencies))
    values = Responses(SURVEY, z_xy, z_yx, tipper).components
    return jnp.sum(jnp.sin(weights(5) * values))


gradient = jax.jit(jax.value_and_grad(misfit), static_argnames="solver")
jacobian = jax.jit(jax.jacrev(components))

# Two eliminations of matrices whose condition is below 1e5, in double precision: 1e-11; 1e-9 is asked.
SOLVES = 1e-9


def test_gradient_is_that_of_autodiff_through_a_dense_elimination():
    expected = jax.jit(jax.value_and_grad(plain_misfit))(log_section(0))
    for solver in (None, Dense()):
        value, slope = gradient(log_section(0), solver=solver)
        np.testing.assert_allclose(value, expected[0], rtol=SOLVES)
        np.testing.assert_allclose(slope, expected[1], atol=SOLVES * float(jnp.abs(slope).max()))


def test_gradient_of_the_gradient_is_a_difference_of_gradients():
    """Reverse over reverse, as inside someone else's `grad`: the gradient of |g|^2 is 2 H g."""
    at = log_section(1)
    ours = jax.jit(jax.grad(lambda m: jnp.sum(jax.grad(misfit)(m) ** 2)))(at)
    slope = gradient(at)[1]
    step = 1e-4 / jnp.abs(slope).max()
    theirs = (gradient(at + step * slope)[1] - gradient(at - step * slope)[1]) / step
    # Central differences: the third derivative leaves about 1e-8, rounding 1e-12 / 1e-4.
    np.testing.assert_allclose(ours, theirs, atol=1e-6 * float(jnp.abs(theirs).max()))


def directions():
    """Random ones, and single cells: surface, bottom, both edges, a corner, the middle."""
    cells = [(0, 4), (5, 3), (2, 0), (3, 7), (0, 0), (5, 7), (2, 3)]
    single = [jnp.zeros(MESH.shape).at[cell].set(1.0) for cell in cells]
    return jnp.stack([*jax.random.normal(jax.random.key(7), (3, *MESH.shape)), *single])


def test_taylor_remainder_of_every_component_is_of_second_order():
    at = log_section(2)
    orders = taylor_orders(components, jacobian(at), at, directions())
    for name, of_directions in zip(COMPONENTS, orders, strict=True):
        # 2 where the second derivative rules, more where it happens to vanish; a wrong J gives 1.
        assert of_directions.min() > 1.9, name


def test_product_with_the_jacobian_and_with_its_transpose_agree():
    product = jax.jit(lambda at, v: jacobian_vector_product(components, at, v))
    transposed = jax.jit(lambda at, w: vector_jacobian_product(components, at, w))
    for seed in range(3):
        at, v = log_section(seed), log_section(seed + 10)
        gap = dot_product_gap(partial(product, at), partial(transposed, at), v, weights(seed))
        # The package states 1e-10.
        assert gap < 1e-10
        expected = jnp.tensordot(jacobian(at), v, 2)
        np.testing.assert_allclose(product(at, v), expected, atol=SOLVES * float(jnp.abs(expected).max()))


def test_models_under_vmap_are_models_in_a_loop():
    models = jnp.stack([log_section(k) for k in range(3)])
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(misfit)))(models)
    for model, value, slope in zip(models, values, slopes, strict=True):
        expected = gradient(model)
        # The same operations on the same numbers, but for XLA's order of summation.
        np.testing.assert_allclose(value, expected[0], rtol=1e-12)
        np.testing.assert_allclose(slope, expected[1], atol=1e-12 * float(jnp.abs(slope).max()))


def test_jacrev_is_its_rows_one_by_one():
    """`jacrev` maps the adjoint over right-hand sides that share one factor."""
    at = log_section(3)
    rows = jacobian(at).reshape(36, *MESH.shape)
    row = jax.jit(lambda w: vector_jacobian_product(components, at, w))
    for k in (0, 7, 20, 35):
        expected = row(jnp.zeros(36).at[k].set(1.0).reshape(6, 2, 3))
        np.testing.assert_allclose(rows[k], expected, atol=1e-12 * float(jnp.abs(expected).max()))


def test_solve_runs_eagerly_and_gives_the_cotangent_of_both_arguments():
    """x = A^-1 b: for L = Re(w^T x) the cotangent of b is A^-1 w, that of the diagonal -(A^-1 w) x."""
    system = TM(MESH).system(jnp.array(0.6), jnp.exp(log_section(4)))
    w = jax.lax.complex(*jax.random.normal(jax.random.key(0), (2, *system.rhs.shape)))
    x, pull = jax.vjp(lambda s, b: solve(SuperLU(threads=1), s, b), system.stencil, system.rhs)
    stencil_bar, rhs_bar = pull(w)
    matrix = np.asarray(dense(system.stencil))
    adjoint = np.linalg.solve(matrix, np.asarray(w).ravel()).reshape(w.shape)
    np.testing.assert_allclose(rhs_bar, adjoint, rtol=SOLVES)
    np.testing.assert_allclose(stencil_bar.diagonal, -adjoint * x, rtol=SOLVES)
