"""A small survey on disk, and what the command is told about it."""

import dataclasses

import numpy as np
from soundings import two_dimensional

from jaxmt.io import write_edi

TOLD = ("--quick", "--iterations", "2", "--per-decade", "1", "--band", "0.9", "110", "--misfit", "l2")


def write_survey(folder, stations=4):
    """So many stations 2 km apart across a strike of 0 degrees, in EDI files."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(stations):
        site = two_dimensional(f"S{k}", arrow=0.2)
        place = {"latitude": 0.0, "longitude": 0.02 * k, "elevation": 100.0 + k}
        tipper_error = np.full(site.tipper.shape, 0.02)
        write_edi(folder / f"s{k}.edi", dataclasses.replace(site, **place, tipper_error=tipper_error))
    return folder
