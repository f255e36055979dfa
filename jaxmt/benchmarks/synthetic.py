"""Sections to recover from noisy data, each with the survey that sees it.

Wedge, three blocks and single anomaly are those of Liu, Chen, Bo & Tang (2026), repository MTinv_OT, which
calls the wedge "2D-4"; it is not the COMMEMI 2D-4.
"""

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from ..simulation.mesh import Mesh
from ..simulation.survey import Survey
from .commemi import COMMEMI_2D_1, COMMEMI_2D_4
from .region import Region, contacts, paint

INF = math.inf
ROUGHEST_HALF_SPACE = 5.0
"""The half-space of the start over that for whose skin depth the first rows of an inversion are made."""


@dataclasses.dataclass(frozen=True)
class Synthetic:
    """A section, and how it is surveyed.

    - `regions`: painted one over the other.
    - `half_width`: m; stations spread evenly from minus to plus this. `band`: Hz, highest and lowest.
    - `stations`, `frequencies`: how many there are in the full survey.
    - `depth`: m, how deep the survey is meant to see. `start`: ohm m, the usual half-space to start from.
    - `body`: the region whose recovery is measured, if there is one in particular; `host`: ohm m around it.
    """

    name: str
    regions: tuple[Region, ...]
    half_width: float
    band: tuple[float, float]
    stations: int
    frequencies: int
    depth: float
    start: float = 100.0
    body: Region | None = None
    host: float = math.nan

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest resistivity, ohm m."""
        values = [region.resistivity for region in self.regions]
        return min(values), max(values)

    def survey(self, stations: int | None = None, frequencies: int | None = None) -> Survey:
        """The full survey, or one of fewer stations and frequencies over the same line and band."""
        highest, lowest = self.band
        return Survey(
            np.geomspace(highest, lowest, self.frequencies if frequencies is None else frequencies),
            np.linspace(-self.half_width, self.half_width, self.stations if stations is None else stations),
        )

    def fine_mesh(self, survey: Survey, growth: float = 0.1) -> Mesh:
        """A mesh to simulate data on: nodes on every contact."""
        depths = contacts(self.regions, "top", "bottom", "bottom_right", "top_right")
        return Mesh.design(
            survey,
            self.range,
            y_contacts=contacts(self.regions, "left", "right"),
            z_contacts=[z for z in depths if z > 0],
            growth=growth,
        )

    def design(self, survey: Survey, growth: float = 0.2) -> Mesh:
        """A mesh to invert on: it knows the survey and the start, and nothing of the section."""
        return Mesh.design(survey, (self.start / ROUGHEST_HALF_SPACE, self.start), growth=growth)

    def resistivity(self, mesh: Mesh, samples: int = 8) -> Float[np.ndarray, "earth y"]:
        """The section on a mesh, ohm m; a cell that a contact cuts gets the mean of log resistivity."""
        return paint(self.regions, mesh, samples)


def published_mesh() -> Mesh:
    """The grid of 40 by 40 cells, ten rows of them air, of the inversions of Liu et al. (2026).

    Its sides and its bottom, at 50 and 100 km, are nearer than the skin depth of their lowest
    frequencies: data must be simulated on it, too.
    """
    side = np.geomspace(11e3, 50e3, 10)
    earth = np.concatenate([np.geomspace(100.0, 5e3, 10), np.geomspace(6e3, 100e3, 20)])
    air = -np.geomspace(100.0, 50e3, 10)[::-1]
    return Mesh(
        np.concatenate([-side[::-1], np.linspace(-10e3, 10e3, 21), side]),
        np.concatenate([air, [0.0], earth]),
    )


def _checkerboard() -> tuple[Region, ...]:
    """10 and 1,000 ohm m in turn in 100 ohm m; rows grow with depth like the resolution of the data."""
    edges, columns = (1e3, 3e3, 8e3, 18e3), np.linspace(-15e3, 15e3, 7)
    blocks = [
        Region(float(left), float(right), top, bottom, 10.0 if (i + j) % 2 == 0 else 1000.0)
        for i, (top, bottom) in enumerate(zip(edges[:-1], edges[1:], strict=True))
        for j, (left, right) in enumerate(zip(columns[:-1], columns[1:], strict=True))
    ]
    return (Region(-INF, INF, 0.0, INF, 100.0), *blocks)


HALF_SPACE = Region(-INF, INF, 0.0, INF, 100.0)
ANOMALY = Region(-3e3, 3e3, 5e3, 10e3, 1.0)
CENTRE = Region(-1e3, 1e3, 5e3, 10e3, 1.0)
CONDUCTOR = Region(-40e3, 40e3, 30e3, 60e3, 5.0)
SLAB = Region(-25e3, 25e3, 2e3, 7e3, 3000.0, bottom_right=22e3, top_right=17e3)

_MODELS = (
    Synthetic("2D-1", COMMEMI_2D_1.regions, 4e3, (100.0, 0.01), 21, 21, 5e3, 50.0),
    Synthetic("2D-4", COMMEMI_2D_4.regions, 15e3, (100.0, 0.01), 21, 21, 8e3),
    Synthetic(
        "wedge",
        (
            Region(-INF, 0.0, 0.0, INF, 3000.0),
            Region(0.0, INF, 0.0, INF, 300.0),
            Region(-INF, -20e3, 0.0, 200.0, 20.0),
            Region(-20e3, 20e3, 0.0, 200.0, 20.0, bottom_right=1200.0),
            Region(20e3, INF, 0.0, 1200.0, 20.0),
        ),
        15e3,
        (1.0, 10**-3.5),
        21,
        30,
        20e3,
    ),
    Synthetic(
        "three blocks",
        (
            HALF_SPACE,
            Region(-10e3, -1e3, 5e3, 10e3, 1000.0),
            CENTRE,
            Region(1e3, 10e3, 5e3, 10e3, 1000.0),
        ),
        15e3,
        (10**0.5, 1e-4),
        31,
        20,
        15e3,
        body=CENTRE,
        host=100.0,
    ),
    Synthetic(
        "single anomaly",
        (HALF_SPACE, ANOMALY),
        15e3,
        (10**0.5, 1e-4),
        31,
        20,
        15e3,
        body=ANOMALY,
        host=100.0,
    ),
    Synthetic("checkerboard", _checkerboard(), 15e3, (10.0, 1e-3), 31, 20, 18e3),
    Synthetic(
        "deep conductor",
        (Region(-INF, INF, 0.0, INF, 500.0), Region(-INF, INF, 0.0, 2e3, 10.0), CONDUCTOR),
        100e3,
        (1.0, 1e-4),
        21,
        20,
        90e3,
        body=CONDUCTOR,
        host=500.0,
    ),
    Synthetic("dipping slab", (HALF_SPACE, SLAB), 30e3, (10.0, 1e-3), 21, 20, 25e3, body=SLAB, host=100.0),
)

SYNTHETIC = {model.name: model for model in _MODELS}
"""The sections by name."""
