r"""How far a plan moves mass along frequency and along the line, and what becomes of the gradient.

Where a plan leaves all mass on its own point, transport is least squares with the weights of the cloud. The
share of mass that leaves says little of that: most of it is the smear of a blur, which the debiased
divergence takes away again. What is left is the net displacement, of the plan less that of the cloud with
itself, and the cosine of the gradient with that of the same clouds with every point kept on its own datum.
"""

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ..transport import Divergence

Cloud = Float[Array, "point d"]
Scalar = Float[Array, ""]

AS_SQUARES = 0.999
"""A cosine above which the gradient of transport is that of least squares with the same weights."""


class Motion(eqx.Module):
    """Sums over the points of the last comparison, so that those of several clouds add up.

    - `points`: how many. `slide`: squared net displacements along frequency (decades) and along the line
      (spacings of the stations).
    - `left`: the share of its mass that does not end on a point's own datum, be it moved or left behind.
    - `moved`, `paired`, `shared`: squared lengths of the gradients with the values of transport and of
      squares between points of one place, and their inner product.
    """

    points: Scalar
    slide: Float[Array, "2"]
    left: Scalar
    moved: Scalar
    paired: Scalar
    shared: Scalar

    @classmethod
    def none(cls) -> "Motion":
        """No comparison yet."""
        zero, none = (jnp.asarray(np.zeros(shape)) for shape in ((), 2))
        return cls(zero, none, zero, zero, zero, zero)

    @classmethod
    def of(
        cls, predicted: Cloud, observed: Cloud, result: Divergence, blur: Scalar, units: Float[Array, "2"]
    ) -> "Motion":
        """The motion of a solved divergence of two clouds whose points stand at the same places.

        - `blur`: of the transport. `units`: decades of frequency and spacings in a unit of either axis.
        """
        predicted, observed, result, blur = lax.stop_gradient((predicted, observed, result, blur))
        displacement = result.displacement
        if displacement is None:
            raise ValueError("`Motion.of(result=...)` must hold a displacement: take that of `divergence`.")
        points = jnp.asarray(len(predicted), predicted.dtype)
        apart = predicted - observed
        potentials = result.between.potentials
        cost = jnp.sum(jnp.square(apart), axis=1)
        stays = points * jnp.exp((potentials.f + potentials.g - cost) / jnp.square(blur))
        way = points * displacement
        # Gradients of the divergence, so that clouds of several sizes add up as their gradients do.
        pull, plain = displacement[:, 2:], apart[:, 2:] / points
        return cls(
            points,
            jnp.sum(jnp.square(way[:, :2] * units), axis=0),
            jnp.sum(1 - stays),
            jnp.sum(jnp.square(pull)),
            jnp.sum(jnp.square(plain)),
            jnp.sum(pull * plain),
        )

    @classmethod
    def together(cls, parts: Sequence["Motion"]) -> "Motion":
        """The motion of several clouds: sums of sums."""
        return jax.tree.map(lambda *each: np.sum(np.asarray(each), axis=0), *parts)

    def describe(self) -> dict[str, float]:
        """Root mean square slides, the mean share of mass that leaves, and the cosine, by name.

        Empty before the first comparison.
        """
        points = float(self.points)
        if points == 0:
            return {}
        # In NumPy: operation by operation, JAX would compile each.
        slide = np.sqrt(np.asarray(self.slide) / points)
        length = float(np.sqrt(float(self.moved) * float(self.paired)))
        return {
            "slide_decades": float(slide[0]),
            "slide_spacings": float(slide[1]),
            "mass_leaving": float(self.left) / points,
            "cosine_with_squares": float(self.shared) / length if length > 0 else float("nan"),
        }


def moves(history: Mapping[str, Sequence[float]]) -> bool:
    """Whether an inversion went by transport, from its history."""
    return bool(np.isfinite(np.array(history.get("cosine_with_squares", []), dtype=float)).any())


def in_words(history: Mapping[str, Sequence[float]]) -> str | None:
    """What transport did in an inversion, from its history; None if there was no transport."""
    if not moves(history):
        return None
    cosine = np.array(history["cosine_with_squares"], dtype=float)
    least, most = float(np.nanmin(cosine)), float(np.nanmax(cosine))
    slides, alone = [], ""
    for name, unit, axis in (
        ("slide_decades", "decades of frequency", "frequency"),
        ("slide_spacings", "spacings of the stations", "station"),
    ):
        slide = np.array(history[name], dtype=float)
        if np.isfinite(slide).any():
            slides.append(f"{np.nanmax(slide):.2g} {unit}")
        else:
            alone += f"; there is one {axis}, and nothing to slide along"
    if least > AS_SQUARES:
        return (
            "transport was least squares with the weights of its clouds: the cosine of the two gradients "
            f"never fell below {np.floor(1e5 * least) / 1e5:.5f}{alone}"
        )
    return (
        f"transport moved mass by up to {' and '.join(slides) or 'nothing'} (rms of the points); the "
        "cosine of its gradient with that of squares of the same clouds was "
        f"{least:.3f} to {most:.3f}{alone}"
    )
