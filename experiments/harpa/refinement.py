"""Refinement: on exact travel times, where the network that led there is only near them.

The eikonal equation is solved in the speed that each guess has come to, and the network only tells how
times change from there. After some steps it is solved again, and in the end the network's error is gone.
"""

import dataclasses
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
from jax import lax
from jaxtyping import Array, Float, Int, Key

from .association import Found, Guess, Phase, Problem, associate, inside, joined
from .eikonal import travel_times
from .fields import Corrected, Siren
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
        for number, phase in enumerate(phases):
            own, alone = [], []
            for problem, several in zip(problems, guesses, strict=True):
                assert isinstance(problem.field, Siren)
                latents = inside(several.latent)
                for k, times in enumerate(_tables(self.model, latents, self.nodes)):
                    field = Corrected(problem.field, latents[k], times)
                    own.append(dataclasses.replace(problem, field=field))
                    alone.append(jax.tree.map(lambda leaf, k=k: leaf[k : k + 1], several))
            each = associate(own, alone, [phase], jax.random.fold_in(key, number), progress)
            restarts = len(each) // len(problems)
            found = [joined(each[k : k + restarts]) for k in range(0, len(each), restarts)]
            guesses = [one.guesses for one in found]
        return found


@eqx.filter_jit
def _tables(
    model: LatentSpeed, latents: Float[Array, "restart latent"], nodes: Int[Array, "station 3"]
) -> Float[Array, "restart n n n station"]:
    n = round(model.mean.size ** (1 / 3))
    speeds = model.decode(latents).reshape(-1, n, n, n)
    return lax.map(lambda speed: travel_times(speed, nodes), speeds)
