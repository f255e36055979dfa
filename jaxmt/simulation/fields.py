r"""From the solved field to its companions at the stations.

The flux $c\,\partial_z u$ at a station's row of nodes comes from the balance over the half dual cell
below. With $q = i\omega m\,u - \partial_y(c\,\partial_y u)$, which varies linearly between that row 0 and
the next row 1, $c\,\partial_z u|_0 = \bar c\,(u_1 - u_0)/\Delta z - \Delta z\,(3 q_0 + q_1)/8$. On the
ground over a half-space with uniform rows this is of third order, $-(k\Delta z)^3/16$ of the flux: the 1/8
cancels the second-order error of the interior scheme. Below other cells, as at the sea floor, it is of
second order.

Along the profile the fields are interpolated linearly between nodes. $E_x$, $H_y$ and, in TM, the
current $J_y$ are continuous across vertical contacts; $E_y = \rho J_y$ jumps with the resistivity of the
cell under the station. A station exactly on a contact belongs to the cell on its right (larger y), the
rule of ModEM and Occam2D. Across horizontal contacts $E_y$ is continuous: the cell below gives it.

On sloping ground TM measures E along the ground. $H_x = 1$ there, so that E is normal to the gradient of
$H_x$ and $E = \rho\,\partial_z H_x / \cos\alpha$ with the slope alpha. The flux $\rho\,\partial_z H_x$ on
the surface is extrapolated from the two links below. TE measures level fields.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from ..conventions import MU_0
from .mesh import Mesh
from .operator import SLIVER, TM, AbstractOperator, padded
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
        q = lax.complex(jnp.zeros_like(m_node), omega * m_node) * u - padded(spread, (0, 0), (1, 1))
        dz = dz.astype(u.dtype)
        return c_node.astype(u.dtype) * (u[1] - u[0]) / dz - dz * (3 * q[0] + q[1]) / 8, c_node

    u = field[first + rows[:, None] + np.arange(2)]
    flux, c_node = jax.vmap(at)(u, c[rows], m[rows], jnp.asarray(mesh.dz[rows]))
    return u[:, 0], flux, c_node


def _around(values: Float[Array, " y"]) -> Float[Array, " ynode"]:
    """The sum of the two cells around each node."""
    return padded(values, (1, 0)) + padded(values, (0, 1))


def te_at_stations(
    operator: AbstractOperator,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    survey: Survey,
    stations: Float[Array, " site"] | None = None,
) -> tuple[Complex[Array, " site"], Complex[Array, " site"]]:
    """Impedance E_x/H_y (ohm) and tipper H_z/H_y of one frequency; H_y and H_z are level.

    - `stations`: traced positions in place of the survey's, m, on level ground.
    """
    mesh = operator.mesh
    place = survey.stations if stations is None else stations
    station, share = mesh.station_rows(survey), np.zeros(survey.stations.size)
    if mesh.surface.any():
        # Linear from the two rows below: H_y bends at the ground.
        tolerance = SLIVER * mesh.dz[station]
        station = np.searchsorted(mesh.earth_nodes, survey.depths - tolerance)
        share = np.maximum(mesh.earth_nodes[station] - survey.depths, 0.0) / mesh.dz[station]
    pair = np.stack([station, station + 1]) if share.any() else station[None]
    rows, row = np.unique(pair, return_inverse=True)
    row = row.reshape(pair.shape)
    ex, flux, _ = flux_below(operator, omega, resistivity, field, rows)
    i_omega_mu = lax.complex(jnp.zeros_like(omega), omega * MU_0)
    values = ex, -flux / i_omega_mu, _slope(mesh, ex) / i_omega_mu
    e, hy, hz = (interpolate(mesh, place, v, row[0]) for v in values)
    if share.any():
        up = jnp.asarray(share + 0j)
        next_e, next_hy, next_hz = (interpolate(mesh, place, v, row[1]) for v in values)
        e, hy, hz = e + up * (e - next_e), hy + up * (hy - next_hy), hz + up * (hz - next_hz)
    return e / hy, hz / hy


def tm_at_stations(
    operator: TM,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    survey: Survey,
    stations: Float[Array, " site"] | None = None,
) -> Complex[Array, " site"]:
    """Impedance E_y/H_x (ohm) of one frequency; H_x is 1 on the surface.

    - `stations`: traced positions in place of the survey's, m, on level ground.
    """
    mesh = operator.mesh
    place = survey.stations if stations is None else stations
    station, (column, _) = mesh.station_rows(survey), _under(mesh, place)
    rows, row = np.unique(station, return_inverse=True)
    hx, flux, c_node = flux_below(operator, omega, resistivity, field, rows)
    jy, hx = (interpolate(mesh, place, v, row) for v in (flux / c_node.astype(flux.dtype), hx))
    z = resistivity[station, column].astype(flux.dtype) * jy / hx
    if not mesh.surface.any():
        return z
    column = mesh.station_columns(survey)
    ground = mesh.ground(survey.stations)
    level = np.isin(mesh.surface[column], mesh.earth_nodes) & (np.diff(mesh.surface)[column] == 0)
    cut = (survey.depths - ground < 0.5 * mesh.dz[station]) & ~level
    top = np.searchsorted(mesh.earth_nodes, ground, side="right") - 1
    slope = np.diff(mesh.surface)[column] / mesh.dy[column]
    jy = interpolate(mesh, place, _surface_current(mesh, resistivity, field)[None], 0 * row)
    along = resistivity[top, column].astype(flux.dtype) * jy * jnp.asarray(np.hypot(1, slope) + 0j)
    return jnp.where(cut, along, z)


def _surface_current(
    mesh: Mesh, resistivity: Float[Array, "earth y"], field: Complex[Array, "znode ynode"]
) -> Complex[Array, " ynode"]:
    """du/dz of TM on the surface in each column of nodes, where u is 1."""
    column = np.arange(mesh.n_y + 1)
    sliver = SLIVER * np.insert(mesh.dz, 0, mesh.dz[0])[:, None]
    first = np.argmax(mesh.earth_nodes[:, None] > mesh.surface + sliver, axis=0)
    a, b = mesh.earth_nodes[first] - mesh.surface, mesh.dz[first]
    left, right = np.maximum(column - 1, 0), np.minimum(column, mesh.n_y - 1)
    share = jnp.asarray(mesh.dy[left] / (mesh.dy[left] + mesh.dy[right]))
    above, below = (
        (share * resistivity[rows, left] + (1 - share) * resistivity[rows, right]).astype(field.dtype)
        for rows in (first - 1, first)
    )
    near = above * (field[first, column] - 1.0) / jnp.asarray(a + 0j)
    far = below * (field[first + 1, column] - field[first, column]) / jnp.asarray(b + 0j)
    return (near - jnp.asarray(a / (a + b) + 0j) * (far - near)) / above


def interpolate(
    mesh: Mesh,
    stations: Float[np.ndarray | Array, " site"],
    values: Complex[Array, "row ynode"],
    row: Int[np.ndarray, " site"],
) -> Complex[Array, " site"]:
    """Values of rows of nodes at the stations, of which each has its `row`; linear between nodes."""
    left, weight = _under(mesh, stations)
    return values[row, left] * (1 - weight) + values[row, left + 1] * weight


def _under(
    mesh: Mesh, stations: Float[np.ndarray | Array, " site"]
) -> tuple[Int[np.ndarray | Array, " site"], Complex[np.ndarray | Array, " site"]]:
    """The column under each station, and the part of its width that lies left of the station."""
    if isinstance(stations, np.ndarray):
        column = mesh.columns(stations)
        return column, (stations - mesh.y_nodes[column]) / mesh.dy[column] + 0j
    nodes = jnp.asarray(mesh.y_nodes)
    column = jnp.clip(jnp.searchsorted(nodes, stations, side="right") - 1, 0, mesh.n_y - 1)
    return column, ((stations - nodes[column]) / jnp.asarray(mesh.dy)[column]).astype(complex)


def _slope(mesh: Mesh, u: Complex[Array, "row ynode"]) -> Complex[Array, "row ynode"]:
    """du/dy at the nodes: the slope of the parabola through three nodes, one-sided at the ends."""
    dy = jnp.asarray(mesh.dy + 0j)
    slope = jnp.diff(u, axis=1) / dy
    inner = (dy[1:] * slope[:, :-1] + dy[:-1] * slope[:, 1:]) / (dy[1:] + dy[:-1])
    return jnp.concatenate([slope[:, :1], inner, slope[:, -1:]], axis=1)
