"""A survey turned to strike: whole tensors, single elements, layered and strongly 3-D earths."""

import dataclasses

import numpy as np
import pytest
from soundings import FREQUENCIES, half_space, two_dimensional

from jaxmt.io import read
from jaxmt.processing import prepare, rotate, strike
from jaxmt.processing.turning import choose_strike, elements, turn_to


def scalar(name="S", azimuth=0.0, **changes):
    site = half_space(name, azimuth=np.full(FREQUENCIES.size, azimuth), **changes)
    z = np.full(site.z.shape, np.nan + 0j)
    z[:, 0, 1] = site.z[:, 0, 1]
    return dataclasses.replace(site, z=z)


def east(sites):
    """The stations along a line to the east."""
    return [dataclasses.replace(site, longitude=0.01 * k) for k, site in enumerate(sites)]


def test_quarter_turns_need_no_whole_tensor():
    site = two_dimensional(azimuth=25.0)
    for angle in (90.0, 180.0, -90.0, 270.0):
        whole = rotate(site, angle)
        t = np.deg2rad(angle)
        r = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
        np.testing.assert_allclose(whole.z, r @ site.z @ r.T, rtol=1e-12, atol=1e-15)
        z = np.where([[False, True], [False, False]], site.z, np.nan)
        z_error = site.z_error * np.array([[1.0, 2.0], [3.0, 4.0]])
        part = rotate(dataclasses.replace(site, z=z, z_error=z_error), angle)
        at = (0, 1) if angle == 180 else (1, 0)
        assert np.isfinite(part.z).sum() == FREQUENCIES.size
        np.testing.assert_array_equal(part.z[:, *at], whole.z[:, *at])
        np.testing.assert_array_equal(part.z_error[:, *at], z_error[:, 0, 1])


def test_one_element_is_one_mode_in_the_axes_that_were_measured():
    sites = east([scalar(f"S{k}") for k in range(4)])
    assert elements(sites[0]) == "Zxy"
    # The line runs east, so the strike is north: Zxy is TE.
    found = prepare(sites, per_decade=None)
    assert found.strike == 0
    assert found.data.survey.modes == ("te",)
    assert "only Zxy is there, which cannot be turned" in str(found.journal)
    np.testing.assert_allclose(found.data.values[0], 2.0, rtol=1e-12)
    # Ex along the line is TM.
    along = [dataclasses.replace(site, azimuth=site.azimuth + 95) for site in sites]
    found = prepare(along, per_decade=None)
    assert found.data.survey.modes == ("tm",)
    np.testing.assert_allclose(found.data.values[2], 2.0, rtol=1e-12)
    np.testing.assert_allclose(found.data.values[3], 45.0, rtol=1e-12)
    assert prepare(sites[:1], angle=90.0).data.survey.modes == ("tm",)


def test_one_element_aslant_is_refused_with_what_to_type():
    sites = [dataclasses.replace(s, latitude=0.01 * k) for k, s in enumerate(east([scalar()] * 4))]
    with pytest.raises(ValueError, match="45 degrees off the measured axes.*--strike 0 takes Zxy as TE"):
        prepare(sites)
    with pytest.raises(ValueError, match="cannot be turned from 0 to 30 degrees.*--strike 90 as TM"):
        prepare(sites, angle=30.0)
    # Others go on without it.
    left, journal = turn_to([*sites, half_space("T")], 30.0)
    assert [site.name for site in left] == ["T"]
    assert journal.removed() == 8 * FREQUENCIES.size
    with pytest.raises(ValueError, match="Zyx"):
        turn_to([dataclasses.replace(scalar(), z=scalar().z.swapaxes(1, 2))], 30.0)


def test_tensors_that_cannot_be_turned_are_counted():
    site = half_space()
    site.z[3, 0, 0] = np.nan
    _, journal = turn_to([site], 30.0)
    assert (
        str(journal) == "rotate, S: data of tensors that lack an element cannot be turned [4 data removed]"
    )
    assert len(turn_to([site], 0.0)[1]) == 0


