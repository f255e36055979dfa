"""A small survey, and one inversion of it, that the tests of this folder share."""

import matplotlib as mpl
import pytest
from surveys import TOLD, write_survey

mpl.use("Agg")

from jaxmt.field.command import main
from jaxmt.plot import figure


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    return write_survey(tmp_path_factory.mktemp("survey") / "EDI")


@pytest.fixture(scope="session")
def inverted(survey, tmp_path_factory):
    """The folder of a run of two iterations; nobody may change it."""
    out = tmp_path_factory.mktemp("inverted") / "OUT"
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 0
    return out


@pytest.fixture(autouse=True)
def sketches():
    """Figures of a test are coarse and without layout; `inverted` is drawn in full, `plot` tests the looks."""
    draw = figure._draw_once

    def sketch(drawn, path, dpi):
        drawn.set_layout_engine("none")
        draw(drawn, path, min(dpi, 30))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure, "_draw_once", sketch)
        yield
