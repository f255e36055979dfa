import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optax
import pytest
from problems import BLOCK_MESH, observed

from jaxmt import Checkpoint, CloudTransport, Ending, LeastSquares, invert

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

ADAM = optax.adam(0.1)
COLUMNS = ("iteration", "loss", "nrms", "roughness", "regularization_factor", "blur")


class Killed(Exception):
    """Stands for a power cut: `invert` knows nothing of it."""


def dies_at(iteration):
    def progress(record):
        if record.iteration == iteration:
            raise Killed

    return progress


@pytest.fixture(scope="module")
def data():
    return observed(frequencies=2)


def run(data, **options):
    settings = {"misfit": CloudTransport(), "optimiser": ADAM, "target": 1e-3, "max_iterations": 9}
    return invert(data, BLOCK_MESH, 100.0, **(settings | options))


@pytest.fixture(scope="module")
def whole(data):
    return run(data)


def assert_same(result, whole):
    """Bit by bit: the state holds everything, and nothing depends on chance."""
    for column in COLUMNS:
        np.testing.assert_array_equal(result.history[column], whole.history[column])
    np.testing.assert_array_equal(result.resistivity, whole.resistivity)
    assert result.nrms == whole.nrms
    assert result.message == whole.message


@pytest.mark.parametrize("died", [2, 5, 6, 9])
def test_a_resumed_run_ends_as_if_nothing_had_happened(died, data, whole, tmp_path):
    path = tmp_path / "new" / "run.checkpoint"
    with pytest.raises(Killed):
        run(data, checkpoint=Checkpoint(path, every=3), progress=dies_at(died))
    assert path.exists() == (died >= 3)
    seen = []
    result = run(data, checkpoint=Checkpoint(path, every=3, resume=True), progress=seen.append)
    assert seen[0].iteration == died - died % 3
    assert_same(result, whole)
    assert list(path.parent.iterdir()) == [path]


CHILD = """
import os, signal, sys
import jax
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 3)
jax.config.update("jax_numpy_dtype_promotion", "strict")
import jaxmt
from test_checkpoint import run
from problems import observed

def progress(record):
    if record.iteration == 4:
        os.kill(os.getpid(), signal.SIGKILL)

run(observed(frequencies=2), checkpoint=jaxmt.Checkpoint(sys.argv[1], every=1), progress=progress)
"""


def test_a_run_that_was_killed_goes_on_in_another_process(data, whole, tmp_path):
    path = tmp_path / "run.checkpoint"
    here = Path(__file__).parent
    found = os.pathsep.join(map(str, (here.parents[1], here.parent, here)))
    environment = os.environ | {"PYTHONPATH": found}
    child = subprocess.run([sys.executable, "-c", CHILD, path], env=environment, check=False)
    assert child.returncode == -signal.SIGKILL
    assert_same(run(data, checkpoint=Checkpoint(path, resume=True)), whole)


def test_an_interrupt_saves_the_last_iteration(data, whole, tmp_path):
    def interrupt(record):
        if record.iteration == 4:
            raise KeyboardInterrupt

    path = tmp_path / "run.checkpoint"
    short = run(data, checkpoint=Checkpoint(path, every=100), progress=interrupt)
    assert short.ending is Ending.INTERRUPTED
    seen = []
    result = run(data, checkpoint=Checkpoint(path, resume=True), progress=seen.append)
    assert seen[0].iteration == 4
    assert_same(result, whole)


def test_a_finished_run_is_not_run_again(data, whole, tmp_path):
    path = tmp_path / "run.checkpoint"
    run(data, checkpoint=Checkpoint(path))
    seen = []
    again = run(data, checkpoint=Checkpoint(path, resume=True), progress=seen.append)
    assert not seen
    assert_same(again, whole)


@pytest.fixture
def written(data, tmp_path):
    path = tmp_path / "run.checkpoint"
    run(data, checkpoint=Checkpoint(path, every=2), max_iterations=2)
    return path


def test_a_file_in_the_way_is_not_overwritten(data, written):
    before = written.read_bytes()
    with pytest.raises(FileExistsError, match="resume=True"):
        run(data, checkpoint=Checkpoint(written))
    assert written.read_bytes() == before


@pytest.mark.parametrize("kept", [0, 10, 1000, -1])
def test_a_file_cut_short_is_known_for_one(kept, data, written):
    written.write_bytes(written.read_bytes()[:kept])
    with pytest.raises(ValueError, match="damaged or was cut short"):
        run(data, checkpoint=Checkpoint(written, resume=True))


def test_a_changed_byte_is_noticed(data, written):
    content = bytearray(written.read_bytes())
    content[len(content) // 2] ^= 1
    written.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        run(data, checkpoint=Checkpoint(written, resume=True))


@pytest.mark.parametrize("options", [{"misfit": LeastSquares()}, {"misfit": CloudTransport(0.1)}])
def test_the_file_of_another_problem_is_refused(options, data, written):
    with pytest.raises(ValueError, match="belongs to another inversion"):
        run(data, checkpoint=Checkpoint(written, resume=True), **options)


def test_the_file_of_another_optimiser_is_refused(data, written):
    with pytest.raises(ValueError, match="another optimiser or rule for lambda"):
        run(data, checkpoint=Checkpoint(written, resume=True), optimiser=optax.sgd(0.1))


def test_the_header_can_be_read_by_eye(written):
    header = json.loads(written.read_bytes().split(b"\n")[0])
    assert header["iteration"] == 3
    assert len(header["history"]["nrms"]) == 3


def test_a_folder_is_no_file(data, tmp_path):
    with pytest.raises(IsADirectoryError, match=r"Checkpoint\(path=...\)` must be a file"):
        run(data, checkpoint=Checkpoint(tmp_path))


def test_a_period_of_no_iterations_is_refused():
    with pytest.raises(ValueError, match=r"every=...\)` must be at least 1"):
        Checkpoint("x", every=0)
