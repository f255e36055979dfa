"""EDI files: the traps of real writers, the errors at the door, and every field file at hand."""

import random
import warnings

import numpy as np
import pytest
from mutants import mutated

from jaxmt.conventions import OHM_PER_PRACTICAL
from jaxmt.io import read, read_edi, read_edi_site

Z_XY, Z_YX = 10.0 + 12.0j, -9.0 - 11.0j

PLAIN = """>HEAD
  DATAID="S1"
  LAT=-0:30:00
  LONG=135:27:10.8
  ELEV=100
  EMPTY=1.0E+32
>=DEFINEMEAS
  REFLAT=10:00:00
  REFLONG=20.5
>HMEAS ID=1 CHTYPE=HX X=0 Y=0 AZM=0
>=MTSECT
  SECTID=S1
  NFREQ=3
>!****FREQUENCIES****!
>FREQ ORDER=DEC // 3
 100. 10. 1.
>ZXXR // 3
 1. 1. 1.
>ZXXI // 3
 1. 1. 1.
>ZXX.VAR // 3
 0.02 0.02 0.02
>ZXYR // 3
 10. 10. 10.
>ZXYI // 3
 12. 12. 12.
>ZXY.VAR // 3
 0.02 0.08 0.18
>ZYXR // 3
 -9. -9. -9.
>ZYXI // 3
 -11. -11. -11.
>ZYX.VAR // 3
 0.02 0.02 0.02
>ZYYR // 3
 1. 1. 1.
>ZYYI // 3
 1. 1. 1.
>ZYY.VAR // 3
 0.02 0.02 0.02
>TXR.EXP // 3
 0.1 0.1 0.1
>TXI.EXP // 3
 0.2 0.2 0.2
>TXVAR.EXP // 3
 0.0002 0.0002 0.0002
>TYR.EXP // 3
 0.3 0.3 0.3
>TYI.EXP // 3
 0.4 0.4 0.4
>TYVAR.EXP // 3
 0.0008 0.0008 0.0008
>END
"""


def write(folder, text, name="site.edi"):
    path = folder / name
    path.write_bytes(text.encode("latin-1") if isinstance(text, str) else text)
    return path


def site_of(folder, *changes, **options):
    text = PLAIN
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read_edi_site(write(folder, text), **options)


def test_units_variance_and_axes(tmp_path):
    site = site_of(tmp_path)
    assert site.name == "S1"
    assert site.elevation == 100.0
    np.testing.assert_array_equal(site.frequencies, [100.0, 10.0, 1.0])
    # One multiplication by the unit.
    np.testing.assert_allclose(site.z[:, 0, 1], Z_XY * OHM_PER_PRACTICAL, rtol=1e-15)
    np.testing.assert_allclose(site.z[:, 1, 0], Z_YX * OHM_PER_PRACTICAL, rtol=1e-15)
    # sqrt(VAR/2) of 0.02, 0.08, 0.18 is 0.1, 0.2, 0.3; rounding only.
    np.testing.assert_allclose(site.z_error[:, 0, 1] / OHM_PER_PRACTICAL, [0.1, 0.2, 0.3], rtol=1e-14)
    np.testing.assert_allclose(site.tipper, [[0.1 + 0.2j, 0.3 + 0.4j]] * 3, rtol=1e-15)
    np.testing.assert_allclose(site.tipper_error, [[0.01, 0.02]] * 3, rtol=1e-14)
    np.testing.assert_array_equal(site.azimuth, 0.0)


def test_standard_errors_in_variance_blocks(tmp_path):
    site = site_of(tmp_path, variance="standard_error")
    # VAR/sqrt(2), rounding only.
    np.testing.assert_allclose(
        site.z_error[:, 0, 1] / OHM_PER_PRACTICAL, np.array([0.02, 0.08, 0.18]) / np.sqrt(2), rtol=1e-14
    )


