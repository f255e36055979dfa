"""A small survey on disk, and one inversion of it that the tests of this folder share."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from soundings import two_dimensional

mpl.use("Agg")

import jaxmt
from jaxmt.field.command import main

TOLD = ("--quick", "--iterations", "2", "--per-decade", "1", "--band", "0.9", "110", "--misfit", "l2")


def write_survey(folder, stations=4):
    """So many stations 2 km apart across a strike of 0 degrees, in EDI files."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(stations):
        site = two_dimensional(f"S{k}", arrow=0.2)
        place = {"latitude": 0.0, "longitude": 0.02 * k, "elevation": 100.0 + k}
        tipper_error = np.full(site.tipper.shape, 0.02)
        jaxmt.io.write_edi(
            folder / f"s{k}.edi", dataclasses.replace(site, **place, tipper_error=tipper_error)
        )
    return folder


@pytest.fixture(scope="session")
def survey(tmp_path_factory):
    return write_survey(tmp_path_factory.mktemp("survey") / "EDI")


@pytest.fixture(scope="session")
def inverted(survey, tmp_path_factory):
    """The folder of a run of two iterations; nobody may change it."""
    out = tmp_path_factory.mktemp("inverted") / "OUT"
    assert main(["invert", str(survey), "-o", str(out), *TOLD]) == 0
    return out
