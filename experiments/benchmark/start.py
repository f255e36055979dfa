"""How long the first of everything takes in a fresh process, and with the programs of an earlier one.

Each row is two processes one after the other, which share a folder of compiled programs that is empty at
first. Seconds of the processor are user and system together, over all threads.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxmt.conventions import MU_0

from .case import BACKGROUND
from .first_call import NOISE, small_data, small_mesh
from .measurement import PATIENCE, ROOT

FOLDER = "strangers/threelines25"
"""The EDI files that `jaxmt look` reads, in the folder of field data."""

TARGET = 1.05
"""nRMS of the small inversion."""

HEAD = f"{'':44}{'first process':>18}{'with its programs':>20}" + "\n{:44}{:>18}{:>20}".format(
    "seconds of", *["CPU    clock"] * 2
)
LEGEND = f"""jaxmt --help, look and whole fits: the process from start to end. A call: without imports and
data; before an inversion a simulation has been compiled. Whole fits: least squares to nRMS {TARGET} with
errors of 5 % of |Z|, from {BACKGROUND:g} ohm m."""

IMPORTS = """
import json, time
def seconds(): return time.process_time(), time.perf_counter()
import jax, equinox, optax
begin = seconds()
import jaxmt
jaxmt.simulate, jaxmt.invert, jaxmt.Data
print(json.dumps([b - a for a, b in zip(begin, seconds())]))
"""


@dataclass(frozen=True)
class Row:
    """What is started.

    - `arguments`: of Python.
    - `whole`: whether the seconds are those of the process, or those that it prints in its last line.
    - `failure`: why it cannot be started, if so.
    """

    name: str
    arguments: tuple[str, ...] = ()
    whole: bool = True
    failure: str | None = None


def rows(quick: bool, problem: Path) -> list[Row]:
    """All rows, or those that take a minute in all.

    - `problem`: a file of `write_problem`, which the last rows invert.
    """
    listed = [Row("import jaxmt, beyond jax, equinox, optax", ("-c", IMPORTS), whole=False)]
    listed += [Row("jaxmt --help", ("-m", "jaxmt", "--help")), _look()]
    calls = {
        "simulate": "simulate",
        "gradient": "gradient",
        "least squares": "invert, least squares, one iteration",
    }
    if not quick:
        calls |= {
            "6-D transport": "invert, 6-D transport, one iteration",
            "3-D transport": "invert, 3-D transport, one iteration",
            "Gauss-Newton": "invert, Gauss-Newton, one iteration",
            "gradient, quick": "gradient, compiler_options=QUICK",
            "NestedDissection": "gradient by NestedDissection",
            "NestedDissection, quick": "the same, compiler_options=QUICK",
        }
    module = "experiments.benchmark.first_call"
    listed += [Row(name, ("-m", module, call), whole=False) for call, name in calls.items()]
    if quick:
        return listed
    ours = str(Path(__file__).with_name("fit_ours.py"))
    return [
        *listed,
        Row("whole fit: jaxmt, Adam", ("-P", ours, str(problem))),
        Row("whole fit: jaxmt, Gauss-Newton", ("-P", ours, str(problem), "GaussNewton")),
    ]


def _look() -> Row:
    name = "jaxmt look, 25 EDI files"
    folder = Path(os.environ.get("JAXMT_DATA", "")) / FOLDER
    if not folder.is_dir():
        return Row(name, failure=f"set JAXMT_DATA to a folder that holds {FOLDER}")
    return Row(name, ("-m", "jaxmt", "look", str(folder)))


def write_problem(file: Path) -> None:
    """A small inversion: mesh, impedances (ohm), their errors, start and target."""
    mesh = small_mesh()
    data = small_data(mesh)
    frequencies = np.asarray(data.survey.frequencies)[:, None]
    found = {}
    # From log10 of apparent resistivity and phase to impedance; TM has the sign of -Z.
    for name, k, sign in (("xy", 0, 1), ("yx", 2, -1)):
        rho, phase = 10 ** np.asarray(data.values[k]), np.radians(np.asarray(data.values[k + 1]))
        impedance = sign * np.sqrt(2 * np.pi * frequencies * MU_0 * rho) * np.exp(1j * phase)
        found |= {f"z_{name}": impedance, f"error_{name}": NOISE * np.abs(impedance)}
    np.savez(
        file,
        frequencies=data.survey.frequencies,
        stations=data.survey.stations,
        y_nodes=mesh.y_nodes,
        z_nodes=mesh.z_nodes,
        start=BACKGROUND,
        target=TARGET,
        **found,
    )


def measured(row: Row, programs: Path) -> dict:
    """Seconds of a row in one process, and the last line it printed; or why there are none.

    - `programs`: where the process keeps its compiled programs, and finds those of an earlier one.
    """
    if row.failure is not None:
        return {"failure": row.failure}
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(programs),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_ENABLE_COMPILATION_CACHE": "1",
        "PYTHONPATH": search,
    }
    before, begin = _of_children(), time.perf_counter()
    try:
        ended = subprocess.run(
            [sys.executable, *row.arguments],
            env=os.environ | kept,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"no answer after {PATIENCE:.0f} s"}
    clock, processor = time.perf_counter() - begin, _of_children() - before
    if ended.returncode != 0:
        said = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        return {"failure": said}
    last = (ended.stdout.strip().splitlines() or [""])[-1]
    if not row.whole:
        processor, clock = json.loads(last)
    return {"processor_seconds": processor, "clock_seconds": clock, "said": last if row.whole else ""}


def _of_children() -> float:
    """Seconds of the processor that the processes took which this one started and which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(listed: Sequence[Row]) -> list[dict]:
    """Prints and returns the rows, each measured twice with one folder of compiled programs."""
    print(HEAD)
    found = []
    for row in listed:
        with tempfile.TemporaryDirectory() as programs:
            cold = measured(row, Path(programs))
            kept = cold if "failure" in cold else measured(row, Path(programs))
        found.append({"name": row.name, "cold": cold, "kept": kept})
        print(line(found[-1]), flush=True)
    return found


def line(row: dict) -> str:
    """One line of the table."""
    name, cold, kept = row["name"], row["cold"], row["kept"]
    for one in (cold, kept):
        if "failure" in one:
            return f"{name:44}{one['failure']}"
    (a, b), (c, d) = ((one["processor_seconds"], one["clock_seconds"]) for one in (cold, kept))
    said = f"   {cold['said']}" if cold["said"].startswith("nRMS") else ""
    return f"{name:44}{a:9.2f}{b:9.2f}{c:11.2f}{d:9.2f}{said}"


def start(quick: bool) -> dict:
    """Prints and returns the table, with the size of its case."""
    mesh = small_mesh()
    deep, wide = mesh.shape
    print(f"{deep} x {wide} cells and {mesh.n_air} rows of air, 13 frequencies, 11 stations\n{LEGEND}")
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        if not quick:
            write_problem(problem)
        return {"cells": mesh.shape, "table": table(rows(quick, problem))}
