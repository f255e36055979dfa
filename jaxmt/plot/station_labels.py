"""Names of stations on a map: beside them where all have room, else numbers with a key."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.offsetbox import HPacker, TextArea
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation

from .figure import shortened
from .symbols import SMALL

AWAY = 8.0
"""From a station to its label, points."""

MARK = 4.0
"""Half the size of a station's mark, points."""

SHRUNK = 0.75
"""What is left of the axes when legend and key stand beside them."""

LETTER, HIGH = 0.68, 1.25
"""Width of a letter and distance of lines over their size."""

LISTED = 120
"""Stations at most that a key lists; of more those are named that have room."""

HALO = [withStroke(linewidth=2.0, foreground="white")]
"""About a name, that lines may run under it."""

LIKE_A_LINE = 0.2
"""Width over length of a survey whose names are turned across it."""

Places = Float[np.ndarray, "site 2"]


def direction(place: Places) -> tuple[Float[np.ndarray, " 2"], bool]:
    """The unit vector along the stations, and whether they stand in a line."""
    if len(place) < 2:
        return np.array([1.0, 0.0]), False
    vectors, lengths, _ = np.linalg.svd((place - place.mean(axis=0)).T, full_matrices=False)
    return vectors[:, 0], bool(lengths[1] <= LIKE_A_LINE * lengths[0])


def placed(
    places: Float[np.ndarray, "site 2"],
    lengths: Float[np.ndarray, " site"],
    angle: float,
    offsets: Float[np.ndarray, "choice 2"],
) -> Int[np.ndarray, " site"]:
    """Which offset each label takes so that it meets none before it; -1 for a label that has no room.

    Where it can, a label keeps off the marks of other stations, too.

    - `places`: of the stations, points. `lengths`: of labels, points. `angle`: of all labels, degrees.
    - `offsets`: from a station to the middle of the nearer end of its label, points; a label reaches from
      there to the side of its offset.
    """
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    high = HIGH * SMALL / 2
    chosen = np.full(len(places), -1)
    taken = np.zeros((0, 4))
    marks = np.repeat(places @ axes.T, 2, axis=1) + MARK * np.array([-1.0, 1.0, -1.0, 1.0])
    for k in range(len(places)):
        free = []
        for choice, offset in enumerate(offsets):
            along, across = axes @ (places[k] + offset)
            start = along if axes[0] @ offset >= -1e-9 else along - lengths[k]
            box = np.array([start, start + lengths[k], across - high, across + high])
            if not _meets(taken, box):
                free.append((_meets(np.delete(marks, k, axis=0), box), choice, box))
                if not free[-1][0]:
                    break
        if free:
            _, chosen[k], box = min(free, key=lambda each: each[0])
            taken = np.vstack([taken, box])
    return chosen


def _meets(boxes: Float[np.ndarray, "n 4"], box: Float[np.ndarray, " 4"]) -> bool:
    """Whether a box, from and to along a label and across it, meets any of others."""
    along = (boxes[:, 0] < box[1]) & (box[0] < boxes[:, 1])
    return bool(np.any(along & (boxes[:, 2] < box[3]) & (box[2] < boxes[:, 3])))


