"""How good a predictor is on the test models, and what it costs."""

import dataclasses
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float

from jaxmt.comparison import WINDOW, structural_similarity

REPEATS = 50

Pictures = Float[np.ndarray, "model row column"]


@dataclasses.dataclass(frozen=True)
class Score:
    """Of one predictor.

    - `mae`, `mse`: of log10 rho, over all pixels, decades and their square. `similarity`: structural, mean
      over the models, for the range of the training models.
    - `parameters`: numbers learned; `flops`: of one picture; `milliseconds`: of one picture.
    """

    name: str
    mae: float
    mse: float
    similarity: float
    parameters: int = 0
    flops: int = 0
    milliseconds: float = 0.0


def score(
    name: str,
    true: Pictures,
    found: Pictures,
    span: tuple[float, float],
    cost: tuple[int, int, float] = (0, 0, 0.0),
) -> Score:
    """The score of pictures; `cost` as in the last three fields of `Score`."""
    difference = found - true
    window = min(WINDOW, *[side - 1 + side % 2 for side in true.shape[1:]])
    similar = [
        structural_similarity(a, b, span[1] - span[0], window) for a, b in zip(true, found, strict=True)
    ]
    return Score(
        name,
        float(np.mean(np.abs(difference))),
        float(np.mean(np.square(difference))),
        float(np.mean(similar)),
        *cost,
    )


def milliseconds(predict: Callable[[Array], Array], example: Array) -> float:
    """Median time of one picture, compiled, ms."""
    compiled = jax.jit(predict)
    times = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        jax.block_until_ready(compiled(example))
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times[1:]))


def determination(
    true: Float[np.ndarray, "model output"],
    found: Float[np.ndarray, "model output"],
    mean: Float[np.ndarray, " output"],
) -> float:
    r"""$R^2 = 1 - \sum(y-\hat y)^2 / \sum(y-\bar y)^2$ over all outputs; `mean`: of the training models."""
    return float(1 - np.sum(np.square(true - found)) / np.sum(np.square(true - mean)))


def table(scores: Sequence[Score]) -> str:
    """The scores in lines."""
    lines = [
        f"{'predictor':18}{'MAE':>8}{'MSE':>8}{'SSIM':>8}{'parameters':>12}{'MFLOPs':>9}{'ms/model':>10}"
    ]
    lines += [
        f"{s.name:18}{s.mae:8.4f}{s.mse:8.4f}{s.similarity:8.3f}{s.parameters:12,}{s.flops / 1e6:9.2f}"
        f"{s.milliseconds:10.3f}"
        for s in scores
    ]
    return "\n".join(lines)
