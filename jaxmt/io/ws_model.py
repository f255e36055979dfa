"""3-D models of ModEM and WSINV3DMT (WS format) and the masks of ModEM's covariance files."""

import dataclasses
import re

import numpy as np
from jaxtyping import Float, Int

from ..atomic import FilePath, atomic_path
from ..simulation.mesh import Mesh
from .free_format import FreeFormat

MOST = 10_000_000
"""More cells than this are damage."""

LARGEST_LOGARITHM = 100.0
COVARIANCE_HEADER = 16


@dataclasses.dataclass(frozen=True)
class Volume:
    """A 3-D model: node coordinates in m, x north, y east, z down, and resistivity in ohm m.

    - `x_nodes`, `y_nodes`: in the coordinates of the list file that goes with it. `z_nodes`: from 0, or
      from the height of the highest cell of a model with relief, negative above z = 0.
    - `rotation`: degrees, as the file states it; nothing here uses it.
    """

    x_nodes: Float[np.ndarray, " xnode"]
    y_nodes: Float[np.ndarray, " ynode"]
    z_nodes: Float[np.ndarray, " znode"]
    resistivity: Float[np.ndarray, "earth x y"]
    rotation: float = 0.0

    def section(self, x: float) -> tuple[Mesh, Float[np.ndarray, "earth y"]]:
        """The slice along y through the cells that hold `x`, m, with the air of `Mesh.with_air()`.

        Raises `ValueError` outside the model, and for a model with relief, whose rows do not begin at 0.
        """
        if self.z_nodes[0] != 0:
            raise ValueError(
                f"`Volume.section`: the model begins at z = {self.z_nodes[0]:g} m; a section with relief "
                "needs a mesh with a surface, which the file does not state. Use its cells directly."
            )
        if not self.x_nodes[0] <= x <= self.x_nodes[-1]:
            raise ValueError(
                f"`Volume.section(x=...)` must lie in the model, {self.x_nodes[0]:g} to "
                f"{self.x_nodes[-1]:g} m. Got {x:g}."
            )
        k = min(int(np.searchsorted(self.x_nodes, x, side="right")) - 1, self.x_nodes.size - 2)
        return Mesh(self.y_nodes, self.z_nodes).with_air(), self.resistivity[:, k]


def _sizes(file: FreeFormat) -> tuple[list[int], str]:
    """Numbers of cells along x, y and z, and how values are written: LOGE, LOG10 or LINEAR."""
    text = file.line("a comment, or the numbers of cells")
    while text.startswith("#"):
        text = file.line("the numbers of cells along x, y and z")
    match = re.fullmatch(r"(\d{1,5})\s+(\d{1,5})\s+(\d{1,5})(?:\s+0)?\s*(LOGE|LOG10|LINEAR)?", text, re.I)
    if match is None:
        raise file.bad(f"{text[:60]!r}; expected the numbers of cells along x, y and z, 0, LOGE or LINEAR.")
    sizes = [int(part) for part in match.groups()[:3]]
    if min(sizes) < 2 or np.prod(sizes) > MOST:
        raise file.bad(f"{sizes} cells; expected at least 2 along each axis, {MOST} at most.")
    return sizes, (match[4] or "LINEAR").upper()


