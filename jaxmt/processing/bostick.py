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
    count = np.isfinite(rho).sum(axis=0)
    rho_a, phi = (np.nansum(v, axis=0) / np.where(count > 0, count, np.nan) for v in (rho, phase))
    depth = 0.5 * (rho_a - np.log10(2 * np.pi * data.survey.frequencies * MU_0)[:, None])
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
