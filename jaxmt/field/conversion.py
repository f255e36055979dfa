"""Transfer functions and results as other programs want them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..io import (
    Reading,
    Results,
    read,
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
from ..processing.site import Site
from .folder import MODEL, Folder, summary_of
from .line import Line
from .objects import treatment_of
from .options import complete

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

    def line(self) -> Line:
        """The data along a profile, as `jaxmt invert` would take them."""
        assert self.reading is not None
        return Line.from_reading(self.name, self.reading, treatment_of(complete(self.told)))


def convert(path: Path, to: str, out: Path, told: Mapping[str, Any], *, force: bool) -> int:
    """`jaxmt convert`: writes what is at `path` to `out`, a file for a single one, else a folder."""
    files = {"edi": _edi, "modem": _modem, "occam2d": _occam2d, "netcdf": _netcdf, "vtk": _vtk, "csv": _csv}
    made = files[to](source_of(path, told))
    single = len(made) == 1 and out.suffix != ""
    if to == "netcdf" and single and out.suffix != SUFFIXES[to]:
        raise ValueError(f"{out} must end in {SUFFIXES[to]} for netcdf. Give another -o.")
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
    settings = treatment_of(complete(told))
    reading = read(path, variance=settings.variance, relative_error=settings.floor, signs=settings.signs)
    return Source(path.resolve().stem, reading, told=told)


def _each(source: Source, to: str, write: Callable[[Path, Results], None]) -> dict[str, Writer]:
    """A file for each inversion."""

    def writer(results: Results) -> Writer:
        return lambda path: write(path, results)

    return {f"{name}{SUFFIXES[to]}": writer(results) for name, results in source.results.items()}


def _refuse(source: Source, to: str, wanted: str) -> ValueError:
    what = "results" if source.results else "stations" if source.sites else "data along a profile"
    return ValueError(f"{source.name} holds {what}; {to} takes {wanted}.")


def _edi(source: Source) -> dict[str, Writer]:
    if not source.sites:
        raise _refuse(source, "edi", "stations with whole tensors: EDI, EMTF XML, a 3-D ModEM list")

    def writer(site: Site) -> Writer:
        return lambda path: write_edi(path, site)

    names = unique([site.name for site in source.sites])
    return {f"{name}.edi": writer(site) for name, site in zip(names, source.sites, strict=True)}


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
        return {f"{source.name}.dat": lambda path: write_modem_sites(path, source.sites)}
    data = source.line().data.complete()
    if data is None:
        raise ValueError(
            f"{source.name} has no apparent resistivity with its phase, which ModEM's list needs."
        )
    return {f"{source.name}.dat": lambda path: write_modem(path, data)}


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
    line = source.line()
    return {f"{source.name}.dat": lambda path: write_occam2d(path, line.data, title=line.name)}


def _netcdf(source: Source) -> dict[str, Writer]:
    if source.results:
        return _each(source, "netcdf", write_results)
    line = source.line()
    results = Results(line.data, journal=line.journal, attributes={"name": line.name})
    return {f"{source.name}.nc": lambda path: write_results(path, results)}


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
        return {f"{source.name}.csv": lambda path: write_sites_csv(path, source.sites)}
    if not source.results:
        line = source.line()
        return {f"{source.name}.csv": lambda path: write_data_csv(path, line.data)}

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
