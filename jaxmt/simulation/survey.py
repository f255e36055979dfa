"""What is measured: frequencies, stations along the profile, and modes."""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from ..conventions import MODES, require_x64


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

    A survey is static under JAX transformations: it hashes by its values. Raises `ValueError` for
    empty, non-finite or non-positive input.
    """

    frequencies: Float[np.ndarray, " freq"]
    stations: Float[np.ndarray, " site"]
    modes: tuple[str, ...]
    names: tuple[str, ...]
    depths: Float[np.ndarray, " site"]

    def __init__(
        self,
        frequencies: ArrayLike,
        stations: ArrayLike,
        modes: Sequence[str] = MODES,
        names: Sequence[str] = (),
        depths: ArrayLike | None = None,
    ) -> None:
        require_x64()
        object.__setattr__(self, "frequencies", _finite("frequencies", "Hz", frequencies))
        object.__setattr__(self, "stations", _finite("stations", "m", stations))
        if np.any(self.frequencies <= 0):
            k = int(np.flatnonzero(self.frequencies <= 0)[0])
            raise ValueError(
                f"`Survey(frequencies=...)` must be positive, in Hz. Got frequencies[{k}] = "
                f"{self.frequencies[k]}; give frequencies, not periods or logarithms."
            )
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

    @property
    def periods(self) -> Float[np.ndarray, " freq"]:
        """Periods, s."""
        return 1 / self.frequencies

    def _key(self) -> tuple:
        arrays = self.frequencies, self.stations, self.depths
        return *(array.tobytes() for array in arrays), self.modes, self.names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Survey) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
