"""Where a profile lies: map projections there and back, and the line through its stations."""

import dataclasses

import numpy as np
import pytest
from identities import present
from soundings import half_space

from jaxmt import Survey
from jaxmt.processing import Screening, prepare, profile
from jaxmt.processing.geodesy import degrees_at, local_metres, utm_metres, utm_zone
from jaxmt.processing.georeference import Georeference, matched
from jaxmt.processing.stations import Rating


def test_metres_there_and_back():
    north, east = np.array([4e5, -3e5, 9e5, 0.0]), np.array([-2e5, 5e5, -9e5, 0.0])
    latitude, longitude = degrees_at(north, east, (-45.0, 179.9))
    again = local_metres(latitude, longitude, (-45.0, 179.9))
    # The iteration leaves less than a micrometre.
    np.testing.assert_allclose(again, [north, east], atol=1e-6)
    assert (np.abs(longitude) <= 180).all()


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone", "easting", "northing"),
    [
        # PROJ 9 (EPSG:32617, 32754 and 32632), to 0.1 mm.
        (43.642567, -79.387139, (17, False), 630084.3008, 4833438.5857),
        (-22.5, 139.2, (54, True), 314839.1499, 7510715.0700),
        (60.0, 6.1, (32, False), 338279.2491, 6654956.7199),
    ],
)
def test_the_grid_of_utm(latitude, longitude, zone, easting, northing):
    assert utm_zone(latitude, longitude) == zone
    north, east = utm_metres(np.array([latitude]), np.array([longitude]), zone)
    # Snyder's series are cut off: a millimetre 3 degrees from the central meridian.
    assert (east[0], north[0]) == (pytest.approx(easting, abs=1e-3), pytest.approx(northing, abs=1e-3))


def line(azimuth, count=5, **changes):
    """Stations on a straight line through -20 N, 139 E, 2 km apart, in the order of their names."""
    way = 2e3 * (np.arange(count) - (count - 1) / 2)
    north, east = way * np.cos(np.deg2rad(azimuth)), way * np.sin(np.deg2rad(azimuth))
    degrees = zip(*degrees_at(north, east, (-20.0, 139.0)), strict=True)
    sites = [half_space(f"S{k}", latitude=a, longitude=b) for k, (a, b) in enumerate(degrees)]
    return [dataclasses.replace(site, elevation=10.0 * k, **changes) for k, site in enumerate(sites)]


def placed(sites, strike, direction=None):
    data = profile(sites, strike=strike, direction=direction, relative_error=0.05, tipper_error=0.05)
    order = [data.survey.names.index(site.name) for site in sites]
    distances = data.survey.stations[order]
    return data, Georeference.of(data.survey, sites, distances, strike, direction)


@pytest.mark.parametrize(("azimuth", "strike"), [(90.0, 0.0), (37.0, -53.0), (200.0, 110.0)])
def test_stations_of_a_straight_line_lie_on_it(azimuth, strike):
    data, place = placed(line(azimuth), strike)
    place = present(place)
    latitude, longitude = place.degrees(data.survey.stations)
    # A tenth of a millimetre.
    np.testing.assert_allclose(latitude, place.latitude, atol=1e-9)
    np.testing.assert_allclose(longitude, place.longitude, atol=1e-9)
    assert place.direction == pytest.approx((strike + 90) % 360)
    np.testing.assert_allclose(place.metres(data.survey.stations), place.station_metres(), atol=1e-4)
    assert (place.grid, place.epsg) == ("WGS 84 / UTM zone 54S", 32754)


def test_a_profile_that_is_not_across_strike_has_its_own_direction():
    data, place = placed(line(70.0), 0.0, direction=70.0)
    place = present(place)
    latitude, _ = place.degrees(data.survey.stations)
    np.testing.assert_allclose(latitude, place.latitude, atol=1e-9)
    assert (place.direction, place.strike) == (70.0, 0.0)


def test_one_station_is_a_place():
    _, place = placed(line(90.0, 1), 0.0)
    latitude, longitude = present(place).degrees(np.zeros(1))
    assert (latitude[0], longitude[0]) == (pytest.approx(-20.0), pytest.approx(139.0))


def test_a_line_that_nobody_places_has_none():
    data, place = placed(line(90.0), 0.0)
    assert place is not None
    nowhere = line(90.0, latitude=np.nan)
    assert Georeference.of(data.survey, nowhere, data.survey.stations, 0.0) is None
    assert Georeference.of(data.survey, line(90.0)[:2], data.survey.stations[:2], 0.0) is None
    assert Georeference.of(data.survey, line(90.0), data.survey.stations, np.nan) is None


def test_metres_of_a_grid_of_their_own():
    nowhere = dataclasses.replace(half_space(), latitude=np.nan, longitude=np.nan, northing=5.0)
    pairs = (("A", 100.0), ("B", 900.0))
    sites = [dataclasses.replace(nowhere, name=name, easting=x) for name, x in pairs]
    data, place = placed(sites, 0.0)
    place = present(place)
    assert (place.geographic, place.epsg) == (False, None)
    north, east = place.metres(data.survey.stations)
    np.testing.assert_allclose([north, east], [[5.0, 5.0], [100.0, 900.0]], atol=1e-9)
    assert np.isnan(place.degrees(np.zeros(1))).all()


def test_stations_of_one_name_are_told_apart_by_their_places():
    sites = [dataclasses.replace(site, name="A") for site in line(90.0, 2)]
    survey = Survey([1.0], [-1e3, 1e3], names=("A", "A"))
    place = present(Georeference.of(survey, sites, np.array([-1e3, 1e3]), 0.0))
    assert place.longitude[0] < place.longitude[1]


def test_of_places_of_one_name_each_station_has_its_own():
    survey = Survey(np.array([1.0]), np.array([0.0, 1.0, 1.0, 7.0]), names=("A", "A", "A", "B"))
    # Of two at one place neither is taken twice; a place that is unknown is the last choice.
    names, y = ["A", "A", "B", "A", "A"], np.array([np.nan, 1.0, 7.0, 0.0, 1.0])
    assert matched(survey, names, y) == [3, 1, 4, 2]
    assert matched(survey, ["A", "A"], np.array([np.nan, 0.1])) == [1, 0, None, None]


def test_places_of_all_stations_are_found_though_the_first_has_a_name_of_two():
    names = ("A", "B", "A", "C", "D")
    sites = [dataclasses.replace(site, name=name) for site, name in zip(line(90.0), names, strict=True)]
    rated = [dataclasses.replace(site, rating=0.0) for site in sites[:2]]
    screening = Screening(remove=(), station_remove=(Rating(),))
    done = prepare([*rated, *sites[2:]], angle=0.0, screening=screening)
    assert done.data.survey.stations.size == 3
    np.testing.assert_allclose(np.diff(done.distances), 2e3, rtol=1e-5)
    # A millimetre: places are projected about the mean of the stations, be they all or those left.
    np.testing.assert_allclose(done.distances[2:], done.data.survey.stations, atol=1e-3)
