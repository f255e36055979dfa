"""Reports: one file that needs no other, well-formed, and honest about what is missing."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from identities import present
from sections import PIXEL

from jaxmt import Data, Survey
from jaxmt.report import Page, misfit_table, versions, write_page


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


def test_columns_with_limits_of_their_own_stand_out_by_magnitude():
    page = Page("x").table(
        "T.", ["nRMS", "shift"], [[1.5, -0.7], [2.5, 0.5]], high=2.0, wide={"shift": 0.6}
    )
    cells = [(c.text, c.get("class")) for c in tree(page).iter("td")]
    assert cells == [("1.5", None), ("-0.7", "high"), ("2.5", "high"), ("0.5", None)]


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


def test_a_place_that_cannot_be_written_keeps_what_is_there(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(OSError, match="report.html"):
        write_page(tmp_path / "report.html", Page("t"))
    with pytest.raises(OSError, match="absent"):
        write_page(tmp_path / "absent" / "report.html", Page("t"))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_first_sheet_comes_before_the_contents_and_folds_close(tmp_path):
    page = (
        Page("T", run="20260101-000000-0000").facts([("Client", "A & B")]).conclusions("It fits.").sheet()
    )
    page = page.heading("More").folded("Steps", lambda inside: inside.table("c", ["a"], [["x"]]))
    page = page.table("d", ["a"], [["y"]])
    root = tree(page)
    body = [element.tag for element in next(root.iter("body"))]
    assert body == ["h1", "p", "dl", "p", "nav", "h2", "details", "table"]
    assert root.findtext("body/dl/dd") == "A & B"
    assert [c.text for c in root.iter("caption")] == ["Table 1. c", "Table 2. d"]
    assert next(e for e in root.iter("meta") if e.get("name") == "run").get("content") == page.run


def test_names_of_any_signs_stay_text_and_well_formed():
    name = "<script>a</script> $b_{$c \"'&amp; \0\x1b\ud800 \n]]> -->"
    page = Page(name, name).heading(name).facts([(name, name)]).table(name, [name], [[name]]).listing(name)
    root = tree(page)
    shown = name.replace("\0\x1b\ud800", 3 * "\N{REPLACEMENT CHARACTER}")
    assert root.findtext("body/h1") == shown
    assert root.findtext("body/dl/dd") == shown
    assert not list(root.iter("script"))
    assert page.html().encode()


def test_only_the_script_of_the_page_may_run(tmp_path):
    (tmp_path / "pixel.png").write_bytes(PIXEL)
    page = Page("T").figure(tmp_path / "pixel.png", "c", "{}")
    code, numbers = None, None
    for element in tree(page).iter("script"):
        if element.get("id") == "numbers":
            numbers = element.text
        else:
            code = element.text
    assert numbers == "{}"
    text = page.html()
    inside = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(present(inside)[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "document.querySelector" in present(code)
    assert "script-src 'none'" in a_page(tmp_path).html()
    with pytest.raises(ValueError, match="of one section a page"):
        page.figure(tmp_path / "pixel.png", "c", "{}")


def test_columns_of_numbers_are_set_as_numbers():
    page = Page("T").table("c", ["name", "y", "why"], [["A", "1.20", "no"], ["B", None, ""]])
    kinds = [[cell.get("class") for cell in row] for row in tree(page).iter("tr")]
    assert kinds == [["words", None, "words"]] * 2 + [["words", None, "words"]]


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
    numbers = np.array([row[3:] for row in rows], float)
    # Squares by hand: B has 1, 1, 9, 9; A has 4, 4.
    np.testing.assert_allclose(numbers[1], [1.0, 3.0, np.sqrt(5)], rtol=1e-12)
    np.testing.assert_allclose(numbers[0], [2.0, np.nan, 2.0], rtol=1e-12)
    np.testing.assert_allclose(numbers[2], [np.sqrt(2.5), 3.0, np.sqrt(28 / 6)], rtol=1e-12)


def test_versions_name_what_is_not_installed():
    found = dict(versions())
    assert found["numpy"] == np.__version__
    assert {"Python", "jaxmt", "jax", "py-mkl-pardiso"} <= set(found)