def read_ws_model(path: FilePath) -> Volume:
    """A 3-D model of ModEM or WSINV3DMT, with x running from south to north.

    Values are natural logarithms (LOGE), decimal ones (LOG10) or, without a word or with LINEAR, ohm m;
    the file lists x from north to south. Its last lines, the corner of the grid and its rotation, may be
    missing: the grid is then centred at x = y = 0. A model with relief begins above z = 0, and its cells
    of air have the resistivity that the file gives them. Raises `BadFile`, with the line, if it is damaged.
    """
    file = FreeFormat(path, "a 3-D model file")
    (nx, ny, nz), scale = _sizes(file)
    dx, dy = file.steps("the widths along x", nx), file.steps("the widths along y", ny)
    dz = file.steps("the heights", nz)
    # Lines wrap where they like: at the row, or one value on each.
    values = np.array(file.take("the values of the cells", nx * ny * nz)).reshape(nz, ny, nx)
    values = np.transpose(values, (0, 2, 1))[:, ::-1]
    if scale != "LINEAR" and not np.all(np.abs(values) < LARGEST_LOGARITHM):
        raise file.bad(f"a value is no logarithm of a resistivity, at most {LARGEST_LOGARITHM:g}.")
    resistivity = np.exp(values) if scale == "LOGE" else 10.0**values if scale == "LOG10" else values
    if not np.all((resistivity > 0) & np.isfinite(resistivity)):
        raise file.bad("a resistivity is not positive; expected ohm m, or LOGE in the second line.")
    corner, rotation = [-sum(dx) / 2, -sum(dy) / 2, 0.0], 0.0
    if not file.ended:
        corner = file.take("the corner of the grid, x, y and z in m", 3)
        rotation = 0.0 if file.ended else file.take("the rotation in degrees", 1)[0]
    nodes = [np.concatenate([[0.0], np.cumsum(steps)]) for steps in (dx, dy, dz)]
    if not file.ended or not all(abs(c) < 1e9 for c in corner):
        raise file.bad("expected x, y and z of the corner of the grid, its rotation, and the end.")
    origin = [node + c for node, c in zip(nodes, corner, strict=True)]
    return Volume(origin[0], origin[1], origin[2], resistivity, rotation)


def write_ws_model(path: FilePath, volume: Volume) -> None:
    """Writes a 3-D model for ModEM: natural logarithms (LOGE), 10 digits, x from north to south."""
    rho = volume.resistivity
    sizes = (volume.x_nodes.size - 1, volume.y_nodes.size - 1, volume.z_nodes.size - 1)
    if rho.shape != (sizes[2], *sizes[:2]) or not np.all((rho > 0) & np.isfinite(rho)):
        raise ValueError(
            "`write_ws_model(volume=...)`: resistivity must be positive, in ohm m, of shape (z, x, y) = "
            f"{(sizes[2], *sizes[:2])}. Got shape {rho.shape}, smallest {rho.min()}."
        )
    lines = ["# 3-D model written by jaxmt", f"{sizes[0]} {sizes[1]} {sizes[2]} 0 LOGE"]
    for nodes in (volume.x_nodes, volume.y_nodes, volume.z_nodes):
        lines.append(" ".join(f"{step:.12g}" for step in np.diff(nodes)))
    for layer in np.log(rho):
        lines.append("")
        lines += [" ".join(f"{value:.10E}" for value in layer[::-1, k]) for k in range(sizes[1])]
    corner = (volume.x_nodes[0], volume.y_nodes[0], volume.z_nodes[0])
    lines += ["", " ".join(f"{c:.12g}" for c in corner), f"{volume.rotation:.12g}"]
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_modem_mask(path: FilePath) -> Int[np.ndarray, "earth x y"]:
    """The masks of a ModEM covariance file, x from south to north: 0 is air, 9 is the sea.

    A file without masks means the earth everywhere, 1. Raises `BadFile`, with the line, for a file that is
    damaged, or masks only some layers.
    """
    file = FreeFormat(path, "a ModEM covariance file")
    for k in range(COVARIANCE_HEADER):
        if not file.line(f"line {k + 1} of the header").startswith(("+", "|")):
            raise file.bad(f"expected {COVARIANCE_HEADER} lines of header that start with '+' or '|'.")
    nx, ny, nz = file.whole("the numbers of cells along x, y and z", 3, 0, MOST)
    if not 0 < nx * ny * nz <= MOST:
        raise file.bad(f"{nx} x {ny} x {nz} cells.")
    file.take("the smoothing along x", nz)
    file.take("the smoothing along y", nz)
    file.take("the smoothing along z", 1)
    file.take("the number of passes", 1)
    for _ in range(file.whole("the number of exceptions", 1, 0, MOST)[0]):
        file.take("an exception", 3)
    if file.ended:
        return np.ones((nz, nx, ny), dtype=int)
    masks = np.full((nz, nx, ny), -1)
    while not file.ended:
        first, last = file.whole("the first and the last layer of a block", 2, 0, MOST)
        if not 1 <= first <= last <= nz:
            raise file.bad(f"layers {first} to {last}; there are {nz}.")
        masks[first - 1 : last] = [file.whole("a row of masks", ny, 0, MOST) for _ in range(nx)][::-1]
    if np.any(masks < 0):
        raise file.bad(f"layer {np.argwhere(masks < 0)[0, 0] + 1} has no masks.")
    return masks
