"""Runs HARPA's questions, from the command line.

`python -m experiments.harpa [--quick] [--parts known unknown ...] [--seed N] [--out DIR]`

- known: the speed is known; chaotic and ordered events.
- network: the same by a neural field in place of a table of travel times.
- noise: does Langevin noise help?
- picks: spurious and missing picks. sweeps: stations and events; wrong speeds and late picks.
- unknown: the speed is unknown, and found with the events.

All of them by default; known, picks and unknown with `--quick`.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

import jaxmt

from .. import options as command
from . import drawing, studies
from .association import Phase
from .hopping import Hops
from .joint import JointSearch
from .unknown import Training

PARTS = ("known", "network", "noise", "picks", "sweeps", "unknown")
QUICK_PARTS = ("known", "picks", "unknown")
COLUMNS = {
    "chaos": ("chaos", "{:.2f}"),
    "accuracy": ("accuracy", "{:.3f}"),
    "arrival_error": ("e_l, s", "{:.3f}"),
    "location_error": ("place, km", "{:.2f}"),
    "time_error": ("time, s", "{:.3f}"),
    "speed_error": ("speed, km/s", "{:.2f}"),
    "success": ("success", "{:.2f}"),
}


def report(rows: list[dict], by: Sequence[str], title: str) -> list[dict]:
    """Prints and returns the medians of rows that agree in the columns `by`."""
    print(f"\n{title} (medians)")
    shown = [name for name in COLUMNS if name in rows[0]]
    heads = [*by, "scenes", *[COLUMNS[name][0] for name in shown]]
    print("".join(f"{head:>13}" for head in heads))
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    medians = []
    for values, mine in groups.items():
        median = {name: float(np.median([row[name] for row in mine])) for name in shown}
        medians.append({**dict(zip(by, values, strict=True)), **median})
        cells = [*values, len(mine), *[COLUMNS[name][1].format(median[name]) for name in shown]]
        print("".join(f"{cell:>13}" for cell in cells))
    return medians


class Bar:
    """A bar for each study."""

    def __init__(self, name: str) -> None:
        self._bar = tqdm(total=1.0, desc=f"{name:8}", dynamic_ncols=True, bar_format=BAR)

    def __call__(self, share: float, word: str) -> None:
        """Moves on."""
        self._bar.set_postfix_str(word, refresh=False)
        self._bar.update(min(share, 1.0 - self._bar.n))

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the bar."""
        del error
        self._bar.close()


BAR = "{desc} {percentage:3.0f}%|{bar:20}| {elapsed} {postfix}"


def grid(rows: list[dict], by: tuple[str, str], value: str = "accuracy") -> tuple[np.ndarray, list, list]:
    """Medians on the grid of two columns, and their values."""
    down, across = (sorted({row[name] for row in rows}) for name in by)
    cells = [
        [np.median([row[value] for row in rows if (row[by[0]], row[by[1]]) == (d, a)]) for a in across]
        for d in down
    ]
    return np.array(cells), down, across


def known(size: studies.Size, seed: int, folder: Path) -> dict:
    """The first question."""
    with Bar("known") as bar:
        rows, shown = studies.known(size, seed, bar)
    drawing.arrivals(
        shown,
        ["random speed, 1 s", "random speed, 10 s", "random speed, 100 s", "thrust, 1 s"],
        folder / "arrivals.png",
    )
    drawing.trajectories(shown[0], folder / "trajectories.png")
    return {"rows": rows, "medians": report(rows, ("speed", "window"), "Known speed")}


def network(size: studies.Size, seed: int, folder: Path, quick: bool) -> dict:
    """The second."""
    del folder
    with Bar("network") as bar:
        rows, error = studies.network(size, seed, 200 if quick else 600, bar)
    medians = report(rows, ("speed", "window"), f"A neural field, rms error {error:.3f} s")
    return {"rows": rows, "medians": medians, "field_error": error}