def test_a_layered_earth_goes_on():
    assert choose_strike([half_space()], None)[:2] == (None, 0.0)
    found, angle, text = choose_strike(east([half_space()] * 3), 110.0)
    assert (found, angle) == (None, 20.0)
    assert "no tensor shows one; 20.0 is across the stations at 110 degrees" in text


def skewed(strike):
    """A 2-D station whose phase tensor was turned by 40 degrees: a skew of 20 degrees."""
    site = two_dimensional(azimuth=strike)
    t = np.deg2rad(40.0)
    turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])
    x, y = np.real(site.z), np.imag(site.z)
    return dataclasses.replace(site, z=x + 1j * x @ (np.linalg.inv(x) @ y @ turn))


def test_a_strongly_three_dimensional_earth_has_a_strike_all_the_same():
    found, angle, text = choose_strike([skewed(0.0)] * 4, 100.0)
    assert found is not None
    assert text.startswith("all phase tensors have a skew of 5 degrees or more, so all are used: strike")
    assert min(abs(angle - found.angle), abs(angle - found.other)) == 0
    # Axes in all directions: the direction across the line, and the resultant that says why.
    found, angle, text = choose_strike([skewed(angle) for angle in (0.0, 22.5, 45.0, 67.5)], 100.0)
    assert angle == 10.0
    assert "resultant 0.00 of 104" in text
    assert "ill determined, so 10.0, across the stations at 100 degrees; --strike" in text


def scattered(width, count=40):
    """Stations over strikes that scatter evenly about 30 degrees, by so many degrees to either side."""
    return [two_dimensional(f"S{k}", 30.0 + a) for k, a in enumerate(np.linspace(-width, width, count))]


def test_the_strike_leaves_the_direction_across_the_line_without_a_step():
    """From tensors that agree on 30 degrees to such of all directions; the normal of the line is at 10."""
    widths = np.linspace(0.0, 42.0, 43)
    found, angles, texts = zip(*(choose_strike(scattered(w), 100.0) for w in widths), strict=True)
    resultants = np.array([f.resultant for f in found])
    # The mean of an even scatter by w to either side: sin(4 w) / (4 w); 40 stations sample it to 3 %.
    t = 4 * np.deg2rad(widths)
    np.testing.assert_allclose(resultants, np.abs(np.sinc(t / np.pi)), atol=0.03)
    assert angles[0] == pytest.approx(30.0, abs=1e-6)
    assert angles[-1] == 10.0
    # A step of a degree of scatter turns nothing by more than two: 20 degrees over a resultant of 0.4.
    assert np.abs(np.diff(angles)).max() < 2.0
    assert (np.diff(angles) < 1e-6).all()
    half = int(np.argmin(np.abs(resultants - 0.5)))
    assert angles[half] == pytest.approx(20.0, abs=1.0)
    assert "between 30.0 and 10.0, across the stations at 100 degrees; --strike 30.0 is" in texts[half]


def test_arrows_that_contradict_the_line_are_believed_where_no_single_station_decides():
    sites = [two_dimensional(f"S{k}", 30.0, arrow=0.2) for k in range(4)]
    # A line along strike: the arrows are believed, not the line.
    assert choose_strike(sites, 30.0)[1] == pytest.approx(30.0, abs=1e-6)
    # One long arrow against three short ones, which without it point to the other axis.
    one = [
        two_dimensional("L", 30.0, arrow=0.5),
        *(two_dimensional(f"S{k}", 120.0, arrow=0.2) for k in range(3)),
    ]
    found = strike(one)
    assert found.arrow_resultant > 0.3
    assert not found.settled
    assert strike(one[:1]).settled


def test_files_with_one_mode_and_of_one_dimension(data_folder):
    shared = data_folder.parent
    (site,) = read(shared / "cases" / "case30_scalar.edi").sites
    for angle, mode in ((None, "te"), (0.0, "te"), (90.0, "tm")):
        prepared = prepare([site], angle=angle)
        assert prepared.data.survey.modes == (mode,)
        assert "only Zxy" in str(prepared.journal)
    (site,) = read(shared / "cases" / "case35_one_dimensional.edi").sites
    prepared = prepare([site])
    assert prepared.strike == 0
    assert prepared.data.survey.modes == ("te", "tm")
