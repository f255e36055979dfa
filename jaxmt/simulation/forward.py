"""Resistivity section -> fields on the staggered grid -> responses at the stations."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Complex, Float

from ..conventions import require_x64
from .fields import te_at_stations, tm_at_stations
from .mesh import Mesh
from .operator import TE, TM
from .responses import Responses
from .sharding import over_devices
from .solve import AbstractSolver, solve_all
from .solvers import NestedDissection, Pardiso, SuperLU
from .survey import Survey

OPERATORS = {"te": TE, "tm": TM}


def simulate(
    mesh: Mesh,
    survey: Survey,
    resistivity: ArrayLike,
    *,
    solver: AbstractSolver | None = None,
    devices: Sequence[Any] | None = None,
    forward_mode: bool = False,
) -> Responses:
    r"""Magnetotelluric responses of a resistivity section.

    Total-field finite differences on a staggered tensor grid (`operator.py`), $e^{+i\omega t}$.

    - `resistivity`: ohm m, (earth rows, columns) = `mesh.shape`, downward and along the profile.
    - `solver`: how to solve the linear systems; see `default_solver`.
    - `devices`: devices that share the frequencies, of one host or, with `jax.distributed`, of many;
      one device if None.

    Works under `jax.jit`, `jax.vmap` and reverse-mode `jax.grad` with respect to `resistivity`. A
    station on a vertical contact sees the cell on its right. Raises `ValueError` for a resistivity
    of the wrong shape or, unless it is traced, not positive and finite; a traced one raises at run
    time. Raises `FloatingPointError` where a system has no finite solution; under a transformation
    such responses are NaN. Raises `MemoryError` when a device runs out of it. Emits `MeshWarning` when
    the mesh does not suit the survey and the section.
    """
    require_x64()
    mesh.check_stations(survey)
    resistivity = _checked(mesh, survey, resistivity)
    solver = default_solver() if solver is None else solver
    with memory_errors_explained():
        responses = _simulate(
            mesh, survey, resistivity, solver, None if devices is None else tuple(devices)
        )
        for name in ("z_xy", "z_yx"):
            z = getattr(responses, name)
            if z is not None and not isinstance(z, Tracer) and not bool(jnp.all(jnp.isfinite(z))):
                k = int(np.flatnonzero(~np.isfinite(np.asarray(z)).all(axis=1))[0])
                raise FloatingPointError(
                    f"`simulate` found no finite {name} at {survey.frequencies[k]:g} Hz: the system of "
                    "equations is singular or overflows. Look for extreme values in `resistivity` "
                    "(ohm m) and `Mesh(y_nodes=..., z_nodes=...)` (m)."
                )
    return responses


def default_solver() -> AbstractSolver:
    """The solver that `simulate` and `invert` use unless they are given one.

    On a CPU `Pardiso` where it is installed, else `SuperLU`; on a GPU or TPU `NestedDissection`.
    """
    if jax.default_backend() != "cpu":
        return NestedDissection()
    return Pardiso() if Pardiso.is_installed() else SuperLU()


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turns a device's failure to find memory into a `MemoryError` that names the remedies."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error) and "MemoryError" not in str(error):
            raise
        raise MemoryError(
            "The fields of all frequencies do not fit into memory. Share them out with "
            "`simulate(devices=...)`, do not keep the factors for the adjoint "
            "(`NestedDissection(keep=False)`, a smaller `Pardiso(memory=...)` or `SuperLU(memory=...)`), "
            "or use fewer frequencies or a coarser mesh."
        ) from error


@eqx.filter_jit
def _simulate(
    mesh: Mesh,
    survey: Survey,
    resistivity: Float[Array, "earth y"],
    solver: AbstractSolver,
    devices: tuple[Any, ...] | None,
) -> Responses:
    def impedances(
        omegas: Float[Array, " freq"], resistivity: Float[Array, "earth y"]
    ) -> dict[str, Complex[Array, "freq site"]]:
        return jax.vmap(lambda omega: impedances_at(mesh, survey, resistivity, solver, omega))(omegas)

    shared = impedances if devices is None else over_devices(impedances, devices)
    found = shared(jnp.asarray(2 * jnp.pi * survey.frequencies), resistivity)
    return Responses(survey, found.get("z_xy"), found.get("z_yx"), found.get("tipper"))


def impedances_at(
    mesh: Mesh,
    survey: Survey,
    resistivity: Float[Array, "earth y"],
    solver: AbstractSolver,
    omega: Float[Array, ""],
) -> dict[str, Complex[Array, " site"]]:
    """What one frequency gives of `z_xy` and `tipper` (TE) and `z_yx` (TM), as in `Responses`."""
    systems = [OPERATORS[mode](mesh).system(omega, resistivity) for mode in survey.modes]
    solutions = solve_all(solver, [s.stencil for s in systems], [s.rhs for s in systems])
    fields = {m: s.field(x) for m, s, x in zip(survey.modes, systems, solutions, strict=True)}
    found = {}
    if "te" in fields:
        found["z_xy"], found["tipper"] = te_at_stations(TE(mesh), omega, resistivity, fields["te"], survey)
    if "tm" in fields:
        found["z_yx"] = tm_at_stations(TM(mesh), omega, resistivity, fields["tm"], survey)
    return found


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
