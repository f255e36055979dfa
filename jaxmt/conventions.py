r"""Time factor, units, constants, and the names of array axes.

Time dependence is $e^{+i\omega t}$ everywhere; units are SI. Axes are right-handed: x along strike,
y along the profile, z downward with z = 0 at the ground. xy is the TE mode (E along strike), yx the
TM mode. Readers convert whatever convention a file has to this one.

Axis names used in every shape:

| name | length |
|---|---|
| `freq` | frequencies |
| `site` | stations |
| `z`, `znode` | cell rows, air and earth, and the node rows around them |
| `earth` | cell rows below the ground |
| `y`, `ynode` | cell columns, and the node columns around them |
| `comp` | real data per frequency and station, in the order of `COMPONENTS` |
"""

import math

import numpy as np

MU_0 = 4e-7 * math.pi
"""Magnetic permeability of free space, H/m (the value all MT codes use)."""

OHM_PER_PRACTICAL = 1e3 * MU_0
"""Impedance in ohm of one practical unit, (mV/km)/nT."""

COMPONENTS = (
    "log10_rho_xy",
    "phase_xy",
    "log10_rho_yx",
    "phase_yx",
    "tipper_real",
    "tipper_imag",
)
"""Real data of one frequency and station: log10(ohm m), degrees, log10(ohm m), degrees, 1, 1.

The yx phase is shifted by 180 degrees so that a half-space gives 45 in both modes."""

UNITS = ("log10(ohm m)", "degrees", "log10(ohm m)", "degrees", "1", "1")
"""Unit of each of `COMPONENTS`."""

PERIODS = (0.0, 360.0, 0.0, 360.0, 0.0, 0.0)
"""After how much a value of `COMPONENTS` repeats, in its unit: a turn for phases, 0 for all else."""

RHO = (0, 2)
"""Rows of log10 rho of TE and of TM in `COMPONENTS`."""

PHASE = (1, 3)
"""Rows of the phases of TE and of TM in `COMPONENTS`."""

TIPPER = (4, 5)
"""Rows of real and imaginary part of the tipper in `COMPONENTS`."""

IMPEDANCE = (0, 1, 2, 3)
"""Rows of what impedances give in `COMPONENTS`: all but the tipper."""

PARTS = 2
"""Data that one complex number gives: log10 rho and phase, or real and imaginary part. Data are counted so
everywhere, as rows of `COMPONENTS`."""

MODES = ("te", "tm")

OFF_DIAGONAL = ([0, 1], [1, 0])
"""Rows and columns of Zxy and Zyx in a tensor."""


def rows_of(mode: str) -> tuple[int, ...]:
    """Rows of `COMPONENTS` that a mode gives: of "te" also the tipper."""
    return {"te": (0, 1, 4, 5), "tm": (2, 3)}[mode]


def skin_depth(resistivity: float, frequency: float) -> float:
    r"""$\delta = \sqrt{2\rho / (\omega\mu_0)}$ in m, for ohm m and Hz."""
    return math.sqrt(resistivity / (math.pi * frequency * MU_0))


def require_x64() -> None:
    """Raises `RuntimeError` unless JAX runs in double precision."""
    import jax

    if jax.dtypes.canonicalize_dtype(float) != np.float64:
        raise RuntimeError(
            "jaxmt needs double precision: the fields span many decades. Call "
            '`jax.config.update("jax_enable_x64", True)` before making any array, or set the '
            "environment variable JAX_ENABLE_X64=1."
        )
