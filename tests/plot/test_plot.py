import itertools

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from identities import of_kind, present
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pictures import covered

mpl.use("Agg")

from jaxmt import Data, Mesh, Survey, plot  # noqa: E402
from jaxmt.plot.symbols import Exaggeration, cell_edges, moved_apart, rounded_decades, spread  # noqa: E402
from jaxmt.plot.ticks import decade_ticks, plain  # noqa: E402

STATIONS = np.array([4000.0, 0.0, 1000.0, 9000.0])


def axes() -> Axes:
    return Figure(figsize=(8, 5), layout="constrained").subplots()


def a_survey():
    return Survey(np.array([10.0, 0.1, 1.0]), STATIONS, names=("C", "A", "B", "D"))


def a_mesh():
    return Mesh(np.linspace(-20e3, 20e3, 21), np.array([-500.0, 0.0, 200.0, 1000.0, 5000.0, 20000.0]))


def test_a_single_station_shows_as_much_to_its_sides_as_below():
    """The same window on the page, where `report.numbers` asks for it."""
    mesh = a_mesh()
    ax = plot.section(axes(), mesh, a_section(mesh), stations=np.array([1e3]), depth=3e3)
    assert ax.get_xlim() == (-2.0, 4.0)
    assert ax.get_ylim() == (3.0, 0.0)
    # Without a depth half of the mesh's width, or all of its depth.
    assert plot.section(axes(), mesh, a_section(mesh), stations=np.zeros(1)).get_xlim() == (-20.0, 20.0)


def a_section(mesh):
    return np.geomspace(1.0, 1000.0, mesh.n_earth * mesh.n_y).reshape(mesh.shape)


def some_data(missing=()):
    """Data with one known residual each: component k lies k + 1 errors above the prediction."""
    predicted = np.broadcast_to(
        np.array([2.0, 40.0, 1.5, 50.0, 0.1, -0.1])[:, None, None], (6, 3, STATIONS.size)
    )
    errors = np.broadcast_to(np.array([0.05, 3.0, 0.05, 3.0, 0.02, 0.02])[:, None, None], predicted.shape)
    values = predicted + errors * np.arange(1, 7)[:, None, None]
    for index in missing:
        values[index] = np.nan
    return Data(a_survey(), values, errors), jnp.asarray(predicted)


def triangles(ax: Axes) -> Line2D:
    return next(line for line in ax.lines if line.get_label() == "stations")


def image(ax: Axes) -> QuadMesh:
    return of_kind(QuadMesh, ax.collections[0])


def shown(ax: Axes) -> np.ndarray:
    """The values of the image."""
    return present(image(ax).get_array())


def history(**changes):
    n = 5
    lists = {
        "iteration": list(range(n)),
        "loss": [1.0] * n,
        "nrms": [9.0, 5.0, 3.0, 2.0, 1.1],
        "regularization_factor": [10.0, 5.0, 5.0, 2.0, 1.0],
        "blur": [0.5, 0.4, 0.3, 0.2, 0.1],
    }
    return {**lists, **changes}


# The section.


def test_section_shows_log10_resistivity_red_where_conductive():
    mesh, ax = a_mesh(), axes()
    plot.section(ax, mesh, jnp.asarray(a_section(mesh)), limits=(1.0, 1000.0))
    np.testing.assert_allclose(shown(ax), np.log10(a_section(mesh)), rtol=1e-14)
    assert image(ax).get_cmap().name == "red-blue"
    assert image(ax).get_clim() == (0.0, 3.0)
    red, _, blue, _ = image(ax).to_rgba(np.array(0.3))
    assert red > 5 * blue


def test_section_is_in_km_with_depth_downward():
    mesh, ax = a_mesh(), axes()
    plot.section(ax, mesh, a_section(mesh), y_range=(-5e3, 15e3), depth=4e3)
    assert ax.get_xlim() == (-5.0, 15.0)
    assert ax.get_ylim() == (4.0, 0.0)
    corners = np.asarray(image(ax).get_coordinates())
    np.testing.assert_allclose(corners[0, :, 0], mesh.y_nodes / 1e3)
    np.testing.assert_allclose(corners[:, 0, 1], mesh.earth_nodes / 1e3)


