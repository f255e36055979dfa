"""The first page of a report: who, what, whether it fits, the section, and three sentences."""

import datetime
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from ..comparison import agreement, under_stations
from ..plot.misfit import residuals, rms
from ..processing.bostick import penetration
from ..report import Page, Shown, section_numbers
from .fit import TRUSTED, Fit
from .folder import Folder
from .line import Line
from .settings import Settings
from .station_tables import left_out

FITTED = 2.0
"""nRMS of a station from which on it counts as not explained; and that of all over the target, beyond which
a fit that stopped above it fails, and nothing is claimed of the ground."""

NAMED = 6
"""Stations that were left out and are named; more are counted."""

MOST = 0.05, 0.95
"""Parts of a section between which most of its resistivities lie."""

FADE = (
    "Colours fade where a decade more or less from there downward, as far to both sides as it is deep, "
    "would change all data together by less than 10 standard deviations, and are gone below 3, the depth "
    "of investigation."
)
"""What pale colours mean."""

Section = Float[np.ndarray, "earth y"]


def cover(folder: Folder, line: Line, fits: Sequence[Fit], settings: Settings) -> Page:
    """A page that begins with what a client reads, on a sheet of its own.

    The section is that of the first misfit; where scripts run, a click shows that of another.
    """
    page = Page(settings.title or line.name, "2-D inversion of magnetotelluric data", run=folder.identity)
    page = page.facts(_facts(folder, line, fits, settings))
    page = page.conclusions(" ".join(conclusions(fits, settings)))
    first = fits[0]
    text = f"Resistivity by {first.label}, nRMS {first.result.nrms:.2f}. {FADE}"
    shown = [
        Shown(
            f.label, f.result.mesh, f.result.resistivity, f.result.data, f.result.predicted, f.uncertainty
        )
        for f in fits
    ]
    window = {"depth": settings.depth, "limits": settings.limits, "colours": settings.colours}
    found = section_numbers(shown, **window)
    return page.figure(folder.path / first.name / "section.png", text, found).sheet()


def _facts(folder: Folder, line: Line, fits: Sequence[Fit], settings: Settings) -> list[tuple[str, str]]:
    """What the head of a report states, a line each."""
    pairs = [("Client", settings.client), ("Author", settings.author), ("Date", day(folder.identity))]
    if settings.title and settings.title != line.name:
        pairs.append(("Line", line.name))
    pairs += [("Stations", stations_in_words(line)), ("Data", data_in_words(line))]
    for fit in fits:
        met = "met" if fit.result.converged else f"not met: {fit.result.message}"
        pairs.append(
            (f"Fit by {fit.label}", f"nRMS {fit.result.nrms:.2f}; target {settings.target:g} {met}")
        )
    return [(name, text) for name, text in [*pairs, ("Run", folder.identity)] if text]


def day(identity: str) -> str:
    """The day on which a run began, from its identity; "" if that does not say."""
    try:
        when = datetime.datetime.strptime(identity[:8], "%Y%m%d")
    except ValueError:
        return ""
    return f"{when.day} {when:%B %Y}"


def stations_in_words(line: Line) -> str:
    """How many were read and are kept, and which were left out by what."""
    kept = line.data.survey.stations.size
    asked = max(line.asked, kept)
    steps: dict[str, list[str]] = {}
    for name, step, _, _ in left_out(line):
        if step:
            steps.setdefault(step, []).append(name)
    parts = []
    for step, names in steps.items():
        more = "" if len(names) <= NAMED else f" and {len(names) - NAMED} more"
        parts.append(f"{', '.join(names[:NAMED])}{more} by {step}")
    why = f"; left out: {'; '.join(parts)}" if parts else ""
    return f"{asked} read, {kept} kept{why}"


def data_in_words(line: Line) -> str:
    """How many, over which periods, how long the line is, and what was removed."""
    survey, removed = line.data.survey, line.journal.removed()
    length = length_in_words(line)
    along = f" along {length}" if length else ""
    tippers = line.journal.removed(["tipper"])
    gone = f"; {removed - tippers} removed" if removed > tippers else ""
    return (
        f"{int(line.data.mask.sum())} at periods of {_round(survey.periods.min(), 3)} to "
        f"{_round(survey.periods.max(), 3)} s{along}{gone}" + ("; tippers not asked for" if tippers else "")
    )


