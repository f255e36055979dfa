"""Does a network that is trained on a survey's own layout give an inversion a better start?

`python -m experiments.invlint [--quick] [--models N] [--seed N] [--data DIR] [--out DIR]` makes random
sections and their data, learns to go back from data to sections by ridge regression, InvLINT and a
convolutional network, and sets them beside each other; then it inverts held-out models, COMMEMI 2D-4 and,
where `--data` or JAXMT_DATA has it, the Paralana line from a half-space and from what was predicted.

`python -m experiments.invlint --survey DIR [--predictor FILE]` does so for the line in DIR, read as by
`experiments.survey`; a predictor that was trained for it before can be given.
"""

import argparse
import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import jaxmt
from jaxmt.benchmarks import SYNTHETIC
from jaxmt.data import impedance_error_scale
from jaxmt.field import Line
from jaxmt.field.command import READING
from jaxmt.field.objects import treatment_of
from jaxmt.field.options import Refusal, add, complete, given

from .. import options as command
from . import drawing, scores, starts
from .examples import Counts
from .layout import Layout, layout
from .learning import Learned, Size, learn
from .predictor import load, save
from .training import Schedule

NOISE = 0.02
"""Relative noise of |Z| in the data of random sections and of COMMEMI 2D-4."""

FIELD = "paralana_occam2d"
PREDICTOR = "predictor.eqx"


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much of everything.

    - `stations`, `frequencies`: of the synthetic survey; a field line is seen at as many at most.
    - `mesh`, `fine`, `training`: growth of the meshes to invert, to make data and to train on.
    - `line`: what is learned for a line of field data. `held_out`: test models to invert,
      with first steps of `steps` decades.
    """

    size: Size
    line: Size
    stations: int
    frequencies: int
    mesh: float
    fine: float
    training: float
    held_out: int
    steps: tuple[float, ...]
    iterations: int


SMALL = Size(
    Counts(96, 16, 16), (16, 16), (6, 6), Schedule(batch=16), Schedule(epochs=35, patience=35, batch=16)
)
FULL = Extent(
    Size(), Size(Counts(2000, 200, 200), convolution=None), 16, 9, 0.2, 0.12, 0.25, 5, starts.STEPS, 100
)
QUICK = Extent(
    SMALL, dataclasses.replace(SMALL, convolution=None), 8, 5, 0.4, 0.3, 0.4, 1, starts.STEPS[:1], 8
)


def synthetic(extent: Extent, seed: int, folder: Path) -> dict:
    """The survey of COMMEMI 2D-4: what was learned, and what it is good for."""
    model = SYNTHETIC["2D-4"]
    survey = model.survey(extent.stations, extent.frequencies)
    place = layout(survey, shape=extent.size.shape, growth=extent.training)
    errors = NOISE * impedance_error_scale()[:, None, None] * np.ones((4, *survey_shape(survey)))
    learned, summary = taught(place, errors, np.ones(errors.shape, bool), extent.size, seed, folder)
    mesh = model.design(survey, extent.mesh)
    tests = starts.held_out(learned, extent.held_out, mesh, NOISE, model.depth, extent.fine)
    known = starts.commemi(survey, mesh, NOISE, extent.fine)
    runs = starts.study([*tests, known], learned.predictor, extent.steps, extent.iterations)
    rows = starts.medians(runs, tests, "test models") + starts.medians(runs, [known], known.name)
    print(f"\n{starts.table(rows)}")
    drawing.convergence([tests[0], known], runs, folder / "convergence.png")
    for case, limits in ((tests[0], (1.0, 1e4)), (known, model.range)):
        given = starts.sections(case, learned.predictor)
        name = case.name.replace(" ", "_")
        drawing.starts(case, given, runs, limits, folder / f"starts_{name}.png")
    return {**summary, "starts": rows, "runs": [run.row for run in runs]}


def survey_shape(survey: jaxmt.Survey) -> tuple[int, int]:
    """Frequencies and stations."""
    return survey.frequencies.size, survey.stations.size


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Turns what is refused at a door into an exit with its message."""
    try:
        yield
    except ValueError as error:
        raise SystemExit(f"Nothing learned: {error}") from None


