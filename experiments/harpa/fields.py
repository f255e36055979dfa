r"""Travel-time fields: the time from any point of the cube to every station, differentiable.

A field is called with points (point, 3), a latent vector of the wave speed, empty where the speed is
known, and the numbers of some stations; it returns times (point, station).
"""

import abc
import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key

from .training import learned

FIRST = 15.0
"""Frequency of the sines."""

CHUNK = 50
"""Steps of training between two reports."""

Points = Float[Array, "point 3"]
Times = Float[Array, "point station"]
Latent = Float[Array, " latent"]
Chosen = Int[Array, " station"]


class AbstractField(eqx.Module):
    """What the search for events looks travel times up in."""

    @abc.abstractmethod
    def __call__(self, points: Points, latent: Latent, stations: Chosen) -> Times:
        """The times."""


class Table(AbstractField):
    """Trilinear between the nodes of a table, where it is exact."""

    times: Float[Array, "n n n station"]

    def __call__(self, points: Points, latent: Latent, stations: Chosen) -> Times:
        """The times; the latent vector is empty."""
        del latent
        return _interpolated(self.times, points, stations)


def _interpolated(table: Float[Array, "n n n station"], points: Points, stations: Chosen) -> Times:
    """Trilinear between the nodes."""
    n = table.shape[0]
    scaled = jnp.clip(points, 0.0, 1.0) * (n - 1)
    low = jnp.clip(jnp.floor(lax.stop_gradient(scaled)), 0, n - 2).astype(int)
    weight = scaled - low.astype(points.dtype)
    found = jnp.zeros((), points.dtype)
    for corner in range(8):
        bits = [(corner >> axis) & 1 for axis in range(3)]
        x, y, z = (weight[:, d] if bit else 1 - weight[:, d] for d, bit in enumerate(bits))
        i, j, k = (low[:, d] + bit for d, bit in enumerate(bits))
        found = found + (x * y * z)[:, None] * table[i[:, None], j[:, None], k[:, None], stations]
    return found


class Siren(AbstractField):
    r"""A network with sines, $T_i(x) = |x - r_i|\,s_i(x, \ell)$, the mean slowness s along the ray.

    The distance carries the cone at a station, so that what the network learns is smooth. Its weights are
    drawn as by Sitzmann et al. (2020), with the frequency `FIRST`.
    """

    layers: list[eqx.nn.Linear]
    stations: Float[Array, "station 3"]
    slowness: Float[Array, ""]

    def __init__(
        self,
        stations: Float[Array, "station 3"],
        slowness: Float[Array, ""],
        latents: int,
        width: int,
        depth: int,
        *,
        key: Key[Array, ""],
    ) -> None:
        """Draws the weights; `slowness` is what the network starts from, near its mean."""
        sizes = [3 + latents, *[width] * depth, len(stations)]
        self.layers = []
        for i, (into, out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            key, own, bias = jax.random.split(key, 3)
            bound = 1 / into if i == 0 else math.sqrt(6 / into) / FIRST
            layer = eqx.nn.Linear(into, out, key=own)
            weight = jax.random.uniform(own, (out, into), minval=-bound, maxval=bound)
            drawn = jax.random.uniform(bias, (out,), minval=-bound, maxval=bound)
            layer = eqx.tree_at(lambda linear: (linear.weight, linear.bias), layer, (weight, drawn))
            self.layers.append(layer)
        self.stations, self.slowness = stations, slowness

    def __call__(self, points: Points, latent: Latent, stations: Chosen) -> Times:
        """The times."""
        latents = jnp.broadcast_to(latent, (len(points), latent.size))
        values = 2 * jnp.concatenate([points, latents], axis=1) - 1
        for layer in self.layers[:-1]:
            values = jnp.sin(FIRST * (values @ layer.weight.T + _bias(layer)))
        last = self.layers[-1]
        values = values @ last.weight[stations].T + _bias(last)[stations]
        squares = jnp.sum(jnp.square(points[:, None] - self.stations[stations]), axis=-1)
        return jnp.sqrt(squares + 1e-10) * self.slowness * (1 + values)


def _bias(layer: eqx.nn.Linear) -> Float[Array, " out"]:
    """Of a layer of a `Siren`, each of which has one."""
    assert layer.bias is not None
    return layer.bias


class Corrected(AbstractField):
    """A network for how times change with the speed, and a table of them in one speed, where it is exact.

    - `latent`: of the speed of the table.
    """

    network: Siren
    latent: Latent
    times: Float[Array, "n n n station"]

    def __call__(self, points: Points, latent: Latent, stations: Chosen) -> Times:
        """The times."""
        changed = self.network(points, latent, stations) - self.network(points, self.latent, stations)
        return _interpolated(self.times, points, stations) + changed


class Linearised(AbstractField):
    """Tables: exact in one speed, and to first order in the latent numbers around it.

    - `latent`: of that speed. `slopes`: derivatives of `times` with respect to each number.
    """

    latent: Latent
    times: Float[Array, "n n n station"]
    slopes: Float[Array, "latent n n n station"]

    def __call__(self, points: Points, latent: Latent, stations: Chosen) -> Times:
        """The times."""
        slopes = jax.vmap(lambda slope: _interpolated(slope, points, stations))(self.slopes)
        return _interpolated(self.times, points, stations) + jnp.tensordot(latent - self.latent, slopes, 1)


def trained(
    siren: Siren,
    points: Points,
    times: Float[Array, "speed point station"],
    latents: Float[Array, "speed latent"],
    *,
    key: Key[Array, ""],
    steps: int,
    batch: int = 2048,
    rate: float = 1e-3,
    progress: Callable[[int, float], None] = lambda _steps, _error: None,
) -> Siren:
    """The network after `steps` steps of Adam on the mean square error, by a cosine from `rate` to zero.

    - `times`: of every point, in every speed; `latents` of these. A batch is drawn from both.
    - `progress`: called with the number of new steps and the rms error of their batches.
    """
    everywhere = jnp.arange(times.shape[2])

    def loss(layers: list, draw: Array) -> Array:
        one, other = jax.random.split(draw)
        speed = jax.random.randint(one, (batch,), 0, times.shape[0])
        point = jax.random.randint(other, (batch,), 0, times.shape[1])
        network = eqx.tree_at(lambda s: s.layers, siren, layers)
        found = jax.vmap(lambda p, l: network(p[None], l, everywhere)[0])(points[point], latents[speed])
        return jnp.mean(jnp.square(found - times[speed, point]))

    layers = learned(loss, siren.layers, key=key, steps=steps, rate=rate, chunk=CHUNK, progress=progress)
    return eqx.tree_at(lambda s: s.layers, siren, layers)
