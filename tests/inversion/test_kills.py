"""The kill matrix: whatever is killed, whenever, goes on to the numbers of what was not."""

import os
import signal

import numpy as np
import pytest
from kills import EVERY, PAIRS, RANDOM, farthest, images, killed, run

from jaxmt import Checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

CLOSE = 1e-10
"""Relative. The state holds everything, so that the same program gives the same bits; another process may
share its sums among threads otherwise."""


def resumed(pair, path):
    """What comes of an inversion that goes on, and nothing of the killed one is left."""
    result = run(*pair, checkpoint=Checkpoint(path, every=EVERY, resume=True))
    assert list(path.parent.iterdir()) == [path]
    return result


def at_every_rename(pair, tmp_path):
    """The largest difference from the run that was not killed, and how many kills there were."""
    folder = tmp_path / "run"
    folder.mkdir()
    path, results = folder / "run.checkpoint", []
    taken = images(
        folder, tmp_path, lambda: results.append(run(*pair, checkpoint=Checkpoint(path, every=EVERY)))
    )
    (whole,) = results
    return max(farthest(resumed(pair, image / path.name), whole) for image in taken), len(taken), whole


@pytest.mark.parametrize("optimiser", ["Adam", "L-BFGS", "Gauss-Newton"])
def test_an_inversion_killed_at_any_rename_goes_on_to_the_same_numbers(optimiser, tmp_path):
    difference, count, _ = at_every_rename((optimiser, "least squares"), tmp_path)
    # Before and after: two while it runs, one at its end.
    assert count == 6
    assert difference < CLOSE


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=" x ".join)
def test_the_kill_matrix(pair, tmp_path):
    """At every rename, and by SIGKILL of a process at the last but one and at random moments."""
    difference, count, whole = at_every_rename(pair, tmp_path)
    path = tmp_path / "kill" / "run.checkpoint"
    status, _ = killed(*pair, path=path, rename=1)
    assert status == -signal.SIGKILL
    found = [farthest(resumed(pair, path), whole)]
    path = tmp_path / "long" / "run.checkpoint"
    status, said = killed(*pair, path=path)
    assert status == 0
    # Seeded shares of how long the iterations of such a process take.
    shares = np.random.default_rng(PAIRS.index(pair)).uniform(size=RANDOM)
    for k, share in enumerate(shares):
        path = tmp_path / f"random{k}" / "run.checkpoint"
        status, _ = killed(*pair, path=path, seconds=share * float(said))
        path.parent.mkdir(exist_ok=True)
        found.append(farthest(resumed(pair, path), whole))
    table = os.environ.get("JAXMT_KILL_TABLE")
    if table:
        with open(table, "a", encoding="utf-8") as file:
            optimiser, kind = pair
            row = (kind, optimiser, count, f"{difference:.0e}", len(found), f"{max(found):.0e}")
            file.write(f"| {' | '.join(map(str, row))} |\n")
    assert difference < CLOSE
    assert max(found) < CLOSE
