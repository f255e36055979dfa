"""Unknown wave speed: a latent model of speeds, and a travel-time field conditioned on it."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .association import inside
from .eikonal import travel_times_of_all
from .fields import Siren, trained
from .latent import LatentSpeed, fitted
from .picks import station_nodes
from .scores import rms
from .speeds import random_field, random_speeds
from .units import KILOMETRES, SECONDS

Progress = Callable[[int, str], None]


@dataclasses.dataclass(frozen=True)
class World:
    """All that is learned before the first event, for one set of stations.

    - `held_out`: speeds that nothing was trained on; `times` (speed, n, n, n, station) of these.
    - `speed_error`: km/s, of the latent model, and `time_error`, s, of the field, both rms over them.
    """

    nodes: np.ndarray
    latent: LatentSpeed
    field: Siren
    held_out: np.ndarray
    times: np.ndarray
    speed_error: float
    time_error: float

    def speed(self, latent: np.ndarray) -> np.ndarray:
        """The cube of a latent guess."""
        found = self.latent.decode(inside(jnp.asarray(latent))[None])
        return np.asarray(found[0]).reshape(self.held_out.shape[1:])


@dataclasses.dataclass(frozen=True)
class Training:
    """How large the nodes, sets and networks are.

    - `examples`: speeds that the latent model is fitted to; `speeds`: the first of them, whose travel times
      the field learns.
    """

    n: int = 16
    stations: int = 20
    patterns: int = 6
    examples: int = 4000
    speeds: int = 700
    held_out: int = 10
    latents: int = 4
    width: int = 96
    depth: int = 4
    steps: int = 4000
    batch: int = 2048
    latent_steps: int = 10_000


def learned(sizes: Training, seed: int, progress: Progress) -> World:
    """Draws speeds, solves for their travel times, and fits both models.

    - `progress`: called with the number of new steps of all, and a word about them.
    """
    rng, n = np.random.default_rng(seed), sizes.n
    patterns = np.stack([random_field(rng, n) for _ in range(sizes.patterns)])
    examples = random_speeds(rng, patterns, sizes.examples)
    speeds = np.concatenate([examples[: sizes.speeds], random_speeds(rng, patterns, sizes.held_out)])
    nodes = station_nodes(rng, n, sizes.stations)
    one, two, three = jax.random.split(jax.random.key(seed), 3)

    latent = fitted(
        examples,
        sizes.latents,
        key=one,
        steps=sizes.latent_steps,
        progress=lambda steps, error: progress(steps, f"speeds to {KILOMETRES / SECONDS * error:.2f} km/s"),
    )
    flat = jnp.asarray(speeds.reshape(len(speeds), -1), dtype=float)
    codes = latent.encode(flat)
    held_out = slice(sizes.speeds, None)
    decoded = latent.decode(codes[held_out])

    tables = []
    for part in np.array_split(speeds, 10):
        tables.append(np.asarray(travel_times_of_all(jnp.asarray(part, dtype=float), jnp.asarray(nodes))))
        progress(len(part), "travel times")
    times = np.concatenate(tables)
    axis = np.linspace(0, 1, n)
    points = jnp.asarray(
        np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3), dtype=float
    )
    positions = jnp.asarray(nodes / (n - 1), dtype=float)
    siren = Siren(positions, jnp.mean(1 / flat), sizes.latents, sizes.width, sizes.depth, key=two)
    table = jnp.asarray(times.reshape(len(times), -1, sizes.stations))
    field = trained(
        siren,
        points,
        table[: sizes.speeds],
        codes[: sizes.speeds],
        key=three,
        steps=sizes.steps,
        batch=sizes.batch,
        progress=lambda steps, error: progress(steps, f"field to {SECONDS * error:.2f} s"),
    )
    stations = jnp.arange(sizes.stations)
    found = lax.map(lambda code: field(points, code, stations), codes[held_out])
    return World(
        nodes,
        latent,
        field,
        speeds[held_out],
        times[held_out],
        KILOMETRES / SECONDS * rms(np.asarray(decoded - flat[held_out])),
        SECONDS * rms(np.asarray(found - table[held_out])),
    )
