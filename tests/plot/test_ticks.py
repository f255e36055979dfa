"""Ticks of logarithmic axes: round, of one style, and apart however long the axis is."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

mpl.use("Agg")

from pictures import collisions, texts  # noqa: E402

from jaxmt.plot.ticks import decade_ticks, log_axis, numbers  # noqa: E402


@pytest.mark.parametrize("width", [0.9, 1.5, 3.0, 6.0, 12.0])
@pytest.mark.parametrize(
    ("low", "high"), [(1e-4, 1e4), (3e-5, 2e5), (0.02, 300.0), (12.0, 18.0), (101.0, 110.0), (1e-4, 5e-4)]
)
@pytest.mark.parametrize("upright", [False, True])
def test_labels_are_apart_at_any_length(width, low, high, upright):
    figure = Figure(figsize=(2.0, width) if upright else (width, 2.0), dpi=100)
    ax = figure.add_axes((0.3, 0.3, 0.65, 0.65))
    ax.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    axis, other = (ax.yaxis, ax.xaxis) if upright else (ax.xaxis, ax.yaxis)
    other.set_visible(False)
    log_axis(axis)
    assert collisions(figure) == []
    assert len(texts(figure)) >= (2 if width >= 3 else 1)


def test_the_longer_the_axis_the_more_labels():
    def count(width):
        figure = Figure(figsize=(width, 2.0))
        ax = figure.add_subplot()
        ax.set(xscale="log", xlim=(1e-4, 1e4), yticks=[])
        log_axis(ax.xaxis)
        return len(texts(figure))

    assert count(2.0) < count(4.0) < count(12.0) == 9


def test_labels_of_an_axis_are_of_one_style():
    assert numbers([0.001, 0.1, 10.0]) == ["0.001", "0.1", "10"]
    assert numbers([1e-4, 1e-2, 1.0]) == ["$10^{-4}$", "$10^{-2}$", "$10^{0}$"]
    assert numbers([10.0, 1e5]) == ["$10^{1}$", "$10^{5}$"]
    assert numbers([-5.0, 0.0, 5.0]) == ["-5", "0", "5"]


def test_fewer_decades_where_fewer_fit():
    for most in range(1, 9):
        ticks = decade_ticks(1e-4, 1e4, lambda ticks, most=most: ticks.size <= most)
        assert 1 <= ticks.size <= most
        # Whole decades, the same number of them between any two.
        exponents = np.log10(ticks)
        np.testing.assert_allclose(exponents, np.round(exponents), atol=1e-12)
        assert np.unique(np.round(np.diff(exponents))).size <= 1
