"""Channels of the wrong sign: exactly what was flipped is put right, or it is left and said so."""

import dataclasses

import numpy as np
import pytest
from soundings import FREQUENCIES, half_space, two_dimensional

from jaxmt.io import read
from jaxmt.processing import correct_polarity, prepare
from jaxmt.processing.polarity import FLIPS

ALL = [flip for flips in FLIPS.values() for flip in flips]
ROWS = [flips[0] for flips in FLIPS.values()]


def three_dimensional(name, k):
    """A station over a 3-D earth: skew of 3 to 9 degrees, distorted, with a tipper; noise of 1 %."""
    s = np.linspace(0, 1, FREQUENCIES.size)
    phi = np.empty((FREQUENCIES.size, 2, 2))
    phi[:, 0, 0], phi[:, 0, 1], phi[:, 1, 0], phi[:, 1, 1] = (
        1.1 - 0.3 * s,
        0.3 + 0.1 * s,
        0.1,
        0.7 + 0.2 * s,
    )
    level = np.abs(half_space().z[:, 0, 1])[:, None, None]
    x = level * np.array([[0.10, 0.9], [-0.6, -0.15]]) * (1 + 0.1 * np.sin(k))
    rng = np.random.default_rng(k)
    noise = 0.01 * level * (rng.standard_normal(x.shape) + 1j * rng.standard_normal(x.shape))
    tipper = np.tile([0.15 + 0.05j, 0.25 - 0.04j], (FREQUENCIES.size, 1)) * (1 + 0.2 * np.cos(k))
    return half_space(name, z=x + 1j * x @ phi + noise, tipper=tipper, longitude=0.01 * k)


def stations(kind, n=5):
    if kind == "2-D":
        made = [two_dimensional(f"S{k}", 30.0, arrow=0.3) for k in range(n)]
        return [dataclasses.replace(site, longitude=0.01 * k) for k, site in enumerate(made)]
    return [three_dimensional(f"S{k}", k) for k in range(n)]


@pytest.mark.parametrize("kind", ["2-D", "3-D"])
@pytest.mark.parametrize("flip", ALL, ids=lambda flip: flip.name)
@pytest.mark.parametrize("placed", [True, False])
def test_among_neighbours_exactly_the_flip_is_undone(kind, flip, placed):
    sites = stations(kind)
    if not placed:
        sites = [dataclasses.replace(site, longitude=0.0) for site in sites]
    mended, journal = correct_polarity([*sites[:2], flip(sites[2]), *sites[3:]])
    for site, was in zip(mended, sites, strict=True):
        np.testing.assert_array_equal(site.z, was.z)
        np.testing.assert_array_equal(site.tipper, was.tipper)
    assert journal.entries[0].subject == "S2"
    assert f"{flip.name} multiplied by -1" in journal.entries[0].text
    assert "--signs keep" in journal.entries[-1].text


@pytest.mark.parametrize("kind", ["2-D", "3-D"])
@pytest.mark.parametrize("flip", ROWS, ids=lambda flip: flip.name)
def test_a_station_by_itself_has_its_electric_channel_mended(kind, flip):
    site = stations(kind)[0]
    mended, journal = correct_polarity([flip(site)])
    np.testing.assert_array_equal(mended[0].z, site.z)
    assert "no neighbour to compare" in str(journal)


@pytest.mark.parametrize("count", [1, 6])
def test_an_element_alone_shows_by_the_skew_that_it_makes(count):
    alone = FLIPS[False, True][-1]
    sites = stations("2-D", count)
    mended, journal = correct_polarity([alone(site) for site in sites])
    for site, was in zip(mended, sites, strict=True):
        np.testing.assert_array_equal(site.z, was.z)
    assert "Zyx alone multiplied by -1" in str(journal)
    # One line for what all share, and one with the way to leave it.
    assert len(journal) == 2


def test_a_sign_that_nearly_all_stations_share():
    # Ten stations, one of them right: its phase tensor and skew tell the channel of the others.
    sites = stations("3-D", 10)
    flip = FLIPS[True, False][1]
    mended, _ = correct_polarity([sites[0], *(flip(site) for site in sites[1:])])
    for site, was in zip(mended, sites, strict=True):
        np.testing.assert_array_equal(site.z, was.z)
        np.testing.assert_array_equal(site.tipper, was.tipper)


def test_right_signs_and_single_phases_stay():
    for kind in ("2-D", "3-D"):
        assert len(correct_polarity(stations(kind))[1]) == 0
    # Phases out of the quadrant at a third of the frequencies, as conductors at the side make them.
    site = three_dimensional("S", 0)
    z = site.z.copy()
    z[-9:, 0, 1] *= np.exp(2j * np.pi / 3)
    same, journal = correct_polarity([dataclasses.replace(site, z=z)])
    np.testing.assert_array_equal(same[0].z, z)
    assert len(journal) == 0


