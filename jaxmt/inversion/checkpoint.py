"""The state of an inversion on disk, so that one that was killed goes on where it was.

A file holds a line of JSON (what problem it belongs to, who wrote it, the history) followed by the arrays,
and ends with a digest of all that, so that a damaged file is known for one. It is written beside the last
and renamed.
"""

import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import PyTree

from .. import __version__
from ..atomic import FilePath, atomic_path, sweep

FORMAT = 5
DIGEST = hashlib.sha256().digest_size
VERSIONS = f"jaxmt {__version__} with jax {jax.__version__} and optax {optax.__version__}"

Identity = Mapping[str, str]
"""A digest of each part of an inversion that changes its numbers, by the name of the part. Solver, threads,
devices and what only decides on the end are none."""


class CheckpointWarning(UserWarning):
    """The state of an inversion could not be written."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Where, how often and whether to go on, for `invert(checkpoint=...)`.

    - `path`: the file. `every`: iterations from one writing to the next; it is also written when an
      inversion stops.
    - `resume`: go on from the file if there is one. Without it a file in the way is an error.

    A disk that is full or gone does not end an inversion: it warns once, with a `CheckpointWarning`, and
    tries again each time that a writing is due.
    """

    path: FilePath
    every: int = 10
    resume: bool = False

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"`Checkpoint(every=...)` must be at least 1 iteration. Got {self.every}.")

    def read(self, identity: Identity, like: PyTree[Any]) -> tuple[dict[str, Any], PyTree[Any]] | None:
        """Header and arrays, these in the structure of `like`; None if there is nothing to resume.

        Raises `IsADirectoryError` for a folder, `FileExistsError` if a file is there and `resume` is false,
        and `ValueError` for a damaged file, one of another format, or one of another inversion.
        """
        path = Path(self.path)
        if path.is_dir():
            raise IsADirectoryError(f"`Checkpoint(path=...)` must be a file. Got the folder {path}.")
        sweep(path.parent, path.name)
        if not path.exists():
            return None
        if not self.resume:
            raise FileExistsError(
                f"`Checkpoint(path=...)`: {path} exists. Go on from it with `resume=True` (--resume on the "
                "command line), remove it, or choose another path."
            )
        content = path.read_bytes()
        body, digest = content[:-DIGEST], content[-DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            raise ValueError(f"The checkpoint {path} is damaged or was cut short. Remove it to start anew.")
        file = io.BytesIO(body)
        header = json.loads(file.readline())
        if header["format"] != FORMAT:
            raise ValueError(
                f"The checkpoint {path} is of format {header['format']}, written by "
                f"{header.get('versions', 'an earlier jaxmt')}. This is {VERSIONS}, which reads format "
                f"{FORMAT}. Go on with the jaxmt that wrote it, or remove it to start anew."
            )
        others = [name for name in identity if header["identity"].get(name) != identity[name]]
        if others:
            by = "" if header["versions"] == VERSIONS else f" It was written by {header['versions']}."
            raise ValueError(
                f"The checkpoint {path} belongs to another inversion; it differs in: {', '.join(others)}."
                f"{by} This is {VERSIONS}. Invert what it was made for, or choose another path."
            )
        try:
            return header, eqx.tree_deserialise_leaves(file, like, _read_leaf)
        except (RuntimeError, ValueError, EOFError) as error:
            raise ValueError(
                f"The checkpoint {path} holds the state of another inversion ({error})."
            ) from error

    def write(self, identity: Identity, header: dict[str, Any], arrays: PyTree[Any]) -> None:
        """Replaces the file."""
        head = {"format": FORMAT, "versions": VERSIONS, "identity": dict(identity), **header}
        file = io.BytesIO()
        file.write(json.dumps(head).encode() + b"\n")
        eqx.tree_serialise_leaves(file, arrays, _write_leaf)
        body = file.getvalue()
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(self.path) as temporary, temporary.open("wb") as target:
            target.write(body + hashlib.sha256(body).digest())
            target.flush()
            os.fsync(target.fileno())

    def is_due(self, iteration: int) -> bool:
        """Whether to write before this iteration."""
        return iteration > 0 and iteration % self.every == 0


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _write_leaf(file: io.BytesIO, leaf: Any) -> None:
    if eqx.is_array(leaf):
        np.save(file, np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf))


def _read_leaf(file: io.BytesIO, like: Any) -> Any:
    if not eqx.is_array(like):
        return like
    stored = np.load(file, allow_pickle=False)
    expected = jax.random.key_data(like) if _is_key(like) else like
    if stored.shape != expected.shape or stored.dtype != expected.dtype:
        raise ValueError(
            f"an array of {stored.dtype} {stored.shape} where {expected.dtype} {expected.shape} belongs"
        )
    if _is_key(like):
        return jax.random.wrap_key_data(jnp.asarray(stored), impl=jax.random.key_impl(like))
    return jnp.asarray(stored)
