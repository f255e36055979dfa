"""J-, Z- and AVG files of one station: the same ohms, axes, places and errors from each."""

import invented
import numpy as np
import pytest
from invented import assert_invented, assert_placed, site_of, write

from jaxmt.conventions import OHM_PER_PRACTICAL
from jaxmt.io import BadFile, read
from jaxmt.processing import rotate


@pytest.mark.parametrize("name", ["site.j", "site.dat", "site.txt"])
def test_j_files_of_any_program_and_name(tmp_path, name):
    site = site_of(tmp_path, invented.jfile(), name)
    assert site.name == "J01"
    assert_placed(site)
    assert_invented(site)
    # The deviation of a part is that of the complex number over sqrt(2).
    np.testing.assert_allclose(site.z_error / np.abs(site.z[:, :1, 1:]), 0.03 / np.sqrt(2), rtol=1e-9)


@pytest.mark.parametrize(
    ("comment", "unit", "ohm"),
    [
        ("#BIRRP Version 5", "S.I.", OHM_PER_PRACTICAL),
        ("# others", "SI units (ohms)", 1.0),
        ("# others", "S.I.", OHM_PER_PRACTICAL),
        ("# others", "", OHM_PER_PRACTICAL),
    ],
)
def test_units_of_j_files(tmp_path, comment, unit, ohm):
    """BIRRP says S.I. for field units; where others do, the resistivities in ohm are impossible."""
    assert_invented(site_of(tmp_path, invented.jfile(comment, unit, ohm)))


def test_zero_bytes_that_pad_a_comment(tmp_path):
    text = invented.jfile("#filnam=C:\\data" + 4 * "\0")
    assert_invented(site_of(tmp_path, text))
    assert_invented(site_of(tmp_path, invented.jfile().replace("J01", "J01" + 5 * "\0")))
    with pytest.raises(BadFile, match="line 8: malformed row '1.0.*e-02"):
        site_of(tmp_path, invented.jfile().replace("1.000000e-02", "1.0\x0000000e-02"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.000000e-02", "-1.000000e+30", "line 8: the period -1e.30 s is damage"),
        ("1.000000e-02", "1.0e-320", "line 8: the period .*e-321 s is damage"),
        ("TZX\n", "ZXX\n", "line 27: a second block ZXX"),
        ("1.000000e-01", "1.000000e-02", "line 9: ZXX at 100 Hz is in line 8 too"),
        ("J01", "J01\nTZY\n0", "a second block TZY"),
    ],
)
def test_damaged_j_files(tmp_path, old, new, message):
    assert old in invented.jfile()
    with pytest.raises(BadFile, match=message):
        site_of(tmp_path, invented.jfile().replace(old, new), "a.j")


def test_missing_rows_and_frequencies_for_periods_of_j_files(tmp_path):
    flagged = (
        invented.jfile()
        .replace(" 1.000000e+00", " -999.0 -999.0 -999.0 -999.0 #")
        .replace("#", "-999.0 -999.0\n!")
    )
    text = "\n".join(line for line in flagged.splitlines() if not line.startswith("!"))
    np.testing.assert_allclose(site_of(tmp_path, text).frequencies, [100.0, 10.0], rtol=1e-6)
    # The format writes 10 Hz as the period -10.
    assert_invented(site_of(tmp_path, invented.jfile().replace(" 1.000000e-01", " -10.0")))


def test_z_files_and_their_sensors(tmp_path):
    site, turned = (
        site_of(tmp_path, invented.zfile(), "a.zmm"),
        site_of(tmp_path, invented.zfile(13.0), "b.txt"),
    )
    assert (site.name, site.declination) == ("Z01", 6.0)
    assert "a declination of 6 degrees, which is not applied" in site.notes[-1]
    assert (site.latitude, site.longitude) == (-22.5, 139.25)
    assert_invented(site)
    assert_invented(turned)
    # VAR_ij = N_ii S_jj = 4 and 9 over 100, half of it for each part.
    for i, power in enumerate((4.0, 9.0)):
        expected = np.sqrt(power * 0.01 / 2) * OHM_PER_PRACTICAL
        np.testing.assert_allclose(site.z_error[:, i], expected, rtol=1e-12)
    # The covariances are turned exactly.
    np.testing.assert_allclose(
        np.asarray(turned.z_covariance), np.asarray(rotate(site, -13.0).z_covariance), rtol=1e-9, atol=1e-12
    )


def test_avg_files_of_mtedit(tmp_path):
    site = site_of(tmp_path, invented.avg(), "a.avg")
    assert site.name == "24"
    assert_placed(site)
    assert_invented(site)
    # 20 mrad of phase are 2 % of the magnitude, in the real and in the imaginary part.
    np.testing.assert_allclose(site.z_error / np.abs(site.z), 0.02, rtol=1e-9)
    assert np.isnan(site_of(tmp_path, invented.avg().replace("20.0,", "*,"), "a.avg").z_error).all()


def test_avg_files_of_other_programs_are_one_fault(tmp_path):
    write(
        tmp_path,
        "\\ AMTAVG 7.76\n $ ASPACE= 50.0m\n\nskp Station Freq Comp Amps\n2 100. 8192 ExHy 7.4\n",
        "a.avg",
    )
    write(tmp_path, invented.avg(), "b.avg")
    reading = read(tmp_path)
    assert [site.name for site in reading.sites] == ["24"]
    assert "a.avg, line 4: the columns lack FREQ, Z.MAG" in reading.faults[0]