def test_more_than_half_is_doubtful_and_stays():
    site = three_dimensional("S", 0)
    z = site.z.copy()
    z[:18, 1] *= -1
    same, journal = correct_polarity([dataclasses.replace(site, z=z)])
    np.testing.assert_array_equal(same[0].z, z)
    assert (
        str(journal) == "sign, S: doubtful, not changed: Zyx in the first quadrant at 18 of 26 frequencies"
    )
    # Three frequencies are too few to judge.
    few = dataclasses.replace(site, z=np.where(np.arange(26)[:, None, None] < 3, -site.z, np.nan))
    same, journal = correct_polarity([few])
    np.testing.assert_array_equal(same[0].z, few.z)
    assert "doubtful" in str(journal)


def test_evidence_that_contradicts_itself_is_doubtful():
    sites = stations("3-D")
    # The phase tensor speaks for the channel Hy, the tipper against it.
    torn = FLIPS[True, False][1](sites[2])
    torn = dataclasses.replace(torn, tipper=sites[2].tipper)
    same, journal = correct_polarity([*sites[:2], torn, *sites[3:]])
    np.testing.assert_array_equal(same[2].z, torn.z)
    assert "sign, S2: doubtful, not changed: Zxy in the third quadrant at 26 of 26" in str(journal)


def test_a_tipper_that_turns_round_by_itself_flips_no_magnetic_channel():
    # A layered earth has one phase tensor whatever the flip; arrows point to a conductor from both sides.
    arrow = np.tile([0.0, 0.3 + 0.1j], (FREQUENCIES.size, 1))
    sites = [half_space(f"S{k}", longitude=0.01 * k, tipper=arrow) for k in range(5)]
    row = FLIPS[True, False][0]
    beyond = row(dataclasses.replace(sites[2], tipper=-arrow))
    same, journal = correct_polarity([*sites[:2], beyond, *sites[3:]])
    np.testing.assert_array_equal(same[2].z, beyond.z)
    np.testing.assert_array_equal(same[2].tipper, beyond.tipper)
    assert "doubtful, not changed" in journal.entries[0].text
    assert "tippers of S1, S3, S0, S4 alone speak against channel Ex" in journal.entries[0].text
    # Where the phase tensors tell, the tipper does not stand against an electric channel.
    sites = stations("3-D")
    beyond = dataclasses.replace(row(sites[2]), tipper=-sites[2].tipper)
    mended, _ = correct_polarity([*sites[:2], beyond, *sites[3:]])
    np.testing.assert_array_equal(mended[2].z, sites[2].z)
    np.testing.assert_array_equal(mended[2].tipper, beyond.tipper)


def test_without_a_diagonal_all_flips_are_the_same():
    site = half_space()
    for flip in ROWS:
        mended, _ = correct_polarity([flip(site)])
        np.testing.assert_array_equal(mended[0].z, site.z)


def test_signs_are_kept_where_asked():
    sites = stations("2-D")
    sites[1] = ROWS[1](sites[1])
    same, journal = correct_polarity(sites, "keep")
    np.testing.assert_array_equal(same[1].z, sites[1].z)
    text = "left as it is, as asked: Zyx in the first quadrant at 26 of 26 frequencies"
    assert [str(entry.text) for entry in journal] == [text]
    with pytest.raises(ValueError, match="must be one of mend, keep. Got 'leave'"):
        correct_polarity(sites, "leave")


def test_covariances_follow_their_elements():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((26, 4, 4)) + 1j * rng.standard_normal((26, 4, 4))
    site = half_space(z_covariance=(a @ a.conj().swapaxes(1, 2)).reshape(26, 2, 2, 2, 2))
    row = ROWS[1](site)
    assert row.z_covariance is not None
    assert site.z_covariance is not None
    np.testing.assert_array_equal(row.z_covariance[:, 1, 0, 1, 0], site.z_covariance[:, 1, 0, 1, 0])
    np.testing.assert_array_equal(row.z_covariance[:, 1, 0, 0, 1], -site.z_covariance[:, 1, 0, 0, 1])


def test_flipped_stations_give_the_same_line():
    sites = stations("2-D")
    right = prepare(sites, angle=30.0)
    flips = [ROWS[0], FLIPS[False, True][1]]
    turned = prepare([sites[0], flips[0](sites[1]), sites[2], flips[1](sites[3]), sites[4]], angle=30.0)
    np.testing.assert_array_equal(turned.data.values, right.data.values)


def test_surveys_as_people_leave_them(data_folder):
    folder = data_folder / "strangers"
    # Signs that differ from station to station: half of the stations are noisy at all frequencies.
    sites = read(folder / "nopositions87").sites
    mended, journal = correct_polarity(sites)
    done, again = (
        {entry.subject for entry in entries if "multiplied" in entry.text}
        for entries in (journal, correct_polarity(mended)[1])
    )
    assert len(done) > 40
    assert not done & again
    for name in ("twolines12", "grid14"):
        assert len(correct_polarity(read(folder / name).sites)[1]) == 0
