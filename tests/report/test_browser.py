"""Pages in a browser: nothing is asked for, names are text, the mouse is answered. Skipped without one."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from chromium import PROGRAM, chromium
from identities import present
from sections import HOSTILE, PIXEL, a_mesh, a_section, a_survey, an_uncertainty, some_data

from jaxmt.report import Page, Shown, section_numbers, write_page

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no Chromium is installed: apt-get install chromium")

DEPTH = 3e3
LABELS = ("6-D <transport>", "least squares")
READ = "document.querySelector('.readout').textContent"
BOX = """(() => {
  const box = document.querySelector('canvas').getBoundingClientRect();
  return [box.left, box.top, box.width, box.height];
})()"""


def sections(**changes):
    survey, mesh = a_survey(), a_mesh()
    found = []
    for label, level, shift in ((LABELS[0], 2.0, 0.5), (LABELS[1], 1.0, 1.5)):
        data, predicted = some_data(survey, shift)
        made = {"uncertainty": an_uncertainty(mesh), "resistivity": a_section(mesh, level), **changes}
        found.append(Shown(label, mesh, made["resistivity"], data, predicted, made["uncertainty"]))
    return found


def write(folder, shown):
    """A page with every kind of block and hostile names in each."""
    (folder / "pixel.png").write_bytes(PIXEL)
    page = Page(HOSTILE[0], HOSTILE[3], run="20260101-000000-0000").facts([(HOSTILE[1], HOSTILE[2])])
    page = page.figure(folder / "pixel.png", HOSTILE[2], section_numbers(shown, depth=DEPTH)).sheet()
    page = page.heading(HOSTILE[4]).paragraph(HOSTILE[0]).listing(HOSTILE[2])
    page = page.folded(HOSTILE[0], lambda inside: inside.table("t", ["name"], [[name] for name in HOSTILE]))
    write_page(folder / "report.html", page)
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser, tmp_path):
    browser.open(write(tmp_path, sections()))
    return browser


def place(tab, y, z):
    """Where a place of the section, km, is in the window."""
    left, top, width, height = tab.value(BOX)
    y0, y1, z0, z1 = map(float, tab.value("document.querySelector('.live').dataset.view").split())
    # The margins of the script.
    right, bottom = left + width - 84, top + height - 42
    return (
        left + 58 + (y - y0) / (y1 - y0) * (right - left - 58),
        top + 24 + (z - z0) / (z1 - z0) * (bottom - top - 24),
    )


def test_nothing_is_asked_for_and_nothing_fails(tab):
    tab.click(*place(tab, 0.0, -0.05))
    assert tab.requests() == []
    assert tab.faults() == []


def test_names_are_text(tab):
    assert tab.value("document.querySelector('h1').textContent") == HOSTILE[0]
    names = tab.value("[...document.querySelectorAll('option')].slice(1).map((o) => o.textContent)")
    # An option shows NUL as the sign for what cannot be shown.
    assert [n.replace("\0", "\ufffd") for n in names] == [n.replace("\0", "\ufffd") for n in HOSTILE]
    cells = tab.value("[...document.querySelectorAll('td')].map((o) => o.textContent)")
    assert cells == [name.replace("\0", "\ufffd") for name in HOSTILE]
    # The page's own script and its numbers, and no element that a name made.
    assert tab.value("document.scripts.length") == 2
    assert tab.value("document.querySelectorAll('img').length") == 1


@pytest.mark.parametrize(("y", "z"), [(-3.3, 0.7), (2.2, 2.8)])
def test_the_mouse_reads_the_section(y, z, tab):
    tab.mouse("mouseMoved", *place(tab, y, z))
    said = tab.value(READ)
    mesh = a_mesh()
    row = int(np.searchsorted(mesh.earth_nodes, 1e3 * z)) - 1
    column = int(np.searchsorted(mesh.y_nodes, 1e3 * y)) - 1
    rho = a_section(mesh)[row, column]
    found = re.fullmatch(
        r"y (\S+) km, depth (\S+) km: (\S+) \u03a9 m, times or divided by (\S+) \((\S+) decades, .*\)", said
    )
    assert found, said
    numbers = [float(text) for text in found.groups()]
    # A pixel is 0.02 km here, and three digits are shown.
    np.testing.assert_allclose(numbers[:2], [y, z], rtol=0, atol=0.03)
    np.testing.assert_allclose(numbers[2:], [rho, 10**0.2, 0.2], rtol=0.005)


def test_what_the_data_do_not_see_is_said(tab):
    press = "new KeyboardEvent('keydown', {key: 'ArrowDown'})"
    for _ in range(8):
        tab.value(f"document.querySelector('canvas').dispatchEvent({press})")
    tab.mouse("mouseMoved", *place(tab, 0.3, 5.5))
    assert tab.value(READ).endswith("; the data do not see it")


def test_a_click_on_a_station_shows_its_curves(tab):
    assert tab.value("document.querySelectorAll('svg').length") == 0
    survey = a_survey()
    tab.click(*place(tab, survey.stations[1] / 1e3, -0.04))
    title = tab.value("document.querySelector('.curves h3').textContent")
    assert title == f"{HOSTILE[1]}: nRMS 0.5 by {LABELS[0]}"
    # Resistivity and phase of two modes: a bar and a mark for each datum, a line for each mode.
    for kind, count in (("svg", 2), (".error", 16), (".observed", 16), (".predicted", 4)):
        assert tab.value(f"document.querySelectorAll('.curves {kind}').length") == count


def test_two_misfits_change_places(tab):
    tab.click(*place(tab, 0.0, -0.04))
    at = place(tab, 0.4, 1.2)
    said, pictures = [], []
    for k in range(2):
        tab.value(f"document.querySelectorAll('button')[{k}].click()")
        tab.mouse("mouseMoved", at[0] + k, at[1])
        said.append(float(present(re.search(r": (\S+) \u03a9 m", tab.value(READ)))[1]))
        pictures.append(tab.value("document.querySelector('canvas').toDataURL()"))
        assert tab.value("document.querySelector('.live').dataset.shown") == LABELS[k]
        assert tab.value("document.querySelector('.curves h3').textContent").endswith(f"by {LABELS[k]}")
    # The levels of the two differ by a decade; three digits are shown.
    assert said[0] == pytest.approx(10 * said[1], rel=0.01)
    assert pictures[0] != pictures[1]


def test_zoom_keeps_the_place_under_the_mouse_and_drag_moves_it(tab):
    at = place(tab, 1.5, 1.5)
    tab.mouse("mouseWheel", *at, deltaX=0, deltaY=-100, modifiers=2)
    y0, y1, *_ = map(float, tab.value("document.querySelector('.live').dataset.view").split())
    assert y1 - y0 == pytest.approx(9.6 / 1.5, rel=1e-4)
    # To a pixel.
    np.testing.assert_allclose(place(tab, 1.5, 1.5), at, rtol=0, atol=1.0)
    tab.mouse("mousePressed", *at, button="left", clickCount=1)
    tab.mouse("mouseMoved", at[0] - 50, at[1], button="left", buttons=1)
    tab.mouse("mouseReleased", at[0] - 50, at[1], button="left", clickCount=1)
    moved = place(tab, 1.5, 1.5)
    np.testing.assert_allclose(moved, (at[0] - 50, at[1]), rtol=0, atol=1.0)


def test_a_page_without_uncertainty_or_with_gaps_is_read_all_the_same(browser, tmp_path):
    rho = a_section(a_mesh())
    rho[0, :] = np.nan
    browser.open(write(tmp_path, sections(uncertainty=None, resistivity=rho)))
    browser.mouse("mouseMoved", *place(browser, 0.4, 1.2))
    assert browser.value(READ).endswith("uncertainty unknown")
    browser.mouse("mouseMoved", *place(browser, 0.4, 0.25))
    assert browser.value(READ).endswith("no value")
    assert browser.faults() == []


def test_without_scripts_the_figure_stays(browser, tmp_path):
    visible = "(() => document.querySelector('{}').getClientRects().length)()"
    browser.open(write(tmp_path, sections()))
    assert browser.value(visible.format("figure img")) == 0
    page = tmp_path / "report.html"
    # What a browser that runs no script shows.
    page.write_text(page.read_text().replace("script-src 'sha256-", "script-src 'sha256-x"))
    browser.open(page)
    assert browser.value(visible.format("figure img")) == 1
    assert browser.value(visible.format(".live")) == 0


def test_paper_has_the_figure_and_no_page_for_nothing(tab):
    paper = tab.paper()
    assert paper.startswith(b"%PDF")
    # The first sheet, and the rest.
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 2
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        shown = "(() => document.querySelector('{}').getClientRects().length)()"
        assert tab.value(shown.format("figure img")) == 1
        assert tab.value(shown.format(".live")) == 0
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")


def test_a_page_that_answers_the_mouse_is_well_formed_xml(tmp_path):
    text = write(tmp_path, sections()).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>"))
    assert root.findtext("body/h1") == HOSTILE[0]
