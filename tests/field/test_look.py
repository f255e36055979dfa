import dataclasses

import pytest
from soundings import half_space
from surveys import write_survey

import jaxmt
from jaxmt.field import Line
from jaxmt.field.command import main


def test_it_says_what_is_there_and_what_each_rule_would_remove(tmp_path, monkeypatch, capsys):
    survey = write_survey(tmp_path / "EDI")
    # Errors of two thirds of |Z|, which the rule of relative errors takes.
    bad = half_space("BAD", error=0.6, longitude=0.08)
    jaxmt.io.write_edi(survey / "bad.edi", bad)
    (survey / "broken.edi").write_text(">HEAD\n")
    monkeypatch.chdir(tmp_path)
    assert main(["look", "EDI", "--strike", "0"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Reading EDI\n5 station(s)\n")
    row = next(line.split() for line in said.splitlines() if line.startswith("S2"))
    # Name, line, latitude, longitude, elevation, lowest and highest frequency, their number, errors.
    assert row == [
        "S2",
        "A",
        "0.00000",
        "0.04000",
        "102",
        "1000",
        "to",
        "0.01",
        "26",
        "2.0",
        "%",
        "0.020",
        "0.0",
        "0/100/0",
        "-",
    ]
    assert "Z error, the standard deviation of a real or imaginary part in percent of the modulus" in said
    assert "not read: " in said
    assert "broken.edi" in said
    assert "relative-error  104 data of 1 station(s) marked\n" in said
    assert "nothing to say: band, skew, phase-quadrant, rho-phase, copies" in said
    assert "Left to invert: 5 of 5 station(s)" in said
    asked = ["look", "EDI", "--strike", "0", "--remove", "relative-error", "coverage", "--skip", "rating"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "relative-error  104 data of 1 station(s) removed\n" in said
    assert "coverage        1 station(s) removed\n" in said
    assert "Left to invert: 4 of 5 station(s)" in said
    # Five stations in a row from west to east.
    assert any(line.count("v") == 5 and line.startswith("|v") for line in said.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["EDI"]


def test_rules_are_left_out_by_the_names_it_prints(survey, capsys):
    assert main(["look", str(survey), "--skip", "skew", "off-line"]) == 0
    said = capsys.readouterr().out
    assert (
        "\nnothing to say: band, relative-error, phase-quadrant, rho-phase, copies, empty, rating, " in said
    )
    assert "skew" not in said.partition("Rules")[2]
    assert "off-line" not in said


def test_the_map_is_drawn_where_it_is_asked_for(survey, tmp_path):
    assert main(["look", str(survey), "-o", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (["--line", "bogus"], "there is no line 'bogus' (--line). Known: A."),
        (["--stations", "T*"], "no station is called 'T*'; there are S0, S1, S2, S3."),
        (["--drop", "*"], "all 4 stations are dropped."),
    ],
)
def test_names_that_nothing_has_are_errors_of_typing(told, message, survey, capsys):
    assert main(["look", str(survey), *told]) == 2
    said = capsys.readouterr()
    assert said.out == f"Reading {survey}\n"
    assert said.err == f"jaxmt: {message}\n"


def test_what_a_profile_cannot_have_is_an_error_of_typing(inverted, tmp_path, capsys):
    data = str(inverted / "occam2d_data.dat")
    for told in (
        ["--line", "bogus"],
        ["--azimuth", "3"],
        ["--strike", "3"],
        ["-o", str(tmp_path / "m.png")],
    ):
        assert main(["look", data, *told]) == 2
        assert told[0] in capsys.readouterr().err
    assert not (tmp_path / "m.png").exists()


@pytest.mark.parametrize("option", ["skip", "remove", "enlarge"])
def test_an_option_that_lacks_its_rules_names_them(option, survey, capsys):
    assert main(["look", str(survey), f"--{option}"]) == 2
    said = capsys.readouterr().err
    assert f"--{option}: expected at least one argument: rules" in said
    assert "skew, relative-error, phase-quadrant, rho-phase" in said


def test_data_along_a_profile_are_looked_at_too(inverted, capsys):
    assert main(["look", str(inverted / "occam2d_data.dat")]) == 0
    said = capsys.readouterr().out
    assert "occam2d_data.dat: a line of 4 station(s)" in said
    assert "Left to invert: 4 of 4 station(s), 11 frequencies, 176 data" in said


def test_nothing_to_read_is_said_in_one_line(tmp_path, capsys):
    assert main(["look", str(tmp_path)]) == 1
    assert "none of 0 files holds transfer functions" in capsys.readouterr().err


def test_stations_are_chosen_and_dropped_by_name(survey):
    line = Line.read(survey, strike=0.0, stations=("S*",), drop=("S1", "?2"))
    assert line.data.survey.names == ("S0", "S3")
    assert line.asked == 2
    with pytest.raises(ValueError, match=r"no station is called 'Z\*'; there are S0, S1, S2, S3"):
        Line.read(survey, drop=("Z*",))
    with pytest.raises(ValueError, match="all 4 stations are dropped"):
        Line.read(survey, drop=("*",))


def test_tippers_stay_where_they_are_asked_for(survey):
    bare, whole = (Line.read(survey, strike=0.0, tipper=tipper) for tipper in (False, True))
    assert not bare.data.mask[4:].any()
    assert whole.data.mask[4:].any()
    assert bare.journal.losses()["tipper"] == (2 * whole.data.mask[4].sum(), 1)


def test_tippers_that_are_asked_for_in_vain_are_said(tmp_path):
    for k in range(4):
        jaxmt.io.write_edi(tmp_path / f"{k}.edi", half_space(f"S{k}", longitude=0.02 * k))
    said = "tipper, all: --tipper is in vain: no station has one; the impedances alone are inverted"
    assert said in str(Line.read(tmp_path, strike=0.0, tipper=True).journal)
    assert "in vain" not in str(Line.read(tmp_path, strike=0.0).journal)


def test_tippers_that_are_there_are_not_said_to_be_in_vain(survey, inverted):
    assert "in vain" not in str(Line.read(survey, strike=0.0, tipper=True).journal)
    # Data along a profile say it, too.
    assert "in vain" in str(Line.read(inverted / "occam2d_data.dat", tipper=True).journal)


def test_a_line_must_keep_a_third_of_its_stations(survey):
    line = Line.read(survey, strike=0.0)
    line.require()
    dataclasses.replace(line, asked=12).require()
    with pytest.raises(ValueError, match="4 of 13 stations are left, fewer than a third. Remove less"):
        dataclasses.replace(line, asked=13).require()


@pytest.mark.parametrize("name", ["amt28", "grid14", "nopositions87", "stratagem21", "threelines25"])
def test_surveys_of_strangers_are_looked_at_without_a_traceback(name, data_folder, capsys):
    status = main(["look", str(data_folder / "strangers" / name)])
    said = capsys.readouterr()
    assert status in (0, 1)
    # A reason that a stranger understands.
    assert "sites=..." not in said.out
    assert "a fault of jaxmt" not in said.err
    assert "Traceback" not in said.err
    assert ("Left to invert" in said.out) == (status == 0) or "Nothing to invert" in said.out or said.err
