"""Which stations of a survey are the line, where they stand, and what is said about it."""

import dataclasses
import shlex
from pathlib import Path

import numpy as np
import pytest
from soundings import half_space, two_dimensional

from jaxmt import Data, Survey
from jaxmt.field import Line, Treatment, one_line, treatment
from jaxmt.field.along_profile import files_of
from jaxmt.field.cautions import cautions
from jaxmt.field.choice import find
from jaxmt.field.command import main, parsed
from jaxmt.field.folder import Folder
from jaxmt.field.objects import treatment_of
from jaxmt.field.options import OPTIONS, Refusal, complete, given
from jaxmt.field.run_file import RunFile
from jaxmt.field.selection import Selection
from jaxmt.io import BadFile, Reading, read, read_station_table, write_edi, write_occam2d
from jaxmt.io.reading import data_folders
from jaxmt.processing import Journal
from jaxmt.processing.placement import placed_by_table
from jaxmt.processing.polarity import FLIPS

DEGREE = 111.32e3
"""Metres of a degree of longitude on the equator."""


def station(name, north, east, strike=0.0):
    """A station, m from 0 N, 0 E, over an earth of that strike, which its arrows settle."""
    place = {"latitude": north / 110.574e3, "longitude": east / DEGREE}
    return dataclasses.replace(two_dimensional(name, strike, arrow=0.2), **place)


def lines(strikes=(0.0, 0.0), counts=(5, 4), apart=8e3):
    """Lines from west to east, a kilometre a step, each over its own strike."""
    return [
        station(f"{'PQR'[row]}{k}", apart * row, 1e3 * k, strike)
        for row, (strike, count) in enumerate(zip(strikes, counts, strict=True))
        for k in range(count)
    ]


def choose(sites, selection, line=None, **told):
    return find(sites, selection, **told).taken(line)


def names(choice):
    return [site.name for site in choice.sites]


def test_the_line_with_most_stations_is_taken_and_the_others_are_said():
    choice = choose(lines(), Selection())
    assert names(choice) == ["P0", "P1", "P2", "P3", "P4"]
    said = str(choice.journal)
    assert "line P, that with most stations roughly across strike: 5 of 9 stations" in said
    assert "Q (4); --line NAME takes one, --line all each" in said


def test_why_one_of_equal_lines_is_taken_is_said():
    """Both have four stations: the second is nearer to across its strike, or nothing tells them apart."""
    nearer = choose(lines(strikes=(40.0, 10.0), counts=(4, 4)), Selection())
    assert nearer.line.name == "Q"
    assert "across strike (as many as P; 80 degrees from its strike, the others less): 4 of 8" in str(
        nearer.journal
    )
    # Tensors that are turned tell their strike to the last digit: the same earth, thrice.
    alike = choose(lines(strikes=(0.0,) * 3, counts=(4, 4, 2)), Selection(), strike=0.0)
    assert alike.line.name == "P"
    assert "across strike (as many as Q; the first of them): 4 of 10 stations" in str(alike.journal)
    # Whoever names a line needs no reasons, nor the others.
    assert (
        str(choose(lines(counts=(4, 4)), Selection(), "Q").journal) == "line, all: line Q: 4 of 8 stations"
    )


def test_stations_of_several_lines_and_of_none_are_said():
    """Lines from west to east and from south to north share stations; one stands alone."""
    grid = [station(f"G{row}{k}", 1e3 * row, 1e3 * k) for row in range(4) for k in range(4)]
    found = find([*grid, station("far", 90e3, 0.0)], Selection())
    several = [name for line in found.lines.lines for name in line.stations]
    twice = sum(several.count(k) > 1 for k in set(several))
    assert twice > 0
    said = found.in_words()
    assert said.startswith(f"{len(set(several))} of 17 stations, in {len(found.lines.lines)} lines, each")
    assert f"; {twice} of them are in " in said
    assert said.endswith("; in no line, and not inverted: far")
    assert "of them" not in find(lines(), Selection()).in_words()


