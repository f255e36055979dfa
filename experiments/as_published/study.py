"""The published three blocks, with one setting changed at a time."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import jaxmt
from jaxmt import comparison
from jaxmt.benchmarks import SYNTHETIC, published_mesh

from ..robustness.noise import observe
from .preset import Published, three_blocks_mesh

MODEL = SYNTHETIC["three blocks"]
NOISE = 0.01


@dataclasses.dataclass(frozen=True)
class Change:
    """What is not as published: settings of `Published`, and arguments of `jaxmt.invert`.

    - `mesh`: makes another grid for data and inversion. `misfits`: those to which it means something.
    """

    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    mesh: Callable[[], jaxmt.Mesh] = three_blocks_mesh
    misfits: tuple[str, ...] = ("l2", "cloud")


def changes() -> dict[str, Change]:
    """By what is changed."""
    cooling = jaxmt.Cooling()
    return {
        "as published": Change(),
        "grid of 40 x 40 cells": Change(mesh=published_mesh),
        "40 x 40, roughness over area": Change({"areas": True}, mesh=published_mesh),
        "target 1.05": Change({"target": 1.05}),
        "uniform H_y at the top": Change({"top": jaxmt.UniformMagnetic()}),
        "no depth weights": Change({"depth_exponent": 0.0}),
        "roughness over area": Change({"areas": True}),
        "our roughness and lambda": Change({"trade_off": cooling}, {"regularization": jaxmt.Smoothness()}),
        "our lambda": Change({"trade_off": cooling}),
        "our steps, not smoothed": Change({}, {"optimiser": jaxmt.Descent(smoothing=0.0)}),
        "our steps": Change({}, {"optimiser": jaxmt.Descent()}),
        "start of 50 ohm m": Change({"start": 50.0}),
        "blur annealed": Change({"annealed": True}, misfits=("cloud",)),
        "reach 0.05": Change({"reach": 0.05}, misfits=("cloud",)),
        "Gauss-Newton": Change(
            {},
            {
                "optimiser": jaxmt.GaussNewton(),
                "regularization": jaxmt.Smoothness(),
                "trade_off": None,
                "stopping": jaxmt.Stopping(target=1.03, max_iterations=30),
            },
            misfits=("l2",),
        ),
    }


@dataclasses.dataclass(frozen=True)
class Observed:
    """The mesh of data and inversion, its true section (ohm m), and noisy data."""

    mesh: jaxmt.Mesh
    true: np.ndarray
    data: jaxmt.Data


@functools.cache
def observed(mesh: jaxmt.Mesh, seed: int) -> Observed:
    """The data of a seed, simulated on the mesh of the inversion."""
    survey = MODEL.survey()
    true = MODEL.resistivity(mesh, samples=1)
    with warnings.catch_warnings():
        # The published grids are too small for its survey.
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        clean = jaxmt.simulate(mesh, survey, true)
    data, _ = observe(clean, "gaussian", NOISE, seed)
    return Observed(mesh, true, data)


def run(name: str, misfit: str, seed: int, iterations: int | None = None) -> dict[str, Any]:
    """Inverts with a change; what came out."""
    change = changes()[name]
    preset = dataclasses.replace(Published(), **change.settings)
    if iterations is not None:
        preset = dataclasses.replace(preset, iterations=iterations)
    given = observed(preset.mesh(change.mesh()), seed)
    arguments = preset.arguments(misfit, given.data) | dict(change.arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        result = jaxmt.invert(given.data, preset.cells(given.mesh), preset.start, **arguments)
    return {
        "change": name,
        "misfit": misfit,
        "seed": seed,
        "nrms": float(result.nrms),
        "iterations": len(result.history["nrms"]) - 1,
        "lambda": result.history["regularization_factor"][-1],
        "message": result.message,
        **similarities(given, result.resistivity),
    }


def similarities(given: Observed, found: np.ndarray) -> dict[str, float]:
    """How like the true section: as published, without the air, and under the stations."""
    mesh, true, line = given.mesh, given.true, MODEL.survey().stations
    first, second = np.log10(true), np.log10(found)
    earth = comparison.structural_similarity(first, second, float(np.ptp(first)), 3)
    return {
        "published": comparison.published_similarity(mesh, true, found),
        "earth": earth,
        "ours": comparison.similarity(mesh, true, found, line, MODEL.depth),
        "rmse": comparison.rmse(mesh, true, found, line, MODEL.depth),
    }
