"""Where one iteration of an inversion spends its time.

Every part is compiled and timed by itself. Some are a difference of two times, so the fastest repetition
counts. A factorisation cannot be had alone from a solver that keeps its factors on the host: it is the
time of a solve with new coefficients less that of the next solve, which finds the factors of the first.
The misfit is what an iteration with `CloudTransport` takes longer than one with `LeastSquares`.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.buffer_callback import buffer_callback
from jaxtyping import Array, Complex

import jaxmt
from jaxmt.misfit import AbstractMisfit
from jaxmt.simulation.operator import TE, TM, System
from jaxmt.simulation.solve import AbstractSolver, Stencil

from .case import BACKGROUND, Case
from .codes import BACKENDS

PARTS = (
    "assembly",
    "factorisation",
    "substitution, field",
    "substitution, adjoint",
    "callback transfer",
    "responses",
    "gradient of the physics",
    "misfit and its gradient",
    "rest",
)
"""In the order of an iteration. The rest is regularisation and optimiser; less than nothing where parts
overlap, or where the machine was busier than in the whole."""


class Diagonal(AbstractSolver):
    """Divides by the diagonal: what is left of an iteration without its solves."""

    one_batch: ClassVar[bool] = False

    def factorise(self, stencil: Stencil) -> Complex[Array, "row col"]:
        """The diagonal."""
        return stencil.diagonal

    def substitute(
        self, factor: Complex[Array, "row col"], rhs: Complex[Array, "row col"], last: bool
    ) -> Complex[Array, "row col"]:
        """One division."""
        del last
        return rhs / factor


class Transfer(AbstractSolver):
    """Hands the system to the host and the right-hand side back: the cost of the callback alone."""

    one_batch: ClassVar[bool] = False

    def factorise(self, stencil: Stencil) -> Stencil:
        """The coefficients."""
        return stencil

    def substitute(
        self, factor: Stencil, rhs: Complex[Array, "row col"], last: bool
    ) -> Complex[Array, "row col"]:
        """A copy of `rhs`."""
        del last
        shape = jax.ShapeDtypeStruct(rhs.shape, rhs.dtype)
        call = buffer_callback(_copy, shape, vmap_method="expand_dims")
        return call(factor.diagonal, factor.down, factor.right, rhs)


def _copy(context: Any, out: Any, diagonal: Any, down: Any, right: Any, rhs: Any) -> None:
    del context
    for part in (diagonal, down, right):
        np.ascontiguousarray(part)
    np.asarray(out)[...] = np.asarray(rhs)


def parts(code: str, case: Case, repeats: int) -> dict:
    """Seconds of each of `PARTS` and of the whole iteration."""
    solver = BACKENDS[code]()
    mesh, survey = case.mesh(), case.survey()
    sections = [jnp.asarray(case.section(k)) for k in range(repeats + 1)]

    @jax.jit
    def assemble(section: jax.Array) -> tuple[System, ...]:
        omegas = jnp.asarray(2 * jnp.pi * survey.frequencies)
        resistivity = jnp.exp(section)
        return tuple(
            jax.vmap(lambda omega, mode=mode: mode.system(omega, resistivity))(omegas)
            for mode in (TE(mesh), TM(mesh))
        )

    found = {"assembly": _fastest(assemble, sections)}
    systems = [assemble(section) for section in sections]
    found |= _solves(solver, systems)

    def components(section: jax.Array) -> jax.Array:
        return jaxmt.simulate(mesh, survey, jnp.exp(section), solver=Diagonal()).components

    forward = _fastest(jax.jit(components), sections)
    squares = jax.jit(jax.value_and_grad(lambda section: jnp.sum(components(section) ** 2)))
    found["responses"] = max(forward - found["assembly"], 0.0)
    found["gradient of the physics"] = max(_fastest(squares, sections) - forward, 0.0)

    whole = _iteration(solver, case, jaxmt.CloudTransport(), repeats)
    plain = _iteration(solver, case, jaxmt.LeastSquares(), repeats)
    found["misfit and its gradient"] = whole - plain
    found["rest"] = whole - sum(found.values())
    return {"parts": {name: found[name] for name in PARTS}, "seconds": whole, "repeats": repeats}


def _fastest(call: Callable[[Any], Any], arguments: list[Any]) -> float:
    """Shortest time of a call over all but the first argument, which compiles."""
    times = []
    for argument in arguments:
        begin = time.perf_counter()
        jax.block_until_ready(call(argument))
        times.append(time.perf_counter() - begin)
    return min(times[1:])


def _solves(solver: AbstractSolver, systems: list[tuple[System, ...]]) -> dict[str, float]:
    """Factorisation, the two substitutions, and the transfer to and from the host."""

    def both(one: Callable[..., Any]) -> Callable[[Any], Any]:
        """Acts on all frequencies of both modes at once, as `simulate` does."""
        return jax.jit(lambda modes: [jax.vmap(one)(*mode) for mode in modes])

    factorise = both(solver.factorise)
    keep = both(partial(solver.substitute, last=False))
    drop = both(partial(solver.substitute, last=True))
    stencils = [[(system.stencil,) for system in modes] for modes in systems]
    sides = [[system.rhs for system in modes] for modes in systems]
    times: dict[str, list[float]] = {"factorise": [], "new": [], "field": [], "adjoint": []}

    def clocked(name: str, call: Callable[[Any], Any], argument: Any) -> Any:
        begin = time.perf_counter()
        result = jax.block_until_ready(call(argument))
        times[name].append(time.perf_counter() - begin)
        return result

    pairs: list[Any] = []
    for stencil, rhs in zip(stencils, sides, strict=True):
        factors = clocked("factorise", factorise, stencil)
        pairs = list(zip(factors, rhs, strict=True))
        clocked("new", keep, pairs)
        fields = clocked("field", keep, pairs)
        clocked("adjoint", drop, list(zip(factors, fields, strict=True)))
    least = {name: min(values[1:]) for name, values in times.items()}
    transfer = 0.0
    if "callback" in str(jax.make_jaxpr(keep)(pairs)):
        copies = [[(system.stencil, system.rhs) for system in modes] for modes in systems]
        transfer = _fastest(both(partial(Transfer().substitute, last=False)), copies)
    return {
        "factorisation": least["factorise"] + max(least["new"] - least["field"], 0.0),
        "substitution, field": max(least["field"] - transfer, 0.0),
        "substitution, adjoint": max(least["adjoint"] - transfer, 0.0),
        "callback transfer": 2 * transfer,
    }


def _iteration(solver: AbstractSolver, case: Case, misfit: AbstractMisfit, repeats: int) -> float:
    """Seconds of the fastest iteration of `invert` from a half-space."""
    mesh, survey = case.mesh(), case.survey()
    responses = jaxmt.simulate(mesh, survey, np.exp(case.section(0)), solver=solver)
    data = jaxmt.Data.from_responses(responses).with_noise(jax.random.key(0))
    result = jaxmt.invert(
        data, mesh, BACKGROUND, misfit, target=1e-3, max_iterations=repeats + 1, solver=solver
    )
    return float(np.diff(result.history["seconds"]).min())
