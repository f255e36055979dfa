r"""Travel times of first arrivals: the factored eikonal equation on a cube, by upwind differences.

$$|\nabla T| = s, \quad T = T_0\,u, \quad T_0 = s(x_0)\,|x - x_0|$$

for the slowness s and a source at $x_0$. The source's cone is in $T_0$, exactly, and u is smooth there: the
error is of first order in the spacing, and none for a uniform speed (Fomel, Luo & Zhao 2009). Lengths,
speeds and times are in any units that agree.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

UNREACHED = 1e6
"""Value of u, elsewhere of the order of one, where no front has come yet."""

Cube = Float[Array, "n n n"]
Row = tuple[Cube, Cube, Cube]
"""One axis: when the earlier neighbour is reached, and a and b of the derivative a u - b from it."""


@jax.jit
def travel_times(speed: Cube, sources: Int[Array, "source 3"]) -> Float[Array, "n n n source"]:
    """The time from each source to every node of the unit cube; by reciprocity also the time back.

    - `speed`: at the nodes, along x, y and z.
    - `sources`: nodes.
    """
    return jax.vmap(lambda source: _from_one(speed, source), out_axes=-1)(sources)


@jax.jit
def travel_times_of_all(
    speeds: Float[Array, "speed n n n"], sources: Int[Array, "source 3"]
) -> Float[Array, "speed n n n source"]:
    """`travel_times` of several speeds, one after the other."""
    return lax.map(lambda speed: travel_times(speed, sources), speeds)


def _from_one(speed: Cube, source: Int[Array, " 3"]) -> Cube:
    n = speed.shape[0]
    spacing = 1 / (n - 1)
    slowness = 1 / speed
    along = [spacing * (jnp.arange(n) - source[axis]).astype(speed.dtype) for axis in range(3)]
    x, y, z = offsets = jnp.meshgrid(*along, indexing="ij")
    distance = jnp.sqrt(x * x + y * y + z * z)
    elsewhere = distance > 0
    here = slowness[source[0], source[1], source[2]]
    # At the source itself u is one; its cone must not be divided by.
    cone = jnp.where(elsewhere, here * distance, 1e-9)
    slopes = [here * offset / jnp.where(elsewhere, distance, 1.0) for offset in offsets]

    def sweep(_: int, u: Cube) -> Cube:
        rows = _rows(u, cone, slopes, spacing)
        for i, j in ((0, 1), (1, 2), (0, 1)):
            rows[i], rows[j] = _earlier_first(rows[i], rows[j])
        # Neighbours count, the earliest first, while they are earlier than the node itself.
        (_earliest, a, b), *others = rows
        found = (slowness + b) / a
        aa, ab, bb = a * a, a * b, b * b - slowness * slowness
        for reached, a, b in others:
            aa, ab, bb = aa + a * a, ab + a * b, bb + b * b
            root = (ab + jnp.sqrt(jnp.maximum(ab * ab - aa * bb, 0.0))) / aa
            found = jnp.where(cone * found > reached, root, found)
        return jnp.where(elsewhere, jnp.minimum(found, UNREACHED), 1.0)

    start = jnp.where(elsewhere, UNREACHED, jnp.ones_like(cone))
    # A front moves by a node a sweep: 3 (n - 1) from corner to corner, and some for bent rays.
    return jnp.where(elsewhere, cone * lax.fori_loop(0, 4 * n, sweep, start), 0.0)


def _rows(u: Cube, cone: Cube, slopes: list[Cube], spacing: float) -> list[Row]:
    n = u.shape[0]
    times = jnp.pad(cone * u, 1, constant_values=2 * UNREACHED)
    padded = jnp.pad(u, 1, constant_values=UNREACHED)
    steep = cone / spacing
    rows = []
    for axis, slope in enumerate(slopes):
        before, after = (
            tuple(slice(first, first + n) if d == axis else slice(1, n + 1) for d in range(3))
            for first in (0, 2)
        )
        forward = times[before] <= times[after]
        # Above zero wherever the neighbour is upwind.
        a = jnp.maximum(jnp.where(forward, slope, -slope) + steep, 1e-3 * steep)
        b = steep * jnp.where(forward, padded[before], padded[after])
        rows.append((jnp.minimum(times[before], times[after]), a, b))
    return rows


def _earlier_first(one: Row, other: Row) -> tuple[Row, Row]:
    swap = one[0] > other[0]
    pairs = [(jnp.where(swap, q, p), jnp.where(swap, p, q)) for p, q in zip(one, other, strict=True)]
    (t0, t1), (a0, a1), (b0, b1) = pairs
    return (t0, a0, b0), (t1, a1, b1)
