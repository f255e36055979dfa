r"""Wave speeds on a cube of nodes: random fields, a thrust, and errors of what is known.

A random speed is one that grows linearly with depth, plus a few of a fixed set of Gaussian random fields,
whose amplitude over the wave number k is $(4\pi^2 k^2 + \tau^2)^{-\alpha/2}$ with $\alpha = \tau = 2.5$.
"""

import numpy as np

from .units import FASTEST, SLOWEST

ROUGHNESS, CORNER = 2.5, 2.5
"""alpha and tau."""

STRENGTH = 1.5
"""Amplitude of a pattern, in units of speed."""


def background(n: int) -> np.ndarray:
    """Linear in depth, the last axis."""
    return np.broadcast_to(np.linspace(SLOWEST, FASTEST, n), (n, n, n)).copy()


def random_field(rng: np.random.Generator, n: int) -> np.ndarray:
    """The modulus of a complex Gaussian random field, scaled to between 0 and 1."""
    k = np.fft.fftfreq(n, 1 / n)
    squares = sum(np.square(axis) for axis in np.meshgrid(k, k, k, indexing="ij"))
    amplitude = (4 * np.pi**2 * squares + CORNER**2) ** (-ROUGHNESS / 2)
    white = rng.standard_normal((n, n, n)) + 1j * rng.standard_normal((n, n, n))
    field = np.abs(np.fft.ifftn(amplitude * white))
    return (field - field.min()) / np.ptp(field)


def random_speeds(
    rng: np.random.Generator, patterns: np.ndarray, count: int, active: int = 2
) -> np.ndarray:
    """`count` speeds, each of `active` of the patterns with weights between -1 and 1."""
    weights = np.zeros((count, len(patterns)))
    for row in weights:
        row[rng.choice(len(patterns), active, replace=False)] = rng.uniform(-1, 1, active)
    speeds = background(patterns.shape[1]) + np.einsum("cp,pxyz->cxyz", weights, STRENGTH * patterns)
    return np.clip(speeds, SLOWEST, FASTEST)


def thrust(rng: np.random.Generator, n: int) -> np.ndarray:
    """Dipping layers, faster with depth, that two reverse faults lift on one side of them."""
    axis = np.linspace(0, 1, n)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    dip, lean = rng.uniform(0.1, 0.3), rng.uniform(-0.1, 0.1)
    level = z + dip * (x - 0.5) + lean * (y - 0.5)
    for centre in (rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)):
        # A plane that dips 45 degrees; above it the layers have been pushed up.
        above = x - centre - 0.1 * (y - 0.5) > z
        level = level + np.where(above, rng.uniform(0.05, 0.15), 0.0)
    tops = np.sort(rng.uniform(0.05, 1.1, 7))
    steps = np.concatenate([[0.0], np.cumsum(rng.uniform(0.5, 1.5, 7))])
    layers = SLOWEST + (FASTEST - SLOWEST) * steps / steps[-1]
    return layers[np.searchsorted(tops, level)]


def distorted(rng: np.random.Generator, speed: np.ndarray, share: float) -> np.ndarray:
    """A speed that is wrong by `share` of itself, rms, in a smooth random pattern."""
    pattern = random_field(rng, speed.shape[0])
    pattern = (pattern - pattern.mean()) / pattern.std()
    return np.clip(speed * (1 + share * pattern), 0.2 * SLOWEST, 2 * FASTEST)
