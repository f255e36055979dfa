"""ModEM 2-D model files (Mackie's format, `.rho`): a mesh and its resistivity."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..mesh import Mesh

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[ED][+-]?\d{1,3})?", re.IGNORECASE)
WIDEST = 1e9
"""A cell this wide, in m, is damage."""

PER_LINE = 10

LARGEST_LOGARITHM = 100.0
"""Beyond this no ln(ohm m) is meant."""


class _Lines:
    """The lines of a model file, read on from one part to the next."""

    def __init__(self, path: Path, lines: list[str]):
        self.path = path
        self.lines = lines
        self.next = 0

    def take(self, what: str, count: int) -> list[float]:
        """The numbers of as many whole lines as hold `count`."""
        first = self.next
        values: list[float] = []
        while len(values) < count:
            if self.next >= len(self.lines):
                raise ValueError(
                    f"{self.path}, line {first + 1}: expected {count} numbers, {what}, but the file ends "
                    f"after {len(values)}; it is damaged, or its first line is wrong."
                )
            for token in self.lines[self.next].split():
                if not NUMBER.fullmatch(token):
                    raise ValueError(
                        f"{self.path}, line {self.next + 1}: {token[:40]!r} is not a number; expected "
                        f"{what}."
                    )
                values.append(float(token.upper().replace("D", "E")))
            self.next += 1
        if len(values) > count:
            raise ValueError(
                f"{self.path}, line {self.next}: expected the last of {count} numbers, {what}, but the "
                f"line holds {len(values) - count} more; the first line of the file may be wrong."
            )
        return values


def _nodes(path: Path, what: str, steps: list[float]) -> Float[np.ndarray, " n"]:
    bad = [step for step in steps if not 0 < step < WIDEST]
    if bad:
        raise ValueError(f"{path}: {what} must be positive, in m. Got {bad[0]}.")
    return np.concatenate([[0.0], np.cumsum(steps)])


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
    path = Path(path)
    raw = path.read_bytes()
    if b"\0" in raw:
        raise ValueError(f"{path} is not a ModEM model file: it holds zero bytes.")
    lines = _Lines(path, re.split(r"\r\n|\r|\n", raw.decode("latin-1").rstrip()))
    match = re.fullmatch(r"\s*(\d{1,6})\s+(\d{1,6})\s*(LOGE)?\s*", lines.lines[0], re.IGNORECASE)
    if match is None:
        raise ValueError(
            f"{path}, line 1: {lines.lines[0].strip()[:60]!r}; expected the numbers of columns and rows, "
            "and LOGE unless values are linear."
        )
    columns, rows = int(match[1]), int(match[2])
    if columns < 2 or rows < 2:
        raise ValueError(f"{path}, line 1: {columns} columns, {rows} rows; expected at least 2 of each.")
    lines.next = 1
    y_nodes = _nodes(path, "column widths", lines.take("the column widths in m", columns))
    z_nodes = _nodes(path, "row heights", lines.take("the row heights in m", rows))
    # ModEM reads and ignores one line here, 0 or 1.
    lines.next += 1
    section = np.array([lines.take(f"the values of row {k + 1} of {rows}", columns) for k in range(rows)])
    if any(line.strip() for line in lines.lines[lines.next :]):
        raise ValueError(
            f"{path}, line {lines.next + 1}: expected the end of the file after {rows} rows; the numbers "
            "in line 1 may be wrong."
        )
    return Mesh(y_nodes, z_nodes).with_air(), _converted(path, section, match[3] is not None, logarithm)


def _converted(
    path: Path, section: Float[np.ndarray, "earth y"], is_logarithm: bool, logarithm: bool
) -> Float[np.ndarray, "earth y"]:
    """The values of the file as resistivity or its natural logarithm."""
    if is_logarithm and logarithm:
        return section
    valid = np.abs(section) < LARGEST_LOGARITHM if is_logarithm else section > 0
    if not valid.all():
        row, column = np.argwhere(~valid)[0]
        raise ValueError(
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

    - `resistivity`: ohm m, of shape `mesh.shape`.

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
    for layer in np.log(section):
        lines += _wrapped(layer, ".10E")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
