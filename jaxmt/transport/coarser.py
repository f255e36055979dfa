"""Where a solve on a large grid begins: the solution of fewer points, which tells how mass moves afar."""

from functools import partial
from typing import cast

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from . import all_pairs
from .all_pairs import FullGeometry
from .geometry import LocalGeometry, displacement
from .grid import Grid
from .kernel import Potentials
from .settings import Scalar, Settings

WARM_SWEEPS = 20
"""Sweeps that a warm start is given where there are coarser grids; if they do not do, those begin anew."""

COARSE_TOLERANCE = 0.1
"""Tolerance of coarser grids as a fraction of the tolerance: errors that they leave are slow to mend."""

Cloud = Float[Array, "n d"]
Other = Float[Array, "m d"]
Count = Int[Array, ""]


def suggested_level(epsilon: Scalar, tolerance: float, grid: Grid) -> Count:
    """The level beyond which mass of equal potentials is below the tolerance; it may not exist."""
    far = jnp.sqrt(epsilon * -jnp.log(jnp.asarray(tolerance, epsilon.dtype)))
    return jnp.sum(jnp.asarray(grid.reach, epsilon.dtype) < far).astype(jnp.int32)


def warm_or_coarser(
    x: Cloud, y: Cloud, settings: Settings, potentials: Potentials, grid: Grid, level: Count
) -> tuple[Scalar, Potentials, Count]:
    """`from_coarser_grids` unless a few sweeps are enough, and how many these were."""
    geometry = LocalGeometry(x, y, grid.table, jnp.asarray(grid.blocks)[level], settings.epsilon)
    tried = settings.iterate(geometry, potentials, 0.0, False, max_sweeps=WARM_SWEEPS)
    epsilon, potentials = lax.cond(
        tried.marginal_error < settings.tolerance,
        lambda: (settings.epsilon, tried.potentials),
        lambda: from_coarser_grids(x, y, settings, grid),
    )
    return epsilon, potentials, tried.sweeps


def from_coarser_grids(x: Cloud, y: Cloud, settings: Settings, grid: Grid) -> tuple[Scalar, Potentials]:
    """The epsilon at which coarser grids hand over, and their potentials at the points of this one."""
    coarse, parent = cast(Grid, grid.coarser), jnp.asarray(grid.parent)
    mass, coarse_mass = (jnp.asarray(m, x.dtype) for m in (grid.mass, coarse.mass))

    def means(cloud: Cloud) -> Float[Array, "coarse d"]:
        sums = jnp.zeros((len(coarse_mass), cloud.shape[1]), x.dtype)
        return sums.at[parent].add(mass[:, None] * cloud) / coarse_mass[:, None]

    p, q = means(x), means(y)
    # Closer than its points, a coarse cloud has nothing to tell.
    epsilon = jnp.maximum(settings.epsilon, jnp.square(jnp.asarray(coarse.spacing, x.dtype)))
    if coarse.coarser is None:
        geometry = FullGeometry(p, q, epsilon)
        first_epsilon, potentials = geometry.largest_cost(), Potentials(*2 * [jnp.zeros(len(p), x.dtype)])
        moved = partial(all_pairs.displacement, epsilon=epsilon)
    else:
        first_epsilon, potentials = from_coarser_grids(p, q, settings, coarse)
        level = jnp.clip(
            suggested_level(epsilon, settings.tolerance, coarse) + 1, 0, len(coarse.blocks) - 1
        )
        blocks = jnp.asarray(coarse.blocks)[level]
        geometry = LocalGeometry(p, q, coarse.table, blocks, epsilon)
        moved = partial(displacement, epsilon=epsilon, table=coarse.table, blocks=blocks)
    solution = settings.iterate(
        geometry,
        potentials,
        first_epsilon,
        False,
        masses=coarse_mass,
        tolerance=COARSE_TOLERANCE * settings.tolerance,
    )
    potentials = solution.potentials

    def extended(
        fine: Cloud, middles: Float[Array, "coarse d"], potential: Float[Array, " coarse"], shift: Array
    ) -> Float[Array, " n"]:
        # To first order about the means; the gradient of a potential is twice the way to go.
        slope = 2 * shift / coarse_mass[:, None]
        flat = potential - epsilon * jnp.log(coarse_mass)
        rise = jnp.sum(slope[parent] * (fine - middles[parent]), axis=1)
        return flat[parent] + rise + epsilon * jnp.log(mass)

    f = extended(x, p, potentials.f, moved(p, q, potentials=potentials))
    back = moved(q, p, potentials=Potentials(potentials.g, potentials.f))
    return epsilon, Potentials(f, extended(y, q, potentials.g, back))
