"""Figures and the files they are written to."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from tqdm import tqdm

from .. import plot
from .options import FORMATS
from .step import step


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure, and the file with the suffix .png that it is written to."""

    path: Path
    make: Callable[[], Figure]


def draw(drawings: Sequence[Drawing], formats: Sequence[str] = ("png",), *, quiet: bool = False) -> None:
    """Draws figures in every format, and says how many are left or were drawn; older ones of others go.

    Where one cannot be written it goes on with the others, and raises `OSError` at the end.
    """
    failed: list[OSError] = []
    terminal = sys.stderr.isatty()
    off = quiet or not terminal
    with step(f"Drawing {len(drawings)} figures", quiet=quiet or terminal or not drawings):
        for drawing in tqdm(drawings, "Drawing", unit="figure", dynamic_ncols=True, disable=off):
            try:
                _write(drawing, formats)
            except OSError as error:
                failed.append(error)
    if failed:
        text = f"{len(failed)} of {len(drawings)} figures, and the report that needs them: {failed[0]}"
        raise OSError(text)


def _write(drawing: Drawing, formats: Sequence[str]) -> None:
    figure = drawing.make()
    for suffix in FORMATS:
        path = drawing.path.with_suffix(f".{suffix}")
        if suffix in formats:
            plot.save(figure, path)
        else:
            path.unlink(missing_ok=True)


def clear(folder: Path, *names: str) -> None:
    """Removes figures of an earlier run in every format."""
    for name in names:
        for suffix in FORMATS:
            for path in folder.glob(str(Path(name).with_suffix(f".{suffix}"))):
                path.unlink()
