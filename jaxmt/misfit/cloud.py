"""Transport between the clouds of predicted and observed data."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from ..data import Data
from ..fingerprint import Constant
from ..programs import compiled
from ..transport import Balanced, Divergence, Grid, divergence
from ..transport.marginals import AbstractMarginals
from .abstract import AbstractMisfit
from .cloud_state import CloudState, smallest_blur
from .embedding import Embedding, check_components
from .motion import Motion

Cloud = Float[Array, "point d"]

FINAL_BLUR = 0.003
"""The smallest blur where the errors do not ask for less."""

UNSOLVED_ERROR, BLUR_GROWTH = 0.1, 1.2
"""L1 error of the marginals above which a plan lags behind its blur, and the factor of the next blur."""

LONG_STEP_SWEEPS, LONG_STEP_DECAY = 200, 0.7
"""`max_sweeps` and `decay` of `CloudTransport.for_long_steps`."""


def _constant(solver: Any) -> Constant[Any] | None:
    """A solver of ott-jax as a constant: rebuilt by JAX, it would not equal itself, and compile anew."""
    if solver is None or isinstance(solver, Constant):
        return solver
    from ..transport.ott_solver import check_solver

    check_solver(solver)
    return Constant(solver)


class CloudTransport(AbstractMisfit):
    r"""Debiased Sinkhorn divergence of 6-D clouds; by default no mass moves, as in `PairedClouds`.

    A cloud has a point for each frequency and station, with coordinates (log frequency, position,
    log10 rho_xy, phase_xy, log10 rho_yx, phase_yx) scaled and weighted by `Embedding`; with real and
    imaginary part of the tipper, where there are any, it is 8-D. The cost of moving mass is $|W(x-y)|^2$.
    A missing component of a point costs nothing; phases are taken modulo 360 degrees.

    With axes as heavy as by default mass stays on its own datum: least squares, with weights that follow
    the blur. Lighter axes, points between the samples and `Relaxed` marginals let it slide; what that does
    to sections is in docs/transport.md. The history says what the plans do.

    - `start_blur`, `final_blur`: the blur (see `sinkhorn_divergence`) of the first iteration and
      the smallest, by default 0.003 or half the smallest error of the embedded data, where that is less.
      Errors under the blur are all one in the weights of the cloud; transport itself takes a blur no
      smaller than a sixth of the spacing of the points, under which mass stays where it is anyway.
    - `annealing`: the blur is at most this times the distance of the clouds, the root of the divergence, in
      the iteration before, so that it follows the fit. `decay`: and at most this times that blur, so that
      it comes down where the data cannot be fitted. It only grows again where plans are not solved.
    - `frequency_weight`, `station_weight`: how hard it is to move mass along those axes; towards
      infinity transport becomes least squares; about 0.3 lets mass slide. At 1, data that a section
      cannot explain hold the plans of the CAFE-MT profile one sample beside their own, and its nRMS at
      2.1; at 3 it comes to 1.
    - `frequency_points`, `station_points`: points that each sample is spread over along either axis, by
      linear interpolation, so that mass moves by parts of a spacing. Along an axis of one sample there is
      one, and nothing to slide along.
    - `stiffening`: at a blur b the axes weigh `(start_blur / b) ** stiffening` times as much: at 1 slides
      are easy at first, and in the end transport is least squares.
    - `te_weight`, `tm_weight`: weights of the two modes, entering the cost squared; tippers are TE.
    - `error_floor_ratio`: in the weights errors count as no less than this times those of the component
      that is known best; 1 takes errors as they are. At 2 and with errors of |Z|, phases weigh twice as
      much as by their errors.
    - `components`, `point_errors`, `correlation`: what the clouds hold and how the noise weights it, as in
      `Embedding.from_data`. With the median error of each component in the place of `point_errors`, data
      of which 30 % have 3 to 20 times the errors of the others stop at an nRMS of 4 (docs/transport.md).
    - `marginals`: `transport.Relaxed` or `transport.Partial` leave outliers behind at a price.
    - `solver`: a Sinkhorn solver of ott-jax, `ott.solvers.linear.sinkhorn.Sinkhorn(threshold=1e-3)`, that
      runs on the same grid of neighbours from the potentials of the last iteration, to its own threshold;
      by default that of this package, which is faster.
    - `tolerance`, `max_sweeps`: where the Sinkhorn iterations in each iteration of the inversion end. Where
      no mass moves, plans that follow the model a few sweeps at a time are no loss: on COMMEMI 2D-4 and on
      a wedge RMSE of log10 rho is that of plans solved to the end, to 0.005. With light axes they move mass
      that should stay, and inversions miss their target: 200 sweeps, as in `sliding`.
    """

    start_blur: float = 0.05
    final_blur: float | None = None
    annealing: float = 0.5
    decay: float = 0.97
    frequency_weight: float = 3.0
    station_weight: float = 3.0
    te_weight: float = 1.0
    tm_weight: float = 1.0
    error_floor_ratio: float = 2.0
    components: Sequence[str] | None = None
    point_errors: bool = True
    correlation: Float[np.ndarray, "value value"] | None = None
    frequency_points: int = 1
    station_points: int = 1
    stiffening: float = 0.0
    marginals: AbstractMarginals = Balanced()
    tolerance: float = 1e-3
    max_sweeps: int = 10
    solver: Any = eqx.field(default=None, converter=_constant)

    def __check_init__(self) -> None:
        final = self.start_blur if self.final_blur is None else self.final_blur
        if not 0 < final <= self.start_blur:
            raise ValueError(
                "`CloudTransport(start_blur=..., final_blur=...)` must satisfy 0 < final_blur <= "
                f"start_blur. Got start_blur={self.start_blur}, final_blur={self.final_blur}."
            )
        if not 0 < self.annealing < np.inf:
            raise ValueError(
                "`CloudTransport(annealing=...)` must be a positive factor of the distance of the clouds. "
                f"Got {self.annealing}."
            )
        if not 0 < self.decay <= 1:
            raise ValueError(f"`CloudTransport(decay=...)` must lie in (0, 1]. Got {self.decay}.")
        if not 1 <= self.error_floor_ratio < np.inf:
            raise ValueError(
                "`CloudTransport(error_floor_ratio=...)` must be finite and at least 1, which leaves "
                f"errors as they are. Got {self.error_floor_ratio}."
            )
        weights = ("frequency_weight", "station_weight", "te_weight", "tm_weight")
        for name, value in ((w, getattr(self, w)) for w in weights):
            if not (value > 0 and np.isfinite(value)):
                raise ValueError(f"`CloudTransport({name}=...)` must be positive. Got {value}.")
        for name, count in ((n, getattr(self, n)) for n in ("frequency_points", "station_points")):
            if not (count >= 1 and count == int(count)):
                raise ValueError(
                    f"`CloudTransport({name}=...)` must be a whole number of points a sample, at least 1. "
                    f"Got {count}."
                )
        if not 0 <= self.stiffening < np.inf:
            raise ValueError(
                "`CloudTransport(stiffening=...)` must be finite and not negative; 0 leaves the axes as "
                f"they are. Got {self.stiffening}."
            )
        if not (self.tolerance > 0 and self.max_sweeps >= 1):
            raise ValueError(
                "`CloudTransport(tolerance=..., max_sweeps=...)` must be positive and at least 1. Got "
                f"tolerance={self.tolerance}, max_sweeps={self.max_sweeps}."
            )
        if self.components is not None:
            check_components(self.components)
        if self.solver is not None:
            from ..transport.ott_solver import check_marginals

            check_marginals(self.marginals)

    @classmethod
    def sliding(cls, **settings: Any) -> "CloudTransport":
        """Transport whose mass slides along frequency at first; `settings` take the place of its own.

        Axes weigh 0.3 and 9, and more as the blur comes down; each sample has four points along frequency.
        Plans are solved to the end, for those that are not move mass that should stay.
        """
        own: dict[str, Any] = {"frequency_weight": 0.3, "station_weight": 9.0, "frequency_points": 4}
        return cls(**(own | {"stiffening": 1.0, "max_sweeps": LONG_STEP_SWEEPS} | settings))

    def embedding(self, data: Data) -> Embedding:
        """The embedding of the data with the weights of this misfit."""
        return Embedding.from_data(
            data,
            frequency_weight=self.frequency_weight,
            station_weight=self.station_weight,
            te_weight=self.te_weight,
            tm_weight=self.tm_weight,
            error_floor_ratio=self.error_floor_ratio,
            components=self.components,
            point_errors=self.point_errors,
            correlation=self.correlation,
            points_per_sample=(self.frequency_points, self.station_points),
            soft_blur=self.start_blur,
            stiffening=self.stiffening,
        )

    def prepare(self, data: Data) -> tuple[tuple[Embedding, Grid], CloudState]:
        """Embedding and grid of the data; the state starts at `start_blur`."""
        embedding = self.embedding(data)
        grid = Grid.from_axes(embedding.interpolation.axes)
        return (embedding, grid), self.start(embedding.interpolation.axes, self.last_blur(embedding))

    def __call__(
        self,
        predicted: Float[Array, "comp freq site"],
        prepared: tuple[Embedding, Grid],
        state: CloudState,
    ) -> tuple[Float[Array, ""], CloudState]:
        """The divergence at the present blur."""
        embedding, grid = prepared
        clouds = embedding.predicted_cloud(predicted, state.blur), embedding.observed_cloud(state.blur)
        result = self.compare(*clouds, grid.scaled(embedding.stiffness(state.blur)), state)
        motion = Motion.of(*clouds, result, state.transport_blur, embedding.units_at(state.blur))
        return result.value, self.following(state, result, result.value, motion, result.marginal_error)

    def curvature(
        self,
        predicted: Float[Array, "comp freq site"],
        prepared: tuple[Embedding, Grid],
        state: CloudState,
    ) -> Float[Array, "comp freq site"]:
        """The curvature of the cost of the present plan, whose points each move their mass."""
        embedding, _ = prepared
        return 2 / len(embedding.axes) * embedding.squared_slopes(predicted, state.blur)

    def describe(self, state: CloudState) -> dict[str, float]:
        """The blur of the next call."""
        return {"blur": float(state.blur)}

    def diagnostics(self, state: CloudState) -> dict[str, float]:
        """How far mass moved in the last call, and the cosine with squares of the same weights."""
        return state.motion.describe()

    def for_long_steps(self) -> "CloudTransport":
        """With plans solved to the end and a blur that falls fast."""
        return dataclasses.replace(self, max_sweeps=LONG_STEP_SWEEPS, decay=LONG_STEP_DECAY)

    def last_blur(self, embedding: Embedding) -> float:
        """The smallest blur for these data."""
        if self.final_blur is not None:
            return self.final_blur
        return min(self.start_blur, FINAL_BLUR, 0.5 * embedding.smallest_error)

    def start(self, axes: Float[np.ndarray, "point 2"], final_blur: float) -> CloudState:
        """The state of the first iteration for clouds at these weighted axes, at `start_blur`.

        The first call solves for the data alone, and starts as if the prediction were the data.
        """
        blur, final = (jnp.asarray(np.asarray(b, dtype=float)) for b in (self.start_blur, final_blur))
        return CloudState(
            blur, blur, final, smallest_blur(axes), Divergence.unsolved(len(axes)), Motion.none()
        )

    def _settings(self) -> dict[str, Any]:
        """What `divergence` takes besides clouds, grid and blur."""
        return {
            "marginals": self.marginals,
            "tolerance": self.tolerance,
            "max_sweeps": self.max_sweeps,
            "solver": self.solver,
        }

    def compare(self, predicted: Cloud, observed: Cloud, grid: Grid, state: CloudState) -> Divergence:
        """The divergence of two clouds, warm from the last."""
        return _warm(predicted, observed, grid, state, self._settings())

    def following(
        self,
        state: CloudState,
        result: Divergence,
        squared: Float[Array, ""],
        motion: Motion,
        marginal_error: Float[Array, ""],
    ) -> CloudState:
        """The next state, from the squared distance and the largest error of any marginal."""
        near = self.next_blur(state.blur, state.final_blur, squared)
        # A plan that lags behind its blur says little, and its value may be negative.
        unsolved = (marginal_error > UNSOLVED_ERROR) | (squared < 0)
        blur = jnp.where(unsolved, jnp.minimum(BLUR_GROWTH * state.blur, self.start_blur), near)
        last = eqx.tree_at(lambda r: r.displacement, lax.stop_gradient(result), None)
        # The spacing of the points grows as the axes stiffen.
        smallest = state.smallest_blur * (state.blur / blur) ** self.stiffening
        return CloudState(blur, state.blur, state.final_blur, smallest, last, motion)

    def next_blur(
        self, blur: Float[Array, ""], final_blur: Float[Array, ""], squared: Float[Array, ""]
    ) -> Float[Array, ""]:
        """The blur that follows the fit, from the squared distance of the clouds."""
        distance = jnp.sqrt(jnp.maximum(lax.stop_gradient(squared), 0.0))
        return jnp.maximum(jnp.minimum(self.annealing * distance, self.decay * blur), final_blur)


@compiled
def _warm(
    predicted: Cloud,
    observed: Cloud,
    grid: Grid,
    state: CloudState,
    settings: dict[str, Any],
) -> Divergence:
    last = state.last
    # The cloud of the data changes with the blur alone.
    holds = state.blur == state.last_blur
    options = settings | {"grid": grid, "y_self": last.y_self, "y_self_holds": holds}
    return divergence(predicted, observed, state.transport_blur, last, **options)
