"""Kinds of EDI files: cross-power spectra, tippers alone, units in headers, frequencies that are damage."""

import invented
import numpy as np
import pytest
from invented import assert_invented, assert_placed, impedance, site_of, write

from jaxmt.conventions import OHM_PER_PRACTICAL
from jaxmt.io import BadFile, read, read_edi_site


@pytest.mark.parametrize("remote", [False, True])
def test_spectra(tmp_path, remote):
    site = site_of(tmp_path, invented.spectra(remote=remote), "a.edi")
    assert_invented(site)
    assert_placed(site, 518 * 0.3048)
    # VAR_ij = N_ii S_jj with N = 100 / 400 and S the inverse of the magnetic powers.
    h = np.array([[100.0, 20.0 + 10.0j], [20.0 - 10.0j, 80.0]])
    variance = 0.25 * np.diag(np.linalg.inv(h)).real
    np.testing.assert_allclose(
        site.z_error[:, 0] / OHM_PER_PRACTICAL, np.tile(np.sqrt(variance / 2), (3, 1)), rtol=1e-6
    )
    np.testing.assert_allclose(site.tipper_error, np.tile(np.sqrt(variance / 2), (3, 1)), rtol=1e-6)


@pytest.mark.parametrize(("rotation", "azimuth"), [("ROTSPEC=107", 107.0), ("", 30.0), ("ROTSPEC= 0", 0.0)])
def test_axes_of_spectra(tmp_path, rotation, azimuth):
    """ROTSPEC says where x points; without it the sensor Hx does."""
    site = site_of(tmp_path, invented.spectra(rotation), "a.edi")
    np.testing.assert_array_equal(site.azimuth, azimuth)
    assert azimuth == 0 or "ROTSPEC" in site.notes[-1]


def test_spectra_of_fewer_channels(tmp_path):
    site = site_of(tmp_path, invented.spectra(silent=("HZ",)), "a.edi")
    np.testing.assert_allclose(site.z[:, 0, 1], impedance()[:, 0, 1], rtol=1e-9)
    assert np.isnan(site.tipper).all()
    with pytest.raises(BadFile, match="holds no transfer function"):
        site_of(tmp_path, invented.spectra(silent=("HX",)), "a.edi")
    with pytest.raises(BadFile, match=r"line 20: block >SPECTRA announces 24 numbers but holds 25"):
        site_of(tmp_path, invented.spectra().replace("// 25", "// 24"), "a.edi")
    with pytest.raises(BadFile, match="line 20: >SPECTRA without FREQ="):
        site_of(tmp_path, invented.spectra().replace("FREQ=", "F="), "a.edi")


HEAD = ">HEAD\n  DATAID=A\n  ELEV=518\n{}\n>FREQ // 2\n {} 1.0\n"
BLOCKS = "".join(f">T{a}{p}.EXP // 2\n 0.1 0.1\n" for a in "XY" for p in ("R", "I"))
IMPEDANCES = "".join(f">Z{e}{p} // 2\n {s} {s}\n" for e, s in (("XY", 10), ("YX", -10)) for p in "RI")


def test_a_tipper_alone(tmp_path):
    site = read_edi_site(write(tmp_path, HEAD.format("", "10.0") + BLOCKS))
    assert np.isnan(site.z).all()
    np.testing.assert_array_equal(site.tipper, np.full((2, 2), 0.1 + 0.1j))
    turned = HEAD.format("", "10.0") + BLOCKS + ">TROT.EXP // 2\n 30. 30.\n"
    with pytest.warns(UserWarning, match="30 to 30 degrees"):
        site = read_edi_site(write(tmp_path, turned))
    np.testing.assert_array_equal(site.azimuth, 30.0)
    np.testing.assert_array_equal(site.tipper, np.full((2, 2), 0.1 + 0.1j))


@pytest.mark.parametrize(
    ("options", "metres"),
    [
        ("  UNITS=FT", 518 * 0.3048),
        ("  UNITS=feet", 518 * 0.3048),
        ("  UNITS=M", 518.0),
        ("  UNITS=ohm", 518.0),
        ("", 518.0),
    ],
)
def test_units_of_elevations(tmp_path, options, metres):
    site = read_edi_site(write(tmp_path, HEAD.format(options, "10.0") + IMPEDANCES))
    assert site.elevation == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize("text", ["518 FT", "518ft.", "518.0 feet", '"518 Feet"', "0.518D3 FT"])
