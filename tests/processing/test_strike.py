"""Strike and its ambiguity: known models, published lines."""

import csv
import dataclasses

import numpy as np
import pytest

from jaxmt.io import read_edi_site, read_modem_sites
from jaxmt.processing import rotate, strike
from jaxmt.processing.site import Site


def ridge(angle, te=60.0, tm=35.0, arrow=0.3, n=5):
    """A site over a 2-D earth of given strike, its data in north and east axes."""
    z = np.zeros((n, 2, 2), dtype=complex)
    z[:, 0, 1], z[:, 1, 0] = np.exp(1j * np.deg2rad(te)), -np.exp(1j * np.deg2rad(tm))
    site = Site(
        name="S",
        latitude=0.0,
        longitude=0.0,
        elevation=0.0,
        frequencies=np.geomspace(100, 1, n),
        z=z,
        z_error=np.full((n, 2, 2), 0.01),
        # Hz answers to Hy only, the field across strike.
        tipper=np.tile([0.0, arrow + 0.1j], (n, 1)),
        tipper_error=np.full((n, 2), 0.01),
        azimuth=np.broadcast_to(np.asarray(angle, dtype=float), (n,)),
    )
    return rotate(site, -site.azimuth)


@pytest.mark.parametrize("angle", [-80.0, -30.0, 0.0, 20.0, 60.0, 90.0])
@pytest.mark.parametrize("phases", [(60.0, 35.0), (35.0, 60.0)])
def test_arrows_settle_the_strike(angle, phases):
    found = strike([ridge(angle, *phases)])
    # Rounding only.
    assert found.angle == pytest.approx(angle, abs=1e-10)
    assert found.resultant == pytest.approx(1.0, abs=1e-12)
    assert found.settled
    assert "exclude" in str(found)


def test_without_tipper_the_ambiguity_is_named():
    found = strike([ridge(60.0, arrow=np.nan)])
    assert not found.settled
    # The one nearer north, and the other.
    assert (found.angle, found.other) == pytest.approx((-30.0, 60.0), abs=1e-10)
    assert "ambiguous by 90 degrees, no tipper" in str(found)


def test_arrows_along_neither_axis_decide_nothing():
    site = ridge(10.0)
    found = strike([dataclasses.replace(site, tipper=rotate(site, 45.0).tipper)])
    assert not found.settled
    assert "undecided" in str(found)


def test_the_error_is_the_scatter_of_the_mean():
    generator = np.random.default_rng(3)
    means, errors = [], []
    for _ in range(200):
        found = strike([ridge(20.0 + 5.0 * generator.normal(size=30), n=30)])
        means.append(found.angle)
        errors.append(found.error)
    # 200 draws give a deviation to 5 %; three of those.
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_the_spread_is_that_of_the_mean_of_stations_whose_data_err_together():
    """Twelve stations of ten frequencies, each off by an angle of its own."""
    generator = np.random.default_rng(4)
    means, spreads, errors = [], [], []
    for _ in range(200):
        found = strike([ridge(20.0 + a, n=10) for a in 8.0 * generator.normal(size=12)])
        means.append(found.angle)
        spreads.append(found.spread)
        errors.append(found.error)
    # 200 draws give a deviation to 5 %; three of those.
    assert np.mean(spreads) == pytest.approx(np.std(means), rel=0.15)
    # Ten data of a station are no ten estimates.
    assert np.mean(errors) == pytest.approx(np.mean(spreads) / np.sqrt(10), rel=0.15)
    assert np.isnan(strike([ridge(20.0)]).spread)


def test_what_cannot_be_done():
    with pytest.raises(ValueError, match="at least one site"):
        strike([])
    with pytest.raises(ValueError, match="lowest first"):
        strike([ridge(0.0)], band=(10.0, 1.0))
    with pytest.raises(ValueError, match="no phase tensor is left; widen the band"):
        strike([ridge(0.0)], band=(1e3, 1e4))


def test_published_lines(data_folder):
    def stations(*parts):
        return [read_edi_site(file) for file in sorted(data_folder.joinpath(*parts).glob("*.edi"))]

    # Strikes and resultants as published for these files, to their two digits.
    found = strike(stations("paralana_occam2d", "edi"), band=(0.05, 1.0))
    assert (found.angle, found.resultant) == pytest.approx((0.69, 0.84), abs=0.006)
    line = stations("east_tennant", "L3")
    for band, angle, resultant in (((1.0, 10.0), -41.7, 0.52), ((10.0, 100.0), -38.5, 0.50)):
        found = strike(line, band=band)
        # The arrows point along the line, so that strike is the other axis, about N45E.
        assert found.settled
        assert (found.other, found.resultant) == pytest.approx((angle, resultant), abs=0.06)


def test_the_coast_runs_north(data_folder):
    folder = data_folder / "cascadia_modem"
    sites = {site.name: site for site in read_modem_sites(folder / "cascad_noerrfl.dat")}
    with open(folder / "profiles.csv") as file:
        rows = [(row["profile"][0], row["station"]) for row in csv.DictReader(file)]
    for line, angle in (("E", -4.3), ("H", -1.5), ("I", 0.7)):
        found = strike([sites[name] for row, name in rows if row == line], max_beta=180.0)
        # The band of the published values is not known: the error of the estimate itself.
        assert found.angle == pytest.approx(angle, abs=found.error)