def noise(size: studies.Size, seed: int, folder: Path, quick: bool) -> dict:
    """The third."""
    levels = (0.0, 5e-4, 5e-3) if quick else (0.0, 5e-4, 1e-3, 3e-3, 1e-2)
    size = size if quick else dataclasses.replace(size, restarts=2 * size.restarts)
    with Bar("noise") as bar:
        rows, success = studies.noise(size, seed, levels, bar)
    drawing.noise(levels, success, folder / "noise.png")
    return {"rows": rows, "medians": report(rows, ("noise",), "Noise"), "success": success.tolist()}


def picks(size: studies.Size, seed: int, folder: Path, quick: bool) -> dict:
    """The fourth."""
    with Bar("picks") as bar:
        rows = studies.wrong_picks(size, seed, (0.0, 0.1) if quick else (0.0, 0.05, 0.1), bar)
    figure = Figure(figsize=(5, 4.2), layout="constrained")
    values, down, across = grid(rows, ("spurious", "missing"))
    labels = ("Share of spurious picks", "Share of missing picks")
    drawing.heat(figure.add_subplot(), values, down, across, labels, "Accuracy, median")
    jaxmt.plot.save(figure, folder / "picks.png")
    return {"rows": rows, "medians": report(rows, ("spurious", "missing"), "Spurious and missing picks")}


def sweeps(size: studies.Size, seed: int, folder: Path, quick: bool) -> dict:
    """The fifth."""
    stations, events = ((12,), (3, 4)) if quick else ((10, 20, 40), (4, 8, 16))
    shares, timing = ((0.0, 0.05), (0.1,)) if quick else ((0.0, 0.01, 0.03, 0.1), (0.0, 0.03, 0.1, 0.3))
    with Bar("crowds") as bar:
        crowds = studies.crowds(size, seed, stations, events, bar)
    with Bar("errors") as bar:
        errors = studies.errors(size, seed, shares, timing, bar)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    values, down, across = grid(crowds, ("stations", "events"))
    drawing.heat(left, values, down, across, ("Stations", "Events"), "Accuracy, median")
    values, down, across = grid(errors, ("distortion", "timing"))
    labels = ("Error of the speed, share of it", "Error of a pick (s)")
    drawing.heat(right, values, down, across, labels, "Accuracy, median")
    jaxmt.plot.save(figure, folder / "sweeps.png")
    return {
        "crowds": {
            "rows": crowds,
            "medians": report(crowds, ("stations", "events"), "Stations and events"),
        },
        "errors": {
            "rows": errors,
            "medians": report(errors, ("distortion", "timing"), "Speed and pick errors"),
        },
    }


def unknown(size: studies.Size, seed: int, folder: Path, quick: bool) -> dict:
    """The last."""
    training = Training(12, 12, 3, 100, 24, 4, 3, 32, 2, 300, 512, 1000) if quick else Training()
    # As many restarts at every stage as at another: fewer programs to compile.
    short = (15, Phase(0.01, 1e-3, 400), Hops(2, 5), Hops(1, 3), (Phase(1e-3, 1e-4, 400),), 3)
    search = JointSearch(*short) if quick else JointSearch()
    with Bar("unknown") as bar:
        rows, learning, cubes = studies.unknown(size, training, search, seed, bar)
    outcome, cube = cubes[0]
    drawing.speeds(outcome.scene.truth.speed, cube, outcome, folder / "speeds.png")
    title = "Unknown speed: latent model to {latent_speed_error:.2f} km/s, field to {field_error:.3f} s"
    return {"rows": rows, "medians": report(rows, (), title.format(**learning)), **learning}


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "small cubes, few scenes and steps")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="which questions")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    options = parser.parse_args()
    folder = command.results(options, "harpa")
    size = studies.QUICK if options.quick else studies.Size()
    summary = {"seed": options.seed, "quick": options.quick}
    for part in options.parts or (QUICK_PARTS if options.quick else PARTS):
        begin = time.perf_counter()
        # Seven digits are enough for times of milliseconds.
        with jax.enable_x64(False):
            if part == "known":
                found = known(size, options.seed, folder)
            else:
                found = STUDIES[part](size, options.seed, folder, options.quick)
        summary[part] = {**found, "seconds": time.perf_counter() - begin}
        jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"\nResults are in {folder}")


STUDIES = {"network": network, "noise": noise, "picks": picks, "sweeps": sweeps, "unknown": unknown}


if __name__ == "__main__":
    main()
