"""Which devices and hosts an experiment runs on: the options that all of them share.

On one machine `--devices 4` shares the frequencies out over four GPUs, or on a CPU over four threads of
XLA's. On several machines start the same command on each, adding `--coordinator HOST:PORT --processes N
--process K` with K = 0 on HOST; all of them hold the result, and process 0 writes it.
"""

import argparse
import atexit
import shutil
import tempfile
from pathlib import Path

import jax


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options to a command line."""
    group = parser.add_argument_group("machine")
    group.add_argument("--devices", type=int, metavar="N", help="share the frequencies over N devices")
    group.add_argument("--coordinator", metavar="HOST:PORT", help="of process 0, for several machines")
    group.add_argument("--processes", type=int, metavar="N", help="number of processes")
    group.add_argument("--process", type=int, metavar="K", help="which one this is, from 0")


def start(options: argparse.Namespace) -> tuple[jax.Device, ...] | None:
    """Starts JAX as the options say; the devices that share the frequencies, None for one alone.

    Call it before any array is made. Processes other than the first get a folder to throw away as
    `options.out`.
    """
    distributed = (options.coordinator, options.processes, options.process)
    if any(value is not None for value in distributed):
        if None in distributed:
            raise SystemExit("--coordinator, --processes and --process belong together.")
        if not 0 <= options.process < options.processes:
            raise SystemExit(f"--process must be 0 to {options.processes - 1}. Got {options.process}.")
        if options.resume:
            raise SystemExit("--resume is for one process: the others have no checkpoint to go on from.")
        jax.distributed.initialize(options.coordinator, options.processes, options.process)
        if options.process > 0:
            folder = tempfile.mkdtemp()
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            options.out = Path(folder)
        return tuple(jax.devices())
    if options.devices is None:
        return None
    if options.devices < 1:
        raise SystemExit(f"--devices must be at least 1. Got {options.devices}.")
    # Has no effect on GPUs and TPUs.
    jax.config.update("jax_num_cpu_devices", options.devices)
    found = jax.devices()
    if len(found) < options.devices:
        raise SystemExit(f"--devices {options.devices}: this machine has {len(found)}, {found}.")
    return tuple(found[: options.devices])
