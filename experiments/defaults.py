"""What does `jaxmt invert` make of surveys that nobody chose for it, with its default settings?

`python -m experiments.defaults [--survey NAME ...] [--data DIR] [--out DIR] [--quick] [--resume]` runs
the command on every survey of public field data, each line of it into a folder of its own, and writes one
table: stations kept, nRMS as inverted and over all usable data, time, how it ended. `--resume` keeps the
surveys that ended.
"""

import contextlib
import dataclasses
import io
import json
import re
import time
from pathlib import Path

import matplotlib.image
import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from jaxmt import plot
from jaxmt.field.command import main as jaxmt

from . import options as command


@dataclasses.dataclass(frozen=True)
class Survey:
    """A folder or file below the data folder, what is typed besides it, and what it is."""

    path: str
    words: tuple[str, ...] = ()
    title: str = ""


SURVEYS = {
    "grid14": Survey("strangers/grid14", title="14 stations on 6 x 5 km"),
    "twolines12": Survey("strangers/twolines12", ("--line", "all"), "AMT, two lines"),
    "threelines25": Survey("strangers/threelines25", ("--line", "all"), "broadband, three lines"),
    "amt28": Survey("strangers/amt28", title="AMT, strongly 3-D"),
    "stratagem21": Survey("strangers/stratagem21", title="no positions"),
    "stratagem21-spacing": Survey("strangers/stratagem21", ("--spacing", "50"), "the same, 50 m apart"),
    "nopositions87": Survey("strangers/nopositions87", title="no positions"),
    "nopositions87-spacing": Survey("strangers/nopositions87", ("--spacing", "50"), "the same, 50 m apart"),
    "mt3dinv4": Survey("mt3dinv4/edi", title="grid of 15 x 12 stations, synthetic, 3-D"),
    "tennant1": Survey("east_tennant/L1", title="East Tennant L1, AMT"),
    "tennant2": Survey("east_tennant/L2", title="East Tennant L2, AMT"),
    "tennant3": Survey("east_tennant/L3", title="East Tennant L3, AMT"),
    "cafe": Survey("cafe_cascadia/edi", title="CAFE-MT and MOCHA, across a coast"),
    "usarray": Survey("cascadia_modem/xml", ("--line", "all"), "USArray, 70 km apart"),
    "paralana": Survey("paralana_occam2d/edi", title="Paralana, broadband"),
    "coprod2": Survey("coprod2/coprod2data.dat", title="COPROD2, along a profile"),
}


@dataclasses.dataclass(frozen=True)
class Row:
    """What became of one line."""

    survey: str
    line: str
    left: int
    asked: int
    nrms: float
    usable: float
    iterations: int
    seconds: float
    ending: str
    folder: Path | None = None

    def cells(self) -> tuple[str, ...]:
        """The cells of its row of the table."""
        numbers = ("-", "-", "-", "-")
        if self.folder is not None:
            numbers = (
                f"{self.nrms:.2f}",
                f"{self.usable:.2f}",
                str(self.iterations),
                f"{self.seconds:.0f}",
            )
        kept = f"{self.left} of {self.asked}" if self.asked else "-"
        return self.survey, self.line, kept, *numbers, self.ending


HEAD = ("survey", "line", "stations", "nRMS", "of all usable data", "iterations", "s", "how it ended")


def rows_of(name: str, out: Path, seconds: float, said: str) -> list[Row]:
    """What lies in the folder of a survey: a row for each line, or one with the last that was said.

    A line that was refused beside others has left no folder; what was said of it is its row.
    """
    found = []
    for summary in sorted(out.rglob("summary.json")):
        told = json.loads(summary.read_text(encoding="utf-8"))
        if "line" not in told:
            continue
        for misfit, run in told["runs"].items():
            fit = json.loads((summary.parent / misfit / "summary.json").read_text(encoding="utf-8"))
            ending = " ".join([run["message"], *fit["warnings"][-1:]])
            found.append(
                Row(
                    name,
                    told["line"],
                    told["stations"],
                    told["asked"],
                    run["nrms"],
                    run["nrms_usable"],
                    run["iterations"],
                    run["seconds"],
                    ending,
                    summary.parent / misfit,
                )
            )
    title = Path(SURVEYS[name].path).stem
    for line, why in re.findall(r"(?m)^Line (.+) is not inverted: (.*)$", said):
        found.append(Row(name, f"{title}, line {line}", 0, 0, np.nan, np.nan, 0, np.nan, why))
    last = [line for line in said.splitlines() if line.strip()]
    return found or [Row(name, "-", 0, 0, np.nan, np.nan, 0, seconds, last[-1] if last else "nothing said")]


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "a coarse mesh and 15 iterations")
    parser.add_argument("--survey", nargs="+", choices=SURVEYS, metavar="NAME", help="only these surveys")
    command.add_data(parser)
    command.add_resume(parser)
    options = parser.parse_args()
    chosen = options.survey or list(SURVEYS)
    data = command.data_folder(options.data, sorted({SURVEYS[n].path.split("/")[0] for n in chosen}))
    folder = command.results(options, "defaults_quick" if options.quick else "defaults")
    rows: list[Row] = []
    for name in tqdm(chosen, unit="survey"):
        survey, out = SURVEYS[name], folder / name
        said = folder / f"{name}.txt"
        if not (options.resume and said.is_file()):
            words = ["invert", str(data / survey.path), "-o", str(out), "--force", *survey.words]
            text, begin = io.StringIO(), time.perf_counter()
            with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
                status = jaxmt([*words, "--quick"] if options.quick else words)
            lines = [
                line
                for line in text.getvalue().splitlines()
                if line.strip() and "it/s" not in line and "s/it" not in line
            ]
            lines.append(f"exit status {status} after {time.perf_counter() - begin:.0f} s")
            said.write_text("\n".join(lines) + "\n", encoding="utf-8")
        told = said.read_text(encoding="utf-8")
        seconds = float(told.split()[-2])
        rows += rows_of(name, out, seconds, told.rpartition("exit status")[0])
    table = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in table) + "\n"
    (folder / "table.md").write_text(text, encoding="utf-8")
    draw([row for row in rows if row.folder is not None], folder / "sections.png")
    print(text)
    print(f"Results are in {folder}")


def draw(rows: list[Row], path: Path) -> None:
    """The sections beside each other."""
    if not rows:
        return
    columns = 3
    height = -(-len(rows) // columns)
    figure = Figure(figsize=(5.6 * columns, 2.9 * height), layout="constrained")
    for ax, row in zip(np.atleast_1d(figure.subplots(height, columns)).flat, rows, strict=False):
        if row.folder is not None:
            ax.imshow(matplotlib.image.imread(row.folder / "section.png"))
            name = row.line if row.line.startswith(row.survey) else f"{row.survey}, {row.line}"
            ax.set_title(f"{name}: nRMS {row.nrms:.2f}", fontsize=9)
    for ax in figure.axes:
        ax.set_axis_off()
    plot.save(figure, path)


if __name__ == "__main__":
    main()
