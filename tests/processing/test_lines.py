"""Lines among stations: what a survey holds, whatever its order, place and direction."""

import dataclasses

import numpy as np
import pytest
from soundings import half_space

from jaxmt.io import read
from jaxmt.processing.lines import corridor, find_lines, letter
from jaxmt.processing.placement import placed_by_spacing, placed_by_table
from jaxmt.processing.positions import known_positions, natural

BARE = half_space("S", frequencies=np.array([1.0]))


def survey(places, names=None):
    """Stations at northings and eastings, m; names of no meaning unless given."""
    names = [f"S{k:02d}" for k in range(len(places))] if names is None else names
    return [
        dataclasses.replace(BARE, name=name, northing=float(north), easting=float(east))
        for name, (north, east) in zip(names, places, strict=True)
    ]


def row(count, spacing=1e3, azimuth=30.0, start=(0.0, 0.0), scatter=0.1, seed=0):
    """Stations a step apart towards an azimuth, scattered about by a part of the step."""
    a = np.deg2rad(azimuth)
    noise = scatter * spacing * np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    return np.array(start) + np.arange(count)[:, None] * spacing * np.array([np.cos(a), np.sin(a)]) + noise


def members(sites, lines):
    """The stations of each line by name, in no order."""
    return sorted(sorted(sites[k].name for k in line.stations) for line in lines.lines)


def arc(count, radius=10e3, angle=90.0):
    t = np.deg2rad(np.linspace(0, angle, count))
    return radius * np.stack([np.cos(t), np.sin(t)], axis=1)


def grid(rows=5, columns=8, spacing=500.0):
    n, e = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    return spacing * np.stack([n.ravel(), e.ravel()], axis=1)


def test_a_straight_line_with_its_measures():
    sites = survey(row(9, azimuth=120.0, scatter=0.0))
    (line,) = find_lines(sites).lines
    assert line.name == "A"
    assert line.stations == tuple(range(9))
    # A straight line of equal steps: rounding only.
    assert (line.azimuth, line.length, line.spacing, line.gap) == pytest.approx((120, 8e3, 1e3, 1e3))
    assert (line.offset, line.bend) == pytest.approx((0, 0), abs=1e-6)


def test_a_curved_line_is_one_line_with_its_bend():
    sites = survey(arc(15))
    found = find_lines(sites)
    (line,) = found.lines
    assert line.stations in (tuple(range(15)), tuple(range(14, -1, -1)))
    # The halves of a quarter circle turn by 45 degrees.
    assert line.bend == pytest.approx(45, abs=1.0)
    # The sagitta of a quarter circle is R (1 - cos 45); the line of least squares parts it in two.
    assert 0.5 * 10e3 * (1 - np.sqrt(0.5)) < line.offset < 10e3 * (1 - np.sqrt(0.5))


@pytest.mark.parametrize("apart", [1.5e3, 5e3])
def test_two_parallel_lines(apart):
    places = [*row(7, azimuth=90.0), *row(6, azimuth=90.0, start=(apart, 600.0), seed=1)]
    found = find_lines(survey(places))
    assert [len(line.stations) for line in found.lines] == [7, 6]
    assert [line.name for line in found.lines] == ["A", "B"]
    assert not found.alone
    assert not found.grid


def test_two_lines_that_cross_at_a_station():
    """The station in the middle is of one of them."""
    places = [*row(9, azimuth=0.0, start=(-4e3, 0.0)), *row(9, azimuth=80.0, start=(-700.0, -4e3), seed=1)]
    sites = survey(places)
    found = find_lines(sites)
    first, second = sorted((set(line.stations) for line in found.lines), key=min)
    assert first >= {0, 1, 2, 6, 7, 8}
    assert second >= {9, 10, 11, 15, 16, 17}
    assert len(first) + len(second) == 18


def test_a_regular_grid_has_its_rows_and_its_columns():
    sites = survey(grid())
    found = find_lines(sites)
    assert [len(line.stations) for line in found.lines] == [8] * 5 + [5] * 8
    assert found.grid
    assert not found.scattered
    assert [line.azimuth for line in found.lines] == pytest.approx([90.0] * 5 + [0.0] * 8, abs=1e-9)
    assert len({line.name for line in found.lines}) == 13


