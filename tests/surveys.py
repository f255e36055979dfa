"""A small survey on disk, and what the command is told about it."""

import dataclasses

import numpy as np
from identities import present
from soundings import half_space, two_dimensional

from jaxmt import Mesh, Survey, simulate
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


def write_block_survey(folder, stations=5):
    """EDI files of so many stations 1 km apart over a buried conductor with strike north; 3 % noise."""
    y = 1e3 * (np.arange(stations) - (stations - 1) / 2)
    survey = Survey(np.geomspace(100.0, 1.0, 7), y)
    mesh = Mesh.design(survey, (20.0, 100.0), growth=0.3)
    block = (np.abs(mesh.y_centres) < 1e3) & (np.abs(mesh.z_centres[:, None] - 1e3) < 500)
    found = simulate(mesh, survey, np.where(block, 20.0, 100.0))
    z_xy, z_yx, ratio = present(found.z_xy), present(found.z_yx), present(found.tipper)
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for k, place in enumerate(y):
        z = np.zeros((survey.frequencies.size, 2, 2), dtype=complex)
        z[:, 0, 1], z[:, 1, 0] = z_xy[:, k], z_yx[:, k]
        size = 0.03 * np.abs(z) + 1e-3 * np.abs(z).max(axis=(1, 2), keepdims=True)
        z += size * (rng.standard_normal(z.shape) + 1j * rng.standard_normal(z.shape))
        tipper = np.stack([0 * ratio[:, k], ratio[:, k]], axis=1)
        site = half_space(f"S{k}", frequencies=survey.frequencies, longitude=np.degrees(place / 6.378e6))
        error = {"z_error": size, "tipper": tipper, "tipper_error": np.full(tipper.shape, 0.02)}
        write_edi(folder / f"s{k}.edi", dataclasses.replace(site, z=z, **error))
    return folder
