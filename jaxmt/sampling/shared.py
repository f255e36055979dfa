"""What the chains of a folder share, kept for those that go on.

Found again it would be another in the last digits, and draws would belong to another posterior.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..atomic import atomic_path
from .whitened import Whitening

FILE = "mode.npz"


class Shared(NamedTuple):
    """The factor of the prior, what chains are whitened by, and the gradients that it took."""

    factor: float
    whitening: Whitening
    gradients: int


def kept(place: Path, identity: str) -> Shared | None:
    """What an earlier call left in a folder; None if there was none.

    - `identity`: of the posterior. Raises `ValueError` where another one is there.
    """
    try:
        with open(place / FILE, "rb") as content, np.load(content, allow_pickle=False) as file:
            found = dict(file)
    except FileNotFoundError:
        return None
    if str(found.pop("identity")) != identity:
        raise ValueError(
            f"`sample(folder=...)`: {place} holds draws of another posterior: its data, start or settings "
            "were others. Remove it, or give another folder."
        )
    return Shared(
        float(found.pop("factor")), gradients=int(found.pop("gradients")), whitening=Whitening(**found)
    )


def keep(place: Path, identity: str, shared: Shared) -> None:
    """Leaves it in a folder."""
    place.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in dataclasses.fields(shared.whitening)]
    arrays: dict[str, Any] = {name: np.asarray(getattr(shared.whitening, name)) for name in names}
    with atomic_path(place / FILE) as part, part.open("wb") as file:
        numbers = {"factor": np.array(shared.factor), "gradients": np.array(shared.gradients)}
        np.savez(file, identity=np.array(identity), **numbers, **arrays)