def test_the_folders_of_a_grid_say_which_way_its_lines_run():
    """By places its rows and its columns are lines; by names, which mean nothing, neither."""
    sites = [dataclasses.replace(s, folder=f"N{k % 8 + 1}") for k, s in enumerate(survey(grid()))]
    found = find_lines(sites)
    # Its columns are those that are named, its rows the lines across them.
    assert [line.name for line in found.lines] == [*(f"N{k}" for k in range(1, 9)), *"ABCDE"]
    assert [len(line.stations) for line in found.lines] == [5] * 8 + [8] * 5
    # Folders that are no rows say nothing.
    mixed = [dataclasses.replace(s, folder="ab"[k * 7 % 40 < 20]) for k, s in enumerate(sites)]
    assert [len(line.stations) for line in find_lines(mixed).lines] == [8] * 5 + [5] * 8


def test_scattered_stations_are_said_to_be_no_line():
    places = np.random.default_rng(3).uniform(0, 5e3, (14, 2))
    found = find_lines(survey(places))
    assert found.grid
    assert found.scattered
    assert found.lines


def test_the_best_strip_is_straight_rather_than_full():
    """Eight stations in a row, and nine in a heap that is two spacings wide across another direction."""
    rng = np.random.default_rng(1)
    heap = np.array([(6e3, 6e3)]) + rng.uniform(-1e3, 1e3, (9, 2)) * [1.0, 1.6]
    place = np.concatenate([row(8, azimuth=70.0, scatter=0.1), heap])
    strip = corridor("C", place, range(len(place)), np.arange(0.0, 180.0, 5.0))
    assert set(strip.stations) >= set(range(8))
    assert strip.azimuth == pytest.approx(70.0, abs=10.0)
    # It runs along one of the directions that are given.
    across = corridor("C", place, range(len(place)), [150.0, 155.0])
    assert across.azimuth in (150.0, 155.0)


def test_stations_off_a_line_are_alone():
    sites = survey([*row(10), (30e3, -20e3), (-25e3, 15e3)])
    found = find_lines(sites)
    assert [len(line.stations) for line in found.lines] == [10]
    assert found.alone == (10, 11)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_stations_are_a_line(count):
    (line,) = find_lines(survey(row(count))).lines
    assert len(line.stations) == count
    assert np.isfinite(line.azimuth) == (count > 1)


def test_three_stations_in_no_row_are_a_line_all_the_same():
    found = find_lines(survey([(0, 0), (1e3, 0), (500.0, 900.0)]))
    assert [len(line.stations) for line in found.lines] == [3]
    assert found.grid


def test_names_part_lines_that_places_do_not():
    """A line that ends on another one is its own by its names, down to the stations that meet."""
    places = [*row(7, azimuth=0.0, start=(-3e3, 0.0)), *row(6, azimuth=60.0, start=(0.0, 300.0), seed=1)]
    names = [f"L1_{k}" for k in range(7)] + [f"L2_{k}" for k in range(6)]
    found = find_lines(survey(places, names))
    assert [line.name for line in found.lines] == ["L1", "L2"]
    assert [set(line.stations) for line in found.lines] == [set(range(7)), set(range(7, 13))]


def test_names_that_end_alike_name_the_columns():
    places = grid(6, 2, 50e3) + np.random.default_rng(0).uniform(-4e3, 4e3, (12, 2))
    names = [f"{r * 3}{c:02d}" for r in "ABCDEF" for c in (7, 8)]
    found = find_lines(survey(places, names))
    assert [line.name for line in found.lines] == ["07", "08"]
    assert [len(line.stations) for line in found.lines] == [6, 6]


@pytest.mark.parametrize("kind", ["parallel", "curve", "grid", "scatter"])
def test_neither_order_nor_place_nor_direction_matter(kind):
    rng = np.random.default_rng(5)
    places = {
        "parallel": np.concatenate([row(7), row(6, start=(-3e3, 4e3), seed=1)]),
        "curve": arc(12),
        "grid": grid(4, 6) + rng.uniform(-20, 20, (24, 2)),
        "scatter": rng.uniform(0, 4e3, (10, 2)),
    }[kind]
    sites = survey(places)
    expected = members(sites, find_lines(sites))
    order = rng.permutation(len(sites))
    mixed = [sites[k] for k in order]
    assert members(mixed, find_lines(mixed)) == expected
    a = np.deg2rad(37.0)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    moved = survey(places @ turn.T + [4e5, -7e5])
    assert members(moved, find_lines(moved)) == expected


def test_stations_at_one_place_stay_together():
    places = row(8)
    found = find_lines(survey([*places, places[3] + 2.0]))
    assert [len(line.stations) for line in found.lines] == [9]
    # The spacing is that of places, not of instruments.
    assert found.lines[0].spacing == pytest.approx(1e3, rel=0.25)


