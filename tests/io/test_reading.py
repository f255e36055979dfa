"""One door for every format: detection, folders with bad files in them, and damaged models."""

import random

import numpy as np
import pytest
from mutants import check, mutated
from test_coprod2 import DATA as COPROD2
from test_coprod2 import MODEL as COPROD2_MODEL
from test_edi import PLAIN as EDI
from test_edi import conjugated
from test_emtf_xml import document
from test_modem import planar, tensor
from test_occam2d import ITERATION, MESH, MODEL
from test_occam2d import SMALL as OCCAM2D
from test_ws_model import SMALL as WS_MODEL

from jaxmt.io import (
    BadFile,
    detect,
    read,
    read_coprod2_model,
    read_edi_site,
    read_modem_mask,
    read_occam2d_model,
    read_ws_model,
    read_wsinv3d,
)

XML = document()
TEXTS = {
    "EDI": EDI,
    "EMTF XML": XML,
    "ModEM list": tensor(),
    "ModEM 2-D list": planar(),
    "Occam2D data": OCCAM2D,
    "COPROD2 list": COPROD2,
}


def write(folder, text, name="file"):
    path = folder / name
    path.write_bytes(text.encode("latin-1", errors="replace") if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("kind", TEXTS)
def test_the_content_tells_the_format(tmp_path, kind):
    path = write(tmp_path, TEXTS[kind], "misnamed.txt")
    assert detect(path) == kind
    reading = read(path)
    assert reading.faults == ()
    assert bool(reading.sites) != bool(reading.lines)
    assert kind in str(reading.journal)


def test_a_folder_goes_on_after_bad_files(tmp_path):
    write(tmp_path, EDI, "a.edi")
    write(tmp_path, XML, "b.xml")
    write(tmp_path, OCCAM2D, "c.dat")
    write(tmp_path, "", "empty.edi")
    write(tmp_path, b"\x89PNG\0\0\x01\x02", "binary.edi")
    write(tmp_path, EDI.replace("0.18\n", "0.x8\n"), "broken.edi")
    write(tmp_path, XML[: len(XML) // 2], "half.xml")
    write(tmp_path, "a,b\n1,2\n", "table.dat")
    write(tmp_path, "# notes\n", "README.md")
    (tmp_path / "folder").mkdir()
    reading = read(tmp_path)
    assert [site.name for site in reading.sites] == ["S1", "A1"]
    assert list(reading.lines) == [str(tmp_path / "c.dat")]
    faults = "\n".join(reading.faults)
    assert len(reading.faults) == 5
    for part in (
        "empty.edi is empty",
        "binary.edi is not a text file",
        "broken.edi, line 28: block >ZXY.VAR holds '0.x8'",
        "half.xml, line ",
        "table.dat is of no format",
    ):
        assert part in faults
    assert "pass over, README.md" in str(reading.journal)
    assert "fault, empty.edi" in str(reading.journal)


def test_a_folder_of_many_files(tmp_path):
    for k in range(500):
        write(tmp_path, EDI.replace("S1", f"S{k}") if k % 10 else "nothing", f"{k:03d}.edi")
    reading = read(tmp_path)
    assert (len(reading.sites), len(reading.faults)) == (450, 50)


def occam2d_of(path, **texts):
    """The model of `path` and of files beside it with these texts; None stands for `path`."""
    parts = {name: path if text is None else write(path.parent, text, name) for name, text in texts.items()}
    return read_occam2d_model(parts["mesh"], parts["model"], parts["iteration"])


@pytest.mark.parametrize(
    ("change", "variance", "said"),
    [
        # What holds of every EDI file is for whoever asks for all steps.
        (lambda text: text, "variance", ""),
        (conjugated, "variance", "conjugated"),
        (lambda text: text, "standard_error", "taken as standard error"),
        (lambda text: text.replace(">ZXXR", ">ZXXR UNITS=Ohm"), "variance", "units of 1 ohm, as stated"),
    ],
)
def test_what_changes_numbers_is_told_from_what_the_format_says(tmp_path, change, variance, said):
    reading = read(write(tmp_path, change(EDI), "a.edi"), variance=variance)
    told = [entry.text for entry in reading.journal if entry.step == "note"]
    assert len(told) == bool(said)
    assert all(said in text for text in told)
    assert len(reading.journal) == 4


def test_two_stations_of_one_name_are_reported(tmp_path):
    write(tmp_path, EDI, "a.edi")
    write(tmp_path, EDI, "b.edi")
    assert "2 stations have this name" in str(read(tmp_path).journal)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none", None, "cannot be read"),
        ("empty", "  \n", "is empty"),
        ("table", "1 2 3\n", "is of no format that jaxmt knows"),
        ("model.rho", " 2 2 LOGE\n1. 1.\n1. 1.\n0\n1. 1.\n1. 1.\n", "is a model, not data"),
    ],
)
def test_single_files_of_no_use(tmp_path, name, text, message):
    path = tmp_path / name if text is None else write(tmp_path, text, name)
    with pytest.raises(BadFile, match=message):
        read(path)


def test_a_folder_of_nothing(tmp_path):
    with pytest.raises(BadFile, match="none of 0 files holds transfer functions"):
        read(tmp_path)
    write(tmp_path, EDI.split(">ZXXR")[0], "a.edi")
    with pytest.raises(BadFile, match="none of 1 files .* lacks impedances"):
        read(tmp_path)


def test_the_time_dependence_is_detected_stated_and_converted(tmp_path):
    path = write(tmp_path, conjugated(EDI), "a.edi")
    site = read(path).sites[0]
    assert "exp(-i omega t); the standard says exp(+i omega t); conjugated" in site.notes[0]
    np.testing.assert_array_equal(site.z, read_edi_site(path, conjugate=True).z)
    np.testing.assert_array_equal(read(path, conjugate=False).sites[0].z, site.z.conj())
    with pytest.raises(ValueError, match=r"`read\(variance=...\)` must be"):
        read(path, variance="sigma")


WSINV3D = """2 1 8
Station_Location: N-S
 0.0 1000.0
Station_Location: E-W
 0.0 -500.0
DATA_Period: 10.0
 1.0 2.0 3.0 4.0 -3.0 -4.0 0.5 0.1
 1.0 2.0 3.0 4.0 -3.0 -4.0 0.5 0.1
ERROR_Period: 10.0
 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1
 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1
ERMAP_Period: 10.0
 1. 1. 1. 1. 1. 1. 1. 1.
 1. 1. 1. 1. 1. 1. 1. 1.
"""
COVARIANCE = 16 * "| text |\n" + "2 2 2\n0.3 0.3\n0.3 0.3\n0.3\n1\n0\n1 2\n1 9\n9 1\n"


@pytest.mark.parametrize(
    ("text", "reader"),
    [
        (WSINV3D, read_wsinv3d),
        (COVARIANCE, read_modem_mask),
        (WS_MODEL, read_ws_model),
        (COPROD2_MODEL, read_coprod2_model),
        (MESH, lambda path: occam2d_of(path, mesh=None, model=MODEL, iteration=ITERATION)),
        (MODEL, lambda path: occam2d_of(path, mesh=MESH, model=None, iteration=ITERATION)),
        (ITERATION, lambda path: occam2d_of(path, mesh=MESH, model=MODEL, iteration=None)),
    ],
)
def test_damaged_models(tmp_path, text, reader):
    generator = random.Random(20261123)
    refused = 0
    for k in range(150):
        path = write(tmp_path, mutated(text, generator) if k else text)
        try:
            reader(path)
        except BadFile:
            refused += 1
    assert 20 < refused < 150


def test_every_folder_of_field_data(data_folder):
    stations = {
        "cafe_cascadia/edi": 24,
        "cascadia_modem": 327,
        "cascadia_modem/xml": 20,
        "cascadia_modem/wsinv3d_published": 218,
        "east_tennant/L1": 25,
        "east_tennant/L2": 27,
        "east_tennant/L3": 29,
        "paralana_occam2d/edi": 15,
    }
    for name, count in stations.items():
        reading = read(data_folder / name)
        assert (len(reading.sites), reading.faults) == (count, ()), name
    for name, count in {"coprod2": 1, "modem2d_block2": 6, "paralana_occam2d/occam2d": 1}.items():
        reading = read(data_folder / name, relative_error=0.05)
        assert (len(reading.lines), reading.faults) == (count, ()), name
        check(reading)
