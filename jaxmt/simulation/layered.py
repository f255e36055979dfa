r"""A 1-D layered earth: the fields at its interfaces and the impedance at its surface.

In layer j with resistivity $\rho_j$ and thickness $h_j$ let $k_j = \sqrt{i\omega\mu_0/\rho_j}$ and
$\zeta_j = i\omega\mu_0/k_j$. The impedance seen from the top of each layer follows from the one below,
$Z_j = \zeta_j \frac{Z_{j+1} + \zeta_j\tanh k_jh_j}{\zeta_j + Z_{j+1}\tanh k_jh_j}$
(Wait 1954; Ward & Hohmann 1988, eq. 1.178), starting from $Z = \zeta$ of the half-space below the last
interface. Every expression here decays with $e^{-kh}$ and none grows, so thick layers are safe.
"""

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from ..conventions import MU_0
from .sharding import vary_alike


def _layers(
    omega: Float[Array, ""], resistivity: Float[Array, " interface"]
) -> tuple[Complex[Array, " interface"], Complex[Array, " interface"]]:
    """Wave number k (1/m, positive real part) and intrinsic impedance (ohm) of each layer."""
    half = jnp.sqrt(0.5 * omega * MU_0 / resistivity)
    k = lax.complex(half, half)
    return k, k * lax.complex(resistivity, jnp.zeros_like(resistivity))


def impedances(
    omega: Float[Array, ""], resistivity: Float[Array, " interface"], thickness: Float[Array, " layer"]
) -> Complex[Array, " interface"]:
    r"""Impedance $E_x/H_y$ in ohm at the top of every layer; entry 0 is the surface.

    - `omega`: angular frequency, rad/s.
    - `resistivity`: ohm m, downward; the last is the half-space.
    - `thickness`: m.
    """
    return _upwards(*_layers(omega, resistivity), thickness)


def _upwards(
    k: Complex[Array, " interface"], zeta: Complex[Array, " interface"], thickness: Float[Array, " layer"]
) -> Complex[Array, " interface"]:
    """The impedances, from the half-space to the surface."""
    decay = jnp.exp(-2 * k[:-1] * thickness.astype(k.dtype))
    tanh = (1 - decay) / (1 + decay)

    def step(
        below: Complex[Array, ""], layer: tuple[Complex[Array, ""], Complex[Array, ""]]
    ) -> tuple[Complex[Array, ""], Complex[Array, ""]]:
        z, t = layer
        here = z * (below + z * t) / (z + below * t)
        return here, here

    _, above = lax.scan(step, zeta[-1], (zeta[:-1], tanh), reverse=True)
    return jnp.append(above, zeta[-1])


class LayeredFields(eqx.Module):
    """Fields at the interfaces of a layered earth, scaled to a surface magnetic field of 1 A/m."""

    electric: Complex[Array, " interface"]
    magnetic: Complex[Array, " interface"]


def fields(
    omega: Float[Array, ""], resistivity: Float[Array, " interface"], thickness: Float[Array, " layer"]
) -> LayeredFields:
    r"""$E$ (V/m) and $H$ (A/m) at the top of every layer for $H = 1$ at the surface.

    Arguments as in `impedances`. From one interface to the next
    $H_{j+1}/H_j = 2e^{-kh} / (1 + e^{-2kh} + (Z_{j+1}/\zeta_j)(1 - e^{-2kh}))$.
    """
    k, zeta = _layers(omega, resistivity)
    z = _upwards(k, zeta, thickness)
    decay = jnp.exp(-k[:-1] * thickness.astype(k.dtype))
    ratio = 2 * decay / (1 + decay**2 + z[1:] / zeta[:-1] * (1 - decay**2))
    # Not jnp.cumprod, whose reverse on several devices ends XLA's compiler in jax 0.11.
    first, ratio = vary_alike((jnp.ones((), ratio.dtype), ratio))
    _, below = lax.scan(lambda h, r: (h * r, h * r), first, ratio)
    magnetic = jnp.append(jnp.ones(1, ratio.dtype), below)
    return LayeredFields(z * magnetic, magnetic)
