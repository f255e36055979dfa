"""A small problem with every ingredient: both modes, five frequencies, a rough section."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxmt import Mesh, Survey, simulate


def a_mesh(n):
    z = np.concatenate([-np.geomspace(3e4, 300, n // 4), [0.0], np.geomspace(30, 3e4, n)])
    return Mesh(np.linspace(-3e4, 3e4, n + 1), z)


SURVEY = Survey(np.geomspace(10.0, 0.01, 5), np.array([-4e3, 100.0, 9e3]))
SMALL = a_mesh(8)


def log_section(mesh, seed=0):
    return 3 + jax.random.normal(jax.random.key(seed), mesh.shape)


def misfit(log_resistivity, solver, mesh=SMALL):
    r = simulate(mesh, SURVEY, jnp.exp(log_resistivity), solver=solver)
    return jnp.sum(jnp.sin(r.components[:, :, 1:]))


gradient = jax.jit(jax.value_and_grad(misfit), static_argnames=("solver", "mesh"))


def gradient_over(devices, solver):
    """The same misfit and gradient with the frequencies on several devices."""

    def shared(log_resistivity):
        r = simulate(SMALL, SURVEY, jnp.exp(log_resistivity), solver=solver, devices=devices)
        return jnp.sum(jnp.sin(r.components[:, :, 1:]))

    return jax.jit(jax.value_and_grad(shared))
