"""Stations over simple earths."""

import dataclasses

import numpy as np

from jaxmt.conventions import MU_0
from jaxmt.processing import rotate
from jaxmt.processing.site import Site

FREQUENCIES = np.geomspace(1e3, 1e-2, 26)


def half_space(name="S", rho=100.0, error=0.02, frequencies=FREQUENCIES, **changes):
    """A station at 0 N, 0 E over a half-space; its errors are a fraction of |Z|, it has no tipper."""
    z = np.sqrt(2j * np.pi * frequencies * MU_0 * rho)
    n = z.size
    tensor = np.zeros((n, 2, 2), dtype=complex)
    tensor[:, 0, 1], tensor[:, 1, 0] = z, -z
    site = Site(
        name=name,
        latitude=0.0,
        longitude=0.0,
        elevation=0.0,
        frequencies=frequencies,
        z=tensor,
        z_error=np.full((n, 2, 2), error) * np.abs(z)[:, None, None],
        tipper=np.full((n, 2), np.nan + 0j),
        tipper_error=np.full((n, 2), np.nan),
        azimuth=np.zeros(n),
    )
    return dataclasses.replace(site, **changes)


def two_dimensional(name="S", azimuth=0.0, te=35.0, tm=60.0, arrow=np.nan):
    """A station in north and east axes over an earth of strike `azimuth`, phases and real Hz/Hy given."""
    site = half_space(name, azimuth=np.full(FREQUENCIES.size, azimuth))
    z = site.z.copy()
    z[:, 0, 1] = np.abs(z[:, 0, 1]) * np.exp(1j * np.deg2rad(te))
    z[:, 1, 0] = -np.abs(z[:, 1, 0]) * np.exp(1j * np.deg2rad(tm))
    tipper = np.tile([0.0, arrow + 0j], (FREQUENCIES.size, 1))
    return rotate(dataclasses.replace(site, z=z, tipper=tipper), -azimuth)
