"""The whole of learning: pairs, ridge maps, networks, and how good they are beside each other."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key
from tqdm import tqdm

from .convolution import Convolutional, Filling
from .decoder import SINGLE, Decoder
from .embedding import Kernels, kernels
from .examples import Counts, Examples
from .layout import SHAPE, Layout
from .pairs import kept
from .predictor import InvLINT, Predictor, parameters
from .ridge import Either, Fit, Linear, ridge
from .scores import Score, determination, milliseconds, score
from .sections import random_sections
from .training import Epochs, History, Schedule, trained

IMPORTANT = 0.01
"""Singular values larger than this part of the largest are counted."""


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is learned, and by what.

    - `shape`: of the picture; `kernels`: down and across.
    - `convolution`: None leaves that network out.
    """

    counts: Counts = Counts()
    shape: tuple[int, int] = SHAPE
    kernels: tuple[int, int] = (12, 16)
    schedule: Schedule = Schedule()
    convolution: Schedule | None = Schedule()


@dataclasses.dataclass(frozen=True)
class Learned:
    """A predictor and what is known about it.

    - `determination`: R2 of the kernel integrals over training and test models.
    - `singular_values`: of the maps to the integrals and to the pixels. `alphas`: their penalties.
    - `truth`, `found`: pictures of the test models, and by each predictor.
    """

    predictor: Predictor
    scores: tuple[Score, ...]
    determination: tuple[float, float]
    singular_values: dict[str, Float[np.ndarray, " value"]]
    alphas: dict[str, float]
    histories: dict[str, History]
    truth: Float[np.ndarray, "model row column"]
    found: dict[str, Float[np.ndarray, "model row column"]]

    @property
    def important(self) -> int:
        """Singular values of the map to the integrals that count."""
        values = self.singular_values["kernel integrals"]
        return int(np.count_nonzero(values > IMPORTANT * values[0]))

    def summary(self) -> dict:
        """The numbers, for a file."""
        return {
            "scores": [dataclasses.asdict(score) for score in self.scores],
            "embedding_r2_training": self.determination[0],
            "embedding_r2_test": self.determination[1],
            "singular_values_above_1_percent": self.important,
            "singular_values": {name: values.tolist() for name, values in self.singular_values.items()},
            "alphas": self.alphas,
            "training": {
                name: {"epochs": len(history.training), "best": history.best + 1, **vars(history)}
                for name, history in self.histories.items()
            },
        }


def learn(
    layout: Layout,
    errors: Float[np.ndarray, "4 freq site"],
    mask: Bool[np.ndarray, "4 freq site"],
    size: Size,
    seed: int,
    folder: Path,
) -> Learned:
    """Everything learned for a layout and data with these errors that exist where `mask` is true.

    - `folder`: where pairs are kept.

    Raises `ValueError` for fewer training models than kernels.
    """
    counts, number = size.counts, kernels(size.shape, size.kernels).count
    if counts.training < number:
        raise ValueError(
            f"{counts.training} training models are too few for {number} kernel integrals; give at "
            "least as many, better ten times as many (--models)."
        )
    rng = np.random.default_rng(seed)
    pictures = random_sections(rng, counts.total, layout.shape, layout.range)
    with tqdm(total=counts.total, desc="simulate", unit="model", dynamic_ncols=True) as bar:
        pairs = kept(layout, pictures, folder, bar.update)
    return _learned(layout, Examples(pairs, counts, errors, mask, seed), size)


