"""Sections of phase tensors: the shape and the colour of an ellipse, and the dimension of a datum."""

import matplotlib as mpl
import numpy as np
import pytest
from identities import of_kind, present
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure

mpl.use("Agg")

from soundings import FREQUENCIES, half_space, two_dimensional  # noqa: E402

from jaxmt import plot  # noqa: E402
from jaxmt.plot.tensors import DIMENSIONS  # noqa: E402

PLACES = np.array([0.0, 1000.0, 3000.0])


def axes() -> Axes:
    return Figure(figsize=(8, 5)).subplots()


def line(**options):
    return [two_dimensional(f"S{k}", **options) for k in range(3)]


def ellipses(ax: Axes) -> EllipseCollection:
    return of_kind(EllipseCollection, next(c for c in ax.collections if c.get_label() == "phase tensors"))


def places(ax: Axes) -> np.ndarray:
    """Distance (km) and period (s) of each ellipse."""
    return np.asarray(ellipses(ax).get_offsets())


def test_ellipses_have_the_shape_of_the_tensors_north_upward():
    ax = plot.tensor_section(axes(), line(azimuth=30.0, te=35.0, tm=60.0), PLACES, colour="phi_min")
    drawn = ellipses(ax)
    # The longer axis is that of the larger phase, TM's, at 30 degrees from north: 60 from the right.
    np.testing.assert_allclose(np.asarray(drawn.get_angles()) % 180, 60.0, rtol=1e-9)
    ratio = np.tan(np.deg2rad(35)) / np.tan(np.deg2rad(60))
    heights, widths = np.asarray(drawn.get_heights()), np.asarray(drawn.get_widths())
    np.testing.assert_allclose(heights / widths, ratio, rtol=1e-9)
    colour = ScalarMappable(Normalize(0, 90), "viridis").to_rgba(np.array(35.0))
    np.testing.assert_allclose(np.asarray(drawn.get_facecolor())[0], colour, atol=1e-9)
    # In points, no ellipse of a station meets the next, and half of one fits within the frame.
    down = ax.transData.transform(places(ax)[places(ax)[:, 0] == 0])[:, 1] * 72 / ax.figure.dpi
    assert np.abs(np.diff(down)).min() >= widths[0] * (1 - 1e-9)
    frame = np.array([ax.bbox.y0, ax.bbox.y1]) * 72 / ax.figure.dpi
    assert np.all(np.abs(down[:, None] - frame) >= widths[0] / 2)
    assert set(places(ax)[:, 0]) == {0.0, 1.0, 3.0}
    assert set(np.round(places(ax)[:, 1], 9)) <= set(np.round(1 / FREQUENCIES, 9))


def test_periods_grow_downward_and_crowded_ones_are_left_out():
    ax = plot.tensor_section(axes(), line(), PLACES)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    low = Figure(figsize=(8, 1.2)).subplots()
    few = places(plot.tensor_section(low, line(), PLACES))
    assert 0 < len(few) < len(places(ax))
    # Of 300 stations at 1.5 points, every fourth or so; of pairs far apart, both.
    dense = plot.tensor_section(axes(), 100 * line(), np.arange(300.0), colorbar=False)
    at = np.unique(dense.transData.transform(places(dense))[:, 0]) * 72 / dense.figure.dpi
    assert at.size > 60
    assert np.diff(at).min() >= 5.0 * (1 - 1e-9)
    pairs = plot.tensor_section(axes(), line(), np.array([0.0, 1.0, 3000.0]))
    assert len(set(places(pairs)[:, 0])) == 3


def test_what_is_missing_is_left_out():
    bare = half_space("bare", z=np.full((FREQUENCIES.size, 2, 2), np.nan + 0j))
    sites = [bare, *line()[:2]]
    drawn = places(plot.tensor_section(axes(), sites, np.array([0.0, np.nan, 500.0])))
    assert set(drawn[:, 0]) == {0.5}
    with pytest.raises(ValueError, match="no site has a position"):
        plot.tensor_section(axes(), sites, np.full(3, np.nan))
    with pytest.raises(ValueError, match=r"distances=.*shape"):
        plot.tensor_section(axes(), sites, PLACES[:2])
    with pytest.raises(ValueError, match="colour="):
        plot.tensor_section(axes(), sites, PLACES, colour="alpha")


def test_dimensions_are_coloured_and_counted():
    # A half-space has equal phases, the second station does not; skew makes the third 3-D.
    twisted = two_dimensional("T", te=35.0, tm=60.0)
    z = twisted.z.copy()
    z[:, 0, 0], z[:, 1, 1] = 0.5j * z[:, 0, 1], 0.5 * z[:, 1, 0]
    twisted = half_space("T", z=z)
    ax = axes()
    plot.dimensionality_section(ax, [half_space(), two_dimensional(te=35.0, tm=60.0), twisted], PLACES)
    meshes = [c for c in ax.collections if c.get_array() is not None]
    assert [set(np.ravel(present(m.get_array()))) for m in meshes] == [{1}, {2}, {3}]
    for number, image in enumerate(meshes):
        assert image.to_rgba(np.array(number + 1)) == pytest.approx(to_rgba(DIMENSIONS[number]))
    texts = [text.get_text() for text in present(ax.get_legend()).get_texts()]
    assert texts == ["1-D  33 %", "2-D  33 %", "3-D  33 %"]
