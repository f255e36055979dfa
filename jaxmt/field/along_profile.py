"""Data that came along a profile already: which file is taken, and what is done to it."""

from pathlib import Path
from shlex import quote

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
    files = files_of(reading)
    placed = {"azimuth": "azimuth", "segment": "from", "positions": "positions", "spacing": "spacing"}
    for field, option in placed.items():
        if getattr(treatment, field) is not None:
            raise Refusal(
                f"--{option} is for stations that are yet to be projected; {next(iter(files))} is along a "
                f"profile already. Leave --{option} out."
            )
    if treatment.line is not None and treatment.line not in files:
        raise Refusal(f"there is no line {treatment.line!r} (--line). Known: {', '.join(files)}.")
    file = files[next(iter(files)) if treatment.line is None else treatment.line]
    _refuse_in_vain(treatment, file)
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
    journal = journal.note("band", file, f"frequencies from {low:g} to {high:g} Hz kept")
    journal = journal.note("floor", file, f"relative error of |Z| at least {treatment.floor:g}")
    data, notes = with_computed(data.with_floor(treatment.floor), treatment.per_decade)
    return data, journal + notes


def files_of(reading: Reading) -> dict[str, str]:
    """Files of data along a profile by their stems, or by their whole names where stems are the same."""
    stems = [Path(file).stem for file in reading.lines]
    return {
        stem if stems.count(stem) == 1 else Path(file).name: file
        for stem, file in zip(stems, reading.lines, strict=True)
    }


def _refuse_in_vain(treatment: Treatment, file: str) -> None:
    """Raises `Refusal` for an option that is about tensors, which data along a profile have no more."""
    plain, screening = Screening(), treatment.screening
    told = {
        "strike": treatment.strike is not None,
        "declination": bool(treatment.declination),
        "remove": bool(screening.remove or screening.station_remove),
        "enlarge": bool(screening.enlarge),
        "skip": screening != plain,
    }
    for option in (name for name, said in told.items() if said):
        raise Refusal(
            f"--{option} is for stations with their tensors; {file} is along a profile already. Leave "
            f"--{option} out."
        )
