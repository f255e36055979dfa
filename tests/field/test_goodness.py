"""How well a section fits: all usable data count, and what it does not explain is named."""

import dataclasses

import numpy as np
import pytest
from problems import SMALL, SURVEY

import jaxmt
from jaxmt.field import Line, Settings
from jaxmt.field.goodness import in_words, misfit_in_words, shifts_in_words, usable_nrms
from jaxmt.field.workflow import advice
from jaxmt.inversion.result import Ending, Result

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.simulation.mesh.MeshWarning")
SECTION = np.full(SMALL.shape, 100.0)


@pytest.fixture(scope="module")
def fitted():
    """A half-space that fits its data exactly; the last station is shifted by 0.2 and -0.1 decades."""
    responses = jaxmt.simulate(SMALL, SURVEY, SECTION)
    data = jaxmt.Data.from_responses(responses, 0.05)
    shifts = np.zeros((2, 3))
    shifts[:, 2] = 0.2, -0.1
    values = data.values.copy()
    values[[0, 2]] += shifts[:, None, :]
    data = dataclasses.replace(data, values=values)
    cells = jaxmt.Cells(SMALL)
    predicted = np.array(responses.components)
    predicted[[0, 2]] += shifts[:, None, :]
    return Result(
        SMALL,
        data,
        SECTION,
        responses,
        shifts,
        predicted,
        0.0,
        {},
        Ending.TARGET,
        "",
        cells,
        cells.start(SECTION),
    )


def off(result, where, sigmas):
    """The result with data that lie `sigmas` off its predictions at some places."""
    values = result.data.values.copy()
    values[where] += sigmas * result.data.errors[where]
    data = dataclasses.replace(result.data, values=values)
    nrms = float(np.sqrt(np.nanmean(((values - result.predicted) / data.errors)[data.mask] ** 2)))
    return dataclasses.replace(result, data=data, nrms=nrms)


def test_without_screening_both_are_one(fitted):
    result = off(fitted, np.s_[0, 0, 0], 3.0)
    line = Line("A", result.data)
    assert usable_nrms(line, result) == result.nrms
    assert in_words(1.0, 1.0, line.data, None) == "nRMS 1.000 over all usable data, with the floors alone"


def test_data_that_rules_removed_count_in_the_second(fitted):
    whole = off(fitted, np.s_[0, :, 1], 10.0)
    values = whole.data.values.copy()
    values[0, :, 1] = np.nan
    inverted = dataclasses.replace(fitted, data=dataclasses.replace(whole.data, values=values))
    line = Line("A", inverted.data, usable=whole.data)
    # Five of 60 data are ten standard deviations off, the others fit: rounding only.
    assert usable_nrms(line, inverted) == pytest.approx(np.sqrt(5 * 100 / 60), rel=1e-9)
    assert "over the 55 data inverted, 2.887 over all 60 usable ones" in in_words(
        0.0, usable_nrms(line, inverted), line.data, line.usable
    )


def test_stations_that_were_removed_count_and_have_no_shift(fitted):
    inverted = dataclasses.replace(fitted, data=fitted.data.select(stations=[1, 2]))
    inverted = dataclasses.replace(
        inverted, static_shift=fitted.static_shift[:, 1:], predicted=fitted.predicted[:, :, 1:]
    )
    line = Line("A", inverted.data, usable=fitted.data)
    # The first station has no shift in its data either, so all fit; the solver's rounding only.
    assert usable_nrms(line, inverted) == pytest.approx(0.0, abs=1e-6)
    lost = dataclasses.replace(
        fitted,
        data=fitted.data.select(stations=[0, 1]),
        static_shift=fitted.static_shift[:, :2],
        predicted=fitted.predicted[:, :, :2],
    )
    # The last station's shifts are not known: 0.2 and 0.1 decades over 0.0434 each, five data of 60 each.
    sigma = 2 * 0.05 / np.log(10)
    expected = np.sqrt(5 * (0.2**2 + 0.1**2) / sigma**2 / 60)
    assert usable_nrms(Line("A", lost.data, usable=fitted.data), lost) == pytest.approx(expected, rel=1e-6)


def test_shifts_beyond_twice_what_was_expected_are_named_the_widest_first(fitted):
    name = fitted.data.survey.names[2]
    assert shifts_in_words(fitted, None) == shifts_in_words(fitted, jaxmt.StaticShift(0.3)) == ""
    one = shifts_in_words(fitted, jaxmt.StaticShift(0.08))
    assert "1 of 6 curves of apparent resistivity are beyond 0.16 decades, twice what" in one
    assert f"{name} TE (+0.20)." in one
    both = shifts_in_words(fitted, jaxmt.StaticShift(0.04))
    assert "2 of 6 curves" in both
    assert f"{name} TE (+0.20), {name} TM (-0.10)." in both


def test_the_station_and_the_periods_that_do_not_fit_are_named(fitted):
    result = off(fitted, np.s_[:4, :, 1], 4.0)
    said = misfit_in_words(Line("A", result.data), result)
    assert "stations S02 (nRMS 4.0)" in said
    assert "S01" not in said
    result = off(fitted, np.s_[:4, 4], 4.0)
    said = misfit_in_words(Line("A", result.data), result)
    assert "periods 100 s (4.0)" in said
    assert misfit_in_words(Line("A", fitted.data), off(fitted, np.s_[:4], 2.0)) == ""


def test_phases_that_no_section_has_are_named_with_what_takes_them(fitted):
    values = fitted.data.values.copy()
    values[1, 2, :] = -120.0
    result = dataclasses.replace(fitted, data=dataclasses.replace(fitted.data, values=values), nrms=20.0)
    said = misfit_in_words(Line("A", result.data), result)
    assert "100 % of the misfit is 3 phases outside of 0 to 90 degrees" in said
    assert "--remove phase-quadrant" in said


def test_what_is_worth_a_try_after_a_quick_look_is_the_whole_inversion(fitted):
    line = Line("L", fitted.data)
    short = dataclasses.replace(fitted, ending=Ending.ITERATIONS)
    first, *_ = advice(line, short, Settings(iterations=15))
    assert "Worth a try: more than 15 iterations (--iterations), larger errors" in first
    for ending in (Ending.ITERATIONS, Ending.STALLED):
        quick = dataclasses.replace(fitted, ending=ending)
        first, *_ = advice(line, quick, Settings(iterations=15, quick=True))
        assert (
            "Worth a try: the whole inversion, with a finer mesh and more iterations (leave --quick"
            in first
        )
        assert "--iterations" not in first
