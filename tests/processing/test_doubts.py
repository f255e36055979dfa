"""What is doubtful is marked, what is asked for goes, and what nobody can use goes always."""

import dataclasses

import numpy as np
from soundings import half_space

from jaxmt.processing import (
    Coverage,
    Journal,
    Offset,
    PhaseQuadrant,
    Screening,
    Skew,
    prepare,
    with_floor,
)
from jaxmt.processing.screening import RULES
from jaxmt.processing.stations import STATION_RULES


def line(n=5):
    """Stations a kilometre apart over a half-space, 26 frequencies each."""
    return [half_space(f"S{k}", longitude=0.01 * k) for k in range(n)]


def out_of_quadrant(site, count):
    """The site with the phases of Zxy in the wrong quadrant at its first `count` frequencies."""
    z = site.z.copy()
    z[:count, 0, 1] *= -1
    return dataclasses.replace(site, z=z)


def screened(sites, screening):
    return screening(sites, [with_floor(site, 0.05) for site in sites])


def test_a_doubt_takes_a_tenth_of_a_station_and_marks_more():
    # Of 52 data a tenth is 5: 5 go, 6 stay.
    for count, gone in ((5, 5), (6, 0)):
        sites = line()
        sites[1] = out_of_quadrant(sites[1], count)
        left, journal = screened(sites, Screening(doubts=(PhaseQuadrant(),)))
        assert [site.name for site in left] == [site.name for site in sites]
        assert np.isnan(left[1].z[:, 0, 1]).sum() == gone
        assert journal.losses() == ({"phase quadrant": (10, 1)} if gone else {})
        assert journal.marks() == ({} if gone else {"phase quadrant": (12, 1)})


def test_what_is_asked_for_goes_whatever_its_share():
    sites = line()
    sites[1] = out_of_quadrant(sites[1], 20)
    left, journal = screened(sites, Screening(remove=(PhaseQuadrant(),), doubts=()))
    assert np.isnan(left[1].z[:20, 0, 1]).all()
    assert journal.removed(["phase quadrant"]) == 40


def test_skew_is_shown_and_never_weighs():
    site = half_space()
    z = site.z.copy()
    z[5] = np.array([[0.3j, 1 + 1j], [-1 - 1j, -0.3]]) * np.abs(z[5, 0, 1])
    # Two data of 52, far less than a tenth.
    sites = [dataclasses.replace(site, z=z)]
    left, journal = screened(sites, Screening(doubts=()))
    np.testing.assert_array_equal(left[0].z, z)
    assert journal.marks()["skew"] == (4, 1)
    left, journal = screened(sites, Screening(remove=(Skew(),), geology=()))
    assert np.isnan(left[0].z[5, 0, 1])


def test_enlarged_errors_stand_beside_the_floors_alone():
    sites = line()
    sites[1] = out_of_quadrant(sites[1], 20)
    done = prepare(sites, angle=0.0, per_decade=None, screening=Screening(enlarge=(PhaseQuadrant(),)))
    k = done.data.survey.names.index("S1")
    ratio = done.data.errors / done.usable.errors
    # Rounding only: three times, there and nowhere else, for resistivity and phase of TE alike.
    np.testing.assert_allclose(ratio[:2, :20, k], 3.0, rtol=1e-12)
    ratio[:2, :20, k] = 1.0
    np.testing.assert_allclose(ratio[:4], 1.0, rtol=1e-12)
    np.testing.assert_array_equal(done.data.values, done.usable.values)


def test_usable_data_keep_what_rules_remove_and_their_places():
    sites = line()
    sites[0] = half_space("S0", rho=1e5, longitude=0.0)
    sites[3] = out_of_quadrant(sites[3], 20)
    asked = Screening(remove=(PhaseQuadrant(),), station_remove=(Offset(),))
    done = prepare(sites, angle=0.0, per_decade=None, screening=asked)
    assert done.usable.survey.names == ("S0", "S1", "S2", "S3", "S4")
    assert done.data.survey.names == ("S1", "S2", "S3", "S4")
    # A millimetre: the local projection has its origin in the mean of other stations.
    np.testing.assert_allclose(done.data.survey.stations, done.usable.survey.stations[1:], atol=1e-3)
    # What is said to be removed is what is lacking, in one unit.
    assert done.usable.mask.sum() - done.data.mask.sum() == done.journal.removed() == 2 * (52 + 20)


def test_rules_that_act_do_not_mark_what_they_take():
    sites = line()
    z, lost = sites[1].z.copy(), sites[2].z.copy()
    z[5] = np.array([[0.3j, 1 + 1j], [-1 - 1j, -0.3]]) * np.abs(z[5, 0, 1])
    lost[:20] = np.nan
    sites[1], sites[2] = dataclasses.replace(sites[1], z=z), dataclasses.replace(sites[2], z=lost)
    left, journal = screened(sites, Screening(remove=RULES, station_remove=STATION_RULES))
    assert [site.name for site in left] == ["S0", "S1", "S3", "S4"]
    assert journal.losses() == {"skew": (4, 1), "station coverage": (24, 1)}
    assert journal.marks() == {}
    # Enlarged errors are told apart from what is only marked.
    left, journal = screened(sites, Screening(enlarge=(Skew(),)))
    assert len(left) == 5
    assert journal.marks() == {"enlarged skew": (4, 1), "station coverage": (24, 1)}


def test_stations_are_marked_and_stay():
    sites = line()
    z = sites[2].z.copy()
    z[:20] = np.nan
    sites[2] = dataclasses.replace(sites[2], z=z)
    left, journal = screened(sites, Screening())
    assert len(left) == 5
    assert journal.marks() == {"station coverage": (24, 1)}
    left, journal = screened(sites, Screening(station_remove=(Coverage(),), station_doubts=()))
    assert [site.name for site in left] == ["S0", "S1", "S3", "S4"]


def test_copies_and_empty_stations_go_always():
    sites = line()
    nothing = {name: np.full_like(getattr(sites[2], name), np.nan) for name in ("z", "tipper")}
    sites[2] = dataclasses.replace(sites[2], **nothing)
    sites.append(dataclasses.replace(sites[1], name="backup"))
    left, journal = screened(sites, Screening.none())
    assert [site.name for site in left] == ["S0", "S1", "S3", "S4"]
    assert "station copies, backup: left out: holds the same values as S1 [104 data removed]" in str(
        journal
    )
    assert "station empty, S2: left out" in str(journal)
    # At a place nobody knows equal values are no copies.
    lost = [dataclasses.replace(site, latitude=0.0, longitude=0.0) for site in line()]
    assert len(screened(lost, Screening.none())[0]) == 5


def test_a_folded_journal_keeps_the_sums():
    journal = Journal()
    for k in range(5):
        journal = journal.note("note", f"S{k}", "converted to ohm").note("skew", f"S{k}", f"{k} of 9", k, 1)
    journal = journal.note("band", "all", "kept")
    folded = journal.folded()
    assert len(folded) == 3
    assert str(folded).splitlines()[0] == "note, 5 of them: converted to ohm"
    assert "skew, 5 of them: 4 of 9 (S4), and others like it [10 data removed]" in str(folded)
    assert folded.removed() == journal.removed() == 10
    assert folded.marks()["skew"][0] == 5
