"""Is a predicted section a better start for an inversion than a half-space?"""

import dataclasses
import itertools
import warnings
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float
from tqdm import tqdm

import jaxmt
from jaxmt.benchmarks import SYNTHETIC
from jaxmt.comparison import rmse
from jaxmt.field import Line
from jaxmt.inversion.optimisers.descent import FIRST_STEP, LAST_STEP, normalised_adam
from jaxmt.misfit import MISFITS, named

from ..robustness.inversion import outcome
from .layout import LOWEST
from .learning import Learned
from .predictor import Predictor

TARGET = 1.05
STARTS = ("half-space", "ridge", "InvLINT")
COMPARED = ("cloud", "l2")
LABELS = tuple(MISFITS[name].label for name in COMPARED)
STEPS = (FIRST_STEP, LAST_STEP)
"""Decades of a first step: the default of `jaxmt.invert`, and one for a start that fits to some extent."""

Section = Float[np.ndarray, "earth y"]


@dataclasses.dataclass(frozen=True)
class Case:
    """Data to invert from several starts.

    - `seen`: what the predictor takes of them. `depth`: m, how deep the model is judged and shown.
    - `true`: ohm m, on `mesh`; None for field data.
    """

    name: str
    data: jaxmt.Data
    seen: jaxmt.Data
    mesh: jaxmt.Mesh
    depth: float
    true: Section | None = None

    def error(self, section: Section) -> float:
        """RMSE of log10 rho under the stations; NaN where nobody knows."""
        if self.true is None:
            return np.nan
        return rmse(self.mesh, self.true, section, self.data.survey.stations, self.depth)


@dataclasses.dataclass(frozen=True)
class Run:
    """One inversion: its row of the table, and its history and section."""

    row: dict
    nrms: tuple[float, ...]
    section: Section


def held_out(
    learned: Learned, number: int, mesh: jaxmt.Mesh, level: float, depth: float, growth: float
) -> list[Case]:
    """The first `number` test models, with data of a finer mesh (`growth`) than they were learned on.

    - `level`: of the noise, over |Z|.
    """
    layout = learned.predictor.layout
    fine = jaxmt.Mesh.design(
        layout.survey, (layout.resistivity / LOWEST, layout.resistivity), growth=growth
    )
    cases = []
    for k, picture in enumerate(learned.truth[:number]):
        data = noisy(fine, layout.survey, layout.section(picture, fine), level, k)
        cases.append(Case(f"test model {k + 1}", data, data, mesh, depth, layout.section(picture, mesh)))
    return cases


def commemi(survey: jaxmt.Survey, mesh: jaxmt.Mesh, level: float, growth: float) -> Case:
    """COMMEMI 2D-4, which is none of the models to learn from."""
    model = SYNTHETIC["2D-4"]
    fine = model.fine_mesh(survey, growth)
    data = noisy(fine, survey, model.resistivity(fine), level, 0)
    return Case("COMMEMI 2D-4", data, data, mesh, model.depth, model.resistivity(mesh))


def noisy(mesh: jaxmt.Mesh, survey: jaxmt.Survey, section: Section, level: float, seed: int) -> jaxmt.Data:
    """What a section would give, with noise of `level` over |Z|."""
    with warnings.catch_warnings():
        # A random section may be more conductive at the ground than a mesh is made for.
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        responses = jaxmt.simulate(mesh, survey, section)
    data = jaxmt.Data.from_responses(responses, relative_error=level)
    return data.with_noise(jax.random.key(seed), level=level)


def thinned(data: jaxmt.Data, most: int) -> jaxmt.Data:
    """At most so many of the frequencies, evenly spread on a log scale as far as there are any."""
    survey = data.survey
    log = np.log(survey.frequencies)
    wanted = np.linspace(log.max(), log.min(), most)
    chosen = np.unique(np.argmin(np.abs(log - wanted[:, None]), axis=1))
    return jaxmt.Data(survey.at(survey.frequencies[chosen]), data.values[:, chosen], data.errors[:, chosen])


