"""What is timed: a mesh, a survey and a section, given by five numbers."""

import dataclasses

import numpy as np
from scipy.constants import mu_0

import jaxmt

BACKGROUND = 100.0
"""Resistivity around the two bodies of the section, ohm m."""


@dataclasses.dataclass(frozen=True)
class Case:
    """Rows (with air) and columns of a mesh, frequencies and stations of a survey on it.

    The mesh reaches the same distance whatever its number of cells: more cells are finer ones.
    """

    rows: int
    columns: int
    air: int
    frequencies: int
    stations: int

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}, {self.frequencies} f, {self.stations} stations"

    def mesh(self) -> jaxmt.Mesh:
        """1000 km wide, 800 km deep, under 400 km of air; columns finest in the middle."""
        half = _stretched(500e3, 2.5, np.linspace(-1, 1, self.columns + 1))
        air = _stretched(400e3, 7.4, np.linspace(1, 0, self.air + 1))[:-1]
        earth = _stretched(800e3, 5.5, np.linspace(0, 1, self.rows - self.air + 1))
        return jaxmt.Mesh(half, np.concatenate([-air, earth]))

    def survey(self) -> jaxmt.Survey:
        """0.1 to 0.001 Hz; stations at column centres, where no code has to interpolate much."""
        margin = self.columns // 10
        columns = np.linspace(margin, self.columns - 1 - margin, self.stations).round().astype(int)
        return jaxmt.Survey(np.geomspace(0.1, 1e-3, self.frequencies), self.mesh().y_centres[columns])

    def bodies(self) -> np.ndarray:
        """A resistive and a conductive body, smooth, one at the most; shape (2, earth, y)."""
        mesh = self.mesh()
        y, z = np.meshgrid(mesh.y_centres, mesh.z_centres)
        resistive = np.exp(-(((y - 60e3) / 60e3) ** 2) - ((z - 30e3) / 30e3) ** 2)
        conductive = np.exp(-(((y + 60e3) / 60e3) ** 2) - ((z - 20e3) / 18e3) ** 2)
        return np.stack([resistive, conductive])

    def section(self, number: int) -> np.ndarray:
        """Log resistivity (natural) of the earth; every `number` is another model."""
        resistive, conductive = self.bodies()
        return np.log(BACKGROUND) + 0.02 * number + 0.5 * np.log(10) * (resistive - conductive)

    def weight(self) -> np.ndarray:
        r"""$1/(\omega\mu_0\rho)$ with the background's $\rho$, by frequency: makes $|Z|^2$ about one."""
        return 1 / (2 * np.pi * self.survey().frequencies * mu_0 * BACKGROUND)


def _stretched(length: float, stretch: float, fraction: np.ndarray) -> np.ndarray:
    """Coordinates up to `length` whose spacing grows exponentially away from zero."""
    return length * np.sinh(stretch * fraction) / np.sinh(stretch)


CASES = (Case(40, 40, 8, 30, 31), Case(90, 240, 10, 18, 24))
"""The small and the large grid of the table."""

SERIES = {
    "frequencies": tuple(Case(40, 40, 8, n, 31) for n in (10, 20, 40, 80)),
    "columns": tuple(Case(40, n, 8, 30, 31) for n in (40, 80, 160, 320)),
    "rows": tuple(Case(n, 40, n // 5, 30, 31) for n in (40, 80, 160, 320)),
    "cells": (Case(40, 40, 8, 40, 24), Case(90, 240, 10, 40, 24), Case(200, 1000, 20, 40, 24)),
}
"""What grows in each series, and its cases, the smallest first."""


def size(case: Case, series: str) -> int:
    """The number that grows in a series."""
    return case.rows * case.columns if series == "cells" else getattr(case, series)
