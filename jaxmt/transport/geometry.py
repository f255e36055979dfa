r"""The cost of moving mass between neighbours, as a geometry for ott-jax.

`LocalGeometry` supplies the one operation that Sinkhorn's algorithm needs,
$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$, over the neighbours j that a `Grid` names. Costs
are computed once, for both directions; time and memory grow with points times neighbours.
"""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import lax
from jax.tree_util import register_pytree_node_class
from jaxtyping import Array, Float, Int

from .grid import WIDTH, Table
from .kernel import AbstractGeometry, AbstractKernel, Pair

Costs = Float[Array, "block width point"]


def squared_distances(
    x: Float[Array, "n d"], y: Float[Array, "m d"], neighbours: Int[Array, "width n"]
) -> Float[Array, "width n"]:
    """|x_i - y_j|^2 for the neighbours j of each i; infinite where there is none."""
    total = jnp.zeros(neighbours.shape, x.dtype)
    # Coordinate by coordinate, so that no array of differences is made.
    for mine, theirs in zip(x.T, y.T, strict=True):
        total = total + jnp.square(mine - jnp.append(theirs, jnp.inf)[neighbours])
    return total


class LocalKernel(AbstractKernel):
    """A kernel over neighbours: from each point of x to those of y, and back."""

    near: Pair
    epsilon: Float[Array, ""]
    table: Table
    blocks: Int[Array, ""]
    forth: Costs
    back: Costs

    def multiply(self, vector: Float[Array, " point"], axis: int) -> Float[Array, " point"]:
        """Over the neighbours."""
        return _multiply(self.forth if axis == 1 else self.back, self.table, self.blocks, vector)


@register_pytree_node_class
class LocalGeometry(AbstractGeometry):
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
        def costs(mine: Float[Array, "point d"], theirs: Float[Array, "point d"]) -> Costs:
            def fill(k: Int[Array, ""], known: Costs) -> Costs:
                return known.at[k].set(squared_distances(mine, theirs, jnp.asarray(table)[k]))

            return lax.fori_loop(0, blocks, fill, jnp.zeros(table.shape, x.dtype))

        forth = costs(x, y)
        self._set(table, blocks, epsilon, forth, forth if x is y else costs(y, x))

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
        return self.table.shape[-1], self.table.shape[-1]

    @property
    def dtype(self) -> jnp.dtype:
        """Type of the costs."""
        return self.x_to_y.dtype

    def kernel(self, pair: Pair, epsilon: Float[Array, ""]) -> LocalKernel:
        """The kernel near (f', g)."""
        least = self._over_blocks(
            pair.g, 1, lambda total, margin: jnp.maximum(total, jnp.max(margin, axis=0)), -jnp.inf
        )
        near = Pair(-least, pair.g)
        forth = self._entries(near.g, near.f, self.x_to_y, epsilon)
        # A cloud against itself is never asked for the other direction.
        back = forth if self.x_to_y is self.y_to_x else self._entries(near.f, near.g, self.y_to_x, epsilon)
        return LocalKernel(near, epsilon, self.table, self.blocks, forth, back)

    def _entries(
        self,
        theirs: Float[Array, " point"],
        mine: Float[Array, " point"],
        costs: Costs,
        epsilon: Float[Array, ""],
    ) -> Costs:
        known, table = jnp.append(theirs, -jnp.inf), jnp.asarray(self.table)

        def fill(k: Int[Array, ""], entries: Costs) -> Costs:
            return entries.at[k].set(jnp.exp((mine + (known[table[k]] - costs[k])) / epsilon))

        return lax.fori_loop(0, self.blocks, fill, jnp.zeros_like(costs))

    def _over_blocks(
        self,
        potential: Float[Array, " point"],
        axis: int,
        add: Callable[[Float[Array, " point"], Float[Array, "width point"]], Float[Array, " point"]],
        start: float,
    ) -> Float[Array, " point"]:
        """A reduction of g - c (axis 1) or f - c (axis 0) over the neighbours of each point."""
        costs = self.x_to_y if axis == 1 else self.y_to_x
        known, table = jnp.append(potential, -jnp.inf), jnp.asarray(self.table)
        return lax.fori_loop(
            0,
            self.blocks,
            lambda k, total: add(total, known[table[k]] - costs[k]),
            jnp.full(potential.shape, start, potential.dtype),
        )

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
        potential = g if axis == 1 else f
        largest = self._over_blocks(
            potential, axis, lambda total, margin: jnp.maximum(total, jnp.max(margin, axis=0)), -jnp.inf
        )
        total = self._over_blocks(
            potential,
            axis,
            lambda total, margin: total + jnp.sum(jnp.exp((margin - largest) / eps), axis=0),
            0.0,
        )
        return largest + eps * jnp.log(total), jnp.ones(1, f.dtype)

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
    known = jnp.append(potentials.g, -jnp.inf)

    def fill(k: Int[Array, ""], plan: Costs) -> Costs:
        neighbours = jnp.asarray(table)[k]
        exponent = potentials.f + (known[neighbours] - squared_distances(x, y, neighbours))
        return plan.at[k].set(jnp.exp(exponent / epsilon))

    plan = lax.fori_loop(0, blocks, fill, jnp.zeros(table.shape, x.dtype))
    # All coordinates in one program: one for each takes five times as long to compile.
    columns = jnp.concatenate([jnp.ones_like(y.T[:1]), y.T])
    mass, *sums = jax.vmap(lambda column: _multiply(plan, table, blocks, column))(columns)
    return mass[:, None] * x - jnp.stack(sums, axis=1)


def _multiply(
    entries: Costs, table: Table, blocks: Int[Array, ""], vector: Float[Array, " point"]
) -> Float[Array, " point"]:
    """For each point the sum over its neighbours of an entry times the vector there."""
    known, neighbours = jnp.append(vector, 0.0), jnp.asarray(table)

    def add(k: Int[Array, ""], total: Float[Array, " point"]) -> Float[Array, " point"]:
        # One by one: as a sum over an axis it takes twice as long.
        for j in range(WIDTH):
            total = total + entries[k, j] * known[neighbours[k, j]]
        return total

    return lax.fori_loop(0, blocks, add, jnp.zeros_like(vector))
