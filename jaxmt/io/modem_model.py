"""ModEM 2-D model files (Mackie's format, `.rho`): a mesh and its resistivity."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..simulation.mesh import Mesh
from .free_format import BadFile, FreeFormat

PER_LINE = 10

AIR = 1e10
"""ohm m, of cells above the ground."""

LARGEST_LOGARITHM = 100.0
"""Beyond this no ln(ohm m) is meant."""


def read_modem_model(
    path: FilePath, *, logarithm: bool = False
) -> tuple[Mesh, Float[np.ndarray, "earth y"]]:
    """Mesh and resistivity, ohm m, of shape `mesh.shape`, from a 2-D model file.

    - `logarithm`: True returns natural logarithms of the resistivity in ohm m instead. It is the way to
      read perturbations and sensitivities, which have the same format.

    The file has no origin: y = 0 is the left edge of the mesh and z = 0 the ground, as in the 2-D list
    files. It has no air either; the mesh gets that of `Mesh.with_air()`. Reads values as natural
    logarithms (LOGE) or linear ones. Raises `ValueError` for a file that is incomplete or damaged.
    """
    lines = FreeFormat(path, "a ModEM model file")
    sizes = lines.line("the numbers of columns and rows")
    match = re.fullmatch(r"(\d{1,6})\s+(\d{1,6})\s*(LOGE)?", sizes, re.IGNORECASE)
    if match is None:
        raise lines.bad(
            f"{sizes[:60]!r}; expected the numbers of columns and rows, and LOGE unless values are linear."
        )
    columns, rows = int(match[1]), int(match[2])
    if columns < 2 or rows < 2:
        raise lines.bad(f"{columns} columns, {rows} rows; expected at least 2 of each.")
    y_nodes = np.concatenate([[0.0], np.cumsum(lines.steps("the column widths in m", columns))])
    z_nodes = np.concatenate([[0.0], np.cumsum(lines.steps("the row heights in m", rows))])
    lines.line("the line, 0 or 1, that ModEM ignores")
    section = np.array([lines.take(f"the values of row {k + 1} of {rows}", columns) for k in range(rows)])
    if not lines.ended:
        raise lines.bad(
            f"expected the end of the file after {rows} rows; the numbers in line 1 may be wrong.",
            lines.next + 1,
        )
    resistivity = _converted(lines.path, section, match[3] is not None, logarithm)
    return Mesh(y_nodes, z_nodes).with_air(), resistivity


def _converted(
    path: Path, section: Float[np.ndarray, "earth y"], is_logarithm: bool, logarithm: bool
) -> Float[np.ndarray, "earth y"]:
    """The values of the file as resistivity or its natural logarithm."""
    if is_logarithm and logarithm:
        return section
    valid = np.abs(section) < LARGEST_LOGARITHM if is_logarithm else section > 0
    if not valid.all():
        row, column = np.argwhere(~valid)[0]
        raise BadFile(
            f"{path}: row {row + 1}, column {column + 1} holds {section[row, column]:g}, which is no "
            f"{'ln(ohm m)' if is_logarithm else 'resistivity in ohm m'}. If the file is a perturbation or "
            "a sensitivity with LOGE, read it with `logarithm=True`."
        )
    if is_logarithm:
        return np.exp(section)
    return np.log(section) if logarithm else section


def _wrapped(values: Float[np.ndarray, " n"], form: str) -> list[str]:
    texts = [format(value, form) for value in values]
    return [" ".join(texts[k : k + PER_LINE]) for k in range(0, len(texts), PER_LINE)]


def write_modem_model(path: FilePath, mesh: Mesh, resistivity: Float[np.ndarray, "earth y"]) -> None:
    """Writes a 2-D model file with natural logarithms (LOGE) to 10 digits.

    - `resistivity`: ohm m, of shape `mesh.shape`. Cells above the surface of the mesh are written as air,
      10^10 ohm m; those that it cuts are whole in the file.

    The air of `mesh` and the y of its left edge have no place in the file; give the latter to
    `write_modem(left_edge=...)`. The file appears whole or not at all.
    """
    section = np.asarray(resistivity)
    if section.shape != mesh.shape or not np.all((section > 0) & np.isfinite(section)):
        raise ValueError(
            "`write_modem_model(resistivity=...)` must be positive and finite, in ohm m, with the shape "
            f"of the mesh, {mesh.shape}. Got shape {section.shape}, smallest value {section.min()}."
        )
    rows, columns = mesh.shape
    lines = [f"{columns} {rows} LOGE", *_wrapped(mesh.dy, ".12g"), *_wrapped(mesh.dz, ".12g"), "1"]
    for layer in np.log(np.where(mesh.air, AIR, section)):
        lines += _wrapped(layer, ".10E")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
