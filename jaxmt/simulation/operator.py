r"""TE and TM operators on the staggered grid.

Both modes are $\nabla\cdot(c\,\nabla u) = i\omega m\,u$ in the (y, z) plane, from Maxwell's equations
without displacement currents:

| mode | u | c | m | companion |
|---|---|---|---|---|
| TE | $E_x$ | 1 | $\mu_0/\rho$ | $H_y = -(c\,\partial_z u)/(i\omega\mu_0)$ |
| TM | $H_x$ | $\rho$ | $\mu_0$ | $E_y = +c\,\partial_z u$ |

u lives on nodes, c and m in cells. Integration over the dual cell of a node gives a flux through each
of its four faces and a mass:

        j-1        j        j+1
    i-1  o---------o---------o          o   node: u
         | c,m     | c,m     |          |-- link: c averaged over the two cells it borders,
         |    .....|.....    |               times dual length over link length
         |    :    |    :    |          ..  dual cell of node (i, j)
    i    o----:----o----:----o
         |    :    |    :    |
         |    :....|....:    |
         | c,m     | c,m     |
    i+1  o---------o---------o

The matrix is complex symmetric, $A = K + i\omega M + B$, K and M symmetric positive semi-definite and B
the bottom condition. Boundaries: left and right, the fields of the layered earth of the edge column;
bottom, a half-space below each column, $\partial_z u = -\sqrt{i\omega m/c}\,u$; top, TM has $H_x = 1$ at
the ground (no current flows in insulating air, so it needs none), TE has `Mesh(top=...)` at the top of
the air, by default $H_y = 1$ (`top.py`). Air is a perfect insulator: $1/\rho = 0$ there, and the matrix
stays regular.

The surface of topography cuts cells. In TE a cell has the mass of its part below the surface. In TM
$H_x = 1$ holds on the surface, for no current flows above it: nodes on and above it are held, and a link
that the surface cuts to the fraction theta of its length carries a flux larger by 1/theta, which leaves
the matrix symmetric and H_x of second order (Gibou, Fedkiw, Cheng & Kang 2002, J. Comput. Phys. 176).
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

from ..conventions import MU_0
from . import layered
from .mesh import Mesh
from .solve import Stencil

SLIVER = 1e-3
"""A node less than this fraction of a row below the surface lies on it."""


Edges = tuple[Complex[Array, "2 earthnode"], Complex[Array, "2 earthnode"]]
"""E and H of the layered earth at the earth nodes of the first and the last column."""


class System(eqx.Module):
    """The linear system of one frequency, and the values on its Dirichlet boundary.

    `sides` is the field on the first and the last column of nodes. Rows of nodes that are not unknown
    are at the top and hold one.
    """

    stencil: Stencil
    rhs: Complex[Array, "row col"]
    sides: Complex[Array, "2 znode"]

    def field(self, x: Complex[Array, "row col"]) -> Complex[Array, "znode ynode"]:
        """The field on all nodes from the solved unknowns."""
        held = jnp.ones((self.sides.shape[1] - x.shape[0], x.shape[1]), x.dtype)
        left, right = self.sides[:, :, None]
        return jnp.concatenate([left, jnp.concatenate([held, x]), right], axis=1)


def _halves(steps: Float[np.ndarray, " n"]) -> Float[np.ndarray, " m"]:
    """Dual lengths of the nodes around cells of length `steps`."""
    padded = np.concatenate([[0.0], steps, [0.0]])
    return 0.5 * (padded[:-1] + padded[1:])


def padded(values: Array, *ends: tuple[int, int]) -> Array:
    """Zeros at both ends of each axis: as `jnp.pad`, in one operation, which is quicker to trace."""
    return lax.pad(values, np.zeros((), values.dtype), [(low, high, 0) for low, high in ends])


def _pad(values: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """Zeros on both sides along `axis`."""
    return padded(values, *((1, 1) if a == axis else (0, 0) for a in range(values.ndim)))


def assemble(
    omega: Float[Array, ""],
    c: Float[Array, "z y"],
    m: Float[Array, "z y"],
    dy: Float[np.ndarray, " y"],
    dz: Float[np.ndarray, " z"],
) -> Stencil:
    """The operator on all nodes, with the bottom condition and no other boundary condition."""
    heights, widths = jnp.asarray(dz)[:, None], jnp.asarray(dy)
    right = _pad(0.5 * c * heights, 0)
    right = (right[1:] + right[:-1]) / widths
    down = _pad(0.5 * c * widths, 1)
    down = (down[:, 1:] + down[:, :-1]) / heights
    mass = _pad(_pad(0.25 * m * heights * widths, 0), 1)
    mass = mass[1:, 1:] + mass[1:, :-1] + mass[:-1, 1:] + mass[:-1, :-1]
    # sqrt(i omega m c) = (1 + i) sqrt(omega m c / 2)
    robin = _pad(0.5 * widths * jnp.sqrt(0.5 * omega * m[-1] * c[-1]), 0)
    robin = padded((robin[1:] + robin[:-1])[None], (mass.shape[0] - 1, 0), (0, 0))
    across, along = _pad(right, 1), _pad(down, 0)
    stiffness = across[:, 1:] + across[:, :-1] + along[1:] + along[:-1]
    return Stencil(lax.complex(stiffness + robin, omega * mass + robin), down, right)


def _reduce(
    full: Stencil, held: int, sides: Complex[Array, "2 znode"], inflow: Complex[Array, " col"]
) -> System:
    """Eliminates the side columns and the first `held` rows; `inflow` enters the next row from above."""
    inner = Stencil(full.diagonal[held:, 1:-1], full.down[held:, 1:-1], full.right[held:, 1:-1])
    links = jnp.stack([full.right[held:, 0], full.right[held:, -1]]).astype(sides.dtype)
    edges = links * sides[:, held:]
    rows, columns = inner.diagonal.shape
    # Of padded parts: a scatter takes far longer to compile.
    left = padded(edges[0][:, None], (0, 0), (0, columns - 1))
    right = padded(edges[1][:, None], (0, 0), (columns - 1, 0))
    return System(inner, left + right + padded(inflow[None], (0, rows - 1), (0, 0)), sides)


def _cut(
    full: Stencil, down: Float[np.ndarray, "above col"], right: Float[np.ndarray, "row left"]
) -> Stencil:
    """The operator with links multiplied by factors."""
    more_down, more_right = full.down * (down - 1), full.right * (right - 1)
    along, across = _pad(more_down, 0), _pad(more_right, 1)
    more = along[1:] + along[:-1] + across[:, 1:] + across[:, :-1]
    return Stencil(
        full.diagonal + more.astype(full.diagonal.dtype), full.down + more_down, full.right + more_right
    )


def _hold(system: System, held: Bool[np.ndarray, "row col"]) -> System:
    """The system with the unknowns `held` at one."""
    stencil = system.stencil
    known = stencil.matvec(jnp.asarray(held + 0j))
    free = Stencil(
        jnp.where(held, 1.0, stencil.diagonal),
        jnp.where(held[1:] | held[:-1], 0.0, stencil.down),
        jnp.where(held[:, 1:] | held[:, :-1], 0.0, stencil.right),
    )
    return System(free, jnp.where(held, 1.0, system.rhs - known), system.sides)


class AbstractOperator(eqx.Module):
    """One mode of Maxwell's equations on a mesh."""

    mesh: eqx.AbstractVar[Mesh]

    @abc.abstractmethod
    def system(
        self, omega: Float[Array, ""], resistivity: Float[Array, "earth y"], edges: Edges | None = None
    ) -> System:
        """The system of one frequency; `omega` in rad/s, `resistivity` in ohm m.

        - `edges`: of `edge_fields`, where they are known already: both modes take the same.
        """

    @abc.abstractmethod
    def coefficients(
        self, resistivity: Float[Array, "earth y"]
    ) -> tuple[Float[Array, "earth y"], Float[Array, "earth y"]]:
        """C and m of the earth cells."""


