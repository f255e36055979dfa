"""The frequencies at which fields are computed, and stations that reach far beyond the others."""

import dataclasses

import numpy as np

from ..data import Data
from .journal import Journal

PER_DECADE = 6
"""Computed frequencies a decade: between them responses err by 0.18 % of |Z| at most.

That was over the sections 2D-1 and 2D-4 of COMMEMI, a body of 0.1 and a layer of 0.3 ohm m in 3,000, from
100 to 0.01 Hz; the root mean square was 0.02 %, tippers erred by 0.0007. Eight a decade gave 0.05, 0.005
and 0.0002, four 1.2, 0.16 and 0.004.
"""

FAR = 1.0
"""Decades that a station reaches beyond the others to be reported."""

FEW = 0.1
"""Share of the stations, and one at least, whose reach is not that of the others."""


def with_computed(data: Data, per_decade: int | None = PER_DECADE) -> tuple[Data, Journal]:
    """The same data, of a survey whose fields are computed at so many frequencies a decade.

    - `per_decade`: where more are measured, responses are interpolated between (`Survey.computed`); None
      computes at every one.

    No datum moves. The journal says what is computed, and names stations that alone reach a decade beyond
    the others: the mesh must suit their frequencies.
    """
    survey, journal = dataclasses.replace(data.survey, computed=None), _reaching_far(data)
    survey = survey if per_decade is None else survey.thinned(per_decade)
    if survey.computed is not None:
        journal = journal.note(
            "frequencies",
            "all",
            f"{survey.frequencies.size} measured from {survey.highest:.4g} to {survey.lowest:.4g} Hz and "
            f"kept; fields computed at {survey.computed.size}, responses interpolated between",
        )
    return dataclasses.replace(data, survey=survey), journal


def _reaching_far(data: Data) -> Journal:
    """An entry for each station whose frequencies go far below or above those of nearly all others."""
    journal, logs = Journal(), np.log10(data.survey.frequencies)[:, None]
    known = data.mask.any(axis=0)
    names = np.array(data.survey.names)[known.any(axis=0)]
    few = max(1, int(FEW * names.size))
    if names.size <= 2 * few:
        return journal
    for sign, words in ((1, ("lowest", "below")), (-1, ("highest", "above"))):
        ends = np.where(known, sign * logs, np.inf).min(axis=0)
        ends = ends[np.isfinite(ends)]
        others = np.sort(ends)[few]
        for k in np.flatnonzero(ends < others - FAR):
            journal = journal.note(
                "frequencies",
                str(names[k]),
                f"its {words[0]} frequency, {10 ** (sign * ends[k]):.3g} Hz, is {others - ends[k]:.1f} "
                f"decades {words[1]} those of the other stations, {10 ** (sign * others):.3g} Hz, and the "
                "mesh must suit it; a band (--band) leaves it out",
            )
    return journal
