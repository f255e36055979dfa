"""The ground: the published mesh, and where the sea is."""

from pathlib import Path

import numpy as np

import jaxmt
from jaxmt.field import Line, Reference
from jaxmt.io import read_modem_sites

from .lines import MODEM_DATA, MODEM_MODEL

SEA = 0.3
"""ohm m; the value that the 3-D model freezes in the Pacific."""
BESIDE = 1.0
"""Degrees of latitude within which stations tell where a longitude lies in the 3-D model."""


def published_mesh(air: float | None = None) -> jaxmt.Mesh:
    """90 x 240 cells: 80 earth rows, 10 m to 300 km; 2.5 km columns to +-250 km, padding to 950 km.

    - `air`: m, the height of the ten air rows, as published 50 km; by default as high as the mesh is wide,
      since 50 km is a fraction of a skin depth at the longest period.
    """
    pad = 250e3 + np.cumsum(graded(20, 2.5e3, 700e3))
    y = np.concatenate([-pad[::-1], np.linspace(-250e3, 250e3, 201), pad])
    z = np.concatenate([[0.0], np.geomspace(10.0, 300e3, 80)])
    rows = np.cumsum(graded(10, 10.0, 1900e3)) if air is None else np.geomspace(10.0, air, 10)
    return jaxmt.Mesh(y, np.concatenate([-rows[::-1], z]))


def graded(count: int, first: float, total: float) -> np.ndarray:
    """`count` steps in geometric progression from `first`, with the sum `total`."""
    low, high = 1.0, 10.0
    for _ in range(60):
        ratio = 0.5 * (low + high)
        low, high = (ratio, high) if np.sum(first * ratio ** np.arange(count)) < total else (low, ratio)
    return first * low ** np.arange(count)


def sea_cells(known: Reference | None, mesh: jaxmt.Mesh) -> np.ndarray:
    """True where the 3-D model has the Pacific; its westernmost column goes on to the mesh edge."""
    if known is None:
        return np.zeros(mesh.shape, bool)
    section = known.on(mesh)
    sea = np.isclose(section, SEA, rtol=1e-3)
    inside = np.flatnonzero(np.isfinite(section[0]))
    sea[:, : inside[0]] = sea[:, inside[:1]]
    return sea


Profile = tuple[np.ndarray, np.ndarray]
"""y and elevation, m."""


def sea_floor(folder: Path, line: Line) -> Profile:
    """The Pacific's floor along a line at one latitude, as the 3-D model has it; level land at 0.

    That model is laid out by the places of its stations, so these tell which of its cells lie under the
    line. Its columns are 18 to 100 km wide: the shelf is a slope there.
    """
    known = read_modem_sites(folder / MODEM_DATA)
    latitude, longitude, northing, easting = np.array(
        [[site.latitude, site.longitude, site.northing, site.easting] for site in known]
    ).T
    middle = np.mean([site.latitude for site in line.sites])
    beside = abs(latitude - middle) < BESIDE
    along = np.polyfit(longitude[beside], easting[beside], 1)
    volume = jaxmt.io.read_ws_model(folder / MODEM_MODEL)
    mesh, section = volume.section(float(np.polyval(np.polyfit(latitude, northing, 1), middle)))
    water = np.sum(np.isclose(section, SEA, rtol=1e-3) * np.diff(volume.z_nodes)[:, None], axis=0)
    # From the model's y to a longitude, and on to the y of the line.
    places = np.polyfit([site.longitude for site in line.sites], line.distances, 1)
    longitudes = (mesh.y_centres - along[1]) / along[0]
    return np.polyval(places, longitudes), -water
