r"""Transfer functions between sensors of any azimuth, turned to the axes that the azimuths count from.

The sensors measure $e = E\,e_0$ and $h = H\,h_0$ of the fields along x and y, where a row of E or H is
$(\cos a, \sin a)$ with the azimuth a of that sensor. With $e = Z h$ the impedance along x and y is
$E^{-1} Z H$, the tipper $T H$ (Kelbert 2020, Geophysics 85, F1-F17).
"""

import numpy as np
from jaxtyping import Bool, Complex, Float

from ..processing.rotation import deviation

NORTH_EAST = (0.0, 90.0)
"""Degrees: the azimuths of sensors along x and y."""

LEAST_DETERMINANT = 0.1
"""Sine of the angle between two sensors below which they are taken as parallel."""

Azimuths = Float[np.ndarray, "freq 2"]
Matrices = Float[np.ndarray, "freq 2 2"]
Impedances = tuple[
    Complex[np.ndarray, "freq 2 2"], Float[np.ndarray, "freq 2 2"], Complex[np.ndarray, "freq 2 2 2 2"]
]
Tippers = tuple[Complex[np.ndarray, "freq 2"], Float[np.ndarray, "freq 2"], Complex[np.ndarray, "freq 2 2"]]


def parallel(azimuths: Float[np.ndarray, "*freq 2"]) -> bool:
    """True if two sensors point so much the same way that they cannot be turned to x and y."""
    between = np.deg2rad(azimuths[..., 1] - azimuths[..., 0])
    return bool(np.any(np.abs(np.sin(between)) < LEAST_DETERMINANT))


def _vectors(azimuths: Azimuths) -> Matrices:
    t = np.deg2rad(azimuths)
    return np.stack([np.cos(t), np.sin(t)], axis=-1)


def _aside(azimuths: Azimuths) -> Bool[np.ndarray, " freq"]:
    """True where a sensor lies along neither its axis."""
    return np.any((azimuths - NORTH_EAST) % 360 != 0, axis=-1)


def turn_impedance(
    z: Complex[np.ndarray, "freq 2 2"],
    error: Float[np.ndarray, "freq 2 2"],
    covariance: Complex[np.ndarray, "freq 2 2 2 2"],
    electric: Azimuths,
    magnetic: Azimuths,
) -> Impedances:
    """The impedance along x and y, its error and its covariance, NaN where unknown.

    - `electric`, `magnetic`: degrees clockwise from x of the two sensors of each kind.

    The covariance gives the error where it is known; elsewhere the errors of the elements count as
    independent. Sensors along x and y change nothing; others need all four elements.
    """
    turned = (_aside(electric) | _aside(magnetic))[:, None, None]
    a, b = np.linalg.inv(_vectors(electric)), _vectors(magnetic)
    new = np.einsum("fia,fab,fbj->fij", a, z, b)
    new_error = np.sqrt(np.einsum("fia,fab,fbj->fij", a**2, error**2, b**2))
    new_covariance = np.einsum("fia,fbj,fkc,fdl,fabcd->fijkl", a, b, a, b, covariance, optimize=True)
    exact = deviation(new_covariance, "fijij->fij")
    new_error = np.where(np.isfinite(exact), exact, new_error)
    return (
        np.where(turned, new, z),
        np.where(turned, new_error, error),
        np.where(turned[..., None, None], new_covariance, covariance),
    )


def turn_tipper(
    tipper: Complex[np.ndarray, "freq 2"],
    error: Float[np.ndarray, "freq 2"],
    covariance: Complex[np.ndarray, "freq 2 2"],
    magnetic: Azimuths,
) -> Tippers:
    """The tipper along x and y, its error and its covariance; see `turn_impedance`."""
    turned = _aside(magnetic)[:, None]
    b = _vectors(magnetic)
    new = np.einsum("fa,faj->fj", tipper, b)
    new_error = np.sqrt(np.einsum("fa,faj->fj", error**2, b**2))
    new_covariance = np.einsum("fai,fbj,fab->fij", b, b, covariance)
    exact = deviation(new_covariance, "fii->fi")
    new_error = np.where(np.isfinite(exact), exact, new_error)
    return (
        np.where(turned, new, tipper),
        np.where(turned, new_error, error),
        np.where(turned[..., None], new_covariance, covariance),
    )


def common_azimuth(electric: Azimuths, magnetic: Azimuths) -> Float[np.ndarray, " freq"] | None:
    """Degrees by which all sensors are turned alike from x and y; None if they are not."""
    turned = np.concatenate([electric, magnetic], axis=-1) - np.array([*NORTH_EAST, *NORTH_EAST])
    same = np.abs((turned - turned[:, :1] + 180) % 360 - 180) < 1e-6
    return turned[:, 0] if same.all() else None
