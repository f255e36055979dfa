"""What a magnetotelluric station reports: impedance, apparent resistivity, phase, tipper."""

import dataclasses
from types import ModuleType

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Complex, Float

from ..conventions import MU_0
from ..programs import compiled
from .survey import Survey

Impedance = Complex[Array | np.ndarray, "*models freq site"]
Real = Float[Array | np.ndarray, "*models freq site"]
Pair = Float[Array | np.ndarray, "*models 2 freq site"]
Frequencies = Float[Array | np.ndarray, "... freq"]


def numpy_of(*arrays: Array | np.ndarray) -> ModuleType:
    """NumPy where every array is one of its own, for JAX would compile a program of each operation; else
    `jax.numpy`.
    """
    return np if all(isinstance(array, np.ndarray) for array in arrays) else jnp


def apparent_resistivity(impedance: Impedance, frequencies: Frequencies) -> Real:
    r"""$\rho_a = |Z|^2 / (\omega\mu_0)$ in ohm m.

    - `impedance`: $Z = E/H$ in ohm, time dependence $e^{+i\omega t}$.
    - `frequencies`: Hz.
    """
    xp = numpy_of(impedance, frequencies)
    return xp.square(xp.abs(impedance)) / (2 * np.pi * MU_0 * frequencies[..., None])


def log10_and_phase(impedance: Impedance, frequencies: Frequencies) -> Pair:
    """Log10 of the apparent resistivity (ohm m) and phase (degrees); give -Z_yx for TM."""
    xp = numpy_of(impedance, frequencies)
    rho = apparent_resistivity(impedance, frequencies)
    return xp.stack([xp.log10(rho), xp.rad2deg(xp.angle(impedance))], axis=-3)


def parts(tipper: Impedance) -> Pair:
    """Real and imaginary part."""
    xp = numpy_of(tipper)
    return xp.stack([xp.real(tipper), xp.imag(tipper)], axis=-3)


class Responses(eqx.Module):
    r"""Responses at the stations of a survey, arrays of shape (frequency, station).

    - `z_xy`, `z_yx`: impedances of TE and TM in ohm, $e^{+i\omega t}$; z_yx has its minus sign.
    - `tipper`: $H_z/H_y$ of TE, dimensionless, z down.
    - `frequencies`, `stations`: Hz and m, where they took the place of the survey's as traced values.

    Under `jax.vmap` the axes of the models come first, also those of `components`. A mode that the survey
    leaves out is None; reading its apparent resistivity or phase raises `ValueError`.
    """

    survey: Survey
    z_xy: Complex[Array, "*models freq site"] | None
    z_yx: Complex[Array, "*models freq site"] | None
    tipper: Complex[Array, "*models freq site"] | None
    frequencies: Float[Array, "... freq"] | None = None
    stations: Float[Array, "... site"] | None = None

    def surveyed(self) -> Survey:
        """The survey with the frequencies and the stations of these responses, once they are known.

        Raises `ValueError` for responses of many models or of traced frequencies or stations.
        """
        mine = {"frequencies": self.frequencies, "stations": self.stations}
        mine = {name: values for name, values in mine.items() if values is not None}
        if any(isinstance(values, Tracer) or values.ndim != 1 for values in mine.values()):
            raise ValueError(
                f"These responses have traced or batched {' and '.join(mine)}, which no `Survey` holds. "
                "Take one model of the batch, outside of `jax.jit`."
            )
        # Fields were computed at these very frequencies.
        mine |= {"computed": None} if "frequencies" in mine else {}
        return dataclasses.replace(self.survey, **mine) if mine else self.survey

    def _frequencies(self) -> Float[Array, "... freq"]:
        return jnp.asarray(self.survey.frequencies) if self.frequencies is None else self.frequencies

    def _impedance(self, mode: str) -> Complex[Array, "*models freq site"]:
        impedance = self.z_xy if mode == "te" else self.z_yx
        if impedance is None:
            raise ValueError(
                f"These responses have no {mode.upper()} mode: `Survey(modes=...)` was "
                f'{self.survey.modes}. Add "{mode}" to it.'
            )
        return impedance

    def _rho(self, mode: str) -> Float[Array, "*models freq site"]:
        return jnp.asarray(apparent_resistivity(self._impedance(mode), self._frequencies()))

    @property
    def rho_xy(self) -> Float[Array, "*models freq site"]:
        """Apparent resistivity of TE, ohm m."""
        return self._rho("te")

    @property
    def rho_yx(self) -> Float[Array, "*models freq site"]:
        """Apparent resistivity of TM, ohm m."""
        return self._rho("tm")

    @property
    def phase_xy(self) -> Float[Array, "*models freq site"]:
        """Phase of TE, degrees; 45 over a half-space."""
        return jnp.rad2deg(jnp.angle(self._impedance("te")))

    @property
    def phase_yx(self) -> Float[Array, "*models freq site"]:
        """Phase of TM shifted by 180 degrees, so that a half-space gives 45."""
        return jnp.rad2deg(jnp.angle(-self._impedance("tm")))

    @property
    def components(self) -> Float[Array, "*models comp freq site"]:
        """The responses as real data in the order of `COMPONENTS`; NaN for a mode left out."""
        return _components(self)


@compiled
def _components(responses: Responses) -> Float[Array, "*models comp freq site"]:
    """By one program: each of its operations would be one for each new survey."""
    frequencies = responses._frequencies()
    *models, n_freq, n_site = jax.tree.leaves((responses.z_xy, responses.z_yx, responses.tipper))[0].shape
    absent = jnp.full((*models, 2, n_freq, n_site), jnp.nan)
    return jnp.concatenate(
        [
            absent if responses.z_xy is None else log10_and_phase(responses.z_xy, frequencies),
            absent if responses.z_yx is None else log10_and_phase(-responses.z_yx, frequencies),
            absent if responses.tipper is None else parts(responses.tipper),
        ],
        axis=-3,
    )
