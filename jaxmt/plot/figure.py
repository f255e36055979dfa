"""The figure as a whole: its layout, and writing it to a file."""

import os
import textwrap
import warnings
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..atomic import atomic_path

NAME = 16
"""Characters of a station's name in a figure at most."""

WIDTH = 9.0
"""Inches; a figure of this width has letters of 6 points at least where it is printed 170 mm wide."""

BOLD = 0.62
"""Width of a bold letter over its size, on average."""

LINES = 3
"""Lines of a title at most."""


def constrain(figure: Figure) -> None:
    """Gives `figure` the constrained layout unless it has one of its own."""
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")


def literal(text: str) -> str:
    """Text as it is, on one line: a pair of dollar signs would make mathematics of it."""
    return _on_a_line(text).replace("$", r"\$")


def shortened(text: str, most: int = NAME) -> str:
    """`literal` text of at most so many characters, the last of them an ellipsis where there were more."""
    plain = _on_a_line(text)
    return literal(plain if len(plain) <= most else f"{plain[: most - 1]}…")


def _on_a_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def wrapped(text: str, points: float, size: float) -> str:
    """`literal` text on at most `LINES` lines of `points`, bold letters of `size` points."""
    across = max(int(points / (BOLD * size)), 12)
    plain = shortened(text, LINES * across)
    return "\n".join(textwrap.wrap(plain, across, max_lines=LINES, placeholder=" …"))


def save(figure: Figure, path: str | os.PathLike, dpi: float | int = 200) -> Path:
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
    with atomic_path(path) as part, warnings.catch_warnings():
        # A sign that no font has is drawn as a box, which anybody sees.
        warnings.filterwarnings("ignore", r"Glyph .* missing from")
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
