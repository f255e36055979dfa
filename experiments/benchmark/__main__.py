"""How long does a misfit and its gradient take, and how much memory, beside SimPEG?

`python -m experiments.benchmark [--quick] [--out DIR]` prints, in one run, value and gradient of TE and
TM with each solver of jaxmt and with SimPEG, how both grow, and where an iteration spends its time.
`--newton` prints where an iteration of Gauss-Newton spends it instead, `--start` how long the first call of
everything takes in a fresh process, and in one that finds the programs of an earlier one.
"""

import os
from pathlib import Path

from matplotlib.figure import Figure

import jaxmt

from .. import options as command
from .case import CASES, SERIES, Case, size
from .codes import BACKENDS, SIMPEG, default_backend
from .drawing import iteration, scaling
from .evaluation import differences
from .machine import machine
from .measurement import measure
from .newton import NEWTON_CASES, NEWTON_PARTS
from .parts import PARTS
from .start import start

HEAD = (
    f"{'rows x columns, frequencies, stations':37}{'code':18}{'seconds':>9}{'fastest':>9}{'load':>6}"
    f"{'SimPEG/it':>11}{'MiB':>8}{'total':>8}{'Z off, rms':>12}{'max':>8}{'gradient':>10}"
)
LEGEND = """seconds: median of value and gradient, each of another model, after a first call that compiles.
load: processes that wanted a core in the minute before; many slow a row down, and spoil its ratio.
SimPEG/it: SimPEG's median over this one. MiB: peak memory above that after imports; total: with it.
Z off: difference of the impedances from SimPEG's, in percent; gradient: of the slopes along two bodies."""


LARGE = 100_000
"""Cells beyond which a case is timed once."""


def table(case: Case, codes: list[str], repeats: int) -> list[dict]:
    """Prints and returns a row for each code; SimPEG, the first, is what the others are compared to."""
    rows = []
    reference = None
    for code in codes:
        row, answer = measure("evaluation", code, case, repeats)
        if code == SIMPEG:
            reference = None if answer is None else (row, answer)
        elif answer is not None and reference is not None:
            row["simpeg_ratio"] = reference[0]["seconds"] / row["seconds"]
            row["against_simpeg"] = differences(answer, reference[1], case.bodies())
        print(_line(case, row), flush=True)
        rows.append(row)
    return rows


def _line(case: Case, row: dict) -> str:
    if "failure" in row:
        return f"{case!s:37}{row['code']:18}{row['failure']}"
    name = f"{SIMPEG} {row['solver']}" if row["code"] == SIMPEG else row["code"]
    ratio = f"{row['simpeg_ratio']:11.1f}" if "simpeg_ratio" in row else f"{'':11}"
    line = (
        f"{case!s:37}{name:18}{row['seconds']:9.3f}{row['fastest_seconds']:9.3f}{row['load_average']:6.1f}{ratio}"
        f"{row['peak_mib'] - row['imports_mib']:8.0f}{row['peak_mib']:8.0f}"
    )
    if "against_simpeg" not in row:
        return line
    off = row["against_simpeg"]
    rms, most = (max(off[f"z_xy_{k}"], off[f"z_yx_{k}"]) for k in ("rms", "max"))
    return f"{line}{100 * rms:11.2f}%{100 * most:7.2f}%{100 * off['slope']:9.2f}%"


def profile(cases: tuple[Case, ...], codes: list[str], repeats: int) -> list[dict]:
    """Prints and returns where an iteration of an inversion spends its time."""
    rows = [measure("parts", code, case, repeats)[0] for case in cases for code in codes]
    done = [row for row in rows if "failure" not in row]
    print("\nOne iteration of an inversion, ms")
    print(f"{'':26}" + "".join(f"{row['code']:>18}" for row in done))
    print(f"{'':26}" + "".join(f"{str(Case(**row['case'])).rpartition(',')[0]:>18}" for row in done))
    for part in PARTS:
        print(f"{part:26}" + "".join(f"{1e3 * row['parts'][part]:18.1f}" for row in done))
    print(f"{'whole':26}" + "".join(f"{1e3 * row['seconds']:18.1f}" for row in done))
    for row in rows:
        if "failure" in row:
            print(f"{row['code']}: {row['failure']}")
    return rows


def newton(code: str, cases: tuple[Case, ...], repeats: int) -> list[dict]:
    """Prints and returns where an iteration of Gauss-Newton spends its time."""
    rows = [measure("newton", code, case, repeats)[0] for case in cases]
    for case, row in zip(cases, rows, strict=True):
        print(f"\nGauss-Newton, {case}, {code}")
        if "failure" in row:
            print(row["failure"])
            continue
        print(f"{row['data']} data{'clock, s':>27}{'processor, s':>14}{'/ Jacobian':>12}")
        jacobian = row["parts"]["Jacobian"][1]
        for part in NEWTON_PARTS:
            clock, processor = row["parts"][part]
            print(f"{part:26}{clock:10.2f}{processor:14.2f}{processor / jacobian:12.2f}", flush=True)
    return rows


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "the small grid and jaxmt's default solver: a minute")
    parser.add_argument("--newton", action="store_true", help="the parts of Gauss-Newton alone")
    parser.add_argument("--start", action="store_true", help="the first calls in fresh processes alone")
    options = parser.parse_args()
    if options.newton and options.start:
        parser.error("--newton and --start are two tables: ask for one at a time")
    if options.start:
        folder, about = command.results(options, "benchmark_start"), machine()
        print(f"{about['processor']}, {about['cores']} cores, load {os.getloadavg()[0]:.1f}")
        jaxmt.io.write_summary(folder / "summary.json", {"machine": about, **start(options.quick)})
        print(f"Results are in {folder}")
        return
    if options.newton:
        folder = command.results(options, "benchmark_newton")
        rows = newton(default_backend(), NEWTON_CASES[: 1 if options.quick else None], 5)
        jaxmt.io.write_summary(folder / "summary.json", {"machine": machine(), "newton": rows})
        print(f"Results are in {folder}")
        return
    folder = command.results(options, "benchmark")
    about = machine()
    ours = [default_backend()] if options.quick else list(BACKENDS)
    codes, repeats = [SIMPEG, *ours], 5 if options.quick else 7
    cases = CASES[:1] if options.quick else CASES
    print(f"{about['processor']}, {about['cores']} cores\n{LEGEND}\n{HEAD}")
    summary = {"machine": about, "table": [row for case in cases for row in table(case, codes, repeats)]}
    jaxmt.io.write_summary(folder / "summary.json", summary)
    if not options.quick:
        summary |= _profile_and_scaling(cases, codes, folder)
        jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"Results are in {folder}")


def _profile_and_scaling(cases: tuple[Case, ...], codes: list[str], folder: Path) -> dict[str, list[dict]]:
    """What the full run prints and draws besides the table."""
    parts = profile(cases, codes[1:], 7)
    if any("failure" not in row for row in parts):
        figure = Figure(figsize=(12, 4.5))
        iteration(figure, parts)
        jaxmt.plot.save(figure, folder / "iteration.png")
    print(f"\n{HEAD}")
    grown = list(dict.fromkeys(case for series in SERIES.values() for case in series))
    rows = []
    for case in grown:
        # The largest takes SimPEG minutes.
        rows += table(case, codes, 1 if size(case, "cells") > LARGE else 3)
    figure = Figure(figsize=(14, 7))
    scaling(figure, codes, rows)
    jaxmt.plot.save(figure, folder / "scaling.png")
    return {"iteration": parts, "scaling": rows}


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
