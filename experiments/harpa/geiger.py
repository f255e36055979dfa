"""The end of the way: events and speed by Geiger's method, arrivals and picks being partners.

Minima are flat where deeper and earlier events make up for a faster ground, and descent by one station at a
time is lost there. Least squares damped after Levenberg and Marquardt go along: Geiger (1912) for events,
Crosson (1976) for the speed with them.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int

from .association import Guess, Problem, inside
from .fields import Linearised
from .latent import LatentSpeed

SPACING = 0.01
"""Step of the latent numbers whose differences give the slopes of travel times."""

DAMPING = 1e-2
"""Damping of the first step, as a fraction of the diagonal."""


def linearised(
    model: LatentSpeed, latent: Float[Array, " latent"], nodes: Int[Array, "station 3"]
) -> Linearised:
    """The times of the speed of `latent`, by the eikonal equation, and their slopes."""
    several = latent + SPACING * jnp.concatenate([jnp.zeros((1, latent.size)), jnp.eye(latent.size)])
    times = model.travel_times(several, nodes)
    return Linearised(latent, times[0], (times[1:] - times[0]) / SPACING)


@eqx.filter_jit
def located(
    problem: Problem, guess: Guess, model: LatentSpeed, nodes: Int[Array, "station 3"], steps: int
) -> Guess:
    """One guess after `steps` damped steps, of which those that raise the mismatch are not made.

    - `problem`: with as many picks at each station as events; its field is not used.
    """
    start, guess_of = ravel_pytree(guess)
    picks = jnp.sort(problem.times, axis=1).T
    stations = jnp.arange(len(problem.times))

    def around(position: Array) -> tuple[Array, Array]:
        """Residuals and their derivatives."""
        latent = lax.stop_gradient(inside(guess_of(position).latent))
        exact = eqx.tree_at(lambda one: one.field, problem, linearised(model, latent, nodes))

        def residuals(position: Array) -> Array:
            return jnp.ravel(jnp.sort(exact.predicted(guess_of(position), stations), axis=0) - picks)

        return residuals(position), jax.jacfwd(residuals)(position)

    def step(_: int, state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        position, residual, slopes, damping = state
        size = jnp.sqrt(jnp.sum(jnp.square(slopes), axis=0))
        damped = jnp.concatenate([slopes, jnp.diag(jnp.sqrt(damping) * (size + jnp.max(size) * 1e-3))])
        change = jnp.linalg.lstsq(damped, jnp.concatenate([-residual, jnp.zeros_like(size)]))[0]
        trial = position + change
        found, its = around(trial)
        better = jnp.sum(jnp.square(found)) < jnp.sum(jnp.square(residual))
        position, residual, slopes = (
            jnp.where(better, new, old)
            for new, old in ((trial, position), (found, residual), (its, slopes))
        )
        return position, residual, slopes, jnp.where(better, damping / 5, damping * 5)

    state = (start, *around(start), jnp.asarray(DAMPING, start.dtype))
    return guess_of(lax.fori_loop(0, steps, step, state)[0])