def test_a_line_has_no_notes_of_stations_of_other_lines():
    read = Journal().note("read", "p0.edi", "EDI").note("note", "P0", "no errors")
    journal = read.note("note", "Q0", "no errors").note("fault", "bad.edi", "cut off")
    line = Line.from_sites("survey", lines(), journal, strike=0.0)
    told = [entry.subject for entry in line.journal if entry.step in ("read", "note", "fault")]
    assert told == ["p0.edi", "P0", "bad.edi"]


def test_lines_have_their_names_after_a_title(tmp_path):
    run = RunFile(tmp_path, {"title": "Tennant", "line": "all"}, identity="1")
    told = [one_line.Start(run, Reading((), {}, (), Journal()), None, {}, None).of(name) for name in "PQ"]
    assert [one.run.told["title"] for one in told] == ["Tennant, line P", "Tennant, line Q"]
    bare = dataclasses.replace(run, told={**run.told, "title": None})
    assert one_line.Start(bare, told[0].reading, None, {}, None).of("P").run.told["title"] is None


def test_a_line_along_its_own_strike_is_not_taken_by_default():
    """The first has more stations, but the strike beneath it is its own direction."""
    choice = choose(lines(strikes=(90.0, 0.0)), Selection())
    assert choice.line.name == "Q"
    # Exactly along, exactly across; the angles of an exact tensor.
    assert choice.angles == pytest.approx((0.0, 90.0), abs=0.5)


def test_the_strike_that_chooses_a_line_is_that_of_mended_tensors_in_geographic_axes():
    """The first line runs along its strike only once its axes, 90 degrees off, are in the right place."""
    sites = [dataclasses.replace(site, azimuth=site.azimuth - 90.0) for site in lines(strikes=(90.0, 0.0))]
    assert choose(sites, Selection()).line.name == "P"
    assert choose(sites, Selection(), declination=90.0).line.name == "Q"
    assert Treatment(declination=90.0).choice(sites).line.name == "Q"
    # Hx of the wrong sign at half of the stations reflects their phase tensors and thus their strikes.
    flipped = FLIPS[False, True][1]
    sites = [flipped(site) if k % 2 else site for k, site in enumerate(lines((30.0, 30.0), (6, 5)))]
    mended, kept = (choose(sites, Selection(), signs=signs).angles[0] for signs in ("mend", "keep"))
    # The exact tensors of a line at 90 degrees over a strike of 30.
    assert mended == pytest.approx(60.0, abs=0.5)
    assert not kept == pytest.approx(60.0, abs=5.0)


def test_where_no_tensor_shows_a_strike_the_line_with_most_stations_is_taken():
    sites = [
        half_space(f"{name}{k}", latitude=latitude, longitude=0.01 * k)
        for name, latitude in {"P": 0.0, "Q": 0.1}.items()
        for k in range(4)
    ]
    choice = choose([*sites, half_space("Q4", latitude=0.1, longitude=0.04)], Selection())
    assert choice.line.name == "Q"
    assert np.isnan(choice.angles).all()


def test_a_line_is_taken_by_its_name():
    assert names(choose(lines(), Selection(), "q")) == ["Q0", "Q1", "Q2", "Q3"]
    assert names(choose(lines(), Selection(drop=("Q2",)), "Q")) == ["Q0", "Q1", "Q3"]
    with pytest.raises(ValueError, match=r"there is no line 'Z' \(--line\). Known: P, Q."):
        choose(lines(), Selection(), "Z")
    with pytest.raises(ValueError, match="line Q has none of the stations that --stations names"):
        choose(lines(), Selection(stations=("P*",)), "Q")


def test_stations_that_are_named_are_the_line():
    choice = choose(lines(), Selection(stations=("P1", "Q*")))
    assert names(choice) == ["P1", "Q0", "Q1", "Q2", "Q3"]


