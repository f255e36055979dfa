"""One measurement in a process of its own: `python -m experiments.benchmark.child REQUEST`.

REQUEST is a JSON object, and the last line printed is one: see `measurement.measure`, which starts this.
The first call compiles and warms up and is not counted; each call has another model.
"""

import json
import os
import sys
import time

import jax
import numpy as np

from . import memory
from .case import Case
from .codes import REMEDIES, SIMPEG, evaluator
from .newton import newton
from .parts import parts

TASKS = {"parts": parts, "newton": newton}
"""Tasks that have no answer beside their row, by name."""

ENOUGH = 20.0
"""No further repetition after so many seconds."""


def evaluation_row(code: str, case: Case, repeats: int, answer: str) -> dict:
    """Time and memory of value and gradient; the answer for section 0 goes into a file."""
    if code != SIMPEG:
        # What JAX takes to start is part of importing it.
        jax.devices()
    evaluate, solver = evaluator(code, case)
    before, load = memory.peak(), os.getloadavg()[0]
    times: list[float] = []
    busy: list[float] = []
    while len(times) <= repeats and sum(times[1:]) < ENOUGH:
        section = case.section(len(times))
        begin, worked = time.perf_counter(), time.process_time()
        evaluation = evaluate(section)
        times.append(time.perf_counter() - begin)
        busy.append(time.process_time() - worked)
        if len(times) == 1:
            np.savez(answer, **evaluation._asdict())
    return {
        "solver": solver,
        "seconds": float(np.median(times[1:])),
        "fastest_seconds": min(times[1:]),
        "processor_seconds": float(np.median(busy[1:])),
        "first_seconds": times[0],
        "repeats": len(times) - 1,
        "imports_mib": before,
        "peak_mib": memory.peak(),
        "load_average": load,
    }


def main(request: dict) -> dict:
    """The row that a request asks for, or one that says why there is none."""
    memory.limit(request["memory_mib"])
    code, case = request["code"], Case(**request["case"])
    try:
        if request["task"] in TASKS:
            return TASKS[request["task"]](code, case, request["repeats"])
        return evaluation_row(code, case, request["repeats"], request["answer"])
    except ImportError as error:
        return {"failure": f"not installed ({error}): {REMEDIES.get(code, 'pip install jaxmt')}"}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
