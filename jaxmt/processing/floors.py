"""Error floors by the rules of the field."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from ..conventions import OFF_DIAGONAL
from .journal import Journal
from .screening import medians
from .site import Site

FLOORS = ("percent", "geometric", "arithmetic", "row", "median", "eigen", "absolute")


ABSURD = (1e-6, 1e3)
"""An error below or above these parts of |Z|, or of a tipper of 1, was not measured."""

TIPPER_FLOOR = 0.05
"""The floor of the error of a tipper."""


def _scale(site: Site, rule: str) -> Float[np.ndarray, "freq 2 2"]:
    """What the fraction of a rule refers to, for each element; ohm.

    An element whose rule names others, that were lost, takes those that are left, and itself if none is.
    """
    size = np.abs(site.z)
    off = size[:, *OFF_DIAGONAL]
    if rule == "percent":
        return size
    if rule == "absolute":
        return np.where(np.isfinite(size), 1.0, np.nan)
    named = off[:, :, None] if rule == "row" else _of_all(site, rule)[:, None, None]
    return np.where(np.isnan(named), size, named)


def _of_all(site: Site, rule: str) -> Float[np.ndarray, " freq"]:
    """What the fraction of a rule for all four elements refers to; NaN where all that it names is lost."""
    size = np.abs(site.z)
    off = size[:, *OFF_DIAGONAL]
    if rule == "geometric":
        with np.errstate(divide="ignore"):
            return np.exp(_mean(np.log(off)))
    if rule == "arithmetic":
        return _mean(off)
    if rule == "median":
        return medians(size.reshape(-1, 4).T)
    lost = np.isnan(size.sum(axis=(1, 2)))
    values = np.linalg.eigvals(np.where(lost[:, None, None], 0.0, site.z))
    return np.where(lost, _mean(off), np.abs(values).mean(axis=1))


def _mean(values: Float[np.ndarray, "freq n"]) -> Float[np.ndarray, " freq"]:
    """Over the elements that are there; NaN where none is."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0.0).sum(axis=1) / there.sum(axis=1)


def with_floor(
    site: Site, fraction: float = 0.05, *, rule: str = "geometric", tipper: float = TIPPER_FLOOR
) -> Site:
    r"""The site with errors of at least a floor; what has none gets the floor.

    - `fraction`: of what `rule` names; ohm for "absolute".
    - `rule`: "percent" of each $|Z_{ij}|$; "geometric": $\sqrt{|Z_{xy}||Z_{yx}|}$ for all four, the habit
      of ModEM's users; "arithmetic": $(|Z_{xy}| + |Z_{yx}|)/2$; "row": the off-diagonal element of the
      row; "median" of the four $|Z_{ij}|$; "eigen": the mean of the moduli of the eigenvalues;
      "absolute".
    - `tipper`: the floor of the tipper's error.

    An element whose rule names others, that a screening took, refers to those that are left, itself among
    them. The error is that of the real and of the imaginary part each. Covariances are dropped, for a floor
    is an error without correlations. Occam2D's custom, 10 % of rho and 2.87 degrees, is
    `Data.with_floor(0.05)`.
    """
    _check(fraction, rule, tipper)
    floor = fraction * _scale(site, rule)
    tipper_floor = np.where(np.isfinite(site.tipper), tipper, np.nan)
    return dataclasses.replace(
        site,
        z_error=np.fmax(site.z_error, floor),
        tipper_error=np.fmax(site.tipper_error, tipper_floor),
        z_covariance=None,
        tipper_covariance=None,
    )


def _check(fraction: float, rule: str, tipper: float) -> None:
    if rule not in FLOORS:
        raise ValueError(f"`with_floor(rule=...)` must be one of {', '.join(FLOORS)}. Got {rule!r}.")
    for name, value in (("fraction", fraction), ("tipper", tipper)):
        if not 0 <= value < np.inf:
            raise ValueError(
                f"`with_floor({name}=...)` must not be negative, infinite or NaN. Got {value}."
            )


