"""How good an association is, against the truth."""

import dataclasses

import numpy as np
from scipy.optimize import linear_sum_assignment

from .picks import SPURIOUS, Picks, Truth
from .units import KILOMETRES, SECONDS


@dataclasses.dataclass(frozen=True)
class Score:
    """Of one guess.

    - `accuracy`: share of the true picks that are given to their own event.
    - `arrival_error`: s, rms of predicted against true arrival times of the events, matched per station.
    - `location_error`: km, rms distance; `time_error`: s, rms, of events matched as in `nearest`.
    """

    accuracy: float
    arrival_error: float
    location_error: float
    time_error: float


def partners(arrivals: np.ndarray, times: np.ndarray, price: float | None) -> np.ndarray:
    """The arrival that each pick is given, or `SPURIOUS`, for the least sum of squares.

    - `price`: added for a pick or an arrival without partner; None matches as many as there are.
    """
    n, m = len(arrivals), len(times)
    squares = np.square(arrivals[:, None] - times)
    if price is None:
        costs = squares
    else:
        costs = np.full((n + m, m + n), 1e6)
        costs[:n, :m], costs[n:, m:] = squares, 0.0
        costs[np.arange(n), m + np.arange(n)] = costs[n + np.arange(m), np.arange(m)] = price
    rows, columns = linear_sum_assignment(costs)
    found = np.full(m, SPURIOUS)
    real = (rows < n) & (columns < m)
    found[columns[real]] = rows[real]
    return found


def named(
    locations: np.ndarray,
    times: np.ndarray,
    predicted: np.ndarray,
    picks: Picks,
    truth: Truth,
    price: float | None = None,
) -> np.ndarray:
    """The true event that each pick (station, pick) is given, events being those that are nearest."""
    name = nearest(locations, times, truth)
    found = np.full(picks.times.shape, SPURIOUS)
    for station, arrivals in enumerate(predicted.T):
        here = np.flatnonzero(picks.exists[station])
        given = partners(arrivals, picks.times[station, here], price)
        found[station, here] = np.where(given == SPURIOUS, SPURIOUS, name[given])
    return found


def nearest(locations: np.ndarray, times: np.ndarray, truth: Truth) -> np.ndarray:
    """The true event of each found one, one to one, by least squares of distances and times.

    100 km weigh as much as 10 s; by distance alone two events at one place could not be told apart.
    """
    squares = np.square(locations[:, None] - truth.locations).sum(axis=-1)
    return linear_sum_assignment(squares + np.square(times[:, None] - truth.times))[1]


def score(
    locations: np.ndarray,
    times: np.ndarray,
    predicted: np.ndarray,
    picks: Picks,
    truth: Truth,
    price: float | None = None,
) -> Score:
    """Of events (event, 3) at `times`, and their arrivals `predicted` (event, station).

    - `price`: as in the search, in units of time squared.
    """
    name = nearest(locations, times, truth)
    given = named(locations, times, predicted, picks, truth, price)
    real = picks.exists & (truth.origin != SPURIOUS)
    arrivals = np.sort(predicted.T, axis=1) - np.sort(truth.arrivals, axis=1)
    distances = np.linalg.norm(locations - truth.locations[name], axis=1)
    return Score(
        accuracy=float(np.mean((given == truth.origin)[real])),
        arrival_error=SECONDS * rms(arrivals),
        location_error=KILOMETRES * rms(distances),
        time_error=SECONDS * rms(times - truth.times[name]),
    )


def rms(values: np.ndarray) -> float:
    """Root of the mean of squares."""
    return float(np.sqrt(np.mean(np.square(values))))
