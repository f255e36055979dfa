import gc
import os
from pathlib import Path

# A batched jnp.linalg.solve on several BLAS threads can hang XLA on the CPU.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Most of the time goes to XLA's compilation, and the cases are small: no code is optimised, the emitters of
# fusions that take two thirds of the compilation of a gradient are left out, and nothing is moved out of
# loops, which alone takes a fourth of the compilation of transport.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false "
    "--xla_cpu_parallel_codegen_split_count=1 "
    "--xla_disable_hlo_passes=while-loop-invariant-code-motion,while-loop-simplifier",
)

import checked  # noqa: F401 - before what is checked
import jax
import pytest

from jaxmt import programs

# Before anything is compiled: it takes the place of the flag above.
programs.QUICK["xla_backend_optimization_level"] = 0
# Tests of one file take turns with more problems than an inversion has; `few_mappings` bounds memory.
programs.PROBLEMS = 12
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 3)
jax.config.update("jax_numpy_dtype_promotion", "strict")
# Workers share what they compile, and the next run finds it.
PROGRAMS = Path(__file__).parents[1] / ".pytest_cache" / "programs"
jax.config.update("jax_compilation_cache_dir", os.environ.get("JAX_COMPILATION_CACHE_DIR", str(PROGRAMS)))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


FIRST = (
    "test_readme test_sharding test_pictures test_run test_outcome test_host test_full_disk "
    "test_forward_mode test_transformations test_signals test_lock test_ragged test_solve "
    "test_grid test_harpa test_invlint"
).split()
"""Files that take longest. One that is handed out last keeps a worker on its own."""


def pytest_configure(config):
    # Of pytest-xdist, which would put files of many tests first.
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    place = {name: k for k, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(FIRST)))


MOST_MAPPINGS, MOST_MEMORY = 30_000, 2_500_000_000


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of field data, or a skip that says where to put it."""
    folder = os.environ.get("JAXMT_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs field data: set JAXMT_DATA to the folder that holds it")
    return Path(folder)


@pytest.fixture(autouse=True, scope="module")
def few_mappings():
    """Compiled programs are dropped before they use up memory, or the 65,530 mappings that Linux allows."""
    yield
    maps, pages = Path("/proc/self/maps"), Path("/proc/self/statm")
    if not maps.is_file():
        return
    resident = int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if maps.read_bytes().count(b"\n") > MOST_MAPPINGS or resident > MOST_MEMORY:
        jax.clear_caches()
        gc.collect()
