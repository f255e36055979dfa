"""From stations to a profile: rotation to strike, positions along the line, a common frequency grid."""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float

from .data import Data
from .site import Site
from .survey import Survey

SAME_FREQUENCY = 0.01
"""Frequencies that differ by no more than this fraction are one."""

WIDEST_GAP = 0.25
"""Interpolation bridges neighbouring frequencies closer than this, in decades."""

SAME_PLACE = 1.0
"""Stations closer than this along the profile, in m, are reported as duplicates."""

NEGLIGIBLE = 1e-30
"""An impedance smaller than this, in ohm, is no measurement."""

SEMI_MAJOR_AXIS = 6378137.0
FLATTENING = 1 / 298.257223563

Frequencies = Float[np.ndarray, " freq"] | Sequence[float]
Floats = Float[np.ndarray, " n"]
Column = tuple[Complex[np.ndarray, " freq"], Float[np.ndarray, " freq"]]


def rotation_matrix(angle: Float[np.ndarray, " freq"]) -> Float[np.ndarray, "freq 2 2"]:
    r"""$R = ((\cos t, \sin t), (-\sin t, \cos t))$ for axes turned clockwise by t, in degrees."""
    t = np.deg2rad(angle)
    return np.stack([np.cos(t), np.sin(t), -np.sin(t), np.cos(t)], axis=-1).reshape(-1, 2, 2)


def rotate_tipper(
    tipper: Complex[np.ndarray, "freq 2"],
    tipper_error: Float[np.ndarray, "freq 2"],
    angle: Float[np.ndarray, " freq"],
) -> tuple[Complex[np.ndarray, "freq 2"], Float[np.ndarray, "freq 2"]]:
    r"""$T' = T R^T$ and its error, the axes turned clockwise by `angle` degrees."""
    turned = (angle % 360 != 0)[:, None]
    r = rotation_matrix(angle)
    error = np.sqrt(np.einsum("fij,fj->fi", r**2, tipper_error**2))
    return (
        np.where(turned, np.einsum("fij,fj->fi", r, tipper), tipper),
        np.where(turned, error, tipper_error),
    )


def rotate(site: Site, angle: float | Float[np.ndarray, " freq"]) -> Site:
    r"""The site in axes turned clockwise (seen from above) by `angle`, in degrees.

    With $R = ((\cos t, \sin t), (-\sin t, \cos t))$, $Z' = R Z R^T$ and $T' = T R^T$. Errors are
    propagated as if those of the tensor's elements were independent,
    $\mathrm{Var}' = R^2\,\mathrm{Var}\,(R^2)^T$ with the elements of R squared; the covariances that
    an exact propagation needs are not in EDI files. A missing element makes all four of the tensor
    missing, unless the angle is a multiple of 360. `azimuth` grows by `angle`.
    """
    turn = np.broadcast_to(np.asarray(angle, dtype=float), site.frequencies.shape)
    if not np.all(np.isfinite(turn)):
        raise ValueError(f"`rotate(angle=...)` must be finite, in degrees. Got {angle}.")
    r = rotation_matrix(turn)
    turned = (turn % 360 != 0)[:, None, None]
    z = np.einsum("fij,fjk,flk->fil", r, site.z, r)
    variance = np.einsum("fij,fjk,flk->fil", r**2, site.z_error**2, r**2)
    tipper, tipper_error = rotate_tipper(site.tipper, site.tipper_error, turn)
    return dataclasses.replace(
        site,
        z=np.where(turned, z, site.z),
        z_error=np.where(turned, np.sqrt(variance), site.z_error),
        tipper=tipper,
        tipper_error=tipper_error,
        azimuth=site.azimuth + turn,
    )


