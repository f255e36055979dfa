r"""How much mass a truncated plan leaves out, from its potentials.

A pair (i, j) that is no neighbour has the mass $e^{(f_i + g_j - c_{ij})/\varepsilon}$ in the full plan of
the same potentials. The sum m of these masses bounds both errors of truncation: the marginals of the full
plan are off by at most m more (L1), and by duality the full cost lies between OT - $\varepsilon m$ and OT.

Points are grouped in square tiles of the grid. Pairs in tiles close to each other are summed one by one.
For two tiles far apart, each in a box with centre p or q and half widths that add up to h, write
$x_i = p + \xi_i$, $y_j = q + \eta_j$, and $f_i \le r + 2m\cdot\xi_i$, $g_j \le s - 2m'\cdot\eta_j$ for any
slopes m and m'. Then $f_i + g_j - |x_i - y_j|^2$ is at most r + s and, for each coordinate,
$|m - m'|h + \max_{|\delta| \le h}[(m + m')\delta - (p - q + \delta)^2]$, and so no pair has more mass than
the exponential of that.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from .grid import Grid

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
    pairs = _Pairs(x, y, f, g, epsilon, grid)
    total = pairs.near(level, rings) + pairs.far(rings)
    return jnp.where(jnp.isfinite(jnp.asarray(grid.reach)[level]), total, 0.0)


class _Pairs(eqx.Module):
    """The full plan of some potentials."""

    x: Cloud
    y: Cloud
    f: Potential
    g: Potential
    epsilon: Float[Array, ""]
    grid: Grid

    def near(self, level: Int[Array, ""], rings: Int[Array, ""]) -> Float[Array, ""]:
        """The left-out mass between tiles at most `rings` apart."""
        x, y, grid, epsilon = self.x, self.y, self.grid, self.epsilon
        tiles, table = jnp.asarray(grid.tiles), jnp.asarray(grid.tile_table)
        # One tile more, without points, stands for those beyond the edge.
        tiles = jnp.pad(tiles, ((0, 1), (0, 0)), constant_values=len(x))
        down, right = jnp.asarray(grid.window)[level]

        def rank(values: Ranks) -> Int[Array, "tile member"]:
            return jnp.append(jnp.asarray(values), 0)[tiles]

        def of_tiles(values: Potential, missing: float) -> Tiles:
            return jnp.append(values, missing)[tiles]

        row, column = rank(grid.row), rank(grid.column)
        mine, theirs = of_tiles(self.f / epsilon, -jnp.inf)[:-1], of_tiles(self.g / epsilon, -jnp.inf)
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

    def far(self, rings: Int[Array, ""]) -> Float[Array, ""]:
        """A bound on the mass between tiles more than `rings` apart."""
        x, grid, epsilon = self.x, self.grid, self.epsilon
        p, x_half, m, r = _boxes(x, self.f, grid)
        q, y_half, slope, s = _boxes(self.y, self.g, grid)
        row, column = jnp.asarray(grid.tile_row), jnp.asarray(grid.tile_column)

        def pairs(mine: Array, theirs: Array) -> tuple[Array, Array]:
            return mine[:, None], theirs[None, :]

        exponent = sum(pairs(r, s))
        for k in range(x.shape[1]):
            apart = jnp.subtract(*pairs(p[k], q[k]))
            half = jnp.add(*pairs(x_half[k], y_half[k]))
            # The slope of g has the opposite sign.
            total, difference = jnp.subtract(*pairs(m[k], slope[k])), jnp.add(*pairs(m[k], slope[k]))
            delta = jnp.clip(total / 2 - apart, -half, half)
            exponent = exponent + jnp.abs(difference) * half + total * delta - jnp.square(apart + delta)
        rank_apart = jnp.maximum(*(jnp.abs(jnp.subtract(*pairs(ranks, ranks))) for ranks in (row, column)))
        count = jnp.sum(jnp.asarray(grid.tiles) < len(x), axis=1).astype(x.dtype)
        mass = jnp.multiply(*pairs(count, count)) * jnp.exp(exponent / epsilon)
        return jnp.sum(jnp.where(rank_apart > rings, mass, 0.0))


def _boxes(
    cloud: Cloud, potential: Potential, grid: Grid
) -> tuple[Float[Array, "d tile"], Float[Array, "d tile"], Float[Array, "d tile"], Float[Array, " tile"]]:
    """Centre and half widths of the box of each tile, half the slope and the height of a plane above it."""
    tiles = jnp.asarray(grid.tiles)
    exists = tiles < len(cloud)

    def of_tiles(values: Potential, missing: float) -> Tiles:
        return jnp.append(values, missing)[tiles]

    high = jnp.stack([jnp.max(of_tiles(values, -jnp.inf), axis=1) for values in cloud.T])
    low = jnp.stack([jnp.min(of_tiles(values, jnp.inf), axis=1) for values in cloud.T])
    centre, half = 0.5 * (high + low), 0.5 * (high - low)
    height, slopes = of_tiles(potential, -jnp.inf), []
    # Along the axes of the grid: any slope is right, and these hold the potential well.
    for k in range(2):
        place = jnp.where(exists, of_tiles(cloud[:, k], 0.0) - centre[k][:, None], 0.0)
        spread = jnp.sum(jnp.square(place), axis=1)
        rise = jnp.where(exists, of_tiles(potential, 0.0), 0.0)
        rise = jnp.sum(place * jnp.where(exists, rise - jnp.mean(rise, axis=1)[:, None], 0.0), axis=1)
        slope = jnp.where(spread > 0, rise / jnp.where(spread > 0, spread, 1.0), 0.0)
        height = height - slope[:, None] * place
        slopes.append(0.5 * slope)
    flat = [jnp.zeros_like(slopes[0])] * (len(cloud.T) - 2)
    return centre, half, jnp.stack(slopes + flat), jnp.max(height, axis=1)
