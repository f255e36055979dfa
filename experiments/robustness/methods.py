"""The ways to invert that the study compares."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import optax
from jaxtyping import Array, Float

import jaxmt
from jaxmt.inversion.optimisers.descent import FIRST_STEP, LAST_STEP, STEP_DECAY
from jaxmt.misfit import AbstractMisfit
from jaxmt.transport import Relaxed, divergence

LEAST_SQUARES = "least squares, Adam"
CLOUD = "6-D"
CONTROL = "6-D, no transport"
MEDIAN_ERRORS = "W from median errors"


@dataclasses.dataclass(frozen=True)
class Method:
    """A misfit, and what `invert` takes besides it, given the target nRMS."""

    misfit: Callable[[], AbstractMisfit]
    options: Callable[[float], Mapping[str, Any]] = lambda _: {}


class Biased(AbstractMisfit):
    """`CloudTransport` without its self terms: the entropic cost itself, from its plan solved each time."""

    cloud: jaxmt.CloudTransport = jaxmt.CloudTransport()

    def prepare(self, data: jaxmt.Data) -> tuple[Any, Any]:
        """As `CloudTransport`."""
        return self.cloud.prepare(data)

    def __call__(
        self, predicted: Float[Array, "comp freq site"], prepared: Any, state: Any
    ) -> tuple[Float[Array, ""], Any]:
        """The term between the clouds."""
        _, following = self.cloud(predicted, prepared, state)
        embedding, grid = prepared
        clouds = (embedding.predicted_cloud(predicted, state.blur), embedding.observed_cloud(state.blur))
        options = {"grid": grid, "max_sweeps": self.cloud.max_sweeps}
        return divergence(*clouds, state.transport_blur, state.last, **options).between.value, following

    def describe(self, state: Any) -> dict[str, float]:
        """As `CloudTransport`."""
        return self.cloud.describe(state)


def methods() -> dict[str, Method]:
    """The methods that most questions compare, by name; the first is what the others are compared to.

    "no transport" keeps clouds, weights and the schedule of the blur and pairs every point with its own
    datum. Graph space without transport is least squares.
    """
    return {
        LEAST_SQUARES: Method(jaxmt.LeastSquares),
        "least squares, Gauss-Newton": Method(jaxmt.LeastSquares, _gauss_newton),
        "phases x 2": Method(lambda: jaxmt.LeastSquares(phase_weight=2.0)),
        "Huber": Method(jaxmt.Huber),
        "Huber, Gauss-Newton": Method(jaxmt.Huber, _gauss_newton),
        "Student, Gauss-Newton": Method(jaxmt.Student, _gauss_newton),
        "3-D": Method(jaxmt.ComponentTransport),
        "3-D, no transport": Method(lambda: jaxmt.PairedClouds(by_component=True)),
        CLOUD: _cloud(),
        CONTROL: Method(jaxmt.PairedClouds),
        "6-D, Gauss-Newton": Method(lambda: jaxmt.CloudTransport().for_long_steps(), _gauss_newton),
        f"{CONTROL}, Gauss-Newton": Method(lambda: jaxmt.PairedClouds().for_long_steps(), _gauss_newton),
        "graph space": Method(jaxmt.GraphSpaceTransport),
        "6-D, then least squares": Method(
            lambda: jaxmt.HandOver(jaxmt.CloudTransport(), jaxmt.LeastSquares())
        ),
    }


def _gauss_newton(target: float) -> dict[str, Any]:
    return {"optimiser": jaxmt.GaussNewton()}


def _cloud(**settings: Any) -> Method:
    return Method(lambda: jaxmt.CloudTransport(**settings))


UNSMOOTHED = jaxmt.Descent(smoothing=0.0)
SHAKEN = optax.chain(
    optax.normalize_by_update_norm(),
    jaxmt.langevin(
        optax.exponential_decay(FIRST_STEP, STEP_DECAY, LAST_STEP / FIRST_STEP, end_value=LAST_STEP),
        optax.exponential_decay(1e-4, 10, 0.6),
        key=jax.random.key(0),
    ),
)
"""Langevin dynamics with the steps of Adam, and noise that is about as large at first and then dies out."""
DESCENTS: dict[str, dict[str, Any]] = {
    "not smoothed": {"optimiser": UNSMOOTHED},
    "Langevin": {"optimiser": jaxmt.Descent(transformation=SHAKEN)},
    "lambda by gradient ratio": {"trade_off": jaxmt.GradientRatio()},
    "as published": {"optimiser": UNSMOOTHED, "trade_off": jaxmt.GradientRatio()},
    "lambda by discrepancy": {"trade_off": jaxmt.Discrepancy()},
}
"""Other ways down than that of `invert`; those of the published inversions have both differences."""


def ablations() -> dict[str, Method]:
    """`CLOUD` with one thing changed each, and both misfits with other ways down.

    Methods whose models are not equally smooth are not compared by their misfits alone.
    """
    return {
        "blur 0.003, fixed": _cloud(start_blur=0.003, final_blur=0.003),
        "blur 0.01, fixed": _cloud(start_blur=0.01, final_blur=0.01),
        "blur 0.05, fixed": _cloud(start_blur=0.05, final_blur=0.05),
        "blur from 0.3": _cloud(start_blur=0.3),
        "blur to a quarter of the distance": _cloud(annealing=0.25),
        "blur to the distance": _cloud(annealing=1.0),
        "blur only follows the fit": _cloud(decay=1.0),
        "axes / 10": _cloud(frequency_weight=0.3, station_weight=0.3),
        "axes / 3": _cloud(frequency_weight=1.0, station_weight=1.0),
        "axes x 3": _cloud(frequency_weight=9.0, station_weight=9.0),
        "weights by errors alone": _cloud(error_floor_ratio=1.0),
        "error floor ratio 3": _cloud(error_floor_ratio=3.0),
        MEDIAN_ERRORS: _cloud(point_errors=False),
        "not debiased": Method(Biased),
        "unbalanced, reach 0.1": _cloud(marginals=Relaxed(0.1, 0.1)),
        "unbalanced, reach 0.02": _cloud(marginals=Relaxed(0.02, 0.02)),
        "plans solved to the end": _cloud(max_sweeps=2000),
        **{
            f"{name}, {change}": Method(misfit, lambda _, given=options: given)
            for name, misfit in ((LEAST_SQUARES, jaxmt.LeastSquares), (CLOUD, jaxmt.CloudTransport))
            for change, options in DESCENTS.items()
        },
    }


def sliding() -> dict[str, Method]:
    """`CLOUD` with axes on which mass can slide, and which stiffen as the blur comes down.

    Plans that slide are solved to the end: unsolved, they move mass that should stay.
    """

    def slides(**settings: Any) -> Method:
        return Method(lambda: jaxmt.CloudTransport.sliding(**settings))

    light, heavy, unbalanced = 0.3, 9.0, {"marginals": Relaxed(0.1, 0.1)}
    stations = {"frequency_weight": heavy, "station_weight": light, "station_points": 4}
    return {
        "slides along frequency": slides(),
        "slides along stations": slides(**stations, frequency_points=1),
        "slides along both": slides(station_weight=light),
        "slides along frequency, unbalanced": slides(**unbalanced),
        "nothing slides, unbalanced": _cloud(
            frequency_weight=heavy, station_weight=heavy, max_sweeps=200, **unbalanced
        ),
        "slides along frequency, Gauss-Newton": Method(
            lambda: jaxmt.CloudTransport.sliding().for_long_steps(), _gauss_newton
        ),
    }


def shift_options() -> dict[str, Any]:
    """What `invert` takes to shift stations, too."""
    return {"static_shift": jaxmt.StaticShift()}


def all_methods() -> dict[str, Method]:
    """Those of all questions."""
    return methods() | ablations() | sliding()
