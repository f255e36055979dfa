"""Data that came along a profile already: which file is taken, and what is done to it."""

from pathlib import Path
from shlex import quote

import numpy as np

from ..data import Data
from ..io import Reading
from ..processing import Journal, Screening
from ..processing.frequencies import with_computed
from .options import Refusal
from .treatment import Treatment


def along_profile(reading: Reading, treatment: Treatment) -> tuple[Data, Journal]:
    """The data of a file that is along a profile already, in the band and with the floor asked for.

    Raises `Refusal` for a line, stations or an option that the file cannot have, and `ValueError` if no
    datum is left.
    """
    refuse_in_vain(reading, treatment)
    files = files_of(reading)
    if treatment.line is not None and treatment.line not in files:
        raise Refusal(f"there is no line {treatment.line!r} (--line). Known: {', '.join(files)}.")
    file = files[next(iter(files)) if treatment.line is None else treatment.line]
    data, journal = reading.lines[file], reading.journal
    for other, path in files.items():
        if path != file:
            text = f"one line at a time; --line {quote(other)} takes it"
            journal = journal.note("pass over", other, text)
    kept = treatment.selection.chosen(data.survey.names)
    low, high = treatment.band
    inside = (data.survey.frequencies >= low) & (data.survey.frequencies <= high)
    if not inside.any():
        raise ValueError(f"no frequency of {file} lies between {low:g} and {high:g} Hz; widen --band.")
    data = data.select(frequencies=inside, stations=kept)
    if treatment.band != (0.0, np.inf):
        journal = journal.note("band", file, f"frequencies from {low:g} to {high:g} Hz kept")
    journal = journal.note("floor", file, f"relative error of |Z| at least {treatment.floor:g}")
    data, notes = with_computed(data.with_floor(treatment.floor), treatment.per_decade)
    return data, journal + notes


def files_of(reading: Reading) -> dict[str, str]:
    """Files of data along a profile by their stems, or by as much of their paths as tells them apart."""
    paths = [Path(file) for file in reading.lines]
    ways = ([p.stem for p in paths], [p.name for p in paths], [f"{p.parent.name}/{p.name}" for p in paths])
    names = {}
    for k, path in enumerate(paths):
        own = (names_of[k] for names_of in ways if names_of.count(names_of[k]) == 1)
        names[next(own, str(path))] = str(path)
    return names


def refuse_in_vain(reading: Reading, treatment: Treatment) -> None:
    """Raises `Refusal` for an option about tensors and places, which data along a profile have no more."""
    plain, screening = Screening(), treatment.screening
    placed = {"azimuth": "azimuth", "segment": "from", "positions": "positions", "spacing": "spacing"}
    told = {option: getattr(treatment, field) is not None for field, option in placed.items()}
    tensors = {
        "strike": treatment.strike is not None,
        "declination": bool(treatment.declination),
        "remove": bool(screening.remove or screening.station_remove),
        "enlarge": bool(screening.enlarge),
        "skip": screening != plain,
    }
    file = next(iter(reading.lines))
    for option in (name for name, said in {**told, **tensors}.items() if said):
        what = "with their tensors" if option in tensors else "that are yet to be projected"
        raise Refusal(
            f"--{option} is for stations {what}; {file} is along a profile already. Leave --{option} out."
        )