def _learned(layout: Layout, examples: Examples, size: Size) -> Learned:
    used = kernels(size.shape, size.kernels)
    keys = jax.random.split(jax.random.key(examples.seed), 2)
    x, y = examples.noisy("training"), examples.pictures("training")
    given, truth = examples.noisy("test"), examples.pictures("test")
    to_kernels, to_pixels = _maps(examples, used)
    network, history = _invlint(layout, examples, used, to_kernels.map, size.schedule, keys[0])
    predictor = Predictor(layout, examples.mask, x.min(axis=0), x.max(axis=0), to_pixels.map, network)
    histories = {"InvLINT": history}
    candidates: dict[str, tuple[Callable[[Array], Either], int, int]] = {
        "ridge": (
            lambda data: to_pixels.map(data).reshape(layout.shape),
            to_pixels.map.parameters,
            to_pixels.map.flops,
        ),
        "InvLINT": (lambda data: network(data), network.parameters, network.flops),
    }
    if size.convolution is not None:
        fill = Filling(to_pixels.map, examples.mask)
        convolution, history = _convolutional(layout, examples, fill, size.convolution, keys[1])
        histories["convolution"] = history
        candidates["convolution"] = (
            lambda data: convolution(fill(data).astype(SINGLE)),
            parameters(convolution),
            convolution.flops,
        )
    found = {"mean": np.broadcast_to(y.mean(axis=0), truth.shape)}
    rows = [score("mean", truth, found["mean"], layout.range)]
    for name, (predict, numbers, flops) in candidates.items():
        found[name] = np.asarray(jax.jit(jax.vmap(predict))(jnp.asarray(given)), dtype=float)
        cost = numbers, flops, milliseconds(predict, jnp.asarray(given[0]))
        rows.append(score(name, truth, found[name], layout.range, cost))
    mean = to_kernels.map.offset
    explained = [
        determination(used.embed(pictures), np.asarray(to_kernels.map(data)), np.asarray(mean))
        for data, pictures in ((x, y), (given, truth))
    ]
    return Learned(
        predictor,
        tuple(rows),
        (explained[0], explained[1]),
        {
            "kernel integrals": to_kernels.map.singular_values,
            "pixels": to_pixels.map.singular_values,
        },
        {"kernel integrals": to_kernels.alpha, "pixels": to_pixels.alpha},
        histories,
        truth,
        found,
    )


def _maps(examples: Examples, used: Kernels) -> tuple[Fit, Fit]:
    """To the kernel integrals and to the pixels."""
    x, given = examples.noisy("training"), examples.noisy("validation")
    y, truth = examples.pictures("training"), examples.pictures("validation")
    return (
        ridge(x, used.embed(y), (given, used.embed(truth))),
        ridge(x, y.reshape(len(y), -1), (given, truth.reshape(len(truth), -1))),
    )


def _invlint(
    layout: Layout,
    examples: Examples,
    used: Kernels,
    encoder: Linear,
    schedule: Schedule,
    key: Key[Array, ""],
) -> tuple[InvLINT, History]:
    start, training = jax.random.split(key)
    integrals = used.embed(examples.pictures("training"))
    decoder = Decoder(used.count, layout.shape, layout.range, key=start)
    network = InvLINT(encoder, np.asarray(np.std(integrals - encoder.offset)), decoder)
    given = network.encode(jnp.asarray(examples.noisy("validation")))
    with Epochs("InvLINT", schedule.epochs) as bar:
        decoder, history = trained(
            decoder,
            jax.jit(lambda key: network.encode(examples.redrawn(key))),
            jnp.asarray(examples.pictures("training")),
            (given, jnp.asarray(examples.pictures("validation"))),
            key=training,
            schedule=schedule,
            progress=bar,
        )
    return InvLINT(encoder, network.scale, decoder), history


def _convolutional(
    layout: Layout, examples: Examples, fill: Filling, schedule: Schedule, key: Key[Array, ""]
) -> tuple[Convolutional, History]:
    start, training = jax.random.split(key)
    rows, columns = examples.mask.shape[1:]
    network = Convolutional((rows, columns), layout.shape, layout.range, key=start)
    with Epochs("convolution", schedule.epochs) as bar:
        return trained(
            network,
            jax.jit(lambda key: fill(examples.redrawn(key))),
            jnp.asarray(examples.pictures("training")),
            (
                fill(jnp.asarray(examples.noisy("validation"))),
                jnp.asarray(examples.pictures("validation")),
            ),
            key=training,
            schedule=schedule,
            progress=bar,
        )
