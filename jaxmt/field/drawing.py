"""Figures and the files they are written to."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from tqdm import tqdm

from .. import plot
from .options import FORMATS


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A figure, and the file with the suffix .png that it is written to."""

    path: Path
    make: Callable[[], Figure]


def draw(drawings: Sequence[Drawing], formats: Sequence[str] = ("png",), *, quiet: bool = False) -> None:
    """Draws figures in every format, with a bar that says how many are left; older ones of others go."""
    for drawing in tqdm(drawings, "Drawing", unit="figure", dynamic_ncols=True, disable=quiet):
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
