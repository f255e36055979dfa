"""From stations to a profile: rotated to strike, projected across it, on common frequencies."""

import dataclasses
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
from jaxtyping import Complex, Float

from ..conventions import OFF_DIAGONAL, PARTS
from ..data import Data
from ..simulation.survey import Survey
from .journal import Journal
from .positions import positions
from .resampling import NEGLIGIBLE, SAME_FREQUENCY, merge_frequencies, resample
from .rotation import rotate
from .site import Site

SAME_PLACE = 1.0
"""Stations closer than this along the profile, in m, are reported as duplicates."""

MASK = 1e4
"""An error above this part of |Z|, or of a tipper of 1, such as 2e15, says that there is no datum."""

Frequencies = Float[np.ndarray, " freq"] | Sequence[float]
Column = tuple[Complex[np.ndarray, " n"], Float[np.ndarray, " n"]]
Table = tuple[Complex[np.ndarray, "freq site"], Float[np.ndarray, "freq site"]]


class Along(TypedDict, total=False):
    """The keyword arguments of `profile`, for the readers that pass them on."""

    strike: float
    frequencies: Frequencies | None
    azimuth: float | None
    origin: tuple[float, float] | None
    relative_error: float | None
    tipper_error: float | None


def _to_strike(site: Site, strike: float, azimuth: float | None) -> Site:
    """The site with x along strike. Raises `ValueError` if no frequency survives the rotation."""
    angle = strike - (site.azimuth if azimuth is None else np.full(site.azimuth.shape, azimuth))
    turned = rotate(site, angle)
    before, after = (np.isfinite(s.z[:, *OFF_DIAGONAL]).any() for s in (site, turned))
    if before and not after:
        raise ValueError(
            f"`profile(strike={strike})`: site {site.name} must be rotated by {angle[0]:g} degrees, "
            "but its tensor is complete at no frequency. Give the strike its axes have, or leave "
            "the site out."
        )
    return turned


def facing(strike: float, direction: float) -> float:
    """The strike, or it and 180 degrees: that whose strike + 90 is within 90 degrees of a direction."""
    return strike if np.sin(np.deg2rad(direction - strike)) > -1e-9 else strike + 180


def _positions(
    sites: Sequence[Site], direction: float, origin: tuple[float, float] | None
) -> Float[np.ndarray, " site"]:
    """Position of each site, y in m: its coordinate in a direction, degrees clockwise from north."""
    north, east = positions(sites, origin).T
    lost = [site.name for site, at in zip(sites, north, strict=True) if np.isnan(at)]
    if lost and len(sites) == 1 and origin is None:
        return np.zeros(1)
    if lost:
        raise ValueError(
            f"`profile(sites=...)`: {len(lost)} of {len(sites)} sites have no latitude or longitude, "
            f"the first is {lost[0]}; leave them out or set both with `dataclasses.replace`."
        )
    y = east * np.sin(np.deg2rad(direction)) + north * np.cos(np.deg2rad(direction))
    return y - y.mean() if origin is None else y


def _measured(site: Site) -> Float[np.ndarray, " n"]:
    """The frequencies, Hz, at which a site has Zxy, Zyx or Ty."""
    z = site.z[:, *OFF_DIAGONAL]
    has_z = np.any(np.isfinite(z) & (np.abs(z) > NEGLIGIBLE), axis=1)
    return site.frequencies[has_z | np.isfinite(site.tipper[:, 1])]


def _check(
    sites: Sequence[Site], degrees: dict[str, float | None], errors: dict[str, float | None]
) -> None:
    if not sites:
        raise ValueError("`profile(sites=...)` must hold at least one site. Got none.")
    for name, value in degrees.items():
        if value is not None and not np.isfinite(value):
            raise ValueError(f"`profile({name}=...)` must be finite, in degrees. Got {value}.")
    for name, value in errors.items():
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"`profile({name}=...)` must be positive and finite. Got {value}.")


