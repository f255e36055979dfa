"""Inversions that are killed: what a SIGKILL leaves on disk, and the pairs of optimiser and misfit to try.

A kill takes the memory and leaves the disk. So an image of the disk, taken at a moment, is what a kill at
that moment leaves: one run gives the images of all its renames, before and after. `killed` is the kill
itself, of a process of its own.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problems import BLOCK_MESH, observed

import jaxmt

OPTIMISERS = {
    "Adam": lambda: jaxmt.Descent(transformation=optax.adam(0.05)),
    "L-BFGS": lambda: jaxmt.QuasiNewton(memory=3, trials=2),
    "Gauss-Newton": lambda: jaxmt.GaussNewton(trials=2),
}

KINDS = (
    "least squares",
    "6-D",
    "3-D",
    "hand-over",
    "weighted sum",
    "static shifts",
    "Langevin noise",
    "neural field",
)

MISFITS = {
    "6-D": jaxmt.CloudTransport,
    "3-D": jaxmt.ComponentTransport,
    "hand-over": lambda: jaxmt.HandOver(jaxmt.Huber(), jaxmt.LeastSquares(), nrms=None, iterations=2),
    "weighted sum": lambda: jaxmt.WeightedSum(((1.0, jaxmt.LeastSquares()), (0.5, jaxmt.Student()))),
}

ABSENT = {
    ("L-BFGS", "Langevin noise"),
    ("Gauss-Newton", "Langevin noise"),
    ("Gauss-Newton", "neural field"),
}
"""Langevin noise is a descent of its own, and Gauss-Newton needs cells."""

PAIRS = [(optimiser, kind) for kind in KINDS for optimiser in OPTIMISERS if (optimiser, kind) not in ABSENT]
ITERATIONS, EVERY = 5, 2
RANDOM = 3
"""Random moments at which each pair is killed."""


def neural_field():
    """log10 of resistivity of each cell by a small network of its place, and its weights."""
    net = eqx.nn.MLP(2, "scalar", 4, 1, activation=jnp.tanh, key=jax.random.key(1))
    parameters, static = eqx.partition(net, eqx.is_inexact_array)
    y, z = np.meshgrid(BLOCK_MESH.y_centres / 3e3, np.log10(BLOCK_MESH.z_centres) - 2)
    points = jnp.asarray(np.stack([y.ravel(), z.ravel()], axis=1))

    def section(p):
        return 2 + jax.vmap(eqx.combine(p, static))(points).reshape(BLOCK_MESH.shape)

    return jaxmt.Function(BLOCK_MESH, section), parameters


def run(optimiser, kind, **options):
    """A few iterations of a pair; nothing depends on chance."""
    earth, start = neural_field() if kind == "neural field" else (BLOCK_MESH, 100.0)
    by = OPTIMISERS[optimiser]()
    if kind == "Langevin noise":
        by = jaxmt.langevin(1e-3, key=jax.random.key(2))
    misfit = MISFITS.get(kind, jaxmt.LeastSquares)()
    settings = {
        "optimiser": by,
        "static_shift": jaxmt.StaticShift() if kind == "static shifts" else None,
        "target": 1e-3,
        "max_iterations": ITERATIONS,
    }
    if optimiser == "Gauss-Newton":
        misfit = misfit.for_long_steps()
    data = observed(frequencies=2, modes=("tm",))
    return jaxmt.invert(data, earth, start, misfit, **(settings | options))


def farthest(result, whole):
    """The largest relative difference of an inversion from one that was not killed."""
    assert result.message == whole.message
    names = set(whole.history) - {"seconds"}
    pairs = [(result.history[name], whole.history[name]) for name in sorted(names)]
    pairs += [(result.resistivity, whole.resistivity), (result.predicted, whole.predicted)]
    most = 0.0
    for mine, theirs in pairs:
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(theirs))
        there = np.isfinite(theirs)
        scale = np.abs(theirs[there]).max(initial=np.finfo(float).tiny)
        most = max(most, float(np.abs(mine[there] - theirs[there]).max(initial=0.0) / scale))
    return most


def images(folder, into, work):
    """What is in `folder` right before and right after every rename while `work()` runs."""
    replace, taken = os.replace, []

    def take():
        taken.append(into / f"{len(taken):03d}")
        shutil.copytree(folder, taken[-1])

    def renamed(source, target):
        if Path(folder) not in Path(target).parents:
            return replace(source, target)
        take()
        replace(source, target)
        return take()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", renamed)
        work()
    return taken


CHILD = """
import os, sys
import jax
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 3)
jax.config.update("jax_numpy_dtype_promotion", "strict")
import kills
kills.doomed(*sys.argv[1:])
"""


def doomed(optimiser, kind, path, rename, seconds):
    """Runs a pair, and ends by SIGKILL at a rename, counted from 0, or after seconds of iterations."""
    replace, done, begun = os.replace, [], []

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def renamed(source, target):
        if target == Path(path):
            if len(done) == int(rename):
                die()
            done.append(target)
        replace(source, target)

    def progress(record):
        if not begun:
            begun.append(time.monotonic())
            if float(seconds) >= 0:
                threading.Timer(float(seconds), die).start()

    os.replace = renamed
    run(optimiser, kind, checkpoint=jaxmt.Checkpoint(path, every=EVERY), progress=progress)
    print(time.monotonic() - begun[0])


def programs():
    """The folder of compiled programs that processes share."""
    return str(jax.config.jax_compilation_cache_dir)  # pyright: ignore[reportAttributeAccessIssue]


def killed(optimiser, kind, *, path, rename=-1, seconds=-1.0):
    """The exit status of a process that runs a pair and is killed, and what it said."""
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (here.parent, here)))}
    child = subprocess.run(
        [sys.executable, "-c", CHILD, optimiser, kind, str(path), str(rename), str(seconds)],
        env=environment | {"JAX_COMPILATION_CACHE_DIR": programs()},
        capture_output=True,
        text=True,
        check=False,
    )
    return child.returncode, child.stdout
