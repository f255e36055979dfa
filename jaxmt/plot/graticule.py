"""Degrees of latitude and longitude on a map in km."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import Formatter, Locator

from ..processing import positions
from ..processing.geodesy import local_metres
from ..processing.site import Site
from .symbols import SMALL

STEPS = np.outer(10.0 ** np.arange(-5, 2), [1.0, 2.0, 5.0]).ravel()
"""Degrees from one line to the next."""

ROOM = (7.0, 5.0)
"""From one label to the next, over their size: along the lower edge and up the left one."""

KM_PER_DEGREE = 111.2
"""About what a degree of latitude is long."""

OFF = 0.05
"""By how much of the size of a survey, km, degrees and coordinates may disagree."""

SAMPLES = 33
"""Points of a line on the map."""

Point = tuple[float, float]
Line = Float[np.ndarray, "point 2"]


@dataclasses.dataclass(frozen=True)
class Graticule:
    """Where degrees lie on a map: those of a transverse Mercator projection, turned and shifted.

    - `origin`: latitude and longitude of the projection. `turn`, a complex number of length 1, and `shift`,
      km: $e + in$ on the map is $turn (e + in) + shift$ of the projection.
    """

    origin: Point
    turn: complex
    shift: complex

    @classmethod
    def of(cls, sites: Sequence[Site], place: Float[np.ndarray, "site 2"]) -> "Graticule | None":
        """The one that puts the sites where they are on the map; None if no site has degrees.

        - `place`: east and north of each, km, NaN where unknown.
        """
        degrees = np.array([(site.latitude, site.longitude) for site in sites]).reshape(-1, 2)
        known = np.isfinite(degrees).all(axis=1) & np.isfinite(place).all(axis=1)
        if not known.any():
            return None
        placed = [sites[k] for k in np.flatnonzero(known).tolist()]
        origin = float(degrees[known][0, 0]), float(degrees[known][0, 1])
        north, east = (positions(placed, origin) / 1e3).T
        there, here = east + 1j * north, place[known] @ np.array([1, 1j])
        a, b = there - there.mean(), here - here.mean()
        product = complex(np.vdot(a, b))
        turn = product / abs(product) if abs(product) > 0 else 1.0 + 0.0j
        shift = complex(here.mean() - turn * there.mean())
        # Coordinates that are no turned and shifted metres of the degrees have none of their own.
        off = float(np.abs(turn * there + shift - here).max())
        return cls(origin, turn, shift) if off <= OFF * max(float(np.abs(b).max()), 1.0) else None

    def place(self, latitude: Float[np.ndarray, " n"], longitude: Float[np.ndarray, " n"]) -> Line:
        """East and north on the map, km."""
        north, east = (values / 1e3 for values in local_metres(latitude, longitude, self.origin))
        on_map = self.turn * (east + 1j * north) + self.shift
        return np.stack([on_map.real, on_map.imag], axis=1)

    def degrees(self, corners: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """Latitude and longitude, about, of places on the map, km."""
        flat = (corners @ np.array([1, 1j]) - self.shift) / self.turn
        latitude = self.origin[0] + flat.imag / KM_PER_DEGREE
        across = np.cos(np.deg2rad(np.clip(latitude, -89.0, 89.0)))
        return np.stack([latitude, self.origin[1] + flat.real / (KM_PER_DEGREE * across)], axis=1)

    def lines(self, ax: Axes) -> tuple[list[tuple[float, Line]], list[tuple[float, Line]], float, float]:
        """Meridians and parallels in the view of `ax`, each with its degrees, and the steps between."""
        (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
        edge = np.linspace(0.0, 1.0, 5)
        xs, ys = x0 + (x1 - x0) * edge, y0 + (y1 - y0) * edge
        found = self.degrees(np.stack([part.ravel() for part in np.meshgrid(xs, ys)], axis=1))
        low, high = found.min(axis=0), found.max(axis=0)
        box = ax.get_window_extent()
        points = np.array([box.height, box.width]) * 72 / ax.figure.dpi
        spans = (high - low) * np.array([ROOM[1], ROOM[0]]) * 10.0 / np.maximum(points, 1.0)
        steps = [float(STEPS[min(np.searchsorted(STEPS, span), STEPS.size - 1)]) for span in spans]
        margin = 0.1 * (high - low)
        values = [
            step * np.arange(np.floor((a - m) / step), np.ceil((b + m) / step) + 1)
            for a, b, m, step in zip(low, high, margin, steps, strict=True)
        ]
        along = [np.linspace(a - m, b + m, SAMPLES) for a, b, m in zip(low, high, margin, strict=True)]
        along[0] = np.clip(along[0], -89.9, 89.9)
        meridians = [(float(v), self.place(along[0], np.full(SAMPLES, v))) for v in values[1]]
        parallels = [
            (float(v), self.place(np.full(SAMPLES, v), along[1])) for v in values[0] if abs(v) < 90
        ]
        return meridians, parallels, steps[1], steps[0]

    def draw_on(self, ax: Axes) -> None:
        """Gives a map its lines, and labels in degrees at the lower and at the left edge."""
        ax.add_collection(_Lines(self, ax), autolim=False)
        for axis, is_x, names in ((ax.xaxis, True, "EW"), (ax.yaxis, False, "NS")):
            locator = _Crossings(self, ax, is_x)
            axis.set_major_locator(locator)
            axis.set_major_formatter(_Degrees(locator, names))
            axis.set_tick_params(labelsize=SMALL)


class _Lines(LineCollection):
    """The lines of a graticule, found when they are drawn."""

    def __init__(self, graticule: Graticule, ax: Axes):
        super().__init__([], colors="0.88", linewidths=0.7, zorder=0.5, label="_graticule")
        self.graticule, self.of = graticule, ax
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        meridians, parallels, _, _ = self.graticule.lines(self.of)
        self.set_segments([line for _, line in (*meridians, *parallels)])
        super().draw(renderer)


class _Crossings(Locator):
    """Where meridians cross the lower edge of a map, or parallels its left edge, km."""

    def __init__(self, graticule: Graticule, of: Axes, is_x: bool):
        self.graticule, self.of, self.is_x = graticule, of, is_x
        self.step, self.found = 1.0, {}

    def __call__(self) -> Any:
        return self.tick_values(*sorted(self.of.get_xlim() if self.is_x else self.of.get_ylim()))

    def tick_values(self, vmin: float, vmax: float) -> Any:
        ax = self.of
        meridians, parallels, step_x, step_y = self.graticule.lines(ax)
        lines, edge = (meridians, ax.get_ylim()[0]) if self.is_x else (parallels, ax.get_xlim()[0])
        self.step, self.found = step_x if self.is_x else step_y, {}
        for value, line in lines:
            along, across = line.T if self.is_x else line.T[::-1]
            order = np.argsort(across)
            if across.min() <= edge <= across.max():
                place = float(np.interp(edge, across[order], along[order]))
                if vmin <= place <= vmax:
                    self.found[place] = value
        return np.array(sorted(self.found))


class _Degrees(Formatter):
    """Degrees of the lines that cross an edge."""

    def __init__(self, crossings: _Crossings, names: str):
        self.crossings, self.names = crossings, names

    def __call__(self, x: float, pos: int | None = None) -> str:
        del pos
        found = self.crossings.found
        if not found:
            return ""
        value = found[min(found, key=lambda place: abs(place - x))]
        value = (value + 180) % 360 - 180 if self.names == "EW" else value
        decimals = int(max(0, np.ceil(-np.log10(self.crossings.step) - 1e-9)))
        side = "" if abs(value) < 1e-9 else f" {self.names[int(value < 0)]}"
        return f"{abs(value):.{decimals}f}°{side}"
