"""The four files that Occam2D starts from: data, mesh, model and startup."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ..atomic import FilePath, atomic_path
from ..data import Data
from ..simulation.mesh import Mesh
from .names import one_line
from .occam2d import write_occam2d

DATA, MESH, MODEL, STARTUP = "OccamDataFile.dat", "Occam2DMesh", "Occam2DModel", "Occam2DStartup"
FILES = (DATA, MESH, MODEL, STARTUP)

PER_LINE = 8
NEAR = 0.01
"""A station so close to a node, as a fraction of the column, needs none of its own."""

TITLE = 60
"""Characters of a title; Occam2D cuts longer lines."""


def write_occam2d_run(
    folder: FilePath,
    data: Data,
    mesh: Mesh,
    resistivity: Float[np.ndarray, "earth y"],
    *,
    title: str = "written by jaxmt",
    target: float = 1.0,
    iterations: int = 30,
) -> None:
    r"""Writes the files from which Occam2D starts at a section: its data, mesh, model and startup file.

    - `resistivity`: ohm m, of shape `mesh.shape`, the model that it starts from.
    - `target`: the nRMS at which Occam2D stops; `iterations`: at most.

    Every cell is one block of the regularisation. A column of cells is two or more columns of the mesh
    where a station lies inside it, for Occam2D moves sites to the nearest node; nothing is added closer
    than 1 % of a column to a node. Offsets are y in m, and the binding offset is the right edge of the
    first block. Lengths are printed to the micrometre, log10 of resistivities to eight digits after the
    point. Each file appears whole or not at all. Raises `ValueError` for relief and for stations below z =
    0, which the mesh of Occam2D has no free place for, and for resistivities that are not positive and
    finite.
    """
    section = np.asarray(resistivity)
    if section.shape != mesh.shape or not np.all((section > 0) & np.isfinite(section)):
        raise ValueError(
            "`write_occam2d_run(resistivity=...)` must be positive and finite, in ohm m, with the shape of "
            f"the mesh, {mesh.shape}. Got shape {section.shape}, {_bad(section)} values that are not."
        )
    if mesh.surface.any() or data.survey.depths.any():
        raise ValueError(
            "`write_occam2d_run(mesh=...)` must have level ground, and the stations on it: blocks of "
            "Occam2D follow no relief. Give a mesh without `surface`."
        )
    mesh.check_stations(data.survey)
    nodes, spans = _columns(mesh, data.survey.stations)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    title = one_line(title)[:TITLE]
    write_occam2d(folder / DATA, data, title=title)
    _write(folder / MESH, _mesh(title, np.diff(nodes), mesh.dz))
    _write(folder / MODEL, _model(title, float(mesh.y_nodes[1]), spans, mesh.n_earth))
    _write(folder / STARTUP, _startup(title, np.log10(section), target, iterations))


def _bad(section: Float[np.ndarray, "..."]) -> int:
    return int(np.count_nonzero(~((section > 0) & np.isfinite(section))))


def _columns(
    mesh: Mesh, stations: Float[np.ndarray, " site"]
) -> tuple[Float[np.ndarray, " node"], Int[np.ndarray, " y"]]:
    """Nodes of the columns with the stations among them, and how many columns each block takes."""
    near = NEAR * mesh.dy[mesh.columns(stations)]
    nodes = mesh.y_nodes
    for y, tolerance in sorted(zip(stations.tolist(), near.tolist(), strict=True)):
        if np.min(np.abs(nodes - y)) > tolerance:
            nodes = np.sort(np.append(nodes, y))
    return nodes, np.diff(np.searchsorted(nodes, mesh.y_nodes))


def _mesh(title: str, widths: Float[np.ndarray, " n"], heights: Float[np.ndarray, " m"]) -> list[str]:
    """The mesh: all four triangles of every cell are free."""
    rows = ["?" * widths.size] * (4 * heights.size)
    sizes = f"   0 {widths.size + 1} {heights.size + 1}  0  0  2"
    return [f"MESH {title}", sizes, *_wrapped(widths), *_wrapped(heights), "   0", *rows]


def _model(title: str, binding: float, spans: Int[np.ndarray, " y"], layers: int) -> list[str]:
    """The blocks, a layer for each row of cells."""
    heads = (
        ("Format:", "OCCAM2MTMOD_1.0"),
        ("Model Name:", title),
        ("Description:", "a block for each cell"),
        ("Mesh File:", MESH),
        ("Mesh Type:", "PW2D"),
        ("Statics File:", "none"),
        ("Prejudice File:", "none"),
        ("Binding Offset:", f"{binding:.6f}"),
        ("Num Layers:", str(layers)),
    )
    blocks = " ".join(f"{span:4d}" for span in spans)
    return [*_headed(heads), *[f"   1 {spans.size:5d}", blocks] * layers, "NO. EXCEPTIONS:   0"]


def _startup(
    title: str, section: Float[np.ndarray, "earth y"], target: float, iterations: int
) -> list[str]:
    heads = (
        ("Format:", "OCCAMITER_FLEX"),
        ("Description:", title),
        ("Model File:", MODEL),
        ("Data File:", DATA),
        ("Date/Time:", f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}"),
        ("Iterations to run:", str(iterations)),
        ("Target Misfit:", f"{target:.6g}"),
        ("Roughness Type:", "1"),
        ("Diagonal Penalties:", "0"),
        ("Stepsize Cut Count:", "8"),
        ("!Model Limits:", "none"),
        ("!Model Value Steps:", "none"),
        ("Debug Level:", "1"),
        ("Iteration:", "0"),
        ("Lagrange Value:", "5.0"),
        ("Roughness Value:", "1.0E+10"),
        ("Misfit Value:", "1000.0"),
        ("Misfit Reached:", "0"),
        ("Param Count:", str(section.size)),
    )
    return [*_headed(heads), *_wrapped(section.ravel(), ".8f", 4)]


def _headed(heads: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{key:<20}{value}" for key, value in heads]


def _wrapped(values: Float[np.ndarray, " n"], form: str = ".6f", per_line: int = PER_LINE) -> list[str]:
    texts = [format(value, form) for value in values]
    return ["  " + "  ".join(texts[k : k + per_line]) for k in range(0, len(texts), per_line)]


def _write(path: Path, lines: Sequence[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