def test_stations_near_a_segment():
    """Two kilometres north of the first line lies one more; the profile runs from --from to --to."""
    sites = [*lines(), station("X", 2e3, 2e3)]
    segment = ((0.0, 4.1e3 / DEGREE), (0.0, -0.1e3 / DEGREE))
    choice = choose(sites, Selection(segment=segment, corridor=100.0))
    assert names(choice) == ["P0", "P1", "P2", "P3", "P4"]
    assert choice.direction == pytest.approx(270, abs=1e-6)
    assert len(choose(sites, Selection(segment=segment, corridor=2.1e3)).sites) == 6
    with pytest.raises(ValueError, match=r"no station is within 0.05 km .* the nearest is P0 at 1 km"):
        choose(sites, Selection(segment=((1e3 / 110.574e3, 0.0), (1e3 / 110.574e3, 0.01)), corridor=50.0))


def test_unknown_positions_are_said_with_what_to_give():
    sites = [half_space(f"S{k}") for k in range(12)]
    with pytest.raises(
        ValueError, match="positions of all 12 stations are unknown.*--positions.*--spacing M"
    ):
        choose(sites, Selection())
    choice = choose(sites, Selection(spacing=100.0, azimuth=30.0))
    assert names(choice) == [f"S{k}" for k in range(12)]
    assert choice.direction == 30.0
    # S2 stands before S10: steps of 100 m towards 30 degrees.
    assert choice.line.stations in (tuple(range(12)), tuple(range(11, -1, -1)))
    assert choice.line.length == pytest.approx(1100.0)
    assert choice.line.azimuth == pytest.approx(30.0, abs=1e-3)
    assert "where" not in str(choice.journal)
    # One station needs no place.
    assert names(choose(sites, Selection(stations=("S3",)))) == ["S3"]


def test_a_station_without_position_is_named_and_left_out():
    lost = half_space("LOST", latitude=np.nan, longitude=np.nan)
    choice = choose([*lines(), lost], Selection())
    assert "LOST" not in names(choice)
    assert "position, LOST: left out: its position is unknown" in str(choice.journal)


def test_a_table_gives_positions(tmp_path):
    table = tmp_path / "places.csv"
    table.write_text("Name, Northing ,Easting\ns0,0,0\nS 1,0,500\nS2,0,1000\nS9,0,1500\n")
    sites = [half_space(f"S{k}") for k in range(4)]
    choice = choose(sites, Selection(positions=table))
    assert names(choice) == ["S0", "S1", "S2"]
    assert choice.line.length == pytest.approx(1000.0)
    assert "the table lacks S3" in str(choice.journal)
    assert "position, S3: left out" in str(choice.journal)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",\n", "is empty; expected name,latitude,longitude"),
        ("name,depth\nA,1\n", "the first row is name, depth; expected"),
        # x is north here and east there: nobody can know which.
        ("name,x,y\nA,1,2\n", "the first row is name, x, y; expected name,latitude,longitude"),
        ("name,lat,lon\nA,x,2\n", "line 2: latitude must be a number of degrees, 90 at most. Got 'x'"),
        ("name,lat,lon\nA,91,2\n", "line 2: latitude must be a number of degrees"),
        ("name,lat,lon\nA,1,2\n\nA,1,3\n", "line 4: A comes twice"),
        ("name,lat,lon\nA,1\n", "line 2: longitude must be a number of degrees, 360 at most. Got ''"),
        # Latitude 1.5 and longitude 2.5 between commas would be latitude 1 and longitude 5.
        ("name,lat,lon\nA,1,5,2,5\n", "line 2: 5 cells, but the first row names 3 columns."),
        ('name,lat,lon\nA,"1,5",2\n', "line 2: latitude '1,5' may have a decimal comma or one between"),
        ("name,lat,lon\n", "has no row below the first"),
        ("name;lat;lon\nA;1.000,5;2\n", "line 2: latitude '1.000,5' may have a decimal comma"),
        ("name,lat,lon\nA,-12:30S,3\n", "line 2: latitude '-12:30S' says twice on which side it lies"),
        ("name,lat,lon\nA,12:30E,3\n", "line 2: latitude '12:30E' must end in N or S; are the columns"),
        ("name,lat,lon\nA,12:75,3\n", "line 2: latitude '12:75' must be whole degrees and minutes"),
        ("name,lat,lon\nA,12.5:30,3\n", "line 2: latitude '12.5:30' must be whole degrees and minutes"),
        # The s may be that of seconds, or south.
        ("name,lat,lon\nA,12d34m56s,3\n", "line 2: latitude must be a number of degrees"),
        ("name,lat,lon,lat\nA,1,2,3\n", "the first row names latitude twice"),
        ("name,easting,northing\nA,12:30,3\n", "line 2: easting must be a number of m"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BadFile) as refusal:
        read_station_table(tmp_path / "t.csv")
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("name;lat;lon\nA;-22,5;139,25\n", -22.5, 139.25),
        ("name\tlat\tlon\nA\t-22.5\t139.25\n", -22.5, 139.25),
        ("name\tlat\tlon\nA\t-22,5\t139,25\n", -22.5, 139.25),
        ("name,lat,lon\rA,\u221222.5,139.25\r", -22.5, 139.25),
        ("name,lat,lon\nA,22:30:00S,139:15E\n", -22.5, 139.25),
        ("name,lat,lon\nA,22d30'0\"S,139d15'E\n", -22.5, 139.25),
        ('name,lat,lon\n"A","22d30\'0""S",139d15\'\n', -22.5, 139.25),
        ("name,lat,lon\nA,22°30′00″S,139°15′0″\n", -22.5, 139.25),
        ("name,lat,lon\nA,S22 30 00,139 15\n", -22.5, 139.25),
        ("name,lat,lon\nA,22.5S,139.25E\n", -22.5, 139.25),
        ("name;lon;lat\nA;100d0'36,0\"W;-0:30:00\n", -0.5, -100.01),
    ],
)
def test_positions_as_people_write_them(tmp_path, text, latitude, longitude):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", newline="")
    row = read_station_table(tmp_path / "t.csv")["A"]
    # Sixtieths of sixtieths; rounding only.
    assert row == pytest.approx({"latitude": latitude, "longitude": longitude}, rel=1e-14)


