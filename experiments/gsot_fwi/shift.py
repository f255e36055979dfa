"""What two misfits make of a wavelet that comes too early or too late."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmt.transport import graph_space_distance

from .wavelet import ricker

FREQUENCY, STEP, SAMPLES = 25.0, 0.004, 100
"""Peak frequency of the wavelet, Hz, its sampling step, s, and its samples; it peaks at the middle one."""

ETA = 0.003
"""Squared amplitude per squared sample."""

Traces = Float[Array, "*batch sample"]


def graph_space(predicted: Traces, observed: Traces, eta: float = ETA) -> Float[Array, "*batch"]:
    """The graph-space cost of traces; positions are counted in samples."""
    positions = jnp.arange(observed.shape[-1], dtype=observed.dtype)
    return graph_space_distance(predicted, observed, positions, eta)


def least_squares(predicted: Traces, observed: Traces) -> Float[Array, "*batch"]:
    """The sum of squared differences."""
    return jnp.sum(jnp.square(predicted - observed), axis=-1)


def shifted(shifts: Float[np.ndarray, " shift"]) -> Float[np.ndarray, "shift sample"]:
    """The wavelet with its peak moved, shifts in samples."""
    return np.stack([ricker(FREQUENCY, SAMPLES, STEP, (SAMPLES // 2 + s) * STEP) for s in shifts])


def costs(
    shifts: Float[np.ndarray, " shift"], etas: tuple[float, ...] = (ETA,)
) -> dict[str, Float[np.ndarray, " shift"]]:
    """Both misfits between the wavelet and itself shifted; graph space for each eta."""
    predicted = jnp.asarray(shifted(shifts))
    observed = jnp.broadcast_to(jnp.asarray(shifted(np.zeros(1))), predicted.shape)
    found = {"least squares": np.asarray(least_squares(predicted, observed))}
    compare = jax.jit(graph_space)
    return found | {
        f"graph space, eta {eta:g}": np.asarray(compare(predicted, observed, eta)) for eta in etas
    }
