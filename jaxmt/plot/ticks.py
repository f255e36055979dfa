"""Ticks of logarithmic axes: as many as have room, and labels of one style."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, Locator, MaxNLocator, NullFormatter

Ticks = Float[np.ndarray, " _"]

MOST = 9
"""Labels of an axis of which no length is known."""

SIZE = 10.0
"""Size of the labels, points."""

WIDE, SCRIPT, APART = 0.65, 0.7, 0.8
"""Width of a character over its size, size of an exponent over that of its base, and the gap between two
labels over their size."""

HIGH = 1.7
"""Distance of two labels one above the other over their size."""


def decade_ticks(low: float, high: float, fits: Callable[[Ticks], bool] | None = None) -> Ticks:
    """Round values between two positive limits: the most of them that fit.

    - `fits`: whether the labels of some values have room; by default nine have.

    In this order: 1, 2 and 5 times the decades where there are fewer than two, the decades, every second,
    third and so on of them, and where no two decades lie between the limits, other round values.
    """
    fits = fits or (lambda ticks: ticks.size <= MOST)
    last = np.zeros(0)
    for found in _choices(low, high):
        if found.size and fits(found):
            return found
        last = found if found.size else last
    return last[:1]


def _choices(low: float, high: float) -> Iterator[Ticks]:
    """What `decade_ticks` chooses from, the densest first."""
    exponents = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)

    def inside(ticks: Ticks) -> Ticks:
        return ticks[(ticks > low * (1 - 1e-9)) & (ticks < high * (1 + 1e-9))]

    if np.log10(high / low) < 2:
        steps = inside(np.outer(10.0**exponents, [1.0, 2.0, 5.0]).ravel())
        if steps.size > 1:
            yield steps
    decades = inside(10.0**exponents)
    for every in range(1, max(decades.size, 2)):
        some = decades[np.round(np.log10(decades)) % every == 0]
        if some.size > 1:
            yield some
    if decades.size < 2:
        for count in (4, 3, 2, 1):
            yield inside(np.asarray(MaxNLocator(count, steps=[1, 2, 5, 10]).tick_values(low, high)))
    yield decades[:1]


def minor_decades(low: float, high: float) -> Ticks:
    """2 to 9 times each decade between two positive limits, none where they would be many."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    minor = np.outer(decades, np.arange(2, 10)).ravel()
    return minor if minor.size < 64 else np.zeros(0)


def plain(value: float) -> str:
    """A number as an axis shows it: 0.01, 1, 100, and beyond them powers of ten; -5 and 0 as they are."""
    if value <= 0:
        return f"{value:g}"
    if not _long(value):
        return f"{value:.3g}" if value < 1e3 else f"{value:.0f}"
    return _power(value)


def numbers(values: Sequence[float] | Ticks) -> list[str]:
    """Labels of one axis: all plain, or all powers of ten where one is too long else."""
    if any(value > 0 and _long(value) for value in values):
        return [_power(value) if value > 0 else f"{value:g}" for value in values]
    return [plain(value) for value in values]


def _long(value: float) -> bool:
    return not 1e-3 * (1 - 1e-9) <= value < 1e5


def _power(value: float) -> str:
    exponent = np.floor(np.log10(value * (1 + 1e-9)))
    factor = "" if np.isclose(value, 10**exponent) else rf"{value / 10**exponent:.2g}\times"
    return rf"${factor}10^{{{exponent:.0f}}}$"


def label_width(label: str, size: float = SIZE) -> float:
    """About how wide a label of `numbers` is, points."""
    base, raised, exponent = label.replace("$", "").replace(r"\times", "x").partition("^")
    return WIDE * size * (len(base) + (SCRIPT * len(exponent.strip("{}")) if raised else 0.0))


def room(
    low: float, high: float, points: float, *, upright: bool, size: float = SIZE
) -> Callable[[Ticks], bool]:
    """Whether the labels of some values have room on a logarithmic axis `points` long.

    - `upright`: whether the axis is vertical.
    """
    scale = points / max(float(np.log10(high / low)), 1e-9)

    def fits(ticks: Ticks) -> bool:
        if ticks.size < 2:
            return True
        apart = float(np.diff(np.log10(np.sort(ticks))).min()) * scale
        least = HIGH * size if upright else max(label_width(t, size) for t in numbers(ticks)) + APART * size
        return bool(apart >= least)

    return fits


class DecadeLocator(Locator):
    """The values of `decade_ticks`, or those between, that have room on the axis as long as it is now."""

    def __init__(self, size: float = SIZE, *, minor: bool = False):
        """`size`: of the labels, points."""
        self.size, self.minor = size, minor

    def __call__(self) -> Ticks:
        """The values in the axis' view."""
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Ticks:
        """The values between two positive limits."""
        if not 0 < vmin < vmax < np.inf:
            return np.zeros(0)
        if self.minor:
            return minor_decades(vmin, vmax)
        axes, upright = self.axis.axes, self.axis.axis_name == "y"
        box = axes.get_window_extent()
        points = (box.height if upright else box.width) * 72 / axes.figure.dpi
        return decade_ticks(vmin, vmax, room(vmin, vmax, points, upright=upright, size=self.size))


class NumberFormatter(Formatter):
    """The labels of `numbers`."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of one value."""
        del pos
        return plain(x)

    def format_ticks(self, values: Sequence[float] | Ticks) -> list[str]:
        """The labels of all values of an axis."""
        return numbers(values)


def log_axis(axis: Axis, size: float = SIZE) -> None:
    """Gives a logarithmic axis ticks and labels that have room however long it becomes.

    - `size`: of the labels, points.
    """
    axis.set_major_locator(DecadeLocator(size))
    axis.set_major_formatter(NumberFormatter())
    axis.set_minor_locator(DecadeLocator(size, minor=True))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(labelsize=size)
