r"""Layered models with all thicknesses scaled by s: curves shifted by $2\log_{10}s$ decades of frequency.

The impedance depends on $h_j\sqrt{\omega/\rho_j}$ alone but for a factor $\sqrt{\omega}$, which apparent
resistivity and phase do not have: what a wrong depth does to a sounding curve is exactly a shift.
"""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, ArrayLike, Float

import jaxmt
from jaxmt.misfit import AbstractMisfit
from jaxmt.misfit.embedding import VALUE_SCALE
from jaxmt.simulation.layered import impedances

FREQUENCIES = np.geomspace(1e3, 1e-4, 36)
RELATIVE_ERROR = 0.05
"""Error of |Z|, as a fraction of it."""

ETAS = (10.0, 1.0, 0.1, 0.01, 0.0)
BLURS = (0.03, 0.1)


@dataclasses.dataclass(frozen=True)
class Layers:
    """Resistivities (ohm m) downward, the last of the half-space, and the thicknesses (m) above it."""

    resistivity: tuple[float, ...]
    thickness: tuple[float, ...]


SEVEN = (30.0, 1000.0, 5.0, 800.0, 2.0, 2000.0, 50.0)
MODELS = {
    "3 layers": Layers((300.0, 5.0, 300.0), (2e3, 2e3)),
    "5 layers": Layers((100.0, 1.0, 1000.0, 3.0, 500.0), (500.0, 500.0, 5e3, 5e3)),
    "7 layers": Layers(SEVEN, (300.0, 1e3, 300.0, 3e3, 500.0, 3e4)),
    "7 layers, thicker": Layers(SEVEN, (300.0, 1e3, 300.0, 5e3, 700.0, 3e4)),
}

WEIGHTS = {"noise": "the errors of the data", "alike": "one and the same on the embedding's scale"}

DRAWN = (
    "least squares",
    "graph space, eta 1",
    "graph space, eta 0.01",
    "3-D transport, blur 0.03",
    "6-D transport, blur 0.03",
)


def responses(model: Layers, scale: ArrayLike = 1.0) -> jaxmt.Responses:
    """Of one station, with the thicknesses times `scale`."""
    survey = jaxmt.Survey(FREQUENCIES, [0.0])
    resistivity = jnp.asarray(model.resistivity)
    thickness = jnp.asarray(scale) * jnp.asarray(model.thickness)
    omega = jnp.asarray(2 * np.pi * survey.frequencies)
    z = jax.vmap(lambda w: impedances(w, resistivity, thickness)[0])(omega)[:, None]
    return jaxmt.Responses(survey, z, -z, None)


def observed(model: Layers, weights: str) -> jaxmt.Data:
    """The unscaled sounding with the errors that `weights` asks for."""
    data = jaxmt.Data.from_responses(responses(model), RELATIVE_ERROR)
    if weights == "noise":
        return data
    alike = np.broadcast_to(RELATIVE_ERROR * VALUE_SCALE[:, None, None], data.values.shape)
    return jaxmt.Data(data.survey, data.values, alike)


Profile = Callable[[jaxmt.Data, Float[Array, "scale comp freq 1"]], Float[Array, " scale"]]


def _profile(misfit: AbstractMisfit) -> Profile:
    """Compiled once for all data, which takes longer than all the rest."""
    values = eqx.filter_jit(lambda p, prepared: lax.map(lambda one: misfit(one, *prepared)[0], p))
    return lambda data, predicted: values(predicted, misfit.prepare(data))


def profiles(blurs: tuple[float, ...] = BLURS) -> dict[str, Profile]:
    """Each misfit between data and many predictions; transport plans are solved to the end."""
    found = {"least squares": _profile(jaxmt.LeastSquares())}
    found |= {f"graph space, eta {eta:g}": _profile(jaxmt.GraphSpaceTransport(eta)) for eta in ETAS}
    for blur in blurs:
        cloud = jaxmt.CloudTransport(
            blur, blur, frequency_weight=1.0, station_weight=1.0, error_floor_ratio=1.0, max_sweeps=2000
        )
        found[f"3-D transport, blur {blur:g}"] = _profile(jaxmt.ComponentTransport(cloud))
        found[f"6-D transport, blur {blur:g}"] = _profile(cloud)
    return found


def soundings(model: Layers, scales: Float[np.ndarray, " scale"]) -> Float[Array, "scale comp freq 1"]:
    """Responses for each scale of the thicknesses, in the order of `COMPONENTS`."""
    return jax.vmap(lambda scale: responses(model, scale).components)(jnp.asarray(scales))
