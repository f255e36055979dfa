from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dense
from problems import SMALL, gradient, log_section

from jaxmt.simulation.operator import TE, TM
from jaxmt.simulation.solve import Stencil, solve
from jaxmt.simulation.solvers import NestedDissection, SuperLU
from jaxmt.simulation.solvers.boxes import LEAVES, plan

DOUBLE = NestedDissection()


def random_stencil(rows, cols, seed=0):
    """K + i omega M with K positive definite, M positive, of widely different sizes."""
    keys = jax.random.split(jax.random.key(seed), 4)
    down = jnp.exp(3 * jax.random.normal(keys[0], (rows - 1, cols)))
    right = jnp.exp(3 * jax.random.normal(keys[1], (rows, cols - 1)))
    own = jnp.exp(jax.random.normal(keys[2], (rows, cols)) - 5)
    mass = jnp.exp(3 * jax.random.normal(keys[3], (rows, cols)) - 2)
    links = jnp.pad(down, ((0, 1), (0, 0))) + jnp.pad(down, ((1, 0), (0, 0)))
    links = links + jnp.pad(right, ((0, 0), (0, 1))) + jnp.pad(right, ((0, 0), (1, 0)))
    return Stencil(jax.lax.complex(own + links, mass), down, right)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (3, 4), (13, 6), (17, 31)])
def test_solution_is_that_of_a_dense_solve(shape):
    stencil = random_stencil(*shape)
    rhs = jax.random.normal(jax.random.key(1), shape).astype(complex)
    x = jax.jit(partial(solve, DOUBLE))(stencil, rhs)
    expected = np.linalg.solve(dense(stencil), rhs.ravel()).reshape(shape)
    # Both are backward stable; the condition number of such a matrix is about 1e6.
    np.testing.assert_allclose(x, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("operator", [TE, pytest.param(TM, marks=pytest.mark.slow)])
def test_single_precision_factors_are_refined_to_double(operator):
    system = jax.jit(operator(SMALL).system)(jnp.array(0.06), jnp.exp(log_section(SMALL)))
    scale = jnp.abs(system.stencil.diagonal).max()
    residuals = []
    for refinements in (1, 2, 3):
        solver = NestedDissection(refinements=refinements)
        x = jax.jit(partial(solve, solver))(system.stencil, system.rhs)
        residuals.append(
            float(jnp.abs(system.stencil.matvec(x) - system.rhs).max() / jnp.abs(x).max() / scale)
        )
    # Elements grow by less than 3: 30 roundings of 1e-16; one step squares the 1e-6 of single precision.
    assert residuals[0] < 1e-9
    assert residuals[2] < 1e-14


@pytest.mark.parametrize(
    "solver",
    [
        DOUBLE,
        pytest.param(NestedDissection(keep=False), marks=pytest.mark.slow),
        pytest.param(NestedDissection(refinements=3), marks=pytest.mark.slow),
    ],
)
def test_gradient_is_that_of_the_sparse_factors(solver):
    value, slope = gradient(log_section(SMALL), solver)
    expected = gradient(log_section(SMALL), SuperLU())
    # Fields agree to 1e-13; the impedance at the ground is a difference of nearly equal fields.
    np.testing.assert_allclose(value, expected[0], rtol=1e-10)
    np.testing.assert_allclose(slope, expected[1], rtol=1e-8, atol=1e-9 * np.abs(slope).max())


def test_right_hand_sides_and_models_in_batches():
    stencils = [random_stencil(5, 9, seed) for seed in (0, 1)]
    many = jax.tree.map(lambda *parts: jnp.stack(parts), *stencils)
    rhs = jax.random.normal(jax.random.key(2), (2, 3, 5, 9)).astype(complex)
    both = jax.jit(jax.vmap(jax.vmap(partial(solve, DOUBLE), in_axes=(None, 0))))(many, rhs)
    for m, stencil in enumerate(stencils):
        for k in range(3):
            # The condition number of such a matrix is about 1e6.
            np.testing.assert_allclose(stencil.matvec(both[m, k]), rhs[m, k], atol=1e-9)


def test_a_matrix_that_is_not_finite_gives_no_number():
    stencil = random_stencil(5, 9)
    for value in (jnp.nan, jnp.inf):
        bad = Stencil(stencil.diagonal.at[2, 2].set(value), stencil.down, stencil.right)
        assert not jnp.all(jnp.isfinite(solve(DOUBLE, bad, jnp.ones((5, 9), complex))))


@pytest.mark.parametrize("shape", [(1, 1), (12, 40), (91, 239)])
def test_every_coefficient_has_one_owner(shape):
    boxes = plan(*shape)
    assert boxes.size[0] in LEAVES
    assert boxes.size[1] in LEAVES
    own = boxes.size[0] * boxes.size[1]
    entries, count = np.unique(boxes.entries[boxes.entries < 3 * own], return_counts=True)
    # Links are off the diagonal, twice. A node on the frame may be missing.
    assert np.all(count == np.where(entries < own, 1, 2))
    assert all(n * c > m for n, c, m in zip(boxes.size, boxes.number, shape, strict=True))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`NestedDissection\(refinements=...\)` must be at least 1"):
        NestedDissection(refinements=0)
