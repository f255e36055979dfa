"""The most probable section: where Laplace's approximation of a posterior is taken."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..programs import physics
from .density import AbstractDensity, Linearised
from .whitened import Laplace

STEPS, HALVINGS = 30, 8
"""Steps of Gauss and Newton at most, and how often one is halved."""

NEAR = 1e-2
"""A step that would raise the logarithm of the density by less is none: a tenth of a standard deviation."""

Vector = Float[np.ndarray, " parameter"]


class Mode(NamedTuple):
    """A maximum of a density: the point, the density around it, and how far it still was to go.

    - `left`: what the next step would raise the logarithm of the density by; above `NEAR` where the search
      ended early.
    """

    x: Vector
    around: Linearised
    laplace: Laplace
    log_density: float
    left: float


def mode(density: AbstractDensity, x: Vector) -> Mode:
    """Climbs by Gauss and Newton's method from x, each step halved until it leads up.

    Raises `FloatingPointError` where x has no finite density, `numpy.linalg.LinAlgError` for a prior that
    is not positive definite.
    """
    here = value(density, x)
    if not np.isfinite(here):
        raise FloatingPointError("The start has no finite density.")
    for _ in range(STEPS):
        around = density.linearised(x)
        laplace = Laplace(around)
        step = -laplace.solve(around.gradient)
        left = float(-around.gradient @ step) / 2
        found = _ahead(density, x, here, step) if left > NEAR else None
        if found is None:
            return Mode(x, around, laplace, here, left)
        x, here = found
    return mode_at(density, x)


def mode_at(density: AbstractDensity, x: Vector) -> Mode:
    """A mode that was found before."""
    around = density.linearised(x)
    laplace = Laplace(around)
    left = float(around.gradient @ laplace.solve(around.gradient)) / 2
    return Mode(x, around, laplace, value(density, x), left)


def _ahead(density: AbstractDensity, x: Vector, here: float, step: Vector) -> tuple[Vector, float] | None:
    """A point along a step that is higher, and its height; None if there is none."""
    for halving in range(HALVINGS):
        there = x + step / 2**halving
        height = value(density, there)
        if height > here:
            return there, height
    return None


def value(density: AbstractDensity, x: Vector) -> float:
    """The logarithm of a density."""
    return float(_value(density.on_host)(density, jnp.asarray(x)))


def _valued(density: AbstractDensity, x: Float[Array, " parameter"]) -> Float[Array, ""]:
    return density(x)


_value = physics(_valued)
