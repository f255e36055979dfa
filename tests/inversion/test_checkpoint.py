import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from problems import BLOCK_MESH, observed

import jaxmt
from jaxmt import (
    Checkpoint,
    CheckpointWarning,
    CloudTransport,
    Cooling,
    Descent,
    Ending,
    GaussNewton,
    Knee,
    LeastSquares,
    QuasiNewton,
    Smoothness,
    StaticShift,
    Stopping,
    SuperLU,
    invert,
    langevin,
)
from jaxmt.inversion.checkpoint import DIGEST

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
import conftest  # The settings of this process, those of compilation among them.
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


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"optimiser": optax.sgd(0.1)}, "optimiser"),
        ({"optimiser": optax.adam(0.2)}, "optimiser"),
        ({"optimiser": optax.adam(optax.exponential_decay(0.1, 100, 0.5))}, "optimiser"),
        ({"optimiser": Descent(transformation=ADAM, smoothing=0.5)}, "optimiser"),
        ({"optimiser": QuasiNewton(memory=5)}, "optimiser"),
        ({"trade_off": Cooling(rate=0.9)}, "trade_off"),
        ({"trade_off": 0.9}, "trade_off"),
        ({"static_shift": StaticShift()}, "static_shift"),
        ({"regularization": Smoothness(vertical=0.5)}, "regularization"),
    ],
)
def test_what_changes_the_numbers_is_refused_by_name(options, part, data, written):
    with pytest.raises(ValueError, match=f"another inversion; it differs in: {part}. This is jaxmt"):
        run(data, checkpoint=Checkpoint(written, resume=True), **options)


def test_what_does_not_change_the_numbers_is_free(data, whole, written):
    options = {
        "solver": SuperLU(threads=2),
        "optimiser": Descent(transformation=ADAM, patience=49),
        "max_iterations": 3,
    }
    seen = []
    run(data, checkpoint=Checkpoint(written, resume=True), progress=seen.append, **options)
    assert [record.iteration for record in seen] == [3]
    # Another solver rounds otherwise.
    assert seen[0].nrms == pytest.approx(whole.history["nrms"][3], rel=1e-9)


def test_noise_with_another_key_is_another_inversion(data, tmp_path):
    def options(seed):
        return {"misfit": LeastSquares(), "optimiser": langevin(1e-3, key=jax.random.key(seed))}

    path = tmp_path / "run.checkpoint"
    run(data, checkpoint=Checkpoint(path), max_iterations=1, **options(0))
    with pytest.raises(ValueError, match="differs in: optimiser"):
        run(data, checkpoint=Checkpoint(path, resume=True), **options(1))


def test_gauss_newton_chooses_lambda_by_the_target(data, tmp_path):
    path, options = tmp_path / "run.checkpoint", {"misfit": LeastSquares(), "optimiser": GaussNewton()}
    run(data, checkpoint=Checkpoint(path), max_iterations=1, **options)
    with pytest.raises(ValueError, match="differs in: optimiser"):
        run(data, checkpoint=Checkpoint(path, resume=True), target=1.2, **options)


def test_a_file_of_an_older_format_is_refused_by_name(data, written):
    head, _, rest = written.read_bytes()[:-DIGEST].partition(b"\n")
    header = json.loads(head)
    assert header["versions"].startswith(f"jaxmt {jaxmt.__version__} with jax {jax.__version__}")
    del header["versions"], header["identity"]
    body = json.dumps({**header, "format": 4, "fingerprint": "0"}).encode() + b"\n" + rest
    written.write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(ValueError, match="is of format 4, written by an earlier jaxmt. This is jaxmt"):
        run(data, checkpoint=Checkpoint(written, resume=True))


def test_a_full_disk_is_said_once_and_ends_nothing(data, whole, tmp_path, monkeypatch):
    """The third writing of five succeeds."""
    path, replace, tries = tmp_path / "run.checkpoint", os.replace, []

    def full(source, target):
        tries.append(target)
        if len(tries) != 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(CheckpointWarning, match="No space left.*tries again every 2 iterations") as said:
        result = run(data, checkpoint=Checkpoint(path, every=2))
    assert len([w for w in said if w.category is CheckpointWarning]) == 1
    assert len(tries) == 5
    assert_same(result, whole)
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    seen = []
    assert_same(run(data, checkpoint=Checkpoint(path, resume=True), progress=seen.append), whole)
    assert seen[0].iteration == 6


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of one page of memory."""
    place = tmp_path / "disk"
    place.mkdir()
    told = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(place)]
    if sys.platform != "linux" or os.getuid() or subprocess.run(told, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full_ends_nothing(data, whole, tiny_disk):
    path = tiny_disk / "run.checkpoint"
    with pytest.warns(CheckpointWarning, match="could not be written at iteration 3: .*No space left"):
        assert_same(run(data, checkpoint=Checkpoint(path, every=3)), whole)
    # What was half written went.
    assert not list(tiny_disk.iterdir())


def test_a_folder_that_cannot_be_made_ends_nothing(data, whole, tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run.checkpoint"
    with pytest.warns(CheckpointWarning, match="could not be written at iteration 4: .*file"):
        assert_same(run(data, checkpoint=Checkpoint(path, every=4)), whole)


def test_what_a_killed_writing_left_is_swept(data, whole, tmp_path):
    path = tmp_path / "run.checkpoint"
    (tmp_path / f".run.checkpoint.{32 * 'a'}.part").touch()
    others = [tmp_path / f".other.{32 * 'a'}.part", tmp_path / ".run.checkpoint.mine.part"]
    for other in others:
        other.touch()
    assert_same(run(data, checkpoint=Checkpoint(path)), whole)
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_the_knee_goes_back_to_no_model_that_was_not_kept(data, tmp_path):
    """Rules for the end are free: those of the file may have kept other models."""
    path = tmp_path / "run.checkpoint"
    options = {"misfit": LeastSquares(), "target": 1e-3}
    run(data, checkpoint=Checkpoint(path), max_iterations=9, stopping=Stopping(patience=100), **options)
    eager = Stopping(patience=6, knee=Knee(elasticity=1e3, growth=1.0001), progress=1e-6)
    result = run(
        data, checkpoint=Checkpoint(path, resume=True), max_iterations=30, stopping=eager, **options
    )
    assert result.ending is Ending.KNEE
    assert result.nrms in result.history["nrms"]


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
