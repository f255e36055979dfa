"""The numbers of a run as JSON."""

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..atomic import FilePath, atomic_path

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def write_summary(path: FilePath, summary: Mapping[str, Json]) -> None:
    """Writes a JSON file, whole or not at all; numbers that are not finite become null."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(_plain(dict(summary)), indent=2) + "\n", encoding="utf-8")


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
