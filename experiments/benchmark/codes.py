"""Who is timed: jaxmt with each of its solvers, and SimPEG."""

import importlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt
from jaxmt.simulation.forward import default_solver
from jaxmt.simulation.solve import AbstractSolver

from . import simpeg_beside
from .case import Case
from .evaluation import Evaluation

SIMPEG = "SimPEG"


def _pardiso() -> AbstractSolver:
    # PARDISO itself is looked for only when it has to solve.
    importlib.import_module("pymklpardiso")
    return jaxmt.Pardiso()


BACKENDS: dict[str, Callable[[], AbstractSolver]] = {
    "SuperLU": lambda: jaxmt.SuperLU(),
    "Pardiso": _pardiso,
    "NestedDissection": lambda: jaxmt.NestedDissection(),
}
"""What makes each solver of jaxmt, by the name of its class; `ImportError` if something is missing."""

REMEDIES = {SIMPEG: "pip install 'jaxmt[bench]'", "Pardiso": "pip install 'jaxmt[fast]'"}
"""How to install what a code needs besides jaxmt."""


def default_backend() -> str:
    """The solver that jaxmt takes by itself."""
    return type(default_solver()).__name__


def evaluator(code: str, case: Case) -> tuple[Callable[[np.ndarray], Evaluation], str]:
    """What evaluates a section with a code, and the name of the solver in it."""
    if code == SIMPEG:
        return simpeg_beside.evaluator(case)
    return _ours(BACKENDS[code](), case), code


def _ours(solver: AbstractSolver, case: Case) -> Callable[[np.ndarray], Evaluation]:
    mesh, survey = case.mesh(), case.survey()
    weight = jnp.asarray(case.weight())[:, None]

    def misfit(section: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        responses = jaxmt.simulate(mesh, survey, jnp.exp(section), solver=solver)
        z_xy, z_yx = responses.z_xy, responses.z_yx
        # The survey of a case has both modes.
        assert z_xy is not None
        assert z_yx is not None
        power = sum(jnp.square(z.real) + jnp.square(z.imag) for z in (z_xy, z_yx))
        return 0.5 * jnp.sum(weight * power), (z_xy, z_yx)

    both = jax.jit(jax.value_and_grad(misfit, has_aux=True))

    def evaluate(section: np.ndarray) -> Evaluation:
        (value, (z_xy, z_yx)), gradient = jax.device_get(both(section))
        return Evaluation(float(value), gradient, z_xy, z_yx)

    return evaluate
