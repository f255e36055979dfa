"""One door for every format: detection, folders with bad files in them, and a thousand damaged files."""

import random

import numpy as np
import pytest
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
from jaxmt.processing import phase_tensor

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


def mutated(text, generator):
    """The text with one to four random edits."""
    alphabet = '<>=/.-+:EDZX019 \n\t"#*&;\xe9'
    words = ("1e400", "-1e-320", "nan", "1.0E+32", "0.0", "-0", "1e31", "999999999", "//", "</", "\0")
    for _ in range(generator.randint(1, 4)):
        i = generator.randrange(max(len(text), 1))
        kind = generator.randrange(6)
        if kind == 0:
            text = text[:i] + generator.choice(alphabet) + text[i + 1 :]
        elif kind == 1:
            text = text[:i] + text[i + generator.randint(1, 40) :]
        elif kind == 2:
            text = text[:i] + generator.choice(alphabet) * generator.randint(1, 5) + text[i:]
        elif kind == 3:
            j = generator.randrange(max(len(text), 1))
            text = text[:i] + text[j : j + 60] + text[i:]
        elif kind == 4:
            text = text[:i] + generator.choice(words) + text[i + generator.randint(0, 8) :]
        elif generator.random() < 0.2:
            text = text[:i]
    return text


def check(reading):
    """What must hold of anything that was read: no silent zero, no infinity, no error that is none."""
    for site in reading.sites:
        off = site.z[:, [0, 1], [1, 0]]
        assert not np.any(off == 0)
        assert not np.isinf(site.z).any()
        assert np.all(np.isfinite(site.frequencies) & (site.frequencies > 0))
        assert not np.any(site.z_error <= 0)
        assert not np.any(site.tipper_error <= 0)
        assert np.isfinite(off).any() or np.isfinite(site.tipper).any()
        tensor = phase_tensor(site)
        assert not np.any(np.isnan(tensor.beta) & np.isfinite(tensor.tensor).all(axis=(1, 2)))
    for line in reading.lines.values():
        assert line.mask.any()
        assert not np.isinf(line.values).any()
        # An impedance of zero would be -inf, one of 1e-30 ohm a resistivity below this.
        assert np.all(np.abs(line.values[[0, 2]][line.mask[[0, 2]]]) < 80)


def refusal(path):
    """What the door says of a file it refuses; empty for one it reads."""
    try:
        check(read(path, relative_error=0.05))
    except BadFile as error:
        return str(error)
    return ""


def fuzz(folder, counts, seed):
    """Reads damaged copies; returns how many could still be read, and how many were refused."""
    generator = random.Random(seed)
    messages = []
    for kind, count in counts.items():
        path = folder / ("damaged.edi" if kind == "EDI" else "damaged")
        for _ in range(count):
            write(folder, mutated(TEXTS[kind], generator), path.name)
            messages.append(refusal(path))
            assert str(path) in (messages[-1] or str(path))
            assert len(messages[-1]) < 1000
    refused = sum(bool(message) for message in messages)
    return len(messages) - refused, refused


def test_a_thousand_damaged_files(tmp_path):
    counts = {"EDI": 420, "EMTF XML": 200, "ModEM list": 200, "Occam2D data": 150, "COPROD2 list": 15}
    read_still, refused = fuzz(tmp_path, counts | {"ModEM 2-D list": 15}, 20261121)
    assert read_still + refused == 1000
    # Both happen often, or the test would test nothing.
    assert min(read_still, refused) > 100


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


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path):
    read_still, refused = fuzz(tmp_path, dict.fromkeys(TEXTS, 1700), 20261122)
    assert min(read_still, refused) > 1000


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