def with_errors(
    sites: Sequence[Site], fraction: float = 0.05, *, rule: str = "geometric", tipper: float = TIPPER_FLOOR
) -> tuple[list[Site], Journal]:
    """The sites with a floor for every error that is missing, zero or absurd, and how many there were.

    - `fraction`, `rule`, `tipper`: as in `with_floor`; 0 leaves these errors unknown.

    Absurd are errors beyond 1e-6 and 1e3 of |Z|, that of the off-diagonal elements for the diagonal ones,
    and of 1 for tippers. Others stay. Covariances go at the frequencies where an error was replaced.
    """
    _check(fraction, rule, tipper)
    out, texts = [], []
    unknown = "left without an error"
    instead = f"the floor, {fraction:g} by the rule {rule!r}, instead" if fraction else unknown
    instead_t = f"the floor, {tipper:g}, instead" if tipper else unknown
    for site in sites:
        size = np.abs(site.z)
        of_all = np.nan_to_num(_of_all(site, "geometric"))[:, None, None]
        large = np.where(np.eye(2, dtype=bool), np.fmax(size, of_all), size)
        there, there_t = np.isfinite(size), np.isfinite(site.tipper)
        missing, missing_t = np.logical_not(site.z_error > 0), np.logical_not(site.tipper_error > 0)
        low, low_t = site.z_error < ABSURD[0] * size, site.tipper_error < ABSURD[0]
        high, high_t = site.z_error > ABSURD[1] * large, site.tipper_error > ABSURD[1]
        wrong, wrong_t = there & (missing | low | high), there_t & (missing_t | low_t | high_t)
        floor = fraction * _scale(site, rule)
        of_z, of_tipper = site.z_covariance, site.tipper_covariance
        lost, lost_t = np.any(wrong, axis=(1, 2)), np.any(wrong_t, axis=1)
        if of_z is not None:
            of_z = np.where(lost[:, None, None, None, None], np.nan, of_z)
        if of_tipper is not None:
            of_tipper = np.where(lost_t[:, None, None], np.nan, of_tipper)
        new = dataclasses.replace(
            site,
            z_error=np.where(wrong, floor if fraction else np.nan, site.z_error),
            tipper_error=np.where(wrong_t, tipper or np.nan, site.tipper_error),
            z_covariance=of_z,
            tipper_covariance=of_tipper,
        )
        off = (part[:, *OFF_DIAGONAL] for part in (there, missing, wrong))
        told = [_counts("Zxy and Zyx", *off, instead=instead)]
        told.append(_counts("the tipper", there_t, missing_t, wrong_t, instead=instead_t))
        texts.append("; ".join(filter(None, told)))
        out.append(new if wrong.any() or wrong_t.any() else site)
    journal = Journal()
    if len(sites) > 1 and texts[0] and len(set(texts)) == 1:
        return out, journal.note("error", "all", f"at each station {texts[0]}")
    for site, text in zip(sites, texts, strict=True):
        journal = journal.note("error", site.name, text) if text else journal
    return out, journal


def plausible(
    what: str, relative: Float[np.ndarray, "*n"], there: Bool[np.ndarray, "*n"], fraction: float
) -> tuple[Float[np.ndarray, "*n"], str]:
    """Errors with a floor for each that is missing, zero, negative or absurd, and how many there were.

    - `what`: the data, in words. `relative`: errors over |Z|, or of a tipper. `there`: where a datum is.
    - `fraction`: the floor, of the same kind.

    As `with_errors`, for data without a station's tensors.
    """
    with np.errstate(invalid="ignore"):
        missing = there & np.logical_not(relative > 0)
        wrong = missing | (there & ((relative < ABSURD[0]) | (relative > ABSURD[1])))
    text = _counts(what, there, missing, wrong, instead=f"the floor, {fraction:g}, instead")
    return np.where(wrong, fraction, relative), text


def _counts(
    what: str,
    there: Bool[np.ndarray, "*n"],
    missing: Bool[np.ndarray, "*n"],
    wrong: Bool[np.ndarray, "*n"],
    instead: str,
) -> str:
    """How many errors are of no use and why, and what stands instead; nothing where all are of use."""
    none = int((there & missing).sum())
    absurd = int(wrong.sum()) - none
    kinds = [f"{none} are missing, zero or negative"] * bool(none) + [f"{absurd} are absurd"] * bool(absurd)
    return f"of {there.sum()} errors of {what} {' and '.join(kinds)}; {instead}" if kinds else ""
