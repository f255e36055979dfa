"""The derivative of a transport cost with its plan held fixed (envelope theorem): first order only."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Cloud = Float[Array, "n d"]


@jax.custom_jvp
def plan_held(cloud: Cloud, displacement: Cloud) -> Float[Array, ""]:
    """Zero, whose derivative in the cloud is twice the displacement: computed only where it is wanted."""
    del displacement
    return jnp.zeros((), cloud.dtype)


@plan_held.defjvp
def _(primals: tuple[Cloud, Cloud], tangents: tuple[Cloud, Cloud]) -> tuple[Array, Array]:
    return plan_held(*primals), 2 * jnp.sum(_once(*primals) * tangents[0])


@jax.custom_jvp
def _once(cloud: Cloud, displacement: Cloud) -> Cloud:
    """The displacement, which may not be differentiated in its turn: the plan would have to move."""
    del cloud
    return displacement


@_once.defjvp
def _(primals: tuple[Cloud, Cloud], tangents: tuple[Cloud, Cloud]) -> tuple[Array, Array]:
    del primals, tangents
    raise TypeError(
        "A Sinkhorn divergence has first derivatives only, with its plan held fixed. For second ones, as "
        "of `jax.hessian`, take a misfit such as `LeastSquares()`; Gauss-Newton takes `misfit.curvature`."
    )
