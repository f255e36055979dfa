"""Every published setting, in one place and in the units of `jaxmt`."""

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import optax

import jaxmt
from jaxmt.inversion.trade_off import AbstractTradeOff
from jaxmt.misfit import AbstractMisfit
from jaxmt.simulation.top import AbstractTop
from jaxmt.transport import Balanced, Relaxed

from .annealing import Annealed
from .balance import Balance
from .roughness import SquaredGradient

MISFITS = ("cloud", "l2")
"""The misfits with published settings: 6-D transport and squares."""

LN10 = math.log(10)
GEOMLOSS = 0.5
"""Their cost is |x - y|^2 / 2, ours |x - y|^2: values are half of ours, a blur is 1 / sqrt 2 of ours."""
SWEEPS = 200
"""Most sweeps in an iteration: their plans are solved anew each time."""
NEVER = 10**9


def three_blocks_mesh() -> jaxmt.Mesh:
    """The grid of 36 by 56 cells of the three blocks, ten rows of them air.

    `jaxmt.benchmarks.published_mesh` is that of their other inversions.
    """
    side = np.geomspace(21e3, 50e3, 8)
    earth = np.concatenate([np.geomspace(100.0, 8e3, 14), np.geomspace(9e3, 100e3, 12)])
    air = -np.geomspace(10.0, 50e3, 10)[::-1]
    return jaxmt.Mesh(
        np.concatenate([-side[::-1], np.linspace(-20e3, 20e3, 41), side]),
        np.concatenate([air, [0.0], earth]),
    )


@dataclasses.dataclass(frozen=True)
class Published:
    r"""The settings of Liu, Chen, Bo & Tang (2026), MTinv_OT; the defaults are those of the three blocks.

    - `blur`: in their unit; 0.1 in noisy cases. `annealed`: whether it falls by 0.9 where the misfit is
      flat; off for the three blocks.
    - `top`: of the air. `trade_off`: the rule for lambda; None is `Balance`.
    - `axis_weight`: of frequency and station against values. `error_floor`: of the errors of the embedded
      data in the weights; these are $1/\sigma^2$ over their mean. `te_weight`, `tm_weight`: of the cloud.
    - `reach`: of unbalanced plans, in their unit: 0.05 in two examples. None is balanced.
    - `data_scale`: what multiplies the misfit of the cloud against lambda.
    - `first_lambda`, `balance`, `exponent`: of `Balance`. `depth_exponent`, `areas`: of `SquaredGradient`.
    - `step`: of Adam in ln sigma, 0.03 to 0.05; it stays as it is, and steps are not smoothed.
    - `clip`: largest norm of the gradient. `start`: ohm m. `target`: nRMS. `iterations`: the most.
    """

    top: AbstractTop = jaxmt.Dirichlet()
    trade_off: AbstractTradeOff | None = None
    blur: float = 0.01
    annealed: bool = False
    axis_weight: float = 1.0
    error_floor: float = 0.03
    te_weight: float = 1.0
    tm_weight: float = 1.0
    reach: float | None = None
    data_scale: float = 100.0
    first_lambda: float = 10.0
    balance: float = 2.0
    exponent: float = 0.5
    depth_exponent: float = 0.3
    areas: bool = False
    step: float = 0.03
    clip: float = 1.0
    start: float = 100.0
    target: float = 1.03
    iterations: int = 1000

    def mesh(self, mesh: jaxmt.Mesh) -> jaxmt.Mesh:
        """A mesh with the condition at the top of the air."""
        return dataclasses.replace(mesh, top=self.top)

    def unit(self, misfit: str) -> float:
        """Their data misfit over ours: of the cloud in equal weights, or of squares."""
        _check(misfit)
        return GEOMLOSS * self.data_scale if misfit == "cloud" else 1.0

    def misfit(self, misfit: str, data: jaxmt.Data) -> AbstractMisfit:
        """6-D transport ("cloud") or squares ("l2") of their embedding of these data."""
        _check(misfit)
        if misfit == "l2":
            return jaxmt.LeastSquares()
        smallest, size = self._weights(data)
        # Values are multiplied by `size` in theirs; here axes, blur and reach are divided by it.
        blur = self.blur / (math.sqrt(GEOMLOSS) * size)
        reach = None if self.reach is None else self.reach / (math.sqrt(GEOMLOSS) * size)
        cloud = jaxmt.CloudTransport(
            start_blur=blur,
            final_blur=min(blur, 1e-4),
            decay=1.0,
            frequency_weight=self.axis_weight / size,
            station_weight=self.axis_weight / size,
            te_weight=self.te_weight,
            tm_weight=self.tm_weight,
            error_floor_ratio=max(1.0, self.error_floor / smallest),
            marginals=Balanced() if reach is None else Relaxed(reach, reach),
            max_sweeps=SWEEPS,
        )
        return Annealed(cloud, wait=20 if self.annealed else NEVER)

    def _weights(self, data: jaxmt.Data) -> tuple[float, float]:
        """The smallest error of the embedded data, and the largest of their weights."""
        embedding = jaxmt.CloudTransport(error_floor_ratio=1.0).embedding(data)
        errors = np.maximum(embedding.errors, self.error_floor)
        squares = 1 / errors[embedding.present] ** 2
        return embedding.smallest_error, float(np.sqrt(squares.max() / squares.mean()))

    def arguments(self, misfit: str, data: jaxmt.Data) -> dict[str, Any]:
        """What `jaxmt.invert` takes besides data and parametrisation."""
        unit = self.unit(misfit)
        if misfit == "cloud":
            unit *= self._weights(data)[1] ** 2
        balance = Balance(self.first_lambda / unit, self.balance, self.exponent)
        return {
            "misfit": self.misfit(misfit, data),
            "regularization": SquaredGradient(self.depth_exponent, self.areas),
            "trade_off": balance if self.trade_off is None else self.trade_off,
            "optimiser": jaxmt.Descent(
                transformation=_adam(self.step, self.clip, unit), smoothing=0.0, patience=self.iterations
            ),
            "stopping": jaxmt.Stopping(
                target=self.target, max_iterations=self.iterations, patience=self.iterations, knee=None
            ),
        }

    def cells(self, mesh: jaxmt.Mesh) -> jaxmt.Cells:
        """A parameter for each cell: their ln sigma in decades, for the bounds are out of the way."""
        return jaxmt.Cells(mesh, low=1e-6, high=1e10)


@functools.cache
def _adam(step: float, clip: float, unit: float) -> optax.GradientTransformation:
    """Adam of PyTorch in ln sigma, in decades of resistivity.

    - `unit`: their misfit over ours; a gradient in decades is ln 10 times one in ln sigma.
    """
    gradient = LN10 / unit
    return optax.chain(
        optax.clip_by_global_norm(clip * gradient), optax.adam(step / LN10, eps=1e-8 * gradient)
    )


def _check(misfit: str) -> None:
    if misfit not in MISFITS:
        raise ValueError(
            f"There are published settings of the misfits {' and '.join(MISFITS)}. Got {misfit!r}."
        )
