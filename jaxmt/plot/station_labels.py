"""Names of stations on a map: beside them where all have room, else numbers with a key."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.offsetbox import HPacker, TextArea
from matplotlib.text import Annotation

from .figure import shortened
from .symbols import SMALL

AWAY = 8.0
"""From a station to its label, points."""

SHRUNK = 0.75
"""What is left of the axes when legend and key stand beside them."""

LETTER, HIGH = 0.62, 1.25
"""Width of a letter and distance of lines over their size."""

SMALLEST = 6.0
"""Size of the letters of a key, points."""

LIKE_A_LINE = 0.2
"""Width over length of a survey whose names are turned across it."""

Places = Float[np.ndarray, "site 2"]


def direction(place: Places) -> tuple[Float[np.ndarray, " 2"], bool]:
    """The unit vector along the stations, and whether they stand in a line."""
    if len(place) < 2:
        return np.array([1.0, 0.0]), False
    vectors, lengths, _ = np.linalg.svd((place - place.mean(axis=0)).T, full_matrices=False)
    return vectors[:, 0], bool(lengths[1] <= LIKE_A_LINE * lengths[0])


def have_room(
    places: Float[np.ndarray, "site 2"], lengths: Float[np.ndarray, " site"], angle: float, size: float
) -> Bool[np.ndarray, " site"]:
    """Which labels have room beside those before them.

    - `places`: where labels begin, points. `lengths`: of labels, points. `angle`: of labels, degrees.
    """
    turn = np.deg2rad(angle)
    along = places @ np.array([np.cos(turn), np.sin(turn)])
    across = places @ np.array([-np.sin(turn), np.cos(turn)])
    shown = np.zeros(len(places), dtype=bool)
    for k in range(len(places)):
        beside = (along[shown] < along[k] + lengths[k]) & (along[k] < along[shown] + lengths[shown])
        shown[k] = not np.any(beside & (np.abs(across[shown] - across[k]) < HIGH * size))
    return shown


class Labels(Artist):
    """Shows those of some labels that have room when they are drawn."""

    def __init__(self, ax: Axes, labels: Sequence[Annotation], place: Places, angle: float):
        """`place`: of the stations, in the data of `ax`."""
        super().__init__()
        self.of, self.labels, self.place, self.angle = ax, labels, place, angle
        self.set_zorder(2.5)
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase) -> None:
        """Hides the others."""
        del renderer
        points = self.of.transData.transform(self.place) * 72 / self.of.figure.dpi
        lengths = np.array([LETTER * SMALL * (len(label.get_text()) + 1) for label in self.labels])
        shown = have_room(points, lengths, self.angle, SMALL)
        for label, is_shown in zip(self.labels, shown, strict=True):
            label.set_visible(bool(is_shown))


def label_stations(ax: Axes, place: Places, names: Sequence[str]) -> HPacker | None:
    """Writes names beside stations, or numbers along the line; then the key of them.

    - `place`: east and north, km, of `names`. The limits of `ax` are those of the stations.
    """
    along, in_line = direction(place)
    normal = np.array([-along[1], along[0]])
    normal = normal if normal[1] > 1e-9 or (abs(normal[1]) < 1e-9 and normal[0] > 0) else -normal
    angle = float(np.rad2deg(np.arctan2(normal[1], normal[0])))
    angle = angle if angle <= 90 else angle - 180
    # Left of the vertical the text ends at the station.
    back = in_line and normal[0] < -1e-9
    order = np.argsort(place @ along, kind="stable")
    box, view = ax.get_window_extent(), ax.viewLim
    per_km = min(box.width / max(view.width, 1e-9), box.height / max(view.height, 1e-9))
    points = SHRUNK * per_km * 72 / ax.figure.dpi * place[order]
    texts = [shortened(names[int(k)]) for k in order]
    lengths = np.array([LETTER * SMALL * (len(text) + 1) for text in texts])
    numbered = not have_room(points, lengths, angle if in_line else 0.0, SMALL).all()
    written = [str(k + 1) for k in range(len(texts))] if numbered else texts
    turned = angle if in_line and not numbered else 0.0
    away = AWAY * (normal if in_line and not numbered else np.array([1.0, 0.4]))
    labels = [
        ax.annotate(
            text,
            (float(place[k, 0]), float(place[k, 1])),
            (float(away[0]), float(away[1])),
            textcoords="offset points",
            rotation=turned,
            rotation_mode="anchor",
            ha="right" if back and not numbered else "left",
            va="center",
            fontsize=SMALL,
            gid="station",
            # A label beyond the axes would widen the margin.
            in_layout=False,
        )
        for text, k in zip(written, order, strict=True)
    ]
    ax.add_artist(Labels(ax, labels, place[order], turned))
    return _key(ax, texts) if numbered else None


def _key(ax: Axes, texts: Sequence[str]) -> HPacker:
    """Numbers and names, in columns as high as the axes are."""
    height = SHRUNK * ax.get_window_extent().height * 72 / ax.figure.dpi
    rows = max(int(height / (HIGH * SMALLEST)) - 6, 8)
    lines = [f"{number} {text}" for number, text in enumerate(texts, 1)]
    columns = ["\n".join(lines[first : first + rows]) for first in range(0, len(lines), rows)]
    style = {"fontsize": SMALLEST, "linespacing": HIGH}
    return HPacker(pad=0, sep=6, align="top", children=[TextArea(c, textprops=style) for c in columns])
