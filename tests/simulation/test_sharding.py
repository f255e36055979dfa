import json
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import SMALL, SURVEY, gradient_over, inverted_over, log_section

from jaxmt import simulate
from jaxmt.simulation.solvers import NestedDissection, SuperLU

pytestmark = pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")

# The same sums in another order, and a condition of 1e4 between fields and impedances.
SAME = 1e-12


def differences(value, slope, expected):
    """Relative differences of a misfit and its gradient."""
    norm = np.linalg.norm(expected[1])
    return abs(value / expected[0] - 1), np.linalg.norm(np.asarray(slope) - expected[1]) / norm


@pytest.mark.parametrize(("solver", "numbers"), [(SuperLU(threads=2), (2, 3)), (NestedDissection(), (3,))])
def test_frequencies_shared_out_over_devices_change_nothing(solver, numbers):
    """Five frequencies on two and on three devices: neither number divides five."""
    expected = gradient_over(None, solver)(log_section(SMALL))
    for number in numbers:
        value, slope = gradient_over(tuple(jax.devices()[:number]), solver)(log_section(SMALL))
        assert max(differences(value, slope, expected)) < SAME


def test_many_shared_gradients_do_not_stall():
    shared = gradient_over(tuple(jax.devices()), SuperLU(threads=2))
    first = shared(log_section(SMALL))
    for _ in range(100):
        value, slope = shared(log_section(SMALL))
        np.testing.assert_array_equal(value, first[0])
        np.testing.assert_array_equal(slope, first[1])


def test_no_device_is_refused():
    with pytest.raises(ValueError, match=r"`simulate\(devices=...\)` must name at least one device"):
        simulate(SMALL, SURVEY, jnp.full(SMALL.shape, 10.0), devices=())


PROCESS = """
import json, sys
sys.path.insert(0, {tests!r})
import jax
jax.config.update("jax_enable_x64", True)
jax.distributed.initialize({address!r}, num_processes=2, process_id={rank})
import numpy as np
from problems import SMALL, gradient_over, inverted_over, log_section
from jaxmt.simulation.sharding import replicate
from jaxmt.simulation.solvers import SuperLU
# Missing data are NaN, and NaN differs from itself.
assert np.isnan(np.asarray(replicate(np.array([1.0, np.nan]), jax.devices()))).sum() == 1
assert len(jax.devices()) == 2 and len(jax.local_devices()) == 1
devices = tuple(jax.devices())
value, slope = gradient_over(devices, SuperLU(threads=1))(log_section(SMALL))
print(json.dumps([float(value), np.asarray(slope).tolist(), inverted_over(devices)]))
"""


def test_two_processes_give_the_gradient_and_the_inversion_of_one():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    programs = [
        PROCESS.format(tests=str(Path(__file__).parents[1]), address=address, rank=rank) for rank in (0, 1)
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for program in programs
    ]
    try:
        outputs = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    expected = gradient_over(None, SuperLU(threads=1))(log_section(SMALL))
    found = inverted_over(None)
    for out, err in outputs:
        assert out, err
        value, slope, nrms = json.loads(out.splitlines()[-1])
        assert max(differences(value, slope, expected)) < SAME
        # Each step adds its rounding to that of the one before.
        np.testing.assert_allclose(nrms, found, rtol=1e-10)
    assert found[-1] < 0.9 * found[0]
