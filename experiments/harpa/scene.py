"""Scenes: a wave speed, stations on top of it, events and their picks, and the search for these."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from .association import Found, Guess, Phase, Problem, associate, problem, starts
from .eikonal import travel_times
from .fields import AbstractField, Table
from .picks import SPURIOUS, Picks, Truth
from .scores import Score, named, score


@dataclasses.dataclass(frozen=True)
class Scene:
    """What happened, what is known of it, and the field by which it is to be explained."""

    picks: Picks
    truth: Truth
    field: AbstractField
    latents: int = 0

    @property
    def events(self) -> int:
        """How many there are."""
        return len(self.truth.times)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A scene, what was found from every start, and how good it is; `best` has the least mismatch."""

    scene: Scene
    found: Found
    scores: list[Score]

    @property
    def best(self) -> Score:
        """Of the restart that a user would take, not knowing the truth."""
        return self.scores[self.found.best]

    def given(self) -> np.ndarray:
        """The true event that each pick is given by the best restart."""
        events = self.found.events()[self.found.best]
        return named(*events, self.scene.picks, self.scene.truth, self.found.price)

    @property
    def success(self) -> float:
        """Share of the restarts with an accuracy of at least 0.9."""
        return float(np.mean([one.accuracy >= 0.9 for one in self.scores]))


def table(speed: np.ndarray, nodes: np.ndarray) -> Table:
    """The travel times of a speed to stations at nodes."""
    return Table(travel_times(jnp.asarray(speed, dtype=float), jnp.asarray(nodes)))


def padded(scene: Scene, width: int) -> Scene:
    """The same with room for `width` picks at a station."""
    more = ((0, 0), (0, width - scene.picks.times.shape[1]))
    picks = Picks(scene.picks.stations, np.pad(scene.picks.times, more), np.pad(scene.picks.exists, more))
    origin = np.pad(scene.truth.origin, more, constant_values=SPURIOUS)
    return dataclasses.replace(scene, picks=picks, truth=dataclasses.replace(scene.truth, origin=origin))


def solve(
    scenes: Sequence[Scene],
    phases: Sequence[Phase],
    *,
    restarts: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Searches scenes of as many events and stations side by side, and scores every restart.

    - `progress`: called with the number of steps made.
    """
    scenes, problems = stated(scenes)
    begin, search = jax.random.split(jax.random.key(seed))
    found = associate(problems, drawn(scenes, restarts, begin), phases, search, progress)
    return scored(scenes, found)


def stated(scenes: Sequence[Scene]) -> tuple[list[Scene], list[Problem]]:
    """The same scenes with room for as many picks each, and what is to be explained."""
    width = max(scene.picks.times.shape[1] for scene in scenes)
    scenes = [padded(scene, width) for scene in scenes]
    problems = [problem(scene.field, scene.picks, scene.events) for scene in scenes]
    if not all(one.complete for one in problems):
        problems = [dataclasses.replace(one, complete=False) for one in problems]
    return scenes, problems


def drawn(scenes: Sequence[Scene], restarts: int, key: Key[Array, ""]) -> list[Guess]:
    """Random guesses for every scene."""
    return [
        starts(own, restarts, scene.events, scene.latents)
        for scene, own in zip(scenes, jax.random.split(key, len(scenes)), strict=True)
    ]


def scored(scenes: Sequence[Scene], found: Sequence[Found]) -> list[Outcome]:
    """How good what was found of every scene is."""
    return [
        Outcome(
            scene, one, [score(*events, scene.picks, scene.truth, one.price) for events in one.events()]
        )
        for scene, one in zip(scenes, found, strict=True)
    ]
