"""Screening: each rule takes what it should, says so, and leaves clean data alone."""

import dataclasses

import numpy as np
from soundings import FREQUENCIES, half_space

from jaxmt.io import read_edi_site
from jaxmt.processing import (
    RULES,
    STATION_RULES,
    Coverage,
    Duplicates,
    Journal,
    NearField,
    OffLine,
    Offset,
    PhaseQuadrant,
    Rating,
    RelativeError,
    RhoPhase,
    Skew,
    correct_polarity,
    rotate,
    screen,
    screen_stations,
)


def with_z(site, k, value, c=0):
    z = site.z.copy()
    z[k, *((0, 1), (1, 0))[c]] = value
    return dataclasses.replace(site, z=z)


def test_clean_data_stay():
    site = half_space()
    for rules in (RULES, (NearField(),)):
        screened, journal = screen([site], rules)
        np.testing.assert_array_equal(screened[0].z, site.z)
        assert len(journal) == 0


def removed(site, rule):
    screened, journal = screen([site], [rule])
    gone = np.isnan(screened[0].z[:, [0, 1], [1, 0]]) & np.isfinite(site.z[:, [0, 1], [1, 0]])
    assert journal.removed() == 2 * gone.sum()
    return [tuple(int(i) for i in at) for at in np.argwhere(gone)], journal


def test_relative_errors():
    error = half_space().z_error.copy()
    error[4, 1, 0] *= 20
    # sqrt(VAR) is sqrt(2) of the part's error: 0.57 of |Z|.
    gone, journal = removed(half_space(z_error=error), RelativeError(0.5))
    assert gone == [(4, 1)]
    assert "relative error, S: relative error above 0.5; 0 Zxy and 1 Zyx of 52" in str(journal)
    assert removed(half_space(z_error=error), RelativeError(0.6))[0] == []


def test_phases_out_of_their_quadrant():
    site = half_space()
    for degrees, gone in ((-4.0, []), (-6.0, [(3, 0)]), (94.0, []), (96.0, [(3, 0)]), (-170.0, [(3, 0)])):
        turned = with_z(site, 3, np.abs(site.z[3, 0, 1]) * np.exp(1j * np.deg2rad(degrees)))
        assert removed(turned, PhaseQuadrant())[0] == gone


def test_a_near_field():
    site = half_space()
    period = 1 / FREQUENCIES
    # rho as T: |Z| constant; phase 3 degrees below 1 Hz.
    z = site.z.copy()
    low = FREQUENCIES < 1
    z[low, 0, 1] = np.abs(z[~low][-1, 0, 1]) * np.exp(1j * np.deg2rad(3))
    gone, _ = removed(dataclasses.replace(site, z=z), NearField())
    assert {c for _, c in gone} == {0}
    # All but those whose slope still sees the half-space.
    assert len(gone) >= low.sum() - 2
    assert period[[k for k, _ in gone]].min() > 1
    short = site.z.copy()
    short[10:12, 0, 1] = z[-1, 0, 1]
    assert removed(dataclasses.replace(site, z=short), NearField())[0] == []


def test_phases_that_do_not_belong_to_their_curve():
    site = half_space()
    bent = with_z(site, 7, site.z[7, 1, 0] * np.exp(1j * np.deg2rad(25)), c=1)
    assert removed(bent, RhoPhase(20.0))[0] == [(7, 1)]
    assert removed(bent, RhoPhase(30.0))[0] == []


def test_three_dimensional_data():
    site = half_space()
    z = site.z.copy()
    z[5] = np.array([[0.3j, 1 + 1j], [-1 - 1j, -0.3]]) * np.abs(z[5, 0, 1])
    twisted = dataclasses.replace(site, z=z)
    gone, journal = removed(twisted, Skew())
    assert gone == [(5, 0), (5, 1)]
    assert "phase tensor skew above 5 degrees" in str(journal)
    # An error of beta as large as the skew excuses it.
    assert removed(dataclasses.replace(twisted, z_error=np.abs(site.z_error) * 20), Skew())[0] == []


