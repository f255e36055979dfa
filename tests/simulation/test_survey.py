import numpy as np
import pytest
from identities import present

from jaxmt import Survey
from jaxmt.fingerprint import fingerprint

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
    computed = [10.0, 1.0, 0.3, 0.1]
    others += [Survey(F, Y, computed=computed), Survey(F, Y, computed=[10.0, 2.0, 0.3, 0.1])]
    assert len({hash(other) for other in others}) == len(others)
    # A checkpoint of one is not that of another.
    assert len({fingerprint(other) for other in others}) == len(others)
    assert Survey(F, Y, computed=computed[::-1]) == others[4]
    assert all(survey != other for other in others)
    with pytest.raises(ValueError, match="read-only"):
        survey.stations[0] = 0.0


@pytest.mark.parametrize(
    ("computed", "message"),
    [
        ([10.0, 1.0, 0.1], "hold 4 frequencies or more, in Hz, no two alike. Got 3, of them 3 distinct"),
        ([10.0, 1.0, 1.0, 0.1], "no two alike. Got 4, of them 3 distinct; None computes at all"),
        ([9.0, 1.0, 0.5, 0.1], "span the frequencies measured, in Hz.*Got 0.1 to 9, measured 0.1 to 10"),
        ([10.0, 1.0, 0.5, 0.2], "span the frequencies measured"),
        ([10.0, 1.0, 0.0, 0.1], r"positive, in Hz. Got computed\[2\] = 0.0"),
        ([10.0, np.nan, 0.5, 0.1], r"finite, in Hz. Got computed\[1\] = nan"),
    ],
)
def test_bad_computed_frequencies_are_refused(computed, message):
    with pytest.raises(ValueError, match=r"`Survey\(computed=...\)` must .*" + message):
        Survey(F, Y, computed=computed)


def test_fields_are_computed_at_so_many_frequencies_a_decade_where_more_are_measured():
    dense = Survey(np.geomspace(0.01, 100.0, 60), Y, names=("A", "B"))
    thin = dense.thinned(8)
    np.testing.assert_allclose(present(thin.computed), np.geomspace(100.0, 0.01, 33), rtol=1e-12)
    assert (thin.highest, thin.lowest) == (100.0, 0.01)
    np.testing.assert_array_equal(thin.frequencies, dense.frequencies)
    np.testing.assert_array_equal(thin.solved().frequencies, thin.computed)
    assert thin.solved().computed is None
    assert dense.solved() is dense
    # 12 a decade would take 49 instead of 60 solves.
    assert thin.thinned(12).computed is None
    assert dense.thinned(20) == dense
    with pytest.raises(ValueError, match=r"thinned\(per_decade=...\)` must be at least 1. Got 0"):
        dense.thinned(0)


def test_other_frequencies_keep_the_computed_ones_around_them():
    survey = Survey(np.geomspace(0.01, 100.0, 60), Y).thinned(8)
    f, nodes = survey.frequencies, present(survey.computed)
    part = survey.at(f[20:40])
    np.testing.assert_array_equal(part.frequencies, f[20:40])
    assert set(present(part.computed)) <= set(nodes)
    # All of them that lie between, and the next beyond on either side.
    between = (nodes > f[20]) & (nodes < f[39])
    assert present(part.computed).size == between.sum() + 2
    assert survey.at(f) == survey
    assert present(survey.at(f[:5]).computed).size == 4
    for few in (f[:4], f[::15], [1e3, *f]):
        assert survey.at(few).computed is None
    assert Survey(F, Y).at([3.0]) == Survey([3.0], Y)
