"""A first section straight from the data."""

import numpy as np
from jaxtyping import Float

from ..conventions import MU_0, PHASE, RHO
from ..data import Data
from ..simulation.mesh import Mesh

USABLE = (5.0, 85.0)
"""Degrees; beyond them the transform is undone by noise."""


def bostick_section(
    data: Data, mesh: Mesh, *, low: float = 1.0, high: float = 1e4
) -> Float[np.ndarray, "earth y"]:
    r"""Resistivity in ohm m, of shape `mesh.shape`, by the Niblett-Bostick transform: a start for `invert`.

    At each frequency of a station $\rho = \rho_a\,(90/\phi - 1)$ stands at the depth
    $\sqrt{\rho_a/(\omega\mu_0)}$ (Niblett & Sayn-Wittgenstein 1960, Geophysics 25, 998-1008; Jones 1983,
    Geophys. J. R. Astron. Soc. 73, 89-95), with the means of both modes' $\log\rho_a$ and $\phi$ (degrees).
    Values are interpolated in log depth and along the profile, and held beyond the outermost.

    - `low`, `high`: ohm m; values are moved between them.

    A half-space comes back as it is. Raises `ValueError` if no station has a resistivity with its phase.
    """
    if not 0 < low < high:
        raise ValueError(
            f"`bostick_section(low=..., high=...)` must satisfy 0 < low < high, in ohm m. Got "
            f"{low}, {high}."
        )
    rho = np.where(data.mask[list(PHASE)], data.values[list(RHO)], np.nan)
    phase = np.where(data.mask[list(RHO)], data.values[list(PHASE)], np.nan)
    rho_a, phi = _of_both_modes(rho), _of_both_modes(phase)
    depth = _log10_depth(rho_a, data)
    value = np.log10(np.clip(10**rho_a * (90 / np.clip(phi, *USABLE) - 1), low, high))
    columns, places = [], []
    for k in np.argsort(data.survey.stations):
        order = np.argsort(depth[:, k])
        order = order[np.isfinite(depth[order, k])]
        if order.size:
            columns.append(np.interp(np.log10(mesh.z_centres), depth[order, k], value[order, k]))
            places.append(data.survey.stations[k])
    if not columns:
        raise ValueError(
            "`bostick_section(data=...)` must hold apparent resistivities with their phases. Got none."
        )
    rows = np.stack(columns, axis=1)
    return np.stack([10 ** np.interp(mesh.y_centres, places, row) for row in rows])


def penetration(data: Data) -> Float[np.ndarray, " site"]:
    r"""How deep each station sees, m: the largest $\sqrt{\rho_a/(\omega\mu_0)}$; NaN if unknown."""
    depth = _log10_depth(_of_both_modes(data.values[list(RHO)]), data)
    deepest = np.where(np.isfinite(depth), depth, -np.inf).max(axis=0)
    return np.where(np.isfinite(deepest), 10**deepest, np.nan)


def _of_both_modes(values: Float[np.ndarray, "2 freq site"]) -> Float[np.ndarray, "freq site"]:
    """The mean of the modes that are there; NaN for none."""
    count = np.isfinite(values).sum(axis=0)
    return np.nansum(values, axis=0) / np.where(count > 0, count, np.nan)


def _log10_depth(rho_a: Float[np.ndarray, "freq site"], data: Data) -> Float[np.ndarray, "freq site"]:
    """log10 of the depth in m that belongs to a log10 of apparent resistivity."""
    return 0.5 * (rho_a - np.log10(2 * np.pi * data.survey.frequencies * MU_0)[:, None])
