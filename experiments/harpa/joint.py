"""The search for events and speed together: random starts, hops between basins, exact times in the end."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from .association import Phase, associate
from .hopping import Hops, hopped
from .refinement import Exact
from .scene import Outcome, Scene, drawn, scored, stated
from .unknown import Progress, World


@dataclasses.dataclass(frozen=True)
class JointSearch:
    """How long to search, and where.

    - `starts`: random ones. `explore`: their phase and that of every round of `hops`, which go by the
      network; then come `exact` hops and, of the best `refined`, the phases `refine`, on exact times, and
      `located` steps of Geiger's method.
    """

    starts: int = 120
    explore: Phase = Phase(0.01, 1e-3, 800)
    hops: Hops = Hops()
    exact: Hops = Hops(rounds=6, survivors=8)
    refine: tuple[Phase, ...] = (
        Phase(3e-3, 3e-4, 1200),
        Phase(2e-3, 2e-4, 1200),
        Phase(1e-3, 1e-4, 1200),
        Phase(3e-4, 0.0, 1200),
    )
    refined: int = 4
    located: int = 12

    @property
    def total(self) -> int:
        """Steps of all phases."""
        rounds = 2 + self.hops.rounds + self.exact.rounds
        return rounds * self.explore.steps + sum(phase.steps for phase in self.refine) + self.located

    def run(self, scenes: Sequence[Scene], world: World, seed: int, progress: Progress) -> list[Outcome]:
        """What was found in each scene.

        - `progress`: called with the number of new steps, and a word about them.
        """
        scenes, problems = stated(scenes)
        begin, *keys = jax.random.split(jax.random.key(seed), 6)
        exact = Exact(world.latent, jnp.asarray(world.nodes))

        def word(text: str) -> Callable[[int], None]:
            return lambda steps: progress(steps, text)

        found = associate(
            problems, drawn(scenes, self.starts, begin), [self.explore], keys[0], word("random starts")
        )
        found = hopped(problems, found, self.explore, self.hops, keys[1], word("hops"))
        ends = [one.leading(self.exact.survivors).guesses for one in found]
        found = exact(problems, ends, [self.explore], keys[2], word("exact times"))
        found = hopped(problems, found, self.explore, self.exact, keys[3], word("exact hops"), exact)
        ends = [one.leading(self.refined).guesses for one in found]
        found = exact(problems, ends, self.refine, keys[4], word("refinement"))
        ends = [one.guesses for one in found]
        return scored(scenes, exact.located(problems, ends, self.located, word("location")))
