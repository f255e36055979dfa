"""Static shifts of a posterior, of mean zero by mode: sampled, or out of a Gaussian likelihood."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..conventions import RHO


def balanced(
    free: Float[Array, "mode site"], known: Bool[Array | np.ndarray, "mode site"]
) -> Float[Array, "mode site"]:
    r"""Shifts of mean zero over the `known` curves of a mode, zero for others, from independent ones.

    Independent numbers of variance $s_0^2$ less their mean are $N(0, s_0^2)$ given a sum of zero.
    """
    count = jnp.maximum(jnp.sum(known, axis=1), 1).astype(float)
    mean = jnp.sum(jnp.where(known, free, 0.0), axis=1) / count
    return jnp.where(known, free - mean[:, None], 0.0)


def shift_columns(weights: Float[np.ndarray, "comp freq site"]) -> Float[np.ndarray, "datum shift"]:
    """Slopes of the data times their weights with what `balanced` takes, in the order of its rows.

    - `weights`: data are those whose weight is positive.
    """
    component, _, site = np.nonzero(weights > 0)
    stations = weights.shape[-1]
    columns = np.zeros((component.size, 2 * stations))
    for mode, row in enumerate(RHO):
        here = np.flatnonzero(component == row)
        place = mode * stations + site[here]
        own, curves = weights[weights > 0][here], np.unique(place)
        columns[here, place] = own
        columns[np.ix_(here, curves)] -= own[:, None] / max(curves.size, 1)
    return columns


def shift_terms(
    pull: Float[Array, "mode site"], square: Float[Array, "mode site"], decades: float
) -> Float[Array, ""]:
    r"""What integrating out the static shifts adds to $-2\ln$ of a Gaussian likelihood.

    - `pull`, `square`: $b = u\cdot r$ and $a = u\cdot u$ of each curve, $u = 1/\sigma$ of its data; zero
      without data.

    The n shifts of a mode are $N(0, s_0^2)$ given that their sum is zero. With $p = 1 + s_0^2a$ that is
    $\sum\ln p + \ln\frac1n\sum p^{-1} - s_0^2\,[\sum b^2/p - (\sum b/p)^2/\sum p^{-1}]$.
    """
    there = square > 0
    p = 1 + decades**2 * square
    inverse = jnp.where(there, 1 / p, 0.0)
    total = jnp.sum(inverse, axis=1)
    some = total > 0
    safe = jnp.where(some, total, 1.0)
    volume = jnp.where(some, jnp.log(safe / jnp.maximum(jnp.sum(there, axis=1), 1).astype(p.dtype)), 0.0)
    found = jnp.sum(jnp.square(pull) * inverse, axis=1) - jnp.square(jnp.sum(pull * inverse, axis=1)) / safe
    return jnp.sum(jnp.log(p)) + jnp.sum(volume - decades**2 * found)
