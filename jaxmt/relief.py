"""A mesh whose surface follows the ground, the sea as cells, stations on the ground and the sea floor."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .mesh import Mesh
from .survey import Survey

SEA_WATER = 0.3
"""ohm m."""


@dataclasses.dataclass(frozen=True)
class Relief:
    """A mesh that follows the ground, and a survey on it.

    - `mesh`: z = 0 is `datum` (m above sea level), the highest ground or the sea; its `surface` is the
      ground and the sea.
    - `survey`: every station with the depth of the ground at its place or of the sea floor in its column.
    - `sea`: True for cells of sea water; `jaxmt.Earth(relief.mesh, fixed=relief.sea)` keeps them.
    """

    mesh: Mesh
    survey: Survey
    sea: Bool[np.ndarray, "earth y"]
    datum: float

    def section(
        self, resistivity: float | Float[np.ndarray, "..."], water: float = SEA_WATER
    ) -> Float[np.ndarray, "earth y"]:
        """A section in ohm m with the sea filled in.

        - `resistivity`: ohm m, a number or an array that broadcasts to `mesh.shape`.
        - `water`: ohm m.
        """
        rock = np.broadcast_to(np.asarray(resistivity, dtype=float), self.mesh.shape)
        return np.where(self.sea, water, rock)


def drape(
    mesh: Mesh,
    survey: Survey,
    positions: ArrayLike,
    elevation: ArrayLike,
    *,
    step: float | None = None,
    sea_level: float = 0.0,
) -> Relief:
    """Lays a mesh for level ground over a profile of elevations.

    - `positions`: m along the profile, increasing; `elevation`: m above sea level there, negative under
      the sea. Linear between, constant beyond.
    - `step`: m, height of the rows between the highest and the lowest ground; by default that of the
      first row of `mesh`, less to meet the sea's surface. The rows of `mesh` follow below them.
    - `sea_level`: m; `-numpy.inf` where ground below sea level is dry.

    The ground is a polygon with its corners at `mesh.y_nodes`, which cuts cells. The sea floor is a stair
    of whole cells, each column having the depth of its centre. For level land beside a sea give
    `numpy.minimum(elevation, 0)`. Raises `ValueError` for a profile that does not increase or is not
    finite, a step that is not positive, or a mesh that has a relief already.
    """
    y, heights = np.atleast_1d(np.asarray(positions, float)), np.atleast_1d(np.asarray(elevation, float))
    if y.ndim != 1 or y.shape != heights.shape or not np.all(np.isfinite([y, heights])):
        raise ValueError(
            "`drape(positions=..., elevation=...)` must be finite and go together, in m. Got shapes "
            f"{y.shape} and {heights.shape}."
        )
    if np.any(np.diff(y) <= 0):
        k = int(np.flatnonzero(np.diff(y) <= 0)[0])
        raise ValueError(
            "`drape(positions=...)` must increase strictly, in m. Got "
            f"positions[{k}] = {y[k]} and positions[{k + 1}] = {y[k + 1]}; sort the profile."
        )
    step = float(mesh.dz[0]) if step is None else float(step)
    if not 0 < step < np.inf:
        raise ValueError(f"`drape(step=...)` must be positive, in m. Got {step}.")
    if mesh.surface.any():
        raise ValueError("`drape(mesh=...)` has a relief already; give the mesh of level ground.")
    ground = np.interp(mesh.y_nodes, y, heights)
    datum = float(np.maximum(ground, sea_level).max())
    shore = datum - sea_level
    if shore > 0 and ground.min() < sea_level:
        # The sea's surface becomes a row of nodes.
        step = shore / np.ceil(shore / step)
    count = int(np.ceil((datum - float(ground.min())) / step - 1e-9))
    nodes = np.concatenate(
        [mesh.z_nodes[: mesh.n_air], step * np.arange(count), step * count + mesh.earth_nodes]
    )
    draped = Mesh(mesh.y_nodes, nodes, datum - np.maximum(ground, sea_level))
    floor = np.interp(mesh.y_centres, y, heights)
    wet = (floor < sea_level) & (draped.earth_nodes[1:, None] > datum - sea_level)
    sea = wet & (draped.z_centres[:, None] < datum - floor)
    column = draped.station_columns(survey)
    bottom = draped.earth_nodes[np.argmin(sea | draped.air, axis=0)[column]]
    depths = np.where(sea.any(axis=0)[column], bottom, draped.ground(survey.stations))
    return Relief(draped, dataclasses.replace(survey, depths=depths), sea, datum)
