"""Every figure at several widths: what is written on it, and that no two texts meet."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredOffsetbox
from matplotlib.patches import Rectangle

mpl.use("Agg")

from pictures import collisions, texts  # noqa: E402
from soundings import half_space, two_dimensional  # noqa: E402

from jaxmt import Data, Mesh, Survey, plot, simulate  # noqa: E402
from jaxmt.inversion.appraisal import Uncertainty  # noqa: E402

HOSTILE = ("$b_{$c", "two\nlines", "<script>", "x" * 300, r"a\b$", "tab\there", "nul\x00", "%s{}")
"""Names that files of strangers hold."""

SLOW = pytest.mark.slow
WIDTHS = [5.0, pytest.param(9.0, marks=SLOW), 13.0]
"""The narrowest and the widest; what lies between by name."""


def a_survey(count=40, decades=8, hostile=False):
    names = [f"ET{k:03d}" for k in range(count)]
    if hostile:
        names[: len(HOSTILE)] = HOSTILE[:count]
    frequencies = np.geomspace(1e4, 10.0 ** (4 - decades), 3 * decades + 1)
    return Survey(frequencies, np.linspace(0, 1e3 * max(count - 1, 1), count), names=tuple(names))


def some_data(survey):
    shape = 6, survey.frequencies.size, survey.stations.size
    values = np.broadcast_to(np.array([2.0, 40.0, 1.5, 50.0, 0.1, -0.1])[:, None, None], shape)
    errors = np.broadcast_to(np.array([0.05, 3.0, 0.05, 3.0, 0.02, 0.02])[:, None, None], shape)
    return Data(survey, values + errors, errors), np.array(values)


def a_mesh(survey):
    high = float(survey.stations.max())
    return Mesh(
        np.linspace(-0.3 * high - 1e3, 1.3 * high + 1e3, 40), np.r_[-1e3, 0.0, np.geomspace(100, 1e5, 12)]
    )


def a_section(mesh):
    return np.geomspace(1.0, 1e4, mesh.n_earth * mesh.n_y).reshape(mesh.shape)


def an_uncertainty(mesh):
    ones = np.ones(mesh.shape)
    seen = 1e3 * np.exp(-mesh.z_centres / 1e4)[:, None] * ones
    part = np.clip(0.5 * np.exp(-mesh.z_centres / 5e3)[:, None] * ones, 1e-6, None)
    return Uncertainty(mesh, 0.3 * ones, ones, part, 0.1 * ones, seen, 1.0)


def a_line(count=40, latitude=-20.0):
    """Stations 1 km apart to the south-east, with tippers."""
    return [
        dataclasses.replace(
            two_dimensional(f"S{k:03d}", azimuth=30.0, te=35.0, tm=60.0, arrow=0.3),
            latitude=latitude - 0.0065 * k,
            longitude=136.0 + 0.0065 * k,
        )
        for k in range(count)
    ]


def along(sites):
    return 1e3 * np.arange(len(sites), dtype=float)


def page(width, height=5.0, **options):
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot(**options)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 6, 60])
def test_sections(width, count):
    survey = a_survey(count)
    mesh = a_mesh(survey)
    figure, ax = page(width)
    plot.section(
        ax,
        mesh,
        a_section(mesh),
        stations=survey.stations,
        names=survey.names,
        title="A title of many words that needs more than one line on a narrow page, that is sure",
        elevations=np.linspace(100.0, 300.0, count),
    )
    assert collisions(figure) == []
    written = texts(figure)
    box, limits = ax.get_window_extent(), (ax.get_xlim(), ax.get_ylim())
    stretch = (box.height / abs(np.diff(limits[1])[0])) / (box.width / np.diff(limits[0])[0])
    stated = float(next(text for text in written if text.startswith("VE")).split()[1])
    # Two digits are written.
    assert stated == pytest.approx(stretch, rel=0.06)
    named = [text for text in written if text.startswith("ET")]
    # No name is lost without a word.
    assert named
    assert (f"{len(named)} of {count} named" in written) == (len(named) < count)
    assert ("100 m" in written) == (count > 1)


@pytest.mark.parametrize("width", WIDTHS)
def test_comparisons_and_uncertainties(width):
    survey = a_survey(30)
    mesh, marks = a_mesh(survey), {"stations": survey.stations, "names": survey.names}
    figure = Figure(figsize=(width, 10))
    plot.comparison(figure, mesh, a_section(mesh), 3 * a_section(mesh), **marks)
    assert collisions(figure) == []
    assert "Difference, second over first" in texts(figure)
    figure = Figure(figsize=(width, 9))
    plot.uncertainty(figure, an_uncertainty(mesh), **marks)
    assert collisions(figure) == []


def test_colours_of_the_width_do_not_saturate():
    survey = a_survey(20)
    found = an_uncertainty(a_mesh(survey))
    _, lower = plot.uncertainty(Figure(figsize=(9, 9)), found, stations=survey.stations)
    image = lower.collections[0]
    low, high = image.get_clim()
    mesh, bottom = found.mesh, lower.get_ylim()[0]
    seen = (mesh.z_centres / 1e3 < bottom)[:, None] & (
        mesh.z_centres[:, None] <= found.depth_of_investigation()
    )
    inside = (mesh.y_centres / 1e3 > lower.get_xlim()[0]) & (mesh.y_centres / 1e3 < lower.get_xlim()[1])
    values = (found.width / 1e3)[seen & inside]
    # Of 2 % of the area the colour ends at either side, here of a few cells of the same width.
    assert np.mean((values >= low * (1 - 1e-9)) & (values <= high * (1 + 1e-9))) > 0.8


@pytest.mark.parametrize(
    ("count", "width"),
    [
        pytest.param(1, 9.0, marks=SLOW),
        pytest.param(1, 16.0, marks=SLOW),
        pytest.param(40, 9.0, marks=SLOW),
        (40, 16.0),
    ],
)
def test_pseudosections_over_eight_decades(count, width):
    data, predicted = some_data(a_survey(count))
    figure = Figure(figsize=(width, 9))
    plot.pseudosections(figure, data, predicted)
    assert collisions(figure) == []
    assert "$10^{0}$" in texts(figure)


@pytest.mark.parametrize("width", WIDTHS)
def test_fit_curves_and_misfits_over_eight_decades(width):
    data, predicted = some_data(a_survey(40))
    figure = Figure(figsize=(width, 6.8))
    plot.fit_curves(figure, data, predicted, sites=range(6))
    assert collisions(figure) == []
    assert {"ET000\nnRMS 1.00", "ET005\nnRMS 1.00"} <= set(texts(figure))
    figure = Figure(figsize=(width, 8))
    plot.misfit_by(figure, data, predicted)
    assert collisions(figure) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "function", [plot.tensor_section, plot.dimensionality_section, plot.induction_arrows]
)
def test_sections_of_tensors(function, width):
    sites = a_line()
    figure, ax = page(width)
    function(ax, sites, along(sites))
    assert collisions(figure) == []
    assert any(text.startswith("S0") for text in texts(figure))


@pytest.mark.parametrize("width", WIDTHS)
def test_roses_and_strikes_by_period(width):
    sites = a_line(5)
    figure, ax = page(width, projection="polar")
    plot.strike_rose(ax, sites, strike=30.0)
    assert collisions(figure) == []
    figure, ax = page(width)
    plot.strike_by_period(ax, sites, strike=30.0)
    assert collisions(figure) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 5, 60])
def test_maps(width, count):
    figure, ax = page(width, 6.0)
    plot.station_map(ax, a_line(count), strike=45.0)
    assert collisions(figure) == []
    written = "\n".join(texts(figure))
    # All names are there, beside the stations or in the key.
    assert all(f"S{k:03d}" in written for k in range(count))
    assert "N" in texts(figure)
    assert " km" in written
    assert "° S" in written
    assert "° E" in written


def test_a_map_of_an_array_of_five_hundred_names_those_that_have_room():
    rng = np.random.default_rng(0)
    sites = [
        half_space(f"A{k:03d}", latitude=45 + a, longitude=-120 + b)
        for k, (a, b) in enumerate(rng.uniform(0, 3, (500, 2)))
    ]
    figure, ax = page(9.0, 8.0)
    plot.station_map(ax, sites)
    assert collisions(figure) == []
    named = sum(text.startswith("A") for text in texts(figure))
    assert f"{named} of 500 named" in texts(figure)
    assert named > 50


def test_strange_names_and_titles_are_written_as_they_are():
    survey = a_survey(8, hostile=True)
    mesh = a_mesh(survey)
    figure, ax = page(12.0)
    marks = {"stations": survey.stations, "names": survey.names}
    plot.section(ax, mesh, a_section(mesh), title=HOSTILE[0] + "y " * 150, **marks)
    written = texts(figure)
    assert {r"\$b_{\$c", "two lines", "<script>", "x" * 15 + "…", "tab here", "nul"} <= set(written)
    title = next(text for text in written if text.startswith(r"\$b_{\$cy"))
    assert title.count("\n") == 2
    assert collisions(figure) == []
    sites = [dataclasses.replace(s, name=name) for s, name in zip(a_line(8), HOSTILE, strict=True)]
    data, predicted = some_data(survey)
    for draw in (
        lambda figure: plot.station_map(figure.add_subplot(), sites, lines={"$x$ \n": [0, 1], "$": [2, 3]}),
        lambda figure: plot.tensor_section(figure.add_subplot(), sites, along(sites)),
        lambda figure: plot.fit_curves(figure, data, predicted),
        lambda figure: plot.misfit_by(figure, data, predicted),
    ):
        figure = Figure(figsize=(13, 7))
        draw(figure)
        assert collisions(figure) == []


def test_nothing_known_is_drawn_too():
    survey = a_survey(500)
    mesh = a_mesh(survey)
    figure, ax = page(10.0)
    nothing = np.full(mesh.shape, np.nan)
    plot.section(ax, mesh, nothing, stations=survey.stations, elevations=np.full(500, np.nan))
    assert collisions(figure) == []
    blank = dataclasses.replace(an_uncertainty(mesh), resolution=np.zeros(mesh.shape))
    figure = Figure(figsize=(9, 9))
    plot.uncertainty(figure, blank, stations=survey.stations, names=survey.names)
    assert any(text.endswith("of 500 named") for text in texts(figure))


def test_arrows_point_to_conductors_or_away():
    # With z down Hz/Hy is negative where the conductor lies towards y, here south: see below.
    sites = [half_space(tipper=np.tile([0.0, -0.3 + 0j], (26, 1)), azimuth=np.full(26, 90.0))]
    for convention, way in (("parkinson", 1.0), ("wiese", -1.0)):
        _, ax = page(8.0)
        plot.induction_arrows(ax, sites, np.zeros(1), convention=convention)
        arrows = next(c for c in ax.collections if c.get_label() == "induction arrows")
        # The y axis points south, at 180 degrees: an arrow along it points down. Rounding only.
        np.testing.assert_allclose(arrows.U, 0.0, atol=1e-12)
        np.testing.assert_allclose(arrows.V, -0.3 * way, rtol=1e-12)
        assert convention.capitalize() in ax.get_title(loc="left")
    with pytest.raises(ValueError, match=r"convention=.*parkinson, wiese"):
        plot.induction_arrows(ax, sites, np.zeros(1), convention="up")
    with pytest.raises(ValueError, match="has a tipper"):
        plot.induction_arrows(page(8.0)[1], [half_space()], np.zeros(1))


def test_the_tips_of_the_outermost_arrows_are_within_the_frame():
    site = half_space(tipper=np.tile([0.0, -0.3 + 0j], (26, 1)))
    _, ax = page(8.0)
    plot.induction_arrows(ax, 20 * [site], 1e3 * np.arange(20.0))
    arrows = next(c for c in ax.collections if c.get_label() == "induction arrows")
    tips = ax.transData.transform(arrows.XY)[:, 0] + arrows.U / arrows.scale * ax.figure.dpi
    assert np.all(arrows.U > 0)
    assert ax.bbox.x0 < tips.max() < ax.bbox.x1


def test_arrows_point_to_a_conductor():
    y = np.r_[-1e5, -5e4, np.linspace(-2e4, 2e4, 41), 5e4, 1e5]
    mesh = Mesh(y, np.r_[-1e5, -1e4, -1e3, 0.0, np.linspace(500, 2e4, 20), 5e4, 1e5])
    survey = Survey(np.array([0.1, 0.03]), np.array([0.0]))
    # 1 ohm m from 2 to 5 km east of the station, and 1 to 4 km deep.
    east = (mesh.y_centres > 2e3) & (mesh.y_centres < 5e3)
    deep = (mesh.z_centres > 1e3) & (mesh.z_centres < 4e3)
    rho = np.where(deep[:, None] & east, 1.0, 100.0)
    values = Data.from_responses(simulate(mesh, survey, rho), 0.05, 0.02).values
    tipper = np.stack([np.zeros(2), values[4, :, 0] + 1j * values[5, :, 0]], axis=1)
    site = half_space(frequencies=survey.frequencies, tipper=tipper)
    _, ax = page(8.0)
    plot.induction_arrows(ax, [site], np.zeros(1))
    arrows = next(c for c in ax.collections if c.get_label() == "induction arrows")
    assert np.all(np.asarray(arrows.U) > 0.01)


def test_strikes_by_period_are_those_of_the_tensors():
    _, ax = page(9.0)
    plot.strike_by_period(ax, [two_dimensional("A", azimuth=25.0, arrow=0.3)] * 2, strike=205.0)
    settled = [bars for bars in ax.containers if bars.get_label() == "_settled"]
    # The half decades from 1 ms to 100 s.
    assert len(settled) == len(ax.containers) == 10
    np.testing.assert_allclose([bars.lines[0].get_ydata()[0] for bars in settled], 25.0, rtol=1e-9)
    used = next(line for line in ax.lines if str(line.get_label()).startswith("used"))
    assert used.get_ydata()[0] == pytest.approx(25.0)
    with pytest.raises(ValueError, match="no phase tensor is left"):
        plot.strike_by_period(ax, [half_space(z=np.full((26, 2, 2), np.nan + 0j))])


def test_the_scale_bar_is_as_long_as_it_says():
    figure, ax = page(9.0, 6.0)
    plot.station_map(ax, a_line(20))
    figure.draw_without_rendering()
    column = next(child for child in ax.get_children() if isinstance(child, AnchoredOffsetbox))
    words = next(text for text in texts(figure) if text.endswith(" km"))
    lines = [part for part in column.findobj() if isinstance(part, Rectangle)]
    assert any(part.get_width() == pytest.approx(float(words.split()[0])) for part in lines)


def test_meridians_pass_through_their_degrees():
    sites = a_line(20)
    figure, ax = page(9.0, 6.0)
    plot.station_map(ax, sites)
    figure.draw_without_rendering()
    places = np.asarray(next(line for line in ax.lines if line.get_label() == "stations").get_xydata())
    lines = next(c for c in ax.collections if c.get_label() == "_graticule")
    figure.canvas.draw()
    ticks = ax.xaxis.get_majorticklocs()
    written = ax.xaxis.get_major_formatter().format_ticks(ticks)
    # A kilometre is 0.0096 degrees of longitude here; meridians are straight to far less.
    slope = np.polyfit(places[:, 0], [site.longitude for site in sites], 1)
    for tick, text in zip(ticks, written, strict=True):
        assert np.polyval(slope, tick) == pytest.approx(float(text.split("°")[0]), abs=1e-3)
    assert len(lines.get_segments()) >= len(ticks)
