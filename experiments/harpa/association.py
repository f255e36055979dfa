r"""The search: events whose predicted arrivals match the picks at every station, without names.

Each step draws a station and compares the set of arrival times predicted there with the set of picks, by
exact transport on the line; which pick is of which event comes out of it. Langevin dynamics, or plain
descent, lead from many random starts side by side.
"""

import dataclasses
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Key

import jaxmt
from jaxmt.inversion.optimisers.restarts import Restarts
from jaxmt.transport import partial_1d, wasserstein_1d

from .fields import AbstractField, Chosen, Latent
from .picks import Picks
from .units import SECONDS

KEPT = 25
"""Points of the path of each phase."""


class Guess(eqx.Module):
    """Events, and the wave speed where it is unknown, all scaled to between 0 and 1."""

    location: Float[Array, "event 3"]
    time: Float[Array, " event"]
    latent: Latent


class Problem(eqx.Module):
    """What is to be explained, and by which field.

    - `latest`: the time that a guess of 1 means.
    - `price`: of a pick or an arrival without partner; None where none may be left without one.
    """

    field: AbstractField
    times: Float[Array, "station pick"]
    exists: Bool[Array, "station pick"]
    latest: Float[Array, ""]
    price: Float[Array, ""] | None
    complete: bool = eqx.field(static=True)

    def predicted(self, guess: Guess, stations: Chosen) -> Float[Array, "event station"]:
        """Arrival times."""
        travel = self.field(inside(guess.location), inside(guess.latent), stations)
        return travel + self.latest * inside(guess.time)[:, None]

    def mismatch(self, arrivals: Float[Array, " event"], station: Array) -> Float[Array, ""]:
        """Of one station: the mean square difference of partners."""
        times, exists = self.times[station], self.exists[station]
        if self.complete:
            return wasserstein_1d(arrivals, times)
        matched = jnp.minimum(arrivals.size, jnp.sum(exists)).astype(times.dtype)
        return partial_1d(arrivals, times, None, exists, self.price) / matched


@dataclasses.dataclass(frozen=True)
class Phase:
    """One stage of the search.

    - `rate`: learning rate; `noise`: square root of the temperature.
    - `steps`: as many of them as are a multiple of `KEPT`.
    - `price`: s; a pick and an arrival further apart than this are rather left without partner.
    """

    rate: float
    noise: float
    steps: int
    price: float | None = None


def inside(values: Array) -> Array:
    """Between 0 and 1, by reflection at either wall."""
    return 1 - jnp.abs(1 - jnp.mod(values, 2.0))


def problem(field: AbstractField, picks: Picks, events: int) -> Problem:
    """The search for so many events. Raises `ValueError` if there are too few picks for them."""
    picks.check_events(events)
    counts = picks.exists.sum(axis=1)
    latest = np.min(np.max(np.where(picks.exists, picks.times, -np.inf), axis=1))
    return Problem(
        field,
        jnp.asarray(picks.times, dtype=float),
        jnp.asarray(picks.exists),
        jnp.asarray(latest, dtype=float),
        None,
        bool(np.all(counts == events) and picks.exists.all()),
    )


def starts(key: Key[Array, ""], restarts: int, events: int, latents: int = 0) -> Guess:
    """Random guesses, with the restarts as first axis."""
    where, when, how = jax.random.split(key, 3)
    return Guess(
        jax.random.uniform(where, (restarts, events, 3)),
        jax.random.uniform(when, (restarts, events)),
        jax.random.uniform(how, (restarts, latents)),
    )