def test_unsorted_frequencies_come_highest_first(tmp_path):
    site = site_of(tmp_path, (" 100. 10. 1.\n", " 1. 100. 10.\n"))
    np.testing.assert_array_equal(site.frequencies, [100.0, 10.0, 1.0])
    # The variances move with their frequencies; rounding only.
    np.testing.assert_allclose(site.z_error[:, 0, 1] / OHM_PER_PRACTICAL, [0.2, 0.3, 0.1], rtol=1e-14)


@pytest.mark.parametrize("flag", ["999.0", "-1.", "0.", "NaN", "1.0E32", "****"])
def test_flagged_frequencies_are_dropped(tmp_path, flag):
    site = site_of(tmp_path, (" 100. 10. 1.\n", f" 100. {flag} 1.\n"))
    np.testing.assert_array_equal(site.frequencies, [100.0, 1.0])


def test_a_true_999_hertz_stays(tmp_path):
    site = site_of(tmp_path, (" 100. 10. 1.\n", " 1200. 999.0 800.\n"))
    np.testing.assert_array_equal(site.frequencies, [1200.0, 999.0, 800.0])


@pytest.mark.parametrize(
    "text",
    [
        "1.0D+01 1.0d1 +10.0",
        "10.+10.0+10.0",
        "1.0E+01+1.0E+01+10.",
        "10,10,10",
        "1.000+001 10 .1E2",
        "10\n10\n\n10",
    ],
)
def test_numbers_as_fortran_writes_them(tmp_path, text):
    site = site_of(tmp_path, (">ZXYR // 3\n 10. 10. 10.\n", f">ZXYR // 3\n{text}\n"))
    np.testing.assert_allclose(site.z[:, 0, 1], Z_XY * OHM_PER_PRACTICAL, rtol=1e-15)


@pytest.mark.parametrize(
    "mark", ["1.0E+32", "-1.0E32", "0.1000000E+33", "NaN", "nan", "1.#QNAN", "-1.#IND", "inf", "***"]
)
def test_missing_values_are_nan(tmp_path, mark):
    site = site_of(tmp_path, (">ZXYR // 3\n 10. 10. 10.\n", f">ZXYR // 3\n 10. {mark} 10.\n"))
    np.testing.assert_array_equal(np.isnan(site.z[:, 0, 1]), [False, True, False])
    assert np.isfinite(site.z[:, 1, 0]).all()


def test_the_mark_of_the_head_is_missing(tmp_path):
    site = site_of(
        tmp_path,
        ("EMPTY=1.0E+32", "EMPTY=-999."),
        (">ZXYR // 3\n 10. 10. 10.", ">ZXYR // 3\n 10. -999.0 10."),
    )
    np.testing.assert_array_equal(np.isnan(site.z[:, 0, 1]), [False, True, False])


def test_zeros_off_the_diagonal_and_zero_variances_are_missing(tmp_path):
    site = site_of(
        tmp_path,
        (">ZXYR // 3\n 10. 10. 10.", ">ZXYR // 3\n 0. 10. 10."),
        (">ZXYI // 3\n 12. 12. 12.", ">ZXYI // 3\n 0. 12. 12."),
        (" 0.02 0.08 0.18", " 0.02 0. -1."),
    )
    np.testing.assert_array_equal(np.isnan(site.z[:, 0, 1]), [True, False, False])
    np.testing.assert_array_equal(np.isnan(site.z_error[:, 0, 1]), [False, True, True])


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("-0:30:00", -0.5),
        ("-30.213338", -30.213338),
        ("047:00:32.4", 47.009),
        ("47: 1:8.39000", 47 + 1 / 60 + 8.39 / 3600),
        ("30:30:00S", -30.5),
        ('"12:30"', 12.5),
        ("", 10.0),
        ("1.0E+32", 10.0),
    ],
)
def test_latitudes(tmp_path, text, degrees):
    # Sums of three terms: rounding only.
    assert site_of(tmp_path, ("LAT=-0:30:00", f"LAT={text}")).latitude == pytest.approx(degrees, rel=1e-14)


def test_positions_fall_back_to_the_reference(tmp_path):
    site = site_of(tmp_path, ("  LAT=-0:30:00\n", ""), ("  LONG=135:27:10.8\n", ""))
    assert (site.latitude, site.longitude) == (10.0, 20.5)


