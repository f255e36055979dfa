"""The lists and models that carry COPROD2."""

import csv

import numpy as np
import pytest

from jaxmt.conventions import MU_0
from jaxmt.io import BadFile, read_coprod2, read_coprod2_model

DATA = """Format:             MT2DData_1.0
#Comments: none
Receiver Location (m):    2
#     Y     Z
        0.00         0.00
    12600.00         0.00
Frequencies (Hz):    2
    1.0
    10.0
DataType:  Impedance
DataComp:     2
ZXY
ZYX
Data Block:     3
# FreqNo.  RxNo.   DataType    RealValue     ImagValue      Error
    1      1        1    3.0e-03    4.0e-03    1.0e-04
    1      1        2   -3.0e-03   -4.0e-03    2.0e-04
    2      2        1    3.0e-03    4.0e-03    1.0e-04
"""
MODEL = """#Format: EM2DModelFile
NY: 2
10. 20.
NAIR: 1
100
NZ: 2
1. 2.
Resistivity Type: Conductivity
Model Type: Linear
 0.1 0.2
 0.3 0.4
Origin (m): 10.0 0.0
"""


def write(folder, text):
    path = folder / "file"
    path.write_text(text)
    return path


def test_a_small_list(tmp_path):
    data = read_coprod2(write(tmp_path, DATA))
    np.testing.assert_array_equal(data.survey.stations, [0.0, 12600.0])
    assert data.mask.sum() == 6
    # rho = |Z|^2 / (omega mu_0); TM has its minus sign in the file.
    assert 10 ** data.values[0, 0, 0] == pytest.approx(25e-6 / (2 * np.pi * MU_0), rel=1e-12)
    assert data.values[3, 0, 0] == pytest.approx(np.rad2deg(np.arctan2(4, 3)), rel=1e-12)
    assert data.errors[3, 0, 0] == pytest.approx(np.rad2deg(2e-4 / 5e-3), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("MT2DData", "Data"), "line 1: .*expected Format: MT2DData_1.0"),
        (("Location (m):    2", "Location (m):    3"), "line 7: 'Frequencies' is not a number"),
        (("    10.0\n", "    -10.0\n"), "a frequency is not positive"),
        (("ZYX", "ZYY"), "expected ZXY, ZYX or both"),
        (("4.0e-03    1.0e-04", "4.0e-03"), "line 16: malformed row"),
        (("    2      2        1", "    1      1        1"), "line 18: .*occur twice"),
        (("    2      2        1", "    3      2        1"), "line 18: frequency 3, receiver 2"),
        (("2.0e-04", "0.0"), "line 17: the datum is"),
        (("Block:     3", "Block:     2"), "line 18: expected the end of the file after 2 data"),
        (("Block:     3", "Block:     4"), "expected one of 4 data, but the file ends"),
    ],
)
def test_errors_at_the_door(tmp_path, change, message):
    assert change[0] in DATA
    with pytest.raises(BadFile, match=message):
        read_coprod2(write(tmp_path, DATA.replace(*change)))


def test_a_small_model(tmp_path):
    mesh, resistivity = read_coprod2_model(write(tmp_path, MODEL))
    np.testing.assert_array_equal(mesh.y_nodes, [-10.0, 0.0, 20.0])
    np.testing.assert_array_equal(mesh.z_nodes, [-100.0, 0.0, 1.0, 3.0])
    np.testing.assert_allclose(resistivity, [[10.0, 5.0], [1 / 0.3, 2.5]], rtol=1e-15)
    with pytest.raises(BadFile, match="expected Resistivity Type: conductivity"):
        read_coprod2_model(write(tmp_path, MODEL.replace("Conductivity", "Resistivity")))
    with pytest.raises(BadFile, match="a conductivity is not positive"):
        read_coprod2_model(write(tmp_path, MODEL.replace("0.3", "-0.3")))


def test_the_published_files(data_folder):
    folder = data_folder / "coprod2"
    data = read_coprod2(folder / "coprod2data.dat")
    # 470 of 480 complex values.
    assert data.mask.sum() == 940
    with open(folder / "stations.csv") as file:
        np.testing.assert_array_equal(data.survey.stations, [float(r["y_m"]) for r in csv.DictReader(file)])
    # What the description says: TE falls from 33 ohm m at y = 0 to 4 at 107.6 km, TM does not.
    te, tm = 10 ** data.values[0, 0], 10 ** data.values[2, 0]
    assert te[11] == pytest.approx(4, abs=0.5)
    assert np.nanmin(tm) > 30
    assert np.all((data.values[[1, 3]] > 0) | ~data.mask[[1, 3]])
    mesh, resistivity = read_coprod2_model(folder / "coprod2.mod")
    assert mesh.shape == (45, 76)
    assert mesh.n_air == 7
    np.testing.assert_allclose(resistivity, 100.0, rtol=1e-14)
    mesh.check_stations(data.survey)
