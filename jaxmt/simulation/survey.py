"""What is measured: frequencies, stations along the profile, and modes."""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..conventions import MODES, require_x64

LEAST_COMPUTED = 4
"""Frequencies that a cubic spline needs."""

WORTH = 0.8
"""Share of the frequencies at which fields are computed at most, if not at all; less is not worth it."""

TOUCH = 1e-9
"""Frequencies that differ by no more than this fraction, as by rounding, are the same."""


def _finite(name: str, unit: str, values: ArrayLike) -> Float[np.ndarray, " n"]:
    array = np.atleast_1d(np.array(values, dtype=float))
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"`Survey({name}=...)` must be a 1-D array with at least one value, in {unit}. "
            f"Got shape {array.shape}."
        )
    if not np.all(np.isfinite(array)):
        k = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"`Survey({name}=...)` must be finite, in {unit}. Got {name}[{k}] = {array[k]}.")
    array.setflags(write=False)
    return array


def _positive(name: str, values: ArrayLike) -> Float[np.ndarray, " freq"]:
    array = _finite(name, "Hz", values)
    if np.any(array <= 0):
        k = int(np.flatnonzero(array <= 0)[0])
        raise ValueError(
            f"`Survey({name}=...)` must be positive, in Hz. Got {name}[{k}] = "
            f"{array[k]}; give frequencies, not periods or logarithms."
        )
    return array


def _computed(values: ArrayLike, measured: Float[np.ndarray, " freq"]) -> Float[np.ndarray, " computed"]:
    """The frequencies of the fields, highest first, if a spline through them reaches all measured ones."""
    array = -np.sort(-_positive("computed", values))
    array.setflags(write=False)
    if array.size < LEAST_COMPUTED or np.any(array[1:] * (1 + TOUCH) > array[:-1]):
        raise ValueError(
            f"`Survey(computed=...)` must hold {LEAST_COMPUTED} frequencies or more, in Hz, no two alike. "
            f"Got {array.size}, of them {np.unique(array).size} distinct; None computes at all that are "
            "measured."
        )
    if array[-1] > measured.min() * (1 + TOUCH) or array[0] < measured.max() * (1 - TOUCH):
        raise ValueError(
            "`Survey(computed=...)` must span the frequencies measured, in Hz, for none is extrapolated. "
            f"Got {array[-1]:g} to {array[0]:g}, measured {measured.min():g} to {measured.max():g}."
        )
    return array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, eq=False, init=False)
class Survey:
    """Frequencies (Hz), stations along the profile (m), and the modes to compute.

    - `frequencies`: positive; any order.
    - `stations`: y, in m; any order and spacing.
    - `modes`: "te", "tm", or both.
    - `names`: station names; by default S01, S02, ...
    - `depths`: z of each station, m, downward from the z = 0 of the mesh, as at the sea floor or on a
      slope; by default 0.
    - `computed`: Hz, the frequencies at which fields are computed, at least 4 that span `frequencies`;
      between them responses are interpolated (`between.py`). None computes at all of `frequencies`.

    A survey is static under JAX transformations: it hashes by its values. Raises `ValueError` for
    empty, non-finite or non-positive input.
    """

    frequencies: Float[np.ndarray, " freq"]
    stations: Float[np.ndarray, " site"]
    modes: tuple[str, ...]
    names: tuple[str, ...]
    depths: Float[np.ndarray, " site"]
    computed: Float[np.ndarray, " computed"] | None

    def __init__(
        self,
        frequencies: ArrayLike,
        stations: ArrayLike,
        modes: Sequence[str] = MODES,
        names: Sequence[str] = (),
        depths: ArrayLike | None = None,
        computed: ArrayLike | None = None,
    ) -> None:
        require_x64()
        object.__setattr__(self, "frequencies", _positive("frequencies", frequencies))
        object.__setattr__(self, "stations", _finite("stations", "m", stations))
        if not modes or set(modes) - set(MODES):
            raise ValueError(f"`Survey(modes=...)` must hold 'te', 'tm' or both. Got {modes!r}.")
        object.__setattr__(self, "modes", tuple(m for m in MODES if m in tuple(modes)))
        names = tuple(names) or tuple(f"S{k + 1:02d}" for k in range(self.stations.size))
        if len(names) != self.stations.size:
            raise ValueError(
                f"`Survey(names=...)` must name every station. Got {len(names)} names for "
                f"{self.stations.size} stations."
            )
        object.__setattr__(self, "names", names)
        depths = np.zeros(self.stations.size) if depths is None else depths
        object.__setattr__(self, "depths", _finite("depths", "m", depths))
        if self.depths.shape != self.stations.shape or np.any(self.depths < 0):
            raise ValueError(
                "`Survey(depths=...)` must hold a depth below the z = 0 of the mesh, in m, for each of "
                f"{self.stations.size} stations, none negative. Got {self.depths.size}, the least "
                f"{self.depths.min()}; put z = 0 at the highest ground, as `jaxmt.drape` does."
            )
        fields = None if computed is None else _computed(computed, self.frequencies)
        object.__setattr__(self, "computed", fields)

    @property
    def periods(self) -> Float[np.ndarray, " freq"]:
        """Periods, s."""
        return 1 / self.frequencies

    @property
    def lowest(self) -> float:
        """The lowest frequency at which fields are computed, Hz."""
        return float(self.solved().frequencies.min())

    @property
    def highest(self) -> float:
        """The highest frequency at which fields are computed, Hz."""
        return float(self.solved().frequencies.max())

    def solved(self) -> "Survey":
        """The survey at the frequencies at which fields are computed."""
        if self.computed is None:
            return self
        return dataclasses.replace(self, frequencies=self.computed, computed=None)

    def at(self, frequencies: ArrayLike) -> "Survey":
        """The survey at other frequencies, Hz.

        Of the computed ones those stay that span them; all are computed where that takes no more.
        """
        wanted = np.atleast_1d(np.asarray(frequencies, dtype=float))
        nodes = self.computed
        if nodes is not None:
            above = np.flatnonzero(nodes >= wanted.max() * (1 - TOUCH))
            below = np.flatnonzero(nodes <= wanted.min() * (1 + TOUCH))
            first = min(above[-1], nodes.size - LEAST_COMPUTED) if above.size else 0
            last = max(below[0] + 1, first + LEAST_COMPUTED) if below.size else 0
            nodes = nodes[first:last] if above.size and 0 < last - first < wanted.size else None
        return dataclasses.replace(self, frequencies=wanted, computed=nodes)

    def thinned(self, per_decade: int) -> "Survey":
        """The survey with fields computed at about so many frequencies a decade, evenly in the logarithm.

        They go from the lowest to the highest measured. All that are measured are computed where that
        would save less than a fifth.
        """
        if not per_decade >= 1:
            raise ValueError(f"`Survey.thinned(per_decade=...)` must be at least 1. Got {per_decade}.")
        high, low = float(self.frequencies.max()), float(self.frequencies.min())
        count = max(LEAST_COMPUTED, int(np.ceil(np.log10(high / low) * per_decade - TOUCH)) + 1)
        fewer = count <= WORTH * self.frequencies.size
        return dataclasses.replace(self, computed=np.geomspace(high, low, count) if fewer else None)

    def _key(self) -> tuple:
        arrays = self.frequencies, self.stations, self.depths
        computed = None if self.computed is None else self.computed.tobytes()
        return *(array.tobytes() for array in arrays), computed, self.modes, self.names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Survey) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
