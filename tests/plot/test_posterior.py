"""Figures of a posterior that is made up."""

import numpy as np
import pytest
from identities import of_kind, present
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from pictures import collisions, covered, texts
from posteriors import made_up

from jaxmt import Mesh, plot

MESH = Mesh(np.linspace(-6e3, 6e3, 13), np.concatenate([[0.0], np.geomspace(100, 6e3, 10)]))
STATIONS = np.array([-3e3, 0.0, 3e3])
NAMES = ("A1", "B2", "C3")


def test_sections_show_median_mode_and_probability():
    found, figure = made_up(MESH), Figure(figsize=(10, 10))
    axes = plot.posterior_sections(figure, found, conductor=10.0, stations=STATIONS, names=NAMES)
    images = [of_kind(QuadMesh, ax.collections[0]) for ax in axes]
    # Rounding of a power and its logarithm.
    median = np.median(found.log10_resistivity, axis=(0, 1))
    np.testing.assert_allclose(present(images[0].get_array()), median, rtol=1e-12)
    np.testing.assert_allclose(present(images[1].get_array()), found.mode, rtol=1e-12)
    shown = np.ma.filled(np.ma.asarray(images[2].get_array()), np.nan)
    # 3 and 100 ohm m lie 2.5 and 5 deviations from 10.
    assert np.all(shown[3:6, 5:7] > 0.9)
    assert np.all(shown[0:2] < 0.1)
    assert np.isnan(shown[-1]).all()
    assert images[0].get_clim() == images[1].get_clim()
    assert "Probability of less than 10 Ω m" in texts(figure)
    assert not collisions(figure)


def test_columns_fan_out_around_the_median():
    found, figure = made_up(MESH), Figure(figsize=(12, 5))
    axes = plot.posterior_columns(figure, found, STATIONS, names=NAMES)
    assert len(axes) == 3
    median, mode = axes[1].lines
    np.testing.assert_allclose(np.asarray(median.get_xdata())[::2], 10 ** found.median[:, 6])
    np.testing.assert_allclose(np.asarray(mode.get_xdata())[1::2], 10 ** found.mode[:, 6])
    wide, narrow = (np.log10(band.get_paths()[0].get_extents().width) for band in axes[0].collections)
    assert wide > narrow
    assert axes[0].get_ylim()[1] == 0
    assert {*NAMES, "95 % of the draws", "most probable"} <= set(texts(figure))
    assert not covered(figure)
    assert not collisions(figure)


def test_of_many_stations_six_are_drawn():
    axes = plot.posterior_columns(Figure(figsize=(12, 5)), made_up(MESH), np.linspace(-5e3, 5e3, 40))
    assert len(axes) == 6
    assert [ax.get_title(loc="left") for ax in axes][::5] == ["-5 km", "5 km"]


def test_traces_are_those_of_the_worst_cell():
    found, figure = made_up(MESH), Figure(figsize=(9, 5))
    upper, lower = plot.posterior_traces(figure, found)
    np.testing.assert_array_equal(upper.lines[1].get_ydata(), 10 ** found.log10_resistivity[1, :, 0, 0])
    assert upper.get_title(loc="left").endswith("R-hat 1.800, 30 effective draws")
    assert max(np.max(np.asarray(line.get_ydata())) for line in lower.lines) == pytest.approx(0.0)
    assert not collisions(figure)
