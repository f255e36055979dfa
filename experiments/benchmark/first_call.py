"""The seconds of a first call in a process of its own: `python -m experiments.benchmark.first_call NAME`.

The last line printed is a JSON list: seconds of the processor, user and system, and of the clock. Data,
mesh and survey are made before; for an inversion, then, a simulation has already been compiled.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt
from jaxmt.misfit import AbstractMisfit
from jaxmt.programs import QUICK

from .case import BACKGROUND

NOISE = 0.05
"""Standard deviation of the real and of the imaginary part of Z over |Z|."""


def small_survey() -> jaxmt.Survey:
    """13 frequencies and 11 stations, as in the README."""
    return jaxmt.Survey(np.geomspace(100, 0.01, 13), np.linspace(-5e3, 5e3, 11))


def small_mesh() -> jaxmt.Mesh:
    """A mesh of 46 x 73 cells for it, and the air above."""
    return jaxmt.Mesh.design(small_survey(), resistivity=BACKGROUND, growth=0.15)


def small_data(mesh: jaxmt.Mesh) -> jaxmt.Data:
    """What a conductive block gives at the stations, with 5 % noise."""
    responses = jaxmt.simulate(mesh, small_survey(), _section(mesh))
    return jaxmt.Data.from_responses(responses, NOISE).with_noise(jax.random.key(0), NOISE)


def _section(mesh: jaxmt.Mesh) -> np.ndarray:
    """A block of 5 ohm m, 2 km wide, from 0.5 to 2.5 km of depth."""
    block = (np.abs(mesh.y_centres) < 1e3) & (np.abs(mesh.z_centres[:, None] - 1.5e3) < 1e3)
    return np.where(block, 5.0, BACKGROUND)


def _simulation() -> Callable[[], Any]:
    mesh, survey = small_mesh(), small_survey()
    section = _section(mesh)
    return lambda: jaxmt.simulate(mesh, survey, section)


def _gradient(solver: Any = None, options: Any = None) -> Callable[[], Any]:
    mesh, survey = small_mesh(), small_survey()
    section = np.log(_section(mesh))

    def phases(log_resistivity: jax.Array) -> jax.Array:
        return jnp.sum(jaxmt.simulate(mesh, survey, jnp.exp(log_resistivity), solver=solver).phase_xy)

    gradient = jax.jit(jax.grad(phases), compiler_options=options)
    return lambda: gradient(section)


def _iteration(misfit: AbstractMisfit, **settings: Any) -> Callable[[], Any]:
    mesh = small_mesh()
    data = small_data(mesh)
    once = jaxmt.Stopping(max_iterations=1)
    return lambda: jaxmt.invert(data, mesh, BACKGROUND, misfit, stopping=once, **settings).resistivity


CALLS: dict[str, Callable[[], Callable[[], Any]]] = {
    "simulate": _simulation,
    "gradient": _gradient,
    "least squares": lambda: _iteration(jaxmt.LeastSquares()),
    "6-D transport": lambda: _iteration(jaxmt.CloudTransport()),
    "3-D transport": lambda: _iteration(jaxmt.ComponentTransport()),
    "Gauss-Newton": lambda: _iteration(jaxmt.LeastSquares(), optimiser=jaxmt.GaussNewton()),
    "gradient, quick": lambda: _gradient(options=QUICK),
    "NestedDissection": lambda: _gradient(jaxmt.NestedDissection()),
    "NestedDissection, quick": lambda: _gradient(jaxmt.NestedDissection(), QUICK),
}
"""What prepares each call, by its name."""


def seconds(name: str) -> tuple[float, float]:
    """Of the processor and of the clock, for a call whose result is there."""
    call = CALLS[name]()
    begin, worked = time.perf_counter(), time.process_time()
    jax.block_until_ready(call())
    return time.process_time() - worked, time.perf_counter() - begin


if __name__ == "__main__":
    print(json.dumps(seconds(sys.argv[1])))
