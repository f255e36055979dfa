"""Basin hopping: from the minima where descents have ended to better ones nearby.

With an unknown speed hardly a restart finds the way: a wrong speed and events that make up for it are a
minimum, too. Survivors have children, some of whose events are drawn anew and whose latent numbers are
moved; these descend, and the best of each family survives.
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from .association import Found, Guess, Phase, Problem, associate, joined

Search = Callable[..., list[Found]]

NEAREST = 0.03
"""The smallest move of latent numbers over the largest."""


@dataclasses.dataclass(frozen=True)
class Hops:
    """How to hop.

    - `rounds`; `survivors` of each; `children` of a survivor, the first of whom is its equal.
    - `redrawn`: the most of a child's events that are drawn anew, as a share. `moved`: the largest standard
      deviation of what is added to its latent numbers, the smallest being `NEAREST` of it.
    """

    rounds: int = 8
    survivors: int = 20
    children: int = 3
    redrawn: float = 0.6
    moved: float = 0.5


def hopped(
    problems: Sequence[Problem],
    found: Sequence[Found],
    phase: Phase,
    hops: Hops,
    key: Key[Array, ""],
    progress: Callable[[int], None] = lambda _: None,
    search: Search = associate,
) -> list[Found]:
    """The survivors of every problem; `found` are descents from random starts.

    - `progress`: called with the number of steps made. `search`: `associate`, or what is called like it.
    """
    families = [one.leading(hops.survivors) for one in found]
    for number in range(hops.rounds):
        draws, last = jax.random.split(jax.random.fold_in(key, number))
        born = [
            _children(one.guesses, hops, draw)
            for one, draw in zip(families, jax.random.split(draws, len(families)), strict=True)
        ]
        grown = search(problems, born, [phase], last, progress)
        families = [_survivors(one, new) for one, new in zip(families, grown, strict=True)]
    return families


def _children(parents: Guess, hops: Hops, key: Key[Array, ""]) -> Guess:
    """Guesses whose first axis runs over parents within children."""
    where, when, which, share, how, far = jax.random.split(key, 6)
    tiled = jax.tree.map(lambda leaf: jnp.concatenate([leaf] * hops.children), parents)
    count = len(tiled.time)
    changed = (jnp.arange(count) >= len(parents.time)).astype(float)
    shares = hops.redrawn * changed * jax.random.uniform(share, (count,))
    anew = jax.random.uniform(which, tiled.time.shape) < shares[:, None]
    spread = hops.moved * changed * NEAREST ** jax.random.uniform(far, (count,))
    return Guess(
        jnp.where(anew[..., None], jax.random.uniform(where, tiled.location.shape), tiled.location),
        jnp.where(anew, jax.random.uniform(when, tiled.time.shape), tiled.time),
        tiled.latent + spread[:, None] * jax.random.normal(how, tiled.latent.shape),
    )


def _survivors(parents: Found, children: Found) -> Found:
    """The best of each family, a parent being one of its own."""
    count = len(parents.mismatch)
    families = joined([parents, children])
    best = np.argmin(families.mismatch.reshape(-1, count), axis=0)
    return families.chosen(best * count + np.arange(count))
