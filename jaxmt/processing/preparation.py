"""From the stations of a survey to data for a 2-D inversion, every step on record."""

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from ..data import Data
from ..simulation.survey import Survey
from .alignment import azimuth
from .declination import magnetic_to_geographic
from .doubts import Screening
from .floors import with_errors, with_floor
from .frequencies import PER_DECADE, with_computed
from .journal import Journal
from .polarity import correct_polarity
from .positions import positions
from .profile import facing, merged, profile
from .site import Site
from .stations import UNUSABLE, screen_stations
from .strike import Strike
from .turning import choose_strike, turn_to

COVARIANCES = ("z_covariance", "tipper_covariance")


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Data along a profile, and how they came about.

    - `usable`: all data that can be used, with their errors and the floors alone: before any rule removed a
      datum or enlarged an error.
    - `found`: the strike that the data show; None if it was given. `strike`: degrees, the one used.
    - `sites`: the stations in the band as they were measured, but for the declination in their axes and
      the signs that were mended, those left out later included, and `distances`: their y, m, in the
      coordinate of `data.survey.stations`; NaN for no position.
    """

    data: Data
    usable: Data
    journal: Journal
    found: Strike | None
    strike: float
    sites: tuple[Site, ...]
    distances: Float[np.ndarray, " site"]


def in_band(site: Site, band: tuple[float, float]) -> Site:
    """The site at its frequencies within `band`, Hz, both ends included."""
    keep = (site.frequencies >= band[0]) & (site.frequencies <= band[1])
    parts = ("frequencies", "z", "z_error", "tipper", "tipper_error", "azimuth")
    parts += tuple(name for name in COVARIANCES if getattr(site, name) is not None)
    return dataclasses.replace(site, **{name: getattr(site, name)[keep] for name in parts})


def prepare(
    sites: Sequence[Site],
    *,
    angle: float | None = None,
    declination: float = 0.0,
    band: tuple[float, float] = (0.0, np.inf),
    floor: float = 0.05,
    floor_rule: str = "geometric",
    per_decade: int | None = PER_DECADE,
    screening: Screening | None = None,
    signs: str = "mend",
    direction: float | None = None,
) -> Prepared:
    r"""Declination, band, signs, errors, strike, rotation, screening, floor and projection, in this order.

    Data stay at the frequencies at which they were measured, those within 1 % of each other merged; what
    a station lacks is NaN.

    - `angle`: degrees of the strike; None finds it, see `turning.choose_strike`.
    - `declination`: degrees east, of data measured along magnetic axes.
    - `band`: Hz, the lowest and the highest frequency kept.
    - `floor`, `floor_rule`: as `fraction` and `rule` in `with_floor`.
    - `per_decade`: where more frequencies are measured, fields are computed at so many a decade, and the
      responses interpolated between (`with_computed`); None computes at every one.
    - `screening`: what becomes of doubtful data. `signs`: as in `correct_polarity`.
    - `direction`: degrees, onto which stations are projected instead of the normal of strike. x points
      along strike all the same, to the end from which y and `direction` are less than 90 degrees apart.

    Raises `ValueError` if nothing is left.
    """
    journal = Journal()
    if not sites:
        raise ValueError("`prepare(sites=...)` must hold at least one site. Got none.")
    if not band[0] <= band[1]:
        raise ValueError(
            f"`prepare(band=({band[0]:g}, {band[1]:g}))`, in Hz, must be the lowest frequency and the "
            f"highest; give ({band[1]:g}, {band[0]:g})."
        )
    inside = [in_band(site, band) for site in sites]
    sites = [site for site in inside if site.frequencies.size]
    if not sites:
        raise ValueError(
            f"`prepare(band=({band[0]:g}, {band[1]:g}))`, in Hz: no site has a frequency in it; widen it."
        )
    for site in inside:
        if not site.frequencies.size:
            journal = journal.note("band", site.name, "left out: no frequency in the band")
    # A copy must not count twice in the strike.
    whole = sites
    sites, notes = screen_stations(sites, UNUSABLE)
    useless = [not any(site is kept for kept in sites) for site in whole]
    journal += notes
    if not sites:
        raise ValueError(f"none of {len(inside)} stations has a datum: {journal.stations_taken()}.")
    if declination:
        sites = [magnetic_to_geographic(site, declination) for site in sites]
        journal = journal.note("declination", "all", f"{declination:g} degrees east added to the x axes")
    if band != (0.0, np.inf):
        journal = journal.note("band", "all", f"frequencies from {band[0]:g} to {band[1]:g} Hz kept")
    sites, notes = correct_polarity(sites, signs)
    journal += notes
    stated, notes = with_errors(sites, floor, rule=floor_rule)
    journal += notes
    found = None
    if angle is None:
        line = _line_azimuth(sites)
        found, angle, text = choose_strike(sites, direction if line is None else line)
        journal = journal.note("strike", "all", text)
    along = angle if direction is None else facing(angle, direction)
    direction = along + 90 if direction is None else direction
    turned, notes = turn_to(stated, along)
    journal += notes
    journal = journal.note("rotate", "all", f"x axes turned to {angle:.1f} degrees: xy is TE, yx is TM")
    floored = [with_floor(site, floor, rule=floor_rule) for site in turned]
    journal = journal.note("floor", "all", f"errors at least {floor:g} by the rule {floor_rule!r}")
    left, notes = (Screening() if screening is None else screening)(turned, floored)
    journal += notes
    if not left:
        raise ValueError(
            f"none of {len(sites)} stations is left: {journal.stations_taken()}. Ask less of "
            "`prepare(screening=...)` (--remove on the command line), or widen the band."
        )
    with warnings.catch_warnings():
        # What it warns of, the profile of what is left warns of, too.
        warnings.simplefilter("ignore", UserWarning)
        every = profile(screen_stations(floored, UNUSABLE)[0], strike=along, direction=direction)
    usable, _ = with_computed(every, per_decade)
    data = _within(profile(left, strike=along, direction=direction), usable)
    journal += merged(left, data)
    data, notes = with_computed(data, per_decade)
    journal += notes
    count, size = int(data.mask.sum()), data.survey.stations.size
    journal = journal.note(
        "profile", "all", f"{count} data of {size} stations along {direction:.1f} degrees"
    )
    rest = iter(sites)
    shown = [site if out else next(rest) for site, out in zip(whole, useless, strict=True)]
    y = _along(shown, ~np.array(useless), data, direction)
    return Prepared(data, usable, journal, found, float(angle), tuple(shown), y)


def _within(data: Data, whole: Data) -> Data:
    """Data of some stations with their places among all: y = 0 is the mean of a profile's own stations."""
    shift = _shift(data.survey, whole.survey.names, whole.survey.stations)
    if not shift:
        return data
    stations = data.survey.stations + shift
    return dataclasses.replace(data, survey=dataclasses.replace(data.survey, stations=stations))


