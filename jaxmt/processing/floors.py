"""Error floors by the rules of the field."""

import dataclasses

import numpy as np
from jaxtyping import Float

from ..conventions import OFF_DIAGONAL
from .screening import medians
from .site import Site

FLOORS = ("percent", "geometric", "arithmetic", "row", "median", "eigen", "absolute")


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
    site: Site, fraction: float = 0.05, *, rule: str = "geometric", tipper: float = 0.05
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
    if rule not in FLOORS:
        raise ValueError(f"`with_floor(rule=...)` must be one of {', '.join(FLOORS)}. Got {rule!r}.")
    for name, value in (("fraction", fraction), ("tipper", tipper)):
        if not 0 <= value < np.inf:
            raise ValueError(
                f"`with_floor({name}=...)` must not be negative, infinite or NaN. Got {value}."
            )
    floor = fraction * _scale(site, rule)
    tipper_floor = np.where(np.isfinite(site.tipper), tipper, np.nan)
    return dataclasses.replace(
        site,
        z_error=np.fmax(site.z_error, floor),
        tipper_error=np.fmax(site.tipper_error, tipper_floor),
        z_covariance=None,
        tipper_covariance=None,
    )
