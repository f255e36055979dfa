r"""Acoustic waves in 2-D: $\ddot p = v^2(\nabla^2 p - f)$ on a grid with sponges around it.

Leapfrog in time, central differences of fourth order in space; v lives where p does. In the sponge
every step multiplies both time levels by $e^{-r^2/16}$, r from 0 at its inner to 1 at its outer edge
(Cerjan, Kosloff, Kosloff & Reshef 1985, Geophysics 50, 705). Reverse mode keeps the field once a sample
and computes the steps between anew (`jax.checkpoint`).
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from .wavelet import refined

LARGEST_COURANT = math.sqrt(3 / 8)
"""v times step over spacing at which the scheme becomes unstable, in 2-D."""

Fields = tuple[Float[Array, "z x"], Float[Array, "z x"]]


class Shot(eqx.Module):
    """One source, one receiver.

    - `wavelet`: f of the source at each sample, per m^2. `step`: s from one sample to the next.
    - `source`, `receiver`: grid points (row, column). `spacing`: of the grid, m.
    - `substeps`: steps in time a sample. `sponge`: its width, grid points.
    """

    wavelet: Float[np.ndarray, " sample"]
    source: tuple[int, int] = eqx.field(static=True)
    receiver: tuple[int, int] = eqx.field(static=True)
    step: float = eqx.field(static=True, default=0.004)
    spacing: float = eqx.field(static=True, default=4.0)
    substeps: int = eqx.field(static=True, default=4)
    sponge: int = eqx.field(static=True, default=40)

    def courant(self, velocity: Float[Array | np.ndarray, "z x"]) -> float:
        """Its largest value for a velocity, m/s; from `LARGEST_COURANT` on the waves grow without end."""
        return float(velocity.max()) * self.step / self.substeps / self.spacing

    def __call__(self, velocity: Float[Array, "z x"]) -> Float[Array, " sample"]:
        """The field at the receiver; `velocity` in m/s, carried on into the sponge."""
        rows, columns = velocity.shape
        for name, (row, column) in (("source", self.source), ("receiver", self.receiver)):
            if not (0 <= row < rows and 0 <= column < columns):
                raise ValueError(
                    f"`Shot({name}=...)` must lie on the grid of {rows} by {columns} points. "
                    f"Got {(row, column)}."
                )
        width, dtype = self.sponge, velocity.dtype
        source, receiver = (tuple(k + width for k in place) for place in (self.source, self.receiver))
        squared = jnp.square(jnp.pad(velocity, width, mode="edge") * (self.step / self.substeps))
        stiffness = squared / self.spacing**2
        damping = jnp.asarray(_damping(rows, columns, width), dtype)
        force = -squared[source] * jnp.asarray(refined(self.wavelet, self.substeps), dtype)

        def advance(fields: Fields, amplitude: Float[Array, ""]) -> tuple[Fields, None]:
            now, before = fields
            after = 2 * now - before + stiffness * _laplacian(now)
            return (damping * after.at[source].add(amplitude), damping * now), None

        @jax.checkpoint
        def sample(fields: Fields, amplitudes: Float[Array, " substep"]) -> tuple[Fields, Float[Array, ""]]:
            return lax.scan(advance, fields, amplitudes)[0], fields[0][receiver]

        rest = jnp.zeros_like(stiffness)
        return lax.scan(sample, (rest, rest), force.reshape(-1, self.substeps))[1]


def _laplacian(field: Float[Array, "z x"]) -> Float[Array, "z x"]:
    """Times the squared spacing; zero outside the grid."""
    rows, columns = field.shape
    wide = jnp.pad(field, 2)
    near = wide[1 : rows + 1, 2:-2] + wide[3 : rows + 3, 2:-2]
    near = near + wide[2:-2, 1 : columns + 1] + wide[2:-2, 3 : columns + 3]
    far = wide[:rows, 2:-2] + wide[4:, 2:-2] + wide[2:-2, :columns] + wide[2:-2, 4:]
    return (4 / 3) * near - (1 / 12) * far - 5 * field


def _damping(rows: int, columns: int, width: int) -> Float[np.ndarray, "z x"]:
    def along(count: int) -> Float[np.ndarray, " n"]:
        place = np.arange(-width, count + width)
        return np.maximum(0, np.maximum(-place, place - count + 1)) / max(width, 1)

    return np.exp(-(np.square(along(rows))[:, None] + np.square(along(columns))) / 16)
