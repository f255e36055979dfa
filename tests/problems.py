"""Small problems: one with every ingredient (both modes, a rough section), and a buried block to invert."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxmt import Data, Mesh, SuperLU, Survey, invert, simulate


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


@functools.cache
def gradient_over(devices, solver):
    """The same misfit and gradient with the frequencies on several devices."""

    def shared(log_resistivity):
        r = simulate(SMALL, SURVEY, jnp.exp(log_resistivity), solver=solver, devices=devices)
        return jnp.sum(jnp.sin(r.components[:, :, 1:]))

    return jax.jit(jax.value_and_grad(shared))


SIDES = 3000 + 500 * np.cumsum(2.2 ** np.arange(1, 5))
BLOCK_MESH = Mesh(
    np.concatenate([-SIDES[::-1], np.linspace(-3000, 3000, 13), SIDES]),
    np.concatenate([[0.0], np.cumsum(40 * 1.6 ** np.arange(12))]),
).with_air(growth=3.0)
BLOCK = (abs(BLOCK_MESH.y_centres) < 1000) & ((BLOCK_MESH.z_centres > 200) & (BLOCK_MESH.z_centres < 1500))[
    :, None
]
BURIED = np.where(BLOCK, 10.0, 100.0)


def observed(frequencies=4, modes=("te", "tm")):
    """3 % noise; the true section has an nRMS of 1.04."""
    survey = Survey(np.geomspace(100, 1, frequencies), np.linspace(-3000, 3000, 7), modes)
    clean = simulate(BLOCK_MESH, survey, BURIED)
    if modes == ("tm",):
        values = np.array(clean.components)
        return Data(survey, values, np.where(np.isfinite(values), 0.03, 1.0))
    return Data.from_responses(clean, 0.03).with_noise(jax.random.key(0), 0.03)


def inverted_over(devices):
    """nRMS of the first iterations by 6-D transport with the frequencies on several devices."""
    data = observed(frequencies=2, modes=("tm",))
    options = {"solver": SuperLU(threads=1), "devices": devices, "max_iterations": 3, "target": 0.1}
    return invert(data, BLOCK_MESH, 100.0, **options).history["nrms"]


STEP = ("_predict", "_compare", "_gather", "_move")
"""The programs of a step by Adam."""


def compilations(caplog):
    """How often each of the programs of a step was compiled, by the records of `jax.log_compiles`."""
    said = [r.getMessage() for r in caplog.records if "Compiling" in r.getMessage()]
    return {name: sum(f"jit({name})" in text for text in said) for name in STEP}
