r"""The cost of moving mass between neighbours, as a geometry for ott-jax.

`LocalGeometry` supplies the one operation that Sinkhorn's algorithm needs,
$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$, over the neighbours j that a `Grid` names. Costs
are computed once, for both directions; time and memory grow with points times neighbours.
"""

from typing import Any, cast

import jax.numpy as jnp
from jax import lax
from jax.tree_util import register_pytree_node_class
from jaxtyping import Array, Float, Int
from ott.geometry.geometry import Geometry

from .grid import Table
from .iterations import Pair

Costs = Float[Array, "block point width"]


def squared_distances(
    x: Float[Array, "n d"], y: Float[Array, "m d"], neighbours: Int[Array, "n width"]
) -> Float[Array, "n width"]:
    """|x_i - y_j|^2 for the neighbours j of each i; infinite where there is none."""
    total = jnp.zeros(neighbours.shape, x.dtype)
    # Coordinate by coordinate, so that no array of differences is made.
    for mine, theirs in zip(x.T, y.T, strict=True):
        total = total + jnp.square(mine[:, None] - jnp.append(theirs, jnp.inf)[neighbours])
    return total


@register_pytree_node_class
class LocalGeometry(Geometry):
    """Squared distances between two clouds on one grid, from each point to its neighbours.

    - `x`, `y`: the clouds, weighted; `table`: neighbours as in `Grid`; `blocks`: how many of its blocks
      to use, may be traced; `epsilon`: blur squared.
    """

    def __init__(
        self,
        x: Float[Array, "point d"],
        y: Float[Array, "point d"],
        table: Table,
        blocks: Int[Array, ""],
        epsilon: Float[Array, ""],
    ) -> None:
        def fill(k: Int[Array, ""], costs: tuple[Costs, Costs]) -> tuple[Costs, Costs]:
            neighbours = jnp.asarray(table)[k]
            forth = squared_distances(x, y, neighbours)
            back = forth if x is y else squared_distances(y, x, neighbours)
            return costs[0].at[k].set(forth), costs[1].at[k].set(back)

        empty = jnp.zeros(table.shape, x.dtype)
        self._set(table, blocks, epsilon, *lax.fori_loop(0, blocks, fill, (empty, empty)))

    def _set(
        self,
        table: Table,
        blocks: Int[Array, ""],
        epsilon: Float[Array, ""],
        x_to_y: Costs,
        y_to_x: Costs,
    ) -> None:
        super().__init__(epsilon=cast(Any, epsilon))
        self.table, self.blocks, self.x_to_y, self.y_to_x = table, blocks, x_to_y, y_to_x

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points of x and of y."""
        return self.table.shape[-2], self.table.shape[-2]

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the costs."""
        return self.x_to_y.dtype

    def apply_lse_kernel(
        self,
        f: Float[Array, " n"],
        g: Float[Array, " n"],
        eps: Any,
        vec: Any = None,
        axis: int = 0,
    ) -> tuple[Float[Array, " n"], Float[Array, " 1"]]:
        r"""$\varepsilon\log\sum_i e^{(f_i - c_{ij})/\varepsilon}$ (axis 0) or the same over j (axis 1)."""
        del vec
        potential, costs = (g, self.x_to_y) if axis == 1 else (f, self.y_to_x)
        known = jnp.append(potential / eps, -jnp.inf)
        table = jnp.asarray(self.table)

        def add(
            k: Int[Array, ""], carry: tuple[Float[Array, " n"], Float[Array, " n"]]
        ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
            largest, total = carry
            exponent = known[table[k]] - costs[k] / eps
            new = jnp.maximum(largest, jnp.max(exponent, axis=1))
            return new, total * jnp.exp(largest - new) + jnp.sum(jnp.exp(exponent - new[:, None]), axis=1)

        start = (jnp.full(f.shape, jnp.finfo(f.dtype).min), jnp.zeros_like(f))
        largest, total = lax.fori_loop(0, self.blocks, add, start)
        return eps * (largest + jnp.log(total)), jnp.ones(1, f.dtype)

    def largest_cost(self) -> Float[Array, ""]:
        """Of all neighbours."""
        # Blocks that are not in use are zero.
        return jnp.max(jnp.where(jnp.isfinite(self.x_to_y), self.x_to_y, 0.0))

    def tree_flatten(self) -> tuple[tuple, dict]:
        """For JAX."""
        return (self.table, self.blocks, self._epsilon_init, self.x_to_y, self.y_to_x), {}

    @classmethod
    def tree_unflatten(cls, aux_data: dict, children: tuple) -> "LocalGeometry":
        """For JAX."""
        del aux_data
        geometry = cls.__new__(cls)
        geometry._set(*children)
        return geometry


def displacement(
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    potentials: Pair,
    epsilon: Float[Array, ""],
    table: Table,
    blocks: Int[Array, ""],
) -> Float[Array, "n d"]:
    r"""$\sum_j P_{ij}(x_i - y_j)$ over the neighbours: how far, and how much, the mass at $x_i$ moves."""
    f, g = potentials.f / epsilon, jnp.append(potentials.g / epsilon, -jnp.inf)

    def add(k: Int[Array, ""], total: Float[Array, "d n"]) -> Float[Array, "d n"]:
        neighbours = jnp.asarray(table)[k]
        exponent = f[:, None] + g[neighbours] - squared_distances(x, y, neighbours) / epsilon
        # Kept from being computed anew for each coordinate.
        plan = lax.optimization_barrier(jnp.exp(exponent))
        moved = [
            jnp.sum(plan * (mine[:, None] - jnp.append(theirs, 0.0)[neighbours]), axis=1)
            for mine, theirs in zip(x.T, y.T, strict=True)
        ]
        return total + jnp.stack(moved)

    return lax.fori_loop(0, blocks, add, jnp.zeros_like(x.T)).T