def profile(
    sites: Sequence[Site],
    *,
    strike: float = 0.0,
    frequencies: Frequencies | None = None,
    azimuth: float | None = None,
    origin: tuple[float, float] | None = None,
    relative_error: float | None = None,
    tipper_error: float | None = None,
    direction: float | None = None,
) -> Data:
    r"""Data along a line across strike, stations in the order of y.

    - `strike`: degrees clockwise from north. x points along strike, y along strike + 90; every site
      is rotated there (see `rotate`), so that TE is Zxy and TM is Zyx, and projected onto y.
    - `frequencies`: Hz. By default all at which some site has a datum, highest first, those within
      1 % of each other merged; a site that lacks one has no datum there. If given, sites are
      interpolated, but not over gaps of a quarter decade or more; see `resample`.
    - `azimuth`: degrees clockwise from north of the x axis of the sites' data; by default what each
      site states. Data with x along magnetic north have the declination.
    - `origin`: latitude and longitude, degrees, of y = 0; by default y = 0 is the mean of the
      stations. Positions are the sites' easting and northing if all have them and no `origin` is
      given, else latitude and longitude projected by `local_metres`.
    - `relative_error`: deviation of Re Z and of Im Z over |Z|, where a site states no error.
    - `tipper_error`: deviation of the tipper's real and imaginary part, likewise.
    - `direction`: degrees clockwise from north, of y, onto which stations are projected instead; no more
      than 90 from strike + 90, or the signs of the tipper would not be those of y.

    Warns of stations at one place, and of data left out because they have no error. Raises
    `ValueError` if nothing is left, or a site has no position.
    """
    _check(
        sites,
        {"strike": strike, "azimuth": azimuth, "direction": direction},
        {"relative_error": relative_error, "tipper_error": tipper_error},
    )
    direction = strike + 90 if direction is None else direction
    if facing(strike, direction) != strike:
        raise ValueError(
            f"`profile(strike={strike:g}, direction={direction:g})`, in degrees: y must be no more than 90 "
            f"from strike + 90. Give strike={strike + 180:g}, which is the same."
        )
    y = _positions(sites, direction, origin)
    order = np.argsort(y, kind="stable")
    y, sites = y[order], [_to_strike(sites[k], strike, azimuth) for k in order]
    close = np.flatnonzero(np.diff(y) < SAME_PLACE)
    if close.size:
        names = [f"{sites[k].name} and {sites[k + 1].name}" for k in close]
        warnings.warn(
            f"`profile(sites=...)`: {close.size} pairs of stations lie within {SAME_PLACE:g} m along the "
            f"profile, {', '.join(names[:5])}; if they are one station, leave one out.",
            stacklevel=2,
        )
    measured = np.concatenate([_measured(site) for site in sites])
    if measured.size == 0:
        raise ValueError("`profile(sites=...)`: no site has a finite Zxy, Zyx or Ty.")
    grid = merge_frequencies(measured) if frequencies is None else frequencies
    survey = Survey(np.asarray(grid, dtype=float), y, names=tuple(site.name for site in sites))

    def table(pick: Callable[[Site], Column], impedance: bool) -> Table:
        columns = [
            resample(
                site.frequencies,
                *pick(site),
                survey.frequencies,
                impedance=impedance,
                interpolate=frequencies is not None,
            )
            for site in sites
        ]
        values, errors = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
        scale, fallback = (np.abs(values), relative_error) if impedance else (1.0, tipper_error)
        stated = np.where(errors > 0, errors, np.nan)
        if fallback is not None:
            stated = np.where(np.isnan(stated), fallback * scale, stated)
        return values, stated

    xy = table(lambda site: (site.z[:, 0, 1], site.z_error[:, 0, 1]), True)
    yx = table(lambda site: (site.z[:, 1, 0], site.z_error[:, 1, 0]), True)
    hz = table(lambda site: (site.tipper[:, 1], site.tipper_error[:, 1]), False)
    return data_with_errors("profile", survey, xy, yx, hz)


def merged(sites: Sequence[Site], data: Data) -> Journal:
    """For each station the data that `profile` lost where it measured twice within 1 %, and kept once.

    - `sites`: as they were given to `profile`, with x along strike. `data`: what it made of them, without
      `frequencies`, `relative_error` and `tipper_error`.
    """
    journal = Journal()
    kept = Counter[str]()
    for name, column in zip(data.survey.names, np.moveaxis(data.mask[::2], 2, 0), strict=True):
        kept[name] += int(column.sum())
    had = Counter[str]()
    for site in sites:
        z, error = (part[:, *OFF_DIAGONAL] for part in (site.z, site.z_error))
        had[site.name] += int(((np.abs(z) > NEGLIGIBLE) & (error > 0) & np.isfinite(z)).sum())
        had[site.name] += int((np.isfinite(site.tipper[:, 1]) & (site.tipper_error[:, 1] > 0)).sum())
    for name, count in had.items():
        if count > kept[name]:
            text = f"of frequencies within {SAME_FREQUENCY:.0%} of each other the nearest is kept"
            journal = journal.note("merged", name, text, PARTS * (count - kept[name]))
    return journal


def data_with_errors(caller: str, survey: Survey, xy: Table, yx: Table, hz: Table) -> Data:
    """Data of the modes that exist; what has a value but no error, or a `MASK`, is left out with a warning.

    - `xy`, `yx`, `hz`: values and errors as in `Data.from_impedance`, NaN where missing.

    Raises `ValueError`, in the name of `caller`, if no datum has an error.
    """
    xy, yx = ((z, np.where(error <= MASK * np.abs(z), error, np.nan)) for z, error in (xy, yx))
    hz = (hz[0], np.where(hz[1] <= MASK, hz[1], np.nan))
    tables = {"te": (xy, hz), "tm": (yx,)}
    present = {
        mode: any(np.any(np.isfinite(values) & np.isfinite(errors)) for values, errors in parts)
        for mode, parts in tables.items()
    }
    lost = [int(np.sum(np.isfinite(v) & ~np.isfinite(e))) for v, e in (xy, yx, hz)]
    remedy = "give `relative_error=...` for impedances and `tipper_error=...` for tippers"
    if not any(present.values()):
        raise ValueError(f"`{caller}`: none of {sum(lost)} data has an error; {remedy}.")
    if any(lost):
        warnings.warn(
            f"`{caller}`: {lost[0] + lost[1]} impedances and {lost[2]} tippers have no error, or one "
            f"beyond {MASK:g} of |Z| or of 1, and are left out; {remedy}.",
            stacklevel=3,
        )
    modes = tuple(mode for mode, exists in present.items() if exists)
    survey = dataclasses.replace(survey, modes=modes)
    return Data.from_impedance(survey, *xy, *yx, *hz)
