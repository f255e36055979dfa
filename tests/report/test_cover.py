"""The first page and the tables of stations: numbers that a client reads, worked out by hand."""

import dataclasses

import numpy as np
import pytest
from sections import HOSTILE, a_fit, a_survey, an_uncertainty
from soundings import half_space

from jaxmt.field import Line, Settings
from jaxmt.field.cover import conclusions, data_in_words, day, stations_in_words
from jaxmt.field.station_tables import processing_table, station_table
from jaxmt.inversion.result import Ending
from jaxmt.processing import Journal
from jaxmt.simulation.survey import Survey

SETTINGS = Settings(target=1.05, depth=6e3)


def test_three_sentences_say_what_was_fitted_how_deep_it_is_seen_and_what_is_there():
    fit = a_fit(shift=1.0)
    first, second, third = conclusions([fit], SETTINGS)
    assert first == (
        "The data are explained to an nRMS of 1.00 by least squares, where 1 is their errors; 5 of 5 "
        "stations are fitted to an nRMS below 2."
    )
    # The data see to a node at 4 km, half a cell around it by interpolation.
    assert second.startswith("The data see down to about 4 km; deeper, the section is what")
    # Columns 6 to 13 lie under the stations, rows 2 (half the spacing, 1 km) to 7 (4 km) are seen: the
    # lowest is 10^(2 + 0.066 + 0.006), the factor 10^0.2.
    assert third.startswith("From 1 km, half the spacing of the stations, to there nine tenths of")
    assert third.endswith(
        "the surest low one is 120 ohm m, times or divided by 1.6, at y = -3.5 km, 1.2 km deep."
    )


def test_what_is_not_fitted_is_said_first():
    poor = a_fit(shift=3.0, ending=Ending.ITERATIONS)
    first, _, third = conclusions([poor], SETTINGS)
    assert first.startswith(
        "The data are not explained within their errors: the nRMS is 3.00 by least squares"
    )
    assert "1.05 was the target; none of 5 stations" in first
    assert first.endswith("so no detail of the section is to be relied on.")
    assert third == "An nRMS of 3.00 for a target of 1.05 is no fit: nothing is claimed of the ground."


def test_no_conductor_is_named_in_a_gap_nor_under_a_station_that_is_not_fitted():
    """Three stations in 2 km at either end of a line of 15 km, and the lowest resistivity in its middle."""
    stations = np.array([-7.5e3, -6.5e3, -5.5e3, 5.5e3, 6.5e3, 7.5e3])
    survey = Survey(np.geomspace(100.0, 0.1, 4), stations)
    fit = a_fit(survey=survey)
    mesh, rho = fit.result.mesh, np.full(fit.result.mesh.shape, 100.0)

    def told(y, z, predicted=None):
        """What is said of a section with 1 ohm m in the cell at y, z."""
        section = rho.copy()
        section[np.argmin(np.abs(mesh.z_centres - z)), np.argmin(np.abs(mesh.y_centres - y))] = 1.0
        predicted = fit.result.predicted if predicted is None else predicted
        result = dataclasses.replace(fit.result, resistivity=section, predicted=predicted)
        return conclusions([dataclasses.replace(fit, result=result)], SETTINGS)[2]

    # 5 km from the nearest station and 2.25 km deep; 1 km from it and as deep.
    assert "low one is 100 ohm m" in told(-500.0, 2250.0)
    assert ", no farther from a fitted station than it is deep, nine tenths" in told(-500.0, 2250.0)
    assert "low one is 1 ohm m, times or divided by 1.6, at y = -4.5 km, 2.2 km" in told(-4500.0, 2250.0)
    # The three stations nearest to it are 3 errors off.
    off = fit.result.predicted.copy()
    off[..., :3] += 2 * fit.result.data.errors[..., :3]
    assert "low one is 100 ohm m" in told(-4500.0, 2250.0, off)
    assert "low one is 1 ohm m" in told(4500.0, 2250.0, off)
    # Nobody is fitted.
    off = fit.result.predicted + 2 * fit.result.data.errors
    assert told(4500.0, 2250.0, off) == (
        "What the data see lies far from any station that is fitted: nothing is claimed of the ground."
    )


def test_two_misfits_are_set_side_by_side():
    fits = [a_fit("cloud"), a_fit("l2", level=2.3)]
    first, second, _ = conclusions(fits, SETTINGS)
    assert "1.00 by 6-D transport and 1.00 by least squares" in first
    # 10^0.3 is 2.0.
    assert second.endswith("; where they see, the two sections differ by a factor of 2 (rms).")


def test_what_nobody_sees_is_not_described():
    fit = a_fit()
    blind = dataclasses.replace(fit, uncertainty=an_uncertainty(fit.result.mesh, reach=0.0))
    assert conclusions([blind], SETTINGS)[2] == (
        "No part of the section is seen well enough to say what is there."
    )


def test_one_station_and_a_section_with_gaps_have_their_sentences():
    alone = a_fit(survey=a_survey(["A"]))
    assert "the station is fitted to an nRMS below 2" in conclusions([alone], SETTINGS)[0]
    fit = a_fit()
    rho = np.array(fit.result.resistivity)
    rho[:3] = np.nan
    holed = dataclasses.replace(fit, result=dataclasses.replace(fit.result, resistivity=rho))
    assert "nan" not in " ".join(conclusions([holed, fit], SETTINGS))