def edge_fields(omega: Float[Array, ""], mesh: Mesh, resistivity: Float[Array, "earth y"]) -> Edges:
    r"""E and H at the earth nodes of the first and the last column.

    Below its surface a column is a layered earth, with its half-space cut into as many more layers as
    there are rows above. Above, H = 1 and $\partial_z E = -i\omega\mu_0$.
    """
    nodes, surface = mesh.earth_nodes, mesh.surface[[0, -1], None]
    above = np.searchsorted(nodes, surface[:, 0], side="right")[:, None] - 1
    rows = np.minimum(np.arange(mesh.n_earth + 1) + above, mesh.n_earth - 1)
    thickness = mesh.dz[rows[:, :-1]]
    thickness[:, :1] = nodes[above + 1] - surface
    columns = jnp.stack([resistivity[rows[0], 0], resistivity[rows[1], -1]])
    fields = jax.vmap(lambda r, h: layered.fields(omega, r, h))(columns, jnp.asarray(thickness))
    side, node = np.array([[0], [1]]), np.maximum(np.arange(mesh.n_earth + 1) - above, 0)
    height = np.maximum(surface - nodes, 0.0)
    electric = fields.electric[side, node] - _air_slope(omega) * jnp.asarray(height + 0j)
    return electric, fields.magnetic[side, node]