def field(line: Line, seen: jaxmt.Data, growth: float, depth: float) -> Case:
    """A line of field data."""
    mesh = jaxmt.Mesh.design(line.data.survey, line.data.median_resistivity(), growth=growth)
    return Case(line.name, line.data, seen, mesh, depth)


def sections(case: Case, predictor: Predictor) -> dict[str, Section]:
    """The starts, ohm m: the median apparent resistivity, and what is predicted."""
    half_space = np.full(case.mesh.shape, case.data.median_resistivity())
    return {"half-space": half_space} | {by: predictor.start(case.seen, case.mesh, by) for by in STARTS[1:]}


def study(
    cases: Sequence[Case], predictor: Predictor, steps: Sequence[float], iterations: int
) -> list[Run]:
    """Every case from every start by both misfits, with first steps of `steps` decades."""
    runs = []
    given = {case.name: sections(case, predictor) for case in cases}
    jobs = list(itertools.product(cases, COMPARED, steps, STARTS))
    with tqdm(total=len(jobs), desc="invert", unit="run", dynamic_ncols=True) as bar:
        for case, misfit, step, name in jobs:
            bar.set_postfix_str(f"{case.name}, {MISFITS[misfit].label}, {name}")
            runs.append(run(case, misfit, step, name, given[case.name][name], iterations))
            bar.update()
    return runs


def run(case: Case, misfit: str, step: float, name: str, start: Section, iterations: int) -> Run:
    """One inversion; `step`: decades, the first of Adam's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        result = jaxmt.invert(
            case.data,
            case.mesh,
            start,
            named(misfit),
            optimiser=normalised_adam(step),
            target=TARGET,
            max_iterations=iterations,
        )
    ended = outcome(result)
    row = {
        "case": case.name,
        "misfit": MISFITS[misfit].label,
        "first_step": step,
        "start": name,
        "start_nrms": result.history["nrms"][0],
        "start_rmse": case.error(start),
        "converged": ended["converged"],
        "iterations": ended["iterations"],
        "seconds": ended["seconds"],
        "nrms": ended["nrms"],
        "rmse": case.error(result.resistivity),
        "roughness": ended["roughness"],
    }
    return Run(row, tuple(result.history["nrms"]), np.asarray(result.resistivity))


def medians(runs: Sequence[Run], cases: Sequence[Case], name: str) -> list[dict]:
    """Rows of a table: medians over several cases, by misfit, first step and start."""
    among = {case.name for case in cases}
    groups: dict[tuple, list[dict]] = {}
    for done in runs:
        if done.row["case"] in among:
            groups.setdefault(tuple(done.row[key] for key in BY), []).append(done.row)
    found = []
    for values, rows in groups.items():
        middle = {key: float(np.median([row[key] for row in rows])) for key in COLUMNS}
        met = sum(row["converged"] for row in rows)
        found.append(
            {"case": name, **dict(zip(BY, values, strict=True)), "of": len(rows), "met": met} | middle
        )
    return found


BY = ("misfit", "first_step", "start")
COLUMNS = {
    "start_nrms": "nRMS at first",
    "start_rmse": "RMSE at first",
    "iterations": "iterations",
    "seconds": "seconds",
    "nrms": "nRMS",
    "rmse": "RMSE",
}


def table(rows: Sequence[dict]) -> str:
    """The rows in lines."""
    lines = [
        f"{'case':16}{'misfit':15}{'first step':>10}  {'start':12}"
        + "".join(f"{head:>15}" for head in COLUMNS.values())
        + f"{'target met':>12}"
    ]
    for row in rows:
        cells = "".join(f"{'-' if np.isnan(row[key]) else f'{row[key]:.3g}':>15}" for key in COLUMNS)
        met = f"{row['met']} of {row['of']}"
        lines.append(
            f"{row['case']:16}{row['misfit']:15}{row['first_step']:10g}  {row['start']:12}{cells}{met:>12}"
        )
    return "\n".join(lines)
