"""Turning the horizontal axes of transfer functions, errors and covariances included."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Complex, Float

from .site import Site

UNTURNED = 1e-9
"""Degrees: what sums and differences of azimuths leave of a full turn."""

Tipper = tuple[Complex[np.ndarray, "freq 2"], Float[np.ndarray, "freq 2"]]


def _turned(angle: Float[np.ndarray, " freq"]) -> Bool[np.ndarray, " freq"]:
    """False where the angle is a multiple of 360 degrees but for rounding."""
    return np.abs((angle + 180) % 360 - 180) > UNTURNED


def _quarters(angle: Float[np.ndarray, " freq"]) -> tuple[Bool[np.ndarray, " freq"], ...]:
    """Whether the angle is a multiple of 90 degrees, and whether an odd one."""
    quarters = np.rint(angle / 90)
    return ~_turned(angle - 90 * quarters), quarters % 2 == 1


def rotation_matrix(angle: Float[np.ndarray, " freq"]) -> Float[np.ndarray, "freq 2 2"]:
    r"""$R = ((\cos t, \sin t), (-\sin t, \cos t))$ for axes turned clockwise by t degrees."""
    t = np.deg2rad(angle)
    return np.stack([np.cos(t), np.sin(t), -np.sin(t), np.cos(t)], axis=-1).reshape(-1, 2, 2)


def rotate_tipper(
    tipper: Complex[np.ndarray, "freq 2"],
    tipper_error: Float[np.ndarray, "freq 2"],
    angle: Float[np.ndarray, " freq"],
) -> Tipper:
    r"""$T' = T R^T$ and its error, for axes turned clockwise by `angle` degrees; see `rotate`."""
    r = rotation_matrix(angle)
    new, error = np.einsum("fij,fj->fi", r, tipper), np.sqrt(np.einsum("fij,fj->fi", r**2, tipper_error**2))
    exact, crossed = _quarters(angle)
    # Two quarters change the sign, one exchanges the elements: T'x = Ty, T'y = -Tx.
    sign = np.where(np.rint(angle / 90) % 4 < 2, 1, -1)[:, None]
    exchanged = sign * np.where(crossed[:, None], tipper[:, ::-1] * np.array([1, -1]), tipper)
    exchanged_error = np.where(crossed[:, None], tipper_error[:, ::-1], tipper_error)
    return (
        np.where(exact[:, None], exchanged, new),
        np.where(exact[:, None], exchanged_error, error),
    )


def rotate(site: Site, angle: float | Float[np.ndarray, " freq"]) -> Site:
    r"""The site in axes turned by `angle`: degrees, clockwise seen from above.

    With $R = ((\cos t, \sin t), (-\sin t, \cos t))$, $Z' = R Z R^T$ and $T' = T R^T$. Covariances, where
    the site has them, are rotated exactly and give the errors. Without them errors are propagated as if
    those of the elements were independent, $\mathrm{Var}' = R^{(2)}\,\mathrm{Var}\,R^{(2)T}$ with the
    elements of R squared: EDI files lack what an exact propagation needs. A missing element makes all
    four of a tensor missing, or both of a tipper, unless the angle is a multiple of 90, which only
    exchanges elements and signs. `azimuth` grows by `angle`.
    """
    turn = np.broadcast_to(np.asarray(angle, dtype=float), site.frequencies.shape)
    if not np.all(np.isfinite(turn)):
        raise ValueError(f"`rotate(angle=...)` must be finite, in degrees. Got {angle}.")
    turned = _turned(turn)[:, None, None]
    r = rotation_matrix(turn)
    z = np.einsum("fij,fjk,flk->fil", r, site.z, r)
    z_error = np.sqrt(np.einsum("fij,fjk,flk->fil", r**2, site.z_error**2, r**2))
    tipper, tipper_error = rotate_tipper(site.tipper, site.tipper_error, turn)
    exact_turn, crossed = (part[:, None, None] for part in _quarters(turn))
    across = site.z[:, ::-1, ::-1] * np.array([[1, -1], [-1, 1]])
    z = np.where(exact_turn, np.where(crossed, across, site.z), z)
    z_error = np.where(exact_turn, np.where(crossed, site.z_error[:, ::-1, ::-1], site.z_error), z_error)
    z_covariance, tipper_covariance = site.z_covariance, site.tipper_covariance
    if z_covariance is not None:
        z_covariance = np.einsum("fia,fjb,fkc,fld,fabcd->fijkl", r, r, r, r, z_covariance, optimize=True)
        exact = deviation(z_covariance, "fijij->fij")
        z_error = np.where(np.isfinite(exact), exact, z_error)
    if tipper_covariance is not None:
        tipper_covariance = np.einsum("fia,fjb,fab->fij", r, r, tipper_covariance)
        exact = deviation(tipper_covariance, "fii->fi")
        tipper_error = np.where(turned[..., 0] & np.isfinite(exact), exact, tipper_error)
    return dataclasses.replace(
        site,
        z=np.where(turned, z, site.z),
        z_error=np.where(turned, z_error, site.z_error),
        tipper=tipper,
        tipper_error=tipper_error,
        azimuth=site.azimuth + turn,
        z_covariance=z_covariance,
        tipper_covariance=tipper_covariance,
    )


def deviation(covariance: Complex[np.ndarray, "..."], diagonal: str) -> Float[np.ndarray, "..."]:
    r"""$\sqrt{C_{aa}/2}$: deviation of the real and of the imaginary part each, NaN if none is positive.

    - `diagonal`: the subscripts of `numpy.einsum` that pick the variances.
    """
    variance = np.einsum(diagonal, covariance).real
    return np.sqrt(np.where(variance > 0, variance, np.nan) / 2)
