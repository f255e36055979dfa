"""A small section with data and a place, for the tests of writers."""

import dataclasses

import numpy as np

from jaxmt import Data, Mesh, Survey
from jaxmt.processing.georeference import Georeference

Y_NODES = [-30e3, -8e3, -4e3, -2e3, 0.0, 2e3, 4e3, 8e3, 30e3]
Z_NODES = [-1e3, 0.0, 200.0, 500.0, 1100.0, 2500.0, 6e3, 15e3, 40e3]
STATIONS = [-3e3, 0.0, 1234.5678]


def mesh(**changes):
    return Mesh(Y_NODES, Z_NODES, **changes)


def section(seed=0):
    return 10 ** np.random.default_rng(seed).uniform(0, 3, size=mesh().shape)


def data(names=("A", "B 2", "C"), stations=STATIONS, seed=4):
    """Three stations, both modes and tippers, with gaps."""
    generator = np.random.default_rng(seed)
    survey = Survey([100.0, 1.0 / 3.0], stations, names=names)
    shape = (6, 2, len(stations))
    values = generator.uniform(1.0, 2.0, size=shape)
    values[[1, 3]] *= 30.0
    values[2:4, 1, -1] = values[:2, 0, 0] = values[4:, 1, 0] = np.nan
    return Data(survey, values, generator.uniform(0.01, 1.0, size=shape))


def place(count=3, **changes):
    """North-south strike 20 degrees, profile across it, near 22.5 S, 139.2 E; stations on the line."""
    y = np.array(STATIONS[:count])
    direction, unknown = np.deg2rad(110.0), np.full(count, np.nan)
    line = Georeference(
        origin=(-22.5, 139.2),
        start=(50.0, -20.0),
        direction=110.0,
        strike=20.0,
        northing=50.0 + np.cos(direction) * y,
        easting=-20.0 + np.sin(direction) * y,
        elevation=100.0 + 10.0 * np.arange(count),
        latitude=unknown,
        longitude=unknown,
    )
    latitude, longitude = line.degrees(y)
    return dataclasses.replace(line, latitude=latitude, longitude=longitude, **changes)