def taught(
    place: Layout, errors: np.ndarray, mask: np.ndarray, size: Size, seed: int, folder: Path
) -> tuple[Learned, dict]:
    """What is learned, printed, drawn and saved; and its numbers."""
    begin = time.perf_counter()
    with refusals():
        learned = learn(place, errors, mask, size, seed, folder)
    seconds = time.perf_counter() - begin
    print(f"\n{scores.table(learned.scores)}")
    first, second = learned.determination
    print(
        f"R2 of the kernel integrals: {first:.3f} training, {second:.3f} test; {learned.important} of "
        f"{learned.singular_values['kernel integrals'].size} singular values above 1 %; "
        f"{seconds:.0f} s to simulate and learn"
    )
    drawing.singular_values(learned, folder / "singular_values.png")
    drawing.training(learned, folder / "training.png")
    drawing.pictures(learned, 4, folder / "sections.png")
    save(folder / PREDICTOR, learned.predictor)
    return learned, {**learned.summary(), "learning_seconds": seconds}


def field_line(path: Path, options: argparse.Namespace) -> Line:
    """A line of field data without its tippers, or an exit with what is missing."""
    with refusals():
        return Line.read(path, options.treatment, tipper=False)


def on_line(line: Line, extent: Extent, options: argparse.Namespace, folder: Path) -> dict:
    """A line of field data: a predictor for its layout, and inversions from what it predicts."""
    middle = line.data.median_resistivity()
    seen = starts.thinned(line.data, extent.frequencies)
    with refusals():
        place = layout(seen.survey, middle, shape=extent.line.shape, growth=extent.training)
    print(
        f"\n{line.name}: {seen.survey.stations.size} stations, {seen.survey.frequencies.size} of "
        f"{line.data.survey.frequencies.size} frequencies, {int(seen.mask[:4].sum())} data to learn from, "
        f"median {middle:.3g} ohm m"
    )
    if options.predictor is not None:
        with refusals():
            predictor = load(options.predictor, seen, place.mesh)
        summary: dict[str, Any] = {"predictor": str(options.predictor)}
    else:
        learned, summary = taught(place, seen.errors[:4], seen.mask[:4], extent.line, options.seed, folder)
        predictor = learned.predictor
    summary["outside_training"] = predictor.strange(seen)
    print(f"{100 * summary['outside_training']:.1f} % of the data lie beyond all training models")
    case = starts.field(line, seen, extent.mesh, float(place.z_edges[-1]) / 2)
    runs = starts.study([case], predictor, extent.steps, extent.iterations)
    rows = starts.medians(runs, [case], line.name)
    print(f"\n{starts.table(rows)}")
    drawing.convergence([case], runs, folder / "convergence.png")
    low, high = place.range
    limits = float(10**low), float(10**high)
    drawing.starts(case, starts.sections(case, predictor), runs, limits, folder / "starts.png")
    return summary | {"line": line.name, "starts": rows}


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = command.parser(__doc__, "few small models, short training: a minute")
    parser.add_argument(
        "--survey", dest="path", type=Path, metavar="DIR", help="train on this line's layout"
    )
    parser.add_argument("--predictor", type=Path, metavar="FILE", help="trained for this line before")
    parser.add_argument("--models", type=int, metavar="N", help="training models")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    command.add_data(parser)
    add(parser, READING)
    options = parser.parse_args()
    try:
        options.treatment = treatment_of(complete(given(vars(options))))
    except Refusal as refusal:
        parser.error(str(refusal))
    if options.predictor is not None and options.path is None:
        parser.error("--predictor is for --survey DIR.")
    return options


def main() -> None:
    """Runs the experiment from the command line."""
    options = parsed()
    extent = QUICK if options.quick else FULL
    if options.models is not None:
        tenth = max(options.models // 10, 1)
        with refusals():
            counts = Counts(options.models, tenth, tenth)
        size, line = (dataclasses.replace(size, counts=counts) for size in (extent.size, extent.line))
        extent = dataclasses.replace(extent, size=size, line=line)
    begin = time.perf_counter()
    summary: dict = {"seed": options.seed, "quick": options.quick, "noise": NOISE}
    if options.path is not None:
        line = field_line(options.path, options)
        print(line.journal)
        folder = command.results(options, f"invlint_{line.name}")
        summary |= on_line(line, extent, options, folder)
    else:
        folder = command.results(options, "invlint")
        summary |= synthetic(extent, options.seed, folder)
        data = options.data or Path(os.environ.get("JAXMT_DATA", ""))
        if not options.quick and (data / FIELD).is_dir():
            inner = folder / "paralana"
            inner.mkdir(exist_ok=True)
            line = field_line(data / FIELD / "edi", options)
            line = dataclasses.replace(line, name="Paralana")
            summary["field"] = on_line(line, extent, options, inner)
        elif not options.quick:
            print(f"No {FIELD} in --data or JAXMT_DATA: no field line.")
    summary["seconds"] = time.perf_counter() - begin
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"{summary['seconds']:.0f} s; results are in {folder}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
