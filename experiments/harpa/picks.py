"""What happens and what is recorded: events, and arrival times picked at stations, without their names."""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.stats import kendalltau

from .units import SECONDS

UNKNOWNS = 4
"""Number of unknowns of an event: three coordinates and a time."""

SPURIOUS = -1


@dataclasses.dataclass(frozen=True)
class Picks:
    """Arrival times at each station, in any order, of events that are not told apart.

    - `times`: (station, pick), padded; `exists`: which of them are picks.
    - `stations`: (station, 3) positions in the unit cube, z down.

    Raises `ValueError` for a station without picks, stations at one point, or times that are not finite.
    """

    stations: np.ndarray
    times: np.ndarray
    exists: np.ndarray

    def __post_init__(self) -> None:
        """Checks what was given."""
        if self.times.shape != self.exists.shape or len(self.times) != len(self.stations):
            raise ValueError(
                "`Picks(stations, times, exists)`: times and exists must have shape (station, pick), with "
                f"{len(self.stations)} stations here. Got {self.times.shape} and {self.exists.shape}."
            )
        silent = np.flatnonzero(~self.exists.any(axis=1))
        if silent.size:
            raise ValueError(
                f"`Picks(exists=...)`: station {silent[0]} has no picks, as have {silent.size} in all. "
                "Leave such stations out."
            )
        if not np.isfinite(self.times[self.exists]).all():
            raise ValueError("`Picks(times=...)` must be finite wherever a pick exists, in units of 10 s.")
        if np.ptp(self.stations, axis=0).max() == 0:
            raise ValueError(
                f"`Picks(stations=...)`: all {len(self.stations)} stations are at {self.stations[0]}: no "
                "event can be located. Give stations at different points."
            )

    def check_events(self, events: int) -> None:
        """Raises `ValueError` if there are too few picks for so many events."""
        total = int(self.exists.sum())
        if events < 1 or UNKNOWNS * events > total:
            raise ValueError(
                f"{events} events have {UNKNOWNS * max(events, 1)} unknowns, but there are {total} picks. "
                f"Ask for 1 to {total // UNKNOWNS} events, or give more picks."
            )


@dataclasses.dataclass(frozen=True)
class Truth:
    """What really happened.

    - `locations` (event, 3) in the unit cube, `times` (event,), `arrivals` (station, event) without any
      error, all exact; `origin` (station, pick): the event that a pick is of, or `SPURIOUS`.
    - `speed`: the wave speed at the nodes.
    """

    locations: np.ndarray
    times: np.ndarray
    arrivals: np.ndarray
    origin: np.ndarray
    speed: np.ndarray

    @property
    def chaos(self) -> float:
        """The chaos factor: 1 less the mean rank correlation of origin and arrival times; 0 is in order."""
        correlations = [np.asarray(kendalltau(self.times, row))[0] for row in self.arrivals]
        return 1 - max(float(np.mean(correlations)), 0.0)


def station_nodes(rng: np.random.Generator, n: int, stations: int) -> np.ndarray:
    """Different nodes of the surface, z = 0."""
    chosen = rng.choice(n * n, stations, replace=False)
    return np.stack([*np.divmod(chosen, n), np.zeros(stations, int)], axis=1)


def record(
    rng: np.random.Generator,
    nodes: np.ndarray,
    speed: np.ndarray,
    travel_times: np.ndarray,
    events: int,
    *,
    window: float = 1.0,
    spurious: float = 0.0,
    missing: float = 0.0,
    error: float = 0.0,
    accept: Callable[[Truth], bool] = lambda _: True,
) -> tuple[Picks, Truth]:
    """Random events at nodes, recorded by stations.

    - `nodes`: of the stations, and `travel_times` (n, n, n, station) to them.
    - `window`: s, within which the events happen. `error`: s, of a pick, normally distributed.
    - `spurious`, `missing`: shares of the true picks that are added and lost.
    - `accept`: draws again until it says so, 1000 times at most.
    """
    n, stations = speed.shape[0], len(nodes)
    for _ in range(1000):
        where = rng.integers(0, n, (events, 3))
        times = rng.uniform(0, window / SECONDS, events)
        arrivals = times + travel_times[tuple(where.T)].T
        found = Truth(where / (n - 1), times, arrivals, np.zeros((0, 0), int), speed)
        if accept(found):
            break
    else:
        raise ValueError("No such events in 1000 draws; change the window or what is accepted.")
    first, last = arrivals.min(), arrivals.max()
    rows = []
    for row in arrivals:
        kept = np.flatnonzero(rng.random(events) >= missing)
        # A station that recorded nothing would be left out; keep one pick.
        kept = kept if kept.size else rng.integers(0, events, 1)
        false = rng.binomial(events, spurious)
        times_there = np.concatenate([row[kept], rng.uniform(first, last, false)])
        times_there[: kept.size] += rng.normal(0, error / SECONDS, kept.size)
        rows.append((times_there, np.concatenate([kept, np.full(false, SPURIOUS)])))
    most = max(len(times_there) for times_there, _ in rows)
    picked, exists = np.zeros((stations, most)), np.zeros((stations, most), bool)
    origin = np.full((stations, most), SPURIOUS)
    for i, (times_there, names) in enumerate(rows):
        order = rng.permutation(len(names))
        picked[i, : len(names)], origin[i, : len(names)] = times_there[order], names[order]
        exists[i, : len(names)] = True
    return Picks(nodes / (n - 1), picked, exists), dataclasses.replace(found, origin=origin)