def test_metres_may_have_decimal_commas(tmp_path):
    (tmp_path / "t.csv").write_text("name;easting;northing;elevation\nA;500000,5;7,5e6;12,25\n")
    row = {"easting": 500000.5, "northing": 7.5e6, "elevation": 12.25}
    assert read_station_table(tmp_path / "t.csv") == {"A": row}


def test_stations_of_one_name_do_not_share_a_row_without_a_word():
    table = {"S0": {"latitude": 1.0, "longitude": 2.0}, "S1": {"latitude": 1.0, "longitude": 3.0}}
    twice = [half_space("S0"), half_space("s0"), half_space("S1")]
    _, journal = placed_by_table(twice, table)
    assert "positions, S0: 2 stations of this name all have the one place of the table" in str(journal)
    assert "all have" not in str(placed_by_table(twice[1:], table)[1])
    # Of two rows that differ in case alone a station has its own, or the user must say which.
    placed, journal = placed_by_table(twice[:2], {"S0": table["S0"], "s0": table["S1"]})
    assert [site.longitude for site in placed] == [2.0, 3.0]
    assert "all have" not in str(journal)
    with pytest.raises(ValueError, match="has S0 and s0, and either may be the station S 0"):
        placed_by_table([half_space("S 0")], {"S0": table["S0"], "s0": table["S1"]})
    # Stations of several folders are called by both.
    named = [dataclasses.replace(half_space(f"{f}-S0"), folder=f) for f in ("L1", "L2")]
    _, journal = placed_by_table([*named, twice[2]], table)
    assert "positions, L2-S0: the table has S0, the name of stations of several folders: call it L2-S0" in (
        str(journal)
    )


