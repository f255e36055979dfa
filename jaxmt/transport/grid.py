r"""Which points of a cloud are neighbours, when two of its coordinates are fixed and lie on a grid.

Predicted and observed clouds share their (frequency, station) coordinates. Mass moved by a in these two
coordinates costs at least $|a|^2$, so the kernel $e^{-c/\varepsilon}$ is nil but for neighbours on the
grid. The neighbours are table entries, so that points may be missing and axes unevenly spaced; the
relation is symmetric, so that one table serves both directions.

A table holds several windows, one inside the other. They are its levels, and each is a number of columns:
how many are used may change at run time.

Neighbours alone cannot tell how mass should move across the whole grid, but fewer points can: a large grid
comes with a coarser one, on which a solve begins.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

WIDTH = 25
"""Columns of a table that are worked on together: a window of 5 by 5 points."""

SIZES = (25, 49, 121, 225, 441)
"""The most points in the window of each level."""

MOST_POINTS = 2048
"""Most points of a cloud that compares all pairs where a window would hold more than a third of it."""

MOST_ENTRIES = 24_000_000
"""Most entries of a table: a larger cloud has fewer levels."""

FEWEST_POINTS = 400
"""Most points of a grid without a coarser one."""

Table = Int[np.ndarray | Array, "block width point"]


class Grid(eqx.Module):
    """Neighbours of each point, and tiles of points for bounds on everything that is no neighbour.

    - `row`, `column`: ranks of a point along the two axes.
    - `table`: for each point its neighbours, nearest level first; the number of points stands for none.
    - `blocks`: how many blocks of the table a level has.
    - `window`: ranks that a level reaches along rows and columns.
    - `reach`: least distance along the axes to a point beyond the level; infinite if there is none.
    - `tiles`: the points of each tile, a square of `side` by `side` ranks; the number of points for none.
    - `tile_row`, `tile_column`: where a tile stands.
    - `tile_table`: the tiles around each tile, in rings; the number of tiles for none.
    - `mass`: of each point, one in all. `spacing`: the wider of the usual distances along the two axes.
    - `coarser`: the grid of the means of 2 by 2 ranks, if there is one; `parent`: each point's place there.
    """

    row: Int[np.ndarray | Array, " point"]
    column: Int[np.ndarray | Array, " point"]
    table: Table
    blocks: Int[np.ndarray | Array, " level"]
    window: Int[np.ndarray | Array, "level 2"]
    reach: Float[np.ndarray | Array, " level"]
    tiles: Int[np.ndarray | Array, "tile member"]
    tile_row: Int[np.ndarray | Array, " tile"]
    tile_column: Int[np.ndarray | Array, " tile"]
    tile_table: Int[np.ndarray | Array, "ring_offset tile"]
    mass: Float[np.ndarray | Array, " point"]
    spacing: Float[np.ndarray | Array, ""]
    parent: Int[np.ndarray | Array, " point"] | None
    coarser: "Grid | None"
    side: int = eqx.field(static=True)

    @classmethod
    def from_axes(cls, axes: Float[np.ndarray, "point 2"], sizes: tuple[int, ...] | None = None) -> "Grid":
        """The grid of points at weighted (frequency, station) coordinates.

        - `sizes`: the most points in the window of each level, ascending; by default those that pay.

        Raises `ValueError` if two points are at the same place or a coordinate is not finite.
        """
        if axes.ndim != 2 or axes.shape[1] != 2 or not axes.size or not np.all(np.isfinite(axes)):
            raise ValueError(
                "`Grid.from_axes(axes=...)` must hold finite coordinates (point, 2), at least one point. "
                f"Got shape {axes.shape}."
            )
        n = len(axes)
        values, ranks = zip(*(np.unique(a, return_inverse=True) for a in axes.T), strict=True)
        row, column = (r.astype(np.int32) for r in ranks)
        if np.unique(row.astype(np.int64) * values[1].size + column).size < n:
            raise ValueError("`Grid.from_axes(axes=...)` holds two points at the same place.")
        if sizes is None:
            sizes = SIZES[:1] + tuple(s for s in SIZES[1:] if n > MOST_POINTS or 3 * s <= n)
        return cls._from_ranks(row, column, values, np.full(n, 1 / n), sizes, MOST_POINTS)

    def scaled(self, factor: Float[Array, ""]) -> "Grid":
        """The grid of the same points with both axes multiplied by a factor."""
        coarser = None if self.coarser is None else self.coarser.scaled(factor)
        changed = (factor * jnp.asarray(self.reach), factor * jnp.asarray(self.spacing), coarser)
        return eqx.tree_at(
            lambda g: (g.reach, g.spacing, g.coarser), self, changed, is_leaf=lambda x: x is None
        )

    @classmethod
    def _from_ranks(
        cls,
        row: Int[np.ndarray, " point"],
        column: Int[np.ndarray, " point"],
        values: tuple[Float[np.ndarray, " row"], Float[np.ndarray, " column"]],
        mass: Float[np.ndarray, " point"],
        sizes: tuple[int, ...],
        alone: int,
    ) -> "Grid":
        """`alone`: the most points of a grid without a coarser one."""
        n, shape = row.size, (values[0].size, values[1].size)
        place = np.full(shape, n, np.int32)
        place[row, column] = np.arange(n)
        spacing = [float(np.median(np.diff(v))) if v.size > 1 else np.inf for v in values]
        allowed = [size for size in sizes if n * size <= MOST_ENTRIES or size == sizes[0]]
        windows = list(dict.fromkeys(_window(size, shape, spacing) for size in allowed))
        columns = [
            _ring(place, row, column, window, inner)
            for window, inner in zip(windows, [None, *windows], strict=False)
        ]
        table = np.concatenate(columns, axis=1).T.reshape(-1, WIDTH, n)
        reach = np.array([_reach(values, window) for window in windows])
        side = max(1, int(n**0.25 / 2))
        tiles, tile_row, tile_column, _ = _tiles(row, column, side)
        rings = max(-(-max(w) // side) for w in windows)
        parent, coarser = None, None
        if n > alone:
            members, coarse_row, coarse_column, parent = _tiles(row, column, 2)
            coarse_mass = np.append(mass, 0.0)[members].sum(axis=1)
            middles = (_means(values[0]), _means(values[1]))
            coarser = cls._from_ranks(coarse_row, coarse_column, middles, coarse_mass, sizes, FEWEST_POINTS)
        return cls(
            row,
            column,
            np.ascontiguousarray(table),
            np.cumsum([c.shape[1] // WIDTH for c in columns], dtype=np.int32),
            np.array(windows, np.int32),
            reach,
            tiles,
            tile_row,
            tile_column,
            _tile_table(tile_row, tile_column, rings),
            mass,
            np.asarray(max(s for s in (*spacing, 0.0) if np.isfinite(s))),
            parent,
            coarser,
            side,
        )


Window = tuple[int, int]


def _window(size: int, shape: tuple[int, int], spacing: list[float]) -> Window:
    """The widest window of at most `size` points that reaches as far along one axis as along the other."""
    reach = [0, 0]
    while True:
        free = [k for k in (0, 1) if reach[k] < shape[k] - 1]
        if not free:
            return reach[0], reach[1]
        k = min(free, key=lambda k: (reach[k] + 1) * spacing[k])
        wider = [r + (j == k) for j, r in enumerate(reach)]
        if np.prod([min(2 * r + 1, s) for r, s in zip(wider, shape, strict=True)]) > size:
            return reach[0], reach[1]
        reach = wider


def _ring(
    place: Int[np.ndarray, "row column"],
    row: Int[np.ndarray, " point"],
    column: Int[np.ndarray, " point"],
    window: Window,
    inner: Window | None,
) -> Int[np.ndarray, "point width"]:
    """The points inside `window` but not `inner` around each point, in a multiple of `WIDTH` columns."""
    n = row.size
    down, right = (o.ravel() for o in np.meshgrid(*(np.arange(-w, w + 1) for w in window), indexing="ij"))
    if inner is not None:
        new = (abs(down) > inner[0]) | (abs(right) > inner[1])
        down, right = down[new], right[new]
    around = np.pad(place, [(w, w) for w in window], constant_values=n)
    found = around[row[:, None] + window[0] + down, column[:, None] + window[1] + right]
    # Missing points go last, so that no more columns are kept than the fullest row needs.
    found = np.take_along_axis(found, np.argsort(found == n, axis=1, kind="stable"), axis=1)
    most = max(1, int((found < n).sum(axis=1).max()))
    width = -(-most // WIDTH) * WIDTH
    found = found[:, :width]
    return np.pad(found, ((0, 0), (0, width - found.shape[1])), constant_values=n)


def _reach(values: tuple[np.ndarray, ...], window: Window) -> float:
    """The least distance along an axis between points that are no neighbours."""
    beyond = [v[w + 1 :] - v[: v.size - w - 1] for v, w in zip(values, window, strict=True)]
    return float(min(np.min(b, initial=np.inf) for b in beyond))


def _means(values: Float[np.ndarray, " rank"]) -> Float[np.ndarray, " pair"]:
    """Mean of each two in a row; the last may be alone."""
    return np.array([np.mean(values[k : k + 2]) for k in range(0, values.size, 2)])


def _tiles(
    row: Int[np.ndarray, " point"], column: Int[np.ndarray, " point"], side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Members, row and column of every tile that holds a point, and the tile of each point."""
    n = row.size
    across = int(column.max()) // side + 1
    number, tile = np.unique((row // side) * across + column // side, return_inverse=True)
    members = np.full((number.size, side * side), n, np.int32)
    members[tile, (row % side) * side + column % side] = np.arange(n)
    return (
        members,
        (number // across).astype(np.int32),
        (number % across).astype(np.int32),
        tile.astype(np.int32),
    )


def _tile_table(
    row: Int[np.ndarray, " tile"], column: Int[np.ndarray, " tile"], rings: int
) -> Int[np.ndarray, "ring_offset tile"]:
    """The tile at each offset of up to `rings` from each tile, nearest ring first."""
    n = row.size
    place = np.full((row.max() + 1, column.max() + 1), n, np.int32)
    place[row, column] = np.arange(n)
    around = np.pad(place, rings, constant_values=n)
    down, right = (o.ravel() for o in np.mgrid[-rings : rings + 1, -rings : rings + 1])
    order = np.argsort(np.maximum(abs(down), abs(right)), kind="stable")
    down, right = down[order][:, None], right[order][:, None]
    return around[row + rings + down, column + rings + right]
