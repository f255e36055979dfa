"""Every export of results whose names, title or section no format was made for."""

import numpy as np
import pytest
from exports import data, mesh, section
from soundings import half_space

from jaxmt.field import Line
from jaxmt.field.export import RESULTS
from jaxmt.field.source import Inverted, Source
from jaxmt.io import Results

HOSTILE = ("nul\0b", "two\nlines", "\ud800" + "x" * 300)
"""A zero byte, a line break, half of a pair of characters and more of them than a format has room for."""


def written(to, folder, resistivity, names=HOSTILE, title="t\n\0\ud800" * 75):
    """The files that a format makes of a section and its data, and what it notes."""
    if to == "netcdf":
        pytest.importorskip("xarray", reason="needs the extra jaxmt[io]")
    data_ = data(names)
    results = Results(data_, np.array(data_.values), mesh(), resistivity)
    sites = tuple(
        half_space(name, latitude=-22.5, longitude=139.2 + 0.01 * k) for k, name in enumerate(names)
    )
    line = Line(title, data_, sites=sites, distances=data_.survey.stations, strike=20.0)
    made = RESULTS[to](Source("x", inversions={"cloud": Inverted(results, line)}))
    for product in made:
        for file in product.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
        product.write(folder / product.files[0] if product.single else folder)
    return [folder / file for product in made for file in product.files], {
        note for product in made for note in product.notes
    }


@pytest.mark.parametrize("to", RESULTS)
def test_names_and_titles_of_any_signs_are_written_with_a_note(to, tmp_path):
    files, notes = written(to, tmp_path, section())
    for file in files:
        if to != "netcdf":
            assert "\0" not in file.read_text(encoding="utf-8")
    said = any("cannot hold are written otherwise" in note for note in notes)
    # Only VTK has no names.
    assert said == (to != "vtk")


@pytest.mark.parametrize("to", RESULTS)
def test_a_section_with_a_hole_is_written_or_refused_with_what_takes_it(to, tmp_path):
    holed = section()
    holed[2, 2] = np.nan
    if to in ("modem", "occam2d", "mare2dem"):
        with pytest.raises(ValueError, match=f"1 cells .* {to} needs all.*netcdf, vtk or csv"):
            written(to, tmp_path, holed)
    else:
        written(to, tmp_path, holed)
