"""A small survey, and one inversion of it, that the tests of this folder share."""

import matplotlib as mpl
import pytest
from pictures import sketched
from surveys import TOLD, write_survey

mpl.use("Agg")

from jaxmt.field.command import main


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    return write_survey(tmp_path_factory.mktemp("survey") / "EDI")


@pytest.fixture(scope="session")
def inverted(survey, tmp_path_factory):
    """The folder of a run of two iterations; nobody may change it."""
    out = tmp_path_factory.mktemp("inverted") / "OUT"
    with sketched():
        assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 0
    return out


@pytest.fixture(autouse=True)
def sketches():
    """Nothing is drawn in full: `plot` tests the looks."""
    with sketched():
        yield