def test_colours_span_what_the_data_see_in_round_numbers():
    fit = a_fit()
    seen = fit.uncertainty.trust() > 0
    for low, high, limits in (
        (8.0, 85.0, (5.0, 100.0)),
        (30.0, 30.0, (5.0, 100.0)),
        (0.3, 3e3, (0.2, 5e3)),
    ):
        section = np.full(seen.shape, 1e6)
        section[seen] = np.geomspace(low, high, np.count_nonzero(seen))
        shown = dataclasses.replace(SETTINGS, limits=None).shown(fit.result.data, fit.uncertainty, section)
        # Rounding only.
        assert shown.limits == pytest.approx(limits, rel=1e-12)


def a_line(journal=None, **changes):
    """Five stations of which one more was read; the first has tensors and a place."""
    fit = a_fit()
    sites = (half_space(HOSTILE[0], latitude=-20.5), half_space("gone", latitude=-21.0))
    journal = journal or Journal().note("station offset", "gone", "left out: 9 km off the line")
    made = {"sites": sites, "distances": np.array([-4e3, 500.0]), "asked": 6, **changes}
    return Line("L", fit.result.data, journal, **made), fit


def test_stations_are_counted_and_named():
    line, _ = a_line()
    assert stations_in_words(line) == "6 read, 5 kept; left out: gone by offset"
    many = Journal()
    for k in range(9):
        many = many.note("station coverage", f"T{k}", "left out: too few data")
    line, _ = a_line(many, asked=14)
    assert (
        stations_in_words(line)
        == "14 read, 5 kept; left out: T0, T1, T2, T3, T4, T5 and 3 more by coverage"
    )
    assert data_in_words(line).startswith("80 at periods of 0.01 to 10 s along 8 km")


def test_the_table_of_stations_says_where_each_is_and_why_one_is_not_kept():
    line, fit = a_line()
    head, rows = station_table(line, [fit])
    assert head[0] == "Station"
    assert head[-3:] == ["data", "kept", "nRMS"]
    assert rows[0][:2] == [HOSTILE[0], "-20.50000"]
    assert rows[0][-4:-1] == ["-4.00", 16, "yes"]
    assert rows[0][-1] == pytest.approx(1.0)
    assert [row[0] for row in rows] == [*HOSTILE, "gone"]
    assert rows[-1][-4:] == ["0.50", 0, "no: offset, 9 km off the line", None]
    # Where nobody knows a place there is no column for it.
    bare, fit = a_line(sites=(), distances=np.zeros(0), journal=Journal().note("floor", "all", "0.05"))
    assert station_table(bare, [fit])[0] == ["Station", "y (km)", "data", "kept", "nRMS"]


def test_stations_of_one_name_have_their_own_elevations_places_and_reasons():
    survey = a_survey(["A", "A", "A"])
    fit = a_fit(survey=survey)
    # Not in the order of the line, and the fourth 3 km off it.
    sites = [half_space("A", latitude=-20.0 - k, elevation=100.0 * k) for k in range(4)]
    journal = Journal().note("station offset", "A", "left out: 3 km off the line")
    line = Line("L", fit.result.data, journal, tuple(sites), np.array([2e3, 0.0, -2e3, 300.0]), asked=4)
    assert line.elevations.tolist() == [200.0, 100.0, 0.0]
    _, rows = station_table(line, [fit])
    assert [row[1] for row in rows] == ["-22.00000", "-21.00000", "-20.00000", "-23.00000"]
    assert [row[3] for row in rows] == ["200", "100", "0", "300"]
    assert rows[3][-2] == "no: offset, 3 km off the line"
    assert stations_in_words(line) == "4 read, 3 kept; left out: A by offset"
    # Whoever shares a name shares the entries of the journal: a row for all of it.
    _, rows = processing_table(
        dataclasses.replace(line, journal=journal.note("skew", "A", "some", marked=1))
    )
    assert [row[:2] for row in rows] == [["A", 48]]


def test_processing_has_a_row_for_each_station_that_was_treated_apart():
    journal = Journal()
    for name in HOSTILE:
        journal = journal.note("read", name, "converted to ohm")
    journal = journal.note("skew", HOSTILE[1], "doubtful, and kept", marked=3)
    journal = journal.note("relative error", HOSTILE[1], "above 0.5", removed=2)
    journal = journal.note("station offset", "gone", "left out: 9 km off the line")
    line, _ = a_line(journal)
    head, rows = processing_table(line)
    assert head == ["Station", "data inverted", "removed", "doubtful, kept", "by"]
    assert rows == [
        [HOSTILE[1], 16, 2, 3, "skew (3 doubtful), relative error (2 removed)"],
        ["gone", 0, "", "", "station offset (left out)"],
    ]


@pytest.mark.parametrize(
    ("identity", "said"),
    [("20261128-215703-8582", "28 November 2026"), ("20260301-1", "1 March 2026"), ("mine", ""), ("", "")],
)
def test_the_date_is_that_of_the_run(identity, said):
    assert day(identity) == said