def test_the_profile_runs_where_it_is_told_to():
    """The tensors keep their strike; only the stations are projected onto another direction."""
    sites = lines(counts=(5,), strikes=(20.0,))
    usual, along, back = (
        Line.from_sites("L", sites, Journal(), strike=20.0, tipper=True, azimuth=azimuth)
        for azimuth in (None, 90.0, 270.0)
    )
    # 4 km towards east, projected on 110 degrees: cos 20; and on themselves. 1e-4: the ellipsoid.
    assert np.ptp(usual.data.survey.stations) == pytest.approx(4e3 * np.cos(np.deg2rad(20)), rel=1e-4)
    assert np.ptp(along.data.survey.stations) == pytest.approx(4e3, rel=1e-4)
    assert (usual.strike, along.strike, back.strike) == (20.0, 20.0, 20.0)
    np.testing.assert_array_equal(along.data.values, usual.data.values)
    # From the other end: stations in reverse, impedances the same, the tipper with its sign changed.
    assert back.data.survey.names == along.data.survey.names[::-1]
    np.testing.assert_allclose(back.data.values[:4], along.data.values[:4, :, ::-1], atol=1e-9)
    np.testing.assert_allclose(back.data.values[4:], -along.data.values[4:, :, ::-1], atol=1e-9)


def test_a_line_along_strike_is_warned_of_with_its_lengths():
    choice = choose(lines(counts=(7,), strikes=(0.0,)), Selection())
    assert not len(cautions(choice, 0.0))
    said = str(cautions(choice, 85.0))
    assert "the line at 90 degrees runs 5 from the strike of 85" in said
    # 6 km times sin 5 degrees.
    assert "shrinks the line from 6 km to 0.52 km; --azimuth 90 keeps its length" in said
    kept = choose(lines(counts=(7,), strikes=(0.0,)), Selection(azimuth=90.0))
    assert "shrinks" not in str(cautions(kept, 85.0))


def test_a_line_longer_than_any_survey_is_warned_of():
    choice = choose(lines(counts=(7,), strikes=(0.0,)), Selection())
    assert "look at its positions" not in str(cautions(choice, 0.0))
    line = dataclasses.replace(choice.line, length=3e6)
    said = str(cautions(dataclasses.replace(choice, line=line), 0.0))
    assert "the line is 3,000 km long: look at its positions, their columns, signs and unit" in said


def test_a_direction_that_nobody_knows_is_no_reason_for_a_caution():
    choice = choose(lines((0.0,), (7,)), Selection(spacing=500.0))
    assert "nobody said where the line runs: laid towards east; --azimuth DEG" in str(choice.journal)
    assert "runs" not in str(cautions(choice, 85.0))
    assert np.isnan(choice.angles).all()
    said = choose(lines((0.0,), (7,)), Selection(spacing=500.0, azimuth=90.0))
    assert "the line at 90 degrees runs 5 from" in str(cautions(said, 85.0))
    across = choose(lines((0.0,), (7,)), Selection(spacing=500.0), strike=20.0)
    assert "laid across strike; --azimuth DEG gives its direction" in str(across.journal)


def test_gaps_bends_and_offsets_are_warned_of_with_numbers():
    places = [(0, 0), (0, 1e3), (0, 2e3), (0, 7e3), (0, 8e3), (1.5e3, 9e3), (0, 10e3)]
    said = str(cautions(choose([station(f"S{k}", *p) for k, p in enumerate(places)], Selection()), 0.0))
    assert "the widest gap is 4.99 km, 5.0 spacings" in said
    assert "km off the straight line" in said
    bent = [(0, 0), (0, 1e3), (0, 2e3), (0, 3e3), (600, 3.8e3), (1200, 4.6e3), (1800, 5.4e3)]
    assert "the line bends by" in str(
        cautions(choose([station(f"S{k}", *p) for k, p in enumerate(bent)], Selection()), 0.0)
    )


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"from": [0.0, 1.0]}, "--from gives one end of a profile alone"),
        ({"corridor": 1.0}, "--corridor is the width about --from LAT,LON --to LAT,LON"),
        ({"from": [0.0, 1.0], "to": [0.0, 2.0], "line": "A"}, "leave --line out"),
        ({"from": [0.0, 1.0], "to": [0.0, 2.0], "azimuth": 3.0}, "leave --azimuth out"),
        ({"positions": "p.csv", "spacing": 5.0}, "--positions and --spacing both say where"),
    ],
)
def test_options_that_contradict_are_refused(told, message):
    with pytest.raises(Refusal, match=message):
        treatment_of(complete(told))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("from", "12", "--from must be LAT,LON in degrees, such as -22.5,139.2. Got 12."),
        ("to", "100,0", "--to must be LAT,LON in degrees"),
        ("corridor", "-1", "--corridor must be a distance in km, from 1e-6 to 1e5. Got -1."),
        ("spacing", "0", "--spacing must be a distance in m, from 1e-3 to 1e7. Got 0."),
        ("azimuth", "north", "--azimuth must be degrees from north, from -360 to 360. Got north."),
    ],
)
def test_values_are_refused_with_their_unit(name, value, message):
    with pytest.raises(Refusal) as refusal:
        given({name: value})
    assert str(refusal.value).startswith(message)


