"""What ModEM reads besides data and model: the covariance of the model and the control files."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from ..atomic import FilePath, atomic_path
from ..simulation.mesh import Mesh

FREE, AIR, SEA = 1, 0, 9
"""Masks of a covariance file."""

SMOOTHING = 0.3
PER_LINE = 10

HEADER = (
    "Model covariance for a recursive autoregression, written by jaxmt.",
    "Masks tell areas of the model: 0 is air, 9 is the sea, 1 is the ground.",
    "Air and sea keep their resistivities, and nothing is smoothed across",
    "their boundaries. This header is 16 lines long. After it come:",
    "1. Numbers of cells without air layers (Nx, Ny, NzEarth)",
    "2. Smoothing in the X direction (NzEarth real values)",
    "3. Smoothing in the Y direction (NzEarth real values)",
    "4. Vertical smoothing (1 real value)",
    "5. Number of times the smoothing is applied (1 integer >= 0)",
    "6. Number of exceptions (1 integer >= 0)",
    "7. Exceptions (two masks and the smoothing across their boundary)",
    "8. First and last layer of a block, then its masks, Nx rows of Ny",
    "The section has one cell along x, which is along strike.",
    "",
)
WIDTH = 75


def write_modem_covariance(
    path: FilePath, mesh: Mesh, sea: Bool[np.ndarray, "earth y"] | None = None
) -> None:
    """Writes a covariance file whose masks keep air and sea as they are.

    - `sea`: True for cells of sea, or others that keep their resistivity; shape `mesh.shape`.

    The layout is that of ModEM's 3-D code with one cell along x; `read_modem_mask` reads it. The published
    2-D code of ModEM takes the file and smooths with constants of its own: there the sea stays fixed only
    in versions that read masks. The file appears whole or not at all.
    """
    masks = np.where(mesh.air, AIR, FREE)
    if sea is not None:
        if np.shape(sea) != mesh.shape:
            raise ValueError(
                f"`write_modem_covariance(sea=...)` must have the shape of the mesh, {mesh.shape}. "
                f"Got {np.shape(sea)}."
            )
        masks = np.where(sea & ~mesh.air, SEA, masks)
    rule = f"+{'-' * (WIDTH + 2)}+"
    smoothing = [f"{SMOOTHING:g}"] * mesh.n_earth
    each = [" ".join(smoothing[k : k + PER_LINE]) for k in range(0, len(smoothing), PER_LINE)]
    lines = [rule, *(f"| {text:<{WIDTH}} |" for text in HEADER), rule, ""]
    lines += [f"1 {mesh.n_y} {mesh.n_earth}", "", *each, "", *each, "", f"{SMOOTHING:g}", "", "1", "", "0"]
    for first, last in _alike(masks):
        lines += ["", f"{first + 1} {last + 1}", " ".join(map(str, masks[first]))]
    _write(Path(path), lines)


def _alike(masks: np.ndarray) -> list[tuple[int, int]]:
    """First and last row of each run of rows that are alike."""
    starts = [0, *(k for k in range(1, len(masks)) if np.any(masks[k] != masks[k - 1]))]
    return list(zip(starts, [*(k - 1 for k in starts[1:]), len(masks) - 1], strict=True))


def write_modem_control(
    folder: FilePath, name: str, *, target: float = 1.05, iterations: int = 120
) -> tuple[Path, Path]:
    """Writes `control.inv` and `control.fwd` of ModEM; their paths.

    - `name`: what ModEM's own files begin with. `target`: the nRMS at which it stops; `iterations`: at
      most.

    Labels are 36 characters long, where ModEM looks for values. The 2-D code solves directly and reads
    nothing of the second file, whose place on its command line is before that of the covariance:
    `Mod2DMT -I NLCG MODEL DATA control.inv control.fwd COVARIANCE`.
    """
    inverse = (
        ("Model and data output file name", name),
        ("Initial damping factor lambda", "10."),
        ("To update lambda divide by", "10."),
        ("Initial search step in model units", "20."),
        ("Restart when rms diff is less than", "2.0e-3"),
        ("Exit search when rms is less than", f"{target:.6g}"),
        ("Exit when lambda is less than", "1.0e-4"),
    )
    lines = [f"{label:<35}: {value}" for label, value in inverse]
    # Four columns are read, the blank among them.
    lines.append(f"{'Maximum number of iterations':<35}:{min(iterations, 9999):4d}")
    forward = (
        ("Number of QMR iters per divergence correction", "40"),
        ("Maximum number of divergence correction calls", "20"),
        ("Maximum number of divergence correction iters", "100"),
        ("Misfit tolerance for EM forward solver", "1.0e-7"),
        ("Misfit tolerance for EM adjoint solver", "1.0e-7"),
        ("Misfit tolerance for divergence correction", "1.0e-5"),
    )
    paths = Path(folder) / "control.inv", Path(folder) / "control.fwd"
    _write(paths[0], lines)
    _write(paths[1], [f"{label:<46}: {value}" for label, value in forward])
    return paths


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
