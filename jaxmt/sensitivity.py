r"""Products with the Jacobian of a simulation.

For real $F(x)$ with Jacobian J: $J^Tu$ is the reverse pass; $Jv$ is the derivative of $u \mapsto J^Tu$,
which is linear, applied to v. So both come from the adjoint state alone, at the cost of one and of two
extra substitutions on the same factors.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Function = Callable[[Float[Array, "..."]], Float[Array, "..."]]


def jacobian_vector_product(
    function: Function, at: Float[Array, "..."], tangent: Float[Array, "..."]
) -> Float[Array, "..."]:
    """J v: the first-order change of `function` for the change `tangent` of its argument `at`.

    - `function`: from a real array to a real array, such as log resistivity to data.
    """
    value, pullback = jax.vjp(function, at)
    _, push = jax.vjp(lambda u: pullback(u)[0], jnp.zeros_like(value))
    return push(tangent)[0]


def vector_jacobian_product(
    function: Function, at: Float[Array, "..."], cotangent: Float[Array, "..."]
) -> Float[Array, "..."]:
    """J^T u for `cotangent` u, shaped like the value of `function`; the gradient of their product."""
    _, pullback = jax.vjp(function, at)
    return pullback(cotangent)[0]
