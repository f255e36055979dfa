"""A section as quadrangles and the graph of their sides, for codes that mesh with triangles."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from ..simulation.mesh import Mesh

ASPECT = 20.0
"""A cell that is wider than so many times its height is joined with the one below."""

FARTHER = 1e5
"""m by which the outermost bricks reach beyond the mesh."""

DECADES = 2.0
"""By how much the bounds of the resistivity lie beyond those of the section."""


@dataclasses.dataclass(frozen=True)
class Bricks:
    """Rectangles that fill the ground, column by column, each from the top down; the uppermost may slope.

    - `left`, `right`, `top`, `bottom`: m, of each, the top at the left and at the right. `resistivity`:
      ohm m; `fixed`: True where it stays.
    - `column`: the column of the mesh that each belongs to.
    """

    left: Float[np.ndarray, " brick"]
    right: Float[np.ndarray, " brick"]
    top: Float[np.ndarray, "brick 2"]
    bottom: Float[np.ndarray, " brick"]
    resistivity: Float[np.ndarray, " brick"]
    fixed: Bool[np.ndarray, " brick"]
    column: Int[np.ndarray, " brick"]

    @classmethod
    def of(
        cls,
        mesh: Mesh,
        resistivity: Float[np.ndarray, "earth y"],
        fixed: Bool[np.ndarray, "earth y"] | None = None,
    ) -> "Bricks":
        """The cells of a section; cells wider than 20 times their height are joined with those below.

        So are cells that the ground cuts, down to the first below it. The resistivity of joined cells is
        the mean of its logarithm, by their heights in the ground; fixed cells and free ones are not joined
        but where the ground cuts them. The outermost bricks reach 100 km beyond the mesh. Raises
        `ValueError` for resistivities in the ground that are not positive and finite.
        """
        bad = ~((resistivity > 0) & np.isfinite(resistivity)) & ~mesh.air
        if resistivity.shape != mesh.shape or bad.any():
            raise ValueError(
                "`resistivity` must be positive and finite, in ohm m, with the shape of the mesh, "
                f"{mesh.shape}. Got shape {resistivity.shape}, {int(bad.sum())} values that are not."
            )
        held = np.zeros(mesh.shape, bool) if fixed is None else fixed
        y, z = mesh.y_nodes.copy(), mesh.earth_nodes.copy()
        y[0], y[-1], z[-1] = y[0] - FARTHER, y[-1] + FARTHER, z[-1] + FARTHER
        heights, logs = mesh.dz[:, None] * mesh.filled, np.log(np.where(mesh.air, 1.0, resistivity))
        rows = []
        for j, width in enumerate(mesh.dy):
            ground, first = mesh.surface[j : j + 2], 0
            below = int(np.searchsorted(mesh.earth_nodes, ground.max(), "right")) - 1
            for last in range(below, mesh.n_earth):
                end = last + 1 == mesh.n_earth
                high = mesh.earth_nodes[last + 1] - max(z[first], ground.max()) >= width / ASPECT
                if end or high or held[last + 1, j] != held[last, j]:
                    part = slice(first, last + 1)
                    log = np.average(logs[part, j], weights=heights[part, j])
                    rho = resistivity[first, j] if last == first else np.exp(log)
                    top = np.maximum(z[first], ground)
                    rows.append((y[j], y[j + 1], top, z[last + 1], rho, held[last, j], j))
                    first = last + 1
        left, right, top, bottom, rho, still, column = (np.array(part) for part in zip(*rows, strict=True))
        return cls(left, right, top, bottom, rho, still.astype(bool), column.astype(int))

    @property
    def centres(self) -> Float[np.ndarray, "brick 2"]:
        """The middle of each: y and z, m."""
        return 0.5 * np.stack([self.left + self.right, self.top.mean(axis=1) + self.bottom], axis=1)

    @property
    def numbers(self) -> Int[np.ndarray, " brick"]:
        """Numbers of the free ones from 1; 0 for those that are fixed."""
        return np.where(self.fixed, 0, np.cumsum(~self.fixed))

    @property
    def air_top(self) -> float:
        """z, m, of the top of the air: as high as the section is wide."""
        return float(self.left.min() - self.right.max())

    @property
    def air_point(self) -> tuple[float, float]:
        """A point in the air: y and z, m."""
        return 0.5 * float(self.left.min() + self.right.max()), 0.5 * self.air_top

    @property
    def lowest(self) -> float:
        """Two decades below the lowest resistivity, rounded down to a decade, ohm m."""
        return float(10 ** np.floor(np.log10(self.resistivity.min()) - DECADES))

    @property
    def highest(self) -> float:
        """Two decades above the highest resistivity, rounded up to a decade, ohm m."""
        return float(10 ** np.ceil(np.log10(self.resistivity.max()) + DECADES))

    def graph(self) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
        """Corners of the bricks and of the air, and the sides between them: numbers of corners from 0."""
        corners = set()
        for y, top in ((self.left, self.top[:, 0]), (self.right, self.top[:, 1])):
            for z in (top, self.bottom):
                corners |= set(zip(y.tolist(), z.tolist(), strict=True))
        low, high = float(self.left.min()), float(self.right.max())
        corners |= {(low, self.air_top), (high, self.air_top)}
        nodes = sorted(corners)
        number = {node: k for k, node in enumerate(nodes)}
        sides = {(number[low, self.air_top], number[high, self.air_top])}
        ends = list(zip(self.left.tolist(), self.right.tolist(), strict=True))
        for depths in (self.top.T, (self.bottom, self.bottom)):
            for (left, right), a, b in zip(ends, *(z.tolist() for z in depths), strict=True):
                sides.add((number[left, a], number[right, b]))
        for a, b in zip(nodes, nodes[1:], strict=False):
            # In the air only the two outer sides stand: no other corner lies there.
            if a[0] == b[0]:
                sides.add((number[a], number[b]))
        return nodes, sorted(sides)

    def penalties(self) -> tuple[list[tuple[int, int]], list[float]]:
        """Numbers of free bricks that share a side, and the root of its length over their distance."""
        pairs: list[tuple[int, int]] = []
        weights: list[float] = []

        def add(a: int, b: int, length: float, distance: float) -> None:
            if not (self.fixed[a] or self.fixed[b]):
                pairs.append((int(numbers[a]), int(numbers[b])))
                weights.append(float(np.sqrt(length / distance)))

        numbers, centre = self.numbers, self.centres
        columns = [np.flatnonzero(self.column == j).tolist() for j in range(int(self.column.max()) + 1)]
        for j, own in enumerate(columns):
            for a, b in zip(own, own[1:], strict=False):
                add(a, b, self.right[a] - self.left[a], centre[b, 1] - centre[a, 1])
            for a in own:
                for b in columns[j + 1] if j + 1 < len(columns) else ():
                    shared = min(self.bottom[a], self.bottom[b]) - max(self.top[a, 1], self.top[b, 0])
                    if shared > 0:
                        add(a, b, shared, centre[b, 0] - centre[a, 0])
        return pairs, weights
