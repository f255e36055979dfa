"""How well a section fits: over all usable data, and where it does not."""

import warnings
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..conventions import PHASE, RHO
from ..data import Data, known_residuals
from ..inversion.result import Result
from ..inversion.static_shift import StaticShift, shifted
from ..processing import PhaseQuadrant, dimensionality, phase_tensor
from ..processing.georeference import matched
from ..processing.site import Site
from ..simulation.forward import simulate
from ..simulation.mesh import MeshWarning
from .line import Line

MARGIN = PhaseQuadrant().margin
"""Degrees by which a phase may leave its quadrant, those of the rule."""

NOTABLE = 0.2
"""Share of the misfit from which phases outside of their quadrant are named."""

WORST = 3
"""Stations and bands of periods that are named."""

STANDS_OUT = 1.25
"""nRMS of a station or a band over that of all, from which it is named."""

WIDE = 2.0
"""Standard deviations of a static shift from which it is named; one of twenty lies beyond them."""


def usable_nrms(line: Line, result: Result, devices: Sequence[Any] | None = None) -> float:
    """The nRMS of a section over all usable data of a line with the floors alone; NaN if it has none.

    Stations that were inverted have their static shifts, others none. `devices`: as for `simulate`.
    """
    if line.usable is None:
        return result.nrms
    usable, inverted = line.usable, result.data.survey
    if usable.survey == inverted:
        return float(usable.nrms_of(np.asarray(result.predicted)))
    try:
        with warnings.catch_warnings():
            # The inversion has said what the mesh lacks.
            warnings.simplefilter("ignore", MeshWarning)
            responses = simulate(result.mesh, usable.survey, result.resistivity, devices=devices)
    except (ValueError, FloatingPointError, MemoryError):
        # A finished inversion is not lost for a number beside it.
        return np.nan
    shifts = np.zeros((2, usable.survey.stations.size))
    for k, place in enumerate(matched(usable.survey, inverted.names, inverted.stations)):
        if place is not None:
            shifts[:, k] = result.static_shift[:, place]
    return float(usable.nrms_of(shifted(responses.components, jnp.asarray(shifts))))


def misfit_in_words(line: Line, result: Result) -> str:
    """Which stations and periods a section does not explain, and how 3-D their tensors are; "" for none."""
    data = result.data
    squares = np.square(known_residuals(data, np.asarray(result.predicted)))
    names = _worst(squares.sum(axis=(0, 1)), data.mask.sum(axis=(0, 1)).astype(float), result.nrms)
    decade = np.floor(np.log10(data.survey.periods)).astype(int)
    bands = np.unique(decade)
    by_band = np.array(
        [[a[:, decade == b].sum() for b in bands] for a in (squares, data.mask)], dtype=float
    )
    periods = _worst(by_band[0], by_band[1], result.nrms)
    outside = _outside(data, squares)
    if not names and not periods:
        return outside
    stations = [f"{data.survey.names[k]} (nRMS {value:.1f})" for k, value in names]
    ranges = [f"{_range(data.survey.periods[decade == bands[k]])} ({value:.1f})" for k, value in periods]
    parts = [f"stations {', '.join(stations)}"] * bool(stations)
    parts += [f"periods {', '.join(ranges)}"] * bool(ranges)
    text = f"The section explains least: {'; '.join(parts)}."
    sites = matched(data.survey, [site.name for site in line.sites], line.distances)
    chosen = {sites[k] for k, _ in names}
    here, elsewhere = (
        _three_dimensional([s for k, s in enumerate(line.sites) if (k in chosen) is inside])
        for inside in (True, False)
    )
    if np.isfinite(here) and np.isfinite(elsewhere):
        text += (
            f" By their skew {100 * here:.0f} % of the phase tensors of these stations ask for a 3-D "
            f"earth, {100 * elsewhere:.0f} % of the others'."
        )
    return f"{text} {outside}".strip()


def shifts_in_words(result: Result, prior: StaticShift | None) -> str:
    """Which curves stand further from the section than static shifts are expected to; "" for none."""
    if prior is None:
        return ""
    widest, survey = WIDE * prior.decades, result.data.survey
    far = np.argwhere(np.abs(result.static_shift) > widest)
    if not far.size:
        return ""
    order = np.argsort(-np.abs(result.static_shift[tuple(far.T)]))
    named = [
        f"{survey.names[k]} {('TE', 'TM')[mode]} ({result.static_shift[mode, k]:+.2f})"
        for mode, k in far[order][:WORST].tolist()
    ]
    named += ["..."] * (len(far) > WORST)
    return (
        f"Static shifts of {len(far)} of {int(result.data.mask[list(RHO)].any(axis=1).sum())} curves of "
        f"apparent resistivity are beyond {widest:g} decades, twice what was expected of them: "
        f"{', '.join(named)}. The section does not explain the level of these curves; do not trust its "
        "resistivity there."
    )


def _range(periods: Float[np.ndarray, " period"]) -> str:
    """The shortest to the longest, or the only one."""
    ends = dict.fromkeys(f"{end:.3g}" for end in (periods.min(), periods.max()))
    return f"{' to '.join(ends)} s"


def _outside(data: Data, squares: Float[np.ndarray, "comp freq site"]) -> str:
    """What part of the misfit is phases outside of their quadrant, which hardly any 2-D section has."""
    rows = list(PHASE)
    with np.errstate(invalid="ignore"):
        outside = np.abs(data.values[rows] - 45) > 45 + MARGIN
    share = float(squares[rows][outside].sum() / max(squares.sum(), 1e-300))
    if share < NOTABLE:
        return ""
    return (
        f"{100 * share:.0f} % of the misfit is {int(outside.sum())} phases outside of 0 to 90 degrees, "
        "which hardly any 2-D section has: --remove phase-quadrant takes them, --enlarge phase-quadrant "
        "gives them larger errors."
    )


def _worst(
    squares: Float[np.ndarray, " n"], counts: Float[np.ndarray, " n"], whole: float
) -> list[tuple[int, float]]:
    """The places of largest nRMS that stand out of that of all, and their nRMS."""
    each = np.sqrt(squares / np.maximum(counts, 1))
    order = [int(k) for k in np.argsort(-each) if each[k] > STANDS_OUT * whole]
    return [(k, float(each[k])) for k in order[:WORST]]


def _three_dimensional(sites: Sequence[Site]) -> float:
    """Share of the tensors of some stations that ask for a 3-D earth; NaN without any."""
    found = [dimensionality(phase_tensor(site)) for site in sites]
    known = np.concatenate([values[values > 0] for values in found]) if found else np.zeros(0)
    return float(np.mean(known == 3)) if known.size else np.nan


def in_words(nrms: float, usable: float, data: Data, whole: Data | None) -> str:
    """The nRMS as inverted and, where data were removed or errors enlarged, that of all usable data."""
    if whole is None:
        return f"nRMS {nrms:.3f} over all usable data, with the floors alone"
    if np.isnan(usable):
        return (
            f"nRMS {nrms:.3f} over the {int(data.mask.sum())} data inverted; that of all "
            f"{int(whole.mask.sum())} usable ones could not be computed"
        )
    return (
        f"nRMS {nrms:.3f} over the {int(data.mask.sum())} data inverted, {usable:.3f} over all "
        f"{int(whole.mask.sum())} usable ones with the floors alone"
    )
