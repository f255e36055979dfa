"""The frequencies of a file: which are damage, and which are one printed in two ways."""

import numpy as np
from jaxtyping import Float, Int

from ..processing.resampling import merge_frequencies

LOWEST, HIGHEST = 1e-9, 1e7
"""Hz; frequencies beyond these are damage. One of them would stretch the mesh of a whole survey."""

SAME_PRINT = 1e-4
"""Frequencies that differ by no more than this fraction are one printed with different digits."""


def possible(frequency: float) -> bool:
    """True for a frequency, Hz, that can have been measured."""
    return bool(LOWEST < frequency < HIGHEST)


def distinct(
    each: Float[np.ndarray, " row"],
) -> tuple[Float[np.ndarray, " freq"], Int[np.ndarray, " row"]]:
    """Distinct frequencies, Hz, highest first, and the index of each row's among them."""
    found = merge_frequencies(each, SAME_PRINT)
    rising = np.log(found[::-1])
    # The nearest lies on one side or the other; no table of all pairs is made.
    right = np.clip(np.searchsorted(rising, np.log(each)), 1, max(rising.size - 1, 1))
    if rising.size == 1:
        return found, np.zeros(each.size, dtype=int)
    nearer = np.abs(np.log(each) - rising[right - 1]) < np.abs(np.log(each) - rising[right])
    return found, rising.size - 1 - (right - nearer)
