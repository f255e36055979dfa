"""The figure as a whole: its layout, and writing it to a file."""

import os
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..atomic import atomic_path


def constrain(figure: Figure) -> None:
    """Gives `figure` the constrained layout unless it has one of its own."""
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")


def literal(text: str) -> str:
    """Text that a figure shows as it is: a pair of dollar signs would make mathematics of it."""
    return text.replace("$", r"\$")


def save(figure: Figure, path: str | os.PathLike, dpi: float | int = 150) -> Path:
    """Writes `figure` to `path` in one step: after an error the file is absent, or as it was before.

    - `path`: its suffix (.png, .pdf, .svg, ...) chooses the format; its folder must exist.
    - `dpi`: dots per inch of what is not drawn as vectors.
    """
    path = Path(path)
    if not path.suffix:
        raise ValueError(
            f"`save(path=...)` must end in a suffix that names the format, such as .png. Got {path}."
        )
    if not path.parent.is_dir():
        raise ValueError(f"`save(path=...)` must lie in a folder that exists. Got {path}; make its folder.")
    with atomic_path(path) as part:
        if path.suffix.lower() == ".png":
            _draw_once(figure, part, dpi)
        else:
            figure.savefig(part, dpi=dpi, format=path.suffix[1:])
    return path


def _draw_once(figure: Figure, path: Path, dpi: float | int) -> None:
    """Writes a PNG; `Figure.savefig` would draw everything a second time, only to find the layout."""
    before, canvas = figure.get_dpi(), figure.canvas
    try:
        figure.set_dpi(dpi)
        FigureCanvasAgg(figure).print_png(path)
    finally:
        figure.set_dpi(before)
        figure.set_canvas(canvas)
