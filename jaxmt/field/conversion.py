"""Transfer functions and results as other programs want them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..io import (
    Reading,
    Results,
    read_results,
    write_data_csv,
    write_edi,
    write_modem,
    write_modem_model,
    write_modem_sites,
    write_occam2d,
    write_results,
    write_section_csv,
    write_sites_csv,
    write_vtk,
)
from ..processing import Journal
from ..processing.site import Site
from .folder import MODEL, Folder, summary_of
from .line import Line, line_names
from .look import notes
from .objects import treatment_of
from .options import ALL, Refusal, complete
from .selection import located

Writer = Callable[[Path], None]
"""Writes one file."""

SUFFIXES = {
    "edi": ".edi",
    "modem": ".dat",
    "occam2d": ".dat",
    "netcdf": ".nc",
    "vtk": ".vtk",
    "csv": ".csv",
}

ABOUT_STATIONS = ("variance", "line", "stations", "drop", "positions", "spacing", "recursive")
"""Options that say which stations are written as they were measured, and where they are."""

ABOUT_SPACING = ("azimuth", "strike")
"""Options that say more of `--spacing`."""

NO_IMPEDANCE = "no apparent resistivity has its phase, and ModEM's list needs both."


@dataclasses.dataclass(frozen=True)
class Source:
    """What is to be converted: stations, or a line, or the results of inversions by misfit."""

    name: str
    reading: Reading | None = None
    results: Mapping[str, Results] = dataclasses.field(default_factory=dict)
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def sites(self) -> tuple[Site, ...]:
        """The stations with whole tensors."""
        return () if self.reading is None else self.reading.sites

    def stations(self) -> tuple[Site, ...]:
        """The stations that are asked for, as measured, where they are said to be; prints what was done.

        Raises `Refusal` for an option that changes data or is about a line.
        """
        assert self.reading is not None
        known = ABOUT_STATIONS + (ABOUT_SPACING if "spacing" in self.told else ())
        if vain := [name for name in self.told if name not in known]:
            raise Refusal(
                f"stations are written as they were measured: leave --{vain[0]} out, or write a line, "
                "--to occam2d or netcdf."
            )
        if self.told.get("line") == ALL:
            raise Refusal("--line all is for lines: leave it out, and all stations are written.")
        treatment, sites = treatment_of(complete(self.told)), self.reading.sites
        if treatment.line is None:
            placed, journal, _ = located(sites, treatment.selection, treatment.strike)
            chosen = tuple(placed[k] for k in treatment.selection.chosen([site.name for site in placed]))
        else:
            choice = treatment.choice(sites)
            chosen, journal = choice.sites, choice.journal
        _tell(self.reading.journal + journal)
        return chosen

    def lines(self) -> dict[str, Line]:
        """The data along a profile, as `jaxmt invert` would take them, by names for files; prints what
        was done to them. Raises `ValueError` where one of all lines cannot be taken.
        """
        assert self.reading is not None
        treatment, made = treatment_of(complete(self.told)), {}
        if treatment.line != ALL:
            made[self.name] = Line.from_reading(self.name, self.reading, treatment)
        else:
            found = treatment.find(self.sites) if self.sites else None
            names = line_names(self.reading, found)
            for name, file in zip(names, unique(names), strict=True):
                one = dataclasses.replace(treatment, line=name)
                try:
                    choice = None if found is None else found.taken(name)
                    made[f"{self.name}-{file}"] = Line.from_reading(self.name, self.reading, one, choice)
                except Refusal:
                    raise
                except ValueError as error:
                    raise ValueError(
                        f"line {name}: {error} --line NAME takes one of {', '.join(names)}."
                    ) from None
        for line in made.values():
            _tell(line.journal)
        return made


def _tell(journal: Journal) -> None:
    if text := notes(journal):
        print(text)


def convert(path: Path, to: str, out: Path, told: Mapping[str, Any], *, force: bool) -> int:
    """`jaxmt convert`: writes what is at `path` to `out`, a file for a single one, else a folder."""
    files = {"edi": _edi, "modem": _modem, "occam2d": _occam2d, "netcdf": _netcdf, "vtk": _vtk, "csv": _csv}
    source = source_of(path, told)
    if source.results and told:
        raise Refusal(f"{source.name} holds results, written as they are: leave --{next(iter(told))} out.")
    made = files[to](source)
    single = len(made) == 1 and out.suffix != ""
    if to == "netcdf" and single and out.suffix != SUFFIXES[to]:
        raise Refusal(f"{out} must end in {SUFFIXES[to]} for netcdf. Give another -o.")
    targets = {out: next(iter(made.values()))} if single else {out / name: w for name, w in made.items()}
    there = [target for target in targets if target.exists()]
    if there and not force:
        raise FileExistsError(f"{there[0]} exists. Give another -o, or replace it with --force.")
    for target, write in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target)
    print("\n".join(f"Wrote {target}" for target in targets))
    return 0


def source_of(path: Path, told: Mapping[str, Any]) -> Source:
    """What lies at a path: a folder of results, one of their files, or transfer functions."""
    if path.suffix in (".npz", ".nc"):
        return Source(path.stem, results={path.stem: read_results(path)})
    if path.is_dir() and summary_of(path) is not None:
        files = {path.name: path / MODEL} if (path / MODEL).is_file() else {}
        if not files:
            files = {name: path / name / MODEL for name in Folder.open(path).misfits()}
        found = {name: read_results(file) for name, file in files.items() if file.is_file()}
        if not found:
            raise ValueError(f"{path} is a folder of results without any model yet.")
        return Source(path.name, results=found)
    return Source(path.resolve().stem, treatment_of(complete(told)).read(path), told=told)


def _each(source: Source, to: str, write: Callable[[Path, Results], None]) -> dict[str, Writer]:
    """A file for each inversion."""

    def writer(results: Results) -> Writer:
        return lambda path: write(path, results)

    return {f"{name}{SUFFIXES[to]}": writer(results) for name, results in source.results.items()}


def _lines(source: Source, to: str, write: Callable[[Path, Line], None]) -> dict[str, Writer]:
    """A file for each line."""

    def writer(line: Line) -> Writer:
        return lambda path: write(path, line)

    return {f"{name}{SUFFIXES[to]}": writer(line) for name, line in source.lines().items()}


def _refuse(source: Source, to: str, wanted: str) -> ValueError:
    what = "results" if source.results else "stations" if source.sites else "data along a profile"
    return ValueError(f"{source.name} holds {what}; {to} takes {wanted}.")


def _edi(source: Source) -> dict[str, Writer]:
    if not source.sites:
        raise _refuse(source, "edi", "stations with whole tensors: EDI, EMTF XML, a 3-D ModEM list")

    def writer(site: Site) -> Writer:
        return lambda path: write_edi(path, site)

    sites = source.stations()
    names = unique([site.name for site in sites])
    return {f"{name}.edi": writer(site) for name, site in zip(names, sites, strict=True)}


def _modem(source: Source) -> dict[str, Writer]:
    if source.results:
        lists = _each(source, "modem", lambda path, results: _write_list(path, results))
        models = {
            f"{name}.rho": _model_writer(results)
            for name, results in source.results.items()
            if results.resistivity is not None
        }
        return lists | models
    if source.sites:
        sites = source.stations()
        return {f"{source.name}.dat": lambda path: write_modem_sites(path, sites)}

    def write(path: Path, line: Line) -> None:
        data = line.data.complete()
        if data is None:
            raise ValueError(f"{line.name}: {NO_IMPEDANCE}")
        write_modem(path, data)

    return _lines(source, "modem", write)


def _write_list(path: Path, results: Results) -> None:
    data = results.data.complete()
    if data is None:
        raise ValueError(NO_IMPEDANCE)
    left = 0.0 if results.mesh is None else float(results.mesh.y_nodes[0])
    write_modem(path, data, left_edge=left)


def _model_writer(results: Results) -> Writer:
    mesh, resistivity = results.mesh, results.resistivity
    assert mesh is not None
    assert resistivity is not None
    return lambda path: write_modem_model(path, mesh, resistivity)


def _occam2d(source: Source) -> dict[str, Writer]:
    if source.results:
        return _each(source, "occam2d", lambda path, results: write_occam2d(path, results.data))
    return _lines(source, "occam2d", lambda path, line: write_occam2d(path, line.data, title=line.name))


def _netcdf(source: Source) -> dict[str, Writer]:
    if source.results:
        return _each(source, "netcdf", write_results)

    def write(path: Path, line: Line) -> None:
        write_results(path, Results(line.data, journal=line.journal, attributes={"name": line.name}))

    return _lines(source, "netcdf", write)


def _vtk(source: Source) -> dict[str, Writer]:
    def write(path: Path, results: Results) -> None:
        if results.mesh is None or results.resistivity is None:
            raise ValueError(f"{source.name} holds no section; vtk takes the results of an inversion.")
        rho = np.where(results.mesh.air, np.nan, results.resistivity)
        cells = {"resistivity_ohm_m": rho, "log10_resistivity": np.log10(rho)}
        write_vtk(path, results.mesh, cells, title=f"jaxmt {results.attributes.get('run', '')}".strip())

    if not source.results:
        raise _refuse(source, "vtk", "the section of a folder of results")
    return _each(source, "vtk", write)


def _csv(source: Source) -> dict[str, Writer]:
    if source.sites:
        sites = source.stations()
        return {f"{source.name}.csv": lambda path: write_sites_csv(path, sites)}
    if not source.results:
        return _lines(source, "csv", lambda path, line: write_data_csv(path, line.data))

    def section(results: Results) -> Writer:
        mesh, resistivity = results.mesh, results.resistivity
        assert mesh is not None
        assert resistivity is not None
        return lambda path: write_section_csv(path, mesh, resistivity)

    data = {f"{name}_data.csv": _data_writer(results) for name, results in source.results.items()}
    sections = {
        f"{name}_section.csv": section(results)
        for name, results in source.results.items()
        if results.resistivity is not None
    }
    return data | sections


def _data_writer(results: Results) -> Writer:
    return lambda path: write_data_csv(path, results.data, results.predicted)


def unique(names: Sequence[str]) -> list[str]:
    """Names for files: without separators of folders, a number behind those that come again."""
    plain = ["".join("_" if c in "/\\:" else c for c in name) or "station" for name in names]
    found: list[str] = []
    for name in plain:
        again = sum(other == name or other.rpartition("-")[0] == name for other in found)
        found.append(f"{name}-{again + 1}" if name in found else name)
    return found
