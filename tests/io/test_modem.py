"""ModEM list files: units, signs and errors, the published files, the way there and back."""

import dataclasses
import random
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Data, Responses, Survey
from jaxmt.atomic import atomic_path
from jaxmt.conventions import MU_0
from jaxmt.io import read_modem, read_modem_model, read_modem_sites, write_modem

Z_XY = 1e-3 * (3.0 + 4.0j)


def block(keyword, rows, sign="+", unit="Ohm", orientation="0.00"):
    header = [
        "# a comment",
        "# Period(s) Code GG_Lat GG_Lon X(m) Y(m) Z(m) Component Real Imag Error",
        f"> {keyword}",
        rf"> exp({sign}i\omega t)",
        f"> {unit}",
        f"> {orientation}",
        "> 0.000 0.000",
        "> 2 2",
    ]
    return "\n".join([*header, *rows]) + "\n"


def row(component, value, error="1.0E-04", period="1.0E+01", code="A", y="100.0"):
    return f"{period} {code} 0.0 0.0 0.0 {y} 0.0 {component} {value.real:.12E} {value.imag:.12E} {error}"


def write(folder, text, name="data.dat"):
    path = folder / name
    path.write_bytes(text.encode("latin-1") if isinstance(text, str) else text)
    return path


def planar(**options):
    return block(
        "TE_Impedance", [row("TE", Z_XY), row("TE", Z_XY, code="B", y="-50.0")], **options
    ) + block("TM_Impedance", [row("TM", -Z_XY), row("TM", -Z_XY, period="1.0")], **options)


def test_a_planar_file_in_ohm(tmp_path):
    data = read_modem(write(tmp_path, planar()))
    assert data.survey.names == ("B", "A")
    np.testing.assert_array_equal(data.survey.stations, [-50.0, 100.0])
    np.testing.assert_array_equal(data.survey.frequencies, [1.0, 0.1])
    exists = [[[False, False], [True, True]], [[False, True], [False, True]]]
    np.testing.assert_array_equal(data.mask[[0, 2]], exists)
    # rho = |Z|^2 / (omega mu_0); 12 digits are printed.
    assert 10 ** data.values[0, 1, 0] == pytest.approx(25e-6 / (2 * np.pi * 0.1 * MU_0), rel=1e-11)
    assert data.values[1, 1, 0] == pytest.approx(np.rad2deg(np.arctan2(4, 3)), rel=1e-11)
    # TM has its minus sign in the file and is shifted by 180 degrees here.
    assert data.values[3, 1, 1] == pytest.approx(np.rad2deg(np.arctan2(4, 3)), rel=1e-11)
    # The error is that of Re and Im: sigma(phase) = error / |Z| rad.
    assert data.errors[1, 1, 0] == pytest.approx(np.rad2deg(1e-4 / 5e-3), rel=1e-11)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("[V/m]/[T]", 1 / MU_0), ("[mV/km]/[nT]", 1e-3 / MU_0), ("[V/m]/[A/m]", 1.0), ("[Ohm]", 1.0)],
)
def test_units_and_signs(tmp_path, unit, factor):
    expected = read_modem(write(tmp_path, planar()))
    rows = [row("TE", np.conj(Z_XY) * factor, error=f"{1e-4 * factor:.12E}")]
    text = block("TE_Impedance", rows, sign="-", unit=unit)
    data = read_modem(write(tmp_path, text))
    assert data.survey.modes == ("te",)
    # 12 digits are printed.
    np.testing.assert_allclose(data.values[:2, 0, 0], expected.values[:2, 1, 1], rtol=1e-11)
    np.testing.assert_allclose(data.errors[:2, 0, 0], expected.errors[:2, 1, 1], rtol=1e-11)


def test_tippers(tmp_path):
    text = block("Tzy_Impedance", [row("Ty", 0.1 - 0.2j, error="0.02")], sign="-", unit="[]")
    data = read_modem(write(tmp_path, text))
    # The other time dependence is conjugated.
    np.testing.assert_allclose(data.values[4:, 0, 0], [0.1, 0.2], rtol=1e-11)
    np.testing.assert_allclose(data.errors[4:, 0, 0], 0.02, rtol=1e-14)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("> ", ">  "),
        lambda text: text.replace("> TE", "+ MT\n> TE").replace("> TM", "+ MT\n> TM"),
        lambda text: text.replace("E-04", "D-04").replace("Ohm", "ohm"),
        lambda text: text + "\n\n# the end\n",
        lambda text: text.replace("comment", "Höhe"),
        lambda text: text.replace("TE_Impedance", "te_impedance"),
    ],
)
def test_what_does_not_change_the_data(tmp_path, change):
    expected = read_modem(write(tmp_path, planar()))
    data = read_modem(write(tmp_path, change(planar())))
    np.testing.assert_array_equal(data.values, expected.values)
    np.testing.assert_array_equal(data.errors, expected.errors)