class Labels(Artist):
    """Puts labels where they have room when they are drawn, and hides those that have none."""

    def __init__(
        self,
        ax: Axes,
        labels: Sequence[Annotation],
        place: Places,
        angle: float,
        offsets: Float[np.ndarray, "choice 2"],
        note: TextArea | None = None,
    ):
        """`place`: of the stations, in the data of `ax`; the others as in `placed`.

        - `note`: says how many labels have room.
        """
        super().__init__()
        self.of, self.labels, self.place, self.angle, self.offsets = ax, labels, place, angle, offsets
        self.note = note
        self.set_zorder(2.5)
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Moves and hides them."""
        del renderer
        points = self.of.transData.transform(self.place) * 72 / self.of.figure.dpi
        chosen = placed(
            points, np.array([_length(t.get_text()) for t in self.labels]), self.angle, self.offsets
        )
        turn = np.deg2rad(self.angle)
        if self.note is not None:
            self.note.set_text(f"{np.sum(chosen >= 0)} of {chosen.size} named")
        for label, choice in zip(self.labels, chosen, strict=True):
            label.set_visible(bool(choice >= 0))
            offset = self.offsets[max(choice, 0)]
            label.set_position((float(offset[0]), float(offset[1])))
            label.set_horizontalalignment(
                "left" if offset @ (np.cos(turn), np.sin(turn)) >= -1e-9 else "right"
            )


def _length(text: str) -> float:
    """About how long a label is, points, with a gap."""
    return LETTER * SMALL * (len(text.replace("\\$", "$")) + 0.6)


def label_stations(
    ax: Axes, place: Places, names: Sequence[str], towards: float | None = None
) -> HPacker | None:
    """Writes names beside stations, or numbers along the line, and returns the key of them.

    Of more than `LISTED` stations, those are named that have room, and how many is returned.

    - `place`: east and north, km, of `names`. The limits of `ax` are those of the stations.
    - `towards`: degrees from north in which the numbers grow; by default eastwards.
    """
    along, in_line = direction(place)
    way = np.deg2rad(90.0 if towards is None else towards)
    along = along if along @ (np.sin(way), np.cos(way)) >= 0 else -along
    normal = np.array([-along[1], along[0]])
    normal = normal if normal[1] > 1e-9 or (abs(normal[1]) < 1e-9 and normal[0] > 0) else -normal
    angle = float(np.rad2deg(np.arctan2(normal[1], normal[0]))) if in_line else 0.0
    angle = angle if angle <= 90 else angle - 180
    order = np.argsort(place @ along, kind="stable")
    box, view = ax.get_window_extent(), ax.viewLim
    per_km = min(box.width / max(view.width, 1e-9), box.height / max(view.height, 1e-9))
    points = SHRUNK * per_km * 72 / ax.figure.dpi * place[order]
    texts = [shortened(names[int(k)]) for k in order]
    offsets = AWAY * (normal[None, :] if in_line else np.array([[1.0, 0.4], [-1.0, 0.4], [1.0, -1.0]]))
    chosen = placed(points, np.array([_length(text) for text in texts]), angle, offsets)
    crowded, few = bool(np.any(chosen < 0)), len(texts) <= LISTED
    numbered = crowded and few
    written = [str(k + 1) for k in range(len(texts))] if numbered else texts
    if numbered:
        angle = 0.0
        offsets = AWAY * np.array([normal, -normal, [1.0, 0.0], [-1.0, 0.0], 2.2 * normal, -2.2 * normal])
    labels = [
        ax.annotate(
            text,
            (float(place[k, 0]), float(place[k, 1])),
            (float(offsets[0, 0]), float(offsets[0, 1])),
            textcoords="offset points",
            rotation=angle,
            rotation_mode="anchor",
            va="center",
            fontsize=SMALL,
            gid="station",
            path_effects=HALO,
            # A label beyond the axes would widen the margin.
            in_layout=False,
        )
        for text, k in zip(written, order, strict=True)
    ]
    note = TextArea("", textprops={"fontsize": SMALL}) if crowded and not few else None
    ax.add_artist(Labels(ax, labels, place[order], angle, offsets, note))
    if note is not None:
        return HPacker(pad=0, sep=0, children=[note])
    return _key(ax, texts) if numbered else None


def _key(ax: Axes, texts: Sequence[str]) -> HPacker:
    """Numbers and names, in columns as high as the axes are."""
    height = SHRUNK * ax.get_window_extent().height * 72 / ax.figure.dpi
    rows = max(int(height / (HIGH * SMALL)) - 6, 8)
    lines = [f"{number} {text}" for number, text in enumerate(texts, 1)]
    columns = ["\n".join(lines[first : first + rows]) for first in range(0, len(lines), rows)]
    style = {"fontsize": SMALL, "linespacing": HIGH}
    return HPacker(pad=0, sep=6, align="top", children=[TextArea(c, textprops=style) for c in columns])
