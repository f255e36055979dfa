"""Scanning: events drawn anew where they explain picks that the others leave.

As in the source-scanning algorithm (Kao & Shan 2004), the brightness of a place and a time is the number
of stations with a pick when an event there and then would arrive.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Key

from .association import Guess, Problem, inside
from .units import SECONDS

Several = Int[Array, " redrawn"]
"""Numbers of events; -1 for none."""


@dataclasses.dataclass(frozen=True)
class Scan:
    """How to scan.

    - `points` random places times `times` times; `width`: s, by which a pick may be off to count nothing.
    - `softness`: stations; a place brighter by so many is drawn e times as often.
    """

    points: int = 1024
    times: int = 12
    width: float = 0.35
    softness: float = 0.7

    def redrawn(self, problem: Problem, guess: Guess, events: Several, key: Key[Array, ""]) -> Guess:
        """The guess with those events drawn anew, one after the other, by their brightness."""
        where, when, *draws = jax.random.split(key, 2 + len(events))
        stations = jnp.arange(len(problem.times))
        points = jax.random.uniform(where, (self.points, 3))
        travel = problem.field(points, inside(guess.latent), stations)
        times = jnp.linspace(0, 1, self.times, endpoint=False)
        times = times + jax.random.uniform(when, (self.times,)) / self.times
        count = len(guess.time)
        # An index beyond the events is dropped.
        settled = jnp.ones(count).at[jnp.where(events < 0, count, events)].set(0.0, mode="drop")

        def redraw(
            state: tuple[Guess, Array], draw: tuple[Array, Array]
        ) -> tuple[tuple[Guess, Array], None]:
            (guess, settled), (event, key) = state, draw
            near = self._nearness(problem, problem.predicted(guess, stations)) * settled[:, None, None]
            # What a settled event explains is bright no more.
            left = jnp.where(problem.exists, 1 - jnp.max(near, axis=0), 0.0)

            def bright(time: Float[Array, ""]) -> Float[Array, " point"]:
                near = self._nearness(problem, travel + problem.latest * time)
                return jnp.sum(jnp.max(left * near, axis=-1), axis=-1)

            drawn = jax.random.categorical(key, lax.map(bright, times).ravel() / self.softness)
            time, point = jnp.divmod(drawn, self.points)
            at = jnp.where(event < 0, count, event)
            location = guess.location.at[at].set(points[point], mode="drop")
            moved = Guess(location, guess.time.at[at].set(times[time], mode="drop"), guess.latent)
            return (moved, settled.at[at].set(1.0, mode="drop")), None

        (guess, _), _ = lax.scan(redraw, (guess, settled), (events, jnp.stack(draws)))
        return guess

    def _nearness(
        self, problem: Problem, arrivals: Float[Array, "event station"]
    ) -> Float[Array, "event station pick"]:
        """1 where an arrival is a pick, 0 from `width` on."""
        apart = jnp.abs(problem.times - arrivals[:, :, None])
        return jnp.maximum(0.0, 1 - apart * (SECONDS / self.width))


def misfits(problem: Problem, guess: Guess) -> Float[Array, " event"]:
    """The mean square difference of each event's arrivals from the picks that they are given.

    For problems with as many picks at each station as events.
    """
    arrivals = problem.predicted(guess, jnp.arange(len(problem.times)))
    # Sorted, arrivals and picks are partners.
    rank = jnp.argsort(jnp.argsort(arrivals, axis=0), axis=0)
    partners = jnp.take_along_axis(jnp.sort(problem.times, axis=1).T, rank, axis=0)
    return jnp.mean(jnp.square(arrivals - partners), axis=1)
