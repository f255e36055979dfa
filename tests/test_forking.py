import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

CHILD = """
import os, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import jax
jax.config.update("jax_enable_x64", True)
import jaxmt

y = np.linspace(-3e3, 3e3, 5)
mesh = jaxmt.Mesh(y, np.array([0.0, 1e3, 3e3, 9e3])).with_air()
survey = jaxmt.Survey([1.0], [0.0])
section = np.full(mesh.shape, 100.0)

def simulated():
    return jaxmt.simulate(mesh, survey, section, solver=jaxmt.SuperLU(threads=1))

def forked(doors):
    child = os.fork()
    if child == 0:
        for name, door in doors.items():
            try:
                door()
                print(f"{name}: passed", flush=True)
            except RuntimeError as error:
                print(f"{name}: {error}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)

if sys.argv[1] == "before":
    # Nothing has computed: whoever is forked now may.
    forked({"simulate": simulated})
else:
    responses = simulated()
    data = jaxmt.Data.from_responses(responses)
    objective = jaxmt.Objective(data, mesh, jaxmt.LeastSquares())
    parameters = objective.parametrisation.start(100.0)
    forked({
        "simulate": simulated,
        "invert": lambda: jaxmt.invert(data, mesh, misfit=jaxmt.LeastSquares()),
        "Objective": lambda: jaxmt.Objective(data, mesh),
        "an objective": lambda: objective(parameters),
        "sinkhorn_divergence": lambda: jaxmt.sinkhorn_divergence(np.eye(3), np.eye(3), blur=1.0),
        "jacobian": lambda: jaxmt.jacobian(mesh, survey, section),
        "appraise": lambda: jaxmt.appraise(data, mesh, section),
    })
"""


def said(when):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    # What hangs, hangs for ever: the limit is that of a machine with much else to do.
    child = subprocess.run(
        [sys.executable, "-c", CHILD, when], env=environment, capture_output=True, timeout=300, check=True
    )
    return child.stdout.decode().splitlines()


def test_a_process_forked_after_a_solve_is_refused_at_every_door():
    lines = said("after")
    names = (
        "simulate",
        "invert",
        "Objective",
        "an objective",
        "sinkhorn_divergence",
        "jacobian",
        "appraise",
    )
    assert [line.partition(":")[0] for line in lines] == list(names)
    for line in lines:
        assert ": Process " in line
        assert "forked from one in which JAX had begun to compute" in line
        assert 'by "spawn" or "forkserver"' in line


def test_a_process_forked_before_anything_was_computed_may_compute():
    assert said("before") == ["simulate: passed"]
