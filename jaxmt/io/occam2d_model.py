"""Occam2D meshes, models and iterations: a section and the mesh it stands on."""

import re

import numpy as np
from jaxtyping import Float, Int

from ..atomic import FilePath
from ..simulation.mesh import Mesh
from .free_format import FreeFormat

LARGEST = 20.0
"""No log10 of a resistivity in ohm m is larger."""

MOST = 10_000
"""More rows or columns than this are damage."""


def _option(file: FreeFormat, key: str) -> str:
    """Reads on to the line that starts with `key:` and returns what follows."""
    while True:
        name, _, value = file.line(f"the line {key}:").partition(":")
        if name.strip().lower() == key.lower():
            return value.strip()


def _number(file: FreeFormat, key: str) -> float:
    text = _option(file, key)
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not abs(value) < 1e9:
        raise file.bad(f"{key} is {text[:40]!r}; expected a number.")
    return value


def _steps(path: FilePath) -> tuple[list[float], list[float]]:
    """Column widths and row heights, m, of a mesh file whose cells are all free."""
    file = FreeFormat(path, "an Occam2D mesh file")
    file.line("a comment")
    sizes = file.whole("six numbers, the second and third the nodes across and down", 6, 0, MOST)
    columns, rows = sizes[1] - 1, sizes[2] - 1
    if columns < 2 or rows < 2:
        raise file.bad(f"{sizes[1]} nodes across, {sizes[2]} down; expected at least 3 of each.")
    widths, heights = file.steps("the column widths", columns), file.steps("the row heights", rows)
    file.line("a line with 0")
    for k in range(4 * rows):
        cells = file.line(f"row {k // 4 + 1} of {rows} of the cells")
        if len(cells) != columns or not re.fullmatch(r"[?\w]*", cells):
            raise file.bad(f"{cells[:40]!r}; expected {columns} letters, the cells of row {k // 4 + 1}.")
        if cells.strip("?"):
            raise file.bad(f"cell {cells.strip('?')[0]!r} has a fixed resistivity; only '?' can be read.")
    return widths, heights


def _blocks(path: FilePath, columns: int, rows: int) -> tuple[float, Int[np.ndarray, "earth y"], int]:
    """Binding offset, the number of the block that each cell belongs to, and how many there are."""
    file = FreeFormat(path, "an Occam2D model file")
    offset = _number(file, "Binding Offset")
    layers = _number(file, "Num Layers")
    if layers != int(layers) or not 1 <= layers <= rows:
        raise file.bad(f"{layers:g} layers; the mesh has {rows} rows.")
    numbers = np.zeros((rows, columns), dtype=int)
    row = count = 0
    for k in range(int(layers)):
        thick, width = file.whole(f"rows and blocks of layer {k + 1}", 2, 1, MOST)
        spans = file.whole(f"the columns of each block of layer {k + 1}", width, 1, MOST)
        if sum(spans) != columns or row + thick > rows:
            raise file.bad(
                f"layer {k + 1} takes {sum(spans)} columns and {thick} rows; the mesh has {columns} "
                f"columns and {rows - row} rows left."
            )
        numbers[row : row + thick] = np.repeat(count + np.arange(width), spans)
        row, count = row + thick, count + width
    if row != rows:
        raise file.bad(f"the layers take {row} rows; the mesh has {rows}.")
    return offset, numbers, count


def read_occam2d_model(
    mesh: FilePath, model: FilePath, iteration: FilePath
) -> tuple[Mesh, Float[np.ndarray, "earth y"]]:
    """Mesh and resistivity, ohm m, of shape `mesh.shape`, from the three files of an Occam2D run.

    - `mesh`: "Occam2DMesh", widths and heights. `model`: "Occam2DModel", which cells make a block.
    - `iteration`: "ITERnn.iter" or the startup file, log10 of the resistivity of each block.

    y is the offset along the profile of the data file: the binding offset is that of the right edge of
    the first block. z = 0 is the ground; the file has no air, the mesh gets that of `Mesh.with_air()`.
    Raises `BadFile`, with the line, for files that are damaged, do not fit, or hold fixed cells.
    """
    widths, heights = _steps(mesh)
    offset, blocks, count = _blocks(model, len(widths), len(heights))
    file = FreeFormat(iteration, "an Occam2D iteration file")
    if _number(file, "Param Count") != count:
        raise file.bad(f"the number of parameters is not the {count} blocks of {model}.")
    values = np.array(file.take("log10 of the resistivities", count))
    if not np.all(np.abs(values) < LARGEST):
        raise file.bad(f"a value is no log10 of a resistivity in ohm m, at most {LARGEST:g}.")
    y_nodes = np.concatenate([[0.0], np.cumsum(widths)])
    # The block after the first begins where the block number changes.
    edge = y_nodes[int(np.flatnonzero(blocks[0] > 0)[0]) if np.any(blocks[0] > 0) else len(widths)]
    z_nodes = np.concatenate([[0.0], np.cumsum(heights)])
    return Mesh(y_nodes - edge + offset, z_nodes).with_air(), 10.0 ** values[blocks]
