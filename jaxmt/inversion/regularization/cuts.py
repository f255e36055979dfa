"""Cuts: lines such as a fault or the top of a slab, across which neighbours need not be alike."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool
from numpy.typing import ArrayLike

from ...simulation.mesh import Mesh

Line = tuple[tuple[float, float], ...]


def as_lines(cuts: Sequence[ArrayLike]) -> tuple[Line, ...]:
    """Broken lines of points (y, z) in m, z down; `ValueError` if one is none."""
    lines = []
    for k, cut in enumerate(cuts):
        points = np.asarray(cut, dtype=float)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2 or not np.all(np.isfinite(points)):
            raise ValueError(
                "`Smoothness(cuts=...)` must be lines of two or more finite points (y, z), in m. "
                f"Got cuts[{k}] of shape {points.shape}: {cut}."
            )
        lines.append(tuple((float(y), float(z)) for y, z in points))
    return tuple(lines)


def crossed(
    mesh: Mesh, lines: Sequence[Line]
) -> tuple[Bool[np.ndarray, "earth inner_y"], Bool[np.ndarray, "inner_z y"]]:
    """True where a line passes between the centres of two neighbours: across and down."""
    y, z = mesh.y_centres, mesh.z_centres
    across = np.zeros((z.size, y.size - 1), bool)
    down = np.zeros((z.size - 1, y.size), bool)
    for line in lines:
        for (y0, z0), (y1, z1) in zip(line[:-1], line[1:], strict=True):
            across |= _between(y, z, (y0, z0), (y1, z1))
            down |= _between(z, y, (z0, y0), (z1, y1)).T
    return across, down


def _between(
    along: np.ndarray, levels: np.ndarray, start: tuple[float, float], end: tuple[float, float]
) -> Bool[np.ndarray, "level inner"]:
    """At each level, the two neighbours of `along` that the segment passes between, if any.

    A segment that ends on a level, or crosses at a centre, belongs to one side of it: lines that go on
    where another ends leave no gap and cut nothing twice.
    """
    (a0, l0), (a1, l1) = start, end
    passed = (l0 > levels) != (l1 > levels)
    crossing = a0 + (levels - l0) / (l1 - l0 if l1 != l0 else 1.0) * (a1 - a0)
    place = np.searchsorted(along, crossing)
    return passed[:, None] & (place[:, None] == np.arange(1, along.size))
