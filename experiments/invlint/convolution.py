"""The network to compare with: convolutions down to a vector and up to a picture, as InversionNet's."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from .decoder import SINGLE
from .ridge import Linear

FEATURES = 64
HALVINGS = 3


class Convolutional(eqx.Module):
    """Standardised data, frequency by station in four channels, to a picture in decades of ohm m.

    Average pooling and nearest neighbours in place of strided and transposed convolutions, whose gradients
    XLA does slowly on a CPU.

    - `width`: channels of the first layer; each pooling doubles them.
    - `span`: lowest and highest value of the training pictures, scaled to -1 and 1.
    """

    inward: list[eqx.nn.Conv2d]
    squeeze: eqx.nn.Linear
    expand: eqx.nn.Linear
    outward: list[eqx.nn.Conv2d]
    given: tuple[int, int] = eqx.field(static=True)
    shape: tuple[int, int] = eqx.field(static=True)
    span: tuple[float, float] = eqx.field(static=True)

    def __init__(
        self,
        given: tuple[int, int],
        shape: tuple[int, int],
        span: tuple[float, float],
        *,
        width: int = 8,
        key: Key[Array, ""],
    ) -> None:
        step = 2**HALVINGS
        if any(side % step for side in shape):
            raise ValueError(f"A picture of {shape} pixels must have sides that are multiples of {step}.")
        self.given, self.shape, self.span = given, shape, span
        keys = iter(jax.random.split(key, 2 * HALVINGS + 3))
        widths = [width * 2**k for k in range(HALVINGS)]

        def layer(before: int, after: int) -> eqx.nn.Conv2d:
            return eqx.nn.Conv2d(before, after, 3, padding=1, dtype=SINGLE, key=next(keys))

        self.inward = [layer(a, b) for a, b in zip([4, *widths[:-1]], widths, strict=True)]
        for _ in range(HALVINGS):
            given = halved(given)
        self.squeeze = eqx.nn.Linear(
            widths[-1] * given[0] * given[1], FEATURES, dtype=SINGLE, key=next(keys)
        )
        coarse = (shape[0] // step) * (shape[1] // step)
        self.expand = eqx.nn.Linear(FEATURES, widths[-1] * coarse, dtype=SINGLE, key=next(keys))
        self.outward = [layer(a, b) for a, b in zip(widths[::-1], [*widths[-2::-1], width], strict=True)]
        self.outward.append(layer(width, 1))

    def __call__(self, data: Float[Array, "4 freq site"]) -> Float[Array, "row column"]:
        """The picture."""
        x = data
        for layer in self.inward:
            x = pooled(jax.nn.relu(layer(x)))
        x = jax.nn.relu(self.expand(jax.nn.relu(self.squeeze(x.ravel()))))
        step = 2**HALVINGS
        x = x.reshape(-1, self.shape[0] // step, self.shape[1] // step)
        for layer in self.outward[:-1]:
            x = jax.nn.relu(layer(jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)))
        low, high = self.span
        return (low + high) / 2 + (high - low) / 2 * self.outward[-1](x)[0]

    @property
    def flops(self) -> int:
        """Of one picture: twice the products of convolutions and matrices."""
        products = self.squeeze.weight.size + self.expand.weight.size
        size = self.given
        for layer in self.inward:
            products += layer.weight.size * int(np.prod(size))
            size = halved(size)
        size = tuple(side // 2**HALVINGS for side in self.shape)
        for layer in self.outward[:-1]:
            size = tuple(2 * side for side in size)
            products += layer.weight.size * int(np.prod(size))
        return 2 * (products + self.outward[-1].weight.size * int(np.prod(size)))


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """The size after pooling; a side of one stays."""
    return max(size[0] // 2, 1), max(size[1] // 2, 1)


def pooled(x: Float[Array, "channel row column"]) -> Float[Array, "channel row2 column2"]:
    """Means over squares of two by two; an odd last row or column is dropped."""
    for axis in (1, 2):
        size = x.shape[axis]
        if size > 1:
            x = jax.lax.slice_in_dim(x, 0, size // 2 * 2, axis=axis)
            x = x.reshape(*x.shape[:axis], size // 2, 2, *x.shape[axis + 1 :]).mean(axis=axis + 1)
    return x


@dataclasses.dataclass(frozen=True)
class Filling:
    """Channels as the network takes them: standardised, in their places, zero where there is no datum."""

    standard: Linear
    mask: Bool[np.ndarray, "4 freq site"]

    def __call__(self, channels: Float[Array, "*model channel"]) -> Float[Array, "*model 4 freq site"]:
        """One value for each component, frequency and station."""
        whole = jnp.zeros((*channels.shape[:-1], self.mask.size))
        whole = whole.at[..., np.flatnonzero(self.mask)].set(self.standard.standard(channels))
        return whole.reshape(*channels.shape[:-1], *self.mask.shape)
