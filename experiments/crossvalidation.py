"""Which misfit predicts field data that it has not seen?

`python -m experiments.crossvalidation [--line NAME ...] [--leave data|stations|frequencies] [--folds 3]
[--question misfits|settings] [--method NAME ...] [--processes N] [--quick] [--out DIR]` inverts each line
on a coarse mesh without one fold of its data at a time and compares what was left out with the responses.
The same command goes on where it was stopped; what is already there is not inverted again.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import jaxmt
from jaxmt.batch.cross_validation import LEFT_OUT
from jaxmt.field import Line
from jaxmt.transport import Relaxed

from . import options as command

GROWTH, PER_DECADE, ITERATIONS, TARGET = 0.3, 4, 100, 1.05
REFERENCE = "least squares"


@dataclasses.dataclass(frozen=True)
class Source:
    """A folder or file below the data folder, and which line of it."""

    path: str
    line: str | None = None


LINES = {
    "coprod2": Source("coprod2/coprod2data.dat"),
    "tennant1": Source("east_tennant/L1"),
    "tennant2": Source("east_tennant/L2"),
    "tennant3": Source("east_tennant/L3"),
    "cafe": Source("cafe_cascadia/edi"),
    "paralana": Source("paralana_occam2d/edi"),
    "usarray10": Source("cascadia_modem/xml", "10"),
    "grid14": Source("strangers/grid14"),
    "twolines15": Source("strangers/twolines12", "15"),
    "twolines16": Source("strangers/twolines12", "16"),
    "mt3dinv4": Source("mt3dinv4/edi"),
}

GAUSS_NEWTON = {"optimiser": jaxmt.GaussNewton()}

MISFITS: dict[str, dict[str, Any]] = {
    REFERENCE: {"misfit": jaxmt.LeastSquares()},
    "6-D transport": {"misfit": jaxmt.CloudTransport()},
    "weights of 6-D, no transport": {"misfit": jaxmt.PairedClouds()},
    "Student's t": {"misfit": jaxmt.Student()},
    "least squares, Gauss-Newton": {"misfit": jaxmt.LeastSquares(), **GAUSS_NEWTON},
    "phases x 2": {"misfit": jaxmt.LeastSquares(phase_weight=2.0)},
    "Huber": {"misfit": jaxmt.Huber()},
    "3-D transport": {"misfit": jaxmt.ComponentTransport()},
    "6-D sliding": {"misfit": jaxmt.CloudTransport.sliding()},
    "6-D, Gauss-Newton": {"misfit": jaxmt.CloudTransport().for_long_steps(), **GAUSS_NEWTON},
    "6-D partial": {"misfit": jaxmt.CloudTransport(marginals=Relaxed(0.1, 0.1))},
    "6-D, then least squares": {"misfit": jaxmt.HandOver(jaxmt.CloudTransport(), jaxmt.LeastSquares())},
}
FEW = tuple(MISFITS)[:4]
"""Those compared on every line unless others are named."""


def settings(data: jaxmt.Data) -> dict[str, dict[str, Any]]:
    """The reference with one thing changed each."""
    one = MISFITS[REFERENCE]
    floored = {f"floor of {floor:g}": {**one, "data": data.with_floor(floor)} for floor in (0.1, 0.2)}
    return {
        REFERENCE: one,
        "no static shifts": {**one, "static_shift": None},
        "static shifts of 0.1": {**one, "static_shift": jaxmt.StaticShift(0.1)},
        "twice the smoothing": {**one, "trade_off": jaxmt.Cooling(ratio=2.0)},
        "half the smoothing": {**one, "trade_off": jaxmt.Cooling(ratio=0.5)},
        **floored,
        "to nRMS 1.5": {**one, "target": 1.5},
        "no target": {**one, "target": 0.1},
    }


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "one line, two misfits, two folds, few iterations")
    parser.add_argument("--line", nargs="+", choices=list(LINES), default=list(LINES), metavar="NAME")
    parser.add_argument("--leave", choices=LEFT_OUT, default="data")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--question", choices=("misfits", "settings"), default="misfits")
    parser.add_argument("--method", nargs="+", metavar="NAME", help="only these, or all")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="at once; default 1")
    command.add_data(parser)
    options = parser.parse_args()
    lines = options.line[:1] if options.quick else options.line
    root = command.data_folder(options.data, [LINES[name].path.split("/")[0] for name in lines])
    folder = command.results(options, f"crossvalidation{'_quick' if options.quick else ''}")
    found: dict[str, jaxmt.CrossValidation] = {}
    for name in lines:
        line = Line.read(root / LINES[name].path, line=LINES[name].line, per_decade=PER_DECADE)
        data = line.data
        known = MISFITS if options.question == "misfits" else settings(data)
        names = options.method or list(FEW if known is MISFITS else known)
        names = list(known) if names == ["all"] else names
        if unknown := set(names) - set(known):
            parser.error(f"--method {sorted(unknown)[0]!r} is none of {', '.join(known)}.")
        methods = {each: known[each] for each in (names[:2] if options.quick else names)}
        folds = 2 if options.quick else options.folds
        place = folder / f"{name}-{options.leave}-{folds}"
        with tqdm(total=folds * len(methods), desc=name, unit="inversion", dynamic_ncols=True) as bar:
            found[name] = validated(place, data, methods, folds, options, bar)
        print(table(name, data, found[name]), flush=True)
        (folder / f"{place.name}-{options.question}.json").write_text(
            as_json(found[name]), encoding="utf-8"
        )
    figure = Figure(figsize=(10, 1.5 + 0.35 * sum(len(one.residuals) for one in found.values()) ** 0.8))
    draw(figure, found)
    picture = folder / f"{options.leave}-{options.question}.png"
    jaxmt.plot.save(figure, picture)
    print(f"Results are in {folder}, the figure is {picture}")


def validated(
    place: Path, data: jaxmt.Data, methods: Mapping[str, Any], folds: int, options: Any, bar: Any
) -> jaxmt.CrossValidation:
    """The cross-validation of a line."""
    start = data.median_resistivity()
    return jaxmt.cross_validate(
        data,
        jaxmt.Mesh.design(data.survey, start, growth=GROWTH),
        {name: {"static_shift": jaxmt.StaticShift(), **method} for name, method in methods.items()},
        folds=folds,
        leave=options.leave,
        folder=place,
        executor=None if options.processes == 1 else jaxmt.Processes(options.processes),
        progress=lambda *_: bar.update(),
        **{"start": start, "target": TARGET, "max_iterations": 4 if options.quick else ITERATIONS},
    )


def table(name: str, data: jaxmt.Data, found: jaxmt.CrossValidation) -> str:
    """The scores of a line as a table of Markdown."""
    text = [
        f"\n{name}: {data.survey.stations.size} stations, {int(data.mask.sum())} data, "
        f"{found.folds.max() + 1} folds",
        "| method | nRMS of data seen | of data left out | standard error | 1.48 median | "
        "log ratio to the first | its standard error |",
        "|---|---|---|---|---|---|---|",
    ]
    first = next(iter(found.residuals))
    for method, seen, left, error, spread in found.rows():
        gain, of_gain = found.beside(method, first)
        numbers = (f"{x:.3f}" for x in (seen, left, error, spread, gain, of_gain))
        text.append(f"| {method} | {' | '.join(numbers)} |")
    text += [f"{task} failed: {why}" for task, why in found.failed.items()]
    return "\n".join(text)


def as_json(found: jaxmt.CrossValidation) -> str:
    """The scores by method and fold."""
    scores = {
        name: {
            "seen": found.trained[name].tolist(),
            "left_out": found.nrms(name).tolist(),
            "spread": found.spread(name).tolist(),
        }
        for name in found.residuals
    }
    return json.dumps({"scores": scores, "failed": dict(found.failed)}, indent=1)


def draw(figure: Figure, found: Mapping[str, jaxmt.CrossValidation]) -> None:
    """Draws nRMS of what was left out over that of the first method, a row a method, a dot a line."""
    ax = figure.add_subplot()
    methods = list(dict.fromkeys(name for one in found.values() for name in one.residuals))
    ax.axvline(0.0, color="0.6", linewidth=1)
    for k, (line, one) in enumerate(found.items()):
        first = next(iter(one.residuals))
        gains = np.array(
            [one.beside(name, first) if name in one.residuals else (np.nan, np.nan) for name in methods]
        )
        height = np.arange(len(methods)) + 0.6 * ((k + 0.5) / len(found) - 0.5)
        ax.errorbar(
            100 * np.expm1(gains[:, 0]),
            height,
            xerr=100 * gains[:, 1],
            fmt="o",
            markersize=4,
            capsize=2,
            label=line,
        )
    ax.set_yticks(range(len(methods)), methods)
    ax.invert_yaxis()
    ax.set_xlabel("nRMS of data left out, beside the first method (%); bars are standard errors over folds")
    figure.set_layout_engine("constrained")
    figure.legend(loc="outside right upper", frameon=False)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted; the same command goes on.") from None