def test_data_without_error(tmp_path):
    path = write(tmp_path, planar().replace("1.0E-04", "2.000000E+15"))
    with pytest.raises(
        ValueError, match=r"2 of 2 data TE have no error .* `read_modem\(relative_error=...\)`"
    ):
        read_modem(path)
    data = read_modem(path, relative_error=0.05)
    # sigma(log10 rho) = 2 e / ln 10.
    np.testing.assert_allclose(data.errors[0][data.mask[0]], 0.1 / np.log(10), rtol=1e-11)
    path = write(tmp_path, block("Tzy_Impedance", [row("Ty", 0.1j, error="2E15")]))
    with pytest.raises(ValueError, match="tipper_error"):
        read_modem(path, relative_error=0.05)
    assert read_modem(path, tipper_error=0.03).errors[4, 0, 0] == 0.03


def tensor():
    values = {"ZXX": 1e-5j, "ZXY": Z_XY, "ZYX": -Z_XY, "ZYY": 1e-5 + 0j}
    return block("Full_Impedance", [row(name, value) for name, value in values.items()]) + block(
        "Full_Vertical_Components", [row("TX", 0.1j, error="2E15"), row("TY", 0.3 + 0j)], unit="[]"
    )


def test_a_file_of_tensors(tmp_path):
    (site,) = read_modem_sites(write(tmp_path, tensor()))
    # 12 digits are printed.
    np.testing.assert_allclose(site.z[0], [[1e-5j, Z_XY], [-Z_XY, 1e-5]], rtol=1e-11)
    np.testing.assert_allclose(site.tipper[0], [0.1j, 0.3], rtol=1e-11)
    np.testing.assert_array_equal(np.isnan(site.tipper_error[0]), [True, False])
    assert (site.easting, site.northing) == (100.0, 0.0)
    assert np.isnan(site.latitude)


def test_off_diagonal_impedances_cannot_be_rotated(tmp_path):
    path = write(tmp_path, block("Off_Diagonal_Impedance", [row("ZXY", Z_XY), row("ZYX", -Z_XY)]))
    # Without rotation TE and TM are what the file holds.
    np.testing.assert_allclose(read_modem(path).values[1::2][:2], np.rad2deg(np.arctan2(4, 3)), rtol=1e-11)
    with pytest.raises(ValueError, match="complete at no frequency"):
        read_modem(path, strike=5.0)


def test_an_orientation_is_reported(tmp_path):
    path = write(tmp_path, tensor().replace("> 0.00\n", "> 15.0\n"))
    with pytest.warns(UserWarning, match="orientation 15"):
        (site,) = read_modem_sites(path)
    np.testing.assert_array_equal(site.azimuth, 15.0)


