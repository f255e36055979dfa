"""What stands on a page: the texts that are drawn, where, and whether any two meet."""

import contextlib
import itertools
import weakref
from collections.abc import Iterator
from unittest.mock import patch

import matplotlib as mpl
import numpy as np
from identities import of_kind
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from jaxmt.plot import figure as figures

TOUCH = 1.0
"""Pixels by which two boxes may overlap: boxes of letters have a margin, and pixels are whole."""

LEGIBLE = 6.0 * figures.WIDTH / (170 / 25.4)
"""Points of letters that have 6 in print, 170 mm wide."""

KNOWN: weakref.WeakKeyDictionary[Figure, list[tuple[str, np.ndarray]]] = weakref.WeakKeyDictionary()
"""What stands on figures that nobody changed since."""


def drawn(figure: Figure) -> list[tuple[str, np.ndarray]]:
    """Every text that is drawn, and the corners of its box in pixels, of shape (4, 2)."""
    if figure in KNOWN and not figure.stale:
        return KNOWN[figure]
    canvas, found, original = FigureCanvasAgg(figure), [], Text.draw

    def draw(self, renderer):
        original(self, renderer)
        if self.get_visible() and self.get_text().strip():
            found.append(self)

    # Once for the layout.
    figure.draw_without_rendering()
    with patch.object(Text, "draw", draw):
        figure.draw_without_rendering()
    renderer = canvas.get_renderer()
    KNOWN[figure] = [(text.get_text(), _corners(text, renderer)) for text in found]
    figure.stale = False
    return KNOWN[figure]


def _corners(text: Text, renderer) -> np.ndarray:
    angle = text.get_rotation()
    if angle % 90 == 0:
        return text.get_window_extent(renderer).corners()[[0, 1, 3, 2]]
    # Turned about its anchor.
    text.set_rotation(0)
    flat = text.get_window_extent(renderer).corners()[[0, 1, 3, 2]]
    text.set_rotation(angle)
    anchor = text.get_transform().transform(text.get_unitless_position())
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return anchor + (flat - anchor) @ np.array([[c, s], [-s, c]])


def meet(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two rectangles overlap by more than `TOUCH`: none of their sides' normals parts them."""
    for box in (one, other):
        for side in (box[1] - box[0], box[3] - box[0]):
            length = np.hypot(*side)
            if length == 0:
                continue
            first, second = one @ side / length, other @ side / length
            if min(first.max(), second.max()) - max(first.min(), second.min()) <= TOUCH:
                return False
    return True


def collisions(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that meet."""
    return [(a, b) for (a, at), (b, there) in itertools.combinations(drawn(figure), 2) if meet(at, there)]


def covered(figure: Figure | SubFigure) -> list[str]:
    """The first entry of every legend that stands on axes, where data may be."""
    of_kind(Figure, figure).draw_without_rendering()
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes)]
    return [
        legend.get_texts()[0].get_text()
        for legend in legends
        for ax in figure.axes
        if legend is not None
        and meet(*(box.corners()[[0, 1, 3, 2]] for box in (legend.get_window_extent(), ax.bbox)))
    ]


def texts(figure: Figure) -> list[str]:
    """What is written."""
    return [text for text, _ in drawn(figure)]


def written(artist: Artist) -> Iterator[tuple[str, float]]:
    """Every text and its size in points; of an axis without making its ticks, which takes longest."""
    if isinstance(artist, Text):
        if artist.get_text():
            yield artist.get_text(), float(artist.get_fontsize())
    elif isinstance(artist, Axis):
        yield from written(artist.label)
        size = artist.get_tick_params().get("labelsize", mpl.rcParams["xtick.labelsize"])
        yield f"ticks beside {artist.label.get_text()}", FontProperties(size=size).get_size_in_points()
    else:
        for child in artist.get_children():
            yield from written(child)


@contextlib.contextmanager
def sketched():
    """Figures are made, and saved as empty pages: to draw them is most of the time of a short run.

    Those that would be illegible in print fail.
    """
    draw = figures._draw_once

    def sketch(figure, path, dpi):
        assert figure.get_figwidth() <= figures.WIDTH, path
        small = [text for text, size in written(figure) if size < LEGIBLE]
        assert not small, (path, small)
        draw(Figure(figure.get_size_inches()), path, min(dpi, 30))

    with patch.object(figures, "_draw_once", sketch):
        yield
