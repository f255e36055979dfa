r"""From the solved field to its companions at the stations.

The flux $c\,\partial_z u$ at a station's row of nodes comes from the balance over the half dual cell
below. With $q = i\omega m\,u - \partial_y(c\,\partial_y u)$, which varies linearly between that row 0 and
the next row 1, $c\,\partial_z u|_0 = \bar c\,(u_1 - u_0)/\Delta z - \Delta z\,(3 q_0 + q_1)/8$. At the ground
of a half-space with uniform rows this is of third order, $-(k\Delta z)^3/16$ of the flux: the 1/8 cancels
the second-order error of the interior scheme. Below other cells, as at the sea floor, it is of second.

Along the profile the fields are interpolated linearly between nodes. $E_x$, $H_y$ and, in TM, the
current $J_y$ are continuous across vertical contacts; $E_y = \rho J_y$ jumps with the resistivity of the
cell under the station. A station exactly on a contact belongs to the cell on its right (larger y), the
rule of ModEM and Occam2D. Across horizontal contacts $E_y$ is continuous: the cell below gives it.

On a stair $E_y$ at a point belongs to the step, weak at its edge and strong at its foot however small the
steps are; voltages along the stair tend to those along the slope. The voltage over the part of the
surface that belongs to a node is what the node's equation lacks, $-(Au)$.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from .conventions import MU_0
from .mesh import Mesh
from .operator import TM, AbstractOperator
from .survey import Survey


def flux_below(
    operator: AbstractOperator,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    rows: Int[np.ndarray, " row"],
) -> tuple[Complex[Array, "row ynode"], Complex[Array, "row ynode"], Float[Array, "row ynode"]]:
    """The field u, its flux c du/dz and the averaged c in it, on rows of nodes, from the cells below.

    - `rows`: counted from the row at z = 0.
    """
    mesh = operator.mesh
    first = field.shape[0] - 1 - mesh.n_earth
    c, m = operator.coefficients(resistivity)
    dy = jnp.asarray(mesh.dy)
    width = _around(dy)

    def at(
        u: Complex[Array, "two ynode"], c: Float[Array, " y"], m: Float[Array, " y"], dz: Float[Array, ""]
    ) -> tuple[Complex[Array, " ynode"], Float[Array, " ynode"]]:
        c_node, m_node = _around(c * dy) / width, _around(m * dy) / width
        lateral = (c / dy).astype(u.dtype) * jnp.diff(u, axis=1)
        spread = 2 * jnp.diff(lateral, axis=1) / width[1:-1].astype(u.dtype)
        q = lax.complex(jnp.zeros_like(m_node), omega * m_node) * u - jnp.pad(spread, ((0, 0), (1, 1)))
        dz = dz.astype(u.dtype)
        return c_node.astype(u.dtype) * (u[1] - u[0]) / dz - dz * (3 * q[0] + q[1]) / 8, c_node

    u = field[first + rows[:, None] + np.arange(2)]
    flux, c_node = jax.vmap(at)(u, c[rows], m[rows], jnp.asarray(mesh.dz[rows]))
    return u[:, 0], flux, c_node


def _around(values: Float[Array, " y"]) -> Float[Array, " ynode"]:
    """The sum of the two cells around each node."""
    return jnp.pad(values, (1, 0)) + jnp.pad(values, (0, 1))


def te_at_stations(
    operator: AbstractOperator,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    survey: Survey,
) -> tuple[Complex[Array, " site"], Complex[Array, " site"]]:
    """Impedance E_x/H_y (ohm) and tipper H_z/H_y of one frequency; H_y and H_z are level."""
    mesh = operator.mesh
    rows, row = np.unique(mesh.station_rows(survey), return_inverse=True)
    ex, flux, _ = flux_below(operator, omega, resistivity, field, rows)
    i_omega_mu = lax.complex(jnp.zeros_like(omega), omega * MU_0)
    hy = -flux / i_omega_mu
    hz = _slope(mesh, ex) / i_omega_mu
    at = [interpolate(mesh, survey, v, row) for v in (ex, hy, hz)]
    return at[0] / at[1], at[2] / at[1]


def tm_at_stations(
    operator: TM,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    survey: Survey,
) -> Complex[Array, " site"]:
    """Impedance E_y/H_x (ohm) of one frequency; H_x is 1 on the surface."""
    mesh = operator.mesh
    station = mesh.station_rows(survey)
    rows, row = np.unique(station, return_inverse=True)
    hx, flux, c_node = flux_below(operator, omega, resistivity, field, rows)
    # Between two cells of air there is neither flux nor c.
    jy = flux / jnp.where(c_node > 0, c_node, 1.0).astype(flux.dtype)
    at = [interpolate(mesh, survey, v, row) for v in (jy, hx)]
    column = mesh.station_columns(survey)
    z = resistivity[station, column].astype(flux.dtype) * at[0] / at[1]
    if not survey.dipole:
        return z
    on_surface = station == mesh.surface_rows[column]
    lacking = operator.full(omega, resistivity).matvec(field) * operator.on_surface
    along = jnp.asarray(_dipoles(mesh, survey) + 0j) @ -jnp.sum(lacking, axis=0)
    return jnp.where(on_surface, along, z)


def _dipoles(mesh: Mesh, survey: Survey) -> Float[np.ndarray, "site ynode"]:
    """What the voltage of each node column adds to E along the dipole of each station, 1/m.

    A node column's voltage lies between the middles of the treads beside it. Dipoles cover parts of such
    stretches; their length is that of the line between their ends on the polygon through the middles.
    """
    ends = survey.stations[:, None] + 0.5 * survey.dipole * np.array([-1.0, 1.0])
    y = mesh.y_centres
    covered = np.minimum(ends[:, 1:], y[1:]) - np.maximum(ends[:, :1], y[:-1])
    drop = np.diff(np.interp(ends, y, mesh.surface), axis=1)
    share = np.maximum(covered, 0.0) / np.diff(y) / np.hypot(survey.dipole, drop)
    return np.pad(share, ((0, 0), (1, 1)))


def interpolate(
    mesh: Mesh,
    survey: Survey,
    values: Complex[Array, "row ynode"],
    row: Int[np.ndarray, " site"],
) -> Complex[Array, " site"]:
    """Values of rows of nodes at the stations, of which each has its `row`; linear between nodes."""
    left = mesh.station_columns(survey)
    weight = (survey.stations - mesh.y_nodes[left]) / mesh.dy[left] + 0j
    return values[row, left] * (1 - weight) + values[row, left + 1] * weight


def _slope(mesh: Mesh, u: Complex[Array, "row ynode"]) -> Complex[Array, "row ynode"]:
    """du/dy at the nodes: the slope of the parabola through three nodes, one-sided at the ends."""
    dy = jnp.asarray(mesh.dy + 0j)
    slope = jnp.diff(u, axis=1) / dy
    inner = (dy[1:] * slope[:, :-1] + dy[:-1] * slope[:, 1:]) / (dy[1:] + dy[:-1])
    return jnp.concatenate([slope[:, :1], inner, slope[:, -1:]], axis=1)
