"""The published problem: one source, one receiver, and a start whose wave comes most of a cycle late."""

import dataclasses

import numpy as np
from jaxtyping import Float

from .acoustic import Shot
from .wavelet import high_pass, ricker

FREQUENCY, CORNER = 25.0, 15.0
"""Peak frequency of the wavelet and corner of the high-pass filter that takes its low frequencies, Hz."""

TRUE = 1600.0
"""The uniform velocity to find, m/s."""

RATE = 10.0
"""Adam's step, m/s."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A grid of `rows` by `columns` points, with source and receiver half way down, 20 from the sides.

    - `start`: the uniform velocity to start from, m/s. `step`: s; `spacing`: m.
    """

    rows: int
    columns: int
    start: float
    epochs: int
    sponge: int
    samples: int = 200
    step: float = 0.004
    spacing: float = 4.0

    @property
    def source(self) -> tuple[int, int]:
        """Its grid point."""
        return self.rows // 2, 20

    @property
    def receiver(self) -> tuple[int, int]:
        """Its grid point."""
        return self.rows // 2, self.columns - 21

    def shot(self) -> Shot:
        """The source and the receiver in the ground."""
        wavelet = ricker(FREQUENCY, self.samples, self.step, 1.5 / FREQUENCY)
        wavelet = high_pass(wavelet, CORNER, self.step)
        return Shot(
            wavelet, self.source, self.receiver, step=self.step, spacing=self.spacing, sponge=self.sponge
        )

    def uniform(self, velocity: float) -> Float[np.ndarray, "z x"]:
        """A velocity everywhere, m/s; in single precision, which is all that the waves need."""
        return np.full((self.rows, self.columns), velocity, np.float32)

    def on_the_ray(self, velocity: Float[np.ndarray, "z x"]) -> float:
        """The mean velocity on the straight line from source to receiver, m/s."""
        (row, first), (_, last) = self.source, self.receiver
        return float(velocity[row, first : last + 1].mean())


FULL = Case(rows=100, columns=216, start=1500.0, epochs=250, sponge=40)
QUICK = Case(rows=60, columns=140, start=1430.0, epochs=25, sponge=20)