def test_section_defaults_to_the_stations_and_a_tenth_more():
    mesh, ax = a_mesh(), axes()
    plot.section(ax, mesh, a_section(mesh), stations=STATIONS)
    assert ax.get_xlim() == (-0.9, 9.9)
    assert ax.get_ylim() == (5.4, 0.0)


def test_section_fades_where_it_is_not_trusted():
    mesh, ax = a_mesh(), axes()
    trust = np.linspace(0, 1, mesh.n_earth * mesh.n_y).reshape(mesh.shape)
    plot.section(ax, mesh, a_section(mesh), trust=trust)
    white = present(next(c for c in ax.collections if c.get_label() == "trust").get_array())
    np.testing.assert_allclose(white[..., :3], 1.0)
    np.testing.assert_allclose(white[..., 3], 1 - trust, rtol=1e-12)
    with pytest.raises(ValueError, match=r"trust=.*between 0 and 1"):
        plot.section(axes(), mesh, a_section(mesh), trust=2 * trust)


def test_comparison_takes_sections_on_two_meshes():
    mesh, other = a_mesh(), Mesh(np.linspace(-20e3, 20e3, 11), np.array([-1.0, 0.0, 300.0, 20e3]))
    figure = Figure(figsize=(8, 6))
    upper, lower, third = plot.comparison(
        figure, mesh, np.full(other.shape, 10.0), a_section(mesh), stations=STATIONS, true_mesh=other
    )
    assert shown(upper).shape == other.shape
    assert shown(lower).shape == mesh.shape
    # The ratio stands on the second mesh, red where it conducts more.
    np.testing.assert_allclose(shown(third), np.log10(a_section(mesh) / 10.0), rtol=1e-12, atol=1e-12)
    red, _, blue, _ = image(third).to_rgba(np.array(-0.9 * image(third).get_clim()[1]))
    assert red > 2 * blue
    assert upper.get_xlim() == lower.get_xlim()


def test_section_without_stations_shows_the_whole_mesh():
    mesh, ax = a_mesh(), axes()
    plot.section(ax, mesh, a_section(mesh))
    assert ax.get_xlim() == (-20.0, 20.0)
    assert ax.get_ylim() == (20.0, 0.0)


def test_section_marks_stations_in_km_above_the_ground():
    mesh, ax = a_mesh(), axes()
    plot.section(
        ax, mesh, a_section(mesh), stations=STATIONS, names=("C", "A", "B", "D"), y_range=(-1e3, 5e3)
    )
    marks = triangles(ax)
    assert np.asarray(marks.get_xdata()).tolist() == [0.0, 1.0, 4.0]
    assert not marks.get_clip_on()
    of_kind(Figure, ax.figure).draw_without_rendering()
    pixels = marks.get_transform().transform(marks.get_xydata())
    np.testing.assert_allclose(pixels[:, 1], ax.transData.transform((0.0, 0.0))[1])
    names = [label.get_text() for label in ax.child_axes[0].get_xticklabels()]
    assert names == ["A", "B", "C"]


def test_section_takes_its_colours_from_the_cells_shown():
    mesh, ax = a_mesh(), axes()
    resistivity = np.full(mesh.shape, 50.0)
    resistivity[-1] = 1e6
    plot.section(ax, mesh, resistivity, depth=4e3)
    np.testing.assert_allclose(image(ax).get_clim(), (1.0, 2.5))


def test_section_leaves_nan_blank():
    mesh, ax = a_mesh(), axes()
    resistivity = a_section(mesh)
    resistivity[1, 2] = np.nan
    plot.section(ax, mesh, resistivity)
    mask = np.ma.getmaskarray(shown(ax))
    assert np.argwhere(mask).tolist() == [[1, 2]]


