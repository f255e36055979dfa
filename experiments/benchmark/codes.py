"""Who is timed: jaxmt with each of its solvers, and SimPEG."""

import dataclasses
import importlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt
from jaxmt.solve import AbstractSolver

from . import simpeg_beside
from .case import Case
from .evaluation import Evaluation

SIMPEG = "SimPEG"


@dataclasses.dataclass(frozen=True)
class Backend:
    """Where a solver of jaxmt is defined, and how to install what it needs."""

    module: str
    remedy: str = "pip install jaxmt"

    def solver(self, name: str) -> AbstractSolver:
        """The solver of that name with its defaults; raises `ImportError` if something is missing."""
        return getattr(importlib.import_module(self.module), name)()


BACKENDS = {
    "SuperLU": Backend("jaxmt.solvers.superlu"),
    "Pardiso": Backend("jaxmt.solvers.pardiso", "pip install 'jaxmt[fast]'"),
    "BlockTridiagonal": Backend("jaxmt.solvers.block"),
}
"""The solvers of jaxmt, by the name of their class."""


def default_backend() -> str:
    """The solver that jaxmt takes by itself."""
    return type(jaxmt.forward.default_solver()).__name__


def remedy(code: str) -> str:
    """How to install a code."""
    return "pip install 'jaxmt[bench]'" if code == SIMPEG else BACKENDS[code].remedy


def evaluator(code: str, case: Case) -> tuple[Callable[[np.ndarray], Evaluation], str]:
    """What evaluates a section with a code, and the name of the solver in it."""
    if code == SIMPEG:
        return simpeg_beside.evaluator(case)
    return _ours(BACKENDS[code].solver(code), case), code


def _ours(solver: AbstractSolver, case: Case) -> Callable[[np.ndarray], Evaluation]:
    mesh, survey = case.mesh(), case.survey()
    weight = jnp.asarray(case.weight())[:, None]

    def misfit(section: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        responses = jaxmt.simulate(mesh, survey, jnp.exp(section), solver=solver)
        z_xy, z_yx = responses.z_xy, responses.z_yx
        power = sum(jnp.square(z.real) + jnp.square(z.imag) for z in (z_xy, z_yx))
        return 0.5 * jnp.sum(weight * power), (z_xy, z_yx)

    both = jax.jit(jax.value_and_grad(misfit, has_aux=True))

    def evaluate(section: np.ndarray) -> Evaluation:
        (value, (z_xy, z_yx)), gradient = jax.device_get(both(section))
        return Evaluation(float(value), gradient, z_xy, z_yx)

    return evaluate