TE = block("TE_Impedance", [row("TE", Z_XY)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("hello\n", r"data.dat, line 1: 'hello' comes before a header"),
        (b"\0\1", "holds zero bytes"),
        (TE.replace("TE_Impedance", "Phase_Tensor"), "line 8: unknown data type 'Phase_Tensor'"),
        (TE.replace("exp(", "("), r"line 8: .* expected the time dependence"),
        (TE.replace("Ohm", "Volt"), "unknown unit 'Volt' of TE_Impedance"),
        (TE.replace("> 0.00\n", "> north\n"), "expected the orientation"),
        (TE.replace("> 2 2\n", ""), "line 8: the header ends after 5 lines"),
        (TE.split("> Ohm")[0], "ends inside a header"),
        (TE.rstrip().rsplit(" ", 1)[0], "line 9: malformed row .* expected 11 columns: period code"),
        (TE.replace("1.0E+01 A", "1.0E+0l A"), "line 9: malformed row"),
        (TE.replace("1.0E+01 A", "-1.0E+01 A"), "line 9: the period is -1.0E\\+01 s"),
        (TE.replace(" TE ", " TM "), "component 'TM'; TE_Impedance has TE"),
        (TE.replace(" 100.0 ", " 1e30 "), "line 9: y is 1e\\+30"),
        (TE + TE, r"line 18: station A has TE at 10 s already in line 9"),
        (
            TE + block("TM_Impedance", [row("TM", Z_XY, y="101.0")]),
            "line 18: station A lies at .*y = 101.0",
        ),
        (TE + tensor(), "line 18: Full_Impedance belongs to a 3-D list file"),
    ],
)
def test_errors_at_the_door(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_modem(write(tmp_path, text))


def test_arguments_at_the_door(tmp_path):
    path = write(tmp_path, planar())
    with pytest.raises(ValueError, match=r"has no station 'C'; it has 2, among them A, B"):
        read_modem(path, sites=["A", "C"])
    with pytest.raises(ValueError, match="is a 2-D file, already along its profile"):
        read_modem(path, strike=10.0)
    with pytest.raises(ValueError, match=r"`read_modem\(relative_error=...\)` must be positive"):
        read_modem(path, relative_error=-1.0)
    with pytest.raises(ValueError, match="belongs to a 2-D list file; expected a 3-D one"):
        read_modem_sites(path)
    assert read_modem(path, sites=["A"]).survey.names == ("A",)


def random_data(tippers=True):
    generator = np.random.default_rng(3)
    survey = Survey(np.array([100.0, 1.0, 0.01]), np.array([-120.5, 0.0, 3000.25, 9000.0]))
    shape = (6, 3, 4)
    values = generator.uniform(0, 80, size=shape)
    values[[0, 2]] = generator.uniform(-1, 4, size=(2, 3, 4))
    values[1, 0, 0], values[3, 1, 1] = 170.0, -100.0
    values[4:] = generator.normal(size=(2, 3, 4)) if tippers else np.nan
    values[:, 2, 3] = np.nan
    values[:2, 0, 1] = np.nan
    relative = generator.uniform(0.01, 0.1, size=(3, 3, 4))
    scale = np.array([2 / np.log(10), 180 / np.pi, 2 / np.log(10), 180 / np.pi, 1.0, 1.0])
    errors = scale[:, None, None] * relative[[0, 0, 1, 1, 2, 2]]
    return Data(survey, values, errors)


@pytest.mark.parametrize("tippers", [True, False])
def test_there_and_back(tmp_path, tippers):
    data = random_data(tippers)
    write_modem(tmp_path / "out.dat", data)
    again = read_modem(tmp_path / "out.dat")
    assert again.survey.names == data.survey.names
    np.testing.assert_array_equal(again.mask, data.mask)
    # 10 digits are printed, of y three after the point.
    np.testing.assert_allclose(again.survey.frequencies, data.survey.frequencies, rtol=1e-9)
    np.testing.assert_allclose(again.survey.stations, data.survey.stations, atol=5e-4)
    np.testing.assert_allclose(again.values, data.values, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(again.errors[data.mask], data.errors[data.mask], rtol=1e-8)


def test_positions_count_from_the_left_edge(tmp_path):
    data = random_data()
    write_modem(tmp_path / "out.dat", data, left_edge=-5000.0)
    again = read_modem(tmp_path / "out.dat")
    np.testing.assert_allclose(again.survey.stations, data.survey.stations + 5000.0, atol=5e-4)


def test_stations_keep_their_depths(tmp_path):
    data = random_data()
    depths = np.array([0.0, 125.5, 2400.0, 30.0])
    data = dataclasses.replace(data, survey=dataclasses.replace(data.survey, depths=depths))
    write_modem(tmp_path / "out.dat", data)
    # Printed to the millimetre.
    np.testing.assert_allclose(read_modem(tmp_path / "out.dat").survey.depths, depths, atol=5e-4)
    text = (tmp_path / "out.dat").read_text()
    (tmp_path / "out.dat").write_text(text.replace(" 125.500 ", " -125.500 "))
    with pytest.warns(UserWarning, match="1 stations lie above z = 0, to 125.5 m"):
        assert read_modem(tmp_path / "out.dat").survey.depths[1] == 0


def test_responses_have_no_error(tmp_path):
    survey = Survey(np.array([10.0]), np.array([0.0]), modes=("tm",))
    responses = Responses(survey, None, jnp.array([[-1e-3 - 1e-3j]]), None)
    write_modem(tmp_path / "out.dat", responses)
    assert "2.000000000E+15" in (tmp_path / "out.dat").read_text()
    data = read_modem(tmp_path / "out.dat", relative_error=0.1)
    assert data.survey.modes == ("tm",)
    assert data.values[3, 0, 0] == pytest.approx(45.0, rel=1e-9)


def test_names_become_words_of_their_own(tmp_path):
    """The format separates its columns by blanks; an export must not stop the work it comes after."""
    data = random_data()
    names = ("MT 01", " ", "a\0b\n", "MT 01")
    data = dataclasses.replace(data, survey=dataclasses.replace(data.survey, names=names))
    write_modem(tmp_path / "out.dat", data)
    again = read_modem(tmp_path / "out.dat").survey.names
    assert sorted(again) == sorted(("MT_01", "unnamed", "a_b", "MT_01_2"))


def interrupted(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_an_interrupted_write_leaves_nothing(tmp_path):
    path = write(tmp_path, "whole")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert path.read_text() == "whole"
    assert [one.name for one in tmp_path.iterdir()] == ["data.dat"]


@pytest.mark.parametrize("text", [planar(), tensor()])
def test_damage_raises_nothing_but_value_errors(tmp_path, text):
    generator = random.Random(20250103)
    read = refused = 0
    for _ in range(300):
        damaged = text
        for _ in range(generator.randint(1, 3)):
            i = generator.randrange(len(damaged))
            insert = generator.choice(["", *"0123456789-+.eEdD# >\n", "1e400", "1e-320", "nan", "\xff"])
            damaged = damaged[:i] + insert + damaged[i + generator.randint(0, 30) :]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                read_modem(write(tmp_path, damaged), relative_error=0.05, tipper_error=0.05)
                read += 1
            except ValueError:
                refused += 1
    assert read > 20
    assert refused > 20


def test_every_reference_list_is_read(data_folder):
    paths = sorted((data_folder / "modem2d_block2").glob("*.dat"))
    assert len(paths) == 6
    for path in paths:
        data = read_modem(path, relative_error=0.05)
        assert data.mask[:4].all()
        np.testing.assert_array_equal(data.survey.stations[[0, -1]], [302500.0, 400000.0])
        np.testing.assert_allclose(data.survey.frequencies[[0, -1]], [1 / 0.3, 1e-3], rtol=1e-6)


def test_the_reference_responses_lie_where_they_should(data_folder):
    folder = data_folder / "modem2d_block2"
    data = read_modem(folder / "d0_JT.dat", relative_error=0.05)
    mesh, _ = read_modem_model(folder / "m0.rho")
    mesh.check_stations(data.survey)
    # The outermost stations stand on 100 ohm m: what the shortest period sees, to 2 %.
    np.testing.assert_allclose(data.values[0, 0, [0, -1]], 2.0, atol=0.01)
    assert np.all((data.values[[1, 3]] > 0) & (data.values[[1, 3]] < 90))


def test_three_copies_of_one_survey_agree(data_folder):
    folder = data_folder / "cascadia_modem"
    sites, floored, published = (
        read_modem_sites(folder / f"cascad_{name}.dat")
        for name in ("noerrfl", "errfl5", "errfl5_published")
    )
    assert len(sites) == len(floored) == len(published) == 109
    for a, b in zip(sites, floored, strict=True):
        np.testing.assert_array_equal(a.z, b.z)
        # The floor: 5 % of sqrt(|Zxy Zyx|), printed to 7 digits.
        floor = 0.05 * np.sqrt(np.abs(a.z[:, 0, 1] * a.z[:, 1, 0]))[:, None, None]
        np.testing.assert_allclose(b.z_error, np.fmax(a.z_error, floor), rtol=2e-6)
    # Other units, the other time dependence, other names, the same first station at 102.4 s. The
    # published file was converted with 796 instead of 795.7747 practical units per ohm, and 5 digits.
    a, b = sites[0], published[0]
    np.testing.assert_allclose(b.z[0] * 796 / (1e-3 / MU_0), a.z[3], rtol=5e-5)
    assert np.isnan(b.latitude)
    data = read_modem(folder / "cascad_noerrfl.dat", sites=["ORH07", "ORH08", "ORH09"])
    assert data.survey.names == ("ORH07", "ORH08", "ORH09")