def test_section_has_decades_of_ohm_m_on_its_colour_bar():
    mesh, ax = a_mesh(), axes()
    plot.section(ax, mesh, a_section(mesh), limits=(0.1, 1e4))
    bar = present(image(ax).colorbar)
    assert "Ω m" in bar.ax.get_ylabel()
    assert bar.get_ticks().tolist() == [-1.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    assert [t.get_text() for t in bar.ax.get_yticklabels()] == ["0.1", "1", "10", "100", "1000", "10000"]
    ax = axes()
    plot.section(ax, mesh, a_section(mesh), colorbar=False)
    assert image(ax).colorbar is None


@pytest.mark.parametrize(
    ("limits", "extend"),
    [((1.0, 1000.0), "neither"), ((2.0, 1000.0), "min"), ((1.0, 900.0), "max"), ((2.0, 900.0), "both")],
)
def test_colour_bar_is_pointed_where_values_lie_beyond(limits, extend):
    mesh, ax = a_mesh(), axes()
    plot.section(ax, mesh, a_section(mesh), limits=limits)
    assert present(image(ax).colorbar).extend == extend


def test_comparison_shares_colours_axes_and_bar():
    mesh, figure = a_mesh(), Figure(figsize=(10, 7))
    recovered = 3 * a_section(mesh)
    upper, lower, third = plot.comparison(
        figure, mesh, a_section(mesh), recovered, stations=STATIONS, depth=3e3
    )
    assert image(upper).get_clim() == pytest.approx(image(lower).get_clim())
    assert upper.get_xlim() == lower.get_xlim()
    assert lower.get_ylim() == (3.0, 0.0)
    np.testing.assert_allclose(shown(lower), np.log10(recovered))
    # Three times as resistive everywhere; rounding only.
    np.testing.assert_allclose(shown(third), np.log10(3.0), rtol=1e-12)
    assert image(third).get_clim() == (-0.5, 0.5)
    assert len(figure.axes) == 5
    assert all(any(isinstance(text, Exaggeration) for text in ax.texts) for ax in (upper, lower, third))
    assert figure.get_layout_engine() is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limits": (10.0, 1.0)}, r"section\(limits=.*ohm m.*\(10.0, 1.0\)"),
        ({"limits": (0.0, 1.0)}, r"section\(limits=.*above 0"),
        ({"y_range": (5.0, 5.0)}, r"section\(y_range="),
        ({"depth": -1.0}, r"section\(depth="),
        ({"stations": STATIONS, "names": ("A",)}, r"section\(names=.*\(4,\).*\(1,\)"),
    ],
)
def test_section_names_the_wrong_argument(changes, words):
    mesh = a_mesh()
    with pytest.raises(ValueError, match=words):
        plot.section(axes(), mesh, a_section(mesh), **changes)


def test_section_rejects_a_wrong_shape_and_logarithms():
    mesh = a_mesh()
    with pytest.raises(ValueError, match=r"section\(resistivity=.*\(4, 20\).*\(5, 20\)"):
        plot.section(axes(), mesh, np.ones((mesh.n_z, mesh.n_y)))
    with pytest.raises(ValueError, match=r"comparison\(resistivity=.*logarithms"):
        plot.comparison(Figure(), mesh, np.zeros(mesh.shape), np.ones(mesh.shape))


# Pseudosections.


def test_pseudosection_sorts_stations_and_periods():
    ax, values = axes(), np.arange(12.0).reshape(3, 4)
    plot.pseudosection(ax, a_survey(), values)
    # Periods 0.1, 10, 1 s and stations C, A, B, D become 0.1, 1, 10 s and A, B, C, D.
    np.testing.assert_array_equal(shown(ax), values[[0, 2, 1]][:, [1, 2, 0, 3]])
    corners = np.asarray(image(ax).get_coordinates())
    np.testing.assert_allclose(corners[0, :, 0], [-0.5, 0.5, 2.5, 6.5, 11.5])
    np.testing.assert_allclose(np.log10(corners[:, 0, 1]), [-1.5, -0.5, 0.5, 1.5])
    assert np.asarray(triangles(ax).get_xdata()).tolist() == [0.0, 1.0, 4.0, 9.0]


def test_pseudosection_has_period_downward_on_a_log_axis():
    ax = axes()
    plot.pseudosection(ax, a_survey(), np.ones((3, 4)))
    assert ax.get_yscale() == "log"
    assert ax.yaxis_inverted()
    assert ax.get_ylabel() == "Period (s)"


