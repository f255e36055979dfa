r"""How like two sections are, in numbers.

Sections are compared as log10 of resistivity, under the stations and down to the depth that a survey is
meant to see, for what lies beyond is not the data's to say.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from .simulation.mesh import Mesh

Section = Float[np.ndarray, "earth y"]

RASTER = (60, 120)
"""Rows and columns of the raster on which structural similarity is taken."""
WINDOW = 7
"""Side, in points of the raster, of the squares over which structural similarity takes its means."""
TRUE_AIR, FOUND_AIR = -9.0, -10.0
"""log10 S/m of the air in the true and in the recovered sections of Liu, Chen, Bo & Tang (2026)."""


def under_stations(mesh: Mesh, stations: ArrayLike, depth: float = np.inf) -> Bool[np.ndarray, "earth y"]:
    """Cells whose centre lies between the outermost stations (m) and no deeper than `depth` (m).

    Raises `ValueError` if there are none.
    """
    line = np.asarray(stations, dtype=float)
    across = (mesh.y_centres >= line.min()) & (mesh.y_centres <= line.max())
    cells = across[None, :] & (mesh.z_centres <= depth)[:, None]
    if not cells.any():
        raise ValueError(
            f"No cell has its centre under the stations and above `depth` = {depth:g} m. Give a greater "
            "depth, or a mesh with columns under the stations."
        )
    return cells


def on_mesh(mesh: Mesh, section: Section, other: Mesh) -> Section:
    """A section of one mesh at the cell centres of another; NaN where the first mesh does not reach."""
    columns = np.searchsorted(mesh.y_nodes, other.y_centres) - 1
    rows = np.searchsorted(mesh.earth_nodes, other.z_centres) - 1
    y, z = (
        np.flatnonzero((k >= 0) & (k < size)) for k, size in ((columns, mesh.n_y), (rows, mesh.n_earth))
    )
    values = np.full(other.shape, np.nan)
    values[np.ix_(z, y)] = section[np.ix_(rows[z], columns[y])]
    return values


def agreement(
    mesh: Mesh, first: Section, second: Section, inside: Bool[np.ndarray, "earth y"]
) -> tuple[float, float]:
    r"""Correlation and root mean square difference of log10 resistivity of two sections.

    - `first`, `second`: ohm m, on `mesh`. `inside`: the cells that count.

    A cell weighs $\Delta y\,\Delta z / z$ with its depth z: width times relative height, for what data
    resolve grows with depth. The correlation is NaN where one of the sections is uniform.
    """
    weights = ((mesh.dz / mesh.z_centres)[:, None] * mesh.dy)[inside]
    a, b = (np.log10(section[inside]) for section in (first, second))
    a_off, b_off = (v - np.average(v, weights=weights) for v in (a, b))
    spread = np.sqrt(np.average(a_off**2, weights=weights) * np.average(b_off**2, weights=weights))
    together = float(np.average(a_off * b_off, weights=weights))
    rms = float(np.sqrt(np.average((a - b) ** 2, weights=weights)))
    return together / float(spread) if spread > 0 else np.nan, rms


def rmse(mesh: Mesh, true: Section, found: Section, stations: ArrayLike, depth: float) -> float:
    """Root mean square of log10 (found / true) over the cells `under_stations`, each counted once.

    - `true`, `found`: ohm m. Rows that grow with depth count it like the resolution of the data; half of
      them may lie in the first tenth of `depth`.
    """
    cells = under_stations(mesh, stations, depth)
    return float(np.sqrt(np.mean(np.square(np.log10(found[cells] / true[cells])))))


def area_rmse(mesh: Mesh, true: Section, found: Section, stations: ArrayLike, depth: float) -> float:
    """`rmse` with every square metre counted once, on the `raster`: what lies deep weighs most."""
    first, second = (raster(mesh, section, stations, depth) for section in (true, found))
    return float(np.sqrt(np.mean(np.square(second - first))))


def raster(
    mesh: Mesh, section: Section, stations: ArrayLike, depth: float
) -> Float[np.ndarray, "row column"]:
    """log10 of a section (ohm m) at `RASTER` points from station to station, from the ground to `depth`.

    A point has the value of the cell around it; `stations` and `depth` are in m.
    """
    line = np.asarray(stations, dtype=float)
    y = line.min() + (np.arange(RASTER[1]) + 0.5) / RASTER[1] * np.ptp(line)
    z = (np.arange(RASTER[0]) + 0.5) / RASTER[0] * depth
    rows = np.clip(np.searchsorted(mesh.earth_nodes, z) - 1, 0, mesh.n_earth - 1)
    columns = np.clip(np.searchsorted(mesh.y_nodes, y) - 1, 0, mesh.n_y - 1)
    return np.log10(section)[np.ix_(rows, columns)]


def similarity(mesh: Mesh, true: Section, found: Section, stations: ArrayLike, depth: float) -> float:
    """Structural similarity of log10 resistivity on the `raster` under the stations.

    - `true`, `found`: ohm m. The range of values is that of `true`.

    Raises `ValueError` if `true` is uniform there.
    """
    first, second = (raster(mesh, section, stations, depth) for section in (true, found))
    return structural_similarity(first, second, float(np.ptp(first)), WINDOW)


def published_similarity(mesh: Mesh, true: Section, found: Section) -> float:
    """The structural similarity that Liu, Chen, Bo & Tang (2026) print, for comparison with it alone.

    - `true`, `found`: ohm m.

    log10 of conductivity over all cells of the mesh, air included, in windows of 3 by 3 cells whatever
    their size, with the range from the air to the best conductor, some nine decades: it flatters.
    """
    first, second = (
        np.concatenate([np.full((mesh.n_air, mesh.n_y), air), -np.log10(section)])
        for section, air in ((true, TRUE_AIR), (found, FOUND_AIR))
    )
    return structural_similarity(first, second, float(np.ptp(first)), 3)


def published_rmse(true: Section, found: Section) -> float:
    """The root mean square error of log10 resistivity of Liu et al. (2026): over all earth cells."""
    return float(np.sqrt(np.mean(np.square(np.log10(found / true)))))


def structural_similarity(
    first: Float[np.ndarray, "row column"],
    second: Float[np.ndarray, "row column"],
    values: float,
    window: int,
) -> float:
    r"""Mean structural similarity of two images.

    $\frac{2\mu_1\mu_2 + c_1}{\mu_1^2 + \mu_2^2 + c_1}\,
    \frac{2\sigma_{12} + c_2}{\sigma_1^2 + \sigma_2^2 + c_2}$ with means and sample covariances over squares
    of side `window`, averaged over the squares that lie within the image; $c_1 = (0.01 L)^2$,
    $c_2 = (0.03 L)^2$ (Wang, Bovik, Sheikh & Simoncelli 2004).

    - `values`: L, the range of the values.

    Raises `ValueError` if the range is not positive or the window does not fit.
    """
    from scipy.ndimage import uniform_filter  # Slow to import, and seldom needed.

    if not values > 0:
        raise ValueError(f"`structural_similarity(values=...)` must be a positive range. Got {values}.")
    if window % 2 == 0 or not 3 <= window <= min(first.shape):
        raise ValueError(
            "`structural_similarity(window=...)` must be odd and lie between 3 and the smaller side of the "
            f"images, {min(first.shape)}. Got {window}."
        )
    edge = window // 2
    inside = (slice(edge, first.shape[0] - edge), slice(edge, first.shape[1] - edge))
    unbiased = window**2 / (window**2 - 1)

    def mean(image: np.ndarray) -> np.ndarray:
        return uniform_filter(image, size=window)[inside]

    m1, m2 = mean(first), mean(second)
    v1, v2, covariance = (
        unbiased * (mean(a * b) - mean(a) * mean(b))
        for a, b in ((first, first), (second, second), (first, second))
    )
    c1, c2 = (0.01 * values) ** 2, (0.03 * values) ** 2
    score = (2 * m1 * m2 + c1) * (2 * covariance + c2) / ((m1**2 + m2**2 + c1) * (v1 + v2 + c2))
    return float(np.mean(score))


def recovery(
    mesh: Mesh,
    found: Section,
    inside: Bool[np.ndarray, "earth y"],
    body: float,
    host: float,
) -> float:
    r"""How much of a body's contrast is found in some cells: 0 where the host is found, 1 the body itself.

    The mean of $\log(\rho/\rho_h) / \log(\rho_b/\rho_h)$, weighted by area.

    - `inside`: the cells: those of the body, or those below it, which should give 0.
    - `body`, `host`: ohm m.
    """
    area = (mesh.dz[:, None] * mesh.dy)[inside]
    return float(np.sum(area * np.log(found[inside] / host)) / (np.sum(area) * np.log(body / host)))
