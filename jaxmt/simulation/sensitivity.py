r"""The Jacobian of a simulation: products with it and its transpose, and the whole of it.

For real $F(x)$ with Jacobian J: $J^Tu$ is the reverse pass; $Jv$ is the derivative of $u \mapsto J^Tu$,
which is linear, applied to v. So both come from the adjoint state alone, at the cost of one and of two
extra substitutions on the same factors. The whole Jacobian takes one substitution for each station and
component, all on the factors of their frequency.
"""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from ..conventions import MODES, require_x64
from .between import spline_weights
from .forward import default_solver, impedances_at
from .mesh import Mesh
from .responses import log10_and_phase, parts
from .solve import AbstractSolver
from .survey import Survey

FREQUENCIES_AT_ONCE = 4
"""Frequencies whose fields of all stations are held in memory together."""

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
    wanted, survey = survey, survey.solved()
    mesh.check_stations(survey)
    section = np.asarray(resistivity, dtype=float)
    if section.shape != mesh.shape or not np.all(np.isfinite(section) & (section > 0)):
        raise ValueError(
            f"`jacobian(resistivity=...)` must be positive and finite, in ohm m, of shape {mesh.shape} "
            f"(earth rows, columns). Got shape {section.shape}."
        )
    solver = default_solver() if solver is None else solver
    rows = {
        mode: _rows(mesh, survey, jnp.asarray(section), solver, mode)
        for mode in MODES
        if mode in survey.modes
    }
    if not all(bool(jnp.all(jnp.isfinite(values))) for values in rows.values()):
        raise FloatingPointError(
            "`jacobian` is not finite for this section. See what `simulate` says of it, and look for "
            "extreme values in `resistivity` (ohm m)."
        )
    absent = jnp.full((2, survey.frequencies.size, survey.stations.size, *mesh.shape), jnp.nan)
    te = rows.get("te", jnp.concatenate([absent, absent]))
    whole = jnp.concatenate([te[:2], rows.get("tm", absent), te[2:]])
    if wanted.computed is None:
        return whole
    weights = spline_weights(wanted.computed, wanted.frequencies)
    return jnp.einsum("fk,ckszy->cfszy", weights, whole)


@eqx.filter_jit
def _rows(
    mesh: Mesh, survey: Survey, section: Float[Array, "earth y"], solver: AbstractSolver, mode: str
) -> Float[Array, "comp freq site earth y"]:
    """The rows of a mode: TE with its tipper, TM."""
    alone = dataclasses.replace(survey, modes=(mode,))

    def at(omega: Float[Array, ""]) -> Float[Array, "comp site earth y"]:
        def curves(log10_resistivity: Float[Array, "earth y"]) -> Float[Array, "comp site"]:
            z = impedances_at(mesh, alone, 10**log10_resistivity, solver, omega)
            frequency = (omega / (2 * jnp.pi))[None]
            if mode == "tm":
                return log10_and_phase(-z["z_yx"][None], frequency)[:, 0]
            te = log10_and_phase(z["z_xy"][None], frequency)
            return jnp.concatenate([te, parts(z["tipper"][None])])[:, 0]

        value, pull = jax.vjp(curves, jnp.log10(section))
        unit = jnp.eye(value.size).reshape(-1, *value.shape)
        return jax.vmap(lambda u: pull(u)[0])(unit).reshape(*value.shape, *section.shape)

    omegas = jnp.asarray(2 * np.pi * survey.frequencies)
    return jnp.moveaxis(lax.map(at, omegas, batch_size=FREQUENCIES_AT_ONCE), 0, 1)
