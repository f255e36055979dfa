"""Resistivity section -> fields on the staggered grid -> responses at the stations."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Complex, Float

from ..conventions import require_x64
from ..forking import refuse_forked
from ..programs import compiled, physics
from .between import interpolated
from .fields import te_at_stations, tm_at_stations
from .mesh import Mesh
from .operator import TE, TM, edge_fields
from .responses import Responses
from .sharding import over_devices
from .solve import AbstractSolver, solve_all
from .solvers import NestedDissection, Pardiso, SuperLU
from .solvers.host import AbstractHostSolver
from .solvers.host_call import require
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
    frequencies: ArrayLike | None = None,
    stations: ArrayLike | None = None,
) -> Responses:
    r"""Magnetotelluric responses of a resistivity section.

    Total-field finite differences on a staggered tensor grid (`operator.py`), $e^{+i\omega t}$.

    - `resistivity`: ohm m, (earth rows, columns) = `mesh.shape`, downward and along the profile.
    - `solver`: how to solve the linear systems; see `default_solver`.
    - `devices`: devices that share the frequencies, of one host or, with `jax.distributed`, of many;
      one device if None.
    - `forward_mode`: whether `jax.jvp`, `jax.jacfwd`, `jax.hessian` and `jax.linearize` are allowed too.
      The default is the adjoint state, in reverse mode only (`solve.py`); values are the same.
    - `frequencies`, `stations`: Hz and m, in place of the survey's, as traced values: for `jax.vmap` over
      frequencies, and for derivatives with respect to either. There are as many stations as in the
      survey, each at its depth, on level ground. Responses are smooth in the frequency, and piecewise
      smooth in the position of a station: TM jumps, and slopes change, where it enters another column.

    Fields are computed at `Survey(computed=...)`, and responses interpolated between (`between.py`);
    `frequencies` are all computed.

    Works under `jax.jit`, `jax.vmap`, `jax.pmap`, `jax.shard_map`, `jax.checkpoint`, `lax.scan`, and
    `jax.grad`. A station on a vertical contact sees the cell on its right. Raises `ValueError` for an
    argument of the wrong shape or, unless it is traced, out of range; a traced one raises at run time, or
    gives NaN where a program does not call Python: with a solver in JAX, so that `jax.export` takes it,
    and in `jax.shard_map`. Raises `FloatingPointError` where a system has no finite solution; under a
    transformation such responses are NaN. Raises `TypeError` in forward mode without `forward_mode`.
    Raises `MemoryError` when a device runs out of it, and `RuntimeError` in a process that was forked after
    JAX began to compute. Emits `MeshWarning` when the mesh does not suit the survey and the section.
    """
    refuse_forked()
    require_x64()
    solver = default_solver() if solver is None else solver
    known = {"frequencies": frequencies, "stations": stations}
    traced = {name: values for name, values in known.items() if isinstance(values, Tracer)}
    known = {name: values for name, values in known.items() if values is not None and name not in traced}
    if frequencies is not None:
        survey = dataclasses.replace(survey, computed=None)
    wanted = dataclasses.replace(survey, **known) if known else survey
    survey = wanted.solved()
    mesh.check_stations(survey)
    traced = {name: _in_range(mesh, survey, solver, name, values) for name, values in traced.items()}
    resistivity = _checked(mesh, survey, solver, resistivity)
    run = _simulate(isinstance(solver, AbstractHostSolver))
    with memory_errors_explained():
        responses = run(
            mesh,
            survey,
            resistivity,
            traced,
            solver,
            None if devices is None else tuple(devices),
            forward_mode,
        )
        for name in ("z_xy", "z_yx"):
            z = getattr(responses, name)
            if z is not None and not isinstance(z, Tracer) and not bool(_finite(z)):
                k = int(np.flatnonzero(~np.isfinite(np.asarray(z)).all(axis=1))[0])
                raise FloatingPointError(
                    f"`simulate` found no finite {name} at {survey.frequencies[k]:g} Hz: the system of "
                    "equations is singular or overflows. Look for extreme values in `resistivity` "
                    "(ohm m) and `Mesh(y_nodes=..., z_nodes=...)` (m)."
                )
        return responses if wanted.computed is None else interpolated(responses, wanted)


def default_solver() -> AbstractSolver:
    """The solver that `simulate` and `invert` use unless they are given one.

    On a CPU `Pardiso` where it is installed, else `SuperLU`; on a GPU or TPU `NestedDissection`.
    """
    if jax.default_backend() != "cpu":
        return NestedDissection()
    return Pardiso() if Pardiso.is_installed() else SuperLU()


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Turns a device's failure to find memory into a `MemoryError` that names the remedies.

    An interrupt that came while a program called the host is an interrupt again.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "KeyboardInterrupt" in str(error):
            raise KeyboardInterrupt from error
        if "RESOURCE_EXHAUSTED" not in str(error) and "MemoryError" not in str(error):
            raise
        raise MemoryError(
            "The fields of all frequencies do not fit into memory. Share them out with "
            "`simulate(devices=...)`, do not keep the factors for the adjoint "
            "(`NestedDissection(keep=False)`, a smaller `Pardiso(memory=...)` or `SuperLU(memory=...)`), "
            "or use fewer frequencies or a coarser mesh."
        ) from error


@compiled
def _finite(z: Complex[Array, "..."]) -> Bool[Array, ""]:
    return jnp.all(jnp.isfinite(z))


def _simulated(
    mesh: Mesh,
    survey: Survey,
    resistivity: Float[Array, "earth y"],
    traced: dict[str, Float[Array, " n"]],
    solver: AbstractSolver,
    devices: tuple[Any, ...] | None,
    forward_mode: bool,
) -> Responses:
    def impedances(
        omegas: Float[Array, " freq"],
        model: tuple[Float[Array, "earth y"], Float[Array, " site"] | None],
    ) -> dict[str, Complex[Array, "freq site"]]:
        section, stations = model

        def at(omega: Float[Array, ""]) -> dict[str, Complex[Array, " site"]]:
            return impedances_at(mesh, survey, section, solver, omega, forward_mode, stations)

        return jax.vmap(at)(omegas)

    shared = impedances if devices is None else over_devices(impedances, devices)
    omegas = jnp.asarray(2 * jnp.pi * traced.get("frequencies", survey.frequencies))
    found = shared(omegas, (resistivity, traced.get("stations")))
    return Responses(survey, found.get("z_xy"), found.get("z_yx"), found.get("tipper"), **traced)


_simulate = physics(_simulated)


def impedances_at(
    mesh: Mesh,
    survey: Survey,
    resistivity: Float[Array, "earth y"],
    solver: AbstractSolver,
    omega: Float[Array, ""],
    forward_mode: bool = False,
    stations: Float[Array, " site"] | None = None,
) -> dict[str, Complex[Array, " site"]]:
    """What one frequency gives of `z_xy` and `tipper` (TE) and `z_yx` (TM), as in `Responses`."""
    edges = edge_fields(omega, mesh, resistivity)
    systems = [OPERATORS[mode](mesh).system(omega, resistivity, edges) for mode in survey.modes]
    solutions = solve_all(solver, [s.stencil for s in systems], [s.rhs for s in systems], forward_mode)
    fields = {m: s.field(x) for m, s, x in zip(survey.modes, systems, solutions, strict=True)}
    found = {}
    if "te" in fields:
        te = te_at_stations(TE(mesh), omega, resistivity, fields["te"], survey, stations)
        found["z_xy"], found["tipper"] = te
    if "tm" in fields:
        found["z_yx"] = tm_at_stations(TM(mesh), omega, resistivity, fields["tm"], survey, stations)
    return found


def _required(
    good: Bool[Array, "..."], values: Float[Array, "..."], message: str, solver: AbstractSolver
) -> Float[Array, "..."]:
    """Traced values that are to be good; else they raise at run time, or are NaN."""
    spread = jax.typeof(values).manual_axis_type.varying
    if isinstance(solver, AbstractHostSolver) and not spread:
        return require(jnp.all(good), values, message)
    return jnp.where(jnp.all(good), values, jnp.nan)


def _in_range(
    mesh: Mesh, survey: Survey, solver: AbstractSolver, name: str, values: Array
) -> Float[Array, " n"]:
    """Traced frequencies or stations."""
    values = jnp.atleast_1d(values.astype(float))
    if name == "frequencies":
        good, message = jnp.isfinite(values) & (values > 0), "positive and finite, in Hz."
        right = values.ndim == 1
    else:
        low, high = mesh.y_nodes[0], mesh.y_nodes[-1]
        good, message = (values >= low) & (values <= high), f"in the mesh, from {low} to {high} m."
        right = values.shape == survey.stations.shape
        if mesh.surface.any():
            raise ValueError(
                "`simulate(stations=...)` takes traced positions on level ground only, for the depth of a "
                "station follows a slope. Use `Survey(stations=..., depths=...)` on this mesh."
            )
    if not right:
        size = "a number or a 1-D array" if name == "frequencies" else f"{survey.stations.size} positions"
        raise ValueError(f"`simulate({name}=...)` must hold {size}. Got shape {values.shape}.")
    return _required(good, values, f"`simulate({name}=...)` must be {message}", solver)


def _checked(
    mesh: Mesh, survey: Survey, solver: AbstractSolver, section: ArrayLike
) -> Float[Array, "earth y"]:
    plain = isinstance(section, np.ndarray) and section.dtype == float
    # On this way there is no program to compile.
    resistivity = jnp.asarray(jax.device_put(section) if plain else section, dtype=float)
    if resistivity.shape != mesh.shape:
        raise ValueError(
            "`simulate(resistivity=...)` must have shape (earth rows, columns) = "
            f"{mesh.shape}, earth only, in ohm m. Got {resistivity.shape}."
        )
    message = (
        "`simulate(resistivity=...)` must be positive and finite, in ohm m. Give resistivity, not "
        "its logarithm, and fill missing cells."
    )
    if isinstance(resistivity, Tracer):
        return _required(jnp.isfinite(resistivity) & (resistivity > 0), resistivity, message, solver)
    # In NumPy: what JAX computes under a transformation is traced.
    known = np.asarray(resistivity)
    good = np.isfinite(known) & (known > 0)
    if not good.all():
        row, column = (int(k) for k in np.argwhere(~good)[0])
        value = float(known[row, column])
        raise ValueError(f"{message} Got {value} in row {row}, column {column}.")
    mesh.warn(survey, known)
    return resistivity
