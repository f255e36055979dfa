"""Transfer functions and results as other programs want them."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..io import (
    Results,
    write_data_csv,
    write_edi,
    write_emdata,
    write_line_geojson,
    write_modem,
    write_modem_sites,
    write_occam2d,
    write_results,
    write_sites_csv,
    write_sites_geojson,
)
from ..processing.site import Site
from .export import ALONE, NO_IMPEDANCE, NOWHERE, RESULTS, Product, Writer, renamed
from .file_names import unique
from .folder import MODEL, summary_of
from .line import Line
from .options import ALL, Refusal
from .run_file import NAME
from .source import Source, source_of

SUFFIXES = {
    "edi": (".edi",),
    "modem": (".dat", ".data"),
    "occam2d": (".dat", ".data"),
    "mare2dem": (".emdata",),
    "netcdf": (".nc",),
    "vtk": (".vtk",),
    "csv": (".csv", ".txt"),
    "geojson": (".geojson", ".json"),
}
"""What the name of a file of each format may end in, the usual ending first."""

SPELT = 12
"""Files that are named one by one after they are written; of more the first is, and the rest is counted."""

WANTED = {
    "edi": "stations with whole tensors: EDI, EMTF XML, a 3-D ModEM list",
    "vtk": "the section of a folder of results",
}
"""What formats take that do not take everything."""


def convert(path: Path, to: str, out: Path, told: Mapping[str, Any], *, force: bool) -> int:
    """`jaxmt convert`: writes what is at `path` to `out`, a file for a single one, else a folder.

    What cannot be written to `out` is refused before the work.
    """
    _require_place(out, to, force=force)
    if _named_as_file(out) and _sure_of_several(path, to):
        _refuse_file(out, to)
    source = source_of(path, told)
    if source.inversions and told:
        raise Refusal(f"{source.name} holds results, written as they are: leave --{next(iter(told))} out.")
    if source.told.get("line") == ALL and _named_as_file(out):
        _refuse_file(out, to)
    made = RESULTS[to](source) if source.inversions else _products(source, to)
    alone = len(made) == 1 and made[0].single
    named = _named_as_file(out)
    if named and not alone:
        _refuse_file(out, to)
    targets = [out] if named else [out / file for product in made for file in product.files]
    there = [target for target in targets if target.exists()]
    if there and not force:
        raise FileExistsError(f"{there[0]} exists. Give another -o, or replace it with --force.")
    for note in dict.fromkeys(note for product in made for note in product.notes):
        print(f"Note: {note}.")
    try:
        for product in made:
            target = out if named or not product.single else out / product.files[0]
            for file in [target] if product.single else [out / file for file in product.files]:
                file.parent.mkdir(parents=True, exist_ok=True)
            product.write(target)
    except BaseException:
        # Part of what belongs together is of no use.
        _withdraw(out, [target for target in targets if target not in there])
        raise
    few = targets if len(targets) <= SPELT else targets[:1]
    print("\n".join(f"Wrote {target}" for target in few))
    if len(few) < len(targets):
        print(f"Wrote {len(targets) - 1} files more to {out}")
    return 0


def _withdraw(out: Path, files: Sequence[Path]) -> None:
    """Removes files, and their folders up to `out` where nothing else is in them."""
    for file in files:
        file.unlink(missing_ok=True)
    within = {place for file in files for place in file.parents if place.is_relative_to(out)}
    for folder in sorted(within, reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _require_place(out: Path, to: str, *, force: bool) -> None:
    """Raises `Refusal` or `OSError` where nothing can be written to `out`, or it has the wrong ending."""
    if _named_as_file(out) and out.suffix.lower() not in ("", *SUFFIXES[to]):
        ends = " or ".join(SUFFIXES[to])
        raise Refusal(
            f"-o {out}: a file of {to} must end in {ends}. Give {out.with_suffix(SUFFIXES[to][0])}, or a "
            "folder: one that is there, or a name without a dot."
        )
    if out.is_file() and not force:
        raise FileExistsError(f"{out} exists. Give another -o, or replace it with --force.")
    there = next(place for place in (out.absolute(), *out.absolute().parents) if place.exists())
    if not there.is_dir() and there != out.absolute():
        raise Refusal(f"-o {out}: {there} is a file, not a folder. Give another -o.")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"nothing can be written to {there}. Give another -o.")


def _named_as_file(out: Path) -> bool:
    """Whether an output is a file: one that is there, or a name with an ending that is no folder."""
    return out.is_file() or (out.suffix != "" and not out.is_dir())


def _refuse_file(out: Path, to: str) -> NoReturn:
    raise Refusal(f"{to} writes several files here: -o must be a folder, not {out}.")


def _sure_of_several(path: Path, to: str) -> bool:
    """Whether a format needs several files for what is at a path, told before any is read.

    Stations that come from a folder go to a folder, EDI files of one, too.
    """
    if not path.is_dir():
        return to == "edi" and path.name == MODEL
    if summary_of(path) is None and not (path / NAME).is_file():
        return to == "edi"
    one = (path / MODEL).is_file() or len((summary_of(path) or {}).get("misfits", ())) == 1
    return not one or to not in ALONE


def _products(source: Source, to: str) -> list[Product]:
    """What a format makes of stations, or of data along a profile."""
    if to == "vtk" or (to == "edi" and not source.sites):
        what = "stations" if source.sites else "data along a profile"
        raise ValueError(f"{source.name} holds {what}; {to} takes {WANTED[to]}.")
    if source.sites and to in OF_STATIONS:
        sites = source.stations()
        if to == "edi":
            names = unique([site.name for site in sites])
            notes = renamed(tuple(site.name for site in sites), to)
            pairs = zip(names, sites, strict=True)
            return [Product((f"{name}.edi",), _edi(site), notes) for name, site in pairs]
        write = OF_STATIONS[to]
        notes = renamed(tuple(site.name for site in sites), to)
        return [Product((f"{source.name}{SUFFIXES[to][0]}",), lambda path: write(path, sites), notes)]
    return [_line(name, line, to) for name, line in source.lines().items()]


def _edi(site: Site) -> Writer:
    return lambda path: write_edi(path, site)


def _line(name: str, line: Line, to: str) -> Product:
    nowhere = line.place is None and to not in ("occam2d", "csv")
    notes = renamed(line.data.survey.names, to) + ((NOWHERE,) if nowhere else ())
    return Product((f"{name}{SUFFIXES[to][0]}",), lambda path: OF_LINES[to](path, line), notes)


def _modem(path: Path, line: Line) -> None:
    data = line.data.complete()
    if data is None:
        raise ValueError(f"{line.name}: {NO_IMPEDANCE}")
    write_modem(path, data, place=line.place)


def _netcdf(path: Path, line: Line) -> None:
    results = Results(line.data, journal=line.journal, attributes={"name": line.name})
    write_results(path, results, line.place)


def _geojson(path: Path, line: Line) -> None:
    place = line.place
    if place is None:
        raise ValueError(f"{line.name}: {NOWHERE}, and GeoJSON needs latitudes and longitudes.")
    write_line_geojson(path, line.data.survey, place, {"name": line.name})


OF_STATIONS: Mapping[str, Callable[..., None]] = {
    "edi": write_edi,
    "modem": write_modem_sites,
    "csv": write_sites_csv,
    "geojson": write_sites_geojson,
}
"""How a format writes stations as they were measured; the others write lines."""

OF_LINES: Mapping[str, Callable[[Path, Line], None]] = {
    "modem": _modem,
    "occam2d": lambda path, line: write_occam2d(path, line.data, title=line.name),
    "mare2dem": lambda path, line: write_emdata(path, line.data, line.place),
    "netcdf": _netcdf,
    "csv": lambda path, line: write_data_csv(path, line.data, None, line.place),
    "geojson": _geojson,
}
"""How a format writes data along a profile."""
