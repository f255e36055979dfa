r"""The search: events whose predicted arrivals match the picks at every station, without names.

Each step draws a station and compares the set of arrival times predicted there with the set of picks, by
exact transport on the line; which pick is of which event comes out of it. Langevin dynamics, or plain
descent, lead from many random starts side by side.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

import jaxmt
from jaxmt.restarts import Descent
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
    - `mismatch`: of all stations, s^2 in the mean; `best`: the restart where it is least.
    """

    problem: Problem
    guesses: Guess
    path: Guess
    mismatch: np.ndarray

    @property
    def price(self) -> float | None:
        """Of a pick or an arrival without partner, units of time squared."""
        return None if self.problem.price is None else float(self.problem.price)

    @property
    def best(self) -> int:
        """The restart of the least mismatch."""
        return int(np.argmin(self.mismatch))

    def events(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Locations (event, 3), times (event,) and arrivals (event, station) of every restart."""
        stations = jnp.arange(len(self.problem.times))
        arrivals = _predicted(self.problem, self.guesses, stations)
        where, when = inside(self.guesses.location), self.problem.latest * inside(self.guesses.time)
        return [(w, t, a) for w, t, a in zip(*map(np.asarray, (where, when, arrivals)), strict=True)]


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
    mismatch = np.asarray(_mismatch(together, found))
    path = jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=2), *paths)

    def of(tree: Any, i: int) -> Any:
        return jax.tree.map(lambda leaf: leaf[i], tree)

    return [Found(of(together, i), of(found, i), of(path, i), mismatch[i]) for i in range(len(problems))]


@eqx.filter_jit
def _search(
    problems: Problem,
    guesses: Guess,
    rate: Float[Array, ""],
    noise: Float[Array, ""],
    steps: int,
    thin: int,
    keys: Key[Array, " problem"],
) -> Descent:
    def slower(count: Array) -> Array:
        return rate * (1 - 1e-5) ** count.astype(rate.dtype)

    def cooler(count: Array) -> Array:
        return jnp.square(noise * (1 - 5e-5) ** count.astype(noise.dtype))

    def one(problem: Problem, guesses: Guess, key: Key[Array, ""]) -> Descent:
        def loss(guess: Guess, draw: Key[Array, ""]) -> Float[Array, ""]:
            station = (jax.random.uniform(draw, (1,)) * len(problem.times)).astype(int)
            return problem.mismatch(problem.predicted(guess, station)[:, 0], station[0])

        return jaxmt.descend(
            loss, guesses, lambda own: jaxmt.langevin(slower, cooler, key=own), steps, key=key, thin=thin
        )

    return jax.vmap(one)(problems, guesses, keys)


@eqx.filter_jit
def _mismatch(problems: Problem, guesses: Guess) -> Float[Array, "problem restart"]:
    def of(problem: Problem, guess: Guess) -> Float[Array, ""]:
        stations = jnp.arange(len(problem.times))
        arrivals = problem.predicted(guess, stations)
        return jnp.mean(jax.vmap(problem.mismatch, (1, 0))(arrivals, stations))

    return jax.vmap(lambda p, many: jax.vmap(lambda guess: of(p, guess))(many))(problems, guesses)


@eqx.filter_jit
def _predicted(problem: Problem, guesses: Guess, stations: Chosen) -> Float[Array, "restart event station"]:
    return jax.vmap(lambda guess: problem.predicted(guess, stations))(guesses)
