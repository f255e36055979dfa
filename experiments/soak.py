"""Does a process that works for hours stay as large as it was? `python -m experiments.soak [--minutes N]`.

One process inverts surveys of ever other shapes, looks at a folder with files that are damaged, and has the
command interrupted at a random moment and gone on with, in turn. After each round it counts what it holds:
memory, threads, open files, mappings, and temporary files on disk. All must stay as they were once every
kind of work has been done; the exit status is 1 where they do not. On Linux.
"""

import contextlib
import dataclasses
import gc
import io
import os
import random
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import jaxmt
from jaxmt import signals
from jaxmt.benchmarks import SYNTHETIC
from jaxmt.field.command import main as command
from jaxmt.io import write_edi
from jaxmt.processing.site import Site

from . import options as command_line

MOST = 300.0
"""MB that the process may grow by."""

TOLD = ("--quick", "--iterations", "3", "--per-decade", "1", "--misfit", "l2")
LATEST = 20.0
"""Seconds after which a run is interrupted at the latest."""

NAMES = ("round", "minutes", "memory MB", "threads", "open files", "mappings", "temporary files")


@dataclasses.dataclass(frozen=True)
class Held:
    """What a process holds after a round, in the order of `NAMES`."""

    round: int
    minutes: float
    memory: float
    threads: int
    files: int
    mappings: int
    temporary: int

    @classmethod
    def now(cls, number: int, since: float, folder: Path) -> "Held":
        """Now; temporary files are those in `folder`."""
        gc.collect()
        own = Path("/proc/self")
        pages = int((own / "statm").read_text().split()[1])
        return cls(
            number,
            (time.monotonic() - since) / 60,
            pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            len(list((own / "task").iterdir())),
            len(list((own / "fd").iterdir())),
            (own / "maps").read_bytes().count(b"\n"),
            sum(file.is_file() for file in folder.rglob("*")),
        )

    def row(self) -> str:
        """A row of the table."""
        numbers = (f"{value:.1f}" if isinstance(value, float) else value for value in vars(self).values())
        return f"| {' | '.join(map(str, numbers))} |"


def main() -> int:
    """Runs the experiment from the command line; the exit status."""
    parser = command_line.parser(__doc__, "three rounds")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long; default 60")
    parser.add_argument("--seed", type=int, default=0, help="of shapes, damages and moments")
    options = parser.parse_args()
    if not Path("/proc/self/statm").is_file():
        raise SystemExit("What a process holds is read from /proc/self, which Linux alone has.")
    folder = command_line.results(options, "soak").resolve()
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    (work / "temporary").mkdir(parents=True)
    os.environ["TMPDIR"] = str(work / "temporary")
    signals.listen()
    chance = random.Random(options.seed)
    write_survey(work / "EDI")
    begin, held = time.monotonic(), []
    print(f"| {' | '.join(NAMES)} |\n|{'---|' * len(NAMES)}")
    while not (options.quick and len(held) == 3) and time.monotonic() - begin < 60 * options.minutes:
        for kind in (invert_a_shape, look_at_damage, interrupt_a_run):
            kind(work, chance)
        held.append(Held.now(len(held) + 1, begin, work / "temporary"))
        print(held[-1].row(), flush=True)
    (folder / "table.md").write_text("\n".join(one.row() for one in held) + "\n", encoding="utf-8")
    return judged(held)


def judged(held: list[Held]) -> int:
    """Says what rose after the first round; 1 if something did that may not."""
    first = held[0].memory
    # Threads are begun when they are first needed.
    early, late = held[: max(1, len(held) // 2)], held[len(held) // 2 :]
    rose = {
        name: max(getattr(one, name) for one in late) - max(getattr(one, name) for one in early)
        for name in ("threads", "files", "temporary")
    }
    grown = max(one.memory for one in held) - first
    print(
        f"{len(held)} rounds: memory {grown:+.0f} MB at most, from {first:.0f} MB; from the first half to "
        f"the second, threads {rose['threads']:+d}, open files {rose['files']:+d}, temporary files "
        f"{rose['temporary']:+d}"
    )
    return int(grown > MOST or any(number > 0 for number in rose.values()))


def invert_a_shape(work: Path, chance: random.Random) -> None:
    """Two iterations of a survey whose shape is another each time."""
    del work
    model = SYNTHETIC["single anomaly"]
    survey = model.survey(chance.randint(5, 12), chance.randint(2, 6))
    mesh = model.design(survey, chance.uniform(0.3, 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        found = jaxmt.simulate(mesh, survey, model.resistivity(mesh))
        data = jaxmt.Data.from_responses(found, 0.05)
        jaxmt.invert(data, mesh, 50.0, chance.choice(MISFITS)(), max_iterations=2)


MISFITS: tuple[Callable[[], jaxmt.misfit.AbstractMisfit], ...] = (jaxmt.LeastSquares, jaxmt.CloudTransport)


def look_at_damage(work: Path, chance: random.Random) -> None:
    """A folder in which one station is damaged: cut short, overwritten, emptied, or another thing."""
    place = work / "damaged"
    shutil.copytree(work / "EDI", place)
    victim = chance.choice(sorted(place.iterdir()))
    content = victim.read_bytes()
    at = chance.randrange(len(content))
    victim.write_bytes(
        chance.choice(
            (
                content[:at],
                content[:at] + chance.randbytes(40) + content[at + 40 :],
                b"",
                chance.randbytes(2000),
                content.replace(b"E+", b"E+9"),
            )
        )
    )
    with silence():
        command(["look", str(place)])
    shutil.rmtree(place)


def interrupt_a_run(work: Path, chance: random.Random) -> None:
    """`jaxmt invert`, interrupted at a random moment, and gone on with if it left something."""
    out = work / "OUT"
    timer = threading.Timer(chance.uniform(0, LATEST), signals.send, [signal.SIGINT])
    with silence():
        timer.start()
        try:
            command(["invert", str(work / "EDI"), "-o", str(out), *TOLD])
        finally:
            timer.cancel()
            timer.join()
        # The last one may still be on its way.
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(0.2)
        if (out / "run.toml").is_file() and command(["invert", "--resume", str(out)]) != 0:
            raise SystemExit(f"A run that was interrupted does not go on: {out}")
    left = [str(file) for file in out.rglob("*.part")]
    if left:
        raise SystemExit(f"Files of an interrupted run are left: {', '.join(left)}")
    shutil.rmtree(out, ignore_errors=True)


def write_survey(folder: Path) -> None:
    """EDI files of four stations over a half-space whose phases differ."""
    folder.mkdir()
    frequencies = np.geomspace(100.0, 1.0, 5)
    size = np.sqrt(2 * np.pi * frequencies * jaxmt.conventions.MU_0 * 100.0)
    for k in range(4):
        z = np.zeros((5, 2, 2), dtype=complex)
        z[:, 0, 1] = size * np.exp(1j * np.deg2rad(35 + k))
        z[:, 1, 0] = -size * np.exp(1j * np.deg2rad(60 - k))
        nothing = np.full((5, 2), np.nan)
        errors = np.full((5, 2, 2), 0.02) * size[:, None, None]
        site = Site(
            name=f"S{k}",
            frequencies=frequencies,
            z=z,
            z_error=errors,
            tipper=nothing + 0j,
            tipper_error=nothing,
            azimuth=np.zeros(5),
            latitude=0.0,
            longitude=0.02 * k,
            elevation=100.0,
        )
        write_edi(folder / f"S{k}.edi", site)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing that is said within is shown."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


if __name__ == "__main__":
    sys.exit(main())
