"""What is learned from: pairs split in three, seen with noise through the data that exist."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from .pairs import Pairs

Vectors = Float[np.ndarray, "model channel"]


@dataclasses.dataclass(frozen=True)
class Counts:
    """Numbers of training, validation and test models."""

    training: int = 3000
    validation: int = 300
    test: int = 300

    def __post_init__(self) -> None:
        if min(self.training, self.validation, self.test) < 1:
            raise ValueError(
                "There must be training, validation and test models. "
                f"Got {self.training}, {self.validation} and {self.test}; ask for more."
            )

    @property
    def total(self) -> int:
        """Of all three."""
        return self.training + self.validation + self.test


@dataclasses.dataclass(frozen=True)
class Examples:
    """Training, validation and test models, in this order in `pairs`.

    - `errors`: standard deviations of the noise: decades, degrees, decades, degrees.
    - `mask`: True where a datum exists; the channels are these data, in order.
    - `seed`: of the noise.
    """

    pairs: Pairs
    counts: Counts
    errors: Float[np.ndarray, "4 freq site"]
    mask: Bool[np.ndarray, "4 freq site"]
    seed: int = 0

    def part(self, name: str) -> slice:
        """The models of "training", "validation" or "test"."""
        first, second = self.counts.training, self.counts.training + self.counts.validation
        return {
            "training": slice(0, first),
            "validation": slice(first, second),
            "test": slice(second, self.counts.total),
        }[name]

    def pictures(self, name: str) -> Float[np.ndarray, "model row column"]:
        """Decades of ohm m."""
        return self.pairs.pictures[self.part(name)].astype(float)

    def clean(self, name: str) -> Vectors:
        """Data without noise."""
        return self.pairs.values[self.part(name)][:, self.mask]

    def noisy(self, name: str) -> Vectors:
        """Data with noise that is the same each time."""
        seed = [self.seed, ("training", "validation", "test").index(name)]
        clean = self.clean(name)
        return clean + self.errors[self.mask] * np.random.default_rng(seed).standard_normal(clean.shape)

    def redrawn(self, key: Key[Array, ""]) -> Float[Array, "model channel"]:
        """Training data with new noise."""
        clean = jnp.asarray(self.clean("training"))
        return clean + jnp.asarray(self.errors[self.mask]) * jax.random.normal(key, clean.shape)