def test_southern_places_are_no_options():
    told = given(parsed(["look", "DIR", "--from", "-22.5,139.2", "--to", "-22.4,139.3", "--corridor", "2"]))
    assert told == {"from": [-22.5, 139.2], "to": [-22.4, 139.3], "corridor": 2.0}
    treatment = treatment_of(complete(told))
    assert treatment.segment == ((-22.5, 139.2), (-22.4, 139.3))
    assert treatment.corridor == 2000.0


def test_a_run_file_tells_them_again(tmp_path):
    told = {"from": [-22.5, 139.2], "to": [-22.4, 139.3], "corridor": 2.0, "positions": "places.csv"}
    RunFile(Path("EDI"), complete(told)).write(tmp_path / "run.toml")
    again = RunFile.read(tmp_path / "run.toml").told
    # A table beside the run file is found from anywhere.
    assert {**again, "positions": "places.csv"} == {
        k: v for k, v in complete(told).items() if v is not None
    }
    assert again["positions"] == str(tmp_path / "places.csv")
    assert set(again) < set(OPTIONS)


def test_every_line_is_inverted_into_its_own_folder(tmp_path, monkeypatch):
    """The worst of their exit statuses is that of all."""
    done, finds = [], []

    def begun(start, out, *, force):
        # What another run left there is replaced.
        assert force
        # The lines of the survey were found once, for all of them.
        assert start.line().data.survey.names[0] == f"{out.name}0"
        done.append((start.run.told["line"], out.name))
        if out.name == "Q":
            raise ValueError("too few stations")
        return 0

    monkeypatch.setattr(one_line, "begun", begun)
    reads = []

    def survey(self, path):
        reads.append(path)
        return Reading(tuple(lines()), {}, (), Journal())

    monkeypatch.setattr(Treatment, "read", survey)
    monkeypatch.setattr(treatment, "find", lambda *a, **k: finds.append(a) or find(*a, **k))
    (tmp_path / "EDI").mkdir()
    assert main(["invert", str(tmp_path / "EDI"), "-o", str(tmp_path / "OUT"), "--line", "all"]) == 1
    assert done == [("P", "P"), ("Q", "Q")]
    assert len(finds) == 1
    # Resumed, a line that was begun goes on, and one that was not is begun; the survey is read once.
    went_on = []
    monkeypatch.setattr(
        one_line, "invert_line", lambda line, *a, **k: went_on.append(line.data.survey.names[0])
    )
    monkeypatch.setattr(one_line, "ended", lambda outcome, folder: 0)
    run = RunFile.read(tmp_path / "OUT" / "run.toml")
    # Another run of all lines left Q.
    for name, of in (("P", run.identity), ("Q", "another")):
        folder = Folder.create(tmp_path / "OUT" / name)
        of_line = {"told": {**run.told, "line": name}, "identity": folder.identity, "of": of}
        dataclasses.replace(run, **of_line).write(folder.path / "run.toml")
    done.clear()
    reads.clear()
    assert main(["invert", "--resume", str(tmp_path / "OUT")]) == 1
    assert went_on == ["P0"]
    assert done == [("Q", "Q")]
    assert len(reads) == 1


