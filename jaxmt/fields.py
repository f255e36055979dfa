r"""From the solved field to its companions at the stations.

The flux $c\,\partial_z u$ at the ground comes from the balance over the half dual cell below a node.
With $q = i\omega m\,u - \partial_y(c\,\partial_y u)$, which varies linearly between the first two node
rows 0 and 1, $c\,\partial_z u|_0 = \bar c\,(u_1 - u_0)/\Delta z - \Delta z\,(3 q_0 + q_1)/8$. Over a
half-space with uniform rows this is of third order, $-(k\Delta z)^3/16$ of the flux: the 1/8 cancels the
second-order error of the interior scheme.

Along the profile the fields are interpolated linearly between nodes. $E_x$, $H_y$ and, in TM, the
current $J_y$ are continuous across vertical contacts; $E_y = \rho J_y$ jumps with the resistivity of the
cell under the station. A station exactly on a contact belongs to the cell on its right (larger y), the
rule of ModEM and Occam2D.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float

from .conventions import MU_0
from .mesh import Mesh
from .operator import AbstractOperator


def ground_flux(
    operator: AbstractOperator,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
) -> tuple[Complex[Array, " ynode"], Float[Array, " ynode"]]:
    """The flux c du/dz at the ground nodes, and the averaged c that multiplies du/dz there."""
    mesh = operator.mesh
    dz = complex(mesh.dz[0])
    ground = field.shape[0] - 1 - mesh.n_earth
    u = field[ground : ground + 2]
    c, m = operator.coefficients(resistivity)
    dy = jnp.asarray(mesh.dy)
    width = jnp.pad(dy, (1, 0)) + jnp.pad(dy, (0, 1))

    def average(cell: Float[Array, " y"]) -> Float[Array, " ynode"]:
        return (jnp.pad(cell * dy, (1, 0)) + jnp.pad(cell * dy, (0, 1))) / width

    c_node, m_node = average(c[0]), average(m[0])
    lateral = (c[0] / dy).astype(u.dtype) * jnp.diff(u, axis=1)
    spread = 2 * jnp.diff(lateral, axis=1) / width[1:-1].astype(u.dtype)
    q = lax.complex(jnp.zeros_like(m_node), omega * m_node) * u - jnp.pad(spread, ((0, 0), (1, 1)))
    flux = c_node.astype(u.dtype) * (u[1] - u[0]) / dz - dz * (3 * q[0] + q[1]) / 8
    return flux, c_node


def interpolate(
    mesh: Mesh, stations: Float[np.ndarray, " site"], values: Complex[Array, " ynode"]
) -> Complex[Array, " site"]:
    """Node values of the ground at the stations, linear between nodes."""
    left, weight = locate(mesh, stations)
    return values[left] * (1 - weight) + values[left + 1] * weight


def locate(
    mesh: Mesh, stations: Float[np.ndarray, " site"]
) -> tuple[np.ndarray, Complex[np.ndarray, " site"]]:
    """Column under each station (the right-hand one on a node) and the weight of its right node."""
    left = np.clip(np.searchsorted(mesh.y_nodes, stations, side="right") - 1, 0, mesh.n_y - 1)
    return left, (stations - mesh.y_nodes[left]) / mesh.dy[left] + 0j


def te_at_stations(
    operator: AbstractOperator,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    stations: Float[np.ndarray, " site"],
) -> tuple[Complex[Array, " site"], Complex[Array, " site"]]:
    """Impedance E_x/H_y (ohm) and tipper H_z/H_y of one frequency."""
    mesh = operator.mesh
    flux, _ = ground_flux(operator, omega, resistivity, field)
    ex = field[mesh.n_air]
    i_omega_mu = lax.complex(jnp.zeros_like(omega), omega * MU_0)
    hy = -flux / i_omega_mu
    hz = _slope(mesh, ex) / i_omega_mu
    at = [interpolate(mesh, stations, v) for v in (ex, hy, hz)]
    return at[0] / at[1], at[2] / at[1]


def tm_at_stations(
    operator: AbstractOperator,
    omega: Float[Array, ""],
    resistivity: Float[Array, "earth y"],
    field: Complex[Array, "znode ynode"],
    stations: Float[np.ndarray, " site"],
) -> Complex[Array, " site"]:
    """Impedance E_y/H_x (ohm) of one frequency; H_x is 1 at the ground."""
    flux, c_node = ground_flux(operator, omega, resistivity, field)
    jy = interpolate(operator.mesh, stations, flux / c_node.astype(flux.dtype))
    column, _ = locate(operator.mesh, stations)
    return resistivity[0, column].astype(jy.dtype) * jy


def _slope(mesh: Mesh, u: Complex[Array, " ynode"]) -> Complex[Array, " ynode"]:
    """du/dy at the nodes: the slope of the parabola through three nodes, one-sided at the ends."""
    dy = jnp.asarray(mesh.dy + 0j)
    slope = jnp.diff(u) / dy
    inner = (dy[1:] * slope[:-1] + dy[:-1] * slope[1:]) / (dy[1:] + dy[:-1])
    return jnp.concatenate([slope[:1], inner, slope[-1:]])
