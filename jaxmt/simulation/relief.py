"""A mesh whose surface follows the ground, the sea as cells, stations on the ground and the sea floor."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .mesh import Mesh
from .survey import Survey

SEA_WATER = 0.3
"""ohm m."""

TRACE = 1e-3
"""A cell with a smaller share of water is rock."""


@dataclasses.dataclass(frozen=True)
class Relief:
    """A mesh that follows the ground, and a survey on it.

    - `mesh`: z = 0 is `datum` (m above sea level), the highest ground or the sea; its `surface` is the
      ground and the sea.
    - `survey`: every station with the depth of the ground at its place or below the sea in its column.
    - `water`: the share of each cell that is sea.
    """

    mesh: Mesh
    survey: Survey
    water: Float[np.ndarray, "earth y"]
    datum: float

    @property
    def sea(self) -> Bool[np.ndarray, "earth y"]:
        """True for cells with sea water; as `jaxmt.Cells(fixed=...)` keeps, with their `values`."""
        return self.water > TRACE

    def section(
        self, resistivity: float | Float[np.ndarray, "..."], water: float = SEA_WATER
    ) -> Float[np.ndarray, "earth y"]:
        r"""A section in ohm m with the sea filled in.

        - `resistivity`: ohm m, a number or an array that broadcasts to `mesh.shape`.
        - `water`: ohm m. A cell that holds the share s of water has $1/\rho = s/\rho_w + (1-s)/\rho_r$.
        """
        rock = np.broadcast_to(np.asarray(resistivity, dtype=float), self.mesh.shape)
        share = np.where(self.sea, self.water / np.maximum(self.mesh.filled, TRACE), 0.0)
        return 1 / (share / water + (1 - share) / rock)


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

    Ground and sea floor are polygons with their corners at `mesh.y_nodes`. They cut cells: those of the
    sea floor get the mean conductivity of water and rock, and a station there lies on the node below the
    lowest of them in its column and the two beside it. For level land beside a sea give
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
    height = float(mesh.dz[0]) if step is None else step
    if not 0 < height < np.inf:
        raise ValueError(f"`drape(step=...)` must be positive, in m. Got {step}.")
    if mesh.surface.any():
        raise ValueError("`drape(mesh=...)` has a relief already; give the mesh of level ground.")
    ground = np.interp(mesh.y_nodes, y, heights)
    datum = float(np.maximum(ground, sea_level).max())
    shore = datum - sea_level
    if shore > 0 and ground.min() < sea_level:
        # The sea's surface becomes a row of nodes.
        height = shore / np.ceil(shore / height)
    count = int(np.ceil((datum - float(ground.min())) / height - 1e-9))
    nodes = np.concatenate(
        [mesh.z_nodes[: mesh.n_air], height * np.arange(count), height * count + mesh.earth_nodes]
    )
    draped = Mesh(mesh.y_nodes, nodes, datum - np.maximum(ground, sea_level), mesh.top)
    water = draped.filled - draped.share_below(datum - ground)
    column = draped.station_columns(survey)
    wet = water > TRACE
    # The node below the lowest cell with water; beside the station J_y of water must not count either.
    floor = np.where(wet.any(axis=0), draped.n_earth - np.argmax(wet[::-1], axis=0), 0)
    beside = np.maximum(floor, np.maximum(np.append(floor[1:], 0), np.append(0, floor[:-1])))
    depths = np.where(floor > 0, draped.earth_nodes[beside], 0.0)[column]
    depths = np.where(depths > 0, depths, draped.ground(survey.stations))
    return Relief(draped, dataclasses.replace(survey, depths=depths), water, datum)
