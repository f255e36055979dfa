"""Transfer functions on frequencies common to all stations."""

import numpy as np
from jaxtyping import Complex, Float

SAME_FREQUENCY = 0.01
"""Frequencies that differ by no more than this fraction are one."""

WIDEST_GAP = 0.25
"""Interpolation bridges frequencies closer than this, in decades."""

NEGLIGIBLE = 1e-30
"""An impedance smaller than this, in ohm, is no measurement."""


def merge_frequencies(
    frequencies: Float[np.ndarray, " n"], tolerance: float = SAME_FREQUENCY
) -> Float[np.ndarray, " freq"]:
    """Distinct frequencies, Hz, highest first: one of each group that spans at most `tolerance`."""
    groups: list[list[float]] = []
    for frequency in np.sort(frequencies):
        if groups and frequency <= groups[-1][0] * (1 + tolerance):
            groups[-1].append(frequency)
        else:
            groups.append([frequency])
    return np.array([group[len(group) // 2] for group in reversed(groups)], dtype=float)


def resample(
    measured: Float[np.ndarray, " n"],
    values: Complex[np.ndarray, " n"],
    errors: Float[np.ndarray, " n"],
    frequencies: Float[np.ndarray, " freq"],
    *,
    impedance: bool,
    interpolate: bool,
) -> tuple[Complex[np.ndarray, " freq"], Float[np.ndarray, " freq"]]:
    r"""One transfer function and its error at `frequencies`; NaN where it has no value.

    - `measured`: Hz, the frequencies of `values` and `errors`.
    - `impedance`: True for an impedance, False for a tipper.
    - `interpolate`: False keeps only what was measured within 1 % of a frequency; True fills gaps
      narrower than a quarter decade too, and never extrapolates.

    An impedance is carried over as $Z/\sqrt f$, so that a frequency within 1 % keeps its apparent
    resistivity and phase. Interpolation is linear in ln f: for an impedance of ln|Z|, the unwrapped
    phase and the relative error, for a tipper of both parts and the error.
    """
    out, out_error = np.full(frequencies.size, np.nan + 0j), np.full(frequencies.size, np.nan)
    good = np.isfinite(values) & ((np.abs(values) > NEGLIGIBLE) | (not impedance))
    if not good.any():
        return out, out_error
    order = np.flatnonzero(good)[np.argsort(measured[good], kind="stable")]
    x, at = np.log(measured[order]), np.log(frequencies)
    root = np.exp(0.5 * x) if impedance else np.ones(x.size)
    values, errors = values[order] / root, errors[order] / root

    if interpolate and x.size > 1:
        right = np.clip(np.searchsorted(x, at), 1, x.size - 1)
        narrow = x[right] - x[right - 1] < (WIDEST_GAP - 1e-6) * np.log(10)
        inside = (at >= x[0]) & (at <= x[-1]) & narrow
        if impedance:
            logarithm = np.log(np.abs(values)) + 1j * np.unwrap(np.angle(values))
            between = np.exp(np.interp(at, x, logarithm))
            error = np.abs(between) * np.interp(at, x, errors / np.abs(values))
        else:
            between, error = np.interp(at, x, values), np.interp(at, x, errors)
        out[inside], out_error[inside] = between[inside], error[inside]

    distance = np.abs(x[None, :] - at[:, None])
    nearest = np.argmin(distance, axis=1)
    rows = np.arange(at.size)
    # Each measured frequency goes to the one frequency nearest to it, never to two.
    here = distance[rows, nearest] <= np.log1p(SAME_FREQUENCY)
    here &= np.argmin(distance, axis=0)[nearest] == rows
    out[here], out_error[here] = values[nearest[here]], errors[nearest[here]]
    scale = np.exp(0.5 * at) if impedance else np.ones(at.size)
    return out * scale, out_error * scale