def test_rules_are_switched_by_leaving_them_out():
    site = with_z(half_space(), 3, -1.0 - 1j)
    assert len(screen([site], ())[1]) == 0
    assert len(screen([site], (PhaseQuadrant(),))[1]) == 1


def line(n=6, step=0.01):
    return [half_space(f"S{k}", longitude=step * k) for k in range(n)]


def verdicts(sites, rule):
    left, journal = screen_stations(sites, [rule])
    names = [entry.subject for entry in journal]
    assert [s.name for s in left] == [s.name for s in sites if s.name not in names]
    return names


def test_station_rules_leave_a_good_line():
    left, journal = screen_stations(line())
    assert len(left) == 6
    assert len(journal) == 0


def test_station_rules():
    sites = line()
    z = sites[1].z.copy()
    z[:14] = np.nan
    assert verdicts([*sites[:1], dataclasses.replace(sites[1], z=z), *sites[2:]], Coverage()) == ["S1"]
    assert verdicts([sites[0], dataclasses.replace(sites[1], rating=2.0)], Rating()) == ["S1"]
    assert verdicts([sites[0], dataclasses.replace(sites[1], rating=3.0)], Rating()) == []
    # 1.1 km apart; one lies 3.3 km off.
    far = dataclasses.replace(sites[3], latitude=0.03)
    assert verdicts([*sites[:3], far, *sites[4:]], OffLine(spacings=1.5)) == ["S3"]
    # Two instruments at each place of a line do not make the spacing zero.
    beside = [dataclasses.replace(site, latitude=1e-4 * (-1) ** k) for k, site in enumerate(sites)]
    pairs = [dataclasses.replace(site, name=f"{site.name}b") for site in beside]
    assert verdicts([*beside, *pairs], OffLine()) == []
    twin = dataclasses.replace(sites[2], name="twin", longitude=sites[2].longitude + 1e-5)
    poorer = with_z(sites[2], 0, np.nan)
    assert verdicts([*sites[:2], poorer, twin, *sites[3:]], Duplicates()) == ["S2"]
    loud = half_space("S3", rho=5000.0, longitude=0.03)
    assert verdicts([*sites[:3], loud, *sites[4:]], Offset()) == ["S3"]
    # One mode alone is a static shift, not a bad station.
    z = sites[3].z.copy()
    z[:, 0] *= 10
    assert verdicts([*sites[:3], dataclasses.replace(sites[3], z=z), *sites[4:]], Offset()) == []


def test_stations_without_position_are_judged_by_their_data_alone():
    lost = [dataclasses.replace(site, latitude=np.nan) for site in line()]
    left, journal = screen_stations(lost, STATION_RULES)
    assert len(left) == 6
    assert len(journal) == 0


def test_journals_add_up():
    journal = Journal().note("read", "a.edi", "read") + Journal().note("skew", "A", "gone", 3)
    assert str(journal) == "read, a.edi: read\nskew, A: gone [3 data removed]"
    assert (journal.removed(), journal.removed(["read"])) == (3, 0)


def test_field_lines(data_folder):
    files = sorted((data_folder / "east_tennant" / "L3").glob("*.edi"))
    sites = [rotate(read_edi_site(file), 47.0) for file in files]
    assert len(correct_polarity(sites)[1]) == 0
    screened, journal = screen(sites, [Skew()])
    high = [site.frequencies > 10 for site in sites]
    kept = [np.isfinite(s.z[k][:, 0, 1]).mean() for s, k in zip(screened, high, strict=True)]
    # The description: above 10 Hz, 97 to 100 % of the data keep below 5 degrees.
    assert np.mean(kept) > 0.97
    assert journal.removed() > 0
    assert len(screen_stations(sites)[0]) == 29
