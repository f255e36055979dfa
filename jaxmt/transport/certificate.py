r"""How much mass a truncated plan leaves out, from its potentials.

A pair (i, j) that is no neighbour has the mass $e^{(f_i + g_j - c_{ij})/\varepsilon}$ in the full plan of
the same potentials. The sum m of these masses bounds both errors of truncation: the marginals of the full
plan are off by at most m more (L1), and by duality the full cost lies between OT - $\varepsilon m$ and OT.

Points are grouped in square tiles of the grid. Pairs in tiles close to each other are summed one by one.
For two tiles far apart, with centres p and q, $|x_i - y_j|^2 \ge |p - q|^2 + 2(p - q)\cdot(\xi_i - \eta_j)$
where $x_i = p + \xi_i$, $y_j = q + \eta_j$, so that no mass between them is larger than
$\exp\big((\max_i[f_i - 2(p - q)\cdot\xi_i] + \max_j[g_j + 2(p - q)\cdot\eta_j]
- |p - q|^2)/\varepsilon\big)$.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from .grid import Grid

TOGETHER = 256
"""Tiles that are compared with all others at once."""

Cloud = Float[Array, "point d"]
Ranks = Int[np.ndarray | Array, " point"]
Potential = Float[Array, " point"]
Tiles = Float[Array, "tile member"]


def left_out(
    x: Cloud,
    y: Cloud,
    f: Potential,
    g: Potential,
    epsilon: Float[Array, ""],
    grid: Grid,
    level: Int[Array, ""],
) -> Float[Array, ""]:
    """An upper bound on the mass of the pairs that a level of the grid leaves out; total mass is one."""
    rings = -(-jnp.max(jnp.asarray(grid.window)[level]) // grid.side)
    total = _near(x, y, f, g, epsilon, grid, level, rings) + _far(x, y, f, g, epsilon, grid, rings)
    return jnp.where(jnp.isfinite(jnp.asarray(grid.reach)[level]), total, 0.0)


def _near(
    x: Cloud,
    y: Cloud,
    f: Potential,
    g: Potential,
    epsilon: Float[Array, ""],
    grid: Grid,
    level: Int[Array, ""],
    rings: Int[Array, ""],
) -> Float[Array, ""]:
    """The left-out mass between tiles at most `rings` apart."""
    tiles, table = jnp.asarray(grid.tiles), jnp.asarray(grid.tile_table)
    # One tile more, without points, stands for those beyond the edge.
    tiles = jnp.pad(tiles, ((0, 1), (0, 0)), constant_values=len(x))
    down, right = jnp.asarray(grid.window)[level]

    def rank(values: Ranks) -> Int[Array, "tile member"]:
        return jnp.append(jnp.asarray(values), 0)[tiles]

    def of_tiles(values: Potential, missing: float) -> Tiles:
        return jnp.append(values, missing)[tiles]

    row, column = rank(grid.row), rank(grid.column)
    mine, theirs = of_tiles(f / epsilon, -jnp.inf)[:-1], of_tiles(g / epsilon, -jnp.inf)
    x_tiles, y_tiles = ([of_tiles(values, 0.0) for values in cloud.T] for cloud in (x, y))

    def add(k: Int[Array, ""], total: Float[Array, ""]) -> Float[Array, ""]:
        other = table[k]
        distance = jnp.zeros((*mine.shape, mine.shape[1]), x.dtype)
        for a, b in zip(x_tiles, y_tiles, strict=True):
            distance = distance + jnp.square(a[:-1, :, None] - b[other][:, None, :])
        beyond = (abs(row[:-1, :, None] - row[other][:, None, :]) > down) | (
            abs(column[:-1, :, None] - column[other][:, None, :]) > right
        )
        mass = jnp.exp(mine[:, :, None] + theirs[other][:, None, :] - distance / epsilon)
        return total + jnp.sum(jnp.where(beyond, mass, 0.0))

    return lax.fori_loop(0, jnp.square(2 * rings + 1), add, jnp.zeros((), x.dtype))


def _far(
    x: Cloud,
    y: Cloud,
    f: Potential,
    g: Potential,
    epsilon: Float[Array, ""],
    grid: Grid,
    rings: Int[Array, ""],
) -> Float[Array, ""]:
    """A bound on the mass between tiles more than `rings` apart."""
    tiles = jnp.asarray(grid.tiles)
    exists = tiles < len(x)
    count = jnp.sum(exists, axis=1)

    def centred(cloud: Cloud) -> tuple[Float[Array, "tile d"], Float[Array, "tile member d"]]:
        members = jnp.pad(cloud, ((0, 1), (0, 0)))[tiles]
        centre = jnp.sum(members, axis=1) / count[:, None].astype(x.dtype)
        return centre, members - centre[:, None]

    (p, xi), (q, eta) = centred(x), centred(y)
    f_tiles, g_tiles = (
        jnp.where(exists, jnp.append(potential, 0.0)[tiles], -jnp.inf) for potential in (f, g)
    )
    # What depends on one tile alone: 2 p.xi and 2 q.eta.
    f_tiles = f_tiles - 2 * jnp.sum(p[:, None] * xi, axis=-1)
    g_tiles = g_tiles - 2 * jnp.sum(q[:, None] * eta, axis=-1)
    row, column = jnp.asarray(grid.tile_row), jnp.asarray(grid.tile_column)

    def of_one(
        centre: Float[Array, " d"],
        members: Float[Array, "member d"],
        potential: Float[Array, " member"],
        place: tuple[Int[Array, ""], Int[Array, ""], Int[Array, ""]],
    ) -> Float[Array, ""]:
        x_part = jnp.max(potential + 2 * _dot(q[:, None], members), axis=1)
        y_part = jnp.max(g_tiles + 2 * _dot(eta, centre), axis=1)
        exponent = (x_part + y_part - jnp.sum(jnp.square(centre - q), axis=1)) / epsilon
        my_row, my_column, my_count = place
        far: Bool[Array, " tile"] = jnp.maximum(abs(row - my_row), abs(column - my_column)) > rings
        pairs = (my_count * count).astype(x.dtype)
        return jnp.sum(jnp.where(far, jnp.exp(exponent) * pairs, 0.0))

    # Some tiles at a time, so that memory grows with the points and not with pairs of tiles.
    per_tile = lax.map(lambda t: of_one(*t), (p, xi, f_tiles, (row, column, count)), batch_size=TOGETHER)
    return jnp.sum(per_tile)


def _dot(a: Float[Array, "*#shape d"], b: Float[Array, "*#shape d"]) -> Float[Array, "*shape"]:
    """Of the last axes, coordinate by coordinate: for so few a library call is no gain."""
    total = a[..., 0] * b[..., 0]
    for k in range(1, a.shape[-1]):
        total = total + a[..., k] * b[..., k]
    return total