def length_in_words(line: Line) -> str:
    """From the first station to the last; "" for a single one."""
    length = float(np.ptp(line.data.survey.stations)) / 1e3
    return f"{length:.3g} km" if length > 0 else ""


def conclusions(fits: Sequence[Fit], settings: Settings) -> tuple[str, str, str]:
    """Three sentences for whoever reads no more: how well it fits, how deep it sees, what is there."""
    shown = np.inf if settings.depth is None else settings.depth
    return (
        _fit_in_words(fits, settings.target),
        _depth_in_words(fits, shown),
        _resistivity_in_words(fits[0], shown, settings.target),
    )


def _fit_in_words(fits: Sequence[Fit], target: float) -> str:
    fit = fits[0]
    found = _by_station(fit)
    good, count = int(np.sum(found < FITTED)), int(np.isfinite(found).sum())
    levels = " and ".join(f"{f.result.nrms:.2f} by {f.label}" for f in fits)
    whose = f" by {fit.label}" if len(fits) > 1 else ""
    stations = f"{good or 'none'} of {count} stations are fitted"
    if count == 1:
        stations = f"the station is {'fitted' if good else 'not fitted'}"
    stations += f" to an nRMS below {FITTED:g}{whose}"
    if all(f.result.converged for f in fits):
        return f"The data are explained to an nRMS of {levels}, where 1 is their errors; {stations}."
    care = (
        f", so what lies under the other{'s' if count - good > 1 else ''} is to be read with caution"
        if 0 < good < count
        else ", so no detail of the section is to be relied on"
        if good == 0
        else ""
    )
    return (
        f"The data are not explained within their errors: the nRMS is {levels}, where 1 is the errors and "
        f"{target:g} was the target; {stations}{care}."
    )


def _depth_in_words(fits: Sequence[Fit], shown: float) -> str:
    reach = _reach(fits[0])
    if not reach.size:
        return "How deep the data see is not known."
    low, middle, high = np.quantile(reach, (0.1, 0.5, 0.9))
    along = f" ({_metres(low)} to {_metres(high)} along the line)" if high > 1.05 * low else ""
    text = (
        f"The data see down to about {_metres(middle)}{along}; deeper, the section is what the "
        "regularisation prefers"
        if middle <= shown
        else f"The data see deeper than the {_metres(shown)} that are shown, if ever less sharply"
    )
    inside = _seen(fits[0], shown)
    if len(fits) == 2 and fits[0].result.mesh == fits[1].result.mesh:
        inside = inside & _seen(fits[1], shown)
        one, other = (fit.result.resistivity for fit in fits)
        inside &= np.isfinite([one, other]).all(axis=0)
        if inside.any():
            _, differ = agreement(fits[0].result.mesh, one, other, inside)
            text += f"; where they see, the two sections differ by a factor of {10**differ:.2g} (rms)"
    return f"{text}."


def _by_station(fit: Fit) -> Float[np.ndarray, " site"]:
    """The nRMS of each station; NaN without data."""
    return rms(residuals("conclusions", fit.result.data, fit.result.predicted), (0, 1))


