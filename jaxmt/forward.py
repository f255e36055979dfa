"""Resistivity section -> fields on the staggered grid -> responses at the stations."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Complex, Float

from .conventions import require_x64
from .fields import te_at_stations, tm_at_stations
from .mesh import Mesh
from .operator import TE, TM, AbstractOperator
from .responses import Responses
from .solve import AbstractSolver, solve
from .solvers.superlu import SuperLU
from .survey import Survey


def simulate(
    mesh: Mesh,
    survey: Survey,
    resistivity: ArrayLike,
    *,
    solver: AbstractSolver | None = None,
) -> Responses:
    r"""Magnetotelluric responses of a resistivity section.

    Total-field finite differences on a staggered tensor grid (`operator.py`), $e^{+i\omega t}$.

    - `resistivity`: ohm m, (earth rows, columns) = `mesh.shape`, downward and along the profile.
    - `solver`: how to solve the linear systems; SuperLU on the CPU by default.

    Works under `jax.jit`, `jax.vmap` and reverse-mode `jax.grad` with respect to `resistivity`. A
    station on a vertical contact sees the cell on its right. Raises `ValueError` for a resistivity
    of the wrong shape or, unless it is traced, not positive and finite; a traced one raises at run
    time. Emits `MeshWarning` when the mesh does not suit the survey and the section.
    """
    require_x64()
    mesh.check_stations(survey)
    resistivity = _checked(mesh, survey, resistivity)
    return _simulate(mesh, survey, resistivity, default_solver() if solver is None else solver)


def default_solver() -> AbstractSolver:
    """The solver that `simulate` and `invert` use unless they are given one."""
    return SuperLU()


@eqx.filter_jit
def _simulate(
    mesh: Mesh, survey: Survey, resistivity: Float[Array, "earth y"], solver: AbstractSolver
) -> Responses:
    omegas = jnp.asarray(2 * jnp.pi * survey.frequencies)
    z_xy = z_yx = tipper = None
    if "te" in survey.modes:
        z_xy, tipper = jax.vmap(partial(_te, TE(mesh), survey, resistivity, solver))(omegas)
    if "tm" in survey.modes:
        z_yx = jax.vmap(partial(_tm, TM(mesh), survey, resistivity, solver))(omegas)
    return Responses(survey, z_xy, z_yx, tipper)


def _field(
    operator: AbstractOperator,
    resistivity: Float[Array, "earth y"],
    solver: AbstractSolver,
    omega: Float[Array, ""],
) -> Complex[Array, "znode ynode"]:
    system = operator.system(omega, resistivity)
    return system.field(solve(solver, system.stencil, system.rhs))


def _te(
    operator: AbstractOperator,
    survey: Survey,
    resistivity: Float[Array, "earth y"],
    solver: AbstractSolver,
    omega: Float[Array, ""],
) -> tuple[Complex[Array, " site"], Complex[Array, " site"]]:
    field = _field(operator, resistivity, solver, omega)
    return te_at_stations(operator, omega, resistivity, field, survey.stations)


def _tm(
    operator: AbstractOperator,
    survey: Survey,
    resistivity: Float[Array, "earth y"],
    solver: AbstractSolver,
    omega: Float[Array, ""],
) -> Complex[Array, " site"]:
    field = _field(operator, resistivity, solver, omega)
    return tm_at_stations(operator, omega, resistivity, field, survey.stations)


def _checked(mesh: Mesh, survey: Survey, section: ArrayLike) -> Float[Array, "earth y"]:
    resistivity = jnp.asarray(section, dtype=float)
    if resistivity.shape != mesh.shape:
        raise ValueError(
            "`simulate(resistivity=...)` must have shape (earth rows, columns) = "
            f"{mesh.shape}, earth only, in ohm m. Got {resistivity.shape}."
        )
    message = (
        "`simulate(resistivity=...)` must be positive and finite, in ohm m. Give resistivity, not "
        "its logarithm, and fill missing cells."
    )
    good = jnp.isfinite(resistivity) & (resistivity > 0)
    if isinstance(resistivity, Tracer):
        return eqx.error_if(resistivity, ~jnp.all(good), message)
    if not bool(jnp.all(good)):
        row, column = (int(k) for k in jnp.argwhere(~good)[0])
        value = float(resistivity[row, column])
        raise ValueError(f"{message} Got {value} in row {row}, column {column}.")
    mesh.warn(survey, np.asarray(resistivity))
    return resistivity
