r"""The no-U-turn sampler of Hoffman & Gelman (2014, J. Mach. Learn. Res. 15, 1593), by blackjax.

Trajectories run in whitened parameters (`whitened.py`), whose mass matrix is one: in the curvature that
is typical along a pilot. Warming up finds the step alone, by dual averaging. The tree is that of Betancourt
(2017): draws of a trajectory by their density.
"""

import dataclasses
import importlib
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from ..programs import physics
from ..simulation.forward import memory_errors_explained
from .chain import AbstractSampler, Segment, starts
from .density import AbstractDensity
from .mode import Mode, value
from .whitened import Whitening, apply, pulled, typical

CURVATURES, PILOT_DOUBLINGS = 16, 5
"""Points of a pilot whose curvature is averaged, and its `doublings`: it need not forget where it began."""

FIRST_STEP = 0.2
"""Of the whitened parameters, where the search for a step begins."""


class NUTS(AbstractSampler):
    """Chains of the no-U-turn sampler.

    - `warm_up`: draws that find the step and are thrown away. `acceptance`: the mean that they aim at.
    - `pilots`: first chains of as many draws, each in the curvature that was typical along the one before;
      that of the last is the unit of all others. 0 leaves them that at the mode.
    - `doublings`: the longest trajectory has two to this power of gradients.
    - `round`: draws between one state on disk and the next; as many are made as fill whole rounds.

    Raises `ValueError` for numbers out of range, and `ImportError`, with the remedy, where the extra
    `sample` is not installed.
    """

    warm_up: int = 100
    pilots: int = 2
    acceptance: float = 0.8
    doublings: int = 8
    round: int = 50
    independent: ClassVar[bool] = False

    def __check_init__(self) -> None:
        if not 0 < self.acceptance < 1:
            raise ValueError(f"`NUTS(acceptance=...)` must lie between 0 and 1. Got {self.acceptance}.")
        for name, least in (("warm_up", 10), ("pilots", 0), ("doublings", 1), ("round", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`NUTS({name}=...)` must be at least {least}. Got {getattr(self, name)}.")
        require_extra()

    def whitening(self, density: AbstractDensity, peak: Mode, key: jax.Array) -> tuple[Whitening, int]:
        """See `AbstractSampler`.

        Where the physics is not linear the curvature at the mode may be hundreds of times less than where
        most of the density is, and a step that suits both is tiny.
        """
        found, spent = peak.laplace.whitening(peak.x), 0
        scout = dataclasses.replace(self, doublings=min(self.doublings, PILOT_DOUBLINGS))
        for own in jax.random.split(key, max(self.pilots, 1))[: self.pilots]:
            keys = jax.random.split(own, self.warm_up + 1)
            _, visited, gradients = scout._warmed_up(density, found, keys)
            spent += gradients
            # Those of the second half have forgotten the mode.
            places = visited[self.warm_up // 2 :: max(self.warm_up // (2 * CURVATURES), 1)]
            points = apply(found, jnp.asarray(np.stack(places)))
            found = typical(map(density.linearised, points), peak.x)
        return found, spent

    def _warmed_up(
        self, density: AbstractDensity, whitening: Whitening, keys: jax.Array
    ) -> tuple["_State", list[np.ndarray], int]:
        """A chain that has found its step, where it has been, and the gradients that it took."""
        step, spent, visited = _step(density.on_host), 0, []
        state = _begun(density, whitening, keys[0])
        for key in keys[1:]:
            state, said = step(density, whitening, self, state, key, jnp.asarray(True))
            spent += int(said.gradients)
            visited.append(np.asarray(state.chain.position))
        return state._replace(step=jnp.exp(state.tuning.log_step_size_avg)), visited, spent

    def draw(
        self,
        density: AbstractDensity,
        whitening: Whitening,
        earlier: Segment | None,
        key: jax.Array,
        count: int,
    ) -> Segment:
        """See `AbstractSampler`."""
        keys = jax.random.split(key, self.warm_up + count + 1)
        step, spent = _step(density.on_host), 0
        with memory_errors_explained():
            if earlier is None:
                state, _, spent = self._warmed_up(density, whitening, keys[: self.warm_up + 1])
            else:
                state = _went_on(earlier)
            visited, told = [], []
            for k in range(count):
                draw = keys[1 + self.warm_up + k]
                state, said = step(density, whitening, self, state, draw, jnp.asarray(False))
                visited.append(np.asarray(state.chain.position))
                told.append(jax.device_get(said)._asdict())
        return {
            "x": apply(whitening, jnp.asarray(np.stack(visited))),
            **{name: np.array([one[name] for one in told]) for name in _Said._fields},
            "warm_up_gradients": np.array(spent),
            "step": np.asarray(state.step),
            "white": visited[-1],
            "slope": np.asarray(state.chain.logdensity_grad),
        }


class _State(NamedTuple):
    """Where a chain is, the search for its step, and the step."""

    chain: Any
    tuning: Any
    step: Float[Array, ""]


class _Said(NamedTuple):
    log_density: Array
    gradients: Array
    divergent: Array
    acceptance: Array


def _begun(density: AbstractDensity, whitening: Whitening, key: jax.Array) -> _State:
    """Before the first draw: the slope is that of the Jacobian, which no program is compiled for."""
    white = starts(density, whitening, key)
    (x,) = apply(whitening, jnp.asarray(white[None]))
    slope = pulled(whitening, -jnp.asarray(density.linearised(x).gradient))
    return _state(white, value(density, x), np.asarray(slope), FIRST_STEP)


def _went_on(earlier: Segment) -> _State:
    """After the last draw of an earlier round."""
    last = float(earlier["log_density"][-1])
    return _state(earlier["white"], last, earlier["slope"], float(earlier["step"]))


def _state(white: np.ndarray, log_density: float, slope: np.ndarray, step: float) -> _State:
    hmc = importlib.import_module("blackjax.mcmc.hmc")
    # blackjax's annotations know numbers alone.
    parts: Any = map(jnp.asarray, (white, log_density, slope))
    chain = hmc.HMCState(*parts)
    with jax.numpy_dtype_promotion("standard"):
        return _typed(_State(chain, _tuning(0.5)[0](jnp.asarray(step)), jnp.asarray(step)))


def _stepped(
    density: AbstractDensity,
    whitening: Whitening,
    sampler: NUTS,
    state: _State,
    key: jax.Array,
    adapts: Bool[Array, ""],
) -> tuple[_State, _Said]:
    """One draw."""
    nuts = importlib.import_module("blackjax.mcmc.nuts")
    kernel: Any = nuts.build_kernel()
    # It adds integers to reals, which strict promotion forbids.
    with jax.numpy_dtype_promotion("standard"):
        chain, said = kernel(
            key,
            state.chain,
            lambda w: density(whitening(w)),
            state.step,
            jnp.ones_like(state.chain.position),
            sampler.doublings,
        )
        tuning = _tuning(sampler.acceptance)[1](state.tuning, said.acceptance_rate)
        step = jnp.where(adapts, jnp.exp(tuning.log_step_size), state.step)
    words = _Said(chain.logdensity, said.num_integration_steps, said.is_divergent, said.acceptance_rate)
    return _typed(_State(chain, tuning, step)), words


_step = physics(_stepped)


def _typed(state: _State) -> _State:
    """Of types that a program hands on as it took them, so that it is compiled once."""

    def strong(leaf: Any) -> Array:
        array = jnp.asarray(leaf)
        return lax.convert_element_type(array, array.dtype)

    return jax.tree.map(strong, state)


def _tuning(acceptance: float) -> Any:
    """Begins and goes on with dual averaging."""
    found = importlib.import_module("blackjax.adaptation.step_size")
    return found.dual_averaging_adaptation(acceptance)


def require_extra() -> None:
    """Raises `ImportError`, with the remedy, where what samples or what judges chains is not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("blackjax", "arviz_stats") if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"`NUTS` needs {' and '.join(missing)}: install them with `pip install 'jaxmt[sample]'`."
        )
