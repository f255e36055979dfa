"""Error floors by the rules of the field."""

import dataclasses

import numpy as np
from jaxtyping import Float

from ..site import Site

FLOORS = ("percent", "geometric", "arithmetic", "row", "median", "eigen", "absolute")


def _scale(site: Site, rule: str) -> Float[np.ndarray, "freq 2 2"]:
    """What the fraction of a rule refers to, for each element; ohm."""
    size = np.abs(site.z)
    off = size[:, [0, 1], [1, 0]]
    if rule == "percent":
        return size
    if rule == "row":
        return np.repeat(off[:, :, None], 2, axis=2)
    if rule == "absolute":
        return np.where(np.isfinite(size), 1.0, np.nan)
    if rule == "geometric":
        one = np.sqrt(off[:, 0] * off[:, 1])
    elif rule == "arithmetic":
        one = off.mean(axis=1)
    elif rule == "median":
        one = np.median(size.reshape(-1, 4), axis=1)
    else:
        lost = np.isnan(size.sum(axis=(1, 2), keepdims=True))
        values = np.linalg.eigvals(np.where(lost, 0.0, site.z))
        one = np.where(lost[:, 0, 0], np.nan, np.abs(values).mean(axis=1))
    return np.broadcast_to(one[:, None, None], size.shape)


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

    The error is that of the real and of the imaginary part each. Covariances are dropped, for a floor
    is an error without correlations. Occam2D's custom, 10 % of rho and 2.87 degrees, is
    `Data.with_floor(0.05)`.
    """
    if rule not in FLOORS:
        raise ValueError(f"`with_floor(rule=...)` must be one of {', '.join(FLOORS)}. Got {rule!r}.")
    for name, value in (("fraction", fraction), ("tipper", tipper)):
        if not 0 <= value < np.inf:
            raise ValueError(f"`with_floor({name}=...)` must not be negative. Got {value}.")
    floor = fraction * _scale(site, rule)
    tipper_floor = np.where(np.isfinite(site.tipper), tipper, np.nan)
    return dataclasses.replace(
        site,
        z_error=np.fmax(site.z_error, floor),
        tipper_error=np.fmax(site.tipper_error, tipper_floor),
        z_covariance=None,
        tipper_covariance=None,
    )
