"""Reports: one file that needs no other, well-formed, and honest about what is missing."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from identities import present

from jaxmt import Data, Survey
from jaxmt.report import Page, misfit_table, versions, write_page

# One black pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def a_page(folder):
    (folder / "pixel.png").write_bytes(PIXEL)
    page = Page("Line <1> & more", "24 stations").heading("Survey").paragraph("ρ < 5 Ω m & rising")
    page = page.figure(folder / "pixel.png", 'A "pixel"').heading("Log").listing("a <b>\nc")
    page = page.warning("two stations at one place")
    return page.table("Numbers.", ["name", "n", "nRMS"], [["A", 3, 1.23456], ["B", None, np.nan]], high=1.0)


def tree(page):
    """The page as XML: it would raise if a tag were left open or a sign not escaped."""
    return ElementTree.fromstring(page.html().removeprefix("<!DOCTYPE html>"))


def test_a_page_is_well_formed_and_escapes_its_text(tmp_path):
    root = tree(a_page(tmp_path))
    assert root.findtext("body/h1") == "Line <1> & more"
    assert root.findtext("body/p[2]") == "ρ < 5 Ω m & rising"
    assert root.findtext("body/pre") == "a <b>\nc"
    assert [link.get("href") for link in root.iter("a")] == ["#s1", "#s2"]
    assert [h.get("id") for h in root.iter("h2")] == ["s1", "s2"]


def test_a_page_needs_no_other_file(tmp_path):
    page = a_page(tmp_path)
    for element in tree(page).iter():
        assert element.tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href"):
            link = element.get(name)
            if link is not None:
                assert link.startswith(("data:image/png;base64,", "#"))
    assert not re.search(r"https?://|url\(|@import", page.html())
    image = present(next(tree(page).iter("img")).get("src"))
    assert base64.b64decode(image.partition("base64,")[2]) == PIXEL


def test_figures_and_tables_are_numbered_and_print(tmp_path):
    page = a_page(tmp_path).figure(tmp_path / "pixel.png", "Again")
    captions = [c.text for c in tree(page).iter("figcaption")]
    assert captions == ['Figure 1. A "pixel"', "Figure 2. Again"]
    assert next(tree(page).iter("caption")).text == "Table 1. Numbers."
    assert "@media print" in page.html()


def test_cells_show_digits_dashes_and_what_is_high(tmp_path):
    cells = [(c.text, c.get("class")) for c in tree(a_page(tmp_path)).iter("td")]
    assert cells[:3] == [("A", "words"), ("3", None), ("1.23", "high")]
    assert cells[3:] == [("B", "words"), ("–", None), ("–", None)]
    with pytest.raises(ValueError, match="must have 2 cells a row"):
        Page("t").table("c", ["a", "b"], [["x"]])


def test_a_figure_that_is_missing_or_no_png_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    for name in ("absent.png", "text.png"):
        with pytest.raises(ValueError, match=f"must be a PNG file.*{name}"):
            Page("t").figure(tmp_path / name, "c")


def test_a_page_is_written_whole(tmp_path):
    page = Page("Empty")
    write_page(tmp_path / "report.html", page)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page.html()
    tree(page)


def test_the_misfit_table_counts_what_exists():
    survey = Survey([1.0, 0.1], [500.0, 0.0], names=("B", "A"))
    predicted = np.zeros((6, 2, 2))
    values = np.full((6, 2, 2), np.nan)
    # TE residuals of station B are 1 and 3 errors, of A 2 and 2; its phases are missing.
    values[0, :, 0], values[1, :, 0], values[0, :, 1] = 0.1, 15.0, 0.2
    data = Data(survey, values, np.broadcast_to([0.1, 5, 1, 1, 1, 1], (2, 2, 6)).transpose(2, 0, 1))
    head, rows = misfit_table(data, predicted)
    assert head == ["Station", "y (km)", "data", "TE ρ", "TE φ", "all"]
    assert [row[:3] for row in rows] == [["A", "0.0", 2], ["B", "0.5", 4], ["all", "", 6]]
    # Squares by hand: B has 1, 1, 9, 9; A has 4, 4.
    np.testing.assert_allclose(rows[1][3:], [1.0, 3.0, np.sqrt(5)], rtol=1e-12)
    np.testing.assert_allclose(rows[0][3:], [2.0, np.nan, 2.0], rtol=1e-12)
    np.testing.assert_allclose(rows[2][3:], [np.sqrt(2.5), 3.0, np.sqrt(28 / 6)], rtol=1e-12)


def test_versions_name_what_is_not_installed():
    found = dict(versions())
    assert found["numpy"] == np.__version__
    assert {"Python", "jaxmt", "jax", "py-mkl-pardiso"} <= set(found)
