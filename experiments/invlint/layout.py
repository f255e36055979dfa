"""What a network sees: a picture of the ground below a survey, and the mesh that the picture is put on."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

import jaxmt
from jaxmt.conventions import MU_0
from jaxmt.fingerprint import fingerprint

SPREAD = 2.0
"""Sections lie within so many decades of the resistivity that a layout is made for."""

SHAPE = (24, 32)
GROWTH = 0.25
LOWEST = 5.0
"""The mesh resolves a fifth of the resistivity that a layout is made for."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """A survey, the mesh to simulate it on, and the pixels of the picture below it.

    - `y_edges`, `z_edges`: of the pixels, m.
    - `resistivity`: ohm m; the middle of the range of the pictures.
    """

    survey: jaxmt.Survey
    mesh: jaxmt.Mesh
    y_edges: Float[np.ndarray, " columnedge"]
    z_edges: Float[np.ndarray, " rowedge"]
    resistivity: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return self.z_edges.size - 1, self.y_edges.size - 1

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value of a picture, decades of ohm m."""
        middle = float(np.log10(self.resistivity))
        return middle - SPREAD, middle + SPREAD

    @property
    def pixels(self) -> jaxmt.Mesh:
        """The pixels as the earth cells of a mesh without air."""
        return jaxmt.Mesh(self.y_edges, self.z_edges)

    def places(self, mesh: jaxmt.Mesh) -> tuple[Int[np.ndarray, "earth 1"], Int[np.ndarray, " y"]]:
        """Row and column of the pixel at each cell's centre; beside and below the picture, the nearest."""
        rows, columns = self.shape
        row = np.clip(np.searchsorted(self.z_edges, mesh.z_centres) - 1, 0, rows - 1)
        column = np.clip(np.searchsorted(self.y_edges, mesh.y_centres) - 1, 0, columns - 1)
        return row[:, None], column

    def section(
        self, picture: Float[np.ndarray, "row column"], mesh: jaxmt.Mesh
    ) -> Float[np.ndarray, "earth y"]:
        """A picture (decades of ohm m) on a mesh, ohm m."""
        row, column = self.places(mesh)
        return 10 ** np.asarray(picture, dtype=float)[row, column]

    @property
    def digest(self) -> str:
        """Of all that the simulated data of a picture depend on."""
        survey, mesh = self.survey, self.mesh
        seen = survey.frequencies, survey.stations, survey.depths, survey.modes
        return fingerprint((seen, mesh.y_nodes, mesh.z_nodes, mesh.surface, self.y_edges, self.z_edges))


def bostick_depth(resistivity: float, frequency: float) -> float:
    r"""$\sqrt{\rho / (\omega\mu_0)}$ in m, for ohm m and Hz: about where a frequency sees."""
    return float(np.sqrt(resistivity / (2 * np.pi * frequency * MU_0)))


def layout(
    survey: jaxmt.Survey,
    resistivity: float = 100.0,
    *,
    shape: tuple[int, int] = SHAPE,
    growth: float = GROWTH,
) -> Layout:
    r"""The layout of a survey over ground of about `resistivity` (ohm m).

    Pixels are equally wide, from half a mean spacing left of the line to as much right of it. Edges lie
    at depths $h(e^{gk} - 1)$, with h the Bostick depth of the highest frequency, down to that of the
    lowest: as high as the data's resolution lets one see.

    - `growth`: of the mesh's rows, as for `Mesh.design`.

    Raises `ValueError` for stations at one place and for a single frequency.
    """
    width = float(np.ptp(survey.stations))
    if width == 0:
        raise ValueError(
            f"All {survey.stations.size} stations are at {survey.stations[0]:g} m along the profile. A "
            "picture needs a line: give stations at two places or more."
        )
    low, high = (float(f) for f in (survey.frequencies.min(), survey.frequencies.max()))
    if low == high:
        raise ValueError(f"A picture needs depth: give more frequencies than {low:g} Hz.")
    rows, columns = shape
    margin = 0.5 * width / (np.unique(survey.stations).size - 1)
    y_edges = np.linspace(survey.stations.min() - margin, survey.stations.max() + margin, columns + 1)
    shallow, deep = bostick_depth(resistivity, high), bostick_depth(resistivity, low)
    z_edges = shallow * np.expm1(np.linspace(0.0, np.log1p(deep / shallow), rows + 1))
    mesh = jaxmt.Mesh.design(survey, (resistivity / LOWEST, resistivity), growth=growth)
    return Layout(survey, mesh, y_edges, z_edges, float(resistivity))