def test_folders_of_folders_are_listed_with_the_command(tmp_path, capsys):
    for name, count in (("L1", 2), ("line 2", 1)):
        (tmp_path / "S" / name).mkdir(parents=True)
        for k in range(count):
            write_edi(tmp_path / "S" / name / f"{k}.edi", half_space(f"S{k}"))
    assert main(["look", str(tmp_path / "S")]) == 1
    said = capsys.readouterr().out.split("\n")
    # What is to be typed is quoted where a name has a blank.
    assert [shlex.split(row) for row in said if row[:2] in ("L1", "li")] == [
        ["L1", "2", "jaxmt", "look", str(tmp_path / "S" / "L1")],
        ["line", "2", "1", "jaxmt", "look", str(tmp_path / "S" / "line 2")],
    ]
    assert main(["invert", str(tmp_path / "S"), "-o", str(tmp_path / "OUT")]) == 1
    said = capsys.readouterr().err
    assert "sub-folders hold files: L1 (2), line 2 (1). Give one of them, such as " in said
    assert "or read all together (--recursive)" in said


def test_sub_folders_are_read_together_and_each_is_a_line(tmp_path, capsys):
    """Two lines a kilometre apart whose stations have the same names; results of jaxmt are no data."""
    for row, folder in enumerate(("west", "east")):
        (tmp_path / folder).mkdir()
        for k in range(4):
            write_edi(tmp_path / folder / f"{k}.edi", station(f"S{k}", 1e3 * row, 1e3 * k))
    Folder.create(tmp_path / "OUT")
    write_edi(tmp_path / "OUT" / "x.edi", half_space("X"))
    assert main(["look", str(tmp_path)]) == 1
    assert f"or at all of them together: jaxmt look {tmp_path} --recursive" in capsys.readouterr().out
    assert list(data_folders(tmp_path)) == ["east", "west"]
    reading = read(tmp_path, recursive=True)
    apart = [f"{folder}-S{k}" for folder in ("east", "west") for k in range(4)]
    assert sorted(site.name for site in reading.sites) == apart
    assert "4 names occur in several folders, which stand before them: east-S0 for S0 in east" in str(
        reading.journal
    )
    assert [site.name for site in read(tmp_path / "east").sites] == ["S0", "S1", "S2", "S3"]
    found = Treatment().find(reading.sites)
    assert found.names == ("east", "west")
    assert names(found.taken("west")) == [f"west-S{k}" for k in range(4)]
    assert Line.read(tmp_path, recursive=True, line="east").asked == 4
    assert main(["look", str(tmp_path), "--recursive", "--stations", "west-*"]) == 0
    assert "4 of 8 stations" in capsys.readouterr().out


def test_look_lists_the_lines_and_marks_them_on_the_map(tmp_path, capsys):
    for site in lines():
        write_edi(tmp_path / f"{site.name}.edi", site)
    assert main(["look", str(tmp_path), "-o", str(tmp_path / "map.png")]) == 0
    said = capsys.readouterr().out.splitlines()
    rows = {row.split()[0]: row.split() for row in said if row.endswith("taken") or "--line Q" in row[-9:]}
    # Name, stations, length, azimuth, spacing, gap, angle to strike.
    # Below them the lines; above them the stations, each with its line and its latitude.
    assert [row.split()[1] for row in said if row[:2] in ("P0", "P4", "Q0", "Q3")] == ["P", "P", "Q", "Q"]
    assert rows["P"] == ["P", "5", "4", "90", "1", "1", "90", "taken"]
    assert rows["Q"] == ["Q", "4", "3", "90", "1", "1", "90", "--line", "Q"]
    assert sum(row.count("v") for row in said if row.startswith("|")) == 5
    assert sum(row.count("Q") for row in said if row.startswith("|")) == 4
    assert " v line P, taken; Q line Q" in said
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_data_along_a_profile_are_not_projected_again(data_folder):
    with pytest.raises(ValueError, match="--azimuth is for stations that are yet to be projected"):
        Line.read(data_folder / "coprod2/coprod2data.dat", azimuth=10.0)


