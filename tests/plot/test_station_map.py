"""The map: what is drawn where, and what happens without positions."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

mpl.use("Agg")

from soundings import half_space  # noqa: E402

from jaxmt import plot  # noqa: E402


def sites(count=4):
    """Stations 2 km apart towards the south-east."""
    step = 2e3 / np.sqrt(2)
    return [half_space(f"S{k}", easting=step * k, northing=-step * k) for k in range(count)]


def axes():
    return Figure(figsize=(7, 6)).subplots()


def line(ax, label):
    return next(line for line in ax.lines if str(line.get_label()).startswith(label))


def test_stations_stand_in_km_around_their_mean_with_equal_scales():
    ax = plot.station_map(axes(), sites())
    shown = line(ax, "stations").get_xydata()
    # Rounding only: a line to the south-east with its middle at the origin.
    np.testing.assert_allclose(shown.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(shown, axis=0), np.tile([1, -1], (3, 1)) * np.sqrt(2), rtol=1e-12)
    assert ax.get_aspect() == 1.0


def test_the_profile_crosses_the_strike():
    ax = plot.station_map(axes(), sites(), strike=45.0)
    (x0, x1), (y0, y1) = line(ax, "profile").get_data()
    assert line(ax, "profile").get_label() == "profile 135°"
    # Azimuth 135 degrees; rounding only.
    assert np.arctan2(x1 - x0, y1 - y0) == pytest.approx(np.deg2rad(135))
    (x0, x1), (y0, y1) = line(ax, "strike").get_data()
    assert np.arctan2(x1 - x0, y1 - y0) == pytest.approx(np.deg2rad(45))


def test_stations_that_were_left_out_are_hollow():
    ax = plot.station_map(axes(), sites(), kept={"S0", "S1", "S3"})
    assert len(line(ax, "left out").get_xdata()) == 1
    assert line(ax, "left out").get_markerfacecolor() == "white"
    assert len(line(ax, "stations").get_xdata()) == 3


def test_a_station_without_position_is_not_drawn():
    lost = dataclasses.replace(sites()[0], easting=np.nan, latitude=np.nan)
    known = [half_space(f"D{k}", latitude=0.01 * k) for k in range(3)]
    assert len(line(plot.station_map(axes(), [lost, *known]), "stations").get_xdata()) == 3
    with pytest.raises(ValueError, match="no site has a position"):
        plot.station_map(axes(), [lost])


def test_a_lone_station_is_drawn():
    ax = plot.station_map(axes(), sites(1), strike=10.0)
    assert line(ax, "stations").get_xydata().tolist() == [[0.0, 0.0]]
    assert "0, 0 near 0.00° N, 0.00° E" in ax.get_xlabel()