def test_pseudosection_masks_nan():
    ax, values = axes(), np.ones((3, 4))
    values[0, 1] = np.nan
    plot.pseudosection(ax, a_survey(), values, kind="phase")
    assert np.argwhere(np.ma.getmaskarray(shown(ax))).tolist() == [[0, 0]]
    assert ax.get_facecolor()[:3] == (0.85, 0.85, 0.85)


def test_pseudosection_of_stations_with_frequencies_of_their_own_has_no_stripes():
    """Two stations at six periods a decade apart by turns, one of them with a hole of three."""
    survey = Survey(10.0 ** -np.arange(0.0, 7.0, 0.5), np.array([0.0, 1000.0, 2000.0]))
    values = np.full((14, 3), np.nan)
    values[::2, 0], values[1::2, 1] = 1.0, 2.0
    values[::2, 2] = 3.0
    values[[4, 6], 2] = np.nan
    ax = axes()
    plot.pseudosection(ax, survey, values, kind="phase")
    corners = np.log10(np.asarray(image(ax).get_coordinates())[:, :, 1])
    cells, height = np.ma.getdata(shown(ax))[:, ::2], np.diff(corners, axis=0)[:, ::2]
    known = np.isfinite(cells)
    # A cell each, one decade high: half a step to either side. 1e-9: powers and logarithms.
    np.testing.assert_allclose(height[2:12, :2][known[2:12, :2]], 1.0, atol=1e-9)
    np.testing.assert_allclose(height[2:12, :2][~known[2:12, :2]], 0.0, atol=1e-9)
    assert np.ma.getmaskarray(shown(ax))[:, 1::2].all()
    # Three decades between two data of the third station are no step of its own.
    assert height[~known[:, 2], 2].sum() == pytest.approx(2.5, abs=0.5)
    # One shared edge of every station: the raster is that of the survey.
    plain = axes()
    whole = np.where(np.isnan(values), 0.0, values)
    plot.pseudosection(plain, survey, whole, kind="phase")
    assert shown(plain).shape == (14, 3)


@pytest.mark.parametrize(
    ("kind", "colours", "limits"),
    [
        ("log10_rho", "red-blue", (0.5, 2.0)),
        ("phase", "viridis", (0.0, 90.0)),
        ("residual", "RdBu", (-3.0, 3.0)),
    ],
)
def test_pseudosection_colours_of_each_kind(kind, colours, limits):
    ax = axes()
    plot.pseudosection(ax, a_survey(), np.linspace(0.7, 1.9, 12).reshape(3, 4), kind=kind)
    assert image(ax).get_cmap().name == colours
    assert image(ax).get_clim() == pytest.approx(limits)


def test_residual_limits_grow_symmetrically():
    ax, values = axes(), np.zeros((3, 4))
    values[1] = -7.5
    plot.pseudosection(ax, a_survey(), values, kind="residual")
    assert image(ax).get_clim() == (-8.0, 8.0)


def test_pseudosection_of_a_lone_station_and_period():
    survey, ax = Survey(np.array([1.0]), np.array([2000.0])), axes()
    plot.pseudosection(ax, survey, np.array([[np.nan]]), kind="residual")
    np.testing.assert_allclose(ax.get_xlim(), (1.5, 2.5))
    of_kind(Figure, ax.figure).draw_without_rendering()


@pytest.mark.parametrize(
    ("values", "changes", "words"),
    [
        (np.ones((4, 3)), {}, r"pseudosection\(values=.*\(frequency, station\) = \(3, 4\).*\(4, 3\)"),
        (np.ones((3, 4)), {"kind": "rho"}, r"pseudosection\(kind=.*log10_rho, phase, residual.*'rho'"),
        (np.ones((3, 4)), {"limits": (-1.0, 2.0)}, r"pseudosection\(limits=.*ohm m"),
        (np.ones((3, 4)), {"kind": "phase", "limits": (9.0, 2.0)}, r"pseudosection\(limits=.*degrees"),
        (np.ones((3, 4)), {"kind": "residual", "limits": (-1.0, 2.0)}, r"limits=.*symmetric"),
    ],
)
def test_pseudosection_names_the_wrong_argument(values, changes, words):
    with pytest.raises(ValueError, match=words):
        plot.pseudosection(axes(), a_survey(), values, **changes)