@dataclasses.dataclass(frozen=True)
class Found:
    """What the search of one problem found from each start.

    - `guesses`: the ends, restarts first; `path`: (restart, point, ...), from the start on.
    - `arrivals`: (restart, event, station), predicted. `latest`: as in the problem.
    - `mismatch`: of all stations, units of time squared in the mean; `best`: the restart where it is least.
    - `price`: of a pick or an arrival without partner, units of time squared, if any may be without.
    """

    guesses: Guess
    path: Guess
    arrivals: np.ndarray
    latest: float
    mismatch: np.ndarray
    price: float | None

    @property
    def best(self) -> int:
        """The restart of the least mismatch."""
        return int(np.argmin(self.mismatch))

    def events(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Locations (event, 3), times (event,) and arrivals (event, station) of every restart."""
        where, when = inside(self.guesses.location), self.latest * inside(self.guesses.time)
        return list(zip(np.asarray(where), np.asarray(when), self.arrivals, strict=True))

    def leading(self, count: int) -> "Found":
        """The restarts of least mismatch."""
        return self.chosen(np.argsort(self.mismatch)[:count])

    def chosen(self, restarts: np.ndarray) -> "Found":
        """Some of the restarts."""
        guesses, path = (
            jax.tree.map(lambda leaf: leaf[restarts], tree) for tree in (self.guesses, self.path)
        )
        return dataclasses.replace(
            self,
            guesses=guesses,
            path=path,
            arrivals=self.arrivals[restarts],
            mismatch=self.mismatch[restarts],
        )


def joined(several: Sequence[Found]) -> Found:
    """The restarts of several searches for the same events as those of one."""
    first = several[0]
    guesses, path = (
        jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *trees)
        for trees in ([one.guesses for one in several], [one.path for one in several])
    )
    arrivals = np.concatenate([one.arrivals for one in several])
    mismatch = np.concatenate([one.mismatch for one in several])
    return Found(guesses, path, arrivals, first.latest, mismatch, first.price)


def associate(
    problems: Sequence[Problem],
    guesses: Sequence[Guess],
    phases: Sequence[Phase],
    key: Key[Array, ""],
    progress: Callable[[int], None] = lambda _: None,
) -> list[Found]:
    """Searches all problems side by side, one phase after another; all must have the same shapes.

    - `progress`: called with the number of steps made.
    """
    together, found = (
        jax.tree.map(lambda *leaves: jnp.stack(leaves), *several) for several in (problems, guesses)
    )
    paths = [jax.tree.map(lambda leaf: leaf[:, :, None], found)]
    price = None
    for number, phase in enumerate(phases):
        price = None if phase.price is None else 0.5 * (phase.price / SECONDS) ** 2
        priced = dataclasses.replace(
            together, price=None if price is None else jnp.full(len(problems), price)
        )
        keys = jax.random.split(jax.random.fold_in(key, number), len(problems))
        rate, noise = jnp.asarray(phase.rate), jnp.asarray(phase.noise)
        thin = phase.steps // KEPT
        descent = _search(priced, found, rate, noise, thin * KEPT, thin, keys)
        found = descent.parameters
        paths.append(descent.path)
        progress(phase.steps)
        together = priced
    arrivals, mismatch = map(np.asarray, _judged(together, found))
    path = jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=2), *paths)

    def of(tree: Guess, i: int) -> Guess:
        return jax.tree.map(lambda leaf: leaf[i], tree)

    return [
        Found(of(found, i), of(path, i), arrivals[i], float(one.latest), mismatch[i], price)
        for i, one in enumerate(problems)
    ]


@eqx.filter_jit
def _search(
    problems: Problem,
    guesses: Guess,
    rate: Float[Array, ""],
    noise: Float[Array, ""],
    steps: int,
    thin: int,
    keys: Key[Array, " problem"],
) -> Restarts:
    def slower(count: ArrayLike) -> Array:
        return rate * (1 - 1e-5) ** jnp.asarray(count, rate.dtype)

    def cooler(count: ArrayLike) -> Array:
        return jnp.square(noise * (1 - 5e-5) ** jnp.asarray(count, noise.dtype))

    def one(problem: Problem, guesses: Guess, key: Key[Array, ""]) -> Restarts:
        def loss(guess: Guess, draw: Key[Array, ""]) -> Float[Array, ""]:
            station = (jax.random.uniform(draw, (1,)) * len(problem.times)).astype(int)
            return problem.mismatch(problem.predicted(guess, station)[:, 0], station[0])

        return jaxmt.descend(
            loss, guesses, lambda own: jaxmt.langevin(slower, cooler, key=own), steps, key=key, thin=thin
        )

    return jax.vmap(one)(problems, guesses, keys)


@eqx.filter_jit
def _judged(
    problems: Problem, guesses: Guess
) -> tuple[Float[Array, "problem restart event station"], Float[Array, "problem restart"]]:
    """Arrivals and mismatches."""

    def of(problem: Problem, guess: Guess) -> tuple[Array, Array]:
        stations = jnp.arange(len(problem.times))
        arrivals = problem.predicted(guess, stations)
        return arrivals, jnp.mean(jax.vmap(problem.mismatch, (1, 0))(arrivals, stations))

    return jax.vmap(lambda p, many: jax.vmap(lambda guess: of(p, guess))(many))(problems, guesses)
