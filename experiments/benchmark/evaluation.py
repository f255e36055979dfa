r"""What every code computes: $\frac12\sum w|Z|^2$ over both modes, and its gradient.

A squared sum of impedances costs a simulation and an adjoint and nothing else, in any code.
"""

from typing import NamedTuple

import numpy as np


class Evaluation(NamedTuple):
    """The value, its gradient to log resistivity, and impedances (ohm) of shape (frequency, station)."""

    value: float
    gradient: np.ndarray
    z_xy: np.ndarray
    z_yx: np.ndarray


def differences(this: Evaluation, other: Evaluation, bodies: np.ndarray) -> dict[str, float]:
    """How far two answers are apart, relative to `other`: a time without the same answer is worthless.

    - `bodies`: shapes on the mesh; "slope" compares the derivatives of the value along them. Two
      discretisations share these, but not the derivative to a single cell next to a station.
    """
    found = {}
    for name in ("z_xy", "z_yx"):
        error = np.abs(getattr(this, name) / getattr(other, name) - 1)
        found[f"{name}_rms"] = float(np.sqrt(np.mean(error**2)))
        found[f"{name}_max"] = float(error.max())
    slopes = [np.sum(bodies * e.gradient, axis=(1, 2)) for e in (this, other)]
    found["slope"] = float(np.abs(slopes[0] / slopes[1] - 1).max())
    apart = np.linalg.norm(this.gradient - other.gradient)
    found["gradient"] = float(apart / np.linalg.norm(other.gradient))
    return found