def test_pseudosections_show_observed_predicted_and_residual():
    data, predicted = some_data()
    grid = plot.pseudosections(Figure(figsize=(9, 9)), data, predicted)
    assert grid.shape == (4, 3)
    for row, component in zip(grid, (0, 2, 1, 3), strict=True):
        observed, computed, residual = (image(ax) for ax in row)
        known = data.values[component][[0, 2, 1]][:, [1, 2, 0, 3]]
        np.testing.assert_allclose(present(observed.get_array()), known)
        np.testing.assert_allclose(present(computed.get_array()), np.asarray(predicted[component]))
        np.testing.assert_allclose(present(residual.get_array()), component + 1)
        assert observed.get_clim() == computed.get_clim()
        assert residual.get_clim() == (-4.0, 4.0)
    assert image(grid[0, 0]).get_clim() == image(grid[1, 0]).get_clim()


def test_pseudosections_leave_out_a_mode_without_data():
    data, predicted = some_data(missing=[0, 1])
    grid = plot.pseudosections(Figure(), data, predicted)
    titles = [ax.get_ylabel().splitlines()[0] for ax in grid[:, 0]]
    assert titles == ["TM (yx) app. res.", "TM (yx) phase"]
    tippers, predicted = some_data(missing=[0, 1, 2, 3])
    with pytest.raises(ValueError, match=r"pseudosections\(data=.*tippers alone"):
        plot.pseudosections(Figure(), tippers, predicted)


def test_pseudosections_of_tippers():
    data, predicted = some_data()
    panels = plot.pseudosections(Figure(figsize=(11, 9)), data, predicted, tipper=True)
    assert panels.shape == (2, 3)
    assert [ax.get_ylabel().splitlines()[0] for ax in panels[:, 0]] == ["Real tipper", "Imaginary tipper"]
    assert image(panels[0, 0]).get_clim() == (-0.5, 0.5)
    # Real parts lie 5 errors off, imaginary ones 6.
    np.testing.assert_allclose(shown(panels[0, 2]), 5.0, rtol=1e-9)
    np.testing.assert_allclose(shown(panels[1, 2]), 6.0, rtol=1e-9)
    alone, _ = some_data(missing=(4, 5))
    with pytest.raises(ValueError, match="holds no tipper"):
        plot.pseudosections(Figure(), alone, predicted, tipper=True)


def test_names_that_would_meet_move_apart_as_little_as_needed():
    np.testing.assert_allclose(moved_apart(np.array([10.0, 11, 12, 50]), 5.0, 60.0), [6, 11, 16, 50])
    # At an end there is no room beyond.
    np.testing.assert_allclose(moved_apart(np.array([0.0, 1, 59, 60]), 5.0, 60.0), [0, 5, 55, 60])


# Curves.


def test_fit_curves_leave_out_a_mode_without_data():
    data, predicted = some_data(missing=[0, 1])
    figure = Figure()
    (rho, _), *_ = plot.fit_curves(figure, data, predicted)
    assert [bars.get_label() for bars in rho.containers] == ["TM (yx)"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "TM (yx) observed",
        "TM (yx) predicted",
    ]


def test_fit_curves_draw_red_circles_and_blue_squares_with_errors():
    data, predicted = some_data()
    pairs = plot.fit_curves(Figure(figsize=(15, 4)), data, predicted)
    assert [rho.get_title().split()[0] for rho, _ in pairs] == ["A", "B", "C", "D"]
    rho, phase = pairs[0]
    te, tm = (of_kind(ErrorbarContainer, bars).lines[0] for bars in rho.containers)
    assert (te.get_marker(), tm.get_marker()) == ("o", "s")
    assert np.argmax(to_rgb(te.get_color())) == 0
    assert np.argmax(to_rgb(tm.get_color())) == 2
    np.testing.assert_allclose(np.asarray(te.get_ydata()), 10 ** data.values[0, :, 1])
    ends = of_kind(ErrorbarContainer, rho.containers[0]).lines[2][0].get_segments()[0][:, 1]
    np.testing.assert_allclose(np.log10(ends), data.values[0, 0, 1] + 0.05 * np.array([-1, 1]))
    ends = of_kind(ErrorbarContainer, phase.containers[0]).lines[2][0].get_segments()[0][:, 1]
    np.testing.assert_allclose(ends, data.values[1, 0, 1] + 3.0 * np.array([-1, 1]))
    assert (rho.get_xscale(), rho.get_yscale(), phase.get_yscale()) == ("log", "log", "linear")


