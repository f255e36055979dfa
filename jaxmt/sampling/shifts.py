"""Static shifts that are integrated out of a Gaussian likelihood."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def shift_terms(
    pull: Float[Array, "mode site"], square: Float[Array, "mode site"], decades: float
) -> Float[Array, ""]:
    r"""What integrating out the static shifts adds to $-2\ln$ of a Gaussian likelihood.

    With $u = 1/\sigma$ of the data of a curve, $N(0, s_0^2)$ for its shift, `pull` $b = u\cdot r$ and
    `square` $a = u\cdot u$: $\ln(1 + s_0^2a) - b^2/(a + 1/s_0^2)$ for each curve.
    """
    return jnp.sum(jnp.log1p(decades**2 * square) - jnp.square(pull) / (square + 1 / decades**2))
