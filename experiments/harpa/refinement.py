"""Refinement: on exact travel times, where the network that led there is only near them.

The eikonal equation is solved in the speed that each guess has come to, and the network only tells how
times change from there. After some steps it is solved again, and in the end the network's error is gone.
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key

from .association import Found, Guess, Phase, Problem, associate, inside, joined
from .fields import Corrected, Siren
from .geiger import located
from .latent import LatentSpeed


@dataclasses.dataclass(frozen=True)
class Exact:
    """`associate`, with travel times of its own for every restart; the field of a problem is a `Siren`.

    - `nodes`: of the stations.
    """

    model: LatentSpeed
    nodes: Int[Array, "station 3"]

    def __call__(
        self,
        problems: Sequence[Problem],
        guesses: Sequence[Guess],
        phases: Sequence[Phase],
        key: Key[Array, ""],
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Found]:
        """What is found by the phases, before each of which the eikonal equation is solved anew."""
        found: list[Found] = []
        for number, phase in enumerate(phases):
            found = self._searched(problems, guesses, [phase], jax.random.fold_in(key, number), progress)
            guesses = [one.guesses for one in found]
        return found

    def located(
        self,
        problems: Sequence[Problem],
        guesses: Sequence[Guess],
        steps: int,
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Found]:
        """What is found by so many steps of Geiger's method from each guess; no picks missing or false."""
        nearer = []
        for problem, several in zip(problems, guesses, strict=True):
            ends = [located(problem, one, self.model, self.nodes, steps) for one in _separate(several)]
            nearer.append(jax.tree.map(lambda *leaves: jnp.stack(leaves), *ends))
        progress(steps)
        return self._searched(problems, nearer, [], jax.random.key(0))

    def _searched(
        self,
        problems: Sequence[Problem],
        guesses: Sequence[Guess],
        phases: Sequence[Phase],
        key: Key[Array, ""],
        progress: Callable[[int], None] = lambda _: None,
    ) -> list[Found]:
        own, alone = [], []
        for problem, several in zip(problems, guesses, strict=True):
            assert isinstance(problem.field, Siren)
            latents = inside(several.latent)
            for one, latent, times in zip(
                _separate(several), latents, self.model.travel_times(latents, self.nodes), strict=True
            ):
                own.append(dataclasses.replace(problem, field=Corrected(problem.field, latent, times)))
                alone.append(jax.tree.map(lambda leaf: leaf[None], one))
        each = associate(own, alone, phases, key, progress)
        restarts = len(each) // len(problems)
        return [joined(each[k : k + restarts]) for k in range(0, len(each), restarts)]


def _separate(several: Guess) -> list[Guess]:
    """The restarts."""
    return [jax.tree.map(lambda leaf, k=k: leaf[k], several) for k in range(len(several.time))]
