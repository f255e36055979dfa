"""Random noise of unit scale, by distribution."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from .programs import UNOPTIMISED, compiled

OUTLIER_FRACTION = 0.1
OUTLIER_FACTOR = 10.0
STUDENT_FREEDOM = 3.0

Noise = Float[Array, "..."]


def _gaussian(shape: tuple[int, ...], key: PRNGKeyArray) -> Noise:
    return jax.random.normal(key, shape)


def _student(shape: tuple[int, ...], key: PRNGKeyArray) -> Noise:
    return jax.random.t(key, STUDENT_FREEDOM, shape)


def _outliers(shape: tuple[int, ...], key: PRNGKeyArray) -> Noise:
    key, chosen = jax.random.split(key)
    far = jax.random.bernoulli(chosen, OUTLIER_FRACTION, shape)
    return jax.random.normal(key, shape) * jnp.where(far, OUTLIER_FACTOR, 1.0)


KINDS = {"gaussian": _gaussian, "student": _student, "outliers": _outliers}
"""Normal; Student's t with 3 degrees of freedom; normal, with one number in ten ten times as large."""


def drawn(kind: str, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """Noise of a kind out of `KINDS`."""
    return np.asarray(_drawn(kind, shape, key))


def _draw(kind: str, shape: tuple[int, ...], key: PRNGKeyArray) -> Noise:
    return KINDS[kind](shape, key)


_drawn = compiled(_draw, UNOPTIMISED)
