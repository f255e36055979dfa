"""What impedances show by themselves: their time dependence, and which were never measured."""

import numpy as np
from jaxtyping import Complex, Float

from ..conventions import MU_0, OFF_DIAGONAL
from ..processing.resampling import NEGLIGIBLE

LEAST_VOTES = 4
"""Impedances that must show the other sign, and three times as many as show this one."""


def _votes(z: Complex[np.ndarray, "freq 2 2"]) -> tuple[int, int]:
    r"""How many off-diagonal impedances show $e^{+i\omega t}$, and how many $e^{-i\omega t}$.

    With $e^{+i\omega t}$, Zxy lies in the first quadrant and Zyx in the third (interchanged by a
    flipped dipole), so that Im Z^2 > 0; the other convention has the opposite sign.
    """
    off = z[:, *OFF_DIAGONAL]
    off = off[np.abs(off) > 0]
    # Of modulus 1: squares of tiny impedances would underflow.
    product = np.imag((off / np.abs(off)) ** 2)
    return int(np.count_nonzero(product > 0)), int(np.count_nonzero(product < 0))


def opposite_sign(z: Complex[np.ndarray, "freq 2 2"]) -> bool:
    r"""True if the quadrants clearly show $e^{-i\omega t}$: no single value decides."""
    plus, minus = _votes(z)
    return minus >= LEAST_VOTES and minus >= 3 * plus


def quadrants(z: Complex[np.ndarray, "freq 2 2"]) -> str:
    """How many off-diagonal impedances lie in the quadrants of which time dependence."""
    plus, minus = _votes(z)
    sign, count = ("-", minus) if minus > plus else ("+", plus)
    return (
        f"{count} of {plus + minus} off-diagonal impedances lie in the quadrants of the time dependence "
        f"exp({sign}i omega t)"
    )


def outside_quadrants(z: Complex[np.ndarray, "freq 2 2"]) -> str:
    r"""Which of Zxy and Zyx lie outside their quadrants at half of their frequencies or more; else nothing.

    With $e^{+i\omega t}$ these are the first and the third.
    """
    found = []
    rows = without_zeros(z)[:, *OFF_DIAGONAL].T
    for row, name, sign, quadrant in zip(rows, ("Zxy", "Zyx"), (1, -1), ("first", "third"), strict=True):
        values = sign * row
        values = values[np.isfinite(values)]
        count = int(np.count_nonzero((np.real(values) < 0) | (np.imag(values) < 0)))
        if count and 2 * count >= values.size:
            found.append(f"{name} outside the {quadrant} quadrant at {count} of {values.size} frequencies")
    return ", ".join(found)


def resistivities(
    z: Complex[np.ndarray, "freq 2 2"], frequencies: Float[np.ndarray, " freq"]
) -> Float[np.ndarray, " datum"]:
    """Apparent resistivities, ohm m, of all finite impedances off the diagonal, ohm."""
    rho = np.abs(z[:, *OFF_DIAGONAL]) ** 2 / (2 * np.pi * MU_0 * frequencies[:, None])
    return rho[np.isfinite(rho)]


def without_zeros(z: Complex[np.ndarray, "freq 2 2"]) -> Complex[np.ndarray, "freq 2 2"]:
    """Zeros off the diagonal as NaN: some programs write them for what was not measured."""
    out = np.array(z)
    off = out[:, *OFF_DIAGONAL]
    out[:, *OFF_DIAGONAL] = np.where(np.abs(off) > NEGLIGIBLE, off, np.nan)
    return out


def measured(z: Complex[np.ndarray, "freq 2 2"], tipper: Complex[np.ndarray, "freq 2"]) -> bool:
    """True if a station has an impedance off the diagonal, or a tipper."""
    return bool(np.isfinite(without_zeros(z)[:, *OFF_DIAGONAL]).any() or np.isfinite(tipper).any())
