"""Transport of sounding curves in the plane of frequency and value."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..conventions import PERIODS
from ..data import Data
from ..transport import graph_space_distance
from .abstract import AbstractMisfit
from .embedding import VALUE_SCALE


class GraphSpaceTransport(AbstractMisfit):
    r"""Exact assignment of the samples of each curve, station by station and component by component.

    $\frac1N\sum_i (\eta (t_i - t_{\sigma(i)})^2 + (p_i - o_{\sigma(i)})^2) / s_{\sigma(i)}^2$ with the
    permutation $\sigma$ of each curve that makes it least: t is log frequency over the range of the survey,
    p and o are predicted and observed values, scaled as in `Embedding`, and s the errors on that scale. N
    counts the data. The difference of two phases is the short way round, for every pair of samples: a curve
    of phases lies on a cylinder.

    - `eta`: how hard it is to move along frequency; to infinity this is `LeastSquares`. A curve that is off
      by dt in t and by dp in p calls for about $(dp/dt)^2$; far smaller ones make local minima. On layered
      models of wrong depth (5 % errors, `experiments.gsot_mt`) 1 widened the basin of the one hard case of
      four and harmed none; 0.1 did more for it and made a false minimum in another. One permutation for all
      components of a mode or a station was no better.
    """

    eta: float = 1.0

    def __check_init__(self) -> None:
        if not (self.eta >= 0 and np.isfinite(self.eta)):
            raise ValueError(
                f"`GraphSpaceTransport(eta=...)` must be finite and not negative, (value / range)^2. "
                f"Got {self.eta}."
            )

    def prepare(self, data: Data) -> tuple["Curves", None]:
        """The curves; no state."""
        logs = np.log10(data.survey.frequencies)
        scale = VALUE_SCALE[:, None, None]
        mask = _curves(data.mask)
        errors = np.where(mask, _curves(data.errors / scale), 1.0)
        positions = (logs - logs.min()) / max(float(np.ptp(logs)), np.finfo(float).tiny)
        return Curves(_curves(data.values), 1 / errors**2, mask, positions), None

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: "Curves", state: None
    ) -> tuple[Float[Array, ""], None]:
        """The mean cost of a datum."""
        scale = jnp.asarray(VALUE_SCALE)[:, None, None]
        costs = graph_space_distance(
            jnp.swapaxes(predicted, 1, 2) / scale,
            jnp.asarray(prepared.observed) / scale,
            jnp.asarray(prepared.positions),
            self.eta,
            jnp.asarray(prepared.weights),
            jnp.asarray(prepared.mask),
            jnp.array(PERIODS)[:, None, None] / scale,
        )
        return jnp.sum(costs) / jnp.sum(prepared.mask, dtype=float), state

    def curvature(
        self, predicted: Float[Array, "comp freq site"], prepared: "Curves", state: None
    ) -> Float[Array, "comp freq site"]:
        """The curvature of the present assignment, with the errors where the data are."""
        del predicted, state
        scale = jnp.square(jnp.asarray(VALUE_SCALE))[:, None, None]
        weights = jnp.where(prepared.mask, jnp.asarray(prepared.weights), 0.0) / scale
        return 2 / jnp.sum(prepared.mask, dtype=float) * jnp.swapaxes(weights, 1, 2)


class Curves(eqx.Module):
    """Data as curves over frequency: values in their own units, weights on the scale of the embedding."""

    observed: Float[np.ndarray, "comp site freq"]
    weights: Float[np.ndarray, "comp site freq"]
    mask: np.ndarray
    positions: Float[np.ndarray, " freq"]


def _curves(values: np.ndarray) -> np.ndarray:
    return np.swapaxes(values, 1, 2)
