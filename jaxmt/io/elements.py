"""Lists of single transfer functions, an element and a frequency each, put together to tensors."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float

from .free_format import BadFile, FreeFormat
from .frequencies import distinct
from .impedances import measured, opposite_sign, quadrants, without_zeros

ELEMENTS = {"ZXX": (0, 0), "ZXY": (0, 1), "ZYX": (1, 0), "ZYY": (1, 1), "TZX": (2, 0), "TZY": (2, 1)}
"""Output (Ex, Ey, Hz) and input (Hx, Hy) of each element."""


@dataclasses.dataclass(frozen=True)
class Datum:
    """One element at one frequency, Hz, and the deviation of its real and of its imaginary part each."""

    line: int
    element: str
    frequency: float
    value: complex
    error: float


@dataclasses.dataclass(frozen=True)
class Tensors:
    """Impedance and tipper with their errors, highest frequency first, and the time dependence found."""

    frequencies: Float[np.ndarray, " freq"]
    z: Complex[np.ndarray, "freq 2 2"]
    z_error: Float[np.ndarray, "freq 2 2"]
    tipper: Complex[np.ndarray, "freq 2"]
    tipper_error: Float[np.ndarray, "freq 2"]
    sign: str


def tensors(file: FreeFormat, data: Sequence[Datum], conjugate: bool | None) -> Tensors:
    r"""The tensors of a file from its elements, in its own units.

    - `conjugate`: True if the file uses $e^{-i\omega t}$; None decides by the quadrants.

    Raises `BadFile` for an element that occurs twice, or if there is no transfer function.
    """
    if data:
        frequencies, index = distinct(np.array([datum.frequency for datum in data]))
        values = np.full((frequencies.size, 3, 2), np.nan + 0j)
        errors, seen = np.full(values.shape, np.nan), {}
        for k, datum in zip(index.tolist(), data, strict=True):
            at = (k, *ELEMENTS[datum.element])
            if at in seen:
                raise file.bad(
                    f"{datum.element} at {datum.frequency:g} Hz is in line {seen[at]} too; remove one.",
                    datum.line,
                )
            seen[at] = datum.line
            values[at], errors[at] = datum.value, datum.error
        z, tipper = without_zeros(values[:, :2]), values[:, 2]
        if measured(z, tipper):
            sign = quadrants(z)
            if opposite_sign(z) if conjugate is None else conjugate:
                z, tipper, sign = z.conj(), tipper.conj(), f"{sign}; conjugated"
            return Tensors(frequencies, z, errors[:, :2], tipper, errors[:, 2], sign)
    raise BadFile(
        f"{file.path} holds no transfer function: no value of Zxx, Zxy, Zyx, Zyy, Tzx or Tzy that is "
        "neither missing nor zero. Export them again; apparent resistivities alone cannot be turned to "
        "strike."
    )