def test_a_file_may_have_no_position(tmp_path):
    site = site_of(
        tmp_path,
        ("  LAT=-0:30:00\n", ""),
        ("  LONG=135:27:10.8\n", ""),
        ("  REFLAT=10:00:00\n", ""),
        ("  REFLONG=20.5\n", ""),
    )
    assert np.isnan(site.latitude)
    assert np.isnan(site.longitude)


def test_elevation_in_feet(tmp_path):
    site = site_of(tmp_path, ("ELEV=100", "ELEV=100\n  UNITS=FT"))
    # The international foot.
    assert site.elevation == pytest.approx(30.48, rel=1e-14)


@pytest.mark.parametrize(
    "changed",
    [
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n>", "\n   >"),
        PLAIN.replace(">END\n", ""),
        PLAIN.replace(">END\n", ">END\n\x1a"),
        PLAIN.replace("ELEV=100", "ELEV=100  LOC=Höhe  COUNTRY=a=b=c"),
        "\ufeff".encode() + PLAIN.encode(),
        PLAIN.replace(">=DEFINEMEAS", ">INFO MAXINFO=100\n x=1=2 > y {\n>=DEFINEMEAS"),
        PLAIN.replace("TXR.EXP", "TXR").replace("TXI.EXP", "TXI").replace("TXVAR.EXP", "TX.VAR"),
        PLAIN.replace(">ZXYR // 3", ">ZXYR ROT=ZROT NFREQ=3 //3"),
        PLAIN.replace(">ZXYR // 3", ">ZXYR"),
        PLAIN.replace(">ZXXR", ">Weights // 2\n a b\n>ZXXR"),
        PLAIN.replace(">ZXXR", ">ZROT // 3\n 0. 0. 360.\n>ZXXR"),
    ],
)
def test_what_does_not_change_the_transfer_functions(tmp_path, changed):
    expected = read_edi_site(write(tmp_path, PLAIN, "plain.edi"))
    site = read_edi_site(write(tmp_path, changed))
    for name in ("frequencies", "z", "z_error", "tipper", "tipper_error"):
        np.testing.assert_array_equal(getattr(site, name), getattr(expected, name))
    assert site.latitude == expected.latitude


def test_stated_axes_are_kept_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="ZROT"):
        site = site_of(tmp_path, (">ZXXR", ">ZROT // 3\n 30. 30. 30.\n>ZXXR"))
    np.testing.assert_array_equal(site.azimuth, 30.0)
    np.testing.assert_allclose(site.z[:, 0, 1], Z_XY * OHM_PER_PRACTICAL, rtol=1e-15)


def test_a_tipper_in_other_axes_is_turned_to_those_of_the_impedance(tmp_path):
    with pytest.warns(UserWarning, match="ZROT"):
        site = site_of(tmp_path, (">ZXXR", ">ZROT // 3\n 90. 90. 90.\n>TROT.EXP // 3\n 0. 0. 0.\n>ZXXR"))
    # Turned by 90 degrees: x' = y, y' = -x, to the rounding of cos(90 degrees).
    np.testing.assert_allclose(site.tipper, [[0.3 + 0.4j, -0.1 - 0.2j]] * 3, rtol=1e-14)
    np.testing.assert_allclose(site.tipper_error, [[0.02, 0.01]] * 3, rtol=1e-14)


def conjugated(text):
    return text.replace(" 12. 12. 12.", " -12. -12. -12.").replace(" -11. -11. -11.", " 11. 11. 11.")


def test_the_other_time_dependence_is_reported_not_changed(tmp_path):
    path = write(tmp_path, conjugated(PLAIN))
    with pytest.warns(UserWarning, match=r"conjugate=True"):
        site = read_edi_site(path)
    np.testing.assert_allclose(site.z[:, 0, 1], np.conj(Z_XY) * OHM_PER_PRACTICAL, rtol=1e-15)
    site = read_edi_site(path, conjugate=True)
    np.testing.assert_allclose(site.z[:, 0, 1], Z_XY * OHM_PER_PRACTICAL, rtol=1e-15)
    np.testing.assert_allclose(site.tipper[:, 0], 0.1 - 0.2j, rtol=1e-15)