def _air_slope(omega: Float[Array, ""]) -> Complex[Array, ""]:
    """In air dE_x/dz = -i omega mu_0 H_y with H_y = 1."""
    return lax.complex(jnp.zeros_like(omega), -omega * MU_0)


class TE(AbstractOperator):
    """E along strike: $E_x$ on the nodes of air and earth."""

    mesh: Mesh

    def __check_init__(self) -> None:
        if self.mesh.n_air == 0:
            raise ValueError(
                "The TE mode needs air above the ground, but `Mesh(z_nodes=...)` starts at 0 m. Use "
                '`mesh.with_air()`, or `Survey(modes=("tm",))`.'
            )

    def coefficients(
        self, resistivity: Float[Array, "earth y"]
    ) -> tuple[Float[Array, "earth y"], Float[Array, "earth y"]]:
        """C = 1 and m = mu_0 / rho."""
        return jnp.ones_like(resistivity), MU_0 / resistivity * jnp.asarray(self.mesh.filled)

    def system(
        self, omega: Float[Array, ""], resistivity: Float[Array, "earth y"], edges: Edges | None = None
    ) -> System:
        """Unknowns are the nodes of all rows between the sides, but for those that the top holds."""
        mesh = self.mesh
        c, m = self.coefficients(resistivity)
        air = jnp.zeros((mesh.n_air, mesh.n_y))
        full = assemble(
            omega,
            jnp.concatenate([air + 1, c]),
            jnp.concatenate([air, m]),
            mesh.dy,
            np.diff(mesh.z_nodes),
        )
        earth, _ = edge_fields(omega, mesh, resistivity) if edges is None else edges
        rise = _air_slope(omega)
        above = earth[:, :1] + rise * jnp.asarray(mesh.z_nodes[: mesh.n_air] + 0j)
        sides = mesh.top.sides(jnp.concatenate([above, earth], axis=1))
        widths = jnp.asarray(_halves(mesh.dy)[1:-1])
        return _reduce(full, mesh.top.held, sides, mesh.top.inflow(rise, widths, full.down[0, 1:-1]))


class TM(AbstractOperator):
    """H along strike: $H_x$ on the nodes of the earth."""

    mesh: Mesh

    def coefficients(
        self, resistivity: Float[Array, "earth y"]
    ) -> tuple[Float[Array, "earth y"], Float[Array, "earth y"]]:
        """C = rho and m = mu_0."""
        return resistivity, jnp.full_like(resistivity, MU_0)

    def system(
        self, omega: Float[Array, ""], resistivity: Float[Array, "earth y"], edges: Edges | None = None
    ) -> System:
        """Unknowns are the nodes below z = 0 between the sides; those above the surface are held."""
        mesh = self.mesh
        c, m = self.coefficients(resistivity)
        full = assemble(omega, c, m, mesh.dy, mesh.dz)
        _, sides = edge_fields(omega, mesh, resistivity) if edges is None else edges
        if not mesh.surface.any():
            return _reduce(full, 1, sides, full.down[0, 1:-1].astype(sides.dtype))
        held, down, right = _surface_links(mesh)
        full = _cut(full, down, right)
        system = _reduce(full, 1, sides, full.down[0, 1:-1].astype(sides.dtype))
        return _hold(system, held[1:, 1:-1])


def _surface_links(
    mesh: Mesh,
) -> tuple[
    Bool[np.ndarray, "earthnode ynode"], Float[np.ndarray, "earth ynode"], Float[np.ndarray, "earthnode y"]
]:
    """Which nodes lie on the surface or above, and 1 / theta of the links downward and to the right."""
    surface, z = mesh.surface, mesh.earth_nodes[:, None]
    held = z <= surface + SLIVER * np.insert(mesh.dz, 0, mesh.dz[0])[:, None]
    down = np.where(held[:-1] & ~held[1:], (z[1:] - surface) / mesh.dz[:, None], 1.0)
    high, low = np.maximum(surface[1:], surface[:-1]), np.minimum(surface[1:], surface[:-1])
    share = (z - low) / np.where(high > low, high - low, 1.0)
    right = np.where(held[:, 1:] != held[:, :-1], share, 1.0)
    return held, 1 / np.minimum(down, 1.0), 1 / np.minimum(right, 1.0)
