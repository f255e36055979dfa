"""Static shift: real factors of apparent resistivity by station and mode, phases untouched."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ..conventions import RHO
from ..data import Data
from ..simulation.responses import Responses
from .positions import positions
from .screening import curves, medians
from .site import Site


def remove_static_shift(site: Site, s_x: float, s_y: float) -> Site:
    r"""The site with $Z \to \mathrm{diag}(1/\sqrt{S_x}, 1/\sqrt{S_y})\,Z$: rho falls by $S_x$ and $S_y$.

    - `s_x`, `s_y`: factors of the apparent resistivities of the rows of Ex and of Ey.

    Errors and covariances are scaled with the rows, so that relative errors stay.
    """
    for name, value in (("s_x", s_x), ("s_y", s_y)):
        if not 0 < value < np.inf:
            raise ValueError(f"`remove_static_shift({name}=...)` must be positive and finite. Got {value}.")
    row = 1 / np.sqrt(np.array([s_x, s_y]))
    covariance = site.z_covariance
    if covariance is not None:
        covariance = np.einsum("i,k,fijkl->fijkl", row, row, covariance)
    return dataclasses.replace(
        site, z=site.z * row[:, None], z_error=site.z_error * row[:, None], z_covariance=covariance
    )


def spatial_static_shift(
    sites: Sequence[Site],
    *,
    radius: float,
    band: tuple[float, float] = (0.0, np.inf),
    tolerance: float = 0.15,
) -> Float[np.ndarray, "site 2"]:
    r"""Factors $S_x, S_y$ of each site against the stations around it, for `remove_static_shift`.

    - `radius`: m; the neighbours of a site are those within. `band`: Hz, lowest and highest used.
    - `tolerance`: factors with $|S - 1|$ below it are taken as 1.

    S is the median of rho over the band, over the median of the neighbours' medians; 1 for a site
    without neighbours. It takes any lateral change within the radius for static shift: use a radius
    smaller than the structure, and frequencies whose skin depth is smaller than the spacing.
    """
    place = positions(sites)
    low, high = band
    levels = []
    for site in sites:
        log_rho = curves(site)[0][(site.frequencies >= low) & (site.frequencies <= high)]
        levels.append(medians(log_rho))
    level = np.array(levels)
    factors = np.ones((len(sites), 2))
    for k in range(len(sites)):
        near = np.hypot(*(place - place[k]).T) <= radius
        near[k] = False
        for c in range(2):
            around = level[near, c][np.isfinite(level[near, c])]
            if around.size and np.isfinite(level[k, c]):
                factor = 10.0 ** (level[k, c] - np.median(around))
                factors[k, c] = factor if abs(factor - 1) >= tolerance else 1.0
    return factors


def residual_static_shift(data: Data, responses: Responses) -> Float[np.ndarray, "site 2"]:
    r"""Factors of rho_xy and rho_yx of each site that a model leaves unexplained at all frequencies.

    The mean over frequency of the residual of log10 rho, weighted by $1/\sigma^2$, as a power of ten; 1
    where a site has no datum. The estimator that inversions re-use after each step (deGroot-Hedlin
    1991, Geophysics 56, 78-86).
    """
    rows = list(RHO)
    residual = data.values[rows] - np.array(responses.components)[rows]
    exists = np.isfinite(residual)
    weight = np.where(exists, 1 / data.errors[rows] ** 2, 0.0)
    total = weight.sum(axis=1)
    mean = np.sum(weight * np.where(exists, residual, 0.0), axis=1) / np.where(total > 0, total, 1.0)
    return 10.0**mean.T
