"""Runs one case and measures what it found."""

import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

import jaxmt
from jaxmt import comparison
from jaxmt.misfit import AbstractMisfit

from .case import Case
from .methods import all_methods, shift_options
from .noise import observe
from .problem import SIZES, Problem, problem, starting_section

TARGET = 1.05
STEPS = 16
"""Evaluations over which a misfit is timed."""
MOVED = {"slide_decades": np.nanmax, "slide_spacings": np.nanmax, "cosine_with_squares": np.nanmin}
"""What is kept of the motion of mass in an inversion: the largest slides, the least cosine."""
OFFSET = np.array([0.3, 5.0, 0.3, 5.0, 0.0, 0.0])
"""How far from the last prediction they begin, in the units of `COMPONENTS`."""


_programs: list[tuple[str, str, str]] = []
"""Which compiled functions this process holds, those of `Case.programs`."""


def perform(folder: Path, task: Mapping[str, Any]) -> dict[str, str]:
    """`run` as a task of `jaxmt.run_tasks`: "case", "sections", "" for none, and "share".

    The record is a line of JSON as the store holds it, in which numbers that are none stay so.
    """
    del folder
    case = Case(**task["case"])
    if _programs != [case.programs]:
        # Those of hundreds of runs are more than a process may map.
        jax.clear_caches()
        _programs[:] = [case.programs]
    record = run(case, Path(task["sections"]) if task["sections"] else None, task["share"])
    return {"record": json.dumps(record)}


def run(case: Case, sections: Path | None = None, share: bool = False) -> dict:
    """Inverts a case; what came out, as it is stored.

    - `sections`: a folder for the recovered section and the history.
    - `share`: whether to time the misfit, too.

    An inversion stops at `TARGET` times the nRMS of the true section, which is one for Gaussian noise, and
    more for noise that the errors understate: no method can be asked to fit better than the truth does.
    A run that ends in an error leaves the error's words.
    """
    given, extent = problem(case.model, case.size), SIZES[case.size]
    data, unshifted = observe(given.clean, case.noise, case.level, case.seed, case.shift)
    true_nrms = (unshifted if case.shift_parameters else data).nrms(given.clean)
    target = TARGET * max(1.0, true_nrms)
    method = all_methods()[case.method]
    options = dict(method.options(target))
    if case.shift_parameters:
        options |= shift_options()
    record: dict = {"case": vars(case).copy(), "target": target, "true_nrms": true_nrms}
    misfit = method.misfit()
    begin = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # Far starts, and the published mesh, are beyond what a mesh is made for.
            warnings.simplefilter("ignore", jaxmt.MeshWarning)
            result = jaxmt.invert(
                data,
                given.mesh,
                starting_section(given, case.start),
                misfit,
                target=target,
                max_iterations=extent.iterations,
                **options,
            )
    except (ArithmeticError, ValueError, MemoryError) as error:
        return record | {"failure": f"{type(error).__name__}: {error}"}
    if result.ending is jaxmt.Ending.INTERRUPTED:
        raise KeyboardInterrupt
    record["wall_seconds"] = time.perf_counter() - begin
    record |= outcome(result) | measures(given, result.resistivity)
    if share:
        record["misfit_seconds"] = misfit_seconds(misfit, data, result.predicted)
    if sections is not None:
        np.savez_compressed(
            sections / f"{case.digest}.npz",
            log10_resistivity=np.log10(result.resistivity).astype(np.float32),
            nrms=np.array(result.history["nrms"], dtype=np.float32),
        )
    return record


def outcome(result: jaxmt.Result) -> dict:
    """How an inversion ended, and its time without compilation, s."""
    seconds = np.array(result.history["seconds"])
    steps = np.diff(seconds)
    middle = float(np.median(steps)) if steps.size else 0.0
    moved = {name: float(of(result.history[name])) for name, of in MOVED.items() if name in result.history}
    return moved | {
        "nrms": float(result.nrms),
        "roughness": result.history["roughness"][int(np.argmin(result.history["nrms"]))],
        "converged": bool(result.converged),
        "message": result.message,
        "iterations": len(seconds) - 1,
        "iteration_seconds": middle,
        "seconds": middle * (len(seconds) - 1),
        "first_seconds": float(seconds[0]),
    }


def measures(given: Problem, found: np.ndarray) -> dict:
    """How near a section is to the true one, by every definition."""
    model, mesh, true = given.model, given.mesh, given.true
    line = given.survey.stations
    numbers = {
        "rmse": comparison.rmse(mesh, true, found, line, model.depth),
        "area_rmse": comparison.area_rmse(mesh, true, found, line, model.depth),
        "similarity": comparison.similarity(mesh, true, found, line, model.depth),
        "published_rmse": comparison.published_rmse(true, found),
        "published_similarity": comparison.published_similarity(mesh, true, found),
    }
    if model.body is not None:
        body = model.body
        y, z = np.meshgrid(mesh.y_centres, mesh.z_centres)
        inside = body.contains(y, z)
        # As high again, below it.
        below = body.contains(y, z - (body.bottom - body.top))
        for name, cells in (("inside", inside), ("below", below)):
            numbers[name] = comparison.recovery(mesh, found, cells, body.resistivity, model.host)
    return numbers


def misfit_seconds(misfit: AbstractMisfit, data: jaxmt.Data, last: np.ndarray) -> float:
    """Median time of a misfit and its gradient, warm, as a prediction comes near its last state, s."""
    prepared, state = misfit.prepare(data)
    far = last + OFFSET[:, None, None]
    both = jax.jit(lambda p, s: jax.value_and_grad(lambda q: misfit(q, prepared, s), has_aux=True)(p))
    times = []
    for part in np.linspace(0, 1, STEPS):
        begin = time.perf_counter()
        ((_, state), gradient) = both((1 - part) * far + part * last, state)
        jax.block_until_ready((state, gradient))
        times.append(time.perf_counter() - begin)
    return float(np.median(times[2:]))