def test_the_unit_behind_an_elevation_counts(tmp_path, text):
    text = HEAD.format("  UNITS=M", "10.0").replace("ELEV=518", f"ELEV={text}") + IMPEDANCES
    assert read_edi_site(write(tmp_path, text)).elevation == pytest.approx(518 * 0.3048, rel=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "ohm"),
    [
        (">ZXYR", ">ZXYR", OHM_PER_PRACTICAL),
        (">ZXYR", ">ZXYR UNITS=OHM", 1.0),
        (">ZXYR", ">ZXYR UNITS=[V/m]/[T]", 1e-3 * OHM_PER_PRACTICAL),
        ("ELEV=518", "ELEV=518\n  UNITS=ohms", 1.0),
        ("ELEV=518", "ELEV=518\n  UNITS=millivolts_per_kilometer_per_nanotesla", OHM_PER_PRACTICAL),
    ],
)
def test_units_of_impedances_in_headers(tmp_path, old, new, ohm):
    """The scale is that of the first block that a header names the unit of; 10 + 10i are in the file."""
    path = write(tmp_path, (HEAD.format("", "10.0") + IMPEDANCES).replace(old, new, 1))
    np.testing.assert_allclose(read_edi_site(path).z[:, 0, 1], (10 + 10j) * ohm, rtol=1e-14)


@pytest.mark.parametrize("outlier", ["1e30", "1e-320", "5E8"])
def test_an_impossible_frequency_is_the_fault_of_its_file(tmp_path, outlier):
    write(tmp_path, HEAD.format("", outlier) + IMPEDANCES, "a.edi")
    write(tmp_path, invented.jfile(), "b.j")
    reading = read(tmp_path)
    assert [site.name for site in reading.sites] == ["J01"]
    assert "a.edi, line 6: the frequency" in reading.faults[0]


def test_comments_need_no_angle_bracket(tmp_path):
    text = (HEAD.format("", "10.0") + IMPEDANCES).replace(">ZXYR", "!****IMPEDANCES****!\n>ZXYR")
    assert read_edi_site(write(tmp_path, text)).z.shape == (2, 2, 2)


SENSORS = (
    ">HMEAS ID=1 CHTYPE=HX X=0 Y=0 AZM={}\n>HMEAS ID=2 CHTYPE=HY X=0 Y=0 AZM={}\n"
    ">EMEAS ID=3 CHTYPE=EX {}\n>EMEAS ID=4 CHTYPE=EY {}\n"
)
NO_DIPOLES = ("X=0 Y=0 X2=0 Y2=0", "X=0 Y=0 X2=0 Y2=0")


@pytest.mark.parametrize(
    ("magnetic", "dipoles", "extra", "azimuth", "note"),
    [
        # Placeholders, and sensors along the axes.
        ((0, 0), NO_DIPOLES, "", 0.0, ""),
        ((0, 90), NO_DIPOLES, "", 0.0, ""),
        ((0, 90), ("AZM=0.0", "AZM=90"), "", 0.0, ""),
        ((360, -270), ("AZM=359", "AZM=91"), "", 0.0, ""),
        # One turned pair, alone, with its dipoles' ends (30 degrees: 86.6 m north, 50 m east) or azimuths.
        ((30, 120), NO_DIPOLES, "", 30.0, "no ZROT; the sensors point 30 and 120 degrees"),
        ((30, 120), ("X=0 Y=0 X2=86.6 Y2=50", "X=0 Y=0 X2=-50 Y2=86.6"), "", 30.0, "no ZROT; the sensors"),
        ((30, 120), ("AZM=30", "AZM=120"), "", 30.0, "no ZROT; the sensors"),
        # Inconsistent ones are not used.
        ((30, 100), NO_DIPOLES, "", 0.0, "not those of one pair of axes: not used"),
        ((30, 120), ("AZM=0.0", "AZM=90"), "", 0.0, "not those of one pair of axes: not used"),
        ((0, 90), ("AZM=30", "AZM=120"), "", 0.0, "not those of one pair of axes: not used"),
        ((0, 0), ("AZM=30", "AZM=120"), "", 0.0, "not those of one pair of axes: not used"),
        # y west of x, which is left-handed.
        ((0, 270), NO_DIPOLES, "", 0.0, "not those of one pair of axes: not used"),
        # Never turned twice: ZROT decides where there is one, and so does ROT=NORTH.
        ((30, 120), NO_DIPOLES, ">ZROT // 2\n 0 0\n", 0.0, ""),
        ((30, 120), NO_DIPOLES, ">ZROT // 2\n 45 45\n", 45.0, "clockwise from north (ZROT"),
        ((30, 120), NO_DIPOLES, "NORTH", 0.0, ""),
    ],
)
def test_azimuths_of_sensors(tmp_path, magnetic, dipoles, extra, azimuth, note):
    body = IMPEDANCES.replace(">ZXYR", ">ZXYR ROT=NORTH") if extra == "NORTH" else extra + IMPEDANCES
    head = HEAD.format("", "10.0").replace(">FREQ", SENSORS.format(*magnetic, *dipoles) + ">FREQ")
    site = site_of(tmp_path, head + body + ">END\n", "a.edi")
    np.testing.assert_array_equal(site.azimuth, azimuth)
    assert note in site.notes[-1] if note else not site.notes
