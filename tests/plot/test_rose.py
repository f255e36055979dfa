"""The rose: petals where the tensors point, and the lines of strike, its alternative and the arrows."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from identities import of_kind
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.projections.polar import PolarAxes

mpl.use("Agg")

from soundings import half_space, two_dimensional  # noqa: E402

from jaxmt import plot  # noqa: E402
from jaxmt.processing import strike, tensor_axes  # noqa: E402


def axes() -> PolarAxes:
    return of_kind(PolarAxes, Figure().add_subplot(projection="polar"))


def test_petals_point_along_and_across_strike():
    # TM phase above TE phase: the axis of the larger phase is the strike.
    sites = [two_dimensional(f"S{k}", azimuth=25.0, te=35.0, tm=60.0) for k in range(2)]
    ax = axes()
    plot.strike_rose(ax, sites)
    tall = [bar for bar in (of_kind(Rectangle, patch) for patch in ax.patches) if bar.get_height() > 0]
    # Four petals of all the weight: both ends of the axis and of that at right angles.
    assert [bar.get_height() for bar in tall] == pytest.approx([1.0] * 4)
    centres = np.rad2deg([bar.get_x() + bar.get_width() / 2 for bar in tall]) % 360
    # 25 degrees lies in the petal from 20 to 30.
    np.testing.assert_allclose(np.sort(centres), [25, 115, 205, 295], rtol=1e-9)
    assert ax.get_theta_direction() == -1


def test_lines_of_what_was_found_and_used():
    sites = [two_dimensional("A", azimuth=25.0, te=35.0, tm=60.0, arrow=0.3)]
    found = strike(sites)
    # The larger of scatter and spread is stated, as in words.
    ax = plot.strike_rose(axes(), sites, found=dataclasses.replace(found, spread=7.0), strike=20.0)
    assert "strike 25° ± 7°" in [line.get_label() for line in ax.lines]
    drawn = {str(line.get_label()).split()[0]: np.asarray(line.get_xdata())[0] for line in ax.lines}
    assert set(drawn) == {"strike", "or", "used", "induction"}
    # Arrows are perpendicular to the strike they settle; rounding only.
    assert np.rad2deg(drawn["strike"]) == pytest.approx(25.0)
    assert abs(np.cos(drawn["induction"] - drawn["strike"])) < 1e-9
    assert np.rad2deg(drawn["used"]) == pytest.approx(20.0)


def test_bad_axes_and_no_tensor():
    with pytest.raises(ValueError, match="must be polar"):
        plot.strike_rose(Figure().add_subplot(), [half_space()])
    bare = half_space(z=np.full((26, 2, 2), np.nan + 0j))
    with pytest.raises(ValueError, match="no phase tensor is left"):
        plot.strike_rose(axes(), [bare])
    assert tensor_axes([])[0].size == 0
