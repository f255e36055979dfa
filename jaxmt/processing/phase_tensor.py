r"""The phase tensor: what an impedance says about direction and dimension in spite of distortion.

With $Z = X + iY$ ($e^{+i\omega t}$), $\Phi = X^{-1} Y$ (Caldwell, Bibby & Brown 2004, Geophys. J. Int.
158, 457-469). A real distortion of the electric field, $Z \to CZ$, leaves it as it is.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from .site import Site

UNKNOWN_ANGLE = 180 / np.sqrt(12)
"""Deviation, in degrees, of an axis that may point anywhere."""

MAX_BETA = 3.0
"""Skew angle, in degrees, beyond which the earth is called 3-D; 5 is usual for noisy data."""

MAX_ELLIPTICITY = 0.1
"""Ellipticity up to which the earth is called 1-D."""

Angle = Float[np.ndarray, " freq"]


@dataclasses.dataclass(frozen=True)
class PhaseTensor:
    r"""Phase tensor of a site and its invariants, each with a standard deviation; NaN where missing.

    With $\pi_1 = \frac12\sqrt{(\Phi_{11}-\Phi_{22})^2 + (\Phi_{12}+\Phi_{21})^2}$ and
    $\pi_2 = \frac12\sqrt{(\Phi_{11}+\Phi_{22})^2 + (\Phi_{12}-\Phi_{21})^2}$ (Bibby, Caldwell & Brown
    2005, Geophys. J. Int. 163, 915-930):

    - `alpha`: $\frac12\mathrm{atan2}(\Phi_{12}+\Phi_{21}, \Phi_{11}-\Phi_{22})$, degrees, in the axes of
      the data. `beta`, the skew: $\frac12\mathrm{atan2}(\Phi_{12}-\Phi_{21}, \Phi_{11}+\Phi_{22})$; 0 for
      a 2-D earth.
    - `azimuth`: alpha - beta, the axis of the larger phase, degrees clockwise from north, -90 to 90. Of
      a 2-D earth it is the strike or at right angles to it.
    - `phi_max`, `phi_min`: $\arctan(\pi_2 \pm \pi_1)$, degrees.
    - `ellipticity`: $\pi_1/\pi_2$, the difference of the two principal values over their sum; 0 for a
      1-D earth.

    Deviations of angles are at most 52 degrees, that of an angle nobody knows.
    """

    frequencies: Float[np.ndarray, " freq"]
    tensor: Float[np.ndarray, "freq 2 2"]
    tensor_error: Float[np.ndarray, "freq 2 2"]
    alpha: Angle
    alpha_error: Angle
    beta: Angle
    beta_error: Angle
    azimuth: Angle
    azimuth_error: Angle
    phi_max: Angle
    phi_max_error: Angle
    phi_min: Angle
    phi_min_error: Angle
    ellipticity: Angle
    ellipticity_error: Angle


def phase_tensor(site: Site) -> PhaseTensor:
    r"""The phase tensor of a site, errors propagated to first order.

    $d\Phi = X^{-1}(dY - dX\,\Phi)$, with the covariances of the site at the frequencies where it has
    them, else as if the elements of Z were independent. First order means small errors: of $\Phi$ against
    its size, and of the anisotropy $\pi_1$ where the direction is concerned.
    """
    x, y = np.real(site.z), np.imag(site.z)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.stack([x[:, 1, 1], -x[:, 0, 1], -x[:, 1, 0], x[:, 0, 0]], axis=-1).reshape(-1, 2, 2)
        inverse = inverse / (x[:, 0, 0] * x[:, 1, 1] - x[:, 0, 1] * x[:, 1, 0])[:, None, None]
        phi = np.einsum("fij,fjk->fik", inverse, y)
    phi = np.where(np.isfinite(phi).all(axis=(1, 2), keepdims=True), phi, np.nan)
    covariance = _covariance(site, inverse, phi)

    difference, total = phi[:, 0, 0] - phi[:, 1, 1], phi[:, 0, 0] + phi[:, 1, 1]
    shear, turn = phi[:, 0, 1] + phi[:, 1, 0], phi[:, 0, 1] - phi[:, 1, 0]
    alpha, beta = 0.5 * np.arctan2(shear, difference), 0.5 * np.arctan2(turn, total)
    pi_1, pi_2 = 0.5 * np.hypot(difference, shear), 0.5 * np.hypot(total, turn)

    # Rows over the elements 11, 12, 21, 22 of the tensor.
    d_difference, d_total = np.array([1.0, 0.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    d_shear, d_turn = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 1.0, -1.0, 0.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        d_alpha = (np.outer(difference, d_shear) - np.outer(shear, d_difference)) / (8 * pi_1**2)[:, None]
        d_beta = (np.outer(total, d_turn) - np.outer(turn, d_total)) / (8 * pi_2**2)[:, None]
        d_pi_1 = (np.outer(difference, d_difference) + np.outer(shear, d_shear)) / (4 * pi_1)[:, None]
        d_pi_2 = (np.outer(total, d_total) + np.outer(turn, d_turn)) / (4 * pi_2)[:, None]
        ellipticity = pi_1 / pi_2
        d_ellipticity = (d_pi_1 - ellipticity[:, None] * d_pi_2) / pi_2[:, None]
    largest, smallest = pi_2 + pi_1, pi_2 - pi_1

    def error(row: Float[np.ndarray, "freq 4"]) -> Angle:
        return np.sqrt(np.maximum(np.einsum("fa,fab,fb->f", row, covariance, row), 0.0))

    def degrees(row: Float[np.ndarray, "freq 4"]) -> Angle:
        known = np.isfinite(covariance).all(axis=(1, 2))
        angle = np.where(np.isfinite(row).all(axis=1), np.rad2deg(error(row)), UNKNOWN_ANGLE)
        return np.where(known, np.minimum(angle, UNKNOWN_ANGLE), np.nan)

    return PhaseTensor(
        frequencies=site.frequencies,
        tensor=phi,
        tensor_error=np.sqrt(np.maximum(np.einsum("faa->fa", covariance), 0.0)).reshape(-1, 2, 2),
        alpha=np.rad2deg(alpha),
        alpha_error=degrees(d_alpha),
        beta=np.rad2deg(beta),
        beta_error=degrees(d_beta),
        azimuth=axis(np.rad2deg(alpha - beta) + site.azimuth),
        azimuth_error=degrees(d_alpha - d_beta),
        phi_max=np.rad2deg(np.arctan(largest)),
        phi_max_error=degrees((d_pi_2 + d_pi_1) / (1 + largest**2)[:, None]),
        phi_min=np.rad2deg(np.arctan(smallest)),
        phi_min_error=degrees((d_pi_2 - d_pi_1) / (1 + smallest**2)[:, None]),
        ellipticity=ellipticity,
        ellipticity_error=error(d_ellipticity),
    )


def axis(azimuth: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """An azimuth of an axis, degrees, between -90 and 90; -90 becomes 90."""
    return 90.0 - (90.0 - azimuth) % 180.0


def _covariance(
    site: Site, inverse: Float[np.ndarray, "freq 2 2"], phi: Float[np.ndarray, "freq 2 2"]
) -> Float[np.ndarray, "freq 4 4"]:
    r"""Covariance of the elements 11, 12, 21, 22 of the phase tensor.

    For complex errors without a preferred phase, $E[\delta X\delta X] = E[\delta Y\delta Y] =
    \mathrm{Re}\,C/2$ and $E[\delta Y_a\,\delta X_b] = \mathrm{Im}\,C_{ab}/2$.
    """
    count = site.frequencies.size
    independent = np.einsum("fa,ab->fab", site.z_error.reshape(count, 4) ** 2, np.eye(4))
    if site.z_covariance is None:
        real, imaginary = independent, np.zeros_like(independent)
    else:
        c = site.z_covariance.reshape(count, 4, 4) / 2
        known = np.isfinite(c).all(axis=(1, 2), keepdims=True)
        real, imaginary = np.where(known, np.real(c), independent), np.where(known, np.imag(c), 0.0)
    # d phi_ik = A_ij dY_jk - A_ij dX_jl phi_lk with A the inverse of X.
    by_y = np.einsum("fij,kl->fikjl", inverse, np.eye(2)).reshape(count, 4, 4)
    by_x = -np.einsum("fij,flk->fikjl", inverse, phi).reshape(count, 4, 4)
    mixed = np.einsum("fap,fpq,fbq->fab", by_y, imaginary, by_x)
    of_x, of_y = (np.einsum("fap,fpq,fbq->fab", by, real, by) for by in (by_x, by_y))
    return of_x + of_y + mixed + np.swapaxes(mixed, 1, 2)


def dimensionality(
    tensor: PhaseTensor,
    *,
    max_beta: float = MAX_BETA,
    max_ellipticity: float = MAX_ELLIPTICITY,
    deviations: float = 1.0,
) -> Int[np.ndarray, " freq"]:
    r"""The dimension of the earth that each frequency asks for: 1, 2 or 3; 0 where nothing is known.

    3 where $|\beta| - k\sigma_\beta$ exceeds `max_beta` degrees; else 1 where the ellipticity, less k of
    its deviations, is at most `max_ellipticity`; else 2. `deviations` is k; errors that are unknown
    count as none. $|\beta| = 3$ is the $|\psi| = 6$ of Booker (2014, Surv. Geophys. 35, 7-40).
    """
    for name, value in (("max_beta", max_beta), ("max_ellipticity", max_ellipticity)):
        if not value >= 0:
            raise ValueError(f"`dimensionality({name}=...)` must not be negative. Got {value}.")
    beta = np.abs(tensor.beta) - deviations * np.nan_to_num(tensor.beta_error)
    ellipticity = tensor.ellipticity - deviations * np.nan_to_num(tensor.ellipticity_error)
    dimension = np.where(beta > max_beta, 3, np.where(ellipticity <= max_ellipticity, 1, 2))
    return np.where(np.isfinite(tensor.beta), dimension, 0)
