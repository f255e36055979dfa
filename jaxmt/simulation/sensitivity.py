r"""The Jacobian of a simulation: products with it and its transpose, and the whole of it.

For real $F(x)$ with Jacobian J: $J^Tu$ is the reverse pass; $Jv$ is the derivative of $u \mapsto J^Tu$,
which is linear, applied to v. So both come from the adjoint state alone, at the cost of one and of two
extra substitutions on the same factors.

The whole Jacobian takes one substitution for each frequency, mode and station, and one more for its tipper
where that is wanted, all on the factors of the field. For apparent resistivity and phase are the real and
the imaginary part of one analytic function of the field, the logarithm of the impedance, and the adjoint
state of the one is $-i$ times that of the other.
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Complex, Float, Int

from ..conventions import COMPONENTS, MODES, TIPPER, require_x64, rows_of
from ..forking import refuse_forked
from ..programs import QUICK, compiled
from .between import spline_weights
from .fields import te_at_stations, tm_at_stations
from .forward import OPERATORS, default_solver
from .mesh import Mesh
from .operator import TM, System
from .solve import AbstractSolver, pull
from .survey import Survey

FREQUENCIES_AT_ONCE = 4
"""Frequencies whose fields of all stations are held in memory together, at most."""

LOGARITHM = np.array([2 / np.log(10), np.rad2deg(1.0)])
r"""What $\ln Z$ is multiplied by: its real part for decades of $|Z|^2$, its imaginary part for degrees."""

Function = Callable[[Float[Array, "..."]], Float[Array, "..."]]


def jacobian_vector_product(
    function: Function, at: Float[Array, "..."], tangent: Float[Array, "..."]
) -> Float[Array, "..."]:
    """J v: the first-order change of `function` for the change `tangent` of its argument `at`.

    - `function`: from a real array to a real array, such as log resistivity to data.

    In reverse mode alone, for functions that have no other, such as `simulate` by its default. Through
    `simulate(..., forward_mode=True)` `jax.jvp` gives the same.
    """
    value, pullback = jax.vjp(function, at)
    _, push = jax.vjp(lambda u: pullback(u)[0], jnp.zeros_like(value))
    return push(tangent)[0]


def vector_jacobian_product(
    function: Function, at: Float[Array, "..."], cotangent: Float[Array, "..."]
) -> Float[Array, "..."]:
    """J^T u for `cotangent` u, shaped like the value of `function`; the gradient of their product."""
    _, pullback = jax.vjp(function, at)
    return pullback(cotangent)[0]


def jacobian(
    mesh: Mesh, survey: Survey, resistivity: ArrayLike, *, solver: AbstractSolver | None = None
) -> Float[Array, "comp freq site earth y"]:
    r"""The change of every datum with every cell, $\partial F / \partial\log_{10}\rho$.

    Rows are in the order of `COMPONENTS`, in decades of apparent resistivity, degrees of phase and parts
    of the tipper for a decade of resistivity; NaN for a mode that the survey leaves out. It takes
    8 x 6 x frequencies x stations x cells bytes. Where fields are computed at other frequencies than the
    measured ones, rows are interpolated as responses are (`between.py`), which is exact.

    - `resistivity`: ohm m, of shape `mesh.shape`.

    Raises `ValueError` for a resistivity of the wrong shape or not positive and finite, and
    `FloatingPointError` where a system has no finite solution.
    """
    require_x64()
    computed, every = survey.solved(), range(len(COMPONENTS))
    whole = np.full((len(every), computed.frequencies.size, computed.stations.size, *mesh.shape), np.nan)
    for part in sweep(mesh, computed, resistivity, every, solver=solver):
        whole[np.ix_(part.components, part.frequencies)] = part.rows
    if survey.computed is None:
        return jnp.asarray(whole)
    weights = spline_weights(survey.computed, survey.frequencies)
    return jnp.einsum("fk,ckszy->cfszy", weights, whole)


class Part(NamedTuple):
    """What some frequencies of a mode give.

    - `components`, `frequencies`: indices of the rows, in `COMPONENTS` and in the survey.
    - `found`: `z_xy` and `tipper`, or `z_yx`, as in `Responses`.
    """

    components: Int[np.ndarray, " comp"]
    frequencies: Int[np.ndarray, " freq"]
    rows: Float[np.ndarray, "comp freq site earth y"]
    found: dict[str, Complex[np.ndarray, "freq site"]]


def sweep(
    mesh: Mesh,
    survey: Survey,
    resistivity: ArrayLike,
    components: Collection[int],
    *,
    solver: AbstractSolver | None = None,
) -> Iterator[Part]:
    """The rows of `jacobian`, a few frequencies at a time, and the responses that come with them.

    - `survey`: one that computes all its frequencies. `components`: the rows of `COMPONENTS` wanted.

    Some frequencies may come twice. Raises what `jacobian` does.
    """
    refuse_forked()
    mesh.check_stations(survey)
    section = np.asarray(resistivity, dtype=float)
    if section.shape != mesh.shape or not np.all(np.isfinite(section) & (section > 0)):
        raise ValueError(
            f"`jacobian(resistivity=...)` must be positive and finite, in ohm m, of shape {mesh.shape} "
            f"(earth rows, columns). Got shape {section.shape}."
        )
    solver = default_solver() if solver is None else solver
    m, n = jnp.asarray(np.log10(section)), survey.frequencies.size
    # As many at once each time, so that one program does.
    groups = -(-n // FREQUENCIES_AT_ONCE)
    several = -(-n // groups)
    for mode in (mode for mode in MODES if mode in survey.modes):
        given = np.array(rows_of(mode))
        tipper = mode == "te" and not set(TIPPER).isdisjoint(components)
        for group in range(groups):
            chosen = min(group * several, n - several) + np.arange(several)
            omegas = jnp.asarray(2 * np.pi * survey.frequencies[chosen])
            found, rows = jax.device_get(_rows(mesh, survey, m, solver, mode, tipper, omegas))
            if not np.all(np.isfinite(rows)):
                raise FloatingPointError(
                    "`jacobian` is not finite for this section. See what `simulate` says of it, and look "
                    "for extreme values in `resistivity` (ohm m)."
                )
            kept = np.isin(given[: len(rows)], list(components))
            yield Part(given[: len(rows)][kept], chosen, rows if kept.all() else rows[kept], found)


def _differentiated(
    mesh: Mesh,
    survey: Survey,
    section: Float[Array, "earth y"],
    solver: AbstractSolver,
    mode: str,
    tipper: bool,
    omegas: Float[Array, " freq"],
) -> tuple[dict[str, Complex[Array, "freq site"]], Float[Array, "comp freq site earth y"]]:
    r"""The responses of a mode, and the rows of $\ln Z$, and of the tipper if it is wanted.

    - `section`: $\log_{10}\rho$.
    """
    operator = OPERATORS[mode](mesh)

    def at(
        omega: Float[Array, ""],
    ) -> tuple[dict[str, Complex[Array, " site"]], Float[Array, "comp site earth y"]]:
        def measured(
            m: Float[Array, "earth y"], sides: Complex[Array, "2 znode"], x: Complex[Array, "row col"]
        ) -> tuple[Complex[Array, "function site"], dict[str, Complex[Array, " site"]]]:
            field = System(system.stencil, system.rhs, sides).field(x)
            if isinstance(operator, TM):
                z = tm_at_stations(operator, omega, 10**m, field, survey)
                return jnp.log(-z)[None], {"z_yx": z}
            z, t = te_at_stations(operator, omega, 10**m, field, survey)
            return jnp.stack([jnp.log(z), t] if tipper else [jnp.log(z)]), {"z_xy": z, "tipper": t}

        system, to_section = jax.vjp(lambda m: operator.system(omega, 10**m), section)
        factor = solver.factorise(system.stencil)
        x = solver.substitute(factor, system.rhs, False)
        values, back, found = jax.vjp(measured, section, system.sides, x, has_aux=True)
        unit = jnp.eye(values.size, dtype=x.dtype).reshape(-1, *values.shape)
        sources = jax.vmap(lambda u: back(u)[2])(unit)
        adjoints = jax.vmap(lambda b: solver.substitute(factor, b, True))(sources)

        def pair(
            output: tuple[Complex[Array, " 2"], Complex[Array, "function site"], Complex[Array, "row col"]],
        ) -> Float[Array, "2 earth y"]:
            scales, u, adjoint = output

            def row(scale: Complex[Array, ""]) -> Float[Array, "earth y"]:
                direct, sides, _ = back(scale * u)
                (through,) = to_section(System(pull(scale * adjoint, x), scale * adjoint, sides))
                return direct + through

            return jax.vmap(row)(scales)

        # JAX's cotangents obey x_bar = y_bar dy/dx: 1 takes the real part of an output, -i the imaginary.
        scales = np.stack([LOGARITHM, np.ones(2)])[: len(values)] * [1, -1j]
        each = jnp.repeat(jnp.asarray(scales), values.shape[1], axis=0)
        # One after the other: what a pair needs on its way stays in the cache.
        pairs = lax.map(pair, (each, unit, adjoints)).reshape(len(values), -1, 2, *section.shape)
        return found, jnp.moveaxis(pairs, 2, 1).reshape(-1, values.shape[1], *section.shape)

    found, rows = jax.vmap(at)(omegas)
    return found, jnp.moveaxis(rows, 0, 1)


_rows = compiled(_differentiated, QUICK)
