import numpy as np
import pytest

from jaxmt import Survey

F, Y = np.array([10.0, 0.1, 1.0]), np.array([500.0, -20.0])


@pytest.mark.parametrize(
    ("frequencies", "message"),
    [
        (np.array([1.0, 0.0]), r"positive, in Hz. Got frequencies\[1\] = 0.0"),
        (np.array([-3.0]), r"positive, in Hz. Got frequencies\[0\] = -3.0"),
        (np.array([1.0, np.nan]), r"finite, in Hz. Got frequencies\[1\] = nan"),
        (np.array([np.inf]), r"finite, in Hz. Got frequencies\[0\] = inf"),
        (np.array([]), r"at least one value, in Hz. Got shape \(0,\)"),
    ],
)
def test_bad_frequencies_are_refused(frequencies, message):
    with pytest.raises(ValueError, match=r"`Survey\(frequencies=...\)` must be.*" + message):
        Survey(frequencies, Y)


@pytest.mark.parametrize(
    ("stations", "message"),
    [
        (np.array([0.0, np.inf]), r"finite, in m. Got stations\[1\] = inf"),
        (np.array([]), r"at least one value, in m. Got shape \(0,\)"),
    ],
)
def test_bad_stations_are_refused(stations, message):
    with pytest.raises(ValueError, match=r"`Survey\(stations=...\)` must be.*" + message):
        Survey(F, stations)


@pytest.mark.parametrize("modes", [(), ("xy",), ("te", "det"), "te"])
def test_unknown_modes_are_refused(modes):
    with pytest.raises(ValueError, match=r"`Survey\(modes=...\)` must hold 'te', 'tm' or both"):
        Survey(F, Y, modes=modes)


def test_every_station_has_a_name():
    assert Survey(F, Y).names == ("S01", "S02")
    assert Survey(F, Y, names=["A", "B"]).names == ("A", "B")
    with pytest.raises(ValueError, match="Got 1 names for 2 stations"):
        Survey(F, Y, names=("A",))


def test_order_of_frequencies_and_stations_is_kept_and_modes_are_sorted():
    survey = Survey(F, Y, modes=("tm", "te"))
    np.testing.assert_array_equal(survey.frequencies, F)
    np.testing.assert_array_equal(survey.stations, Y)
    np.testing.assert_array_equal(survey.periods, 1 / F)
    assert survey.modes == ("te", "tm")


def test_a_survey_is_a_value():
    frequencies = F.copy()
    survey = Survey(frequencies, Y)
    frequencies[0] = 99.0
    assert survey == Survey(F, Y)
    assert hash(survey) == hash(Survey(F, Y))
    others = [Survey(F + 1, Y), Survey(F, Y + 1), Survey(F, Y, ("te",)), Survey(F, Y, names=("A", "B"))]
    assert all(survey != other for other in others)
    with pytest.raises(ValueError, match="read-only"):
        survey.stations[0] = 0.0
