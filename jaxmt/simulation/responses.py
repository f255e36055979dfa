"""What a magnetotelluric station reports: impedance, apparent resistivity, phase, tipper."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ..conventions import MU_0
from .survey import Survey


def apparent_resistivity(
    impedance: Complex[Array, "freq site"], frequencies: Float[Array, " freq"]
) -> Float[Array, "freq site"]:
    r"""$\rho_a = |Z|^2 / (\omega\mu_0)$ in ohm m.

    - `impedance`: $Z = E/H$ in ohm, time dependence $e^{+i\omega t}$.
    - `frequencies`: Hz.
    """
    return jnp.square(jnp.abs(impedance)) / (2 * jnp.pi * MU_0 * frequencies[:, None])


def log10_and_phase(
    impedance: Complex[Array, "freq site"], frequencies: Float[Array, " freq"]
) -> Float[Array, "2 freq site"]:
    """Log10 of the apparent resistivity (ohm m) and phase (degrees); give -Z_yx for TM."""
    rho = apparent_resistivity(impedance, frequencies)
    return jnp.stack([jnp.log10(rho), jnp.rad2deg(jnp.angle(impedance))])


def parts(tipper: Complex[Array, "freq site"]) -> Float[Array, "2 freq site"]:
    """Real and imaginary part."""
    return jnp.stack([jnp.real(tipper), jnp.imag(tipper)])


class Responses(eqx.Module):
    r"""Responses at the stations of a survey, arrays of shape (frequency, station).

    - `z_xy`, `z_yx`: impedances of TE and TM in ohm, $e^{+i\omega t}$; z_yx has its minus sign.
    - `tipper`: $H_z/H_y$ of TE, dimensionless, z down.

    A mode that the survey leaves out is None; reading its apparent resistivity or phase raises
    `ValueError`.
    """

    survey: Survey
    z_xy: Complex[Array, "freq site"] | None
    z_yx: Complex[Array, "freq site"] | None
    tipper: Complex[Array, "freq site"] | None

    def _impedance(self, mode: str) -> Complex[Array, "freq site"]:
        impedance = self.z_xy if mode == "te" else self.z_yx
        if impedance is None:
            raise ValueError(
                f"These responses have no {mode.upper()} mode: `Survey(modes=...)` was "
                f'{self.survey.modes}. Add "{mode}" to it.'
            )
        return impedance

    def _rho(self, mode: str) -> Float[Array, "freq site"]:
        return apparent_resistivity(self._impedance(mode), jnp.asarray(self.survey.frequencies))

    @property
    def rho_xy(self) -> Float[Array, "freq site"]:
        """Apparent resistivity of TE, ohm m."""
        return self._rho("te")

    @property
    def rho_yx(self) -> Float[Array, "freq site"]:
        """Apparent resistivity of TM, ohm m."""
        return self._rho("tm")

    @property
    def phase_xy(self) -> Float[Array, "freq site"]:
        """Phase of TE, degrees; 45 over a half-space."""
        return jnp.rad2deg(jnp.angle(self._impedance("te")))

    @property
    def phase_yx(self) -> Float[Array, "freq site"]:
        """Phase of TM shifted by 180 degrees, so that a half-space gives 45."""
        return jnp.rad2deg(jnp.angle(-self._impedance("tm")))

    @property
    def components(self) -> Float[Array, "comp freq site"]:
        """The responses as real data in the order of `COMPONENTS`; NaN for a mode left out."""
        frequencies = jnp.asarray(self.survey.frequencies)
        absent = jnp.full((2, frequencies.size, self.survey.stations.size), jnp.nan)
        return jnp.concatenate(
            [
                absent if self.z_xy is None else log10_and_phase(self.z_xy, frequencies),
                absent if self.z_yx is None else log10_and_phase(-self.z_yx, frequencies),
                absent if self.tipper is None else parts(self.tipper),
            ]
        )
