"""Stations on one set of frequencies; what a station lacks is masked as NaN."""

import dataclasses

import numpy as np

from .profile import Frequencies
from .resampling import resample
from .site import Site


def on_frequencies(site: Site, frequencies: Frequencies, *, interpolate: bool = True) -> Site:
    """The site at `frequencies`, Hz, every element and error by `resample`; NaN where it has none.

    - `interpolate`: False keeps only what was measured within 1 % of a frequency.

    Covariances are dropped: interpolated elements have others. `azimuth` is that of the nearest
    frequency measured.
    """
    grid = np.array(frequencies, dtype=float)
    if grid.ndim != 1 or grid.size == 0 or not np.all((grid > 0) & np.isfinite(grid)):
        raise ValueError("`on_frequencies(frequencies=...)` must be positive, in Hz, and at least one.")
    z, z_error = np.full((grid.size, 2, 2), np.nan + 0j), np.full((grid.size, 2, 2), np.nan)
    t, t_error = np.full((grid.size, 2), np.nan + 0j), np.full((grid.size, 2), np.nan)
    for i in range(2):
        for j in range(2):
            z[:, i, j], z_error[:, i, j] = resample(
                site.frequencies,
                site.z[:, i, j],
                site.z_error[:, i, j],
                grid,
                impedance=True,
                interpolate=interpolate,
            )
        t[:, i], t_error[:, i] = resample(
            site.frequencies,
            site.tipper[:, i],
            site.tipper_error[:, i],
            grid,
            impedance=False,
            interpolate=interpolate,
        )
    nearest = np.argmin(np.abs(np.log(grid[:, None] / site.frequencies)), axis=1)
    return dataclasses.replace(
        site,
        frequencies=grid,
        z=z,
        z_error=z_error,
        tipper=t,
        tipper_error=t_error,
        azimuth=site.azimuth[nearest],
        z_covariance=None,
        tipper_covariance=None,
    )
