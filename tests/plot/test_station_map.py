"""The map: what is drawn where, and what happens without positions."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

mpl.use("Agg")

from soundings import half_space  # noqa: E402

from jaxmt import plot  # noqa: E402
from jaxmt.plot.station_labels import placed  # noqa: E402


def sites(count=4):
    """Stations 2 km apart towards the south-east."""
    step = 2e3 / np.sqrt(2)
    return [half_space(f"S{k}", easting=step * k, northing=-step * k) for k in range(count)]


def axes() -> Axes:
    return Figure(figsize=(7, 6)).subplots()


def line(ax: Axes, label: str) -> Line2D:
    return next(line for line in ax.lines if str(line.get_label()).startswith(label))


def points(ax: Axes, label: str) -> np.ndarray:
    """(x, y) of the points of a line."""
    return np.asarray(line(ax, label).get_xydata())


def test_stations_stand_in_km_around_their_mean_with_equal_scales():
    ax = plot.station_map(axes(), sites())
    shown = points(ax, "stations")
    # Rounding only: a line to the south-east with its middle at the origin.
    np.testing.assert_allclose(shown.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(shown, axis=0), np.tile([1, -1], (3, 1)) * np.sqrt(2), rtol=1e-12)
    assert ax.get_aspect() == 1.0
    # The degrees of all are 0, 0, which is not where they are: there is no graticule.
    assert ax.get_xlabel() == "Easting (km)"


def test_the_profile_crosses_the_strike():
    ax = plot.station_map(axes(), sites(), strike=45.0)
    (x0, y0), (x1, y1) = points(ax, "profile")
    assert line(ax, "profile").get_label() == "profile 135°"
    # Azimuth 135 degrees; rounding only.
    assert np.arctan2(x1 - x0, y1 - y0) == pytest.approx(np.deg2rad(135))
    (x0, y0), (x1, y1) = points(ax, "strike")
    assert np.arctan2(x1 - x0, y1 - y0) == pytest.approx(np.deg2rad(45))


@pytest.mark.parametrize("kept", [{"S0", "S1", "S3"}, (0, 1, 3)])
def test_stations_that_were_left_out_are_hollow(kept):
    ax = plot.station_map(axes(), sites(), kept=kept)
    assert len(points(ax, "left out")) == 1
    assert line(ax, "left out").get_markerfacecolor() == "white"
    assert len(points(ax, "stations")) == 3


def test_a_station_without_position_is_not_drawn():
    lost = dataclasses.replace(sites()[0], easting=np.nan, latitude=np.nan)
    known = [half_space(f"D{k}", latitude=0.01 * k) for k in range(3)]
    assert len(points(plot.station_map(axes(), [lost, *known]), "stations")) == 3
    with pytest.raises(ValueError, match="no site has a position"):
        plot.station_map(axes(), [lost])


def test_a_lone_station_is_drawn():
    ax = plot.station_map(axes(), sites(1), strike=10.0)
    assert points(ax, "stations").tolist() == [[0.0, 0.0]]
    assert ax.get_xlabel() == "Longitude"


def test_dollar_signs_in_names_are_no_mathematics():
    named = [dataclasses.replace(site, name=f"$\\x{k}$_") for k, site in enumerate(sites())]
    ax = plot.station_map(axes(), named)
    assert r"\$\x0\$_" in [text.get_text() for text in ax.texts]
    # Drawing would raise `ValueError` for what is no mathematics.
    ax.figure.canvas.draw()


def test_labels_keep_off_the_marks_of_other_stations_where_they_can():
    places, lengths, sides = (
        np.array([[0.0, 0.0], [-6.0, 0.0]]),
        np.full(2, 10.0),
        np.array([[-8.0, 0], [8, 0]]),
    )
    # On its left stands the other station, and on the other's left nothing.
    assert placed(places, lengths, 0.0, sides).tolist() == [1, 0]
    # Without a choice it stands on a mark rather than nowhere, and the other's label meets it.
    assert placed(places, lengths, 0.0, sides[:1]).tolist() == [0, -1]
