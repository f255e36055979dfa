"""Sections and their simulated data, made once for a layout and kept on disk."""

import dataclasses
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import jaxmt
from jaxmt.atomic import atomic_path
from jaxmt.fingerprint import fingerprint

from .layout import Layout

CHUNK = 24
"""Models simulated at once."""

Pictures = Float[np.ndarray, "model row column"]
Values = Float[np.ndarray, "model 4 freq site"]


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pictures (decades of ohm m) and what they would give, without noise: log10 rho and phase, TE and TM.

    Values of a mode that the survey leaves out are NaN.
    """

    pictures: Pictures
    values: Values


def simulated(
    layout: Layout,
    pictures: Pictures,
    progress: Callable[[int], object] = lambda _count: None,
    chunk: int = CHUNK,
) -> Values:
    """The values of many pictures, `chunk` of them in one program.

    - `progress`: called with the number of new models.

    Raises `FloatingPointError` where a model has no finite responses.
    """
    row, column = layout.places(layout.mesh)

    @jax.jit
    def forward(some: Float[Array, "model row column"]) -> Float[Array, "model 4 freq site"]:
        def one(picture: Float[Array, "row column"]) -> Float[Array, "4 freq site"]:
            resistivity = 10 ** picture[row, column]
            return jaxmt.simulate(layout.mesh, layout.survey, resistivity).components[:4]

        return jax.vmap(one)(some)

    found = []
    for first in range(0, len(pictures), chunk):
        some = pictures[first : first + chunk]
        # The last is filled up with the first picture, so that the program is compiled once.
        filled = np.concatenate([some, np.repeat(pictures[:1], chunk - len(some), axis=0)])
        found.append(np.asarray(forward(jnp.asarray(filled, dtype=float)))[: len(some)])
        progress(len(some))
    values = np.concatenate(found)
    modes = [mode in layout.survey.modes for mode in ("te", "te", "tm", "tm")]
    good = np.isfinite(values[:, modes]).all(axis=(1, 2, 3))
    if not good.all():
        raise FloatingPointError(
            f"{np.count_nonzero(~good)} of {len(values)} models have no finite responses, the first is "
            f"number {int(np.argmin(good))}. Look at the mesh and the frequencies (Hz) of the survey."
        )
    return values


def kept(
    layout: Layout,
    pictures: Pictures,
    folder: Path,
    progress: Callable[[int], object] = lambda _count: None,
) -> Pairs:
    """The pairs of some pictures, from `folder` if they were made before; else they are left there.

    A file that is damaged is made again.
    """
    path = folder / f"pairs_{fingerprint((layout.digest, pictures))}.npz"
    values = _read(path)
    if values is None or len(values) != len(pictures):
        values = simulated(layout, pictures, progress).astype(np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, values=values)
    else:
        progress(len(pictures))
    return Pairs(pictures, values.astype(float))


def _read(path: Path) -> Values | None:
    try:
        # From memory: of a damaged file NumPy leaves the handle open.
        return np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)["values"]
    except (FileNotFoundError, zipfile.BadZipFile, KeyError, ValueError, EOFError):
        return None