def _along(
    sites: Sequence[Site], measured: Bool[np.ndarray, " site"], data: Data, direction: float
) -> Float[np.ndarray, " site"]:
    """Position of every site along the profile of `data`, m; NaN for none.

    - `measured`: which sites have a datum.
    """
    if len(sites) == 1:
        return data.survey.stations
    place = positions(sites)
    if np.isnan(place[measured]).any():
        # A station without a datum has a place of another kind, which is none beside theirs.
        place = np.full_like(place, np.nan)
        place[measured] = positions([site for site, used in zip(sites, measured, strict=True) if used])
    north, east = place.T
    y = east * np.sin(np.deg2rad(direction)) + north * np.cos(np.deg2rad(direction))
    return y - _shift(data.survey, [site.name for site in sites], y)


def _shift(survey: Survey, names: Sequence[str], y: Float[np.ndarray, " all"]) -> float:
    """By how much the stations of a survey lie farther along y, m, in another coordinate that has all.

    - `names`, `y`: of all, NaN for no position. Of those with the name of the first station it is the one
      from which the others are nearest to where those of their names are.
    """
    places: dict[str, list[float]] = {}
    for name, place in zip(names, y.tolist(), strict=True):
        if np.isfinite(place):
            places.setdefault(name, []).append(place)
    pairs = list(zip(survey.names, survey.stations.tolist(), strict=True))

    def error(shift: float) -> float:
        return sum(min(abs(at + shift - place) for place in places[name]) for name, at in pairs)

    first, at = pairs[0]
    return min((place - at for place in places[first]), key=error)


def _line_azimuth(sites: Sequence[Site]) -> float | None:
    """Direction of the line of least squares through the stations, degrees; None without two places."""
    place = positions(sites)
    place = place[np.isfinite(place).all(axis=1)]
    if len(place) < 2 or np.ptp(place, axis=0).max() < 1.0:
        return None
    return azimuth(place) % 180
