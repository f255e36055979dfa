r"""The map from unbounded parameters to bounded resistivity that cells and blocks share.

A parameter p gives $\log_{10}\rho = a + (b-a)\,s(4p/(b-a))$ with the bounds a and b in decades and the
logistic function s: unbounded p, bounded resistivity, and a slope of one decade per unit of p in the
middle of the range. The gradient never vanishes entirely, as it would with clipping.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import expit

MARGIN = 1e-3
"""Nearest that a long step comes to a bound, as a part of their distance."""

LARGEST = 50.0
"""A parameter this large would mean a resistivity within 1e-12 of a bound."""

Values = Float[np.ndarray, " parameter"]
Vector = Float[Array, " parameter"]


def check_bounds(name: str, low: float, high: float) -> None:
    """Raises `ValueError` unless 0 < low < high."""
    if not 0 < low < high < np.inf:
        raise ValueError(
            f"`{name}(low=..., high=...)` must satisfy 0 < low < high, in ohm m. "
            f"Got low={low}, high={high}."
        )


def check_within(name: str, cells: Values, low: float, high: float) -> None:
    """Raises `ValueError` where resistivities (ohm m) are not between the bounds."""
    outside = (cells <= low) | (cells >= high)
    if outside.any():
        raise ValueError(
            f"Resistivity must lie between `{name}(low={low}, high={high})` in every free cell, in ohm m. "
            f"Got {cells[outside][0]}; widen the bounds or fix those cells."
        )


def checked(name: str, parameters: Any) -> Vector:
    """Parameters that were given as such. Raises `ValueError` unless finite and of a usual size."""
    values = np.asarray(parameters, dtype=float)
    wrong = ~(np.abs(values) < LARGEST)
    if wrong.any():
        raise ValueError(
            f"`invert(start=...)`: parameters of `{name}`, which are no resistivities, must lie between "
            f"{-LARGEST:g} and {LARGEST:g}. Got {values[wrong][0]}; give a section of shape `mesh.shape` "
            "in ohm m."
        )
    return jnp.asarray(values)


def to_decades(
    parameters: Float[Array, " parameter"], low: float, high: float
) -> Float[Array, " parameter"]:
    """log10 of resistivity for each parameter."""
    a, b = np.log10(low), np.log10(high)
    return a + (b - a) * jax.nn.sigmoid(4 / (b - a) * parameters)


def from_decades(values: Values, low: float, high: float) -> Vector:
    """The inverse of `to_decades`."""
    a, b = np.log10(low), np.log10(high)
    s = (values - a) / (b - a)
    # As `jnp.asarray`, without a program to compile.
    return jax.device_put((b - a) / 4 * np.log(s / (1 - s)))


def _share(parameters: Vector, low: float, high: float) -> Values:
    """Where between the bounds, in NumPy: operation by operation, JAX would compile each."""
    return expit(4 / np.log10(high / low) * np.asarray(parameters))


def slope(parameters: Vector, low: float, high: float) -> Values:
    """The derivative of `to_decades`, between 0 and 1."""
    s = _share(parameters, low, high)
    return 4 * s * (1 - s)


def log_volume(parameters: Float[Array, " parameter"], low: float, high: float) -> Float[Array, ""]:
    """The sum of the logarithms of the slopes of `to_decades`."""
    t = 4 / np.log10(high / low) * parameters
    return jnp.sum(np.log(4.0) + jax.nn.log_sigmoid(t) + jax.nn.log_sigmoid(-t))


def moved(parameters: Vector, step: Values, low: float, high: float) -> Vector:
    """Parameters whose log10 of resistivity changes as `step` says to first order, kept off the bounds."""
    a, b = np.log10(low), np.log10(high)
    margin = MARGIN * (b - a)
    values = a + (b - a) * _share(parameters, low, high) + slope(parameters, low, high) * step
    return from_decades(np.clip(values, a + margin, b - margin), low, high)