def along_a_profile(stations=3, phase=40.0):
    """Data of a station a kilometre, 100 ohm m, that came along a profile."""
    values = np.full((6, 2, stations), np.nan)
    values[[0, 2]], values[[1, 3]] = 2.0, phase
    survey = Survey([10.0, 1.0], 1e3 * np.arange(stations))
    return Data(survey, values, np.where(np.isfinite(values), 1.0, np.nan))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("strike", 10.0),
        ("declination", 5.0),
        ("remove", ["skew"]),
        ("remove", ["rating"]),
        ("enlarge", ["skew"]),
        ("skip", ["skew"]),
    ],
)
def test_what_is_about_tensors_is_refused_for_data_along_a_profile(tmp_path, option, value):
    write_occam2d(tmp_path / "a.dat", along_a_profile())
    with pytest.raises(
        ValueError, match=f"--{option} is for stations with their tensors; .*a.dat is along"
    ):
        Line.read(tmp_path / "a.dat", treatment_of(complete({option: value})))


def test_files_of_one_stem_do_not_hide_each_other(tmp_path):
    for name, count in (("a.dat", 3), ("a.data", 4), ("b.dat", 5)):
        write_occam2d(tmp_path / name, along_a_profile(count))
    assert tuple(files_of(read(tmp_path))) == ("a.dat", "a.data", "b")
    assert [Line.read(tmp_path, line=name).asked for name in ("a.dat", "a.data", "b")] == [3, 4, 5]
    assert "pass over, a.data: one line at a time; --line a.data takes it" in str(
        Line.read(tmp_path).journal
    )


def test_files_of_one_name_in_several_folders_do_not_hide_each_other(tmp_path):
    for folder, count in (("P", 3), ("Q", 4)):
        (tmp_path / folder).mkdir()
        write_occam2d(tmp_path / folder / "a.dat", along_a_profile(count))
    assert tuple(files_of(read(tmp_path, recursive=True))) == ("P/a.dat", "Q/a.dat")
    assert Line.read(tmp_path, recursive=True, line="Q/a.dat").asked == 4


def test_what_no_line_can_have_is_refused_before_any_is_begun(tmp_path, capsys):
    write_occam2d(tmp_path / "a.dat", along_a_profile())
    told = ["invert", str(tmp_path), "-o", str(tmp_path / "OUT"), "--line", "all", "--strike", "3"]
    assert main(told) == 2
    assert "--strike is for stations with their tensors" in capsys.readouterr().err
    assert not (tmp_path / "OUT").exists()


def test_data_along_a_profile_beside_stations_are_passed_over_with_a_word(tmp_path):
    for site in lines((0.0,), (4,)):
        write_edi(tmp_path / f"{site.name}.edi", site)
    write_occam2d(tmp_path / "a.dat", along_a_profile())
    line = Line.read(tmp_path)
    assert line.asked == 4
    assert "pass over, a.dat: along a profile already, beside stations; give this file" in str(line.journal)


def test_phases_of_a_profile_keep_their_signs_if_asked(tmp_path):
    write_occam2d(tmp_path / "a.dat", along_a_profile(phase=220.0))
    for signs, phase in (("mend", 40.0), ("keep", 220.0)):
        data = Line.read(tmp_path / "a.dat", signs=signs).data
        np.testing.assert_array_equal(data.values[[1, 3]], phase)


def test_no_survey_of_strangers_without_positions_is_read_as_one_station(data_folder, capsys):
    assert main(["look", str(data_folder / "strangers/stratagem21")]) == 1
    assert "the positions of all 21 stations are unknown" in capsys.readouterr().out


def test_a_grid_is_a_strip_of_most_stations_and_said_so(data_folder):
    line = Line.read(data_folder / "strangers/grid14")
    assert line.asked == 8
    assert line.data.survey.stations.size == 8
    assert "the stations fill an area rather than a line; line C" in str(line.journal)
    assert "bends" not in str(line.journal)
