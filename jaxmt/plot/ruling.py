"""Grid, marks and labels of a panel among many, in a few artists.

Matplotlib makes five objects of every tick and measures them again and again: on a page of fit curves that
took two thirds of the time.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.ticker import FixedLocator, NullLocator

from .symbols import SMALL
from .ticks import NumberFormatter, decade_ticks, label_width, minor_decades, numbers, room

MAJOR, MINOR, PAD = 3.5, 2.0, 3.5
"""Lengths of marks, and from a mark to its label, points."""

Ticks = Float[np.ndarray, " _"]


@dataclasses.dataclass(frozen=True)
class Ruling:
    """What an axis of many panels has in each of them.

    - `limits`: of the axis. `log`: whether it is logarithmic.
    - `major`: where grid lines and long marks are; `minor`: short marks; `labelled`: those of `major` with
      a label, where a panel has labels.
    """

    limits: tuple[float, float]
    log: bool
    major: Ticks
    minor: Ticks
    labelled: Ticks

    @classmethod
    def decades(cls, low: float, high: float, inches: float = np.inf) -> "Ruling":
        """A logarithmic axis; labels are left out where the axis is too short for them."""
        ticks = decade_ticks(low, high)
        labelled = ticks
        if np.isfinite(inches):
            labelled = decade_ticks(low, high, room(low, high, 72 * inches, upright=False, size=SMALL))
            # At the right end a label would meet the first one of the next panel.
            half = max(label_width(text, SMALL) for text in numbers(labelled)) / 2
            place = 72 * inches * np.log10(labelled / low) / np.log10(high / low)
            within = labelled[place <= 72 * inches - half]
            labelled = within if within.size else labelled[:1]
        minor = minor_decades(low, high)
        return cls((low, high), True, ticks, minor[(minor > low) & (minor < high)], labelled)

    @classmethod
    def steps(cls, low: float, high: float, step: float) -> "Ruling":
        """A linear axis with marks at the multiples of `step`."""
        # A whole number has no minus before its zero.
        ticks = step * np.arange(math.ceil(low / step), math.floor(high / step) + 1)
        return cls((low, high), False, ticks, np.zeros(0), ticks)


def ruled(ax: Axes, x: Ruling, y: Ruling, *, bottom: bool, left: bool) -> None:
    """Gives a panel its limits, grid and marks; labels at the `bottom` and at the `left` if so."""
    ax.set(xscale="log" if x.log else "linear", yscale="log" if y.log else "linear")
    ax.set(xlim=x.limits, ylim=y.limits)
    across, along = ax.get_xaxis_transform(), ax.get_yaxis_transform()
    grid = {"color": "0.9", "lw": 0.8, "zorder": 0.5, "label": "_grid"}
    for ticks, transform, turn in ((x.major, across, 1), (y.major, along, -1)):
        where = np.repeat(ticks, 3)
        where[2::3] = np.nan
        ends = np.tile([0.0, 1.0, np.nan], ticks.size)
        ax.add_line(Line2D(*(where, ends)[::turn], transform=transform, **grid))
    marks: dict[str, Any] = {"linestyle": "none", "color": "black", "clip_on": False, "label": "_marks"}
    for ruling, transform, marker, turn in ((x, across, TICKDOWN, 1), (y, along, TICKLEFT, -1)):
        for places, length, width in ((ruling.major, MAJOR, 0.8), (ruling.minor, MINOR, 0.6)):
            if places.size:
                style = marks | {"marker": marker, "markersize": length, "markeredgewidth": width}
                ends = (places, np.zeros(places.size))[::turn]
                ax.add_line(Line2D(*ends, transform=transform, **style))
    for axis, ruling, shown in ((ax.xaxis, x, bottom), (ax.yaxis, y, left)):
        axis.set_major_locator(FixedLocator(ruling.labelled.tolist()) if shown else NullLocator())
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(NumberFormatter())
        axis.set_tick_params(length=0, pad=MAJOR + PAD, labelsize=SMALL)
