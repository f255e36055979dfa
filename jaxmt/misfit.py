r"""How far predicted data are from observed ones: a number and its gradient.

A misfit is prepared once for a set of data (`prepare`) and then called with predicted data and a state
that it hands from one iteration to the next: the potentials that warm-start transport, the blur.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, PyTree

from .data import Data, normalised_residuals
from .embedding import Embedding
from .transport import Divergence, Grid, divergence, self_term


class AbstractMisfit(eqx.Module):
    """A data misfit for `invert(misfit=...)`."""

    @abc.abstractmethod
    def prepare(self, data: Data) -> tuple[PyTree[Any], PyTree[Any]]:
        """What the misfit needs of the data, and the state of the first iteration."""

    @abc.abstractmethod
    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: PyTree[Any], state: PyTree[Any]
    ) -> tuple[Float[Array, ""], PyTree[Any]]:
        """The misfit of predicted data (order of `COMPONENTS`) and the state of the next iteration."""

    @abc.abstractmethod
    def blur(self, state: PyTree[Any]) -> float:
        """The blur in force, NaN for a misfit that has none; it is shown and recorded."""


class LeastSquares(AbstractMisfit):
    r"""$\frac{1}{N}\sum ((d-F)/\sigma)^2$ over the data that exist: the squared nRMS."""

    def prepare(self, data: Data) -> tuple[Data, None]:
        """The data themselves; no state."""
        return data, None

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: Data, state: None
    ) -> tuple[Float[Array, ""], None]:
        """The mean squared normalised residual."""
        # Replace before subtracting: the gradient of a masked NaN would be NaN.
        known = jnp.where(prepared.mask, predicted, 0.0)
        residual = jnp.where(prepared.mask, normalised_residuals(prepared, known), 0.0)
        return jnp.sum(jnp.square(residual)) / int(prepared.mask.sum()), state

    def blur(self, state: None) -> float:
        """NaN."""
        del state
        return float("nan")


class CloudTransport(AbstractMisfit):
    r"""Debiased Sinkhorn divergence between the 6-D clouds of predicted and observed data.

    A cloud has a point for each frequency and station, with coordinates (log frequency, position,
    log10 rho_xy, phase_xy, log10 rho_yx, phase_yx) scaled and weighted by `Embedding`; the cost of
    moving mass is $|W(x-y)|^2$. A missing component of a point costs nothing.

    - `start_blur`, `final_blur`: the blur (see `sinkhorn_divergence`) of the first iteration and
      the smallest; it is multiplied by `annealing` in every iteration.
    - `frequency_weight`, `station_weight`: how hard it is to move mass along those axes; towards
      infinity transport becomes least squares.
    - `te_weight`, `tm_weight`: weights of the two modes, entering the cost squared.
    - `tolerance`, `max_sweeps`: of the Sinkhorn iterations in each iteration of the inversion.

    Tippers are not part of the 6-D cloud.
    """

    start_blur: float = 0.05
    final_blur: float = 0.003
    annealing: float = 0.97
    frequency_weight: float = 1.0
    station_weight: float = 1.0
    te_weight: float = 1.0
    tm_weight: float = 1.0
    tolerance: float = 1e-3
    max_sweeps: int = 50

    def __check_init__(self) -> None:
        if not 0 < self.final_blur <= self.start_blur:
            raise ValueError(
                "`CloudTransport(start_blur=..., final_blur=...)` must satisfy 0 < final_blur <= "
                f"start_blur. Got start_blur={self.start_blur}, final_blur={self.final_blur}."
            )
        if not 0 < self.annealing <= 1:
            raise ValueError(f"`CloudTransport(annealing=...)` must lie in (0, 1]. Got {self.annealing}.")
        weights = ("frequency_weight", "station_weight", "te_weight", "tm_weight")
        for name, value in ((w, getattr(self, w)) for w in weights):
            if not (value > 0 and np.isfinite(value)):
                raise ValueError(f"`CloudTransport({name}=...)` must be positive. Got {value}.")

    def prepare(self, data: Data) -> tuple[tuple[Embedding, Grid], "TransportState"]:
        """The embedding of the data; the state starts at `start_blur` with cold potentials."""
        embedding = Embedding.from_data(
            data,
            frequency_weight=self.frequency_weight,
            station_weight=self.station_weight,
            te_weight=self.te_weight,
            tm_weight=self.tm_weight,
        )
        grid = Grid.from_axes(embedding.axes)
        blur = jnp.asarray(self.start_blur, dtype=float)
        cloud = embedding.observed_cloud(blur)
        # Predicted = observed: its potentials are a better start than zero, and cost one solve.
        cold = divergence(
            cloud, cloud, blur, grid=grid, tolerance=self.tolerance, max_sweeps=self.max_sweeps
        )
        return (embedding, grid), TransportState(blur, blur, cold)

    def __call__(
        self,
        predicted: Float[Array, "comp freq site"],
        prepared: tuple[Embedding, Grid],
        state: "TransportState",
    ) -> tuple[Float[Array, ""], "TransportState"]:
        """The divergence at the present blur."""
        embedding, grid = prepared
        options = {"grid": grid, "tolerance": self.tolerance, "max_sweeps": self.max_sweeps}
        observed = embedding.observed_cloud(state.blur)
        last = state.last.y_self
        y_self = lax.cond(
            state.blur == state.last_blur,
            lambda: last,
            lambda: self_term(observed, state.blur, last, **options),
        )
        cloud = embedding.predicted_cloud(predicted, state.blur)
        result = divergence(cloud, observed, state.blur, state.last, y_self=y_self, **options)
        blur = jnp.maximum(state.blur * self.annealing, self.final_blur)
        return result.value, TransportState(blur, state.blur, lax.stop_gradient(result))

    def blur(self, state: "TransportState") -> float:
        """The blur of the next call."""
        return float(state.blur)


class TransportState(eqx.Module):
    """The blur of the next call, and the result that it starts from with its blur."""

    blur: Float[Array, ""]
    last_blur: Float[Array, ""]
    last: Divergence
