r"""A latent model of wave speeds: a few numbers between 0 and 1 that stand for a whole cube.

An autoencoder on the leading principal components of a set of speeds. It learns which combinations of
them occur, which no linear basis of as few numbers can hold.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from .eikonal import travel_times_of_all
from .training import learned
from .units import FASTEST, SLOWEST

WIDTH = 128
RATE = 2e-3
CHUNK = 200
"""Steps of training between two reports."""


class LatentSpeed(eqx.Module):
    """An encoder and a decoder between speeds and latent vectors.

    - `low`, `high`: of the raw code over the training set; the latent vector is the code scaled by them.
    """

    mean: Float[Array, " node"]
    components: Float[Array, "component node"]
    scale: Float[Array, ""]
    encoder: eqx.nn.MLP
    decoder: eqx.nn.MLP
    low: Float[Array, " latent"]
    high: Float[Array, " latent"]

    def code(self, speeds: Float[Array, "speed node"]) -> Float[Array, "speed latent"]:
        """Of speeds, unscaled."""
        return jax.vmap(self.encoder)((speeds - self.mean) @ self.components.T / self.scale)

    def decoded(self, code: Float[Array, "speed latent"]) -> Float[Array, "speed node"]:
        """The speeds of codes."""
        found = self.mean + self.scale * jax.vmap(self.decoder)(code) @ self.components
        return jnp.clip(found, SLOWEST, FASTEST)

    def encode(self, speeds: Float[Array, "speed node"]) -> Float[Array, "speed latent"]:
        """The latent vectors of speeds; between 0 and 1 for those of the training set."""
        return (self.code(speeds) - self.low) / (self.high - self.low)

    def decode(self, latents: Float[Array, "speed latent"]) -> Float[Array, "speed node"]:
        """The speeds of latent vectors."""
        return self.decoded(self.low + latents * (self.high - self.low))

    @eqx.filter_jit
    def travel_times(
        self, latents: Float[Array, "speed latent"], nodes: Int[Array, "station 3"]
    ) -> Float[Array, "speed n n n station"]:
        """The times to stations at `nodes` through the speeds of latent vectors."""
        n = round(self.mean.size ** (1 / 3))
        return travel_times_of_all(self.decode(latents).reshape(-1, n, n, n), nodes)


def fitted(
    speeds: np.ndarray,
    latents: int,
    *,
    key: Key[Array, ""],
    steps: int,
    components: int = 64,
    batch: int = 128,
    progress: Callable[[int, float], None] = lambda _steps, _error: None,
) -> LatentSpeed:
    """The latent model of a set of speeds (speed, n, n, n), by Adam on the mean square error.

    - `progress`: called with the number of new steps and the rms error of their batches.

    Raises `ValueError` for fewer speeds than latent numbers.
    """
    if len(speeds) <= latents:
        raise ValueError(f"{len(speeds)} speeds are too few for {latents} latent numbers; give more.")
    flat = jnp.asarray(speeds.reshape(len(speeds), -1), dtype=float)
    mean = jnp.mean(flat, axis=0)
    values, vectors = jnp.linalg.eigh((flat - mean) @ (flat - mean).T)
    kept = min(components, len(speeds) - 1)
    basis = vectors[:, -kept:].T @ (flat - mean) / jnp.sqrt(values[-kept:, None])
    projections = (flat - mean) @ basis.T
    scale = jnp.std(projections)
    one, other, draws = jax.random.split(key, 3)
    zero = jnp.zeros(latents, flat.dtype)
    model = LatentSpeed(
        mean,
        basis,
        scale,
        eqx.nn.MLP(kept, latents, WIDTH, 2, jax.nn.gelu, key=one),
        eqx.nn.MLP(latents, kept, WIDTH, 2, jax.nn.gelu, key=other),
        zero,
        zero + 1,
    )
    samples = projections / scale

    def networks(model: LatentSpeed) -> tuple[eqx.nn.MLP, eqx.nn.MLP]:
        return model.encoder, model.decoder

    variable, fixed = eqx.partition(networks(model), eqx.is_array)

    def loss(variable: tuple, draw: Array) -> Array:
        encoder, decoder = eqx.combine(variable, fixed)
        chosen = samples[jax.random.randint(draw, (batch,), 0, len(samples))]
        # The basis is orthonormal: an error of the components is one of the speeds.
        return jnp.mean(jnp.square(jax.vmap(decoder)(jax.vmap(encoder)(chosen)) - chosen))

    per_speed = float(scale) * np.sqrt(kept / flat.shape[1])
    variable = learned(
        loss,
        variable,
        key=draws,
        steps=steps,
        rate=RATE,
        chunk=CHUNK,
        progress=lambda count, error: progress(count, per_speed * error),
    )
    model = eqx.tree_at(networks, model, eqx.combine(variable, fixed))
    codes = model.code(flat)
    return eqx.tree_at(lambda m: (m.low, m.high), model, (codes.min(axis=0), codes.max(axis=0)))
