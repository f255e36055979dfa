"""Basin hopping: from the minima where descents have ended to better ones nearby.

With an unknown speed hardly a restart finds the way: a wrong speed and events that make up for it are a
minimum, too. Survivors have children, some of whose events are drawn anew, the worst first and by scanning
what the others leave, and whose latent numbers are moved; these descend, and the best of each family
survives.
"""

import dataclasses
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Key

from .association import Found, Guess, Phase, Problem, associate, joined
from .scanning import Scan, misfits

Search = Callable[..., list[Found]]

NEAREST = 0.03
"""The smallest move of latent numbers over the largest."""

EVEN = 0.3
"""Fraction of the mean misfit that is added to that of each event, to say how often it is drawn anew."""


@dataclasses.dataclass(frozen=True)
class Hops:
    """How to hop.

    - `rounds`; after every second the best third of the families takes the place of the worst.
    - `survivors` of each; `children` of a survivor, the first of whom is its equal.
    - `redrawn`: the most events of a child that are drawn anew, by `scan`. `moved`: the largest standard
      deviation of what is added to its latent numbers, the smallest being `NEAREST` of it.
    """

    rounds: int = 7
    survivors: int = 12
    children: int = 3
    redrawn: int = 3
    moved: float = 0.5
    scan: Scan = Scan()


def hopped(
    problems: Sequence[Problem],
    found: Sequence[Found],
    phase: Phase,
    hops: Hops,
    key: Key[Array, ""],
    progress: Callable[[int], None] = lambda _: None,
    search: Search = associate,
) -> list[Found]:
    """The survivors of every problem, none of which may lack picks or have false ones.

    - `found`: descents from random starts.
    - `progress`: called with the number of steps made. `search`: `associate`, or what is called like it.
    """
    families = [one.leading(hops.survivors) for one in found]
    for number in range(hops.rounds):
        draws, last = jax.random.split(jax.random.fold_in(key, number))
        born = [
            _children(problem, one.guesses, hops, draw)
            for problem, one, draw in zip(
                problems, families, jax.random.split(draws, len(families)), strict=True
            )
        ]
        grown = search(problems, born, [phase], last, progress)
        families = [_survivors(one, new) for one, new in zip(families, grown, strict=True)]
        if number % 2:
            families = [_selected(one) for one in families]
    return families


@eqx.filter_jit
def _children(problem: Problem, parents: Guess, hops: Hops, key: Key[Array, ""]) -> Guess:
    """Guesses whose first axis runs over parents within children."""
    tiled = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * hops.children), parents)
    count, elder = len(tiled.time), len(parents.time)

    def child(drawn: tuple[Guess, Array, Array]) -> Guess:
        guess, changed, key = drawn
        which, share, how, far, where = jax.random.split(key, 5)
        own = misfits(problem, guess)
        weights = jnp.log(own + EVEN * jnp.mean(own))
        # The largest of such sums are a draw by weight without replacement (Gumbel).
        order = jnp.argsort(-weights - jax.random.gumbel(which, own.shape))
        most = min(hops.redrawn, len(own))
        several = jnp.where(changed, jax.random.randint(share, (), 0, most + 1), 0)
        events = jnp.where(jnp.arange(most) < several, order[:most], -1)
        spread = jnp.where(changed, hops.moved * NEAREST ** jax.random.uniform(far), 0.0)
        latent = guess.latent + spread * jax.random.normal(how, guess.latent.shape)
        return hops.scan.redrawn(problem, Guess(guess.location, guess.time, latent), events, where)

    changed = jnp.arange(count) >= elder
    return lax.map(child, (tiled, changed, jax.random.split(key, count)))


def _survivors(parents: Found, children: Found) -> Found:
    """The best of each family, a parent being one of its own."""
    count = len(parents.mismatch)
    families = joined([parents, children])
    best = np.argmin(families.mismatch.reshape(-1, count), axis=0)
    return families.chosen(best * count + np.arange(count))


def _selected(families: Found) -> Found:
    """The best third twice, and the worst no more."""
    third = len(families.mismatch) // 3
    order = np.argsort(families.mismatch)
    return families.chosen(np.concatenate([order[: len(order) - third], order[:third]]))
