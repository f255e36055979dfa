"""Which devices and hosts a run is on.

On one machine `--devices 4` shares the frequencies out over four GPUs, or on a CPU over four threads of
XLA's. On several machines start the same command on each, adding `--coordinator HOST:PORT --processes N
--process K` with K = 0 on HOST; all of them hold the result, and process 0 writes it.
"""

import argparse
import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the choice of devices and hosts to a command line."""
    group = parser.add_argument_group("machine")
    group.add_argument("--devices", type=int, metavar="N", help="share the frequencies over N devices")
    add_hosts(group)


def add_hosts(parser: argparse._ActionsContainer) -> None:
    """Adds the choice of hosts."""
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="of process 0, for several machines")
    parser.add_argument("--processes", type=int, metavar="N", help="number of processes")
    parser.add_argument("--process", type=int, metavar="K", help="which one this is, from 0")


def start(options: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Starts JAX as the options say; the devices that share the frequencies, None for one alone.

    Call it before any array is made. Exits with a message if the options do not go together.
    """
    import jax

    keep_programs()
    number = options["devices"]
    distributed = [options[name] for name in ("coordinator", "processes", "process")]
    if any(value is not None for value in distributed):
        if None in distributed:
            raise SystemExit("--coordinator, --processes and --process belong together.")
        host, _, port = options["coordinator"].rpartition(":")
        if not host or not port.isdigit():
            raise SystemExit(f"--coordinator must be HOST:PORT. Got {options['coordinator']}.")
        if options["processes"] < 1:
            raise SystemExit(f"--processes must be at least 1. Got {options['processes']}.")
        if not 0 <= options["process"] < options["processes"]:
            raise SystemExit(
                f"--process must be 0 to {options['processes'] - 1}. Got {options['process']}."
            )
        if options["resume"]:
            raise SystemExit("--resume is for one process: the others have no checkpoint to go on from.")
        jax.distributed.initialize(*distributed)
        return tuple(jax.devices())
    if number is None:
        return None
    if number < 1:
        raise SystemExit(f"--devices must be at least 1. Got {number}.")
    # Has no effect on GPUs and TPUs.
    jax.config.update("jax_num_cpu_devices", number)
    found = jax.devices()
    if len(found) < number:
        raise SystemExit(f"--devices {number}: this machine has {len(found)}, {found}.")
    return tuple(found[:number])


def keep_programs() -> None:
    """Keeps compiled programs from run to run; where that cannot be, says why and goes on."""
    from .. import program_cache

    try:
        program_cache.keep_programs()
    except OSError as error:
        print(f"Compiled programs are not kept for the next run: {error}.")


def own_folder(out: Path, options: Mapping[str, Any]) -> Path:
    """`out`; for processes other than the first a folder to throw away."""
    if not options["process"]:
        return out
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
