"""What a sampler leaves of its draws, a round at a time, on disk."""

import abc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt32

from ..atomic import atomic_path
from ..io.summary import Json
from .density import AbstractDensity
from .mode import Mode, value
from .whitened import Whitening, apply

FILE = "draws.npz"

Segment = Mapping[str, np.ndarray]
"""Draws of a round: `x` (draw, parameter); `log_density`, `gradients`, `divergent` and perhaps `log_weight`
of each; and what the next round begins with."""


class AbstractSampler(eqx.Module):
    """Draws from a density.

    - `round`: draws between one state on disk and the next.
    - `independent`: whether no draw depends on the one before.
    """

    round: eqx.AbstractVar[int]
    independent: eqx.AbstractClassVar[bool]

    def whitening(self, density: AbstractDensity, peak: Mode, key: jax.Array) -> tuple[Whitening, int]:
        """What all chains are drawn in, and the gradients that it took; centred on the mode."""
        del density, key
        return peak.laplace.whitening(peak.x), 0

    @abc.abstractmethod
    def draw(
        self,
        density: AbstractDensity,
        whitening: Whitening,
        earlier: Segment | None,
        key: jax.Array,
        count: int,
    ) -> Segment:
        """So many draws after an earlier round; None begins.

        Raises `FloatingPointError` where no start has a finite density.
        """


class Task(eqx.Module):
    """A round of a chain: what the process that makes it is sent.

    - `earlier`: the folder of the round before, beside that of this one; None for the first.
    - `key`: the data of the key of this round.
    """

    density: AbstractDensity
    whitening: Whitening
    sampler: AbstractSampler
    earlier: str | None
    key: UInt32[np.ndarray, " word"]


def perform(place: Path, task: Task) -> Mapping[str, Json]:
    """Makes a round, for `run_tasks`."""
    earlier = None if task.earlier is None else read(place.parent / task.earlier)
    key = jax.random.wrap_key_data(jnp.asarray(task.key))
    found = task.sampler.draw(task.density, task.whitening, earlier, key, task.sampler.round)
    with atomic_path(place / FILE) as part, part.open("wb") as file:
        np.savez(file, **{str(name): values for name, values in found.items()})  # pyright: ignore[reportArgumentType]
    return {"gradients": int(found["gradients"].sum())}


def read(place: Path) -> dict[str, Any]:
    """The arrays of a round."""
    with np.load(place / FILE, allow_pickle=False) as file:
        return dict(file)


def starts(
    density: AbstractDensity, whitening: Whitening, key: jax.Array, tries: int = 10
) -> Float[np.ndarray, " parameter"]:
    """A whitened point drawn from Laplace's approximation, halved until its density is finite.

    Raises `FloatingPointError` where it never is.
    """
    white = jax.random.normal(key, whitening.centre.shape)
    for _ in range(tries):
        (x,) = apply(whitening, white[None])
        if np.isfinite(value(density, x)):
            return np.asarray(white)
        white = white / 2
    raise FloatingPointError("No start near the most probable section has a finite density.")
