"""Errors of no use in files along a profile: said, a floor instead, and the rest as measured."""

import numpy as np
import pytest

from jaxmt import Data, Survey
from jaxmt.data import impedance_error_scale
from jaxmt.io import BadFile, read, write_modem, write_occam2d
from jaxmt.processing.floors import TIPPER_FLOOR

COPROD2 = """Format: MT2DData_1.0
Receiver Location (m): 2
0.0 0.0
1000.0 0.0
Frequencies (Hz): 2
1.0
10.0
DataType: Impedance
DataComp: 2
ZXY
ZYX
Data Block: 8
"""
SCALE = np.array([*impedance_error_scale(), 1.0, 1.0])[:, None, None]


def data():
    """Two stations and frequencies, 100 ohm m and 40 degrees, tippers; 3 % of |Z|, 0.02."""
    values = np.full((6, 2, 2), 2.0)
    values[[1, 3]], values[4:] = 40.0, 0.1
    relative = np.full(values.shape, 0.03)
    relative[4:] = 0.02
    return Data(Survey([10.0, 1.0], [0.0, 1000.0]), values, relative * SCALE)


def coprod2(path, _):
    rows = [
        f"{f} {s} {c} {sign}3e-3 {sign}4e-3 1.5e-4"
        for c, sign in ((1, ""), (2, "-"))
        for f in (1, 2)
        for s in (1, 2)
    ]
    path.write_text(COPROD2 + "\n".join(rows) + "\n")


def written(path, write):
    """The file, and the places of its errors: the last word of each row of data."""
    write(path, data())
    lines = path.read_text().splitlines()
    rows = [k for k, line in enumerate(lines) if len(line.split()) in (5, 6, 11) and "#" not in line[:3]]
    return lines, [k for k in rows if lines[k][0] != ">" and not lines[k].split()[0].isalpha()]


@pytest.mark.parametrize("write", [write_occam2d, coprod2, write_modem])
@pytest.mark.parametrize("error", ["1.0E+300", "-1.0E-02", "0.0", "1.0E-20"])
def test_an_error_of_no_use_is_one_datums(tmp_path, write, error):
    path = tmp_path / "a.dat"
    lines, rows = written(path, write)
    whole = next(iter(read(path, relative_error=0.05).lines.values()))
    assert not [entry for entry in read(path, relative_error=0.05).journal if entry.step == "error"]
    lines[rows[1]] = " ".join([*lines[rows[1]].split()[:-1], error])
    path.write_text("\n".join(lines) + "\n")
    reading = read(path, relative_error=0.05)
    found = next(iter(reading.lines.values()))
    np.testing.assert_array_equal(found.values, whole.values)
    changed = np.argwhere(~np.isclose(found.errors, whole.errors, rtol=1e-9, equal_nan=True))
    # An impedance is a resistivity and a phase.
    assert len(changed) == (1 if write is write_occam2d else 2)
    for c, f, s in changed:
        # The floor, 5 % of |Z|; 1e-6: digits that are printed.
        assert found.errors[c, f, s] == pytest.approx(0.05 * SCALE[c, 0, 0], rel=1e-6)
    said = [entry.text for entry in reading.journal if entry.step == "error"]
    assert len(said) == 1
    assert "the floor, 0.05, instead" in said[0]
    assert " 1 are " in said[0]


@pytest.mark.parametrize("write", [write_occam2d, coprod2, write_modem])
def test_without_a_floor_an_error_that_is_not_positive_is_refused(tmp_path, write):
    path = tmp_path / "a.dat"
    lines, rows = written(path, write)
    lines[rows[1]] = " ".join([*lines[rows[1]].split()[:-1], "-1.0"])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadFile):
        read(path)


def test_errors_of_tippers_have_their_own_floor(tmp_path):
    path = tmp_path / "a.dat"
    lines, rows = written(path, write_occam2d)
    # Types 3 and 4 are the tipper.
    at = next(k for k in rows if lines[k].split()[2] == "3")
    lines[at] = " ".join([*lines[at].split()[:-1], "1e-9"])
    path.write_text("\n".join(lines) + "\n")
    reading = read(path, relative_error=0.1)
    assert np.sum(next(iter(reading.lines.values())).errors[4] == TIPPER_FLOOR) == 1
    assert "of 8 errors of the tipper 1 are absurd; the floor, 0.05, instead" in str(reading.journal)
