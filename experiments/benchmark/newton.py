"""Where an iteration of Gauss-Newton spends its time, and how far the Jacobian is from its limit.

Each part is timed by itself, alone after a first call that compiles, by the clock and by the processor: on
a machine with other work the processor's seconds are what can be compared. The limit of the Jacobian is its
factorisations and substitutions: for each frequency and mode one for the field and one for each station.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxmt
from jaxmt.inversion.optimisers.expanded import expanded
from jaxmt.inversion.optimisers.gauss_newton import _Newton
from jaxmt.inversion.slopes import data_slopes
from jaxmt.simulation.operator import TE, TM
from jaxmt.simulation.sensitivity import FREQUENCIES_AT_ONCE
from jaxmt.simulation.solve import AbstractSolver

from .case import BACKGROUND, Case
from .codes import BACKENDS

NEWTON_CASES = (Case(64, 108, 10, 20, 21), Case(74, 207, 16, 12, 20))
"""54 x 108 cells and as many data as an inversion of one line has, and the size of COPROD2."""

NEWTON_PARTS = (
    "substitutions alone",
    "Jacobian",
    "all before the first trial",
    "a step for one lambda",
    "simulation of a trial",
    "iteration",
    "iteration, fewest trials",
)
"""Each holds the one before it where that is a part of it."""

Pair = tuple[float, float]
"""Seconds of the clock and of the processor."""


def newton(code: str, case: Case, repeats: int) -> dict:
    """Seconds of each of `NEWTON_PARTS`."""
    solver, mesh, survey = BACKENDS[code](), case.mesh(), case.survey()
    clean = jaxmt.simulate(mesh, survey, np.exp(case.section(0)), solver=solver)
    data = jaxmt.Data.from_responses(clean).with_noise(jax.random.key(0))
    objective = jaxmt.Objective(data, mesh, jaxmt.LeastSquares(), solver=solver)
    start = objective.parametrisation.start(np.exp(case.section(1)))
    section = 10 ** np.asarray(objective.section(start))
    patterns = objective.parametrisation.linearised(start, "the benchmark")[0].tocsc()
    linear = _Newton(objective, start)
    found = {
        "substitutions alone": _best(_substitutions(case, section, solver), repeats),
        "Jacobian": _best(
            lambda: data_slopes(mesh, survey, section, data.mask, patterns, solver=solver), repeats
        ),
        "all before the first trial": _best(lambda: _Newton(objective, start), repeats),
        "a step for one lambda": _best(lambda: linear.step(linear.balance), repeats),
        "simulation of a trial": _best(lambda: expanded(objective, start).loss, repeats),
    }
    iterations = _iterations(data, mesh, solver, repeats)
    clock, processor = np.median(iterations, axis=0).tolist()
    found["iteration"] = clock, processor
    found["iteration, fewest trials"] = min(iterations, key=lambda pair: pair[1])
    return {"parts": found, "data": int(data.count), "repeats": repeats}


def _clocked(call: Callable[[], Any]) -> Pair:
    begin, worked = time.perf_counter(), time.process_time()
    jax.block_until_ready(call())
    return time.perf_counter() - begin, time.process_time() - worked


def _best(call: Callable[[], Any], repeats: int) -> Pair:
    """The repetition that took the processor least, after one that compiles."""
    return min((_clocked(call) for _ in range(repeats + 1)), key=lambda pair: pair[1])


def _substitutions(case: Case, section: np.ndarray, solver: AbstractSolver) -> Callable[[], list[Any]]:
    """Factors, fields and as many adjoint states as there are stations, as many at once as `jacobian`."""
    mesh, survey = case.mesh(), case.survey()
    batches = np.array_split(survey.frequencies, -(-survey.frequencies.size // FREQUENCIES_AT_ONCE))
    resistivity = jnp.asarray(section)

    @jax.jit
    def solved(system: Any, sources: jax.Array) -> jax.Array:
        factor = jax.vmap(solver.factorise)(system.stencil)
        field = jax.vmap(lambda f, b: solver.substitute(f, b, False))(factor, system.rhs)
        adjoints = jax.vmap(lambda f: jax.vmap(lambda b: solver.substitute(f, b, True))(sources))(factor)
        return adjoints[:, :, 0, 0] + field[:, :1, 0]

    problems = []
    for mode in (TE(mesh), TM(mesh)):
        for batch in batches:
            omegas = jnp.asarray(2 * np.pi * batch)
            system = jax.vmap(lambda omega, mode=mode: mode.system(omega, resistivity))(omegas)
            problems.append((system, jnp.ones((case.stations, *system.rhs.shape[1:]), dtype=complex)))
    return lambda: [solved(*problem) for problem in problems]


def _iterations(data: jaxmt.Data, mesh: jaxmt.Mesh, solver: AbstractSolver, repeats: int) -> list[Pair]:
    """Of an inversion from a half-space, all but the first, which compiles."""
    times: list[Pair] = []

    def note(record: object) -> None:
        del record
        times.append((time.perf_counter(), time.process_time()))

    jaxmt.invert(
        data,
        mesh,
        BACKGROUND,
        jaxmt.LeastSquares(),
        optimiser=jaxmt.GaussNewton(),
        target=1e-3,
        max_iterations=repeats + 1,
        solver=solver,
        progress=note,
    )
    return [(b[0] - a[0], b[1] - a[1]) for a, b in zip(times[:-1], times[1:], strict=True)]
