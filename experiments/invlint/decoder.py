"""From a few integrals to a picture: a linear layer to tokens, a transformer block, overlapping blocks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

SINGLE = jnp.float32
HEADS = 4
HIDDEN = 2
"""Width of the hidden layer over that of a token."""


class Block(eqx.Module):
    """Attention and a perceptron, each added to what it is given, normalised."""

    first_norm: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    second_norm: eqx.nn.LayerNorm
    up: eqx.nn.Linear
    down: eqx.nn.Linear

    def __init__(self, width: int, *, key: Key[Array, ""]) -> None:
        keys = jax.random.split(key, 3)
        self.first_norm = eqx.nn.LayerNorm(width, dtype=SINGLE)
        self.attention = eqx.nn.MultiheadAttention(
            HEADS,
            width,
            use_query_bias=True,
            use_key_bias=True,
            use_value_bias=True,
            use_output_bias=True,
            dtype=SINGLE,
            key=keys[0],
        )
        self.second_norm = eqx.nn.LayerNorm(width, dtype=SINGLE)
        self.up = eqx.nn.Linear(width, HIDDEN * width, dtype=SINGLE, key=keys[1])
        self.down = eqx.nn.Linear(HIDDEN * width, width, dtype=SINGLE, key=keys[2])

    def __call__(self, tokens: Float[Array, "token width"]) -> Float[Array, "token width"]:
        """The tokens of the next layer."""
        given = jax.vmap(self.first_norm)(tokens)
        tokens = tokens + self.attention(given, given, given)
        hidden = jax.nn.gelu(jax.vmap(self.up)(jax.vmap(self.second_norm)(tokens)))
        return tokens + jax.vmap(self.down)(hidden)


class Decoder(eqx.Module):
    """Kernel integrals (scaled to order one) to a picture in decades of ohm m.

    - `width`: numbers in a token. `patch`: side of the square of pixels that a token stands for;
      `overlap`: by how much a block of pixels is larger, half of it on each side.
    - `span`: lowest and highest value of the training pictures, scaled to -1 and 1.
    """

    spread: eqx.nn.Linear
    block: Block
    paint: eqx.nn.Linear
    shape: tuple[int, int] = eqx.field(static=True)
    patch: int = eqx.field(static=True)
    overlap: int = eqx.field(static=True)
    span: tuple[float, float] = eqx.field(static=True)

    def __init__(
        self,
        kernels: int,
        shape: tuple[int, int],
        span: tuple[float, float],
        *,
        width: int = 64,
        patch: int = 8,
        overlap: int = 4,
        key: Key[Array, ""],
    ) -> None:
        if any(side % patch for side in shape) or overlap % 2 or not 0 <= overlap <= patch:
            raise ValueError(
                f"`Decoder(patch={patch}, overlap={overlap})`: the patch must divide the picture, "
                f"{shape} pixels, and the overlap be even and no larger than the patch."
            )
        keys = jax.random.split(key, 3)
        self.shape, self.patch, self.overlap, self.span = shape, patch, overlap, span
        self.spread = eqx.nn.Linear(kernels, self.tokens * width, dtype=SINGLE, key=keys[0])
        self.block = Block(width, key=keys[1])
        self.paint = eqx.nn.Linear(width, (patch + overlap) ** 2, dtype=SINGLE, key=keys[2])

    @property
    def tokens(self) -> int:
        """Patches of the picture."""
        return (self.shape[0] // self.patch) * (self.shape[1] // self.patch)

    def __call__(self, integrals: Float[Array, " kernel"]) -> Float[Array, "row column"]:
        """The picture."""
        tokens = self.block(self.spread(integrals).reshape(self.tokens, -1))
        blocks = jax.vmap(self.paint)(tokens)
        low, high = self.span
        return (low + high) / 2 + (high - low) / 2 * averaged(blocks, self.shape, self.patch, self.overlap)

    @property
    def flops(self) -> int:
        """Of one picture: twice the products of matrices, and the additions of the averages."""
        pixels, width = self.paint.weight.shape
        kernels, tokens = self.spread.weight.shape[1], self.tokens
        linear = kernels * width + 4 * width**2 + 2 * HIDDEN * width**2 + width * pixels
        placed = [placement(side, self.patch, self.overlap) for side in self.shape]
        return 2 * tokens * (linear + 2 * tokens * width) + int(np.prod([np.sum(p > 0) for p in placed]))


def averaged(
    blocks: Float[Array, "token pixel"], shape: tuple[int, int], patch: int, overlap: int
) -> Float[Array, "row column"]:
    """The picture of which each pixel is the mean of all blocks that cover it.

    Blocks are centred on the patches; what hangs over the edge of the picture is lost.
    """
    down, across = (jnp.asarray(placement(side, patch, overlap), dtype=blocks.dtype) for side in shape)
    side = patch + overlap
    grid = blocks.reshape(shape[0] // patch, shape[1] // patch, side, side).transpose(0, 2, 1, 3)
    return down @ grid.reshape(down.shape[1], across.shape[1]) @ across.T


def placement(side: int, patch: int, overlap: int) -> Float[np.ndarray, "pixel blockpixel"]:
    """The share of each pixel of all blocks in each pixel of a line; counts are products of the axes'."""
    number, length = side // patch, patch + overlap
    where = patch * np.arange(number)[:, None] + np.arange(length) - overlap // 2
    covers = np.arange(side)[:, None] == where.ravel()
    return covers / covers.sum(axis=1, keepdims=True)
