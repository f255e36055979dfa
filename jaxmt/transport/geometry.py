r"""The cost of moving mass between neighbours on a grid.

`LocalGeometry` supplies the one operation that Sinkhorn's algorithm needs,
$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$, over the neighbours j that a `Grid` names. Costs
are computed once, for both directions; time and memory grow with points times neighbours.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from .grid import WIDTH, Table
from .kernel import AbstractGeometry, AbstractKernel, Potentials

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

    near: Potentials
    epsilon: Float[Array, ""]
    table: Table
    blocks: Int[Array, ""]
    forth: Costs
    back: Costs

    def multiply(self, vector: Float[Array, " point"], axis: int) -> Float[Array, " point"]:
        """Over the neighbours."""
        return _multiply(self.forth if axis == 1 else self.back, self.table, self.blocks, vector)


class LocalGeometry(AbstractGeometry):
    """Squared distances between two clouds on one grid, from each point to its neighbours.

    - `x`, `y`: the clouds, weighted; `table`: neighbours as in `Grid`; `blocks`: how many of its blocks
      to use, may be traced; `epsilon`: blur squared.
    """

    table: Table
    blocks: Int[Array, ""]
    epsilon: Float[Array, ""]
    x_to_y: Costs
    y_to_x: Costs

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

        self.table, self.blocks, self.epsilon = table, blocks, epsilon
        self.x_to_y = costs(x, y)
        self.y_to_x = self.x_to_y if x is y else costs(y, x)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of points of x and of y."""
        return self.table.shape[-1], self.table.shape[-1]

    def kernel(self, potentials: Potentials, epsilon: Float[Array, ""]) -> LocalKernel:
        """The kernel near (f', g)."""
        least = self._over_blocks(
            potentials.g, 1, lambda total, margin: jnp.maximum(total, jnp.max(margin, axis=0)), -jnp.inf
        )
        near = Potentials(-least, potentials.g)
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

    def log_sum_exp(
        self, potential: Float[Array, " point"], epsilon: Float[Array, ""], axis: int
    ) -> Float[Array, " point"]:
        r"""$\varepsilon\log\sum_j e^{(g_j - c_{ij})/\varepsilon}$ (axis 1), or over i with f (axis 0)."""
        largest = self._over_blocks(
            potential, axis, lambda total, margin: jnp.maximum(total, jnp.max(margin, axis=0)), -jnp.inf
        )
        total = self._over_blocks(
            potential,
            axis,
            lambda total, margin: total + jnp.sum(jnp.exp((margin - largest) / epsilon), axis=0),
            0.0,
        )
        return largest + epsilon * jnp.log(total)

    def largest_cost(self) -> Float[Array, ""]:
        """The largest cost of all neighbours."""
        # Blocks that are not in use are zero.
        return jnp.max(jnp.where(jnp.isfinite(self.x_to_y), self.x_to_y, 0.0))


def displacement(
    x: Float[Array, "n d"],
    y: Float[Array, "n d"],
    potentials: Potentials,
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
    one, none = (1, 1, len(vector)), jnp.asarray(0, jnp.int32)

    def add(k: Int[Array, ""], total: Float[Array, " point"]) -> Float[Array, " point"]:
        # One by one: as a sum over an axis it takes longer, and written out it compiles far longer.
        at = (k // WIDTH, k % WIDTH, none)
        entry, neighbour = (lax.dynamic_slice(values, at, one)[0, 0] for values in (entries, neighbours))
        return total + entry * known[neighbour]

    return lax.fori_loop(0, blocks * WIDTH, add, jnp.zeros_like(vector))
