"""Random sections to learn from: undulating layers, a Gaussian random field, and blocks in them."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

MOST_LAYERS = 4
MOST_BLOCKS = 3
BACKGROUND = (0.25, 0.75)
"""Values of the layers, as fractions of the span of all values; blocks take the whole span."""
STRONGEST_FIELD = 0.125
"""Standard deviation, in parts of the span: half a decade of four."""

Picture = Float[np.ndarray, "row column"]


def random_sections(
    rng: np.random.Generator, count: int, shape: tuple[int, int], span: tuple[float, float]
) -> Float[np.ndarray, "model row column"]:
    """`count` pictures with values in `span`, decades of ohm m, in single precision."""
    low, high = span
    return np.stack(
        [np.clip(low + (high - low) * _section(rng, shape), low, high) for _ in range(count)]
    ).astype(np.float32)


def _section(rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    """Values mostly between 0 and 1."""
    section = _layers(rng, shape)
    section += rng.uniform(0.0, STRONGEST_FIELD) * _field(rng, shape)
    for _ in range(rng.integers(0, MOST_BLOCKS + 1)):
        section[_block(rng, shape)] = rng.uniform(0.0, 1.0)
    return section


def _layers(rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    rows, columns = shape
    x = np.linspace(0.0, 1.0, columns)
    section = np.full(shape, rng.uniform(*BACKGROUND))
    for depth in np.sort(rng.uniform(0.0, rows, rng.integers(0, MOST_LAYERS))):
        tilt, wave = rng.normal(0.0, 0.08 * rows, 2)
        relief = tilt * (x - 0.5) + wave * np.sin(
            np.pi * (rng.uniform(0.5, 3.0) * x + rng.uniform(0.0, 2.0))
        )
        below = np.arange(rows)[:, None] + 0.5 > depth + relief
        section = np.where(below, rng.uniform(*BACKGROUND), section)
    return section


def _field(rng: np.random.Generator, shape: tuple[int, int]) -> Picture:
    """Of zero mean and unit variance, correlated over a twelfth to a third of the picture."""
    scales = [rng.uniform(side / 12, side / 3) for side in shape]
    field = gaussian_filter(rng.standard_normal(shape), scales, mode="reflect")
    return (field - field.mean()) / field.std()


def _block(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """True inside a box or an ellipse."""
    (row, high), (column, wide) = (
        (rng.uniform(0.0, side), rng.uniform(side / 12, side / 5)) for side in shape
    )
    down = (np.arange(shape[0])[:, None] + 0.5 - row) / high
    across = (np.arange(shape[1]) + 0.5 - column) / wide
    if rng.uniform() < 0.5:
        return (np.abs(down) < 1) & (np.abs(across) < 1)
    return down**2 + across**2 < 1
