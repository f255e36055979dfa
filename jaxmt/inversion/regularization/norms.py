r"""Norms: how a penalty grows with the square s of a difference.

All of them have a slope in s that never grows, so that a norm lies below the parabola that touches it:
solving least squares again and again with the slopes as weights goes downhill.
"""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from equinox import AbstractClassVar
from jaxtyping import Array, Float


class AbstractNorm(eqx.Module):
    """A function of squared differences for `Smoothness(norm=...)`.

    - `isotropic`: whether it takes the differences across and down at a corner of a cell together, as the
      square of a gradient, or each on its own.
    """

    isotropic: AbstractClassVar[bool]

    @abc.abstractmethod
    def __call__(self, square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The norm of each square, in squared decades; zero at zero."""


class L2(AbstractNorm):
    """Squares: smooth sections, where a contact becomes a ramp."""

    isotropic: ClassVar[bool] = False

    def __call__(self, square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The square itself."""
        return square


class L1(AbstractNorm):
    r"""Sizes, $\sqrt{s + \epsilon^2} - \epsilon$: along the grid, a ramp costs what a contact does.

    - `epsilon`: decades; differences well below it count as in `L2`.
    """

    epsilon: float = 0.01
    isotropic: ClassVar[bool] = False

    def __check_init__(self) -> None:
        _check(self, self.epsilon)

    def __call__(self, square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The size beyond the rounded tip."""
        return _size(square, self.epsilon)


class TotalVariation(AbstractNorm):
    r"""Sizes of gradients, $\sqrt{s_y + s_z + \epsilon^2} - \epsilon$ (Rudin, Osher & Fatemi 1992).

    A contact along the grid costs its length times its contrast, in cells and decades; one at 45 degrees
    1.7 for a step of one cell each way, of which `L1` makes 2, and which is 1.4 long.

    - `epsilon`: decades; gradients well below it count as in `L2`.
    """

    epsilon: float = 0.01
    isotropic: ClassVar[bool] = True

    def __check_init__(self) -> None:
        _check(self, self.epsilon)

    def __call__(self, square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The size beyond the rounded tip."""
        return _size(square, self.epsilon)


class MinimumSupport(AbstractNorm):
    r"""Minimum gradient support, $(s_y + s_z) / (s_y + s_z + \epsilon^2)$ (Portniaguine & Zhdanov 1999).

    It counts the cells where the section changes, whatever the contrast: blocks with sharp sides. It is
    not convex, so where it leads depends on the start: let `L2` come first.

    - `epsilon`: the focusing parameter, decades; gradients well below it count as in `L2`, over
      $\epsilon^2$.
    """

    epsilon: float = 0.1
    isotropic: ClassVar[bool] = True

    def __check_init__(self) -> None:
        _check(self, self.epsilon)

    def __call__(self, square: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """Close to one for what is large."""
        return square / (square + self.epsilon**2)


def _size(square: Float[Array, "*shape"], epsilon: float) -> Float[Array, "*shape"]:
    return jnp.sqrt(square + epsilon**2) - epsilon


def _check(norm: AbstractNorm, epsilon: float) -> None:
    if not (epsilon > 0 and np.isfinite(epsilon)):
        raise ValueError(
            f"`{type(norm).__name__}(epsilon=...)` must be positive, in decades. Got {epsilon}."
        )
