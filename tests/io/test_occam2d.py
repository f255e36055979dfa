"""Occam2D files: a published run read, its data reproduced, the way there and back, damage."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Data, Survey
from jaxmt.io import (
    BadFile,
    read,
    read_edi,
    read_misfits,
    read_occam2d,
    read_occam2d_model,
    read_occam2d_response,
    write_occam2d,
)

SMALL = """FORMAT:           OCCAM2MTDATA_1.0
TITLE:            two sites
SITES:            2
   A 1
   B
OFFSETS (M):
   0.0  1500.0
FREQUENCIES:      2
   1.0E+01
   1.0
DATA BLOCKS:      7
SITE  FREQ  TYPE   DATUM    ERROR
  1     1     1      2.0      0.05
  1     1     2      45.0     2.0
  1     1     3      0.1      0.02
  1     1     4     -0.2      0.02
  2     2     5      1.0      0.04
  2     2     6      30.0     3.0
  2     1     10     100.0    20.0
"""


def write(folder, text, name="data.dat"):
    path = folder / name
    path.write_text(text)
    return path


def test_types_and_places(tmp_path):
    data = read_occam2d(write(tmp_path, SMALL))
    assert data.survey.names == ("A 1", "B")
    np.testing.assert_array_equal(data.survey.stations, [0.0, 1500.0])
    np.testing.assert_array_equal(data.survey.frequencies, [10.0, 1.0])
    assert data.mask.sum() == 7
    np.testing.assert_array_equal(data.values[[0, 1, 4, 5], 0, 0], [2.0, 45.0, 0.1, -0.2])
    np.testing.assert_array_equal(data.values[[2, 3], 1, 1], [1.0, 30.0])
    # 100 +- 20 ohm m: log10 rho is 2 +- 0.2/ln 10.
    assert data.values[2, 0, 1] == pytest.approx(2.0, rel=1e-15)
    assert data.errors[2, 0, 1] == pytest.approx(0.2 / np.log(10), rel=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((SMALL, ""), "is empty"),
        (("OCCAM2MTDATA_1.0", "nothing"), "line 1: .*expected FORMAT: OCCAM2MTDATA_1.0"),
        (("SITES:            2", "SITES:  two"), "line 3: 'SITES:  two'; expected SITES: and how many"),
        (("SITES:            2", "SITES: 3"), "line 7: .*expected OFFSETS"),
        (("0.0  1500.0", "0.0  15OO.0"), "line 7: '15OO.0' is not a number; expected the offsets in m"),
        (("1.0E+01", "-1.0E+01"), "is not one of the frequencies in Hz"),
        (("SITE  FREQ", "SITE FREK"), "expected SITE  FREQ  TYPE"),
        (("45.0", "45.O"), "line 14: malformed row"),
        (("  2     2     6", "  2     2     7"), "line 18: type 7; those that are read are 1-6, 9 and 10"),
        (("  2     2     6", "  3     2     6"), "line 18: site 3, frequency 2; there are 2 sites"),
        (
            ("  2     2     6      30.0", "  2     2     5       3.0"),
            "line 18: site 2, frequency 2 and type 5 are in line 17",
        ),
        (("2.0      0.05", "2.0      -0.05"), "line 13: the error is -0.05; expected a positive"),
        (("100.0    20.0", "-100.0    20.0"), "line 19: the apparent resistivity is -100 ohm m"),
        (("BLOCKS:      7", "BLOCKS:      8"), "announces 8 data but holds 7"),
    ],
)
def test_errors_at_the_door(tmp_path, change, message):
    assert change[0] in SMALL
    with pytest.raises(BadFile, match=message):
        read_occam2d(write(tmp_path, SMALL.replace(*change)))


def test_there_and_back(tmp_path):
    generator = np.random.default_rng(4)
    survey = Survey([100.0, 1.0 / 3.0], [-20.125, 0.0, 1e4], names=["A", "B 2", "C"])
    values = generator.normal(size=(6, 2, 3))
    values[2:, 1, 1] = np.nan
    errors = generator.uniform(0.01, 1.0, size=(6, 2, 3))
    data = Data(survey, values, errors)
    write_occam2d(tmp_path / "out.dat", data)
    again = read_occam2d(tmp_path / "out.dat")
    assert again.survey.names == survey.names
    # 9 digits of data, 13 of frequencies, 3 after the point of metres.
    np.testing.assert_allclose(again.values, data.values, rtol=5e-9)
    np.testing.assert_allclose(again.errors[data.mask], errors[data.mask], rtol=5e-9)
    np.testing.assert_allclose(again.survey.frequencies, survey.frequencies, rtol=1e-12)
    np.testing.assert_allclose(again.survey.stations, survey.stations, atol=5e-4)
    # What was printed once is printed the same again.
    write_occam2d(tmp_path / "again.dat", again)
    assert (tmp_path / "again.dat").read_text() == (tmp_path / "out.dat").read_text()
    bad = dataclasses.replace(data, survey=dataclasses.replace(survey, names=("A", " B", "C")))
    write_occam2d(tmp_path / "bad.dat", bad, title="of\ntwo lines")
    assert read_occam2d(tmp_path / "bad.dat").survey.names == ("A", "B", "C")


def test_phases_of_the_third_quadrant(tmp_path):
    """Some programs write TM phases 180 degrees off; all of them are moved, a part is not."""
    survey = Survey([100.0, 1.0], [0.0, 1e3, 2e3])
    values = np.full((6, 2, 3), np.nan)
    values[[0, 2]], values[[1, 3]] = 2.0, 40.0
    errors = np.where(np.isfinite(values), 1.0, np.nan)
    for shift in (-180.0, 180.0):
        turned = values.copy()
        turned[3] += shift
        write_occam2d(tmp_path / "tm.dat", Data(survey, turned, errors))
        with pytest.warns(
            UserWarning, match="all 6 phases of TM lie in the third quadrant; moved by 180 degrees"
        ):
            data = read_occam2d(tmp_path / "tm.dat")
        np.testing.assert_array_equal(data.values, values)
        entry = read(tmp_path / "tm.dat").journal.entries[-1]
        assert (entry.step, entry.subject) == ("sign", "tm.dat")
        kept = read(tmp_path / "tm.dat", signs="keep")
        np.testing.assert_array_equal(next(iter(kept.lines.values())).values, turned)
        assert kept.journal.entries[-1].text.endswith("third quadrant; left as they are, as asked")
    turned[3, 0, 0] = 40.0
    write_occam2d(tmp_path / "tm.dat", Data(survey, turned, errors))
    with pytest.warns(UserWarning, match="5 of 6 phases of TM lie outside the first quadrant; doubtful"):
        data = read_occam2d(tmp_path / "tm.dat")
    np.testing.assert_array_equal(data.values, turned)


def test_a_published_line_is_reproduced_by_rotation(data_folder):
    folder = data_folder / "paralana_occam2d"
    published = read_occam2d(folder / "occam2d" / "OccamDataFile.dat")
    data = read_edi(folder / "edi", strike=7.0)
    assert published.mask.sum() == 1140
    # The EDI files reach to lower frequencies; the first 19 are the file's, printed with 7 digits.
    np.testing.assert_allclose(data.survey.frequencies[:19], published.survey.frequencies, rtol=1e-6)
    assert [name[:4] for name in data.survey.names] == list(published.survey.names)
    gap = data.values[:, :19] - published.values
    # Half of the last of the 4 digits printed.
    assert np.abs(gap[published.mask]).max() < 5.001e-5


def test_a_published_run(data_folder):
    folder = data_folder / "paralana_occam2d" / "occam2d"
    data = read_occam2d(folder / "OccamDataFile.dat")
    predicted = read_occam2d_response(folder / "RESP12.resp", data)
    # The misfit that the run states, 0.9999997, of responses printed with 5 digits.
    assert float(data.nrms_of(jnp.asarray(predicted))) == pytest.approx(1.0, abs=1e-5)
    misfits = read_misfits(folder / "LogFile.logfile")
    assert misfits[[0, 1, -1]] == pytest.approx([23.19738, 2.850513, 0.9999997], abs=0)
    mesh_and_model = folder / "Occam2DMesh", folder / "Occam2DModel"
    mesh, resistivity = read_occam2d_model(*mesh_and_model, folder / "ITER12.iter")
    assert mesh.shape == (60, 82)
    # The binding offset, 0, is the right edge of the first nine columns.
    assert mesh.y_nodes[9] == pytest.approx(0.0, abs=1e-9)
    assert np.log10(resistivity[0, 0]) == pytest.approx(0.8743036, rel=1e-12)
    assert np.log10(resistivity[0, 9]) == pytest.approx(0.9095424, rel=1e-12)
    # The second layer of blocks starts at the third row, with the 35th parameter.
    assert resistivity[1, 0] == resistivity[0, 0]
    assert np.unique(resistivity).size <= 1378
    _, start = read_occam2d_model(*mesh_and_model, folder / "Occam2DStartup")
    np.testing.assert_allclose(start, 100.0, rtol=1e-12)


MESH = "a mesh\n0 4 4 0 0 2\n10. 20. 30.\n1. 2.\n3.\n0\n" + 12 * "???\n"
MODEL = "Binding Offset: 5.0\nNum Layers: 2\n1 2\n1 2\n2 1\n3\nNO. EXCEPTIONS: 0\n"
ITERATION = "Format: OCCAMITER_FLEX\nParam Count: 3\n 1.0 2.0\n 3.0\n"


def model_of(folder, mesh=MESH, model=MODEL, iteration=ITERATION):
    return read_occam2d_model(
        write(folder, mesh, "mesh"), write(folder, model, "model"), write(folder, iteration, "iter")
    )


def test_a_small_model(tmp_path):
    mesh, resistivity = model_of(tmp_path)
    np.testing.assert_array_equal(mesh.y_nodes, [-5.0, 5.0, 25.0, 55.0])
    np.testing.assert_array_equal(mesh.earth_nodes, [0.0, 1.0, 3.0, 6.0])
    np.testing.assert_allclose(resistivity, [[10, 100, 100], [1000] * 3, [1000] * 3], rtol=1e-14)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"mesh": MESH.replace("0 4 4", "0 5 4")}, "expected"),
        ({"mesh": MESH.replace("???", "?A?", 1)}, "line 7: cell 'A' has a fixed resistivity"),
        ({"mesh": MESH.replace("???", "??", 1)}, "line 7: '[?][?]'; expected 3 letters"),
        ({"mesh": MESH[:-4]}, "but the file ends; it is damaged"),
        ({"model": MODEL.replace("1 2\n1 2", "1 2\n1 1")}, "line 4: layer 1 takes 2 columns and 1 rows"),
        ({"model": MODEL.replace("2 1\n3", "1 1\n3")}, "the layers take 2 rows; the mesh has 3"),
        ({"model": MODEL.replace("Binding", "Binding!")}, "expected the line Binding Offset:"),
        ({"model": MODEL.replace("1 2\n1 2", "1 2.5\n1 2")}, "whole numbers from 1"),
        ({"iteration": ITERATION.replace("3\n", "4\n", 1)}, "is not the 3 blocks of"),
        ({"iteration": ITERATION.replace("2.0", "2000.0")}, "no log10 of a resistivity"),
    ],
)
def test_models_that_do_not_fit(tmp_path, files, message):
    with pytest.raises(BadFile, match=message):
        model_of(tmp_path, **files)
