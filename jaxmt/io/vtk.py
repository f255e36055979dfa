"""Sections for programs that draw in three dimensions, such as ParaView."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..processing.georeference import Georeference
from ..simulation.mesh import Mesh


def write_vtk(
    path: FilePath,
    mesh: Mesh,
    cells: Mapping[str, Float[np.ndarray, "earth y"]],
    *,
    title: str = "jaxmt",
    place: Georeference | None = None,
) -> None:
    """Writes the earth cells of a section as a grid of legacy VTK 3.0, as text.

    - `cells`: arrays by name, such as `{"resistivity_ohm_m": result.resistivity}`; names hold no blanks.
    - `place`: where the profile lies. X and Y are then easting and northing, m, in the grid that
      `place.grid` names, and Z the height above sea level, with z = 0 at the mean elevation of the stations
      (at 0 where that is unknown). Without it X is the position along the profile, Y is 0 and Z the height
      above z = 0.

    Cells go from the deepest row up. The file appears whole or not at all. Raises `ValueError` for a shape
    that is not the mesh's, or a name or title that does not fit.
    """
    for name, values in cells.items():
        if np.shape(values) != mesh.shape:
            raise ValueError(
                f"`write_vtk(cells=...)`: {name} must have shape (earth rows, columns) = {mesh.shape}. "
                f"Got {np.shape(values)}."
            )
        if not name or name.split() != [name]:
            raise ValueError(f"`write_vtk(cells=...)`: the name {name!r} must be one word.")
    if len(title.splitlines()) != 1 or len(title) > 255:
        raise ValueError(
            f"`write_vtk(title=...)` must be one line of at most 255 characters. Got {title!r}."
        )
    lines = [
        "# vtk DataFile Version 3.0",
        title,
        "ASCII",
        *(_along(mesh) if place is None else _on_map(mesh, place)),
    ]
    lines.append(f"CELL_DATA {mesh.n_y * mesh.n_earth}")
    for name, values in cells.items():
        lines += [f"SCALARS {name} double 1", "LOOKUP_TABLE default"]
        lines += [" ".join(map(repr, row)) for row in np.asarray(values, dtype=float)[::-1].tolist()]
    with atomic_path(Path(path)) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _along(mesh: Mesh) -> list[str]:
    lines = ["DATASET RECTILINEAR_GRID", f"DIMENSIONS {mesh.n_y + 1} 1 {mesh.n_earth + 1}"]
    for axis, nodes in (("X", mesh.y_nodes), ("Y", np.zeros(1)), ("Z", -mesh.earth_nodes[::-1])):
        # Adding 0 turns -0 into 0.
        lines += [
            f"{axis}_COORDINATES {nodes.size} double",
            *(f"{node + 0.0!r}" for node in nodes.tolist()),
        ]
    return lines


def _on_map(mesh: Mesh, place: Georeference) -> list[str]:
    north, east = place.metres(mesh.y_nodes)
    known = place.elevation[np.isfinite(place.elevation)]
    ground = float(known.mean()) if known.size else 0.0
    heights = ground - mesh.earth_nodes[::-1]
    lines = ["DATASET STRUCTURED_GRID", f"DIMENSIONS {mesh.n_y + 1} 1 {mesh.n_earth + 1}"]
    lines.append(f"POINTS {(mesh.n_y + 1) * (mesh.n_earth + 1)} double")
    pairs = [f"{e!r} {n!r}" for e, n in zip(east.tolist(), north.tolist(), strict=True)]
    return lines + [f"{pair} {height!r}" for height in heights.tolist() for pair in pairs]