def local_metres(
    latitude: Float[np.ndarray, " site"],
    longitude: Float[np.ndarray, " site"],
    origin: tuple[float, float],
) -> tuple[Float[np.ndarray, " site"], Float[np.ndarray, " site"]]:
    """Northing and easting in m of degrees on the WGS 84 ellipsoid, `origin` at (0, 0).

    A transverse Mercator projection with the origin on its central meridian and scale 1 there
    (Snyder 1987, USGS Professional Paper 1395, equations 8-9 to 8-15). At 350 km from the meridian
    lengths are 0.15 % too long.
    """
    e2 = FLATTENING * (2 - FLATTENING)
    second = e2 / (1 - e2)

    def meridian(phi: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return SEMI_MAJOR_AXIS * (
            (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
            - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * np.sin(2 * phi)
            + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * np.sin(4 * phi)
            - 35 * e2**3 / 3072 * np.sin(6 * phi)
        )

    phi = np.deg2rad(latitude)
    t, c = np.tan(phi) ** 2, second * np.cos(phi) ** 2
    a = np.deg2rad((longitude - origin[1] + 180) % 360 - 180) * np.cos(phi)
    radius = SEMI_MAJOR_AXIS / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    easting = radius * (
        a + (1 - t + c) * a**3 / 6 + (5 - 18 * t + t**2 + 72 * c - 58 * second) * a**5 / 120
    )
    northing = meridian(phi) - meridian(np.deg2rad(np.array([origin[0]])))
    northing += radius * np.tan(phi) * (
        a**2 / 2
        + (5 - t + 9 * c + 4 * c**2) * a**4 / 24
        + (61 - 58 * t + t**2 + 600 * c - 330 * second) * a**6 / 720
    )
    return northing, easting


def merge_frequencies(
    frequencies: Float[np.ndarray, " n"], tolerance: float = SAME_FREQUENCY
) -> Float[np.ndarray, " freq"]:
    """Distinct frequencies, highest first; each stands for those up to `tolerance` around it."""
    ordered = np.sort(frequencies)
    groups: list[list[float]] = []
    for f in ordered:
        if groups and f <= groups[-1][0] * (1 + tolerance):
            groups[-1].append(f)
        else:
            groups.append([f])
    return np.array([group[len(group) // 2] for group in groups])[::-1]


def _column(
    own: Floats,
    values: Complex[np.ndarray, " n"],
    errors: Floats,
    grid: Float[np.ndarray, " freq"],
    impedance: bool,
    interpolate: bool,
) -> Column:
    r"""One transfer function and its error at the frequencies `grid`; NaN where there is none.

    Impedances are carried over divided by $\sqrt f$, so that a frequency merged with another, at most
    1 % away, keeps its apparent resistivity and phase. Interpolation is linear in ln f: of the
    logarithm of the modulus, the unwrapped phase and the relative error of an impedance, of the
    parts and the error of a tipper.
    """
    out, out_error = np.full(grid.size, np.nan + 0j), np.full(grid.size, np.nan)
    good = np.flatnonzero(np.isfinite(values) & ((np.abs(values) > NEGLIGIBLE) | (not impedance)))
    if good.size == 0:
        return out, out_error
    good = good[np.argsort(own[good], kind="stable")]
    own = own[good]
    root, out_root = (np.sqrt(own), np.sqrt(grid)) if impedance else (np.ones(own.size), np.ones(grid.size))
    values, errors = values[good] / root, errors[good] / root
    x, at = np.log(own), np.log(grid)
    if interpolate and own.size > 1:
        right = np.clip(np.searchsorted(x, at), 1, x.size - 1)
        inside = (at >= x[0]) & (at <= x[-1])
        inside &= x[right] - x[right - 1] < (WIDEST_GAP - 1e-6) * np.log(10)
        if impedance:
            logarithm = np.log(np.abs(values)) + 1j * np.unwrap(np.angle(values))
            between = np.exp(np.interp(at, x, logarithm))
            error = np.abs(between) * np.interp(at, x, errors / np.abs(values))
        else:
            between, error = np.interp(at, x, values), np.interp(at, x, errors)
        out, out_error = np.where(inside, between, out), np.where(inside, error, out_error)
    distance = np.abs(x[None, :] - at[:, None])
    nearest = np.argmin(distance, axis=1)
    rows = np.arange(grid.size)
    same = distance[rows, nearest] <= np.log1p(SAME_FREQUENCY)
    same &= np.argmin(distance, axis=0)[nearest] == rows
    out = np.where(same, values[nearest], out) * out_root
    return out, np.where(same, errors[nearest], out_error) * out_root


def _positions(
    sites: Sequence[Site], strike: float, origin: tuple[float, float] | None
) -> Float[np.ndarray, " site"]:
    """Coordinate of each site across strike, m, in the direction strike + 90 degrees."""
    local = np.array([(site.northing, site.easting) for site in sites])
    degrees = np.array([(site.latitude, site.longitude) for site in sites])
    if origin is None and np.all(np.isfinite(local)):
        north, east = local.T
    elif np.all(np.isfinite(degrees)):
        latitude, longitude = degrees.T
        first = longitude[0]
        mean = first + np.mean((longitude - first + 180) % 360 - 180)
        place = (float(np.mean(latitude)), float(mean)) if origin is None else origin
        north, east = local_metres(latitude, longitude, place)
    elif len(sites) == 1 and origin is None:
        return np.zeros(1)
    else:
        lost = [site.name for site, place in zip(sites, degrees, strict=True) if np.isnan(place).any()]
        raise ValueError(
            f"`profile(sites=...)`: {len(lost)} of {len(sites)} sites have no latitude or longitude, "
            f"the first {lost[0]}; leave them out or set them with `dataclasses.replace`."
        )
    y = east * np.cos(np.deg2rad(strike)) - north * np.sin(np.deg2rad(strike))
    return y - y.mean() if origin is None else y


def _to_strike(site: Site, strike: float, azimuth: float | None) -> Site:
    """The site with x along strike. Raises `ValueError` if its tensor is nowhere complete."""
    angle = strike - (site.azimuth if azimuth is None else np.full(site.azimuth.shape, azimuth))
    turned = rotate(site, angle)
    principal = ([0, 1], [1, 0])
    if np.isfinite(site.z[:, *principal]).any() and not np.isfinite(turned.z[:, *principal]).any():
        raise ValueError(
            f"`profile(strike={strike})`: site {site.name} must be rotated by {angle[0]:g} degrees, but "
            "its tensor is complete at no frequency. Give a strike along the axes of its data, or "
            "leave it out."
        )
    return turned


def _with_errors(
    name: str, values: Complex[np.ndarray, "freq site"], errors: Float[np.ndarray, "freq site"]
) -> Float[np.ndarray, "freq site"]:
    return errors


def profile(
    sites: Sequence[Site],
    *,
    strike: float = 0.0,
    frequencies: Frequencies | None = None,
    azimuth: float | None = None,
    origin: tuple[float, float] | None = None,
    relative_error: float | None = None,
    tipper_error: float | None = None,
) -> Data:
    r"""Data along a line across strike, stations in the order of y.

    - `strike`: degrees clockwise from north; x points along strike, y along strike + 90. Every site
      is rotated there, so that TE is Zxy and TM is Zyx, and projected onto the y axis.
    - `frequencies`: Hz. By default all at which some site has a datum, those within 1 % of each other
      merged, highest first; a site without one of them has no datum there. If given, a site is
      interpolated, but not over gaps of a quarter decade or more, and never extrapolated.
    - `azimuth`: degrees clockwise from north of the x axis of the sites' transfer functions; by
      default what each site states. Data with x along magnetic north have the declination.
    - `origin`: latitude and longitude, degrees, of y = 0; by default the mean of the stations.
      Positions are the sites' own easting and northing if all have them and there is no `origin`,
      else a transverse Mercator projection of latitude and longitude, see `local_metres`.
    - `relative_error`: standard deviation of Re Z and of Im Z over |Z|, for impedances without error.
    - `tipper_error`: standard deviation of the tipper's real and imaginary part, likewise.

    Warns of stations at the same y, and of data left out because they have no error.
    """
    sites = list(sites)
    if not sites:
        raise ValueError("`profile(sites=...)` must hold at least one site. Got none.")
    for name, value in (("strike", strike), ("azimuth", azimuth)):
        if value is not None and not np.isfinite(value):
            raise ValueError(f"`profile({name}=...)` must be finite, in degrees. Got {value}.")
    for name, value in (("relative_error", relative_error), ("tipper_error", tipper_error)):
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"`profile({name}=...)` must be positive and finite. Got {value}.")
    y = _positions(sites, strike, origin)
    order = np.argsort(y, kind="stable")
    y = y[order]
    sites = [_to_strike(sites[k], strike, azimuth) for k in order]
    for k in np.flatnonzero(np.diff(y) < SAME_PLACE):
        warnings.warn(
            f"`profile(sites=...)`: {sites[k].name} and {sites[k + 1].name} lie {y[k + 1] - y[k]:.2g} m "
            "apart along the profile; if they are one station, leave one out.",
            stacklevel=2,
        )
    if frequencies is None:
        grid = merge_frequencies(np.concatenate([_measured(site) for site in sites]))
    else:
        grid = np.array(frequencies, dtype=float)
    survey = Survey(grid, y, names=tuple(site.name for site in sites))

    def stack(i: int | None, j: int) -> tuple[Impedances, Deviations]:
        columns = []
        for site in sites:
            values, errors = (site.tipper, site.tipper_error) if i is None else (site.z[:, i], site.z_error[:, i])
            columns.append(_column(site.frequencies, values[:, j], errors[:, j], grid, i is not None, frequencies is not None))
        values, errors = zip(*columns, strict=True)
        return np.stack(values, axis=1), np.stack(errors, axis=1)
