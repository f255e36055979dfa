"""Turning a survey to strike: to which, and what becomes of stations that cannot be turned."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..conventions import OFF_DIAGONAL, PARTS
from .journal import Journal
from .phase_tensor import axis
from .rotation import rotate
from .site import Site
from .strike import CLEAR, LEAST_RESULTANT, MAX_BETA, Strike, strike

ELEMENTS = (("Zxx", 0, 0), ("Zxy", 0, 1), ("Zyx", 1, 0), ("Zyy", 1, 1))

AXES_FIT = 20.0
"""Degrees that measured axes may be off the line and its normal to be taken for them."""

AXES_AGREE = 5.0
"""Degrees that measured axes may be off a strike that was given, where they cannot be turned to it."""


def elements(site: Site) -> str:
    """The elements of Z that a station has, where it has no whole tensor: "Zxy"; "" where it has one."""
    known = np.isfinite(site.z)
    if known.all(axis=(1, 2)).any() or not known.any():
        return ""
    return ", ".join(name for name, i, j in ELEMENTS if known[:, i, j].any())


def choose_strike(sites: Sequence[Site], line: float | None) -> tuple[Strike | None, float, str]:
    """What the data show, the strike to use (degrees), and both in words.

    - `line`: degrees, the direction of the line of stations; None where there is none.

    Where the arrows do not settle it, the axis more nearly across the line is taken: at 45 degrees to it,
    both are as good, and there the strike changes by up to 90. The more the tensors
    scatter, the nearer to the direction across the line is the one that is used: that itself at a resultant
    of 0.3 and below, that of the tensors from 0.7 (`clarity`). Tensors with too much skew are used where
    there are no others; the direction across the line where no tensor shows a strike, as over a layered
    earth; 0 degrees without a line. Stations
    without whole tensors cannot be turned, so their axes are the strike's. Raises `ValueError` if these lie
    aslant to the line.
    """
    if sites and all(elements(site) for site in sites):
        return None, *_axes(sites, line)
    across = None if line is None else float(axis(np.array([line - 90.0]))[0])
    beside = "" if line is None else f"across the stations at {line % 180:.0f} degrees"
    try:
        found, said = strike(sites), ""
    except ValueError:
        try:
            found = strike(sites, max_beta=np.inf)
        except ValueError:
            if across is None:
                return (
                    None,
                    0.0,
                    "no tensor shows one and no line of stations: 0 degrees is taken",
                )
            return None, across, f"no tensor shows one; {across:.1f} is {beside}"
        said = f"all phase tensors have a skew of {MAX_BETA:g} degrees or more, so all are used: "
    if line is None or across is None:
        return found, found.angle, f"{said}{found}"
    # The profile should cross the strike: the axis whose normal is nearer to the line.
    nearer = min((found.angle, found.other), key=lambda a: abs(np.cos(np.deg2rad(a - line))))
    if found.settled:
        nearer = found.angle
    own = f"--strike {nearer:.1f} is that of the tensors"
    share = clarity(found)
    if share == 0:
        return found, across, f"{said}{found}; ill determined, so {across:.1f}, {beside}; {own}"
    if share < 1:
        off = float(axis(np.array([nearer - across]))[0])
        taken = float(axis(np.array([across + share * off]))[0])
        between = f"between {nearer:.1f} and {across:.1f}, {beside}"
        text = f"not clear, so {taken:.1f} is taken, {between}; {own}"
        return found, taken, f"{said}{found}; {text}"
    text = f"; {nearer:.1f} is more nearly across the line of stations at {line:.0f} degrees"
    return found, float(nearer), f"{said}{found}{'' if found.settled else text}"


def clarity(found: Strike) -> float:
    """How far a strike leads from the direction across the line to that of the tensors, 0 to 1.

    0 at a resultant of `LEAST_RESULTANT`, where a mean direction means nothing, one half at `CLEAR`, and 1
    as far beyond: in between no single station turns the survey by more than it turns the mean. Arrows that
    settle a strike are evidence of its direction, too: the larger of the two resultants counts.
    """
    resultant = max(found.resultant, found.arrow_resultant) if found.settled else found.resultant
    return float(np.clip((resultant - LEAST_RESULTANT) / (2 * (CLEAR - LEAST_RESULTANT)), 0, 1))


def _axes(sites: Sequence[Site], line: float | None) -> tuple[float, str]:
    """The strike of stations that cannot be turned, and why. Raises `ValueError` if they fit no line."""
    x = float(axis(sites[0].azimuth[:1])[0])
    only = f"only {elements(sites[0])} {'is' if elements(sites[0]) in ('Zxy', 'Zyx') else 'are'} there"
    if line is None:
        return (
            x,
            f"{only}, which cannot be turned: the x axis as measured, {x:.1f} degrees, is taken as strike",
        )
    y = float(axis(np.array([x + 90.0]))[0])
    nearer = min((x, y), key=lambda a: abs(np.cos(np.deg2rad(a - line))))
    off = abs(float(axis(np.array([nearer - line + 90.0]))[0]))
    if off > AXES_FIT:
        raise ValueError(
            f"{only}, which cannot be turned, and the line of stations at {line:.0f} degrees is {off:.0f} "
            f"degrees off the measured axes. Give the one that shall count as strike: --strike {x:g} takes "
            f"Zxy as TE, --strike {y:g} as TM."
        )
    return nearer, (
        f"{only}, which cannot be turned: the {'x' if nearer == x else 'y'} axis as measured, {nearer:.1f} "
        f"degrees, is taken as strike, {off:.0f} degrees off the normal of the line at {line:.0f} degrees"
    )


def turn_to(sites: Sequence[Site], angle: float) -> tuple[list[Site], Journal]:
    """The stations with x along strike, and what could not be turned.

    - `angle`: degrees of the strike.

    A station without whole tensors stays in its axes, x and y exchanged if need be, if they lie within 5
    degrees of the strike and its normal, and is left out otherwise; so are single incomplete tensors.
    Raises `ValueError` if no station is left.
    """
    turned, journal = [], Journal()
    for site in sites:
        only = elements(site)
        turn = angle - site.azimuth
        quarters = 90 * np.rint(turn / 90)
        off = float(np.abs(turn - quarters).max())
        if only and off > AXES_AGREE:
            x = float(axis(site.azimuth[:1])[0])
            text = f"left out: only {only} is there, which cannot be turned from {x:g} to {angle:g} degrees"
            count = PARTS * int(np.isfinite(site.z[:, *OFF_DIAGONAL]).sum())
            journal = journal.note("rotate", site.name, text, count)
            continue
        if only:
            text = f"only {only}, which cannot be turned; its axes are taken as those of the strike"
            if off > 1e-6:
                text += f", {off:.1f} degrees off"
            journal = journal.note("rotate", site.name, text)
            turned.append(dataclasses.replace(rotate(site, quarters), azimuth=site.azimuth + turn))
            continue
        new = rotate(site, turn)
        lost = int(np.isfinite(site.z[:, *OFF_DIAGONAL]).sum() - np.isfinite(new.z[:, *OFF_DIAGONAL]).sum())
        if lost > 0:
            text = "data of tensors that lack an element cannot be turned"
            journal = journal.note("rotate", site.name, text, PARTS * lost)
        turned.append(new)
    if not turned:
        x = float(axis(sites[0].azimuth[:1])[0])
        raise ValueError(
            f"no station can be turned to a strike of {angle:g} degrees: {journal.entries[0].text}. The "
            f"axes as measured can be taken: --strike {x:g} takes Zxy as TE, --strike "
            f"{float(axis(np.array([x + 90.0]))[0]):g} as TM."
        )
    return turned, journal
