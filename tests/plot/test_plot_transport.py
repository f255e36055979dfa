"""Figures of transport and of landscapes: what is drawn is what was given."""

import matplotlib as mpl
import numpy as np
import pytest
from identities import of_kind, present
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from pictures import covered

mpl.use("Agg")

from jaxmt import Survey, plot  # noqa: E402

SURVEY = Survey(np.array([100.0, 10.0, 1.0]), np.array([0.0, 1000.0, 2000.0, 3000.0]))
SHAPE = (3, 4)


def axes():
    return Figure(figsize=(8, 5), layout="constrained").subplots()


def test_a_landscape_marks_its_local_minima():
    x = np.linspace(-1, 1, 21)
    ax = plot.landscape(axes(), x, {"one": x**2, "two": np.cos(3 * np.pi * x)}, true=0.0, label="x (m)")
    labels = [text.get_text() for text in present(ax.get_legend()).get_texts()]
    # cos(3 pi x) is least at x = -1, -1/3, 1/3 and 1; the ends are not interior.
    assert labels == ["one (1)", "two (2)"]
    assert not covered(ax.figure)
    np.testing.assert_array_equal(plot.local_minima(x**2), [10])
    with pytest.raises(ValueError, match=r"shape of `parameter`, \(21,\). Got \(20,\) for 'one'"):
        plot.landscape(axes(), x, {"one": x[1:]}, true=0.0, label="x")


def test_a_map_marks_its_local_minima():
    x, y = np.linspace(-1, 1, 21), np.linspace(-2, 2, 33)
    wells = np.minimum((x - 0.5) ** 2 + (y[:, None] - 1) ** 2, (x + 0.5) ** 2 + (y[:, None] + 1) ** 2 + 0.1)
    found = plot.minima_of_map(wells)
    np.testing.assert_allclose(
        np.stack([x[found[:, 1]], y[found[:, 0]]]), [[-0.5, 0.5], [-1, 1]], atol=1e-15
    )
    ax = plot.landscape_map(
        axes(), x, y, wells, true=(0.5, 1.0), labels=("x (m)", "y (m)"), title="Two wells"
    )
    assert ax.get_title(loc="left") == "Two wells (2)"
    with pytest.raises(ValueError, match=r"must have shape \(y, x\) = \(33, 21\). Got \(21, 33\)"):
        plot.landscape_map(axes(), x, y, wells.T, true=(0.5, 1.0), labels=("", ""))
    # Four neighbours are higher, but one on the diagonal is not: a saddle, no minimum.
    saddle = np.array([[9.0, 2, 0], [2, 1, 2], [9, 2, 9]])
    assert len(plot.minima_of_map(saddle)) == 0


def test_a_plan_is_drawn_as_lines_from_predicted_to_observed():
    periods = np.array([1.0, 10.0, 100.0])
    predicted, observed = np.array([1.0, 2.0, np.nan]), np.array([3.0, 4.0, 5.0])
    plan = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    ax = plot.transport_plan(axes(), periods, predicted, observed, plan, label="value", title="Plan")
    lines = next(c for c in ax.collections if isinstance(c, LineCollection))
    expected = [[(1, 1), (10, 4)], [(10, 2), (1, 3)], [(10, 2), (100, 5)]]
    np.testing.assert_array_equal(lines.get_segments(), expected)
    # Shares of the predicted sample; the third one is missing.
    np.testing.assert_array_equal(lines.get_alpha(), [1.0, 0.5, 0.5])
    assert not covered(ax.figure)
    with pytest.raises(ValueError, match=r"plan=...\)` must have shape"):
        plot.transport_plan(axes(), periods, predicted, observed, plan[:2], label="value")


def test_moved_mass_has_an_arrow_for_what_moves():
    leaving = np.zeros(SHAPE)
    leaving[1, 2] = 0.4
    distance = 1e3 * leaving
    ax = plot.moved_mass(axes(), SURVEY, leaving, np.zeros(SHAPE), distance)
    notes = [of_kind(Annotation, text) for text in ax.texts]
    arrows = [note for note in notes if note.arrow_patch is not None]
    # From the station at 2 km to 2.4 km at a period of 0.1 s, true to scale.
    assert len(arrows) == 1
    np.testing.assert_allclose([arrows[0].xy, arrows[0].xyann], [[2.4, 0.1], [2.0, 0.1]], rtol=1e-14)
    assert "true to scale" in ax.get_xlabel()
    np.testing.assert_allclose(present(ax.collections[0].get_array()).max(), 40.0, rtol=1e-14)
    long = plot.moved_mass(axes(), SURVEY, leaving, np.zeros(SHAPE), 10 * distance)
    # 4 km against 0.9 of the 1 km between stations.
    assert "shortened to 22 %" in long.get_xlabel()
    with pytest.raises(ValueError, match=r"distance=...\)` must have shape"):
        plot.moved_mass(axes(), SURVEY, leaving, np.zeros(SHAPE), distance.T)


def test_gradients_are_drawn_over_their_largest():
    gradients = {"one": np.arange(12.0).reshape(SHAPE) - 3, "two": np.zeros(SHAPE)}
    panels = plot.misfit_gradients(Figure(figsize=(8, 4)), SURVEY, gradients, title="Gradients")
    drawn = [np.asarray(ax.collections[0].get_array()) for ax in panels]
    assert drawn[0].max() == 1.0
    assert drawn[0].min() == -3 / 8
    np.testing.assert_array_equal(drawn[1], 0.0)
    with pytest.raises(ValueError, match="must hold one misfit or more"):
        plot.misfit_gradients(Figure(), SURVEY, {})
    with pytest.raises(ValueError, match=r"gradients\['one'\]=...\)` must have shape"):
        plot.misfit_gradients(Figure(), SURVEY, {"one": np.zeros((4, 3))})
