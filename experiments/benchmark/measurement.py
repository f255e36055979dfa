"""Runs each measurement in a process of its own, so that memory and threads are its own too."""

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import memory
from .case import Case
from .evaluation import Evaluation

ALLOWED = 16e9 / 2**20
"""What a process may use at most, MiB."""
SHARE = 0.8
"""The share of the free memory that a process may use at most."""
PATIENCE = 1800.0
"""Seconds after which a process is given up."""
ROOT = Path(__file__).parents[2]


def measure(
    task: str, code: str, case: Case, repeats: int, allowed: float = ALLOWED
) -> tuple[dict, Evaluation | None]:
    """The row of a code and a case, and its answer; a row with "failure" in it says why there is none.

    - `task`: "evaluation", value and gradient; "parts", where an iteration spends its time;
      "newton", where one of Gauss-Newton does.
    - `allowed`: memory, MiB.
    """
    head = {"code": code, "case": dataclasses.asdict(case)}
    allowed = min(allowed, SHARE * memory.available())
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.npz"
        request = {
            **head,
            "task": task,
            "repeats": repeats,
            "answer": str(answer),
            "memory_mib": allowed,
        }
        row = {**head, **_answered(request)}
        if not answer.exists():
            return row, None
        with np.load(answer) as arrays:
            return row, Evaluation(float(arrays["value"]), *(arrays[k] for k in Evaluation._fields[1:]))


def _answered(request: dict) -> dict:
    command = [sys.executable, "-m", "experiments.benchmark.child", json.dumps(request)]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"no answer after {PATIENCE:.0f} s"}
    if ended.returncode == 0:
        return json.loads(ended.stdout.splitlines()[-1])
    lines = ended.stderr.strip().splitlines() or ["no message"]
    # An exception ends with its message, an abort begins with it.
    said = lines[-1] if any(line.startswith("Traceback") for line in lines) else lines[0]
    gibibytes = request["memory_mib"] / 1024
    return {"failure": f"{said} (status {ended.returncode}; it may use {gibibytes:.1f} GiB)"}
