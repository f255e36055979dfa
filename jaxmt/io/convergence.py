"""The misfit by iteration from the logs of other programs, to lay beside one's own."""

import re

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath
from .free_format import BadFile, text_of

FIGURE = r"([+-]?\d*\.?\d+(?:[ED][+-]?\d+)?)"
STARTS = (rf"START: f=\S+ m2=\S+ rms=\s*{FIGURE}", rf"STARTING R\.M\.S\. =\s*{FIGURE}")
"""The line that states the starting misfit: ModEM's NLCG, Occam2D's."""

STEPS = (
    rf"Completed NLCG iteration\s+\d+\s+with: f=\S+ m2=\S+ rms=\s*{FIGURE}",
    rf"AND IS =\s*{FIGURE}",
)


def read_misfits(path: FilePath) -> Float[np.ndarray, " iteration"]:
    """Misfit (rms) at the start and after each iteration from a log of ModEM's NLCG or of Occam2D.

    Raises `BadFile` for a file that holds none.
    """
    text = text_of(path, "a log of ModEM or Occam2D")
    for start, step in zip(STARTS, STEPS, strict=True):
        first, after = re.search(start, text), re.findall(step, text)
        if first is not None and after:
            figures = [first[1], *after]
            return np.array([float(figure.upper().replace("D", "E")) for figure in figures])
    raise BadFile(f"{path} states no misfits by iteration; expected a log of ModEM's NLCG or of Occam2D.")
