"""What is held at the top of the air: two conditions, their limit, their derivatives, their way."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from identities import dot_product_gap

import jaxmt
from jaxmt import Dirichlet, Mesh, SuperLU, Survey, UniformMagnetic, simulate
from jaxmt.simulation.top import checked_top

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

TOPS = pytest.mark.parametrize("top", [UniformMagnetic(), Dirichlet()], ids=lambda top: type(top).__name__)
Y = np.array([-9e3, -4e3, -1.5e3, -300.0, 0.0, 500.0, 2e3, 5e3, 8e3])
EARTH = np.array([0.0, 100.0, 300.0, 800.0, 2e3, 5e3])
SURVEY = Survey([10.0, 0.1], [-2e3, 100.0, 3e3], ("te",))


def a_mesh(top, height=9e3):
    air = -height * np.array([1.0, 0.3, 0.1, 0.02])
    return Mesh(Y, np.concatenate([air, EARTH]), top=top)


def curves(model, mesh):
    """log10 rho, phase in radians and the tipper."""
    r = simulate(mesh, SURVEY, jnp.exp(model), solver=SuperLU())
    te = r.components[jnp.array([0, 1, 4, 5])]
    return jnp.array([1.0, jnp.pi / 180, 1.0, 1.0])[:, None, None] * te


def a_model(seed):
    return 3 + jax.random.normal(jax.random.key(seed), a_mesh(None).shape)


def test_over_a_half_space_both_are_the_plane_wave():
    survey = Survey([1.0], [0.0], ("te",))
    mesh = Mesh.design(survey, 100.0, growth=0.1)
    for top in (UniformMagnetic(), Dirichlet()):
        topped = dataclasses.replace(mesh, top=top)
        r = simulate(topped, survey, np.full(mesh.shape, 100.0), solver=SuperLU())
        # `Mesh.design` states 0.25 growth^2 of rho, half of it in rad of the phase.
        np.testing.assert_allclose(r.rho_xy, 100.0, rtol=2.5e-3)
        np.testing.assert_allclose(r.phase_xy, 45.0, atol=np.rad2deg(1.25e-3))


def test_with_more_air_both_become_one():
    """What the earth's lateral changes induce falls off with the height of the air."""

    def gap(height):
        a, b = (curves(a_model(0), a_mesh(top, height)) for top in (UniformMagnetic(), Dirichlet()))
        return float(jnp.abs(a - b).max())

    near, far = gap(1e3), gap(50e3)
    assert near > 1e-3
    # As exp(-pi h / L) over a mesh L = 17 km wide on fine rows; four rows leave more of it, but no tenth.
    assert far < 0.1 * near


@TOPS
def test_both_derivatives_are_transposes_and_of_second_order(top):
    at, change = a_model(1), a_model(2)
    function = jax.jit(partial(curves, mesh=a_mesh(top)))
    value, pull = jax.vjp(function, at)
    weights = jax.random.normal(jax.random.key(3), value.shape)
    _, push = jax.vjp(lambda u: pull(u)[0], weights)
    pushed, (pulled,) = push(change)[0], pull(weights)
    # The package states 1e-10.
    assert dot_product_gap(lambda _: pushed, lambda _: pulled, change, weights) < 1e-10
    remainders = [jnp.linalg.norm(function(at + h * change) - value - h * pushed) for h in (0.02, 0.01)]
    # 2 where the second derivative rules; a wrong one gives 1.
    assert np.log2(remainders[0] / remainders[1]) > 1.9


def test_the_top_is_part_of_a_mesh_and_stays_with_it(tmp_path):
    uniform, held = a_mesh(None), a_mesh(Dirichlet())
    assert uniform == a_mesh(UniformMagnetic())
    assert held == a_mesh(Dirichlet())
    assert hash(held) == hash(a_mesh(Dirichlet()))
    assert uniform != held
    assert held.with_air().top == Dirichlet()
    draped = jaxmt.drape(held, SURVEY, [-9e3, 8e3], [10.0, 0.0])
    assert draped.mesh.top == Dirichlet()
    data = jaxmt.Data(SURVEY, np.ones((6, 2, 3)), np.ones((6, 2, 3)))
    for mesh in (uniform, held):
        stored = jaxmt.io.Results(data=data, mesh=mesh)
        jaxmt.io.write_results(tmp_path / "out.npz", stored)
        assert jaxmt.io.read_results(tmp_path / "out.npz").mesh == mesh


@pytest.mark.parametrize("top", ["Dirichlet", Dirichlet, 1.0])
def test_what_is_no_condition_is_refused_with_the_remedy(top):
    with pytest.raises(ValueError, match=r"`Mesh\(top=...\)` must be .* `jaxmt.Dirichlet\(\)`"):
        checked_top(top)