def test_unknown_positions():
    """Zeros, one place for all, and nothing are no positions; zeros are one for a survey nearby."""
    zero = [half_space(f"S{k}", latitude=0.0, longitude=0.0) for k in range(3)]
    assert find_lines(zero).unknown == (0, 1, 2)
    same = [half_space(f"S{k}", latitude=-22.0, longitude=139.0) for k in range(3)]
    assert find_lines(same).unknown == (0, 1, 2)
    some = [*zero[:1], *(half_space(f"T{k}", latitude=-22.0, longitude=139 + 0.01 * k) for k in range(4))]
    assert find_lines(some).unknown == (0,)
    assert [len(line.stations) for line in find_lines(some).lines] == [4]
    near = [half_space(f"S{k}", latitude=0.0, longitude=0.02 * k) for k in range(4)]
    assert not find_lines(near).unknown


def test_the_natural_order_of_names():
    names = ["S10", "S2", "s1", "S2b", "A100"]
    assert sorted(names, key=natural) == ["A100", "s1", "S2", "S2b", "S10"]
    # A superscript two is a digit and no number.
    assert sorted(["S²", "S1"], key=natural) == ["S1", "S²"]
    assert [letter(k) for k in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


def test_places_from_a_spacing():
    sites = [half_space(name, latitude=0.0, longitude=0.0) for name in ("S10", "S2", "S1")]
    placed, journal = placed_by_spacing(sites, 50.0, 90.0)
    # S1, S2, S10 to the east; rounding only.
    np.testing.assert_allclose(known_positions(placed), [[0, 100], [0, 50], [0, 0]], atol=1e-9)
    assert "S1 to S10" in str(journal)


def test_places_from_a_table():
    sites = [half_space(name, latitude=0.0, longitude=0.0) for name in ("Site 1", "s2", "S3")]
    table = {
        "SITE1": {"latitude": -22.0, "longitude": 139.0, "elevation": 210.0},
        "S2": {"latitude": -22.0, "longitude": 139.1},
        "S9": {"latitude": -22.0, "longitude": 139.2},
    }
    placed, journal = placed_by_table(sites, table)
    assert (placed[0].latitude, placed[0].longitude, placed[0].elevation) == (-22.0, 139.0, 210.0)
    assert np.isnan(placed[2].latitude)
    assert "the table lacks S3" in str(journal)
    assert "no data of S9" in str(journal)
    with pytest.raises(ValueError, match="names none of the stations; it has X, the data have Site 1, s2"):
        placed_by_table(sites, {"X": {"easting": 0.0, "northing": 0.0}})


@pytest.mark.parametrize(
    ("folder", "expected", "grid"),
    [
        ("strangers/twolines12", {"15": 6, "16": 6}, False),
        ("strangers/threelines25", {"CP1": 8, "CP2": 12, "CP3": 5}, False),
        ("strangers/amt28", {"A": 28}, False),
        ("strangers/grid14", {"A": 7, "B": 4}, True),
        ("east_tennant/L1", {"A": 25}, False),
        ("east_tennant/L2", {"A": 27}, False),
        ("east_tennant/L3", {"A": 29}, False),
        ("cafe_cascadia/edi", {"A": 24}, False),
        ("paralana_occam2d/edi", {"A": 15}, False),
    ],
)
def test_lines_of_field_surveys(data_folder, folder, expected, grid):
    """Counts by the names of files; stations of the same line by their maps."""
    found = find_lines(read(data_folder / folder).sites)
    assert {line.name: len(line.stations) for line in found.lines} == expected
    assert found.grid == grid
    assert not found.unknown


def test_an_array_has_its_columns(data_folder):
    found = find_lines(read(data_folder / "cascadia_modem/xml").sites)
    assert {line.name: len(line.stations) for line in found.lines} == {"09": 6, "10": 6, "11": 6}
    assert len(found.alone) == 2


def test_a_grid_of_fifteen_by_twelve(data_folder):
    found = find_lines(read(data_folder / "mt3dinv4/edi").sites)
    assert [len(line.stations) for line in found.lines] == [15] * 12 + [12] * 15
    assert found.grid


@pytest.mark.parametrize(("folder", "count"), [("stratagem21", 21), ("nopositions87", 87)])
def test_surveys_without_positions(data_folder, folder, count):
    found = find_lines(read(data_folder / "strangers" / folder).sites)
    assert len(found.unknown) == count
    assert not found.lines
