"""What a case inverts: its meshes, its true section, its clean responses, its start."""

import dataclasses
import functools
import warnings

import numpy as np

import jaxmt
from jaxmt.benchmarks import SYNTHETIC, Synthetic, published_mesh
from jaxmt.comparison import under_stations

from .case import Start


@dataclasses.dataclass(frozen=True)
class Size:
    """How large an inversion is.

    - `stations`, `frequencies`: None for the full survey.
    - `growth`: of the meshes of the inversion and of the data; None for the published mesh, for both.
    - `iterations`: the most.
    """

    stations: int | None
    frequencies: int | None
    growth: tuple[float, float] | None
    iterations: int


SIZES = {
    "quick": Size(7, 4, (0.4, 0.25), 8),
    "study": Size(13, 10, (0.2, 0.12), 200),
    "published": Size(None, None, None, 400),
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """A survey of a model: `clean` responses, and the mesh to invert on with the section on it, ohm m."""

    model: Synthetic
    mesh: jaxmt.Mesh
    true: np.ndarray
    clean: jaxmt.Responses

    @property
    def survey(self) -> jaxmt.Survey:
        """That of the data."""
        return self.clean.survey


@functools.cache
def problem(model: str, size: str) -> Problem:
    """The problem of a model; its data are simulated once a process, on a finer mesh than the inversion's.

    In the size "published" both have the published mesh, as the published numbers do.
    """
    chosen, extent = SYNTHETIC[model], SIZES[size]
    survey = chosen.survey(extent.stations, extent.frequencies)
    if extent.growth is None:
        mesh = fine = published_mesh()
    else:
        mesh = chosen.design(survey, extent.growth[0])
        fine = chosen.fine_mesh(survey, extent.growth[1])
    # The published mesh is too small for its survey.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        # Their cells have the value at the centre.
        samples = 1 if extent.growth is None else 8
        clean = jaxmt.simulate(fine, survey, chosen.resistivity(fine, samples))
    return Problem(chosen, mesh, chosen.resistivity(mesh, samples), clean)


def starting_section(problem: Problem, start: Start) -> np.ndarray:
    """A start, ohm m.

    A number is a half-space. "shifted" is the true section moved by a quarter of the line; "reversed" its
    rows, averaged along the line, with the deepest of interest on top.
    """
    model, mesh = problem.model, problem.mesh
    if not isinstance(start, str):
        return np.full(mesh.shape, float(start))
    if start == "shifted":
        moved = jaxmt.Mesh(mesh.y_nodes - model.half_width / 2, mesh.z_nodes)
        return model.resistivity(moved)
    if start == "reversed":
        cells = under_stations(mesh, problem.survey.stations, model.depth)
        profile = np.mean(np.log10(problem.true[:, cells[0]]), axis=1)
        deep = int(cells.any(axis=1).sum())
        profile[:deep] = profile[:deep][::-1]
        profile[deep:] = profile[deep - 1]
        return np.broadcast_to(10 ** profile[:, None], mesh.shape).copy()
    raise ValueError(f'A start is a number in ohm m, "shifted" or "reversed". Got {start!r}.')
