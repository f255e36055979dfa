"""The tensor grid: node coordinates, the split into air and earth, and a design from a survey."""

import dataclasses
import math
import warnings
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from ..conventions import require_x64, skin_depth
from .grading import checked_nodes, checked_surface, graded_nodes, station_columns
from .survey import Survey
from .top import AbstractTop, checked_top


class MeshWarning(UserWarning):
    """A mesh is too coarse or too small for the accuracy jaxmt states."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True, eq=False, init=False)
class Mesh:
    """A staggered tensor grid given by its node coordinates.

    - `y_nodes`: along the profile, in m, strictly increasing.
    - `z_nodes`: downward, in m, strictly increasing, one of them 0 (the ground). Cells above the
      ground are air; TM needs none, TE does.
    - `surface`: depth of the ground at each of `y_nodes`, m, linear between; by default 0. z = 0 is the
      highest ground, and what a section holds in cells above the surface does not count.
    - `top`: what TE has at the top of the air: `UniformMagnetic()`, the default, or `Dirichlet()`.

    A mesh is static under JAX transformations: it hashes by its coordinates. Raises `ValueError`
    for nodes that are not finite, do not increase, or lack the ground, and for a surface above z = 0.
    """

    y_nodes: Float[np.ndarray, " ynode"]
    z_nodes: Float[np.ndarray, " znode"]
    surface: Float[np.ndarray, " ynode"]
    top: AbstractTop

    def __init__(
        self,
        y_nodes: ArrayLike,
        z_nodes: ArrayLike,
        surface: ArrayLike | None = None,
        top: AbstractTop | None = None,
    ) -> None:
        require_x64()
        object.__setattr__(self, "y_nodes", checked_nodes("y_nodes", y_nodes))
        object.__setattr__(self, "z_nodes", checked_nodes("z_nodes", z_nodes))
        if not np.any(self.z_nodes == 0.0):
            nearest = self.z_nodes[np.argmin(np.abs(self.z_nodes))]
            raise ValueError(
                "`Mesh(z_nodes=...)` must contain the ground, a node at exactly 0 m. The nearest "
                f"node is at {nearest} m; shift the nodes or insert 0."
            )
        if self.z_nodes[-1] <= 0:
            raise ValueError(
                f"`Mesh(z_nodes=...)` must reach below the ground (z > 0 is down, in m). The last "
                f"node is at {self.z_nodes[-1]} m."
            )
        object.__setattr__(self, "surface", checked_surface(surface, self.y_nodes, self.z_nodes))
        object.__setattr__(self, "top", checked_top(top))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mesh) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[bytes, bytes, bytes, AbstractTop]:
        return self.y_nodes.tobytes(), self.z_nodes.tobytes(), self.surface.tobytes(), self.top

    @property
    def n_y(self) -> int:
        """Number of cell columns."""
        return self.y_nodes.size - 1

    @property
    def n_z(self) -> int:
        """Number of cell rows, air and earth."""
        return self.z_nodes.size - 1

    @property
    def n_air(self) -> int:
        """Number of cell rows above the ground."""
        return int(np.count_nonzero(self.z_nodes < 0))

    @property
    def n_earth(self) -> int:
        """Number of cell rows below the ground."""
        return self.n_z - self.n_air

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a resistivity section on this mesh: (earth rows, columns)."""
        return self.n_earth, self.n_y

    @property
    def dy(self) -> Float[np.ndarray, " y"]:
        """Column widths, m."""
        return np.diff(self.y_nodes)

    @property
    def dz(self) -> Float[np.ndarray, " earth"]:
        """Heights of the earth rows, m."""
        return np.diff(self.earth_nodes)

    @property
    def earth_nodes(self) -> Float[np.ndarray, " earthnode"]:
        """Node depths from the ground down, m; the first is 0."""
        return self.z_nodes[self.n_air :]

    @property
    def y_centres(self) -> Float[np.ndarray, " y"]:
        """Column centres, m."""
        return 0.5 * (self.y_nodes[1:] + self.y_nodes[:-1])

    @property
    def z_centres(self) -> Float[np.ndarray, " earth"]:
        """Centre depths of the earth rows, m."""
        return 0.5 * (self.earth_nodes[1:] + self.earth_nodes[:-1])

    @property
    def filled(self) -> Float[np.ndarray, "earth y"]:
        """The share of each cell of a section that lies below the surface."""
        return self.share_below(self.surface)

    @property
    def air(self) -> Bool[np.ndarray, "earth y"]:
        """True for the cells of a section that lie above the surface."""
        return self.earth_nodes[1:, None] <= np.minimum(self.surface[1:], self.surface[:-1])

    def with_air(self, height: float | None = None, growth: float = 1.6) -> "Mesh":
        """The same earth under new air rows that grow by `growth` up to `height` (m).

        The first air row is as high as the first earth row. By default the air is as high as the
        mesh is wide, so that what the earth's lateral changes induce has died out at the top.
        """
        height = float(self.y_nodes[-1] - self.y_nodes[0]) if height is None else height
        rows = [self.dz[0]]
        while sum(rows) < height:
            rows.append(rows[-1] * growth)
        air = -np.cumsum(rows)[::-1]
        return Mesh(self.y_nodes, np.concatenate([air, self.earth_nodes]), self.surface, self.top)

    def station_rows(self, survey: Survey) -> Int[np.ndarray, " site"]:
        """The row of nodes, counted from the one at z = 0, that is nearest to each station."""
        return np.argmin(np.abs(self.earth_nodes[:-1] - survey.depths[:, None]), axis=1)

    def station_columns(self, survey: Survey) -> Int[np.ndarray, " site"]:
        """The column under each station; the right-hand one of a station on a node."""
        return self.columns(survey.stations)

    def columns(self, y: Float[np.ndarray, " m"]) -> Int[np.ndarray, " m"]:
        """The column of each position y, m; the right-hand one on a node."""
        column = np.searchsorted(self.y_nodes, y, side="right") - 1
        return np.clip(column, 0, self.n_y - 1)

    def share_below(self, depths: Float[np.ndarray, " ynode"]) -> Float[np.ndarray, "earth y"]:
        """The share of each cell of a section below a polygon with `depths` (m) at `y_nodes`."""
        ends = (self.earth_nodes[1:, None] - depths) / self.dz[:, None]
        clipped = np.clip(ends, 0.0, 1.0)
        area = 0.5 * clipped**2 + np.maximum(ends - 1.0, 0.0)
        rise = np.diff(ends, axis=1)
        level = np.abs(rise) < 1e-6
        return np.where(level, clipped[:, 1:], np.diff(area, axis=1) / np.where(level, 1.0, rise))

    def ground(self, y: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
        """Depth of the surface at positions y, m."""
        return np.interp(y, self.y_nodes, self.surface)

    def check_stations(self, survey: Survey) -> None:
        """Raises `ValueError` if a station lies outside the mesh or in the air."""
        low, high = self.y_nodes[0], self.y_nodes[-1]
        outside = np.flatnonzero((survey.stations < low) | (survey.stations > high))
        if outside.size:
            k = int(outside[0])
            raise ValueError(
                f"`Survey(stations=...)`: {outside.size} of {survey.stations.size} stations lie "
                f"outside the mesh; the first is stations[{k}] = {survey.stations[k]} m, the mesh "
                f"spans {low} to {high} m. Shift the stations or use `Mesh.design(survey)`."
            )
        rows, ground = self.station_rows(survey), self.ground(survey.stations)
        high = survey.depths < ground - 0.5 * self.dz[rows]
        astray = np.flatnonzero(high | (survey.depths >= self.z_nodes[-2]))
        if astray.size:
            k = int(astray[0])
            raise ValueError(
                f"`Survey(depths=...)`: {astray.size} of {survey.stations.size} stations lie in the air "
                f"or below the mesh; the first is stations[{k}] at {survey.depths[k]} m, where the ground "
                f"is at {ground[k]:.6g} m. `jaxmt.drape` puts stations on the ground."
            )

    def faults(self, survey: Survey, low: float, high: float) -> list[str]:
        """What keeps this mesh from the stated accuracy, in words with numbers.

        - `low`, `high`: the lowest and highest resistivity of the section, ohm m. Cells must
          resolve the shortest skin depth of `low` at the stations, and the mesh must reach several
          of the longest skin depths of `high` beyond them.

        The rules are those of `Mesh.design`, with a factor two of tolerance.
        """
        short = skin_depth(low, survey.highest)
        long = skin_depth(high, survey.lowest)
        faults = []

        def require(what: str, value: float, at_least: float) -> None:
            if value < at_least:
                faults.append(f"{what} is {value:.4g} m, but should be at least {at_least:.4g} m")

        rows = self.station_rows(survey)
        highest = float(self.dz[rows].max())
        if highest > short / 3:
            faults.append(
                f"the first earth row is {highest:.4g} m high, but should be at most "
                f"{short / 3:.4g} m, a third of the skin depth {short:.4g} m of {low:.4g} ohm m at "
                f"{survey.highest:.4g} Hz"
            )
        if (off := float(np.abs(self.earth_nodes[rows] - survey.depths).max())) > short / 3:
            faults.append(f"a station is {off:.4g} m off the next row of nodes; `jaxmt.drape` makes rows")
        left = float(survey.stations.min() - self.y_nodes[0])
        right = float(self.y_nodes[-1] - survey.stations.max())
        reach = f"({long:.4g} m is the skin depth of {high:.4g} ohm m at the lowest frequency)"
        require(f"the distance from the outermost station to a side {reach}", min(left, right), long)
        require(f"the depth {reach}", float(self.z_nodes[-1]), 1.5 * long)
        if "te" in survey.modes and self.n_air:
            require(f"the air {reach}", -float(self.z_nodes[0]), long)
        return faults

    def warn(self, survey: Survey, resistivity: Float[np.ndarray, "earth y"]) -> None:
        """Emits a `MeshWarning` that lists `faults` for a section in ohm m, if there are any.

        Cells must resolve the lowest resistivity at the ground; reach is judged by the mean log.
        """
        mean = float(10 ** np.mean(np.log10(resistivity[~self.air])))
        ground = resistivity[np.argmin(self.air, axis=0), np.arange(self.n_y)]
        faults = self.faults(survey, float(ground.min()), mean)
        if faults:
            warnings.warn(
                "The mesh is too coarse or too small for this survey: "
                + "; ".join(faults)
                + ". `Mesh.design(survey, resistivity=...)` makes one that fits.",
                MeshWarning,
                stacklevel=3,
            )

    @classmethod
    def design(
        cls,
        survey: Survey,
        resistivity: float | tuple[float, float] = 100.0,
        *,
        y_contacts: Sequence[float] = (),
        z_contacts: Sequence[float] = (),
        growth: float = 0.06,
    ) -> "Mesh":
        r"""A mesh fitted to a survey.

        - `resistivity`: ohm m; a pair (lowest, highest) if the section is known to span a range.
          The lowest at the highest frequency sets the finest cells, the highest at the lowest
          frequency sets how far the mesh reaches.
        - `y_contacts`, `z_contacts`: m; positions of known vertical and horizontal contacts, which
          become nodes with fine cells around them.
        - `growth`: fraction g by which each row is higher than the one above. Apparent resistivity
          over a half-space errs by about $0.25\,g^2$: 0.1 % for the default; 0.15 is enough for
          an inversion of field data.

        Rows start at $g/2$ of the shortest skin depth (at contacts, of the shortest that reaches
        them) and go to 5 of the longest. Columns are a quarter of the station spacing, but no finer
        than a third of the shortest skin depth, $g$ of it at contacts, and grow by $2g$ a column out to
        8 of the longest skin depths beyond the line. Where a quarter of the spacing is more than 1.5 of
        the shortest skin depths, columns of that width stand at the stations and grow by $8g$ to the
        middle between them. Air rows double up to the distance of the sides.
        """
        low, high = resistivity if isinstance(resistivity, tuple) else (resistivity, resistivity)
        if not 0 < low <= high < math.inf:
            raise ValueError(
                "`Mesh.design(resistivity=...)` must be positive and finite, in ohm m, the lowest "
                f"before the highest. Got {resistivity}."
            )
        if not 0 < growth <= 0.5:
            raise ValueError(f"`Mesh.design(growth=...)` must lie in (0, 0.5], a fraction. Got {growth}.")
        short = skin_depth(low, survey.highest)
        long = skin_depth(high, survey.lowest)
        rows = [(0.0, short * growth / 2)]
        rows += [(z, max(short, z * (low / high) ** 0.25) * growth / 2) for z in z_contacts]
        rows += [(z, short * growth / 2) for z in np.unique(survey.depths)]
        z_nodes = graded_nodes([0.0, *z_contacts, 5 * long + max([0.0, *z_contacts])], rows, growth)
        stations = np.unique(survey.stations)
        columns, rates = station_columns(stations, short, growth)
        columns += [(y, short * growth) for y in y_contacts]
        features = [*stations, *y_contacts]
        ends = [min(features) - 8 * long, max(features) + 8 * long]
        y_nodes = graded_nodes([*ends, *y_contacts], columns, [*rates, *[2 * growth] * len(y_contacts)])
        return cls(y_nodes, z_nodes).with_air(8 * long, growth=2.0)