def test_fit_curves_draw_predictions_over_ascending_periods():
    data, predicted = some_data()
    (rho, phase), *_ = plot.fit_curves(Figure(), data, predicted)
    line = next(line for line in phase.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(np.asarray(line.get_xdata()), [0.1, 1.0, 10.0])
    np.testing.assert_allclose(np.asarray(line.get_ydata()), 50.0)
    line = next(line for line in rho.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(np.asarray(line.get_ydata()), 10**1.5)


def test_fit_curves_state_each_station_s_misfit():
    gap = (slice(None), slice(None), 3)
    data, predicted = some_data(missing=[gap, (slice(1, None), slice(None), 0)])
    pairs = plot.fit_curves(Figure(), data, predicted, sites=[0, 1, 3])
    titles = [rho.get_title() for rho, _ in pairs]
    assert titles == ["C\nnRMS 1.00", f"A\nnRMS {np.sqrt(91 / 6):.2f}", "D\nno data"]


def test_fit_curves_share_one_legend_and_one_scale():
    data, predicted = some_data()
    figure = Figure(figsize=(15, 4))
    pairs = plot.fit_curves(figure, data, predicted)
    assert len(figure.legends) == 1
    assert len(figure.legends[0].get_texts()) == 4
    assert all(rho.get_ylim() == pairs[0][0].get_ylim() for rho, _ in pairs)
    assert all(phase.get_xlim() == rho.get_xlim() for rho, phase in pairs)
    # Labels stand at the left of the first station, and grid and marks in every panel.
    figure.canvas.draw()
    labels = [[label.get_text() for label in rho.get_yticklabels()] for rho, _ in pairs]
    assert labels[0] == ["50", "100", "200"]
    assert labels[1:] == [[]] * 3
    assert all(
        {"_grid", "_marks"} <= {line.get_label() for line in ax.lines} for pair in pairs for ax in pair
    )


def test_labels_of_periods_do_not_meet():
    survey = Survey(np.geomspace(1e-4, 1e4, 9), np.arange(6) * 1e3)
    data = Data(survey, np.ones((6, 9, 6)), np.ones((6, 9, 6)))
    figure = Figure(figsize=(13, 4))
    pairs = plot.fit_curves(figure, data, np.ones((6, 9, 6)))
    figure.canvas.draw()
    boxes = [label.get_window_extent() for _, phase in pairs for label in phase.get_xticklabels()]
    assert len(boxes) > 12
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_fit_curves_hold_at_most_a_page():
    survey = Survey(np.array([1.0, 10.0]), np.arange(40) * 1e3)
    data = Data(survey, np.ones((6, 2, 40)), np.ones((6, 2, 40)))
    pairs = plot.fit_curves(Figure(), data, np.ones((6, 2, 40)))
    assert len(pairs) == 24
    assert pairs[0][0].get_title().startswith("S01")
    assert pairs[-1][0].get_title().startswith("S40")
    for sites in ([], [40], [-1], list(range(25))):
        with pytest.raises(ValueError, match=r"fit_curves\(sites=.*1 to 24 indices below 40"):
            plot.fit_curves(Figure(), data, np.ones((6, 2, 40)), sites=sites)


@pytest.mark.parametrize("function", [plot.fit_curves, plot.misfit_by, plot.pseudosections])
def test_predictions_of_a_wrong_shape_are_named(function):
    data, predicted = some_data()
    with pytest.raises(ValueError, match=rf"{function.__name__}\(predicted=.*\(6, 3, 4\).*\(4, 3, 4\)"):
        function(Figure(), data, predicted[:4])


def test_misfit_bars_are_root_mean_squares():
    data, predicted = some_data(missing=[(slice(1, None), slice(None), 2), (slice(None), 1)])
    stations, periods, components = plot.misfit_by(Figure(figsize=(12, 6)), data, predicted)
    every = np.sqrt(91 / 6)
    heights = [bar.get_height() for bar in stations.containers[0]]
    np.testing.assert_allclose(heights, [every, 1.0, every, every])
    assert [label.get_text() for label in stations.child_axes[0].get_xticklabels()] == ["A", "B", "C", "D"]
    heights = [bar.get_height() for bar in periods.containers[0]]
    np.testing.assert_allclose(heights, [np.sqrt((3 * 91 + 1) / 19)] * 2 + [np.nan])
    heights = [bar.get_height() for bar in components.containers[0]]
    np.testing.assert_allclose(heights, np.arange(1, 7))
    dashed = [line for line in periods.lines if line.get_linestyle() == "--"]
    assert np.asarray(dashed[0].get_ydata())[0] == 1.0


def test_response_profile_draws_lines_and_markers_in_km():
    ax, y = axes(), np.array([-2e3, 0.0, 2e3])
    computed = {"te": np.array([10.0, 20.0, 30.0]), "tm": jnp.array([5.0, 6.0, 7.0])}
    table = {"te": (np.array([-1e3, 1e3]), np.array([11.0, 25.0]))}
    plot.response_profile(ax, y, computed, table, scatter={"te": np.array([30.0, np.nan])}, source="table")
    lines = {line.get_label(): line for line in ax.lines if not str(line.get_label()).startswith("_")}
    np.testing.assert_allclose(np.asarray(lines["TE (xy) computed"].get_xdata()), [-2.0, 0.0, 2.0])
    assert np.argmax(to_rgb(lines["TM (yx) computed"].get_color())) == 2
    bars = of_kind(ErrorbarContainer, ax.containers[0])
    assert bars.get_label() == "TE (xy) table"
    np.testing.assert_allclose(np.asarray(bars.lines[0].get_xdata()), [-1.0, 1.0])
    ends = [segment[:, 1] for segment in bars.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[0.11, 41.0], [25.0, 25.0]])
    assert ax.get_yscale() == "log"
    assert not covered(ax.figure)


def test_response_profile_names_the_wrong_argument():
    y, good = np.array([0.0, 1.0]), {"te": np.array([1.0, 2.0])}
    with pytest.raises(ValueError, match=r"computed\['te'\]=.*\(2,\).*\(3,\)"):
        plot.response_profile(axes(), y, {"te": np.ones(3)})
    with pytest.raises(ValueError, match=r"computed=.*'te' or 'tm'.*'xy'"):
        plot.response_profile(axes(), y, {"xy": np.ones(2)})
    with pytest.raises(ValueError, match=r"computed=.*Got nothing"):
        plot.response_profile(axes(), y, {})
    with pytest.raises(ValueError, match=r"table=.*positive, in ohm m.*-1"):
        plot.response_profile(axes(), y, good, {"tm": (y, np.array([1.0, -1.0]))})
    with pytest.raises(ValueError, match=r"scatter\['tm'\]=.*\(2,\).*\(3,\)"):
        plot.response_profile(axes(), y, good, {"tm": (y, np.ones(2))}, scatter={"tm": np.ones(3)})


# Convergence.


def test_convergence_shows_misfit_target_and_lambda():
    ax, factor = plot.convergence(Figure(), history(), target=1.05)
    assert not covered(ax.figure)
    target, nrms = ax.lines
    assert set(np.asarray(target.get_ydata()).tolist()) == {1.05}
    assert target.get_linestyle() == "--"
    assert np.asarray(nrms.get_ydata()).tolist() == history()["nrms"]
    assert np.asarray(factor.lines[0].get_ydata()).tolist() == history()["regularization_factor"]
    assert {a.get_yscale() for a in (ax, factor)} == {"log"}


def test_convergence_leaves_out_what_the_history_lacks():
    for nothing in (float("nan"), 0.0):
        assert len(plot.convergence(Figure(), history(regularization_factor=[nothing] * 5))) == 1
    absent = history()
    del absent["regularization_factor"]
    assert len(plot.convergence(Figure(), absent)) == 1


def test_convergence_names_the_wrong_argument():
    with pytest.raises(ValueError, match=r'convergence\(history=.*"nrms"'):
        plot.convergence(Figure(), {"iteration": [0, 1]})
    with pytest.raises(ValueError, match=r"equally long.*'nrms': 2"):
        plot.convergence(Figure(), history(nrms=[1.0, 2.0]))


# Writing to a file.


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_save_leaves_the_file_alone_in_its_folder(tmp_path, suffix):
    ax = axes()
    # Which the font lacks: no warning.
    ax.set_title("測點")
    path = plot.save(of_kind(Figure, ax.figure), str(tmp_path / f"figure.v1.{suffix}"), dpi=50)
    assert [p.name for p in tmp_path.iterdir()] == [f"figure.v1.{suffix}"]
    assert path.read_bytes()[:4] == {"png": b"\x89PNG", "pdf": b"%PDF"}[suffix]


def test_save_keeps_the_old_file_upon_an_error(tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def half_written(self, name, **_):
        name.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(FigureCanvasAgg, "print_png", half_written)
    with pytest.raises(OSError, match="disk full"):
        plot.save(Figure(), path)
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]
    assert path.read_bytes() == b"old"


def test_save_names_the_wrong_path(tmp_path):
    with pytest.raises(ValueError, match=r"save\(path=.*suffix"):
        plot.save(Figure(), tmp_path / "figure")
    with pytest.raises(ValueError, match=r"save\(path=.*folder that exists"):
        plot.save(Figure(), tmp_path / "absent" / "figure.png")
    assert list(tmp_path.iterdir()) == []


# The whole page.


def test_nothing_leaves_the_page_or_changes_the_settings(tmp_path):
    settings = dict(mpl.rcParams)
    data, predicted = some_data()
    for draw, width in (
        (plot.pseudosections, 12),
        (plot.fit_curves, 5),
        (plot.fit_curves, 12),
        (plot.misfit_by, 8),
    ):
        figure = Figure(figsize=(width, 7))
        draw(figure, data, predicted)
        plot.save(figure, tmp_path / "page.png", dpi=60)
        box = figure.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= width
        assert box.y1 <= 7
    assert dict(mpl.rcParams) == settings


# Ticks and edges.


def test_cell_edges_are_midpoints():
    assert cell_edges(np.array([0.0, 1.0, 4.0]), 1.0).tolist() == [-0.5, 0.5, 2.5, 5.5]
    assert cell_edges(np.array([3.0]), 2.0).tolist() == [2.0, 4.0]


def test_decade_ticks_are_round_and_inside():
    np.testing.assert_allclose(decade_ticks(1.0, 1e4), [1, 10, 100, 1000, 1e4])
    np.testing.assert_allclose(decade_ticks(30.0, 300.0), [50, 100, 200])
    np.testing.assert_allclose(decade_ticks(1e-5, 1e5), 10.0 ** np.arange(-4, 5, 2))
    np.testing.assert_allclose(decade_ticks(101.0, 110.0), [105, 110])
    np.testing.assert_allclose(decade_ticks(0.00226, 0.006), [0.003, 0.004, 0.005, 0.006])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01, "0.01"), (1.0, "1"), (1e4, "10000"), (1e5, "$10^{5}$"), (2e-5, r"$2\times10^{-5}$")],
)
def test_plain_numbers(value, text):
    assert plain(value) == text


def test_rounded_decades_hold_the_values_and_at_least_a_decade():
    assert rounded_decades(np.array([2.0, 2.0])) == pytest.approx((10**1.5, 10**2.5))
    assert rounded_decades(np.array([0.1, np.nan, 2.6])) == pytest.approx((1.0, 1000.0))
    assert rounded_decades(np.array([np.nan])) == (1.0, 1000.0)


def test_spread_keeps_names_apart():
    assert spread(np.array([0.0, 1.0, 10.0, 19.0, 20.0]), 10.0) == [0, 2, 4]
