"""Damaged files of every format in a folder: in time, and only a fault of their own."""

import random

import invented
import pytest
from mutants import check, in_time, mutated
from test_coprod2 import DATA as COPROD2
from test_edi import PLAIN as EDI
from test_emtf_xml import document
from test_modem import planar
from test_occam2d import SMALL as OCCAM2D
from test_reading import WSINV3D

from jaxmt.io import read

TIPPER_ALONE = EDI[: EDI.index(">ZXXR")] + EDI[EDI.index(">TXR.EXP") :]
TEXTS = {
    "a.edi": EDI,
    "tipper.edi": TIPPER_ALONE,
    "spectra.edi": invented.spectra(remote=True),
    "a.xml": document(),
    "a.zmm": invented.zfile(13.0),
    "a.j": invented.jfile(),
    "a.avg": invented.avg(),
    "list.dat": invented.modem("13 103 13 103", electric=(13, 103), magnetic=(13, 103)),
    "planar.dat": planar(),
    "occam2d.dat": OCCAM2D,
    "coprod2.dat": COPROD2,
    "wsinv3d.dat": WSINV3D,
}


def damage(folder, name, count, seed):
    """Reads so many damaged copies in one folder beside a good file; how many of them were read."""
    generator = random.Random(f"{name} {seed}")
    for k in range(count):
        text = mutated(TEXTS[name], generator)
        (folder / f"{k:03d}_{name}").write_bytes(text.encode("latin-1", errors="replace"))
    (folder / "good.j").write_text(invented.jfile())
    # Nothing but a fault in the list may come of a damaged file: no error ends the folder.
    with in_time(5.0 + 0.1 * count):
        reading = read(folder, relative_error=0.05)
    check(reading)
    assert reading.sites[-1].name == "J01"
    for fault in reading.faults:
        assert str(folder) in fault
        assert len(fault) < 1000
    return count - len(reading.faults)


@pytest.mark.parametrize("name", TEXTS)
def test_fifty_damaged_files_of_each_format(tmp_path, name):
    # Both happen, or the test would test nothing.
    assert 0 < damage(tmp_path, name, 50, 1) < 50


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_two_hundred_damaged_files_of_each_format(tmp_path, name):
    assert 0 < damage(tmp_path, name, 200, 2) < 200