def test_a_flipped_dipole_is_not_the_other_time_dependence(tmp_path):
    flipped = PLAIN.replace(" 10. 10. 10.", " -10. -10. -10.").replace(" 12. 12. 12.", " -12. -12. -12.")
    with pytest.warns(UserWarning, match="Zxy outside the first quadrant at 3 of 3 frequencies"):
        assert np.all(np.real(read_edi_site(write(tmp_path, flipped)).z[:, 0, 1]) < 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \n \n", "is empty"),
        (b"\x89PNG\0\0\x01\x02", "not an EDI file"),
        (PLAIN.encode("utf-16"), "UTF-16"),
        ("a,b,c\n1,2,3\n", "not an EDI file"),
        (PLAIN.split(">FREQ")[0], "lacks a >FREQ block"),
        (PLAIN.split(">ZXXR")[0], r"lacks impedances"),
        (">HEAD\n>=SPECTRASECT\n>SPECTRA FREQ=1 // 49\n", "SPECTRA announces 49 numbers but holds 0"),
        (PLAIN.split(">ZXXR")[0] + ">RHOXY // 3\n1 1 1\n", "apparent resistivities.*Export"),
        (PLAIN.replace(">ZXYI // 3\n 12. 12. 12.", ""), "only one of the blocks >ZXYR and >ZXYI"),
        (
            PLAIN[: PLAIN.index(" 0.02 0.08 0.18")],
            r"line 27: block >ZXY.VAR announces 3 numbers but holds 0",
        ),
        (PLAIN.replace(" 0.02 0.08 0.18", " 0.02 0.08"), r"site.edi, line 27: .* announces 3 .* holds 2"),
        (PLAIN.replace(" 0.02 0.08 0.18", " 0.02 0.08 0.1 8"), r"announces 3 numbers but holds 4"),
        (PLAIN.replace(">ZXYR // 3\n 10.", ">ZXYR // 2\n"), r"holds 2 numbers for 3 frequencies"),
        (PLAIN.replace(" 0.02 0.08 0.18", " 0.02 0.0x8 0.18"), r"line 28: block >ZXY.VAR holds '0.0x8'"),
        (PLAIN.replace(" 0.02 0.08 0.18", " 0.02 0.08 0.1.8"), r"line 28: .* '0.1.8'"),
        (
            PLAIN + ">ZXYR // 3\n 1 1 1\n",
            r"line \d+: a second >ZXYR block, which differs from the first at line 23",
        ),
        (PLAIN + '>HEAD\n  DATAID="S2"\n', r"a second >HEAD block, which differs from the first at line 1"),
        (PLAIN.replace("LAT=-0:30:00", "LAT=north"), "LAT='NORTH' is not an angle"),
        (PLAIN.replace("LAT=-0:30:00", "LAT=91"), "out of range"),
        (PLAIN.replace("LAT=-0:30:00", "LAT=9:61:00"), "out of range"),
        (PLAIN.replace(" 100. 10. 1.\n", " 0. 0. 0.\n"), "holds no transfer function"),
    ],
)
def test_errors_at_the_door(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_edi_site(write(tmp_path, text))


def test_unknown_meaning_of_variances(tmp_path):
    with pytest.raises(ValueError, match=r"`read_edi_site\(variance=...\)` must be .* Got 'sigma'"):
        site_of(tmp_path, variance="sigma")


def test_a_folder_leaves_bad_files_out_with_a_warning(tmp_path):
    write(tmp_path, PLAIN, "a.edi")
    write(tmp_path, PLAIN.replace("S1", "S2").replace("135:27:10.8", "135:28:00"), "b.EDI")
    write(tmp_path, "nothing", "c.edi")
    write(tmp_path, "nothing", "notes.txt")
    with pytest.warns(UserWarning, match=r"left out: .*c\.edi is not an EDI file"):
        data = read_edi(tmp_path)
    assert data.survey.names == ("S1", "S2")
    assert read_edi(tmp_path / "a.edi").survey.names == ("S1",)
    assert read_edi([tmp_path / "a.edi", tmp_path / "b.EDI"]).survey.names == ("S1", "S2")


def test_a_folder_without_a_good_file(tmp_path):
    with pytest.raises(ValueError, match=r"holds no file \*\.edi"):
        read_edi(tmp_path)
    write(tmp_path, "nothing", "a.edi")
    with pytest.raises(ValueError, match="not an EDI file"):
        read_edi(tmp_path)
    write(tmp_path, "nothing", "b.edi")
    with pytest.warns(UserWarning, match="left out"), pytest.raises(ValueError, match="none of 2 files"):
        read_edi(tmp_path)
    with pytest.raises(ValueError, match="no file was given"):
        read_edi([])


def test_damage_raises_nothing_but_value_errors(tmp_path):
    generator = random.Random(20250101)
    read = refused = 0
    for _ in range(600):
        path = write(tmp_path, mutated(PLAIN, generator))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                read_edi(path, strike=10.0)
                read += 1
            except ValueError:
                refused += 1
    assert read > 50
    assert refused > 50


def test_the_same_block_twice_is_one_block(tmp_path):
    """Some converters write a block twice; numbers count by their value, not as they are written."""
    site = read_edi_site(write(tmp_path, PLAIN))
    again = PLAIN + ">ZXYR // 3\n 10.00 1.0E+1\n 10\n>ZXYR // 3\n 10. 10. 10.\n"
    np.testing.assert_array_equal(read_edi_site(write(tmp_path, again)).z, site.z)


def test_a_row_outside_its_quadrant_is_named(tmp_path):
    """Zyx in the first quadrant at two of three frequencies, by hand; one of three is no majority."""
    one = PLAIN.replace(">ZYXI // 3\n -11. -11. -11.", ">ZYXI // 3\n 11. -11. -11.")
    two = PLAIN.replace(">ZYXI // 3\n -11. -11. -11.", ">ZYXI // 3\n 11. 11. -11.")
    assert "quadrant" not in [entry.step for entry in read(write(tmp_path, one)).journal]
    path = write(tmp_path, two)
    with pytest.warns(UserWarning, match="Zyx outside the third quadrant at 2 of 3 frequencies"):
        read_edi_site(path)
    entry = list(read(path).journal)[-1]
    assert (entry.step, entry.subject) == ("quadrant", "S1")
    assert entry.text == "Zyx outside the third quadrant at 2 of 3 frequencies"


def test_every_field_file_is_read(data_folder):
    """Phases leave their quadrant in field data, but not the median; a row where it does is named."""
    files = sorted(data_folder.rglob("*.edi"))
    assert files
    for file in files:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            site = read_edi_site(file)
        assert np.all(np.diff(site.frequencies) < 0)
        assert np.isfinite(site.z[:, 0, 1]).sum() >= 0.5 * site.frequencies.size
        assert np.isfinite([site.latitude, site.longitude, site.elevation]).all()
        said = " ".join(str(warning.message) for warning in caught)
        assert not said or "strangers" in file.parts
        for name, row in (("Zxy outside", site.z[:, 0, 1]), ("Zyx outside", -site.z[:, 1, 0])):
            median = np.nanmedian(np.angle(row, deg=True))
            assert 0 <= median <= 90 or name in said, file


def test_standard_errors_of_the_cafe_stations(data_folder):
    folder = data_folder / "cafe_cascadia" / "edi"
    for name, variance in (("CAF002", "standard_error"), ("B01", "variance")):
        site = read_edi_site(folder / f"{name}.edi", variance=variance)
        relative = np.nanmedian(site.z_error[:, 0, 1] * np.sqrt(2) / np.abs(site.z[:, 0, 1]))
        # The range that the data set's description states for both kinds of station: 0.3 to 1.3 %.
        assert 0.003 < relative < 0.013


def test_a_silent_tipper_is_missing(data_folder):
    site = read_edi_site(data_folder / "paralana_occam2d" / "edi" / "pb44c.edi")
    assert np.isnan(site.tipper).all()
    np.testing.assert_array_equal(site.frequencies[[0, -1]], [78.125, 0.004578])