def _resistivity_in_words(fit: Fit, shown: float, target: float) -> str:
    """Most resistivities where the data see, and the place whose upper bound, two errors up, is lowest.

    Both near a station that is fitted alone; where the fit fails, that nothing is claimed.
    """
    nrms = fit.result.nrms
    if not fit.result.converged and nrms > FITTED * target:
        return (
            f"An nRMS of {nrms:.2f} for a target of {target:g} is no fit: nothing is claimed of the ground."
        )
    mesh, inside = fit.result.mesh, _seen(fit, shown)
    # What is shallower lies between stations, where neither sees it.
    steps = np.diff(np.sort(fit.result.data.survey.stations))
    shallow = float(np.median(steps)) / 2 if steps.size else 0.0
    below = mesh.z_centres[:, None] >= shallow
    if (inside & below).any():
        inside = inside & below
    else:
        shallow = 0.0
    near = _near(fit, shallow)
    gaps = bool((inside & ~near).any())
    if gaps and not (inside & near).any():
        return (
            "What the data see lies far from any station that is fitted: nothing is claimed of the ground."
        )
    inside = inside & near
    log10_rho = np.log10(np.asarray(fit.result.resistivity))
    inside = inside & np.isfinite(log10_rho)
    if not inside.any():
        return "No part of the section is seen well enough to say what is there."
    # Width times relative height, as `comparison.agreement` weighs.
    weight = (mesh.dz / mesh.z_centres)[:, None] * mesh.dy
    order = np.argsort(log10_rho[inside])
    share = np.cumsum(weight[inside][order]) / weight[inside].sum()
    places = np.minimum(np.searchsorted(share, MOST), order.size - 1)
    low, high = (float(v) for v in 10 ** log10_rho[inside][order[places]])
    error = np.nan_to_num(fit.uncertainty.deviation, nan=0.0)
    row, column = np.unravel_index(
        np.argmin(np.where(inside, log10_rho + 2 * error, np.inf)), log10_rho.shape
    )
    sure = f", times or divided by {10 ** error[row, column]:.2g}," if error[row, column] > 0 else ""
    where = f"From {_metres(shallow)}, half the spacing of the stations, to there" if shallow else "There"
    where += ", no farther from a fitted station than it is deep," if gaps else ""
    return (
        f"{where} nine tenths of the resistivities lie between {_round(low)} and {_round(high)} ohm m; the "
        f"surest low one is {_round(10 ** log10_rho[row, column])} ohm m{sure} at "
        f"y = {mesh.y_centres[column] / 1e3:.3g} km, {_metres(mesh.z_centres[row])} deep."
    )


def _near(fit: Fit, least: float) -> Bool[np.ndarray, "earth y"]:
    """Whether a cell is no farther along the line from a fitted station than it is deep, or `least` m."""
    mesh, found = fit.result.mesh, _by_station(fit)
    fitted = fit.result.data.survey.stations[found < FITTED]
    away = np.abs(mesh.y_centres[:, None] - fitted).min(axis=1, initial=np.inf) - mesh.dy / 2
    return away <= np.maximum(mesh.z_centres, least)[:, None]


def _round(value: float, digits: int = 2) -> str:
    """So many digits, and no power of ten: 390, 3.9, 0.039."""
    return f"{float(f'{value:.{digits}g}'):.10g}"


def _metres(value: float) -> str:
    """A length of two digits in km, or in m where it is less than one."""
    return f"{_round(value / 1e3)} km" if value >= 1e3 else f"{_round(value)} m"


def _reach(fit: Fit) -> Float[np.ndarray, " site"]:
    """How deep the data see under each station, m: to the depth of investigation and Bostick's."""
    mesh, data = fit.result.mesh, fit.result.data
    column = np.clip(np.searchsorted(mesh.y_nodes, data.survey.stations) - 1, 0, mesh.n_y - 1)
    reach = np.fmin(fit.uncertainty.depth_of_investigation()[column], penetration(data))
    return reach[np.isfinite(reach)]


def _under(fit: Fit) -> Bool[np.ndarray, "earth y"]:
    """The cells under the stations; under a single one, those of the nearest column."""
    mesh, stations = fit.result.mesh, fit.result.data.survey.stations
    try:
        return under_stations(mesh, stations)
    except ValueError:
        nearest = int(np.argmin(np.abs(mesh.y_centres - float(np.mean(stations)))))
        return np.broadcast_to(np.arange(mesh.n_y) == nearest, mesh.shape)


def _seen(fit: Fit, shown: float) -> Bool[np.ndarray, "earth y"]:
    """The cells of the ground under the stations that the data see, as far down as they are shown (m)."""
    mesh = fit.result.mesh
    return _under(fit) & (fit.trust >= TRUSTED) & ~mesh.air & (mesh.z_centres <= shown)[:, None]
