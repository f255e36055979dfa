"""What came of inversions, as the files of other programs."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ..data import Data
from ..io import (
    profile_sites,
    write_data_csv,
    write_edi,
    write_emdata,
    write_line_geojson,
    write_mare2dem_run,
    write_modem,
    write_modem_control,
    write_modem_covariance,
    write_modem_model,
    write_occam2d,
    write_occam2d_run,
    write_results,
    write_section_csv,
    write_vtk,
)
from ..io.names import one_line, quoted, told, whole, words
from ..io.occam2d_writer import FILES as OCCAM2D_FILES
from ..processing.site import Site
from ..simulation.mesh import Mesh
from .file_names import unique
from .source import Inverted, Source

Writer = Callable[[Path], None]
"""Writes one file, or into a folder."""

NO_IMPEDANCE = "no apparent resistivity has its phase, and ModEM's list needs both."
NOWHERE = "nobody says where the stations are: positions are metres along the profile alone"
LONGEST_TITLE = 200
SPELT = {"edi": quoted, "occam2d": one_line, "csv": one_line, "vtk": str}
"""How formats spell the name of a station; VTK has none."""

Section = Float[np.ndarray, "earth y"]


@dataclasses.dataclass(frozen=True)
class Product:
    """Files that are written together.

    - `files`: names in the folder of the output. `write`: gets the path of the only file, or the folder of
      the output. `notes`: what the user must know of them.
    """

    files: tuple[str, ...]
    write: Writer
    notes: tuple[str, ...] = ()

    @property
    def single(self) -> bool:
        """Whether it is one file, which may have any name."""
        return len(self.files) == 1


def renamed(names: tuple[str, ...], to: str) -> tuple[str, ...]:
    """What becomes of names of stations in the files of a format, in words; nothing if all stay."""
    spelt = SPELT.get(to, whole)
    written = words(names) if to in ("modem", "mare2dem") else [spelt(name) for name in names]
    text = told(names, written, to)
    return (text,) if text else ()


def _each(
    source: Source, to: str, files: Callable[[str, Inverted], tuple[str, ...]], write: Callable[..., None]
) -> list[Product]:
    """A product for each inversion; `write` gets a path, the name of the inversion and the inversion."""
    made = []
    for name, one in source.inversions.items():
        notes = renamed(one.results.data.survey.names, to)
        notes += (NOWHERE,) if one.place is None and to != "occam2d" else ()
        made.append(Product(files(name, one), partial(write, name=name, one=one), notes))
    return made


def _prefix(source: Source, name: str) -> str:
    """The folder of an inversion: none for a single one."""
    return "" if len(source.inversions) == 1 else f"{name}/"


def _model(one: Inverted, to: str = "") -> tuple[Mesh, Section]:
    """Mesh and section. Raises `ValueError` for holes in it where a format, `to`, needs every cell."""
    mesh, section = one.results.mesh, one.results.resistivity
    assert mesh is not None
    assert section is not None
    holes = int(np.count_nonzero(~np.isfinite(section) & ~mesh.air))
    if to and holes:
        raise ValueError(
            f"{holes} cells of the section have no resistivity, and {to} needs all. Write it --to netcdf, "
            "vtk or csv."
        )
    return mesh, section


def _title(name: str, one: Inverted) -> str:
    line = "" if one.line is None else f"{one.line.name}, "
    run = one.results.attributes.get("run", "")
    return one_line(f"{line}{name}{', run ' * bool(run)}{run}")[:LONGEST_TITLE]


def edi(source: Source) -> list[Product]:
    """Stations as inverted and as predicted, in the axes of the strike, in two folders."""
    made = []
    for name, one in source.inversions.items():
        if one.line is None or not np.isfinite(one.line.strike):
            raise ValueError(
                f"nobody knows the strike of {name}, which EDI files state: give the folder of the run, of "
                "stations with tensors."
            )
        results, strike, place = one.results, one.line.strike, one.place
        parts = {"processed": results.data}
        if results.predicted is not None:
            parts["predicted"] = _as_data(results.data, results.predicted)
        notes = renamed(results.data.survey.names, "edi") + ((NOWHERE,) if place is None else ())
        notes += (f"EDI files are in the axes of the strike, {strike:.6g} degrees, as their ZROT states",)
        for part, data in parts.items():
            sites = profile_sites(data, strike, place)
            sites = sites if part == "processed" else tuple(map(_without_errors, sites))
            files = unique([site.name for site in sites])
            for site, file in zip(sites, files, strict=True):
                about = _information(part, name, one)
                path = f"{_prefix(source, name)}{part}/{file}.edi"
                made.append(Product((path,), _edi_writer(site, about), notes))
                notes = ()
    return made


def _as_data(data: Data, predicted: np.ndarray) -> Data:
    """Predicted data as data, where there are any of the modes measured."""
    values = np.where(np.isfinite(predicted), predicted, np.nan)
    return Data(data.survey, values, np.ones(values.shape))


def _without_errors(site: Site) -> Site:
    unknown = {name: getattr(site, name) * np.nan for name in ("z_error", "tipper_error")}
    return dataclasses.replace(site, **unknown)


def _edi_writer(site: Site, information: tuple[str, ...]) -> Writer:
    return lambda path: write_edi(path, site, information)


def _information(part: str, name: str, one: Inverted) -> tuple[str, ...]:
    assert one.line is not None
    run = one.results.attributes.get("run", "")
    what = {
        "processed": "Data as jaxmt inverted them, with error floors and without what was removed",
        "predicted": f"Data predicted by the section of {name}, static shifts included, without errors",
    }[part]
    axes = (
        f"x points along strike, {one.line.strike:.6g} degrees clockwise from north; Zxy is TE, Zyx is TM"
    )
    return (what, axes, f"Line {one.line.name}{', run ' * bool(run)}{run}")


def modem(source: Source) -> list[Product]:
    """List, model, covariance and control files of ModEM 2-D; of data without a section the list alone."""

    def files(name: str, one: Inverted) -> tuple[str, ...]:
        model = (f"{name}.rho", f"{name}.cov", "control.inv", "control.fwd") if one.has_section else ()
        return tuple(f"{_prefix(source, name)}{file}" for file in (f"{name}.dat", *model))

    def write(out: Path, name: str, one: Inverted) -> None:
        data = one.results.data.complete()
        if data is None:
            raise ValueError(NO_IMPEDANCE)
        if not one.has_section:
            write_modem(out, data, place=one.place)
            return
        (mesh, section), folder = _model(one, "modem"), out / _prefix(source, name)
        write_modem_model(folder / f"{name}.rho", mesh, section)
        write_modem(folder / f"{name}.dat", data, left_edge=float(mesh.y_nodes[0]), place=one.place)
        write_modem_covariance(folder / f"{name}.cov", mesh, one.results.fixed)
        write_modem_control(folder, words([name])[0], target=one.target)

    return _each(source, "modem", files, write)


def occam2d(source: Source) -> list[Product]:
    """Data, mesh, model and startup file of Occam2D; of data without a section their file alone."""

    def files(name: str, one: Inverted) -> tuple[str, ...]:
        at = _prefix(source, name)
        return tuple(f"{at}{file}" for file in OCCAM2D_FILES) if one.has_section else (f"{name}.dat",)

    def write(out: Path, name: str, one: Inverted) -> None:
        data, title = one.results.data, _title(name, one)
        if one.has_section:
            folder = out / _prefix(source, name)
            write_occam2d_run(folder, data, *_model(one, "occam2d"), title=title, target=one.target)
        else:
            write_occam2d(out, data, title=title)

    return _each(source, "occam2d", files, write)


def mare2dem(source: Source) -> list[Product]:
    """Data, model, penalty and settings of MARE2DEM; of data without a section their file alone."""

    def files(name: str, one: Inverted) -> tuple[str, ...]:
        at, plain = _prefix(source, name), words([name])[0]
        if not one.has_section:
            return (f"{name}.emdata",)
        ends = (".emdata", ".poly", ".penalty", ".0.resistivity")
        return (*(f"{at}{plain}{end}" for end in ends), f"{at}mare2dem.settings")

    def write(out: Path, name: str, one: Inverted) -> None:
        data, place = one.results.data, one.place
        if one.has_section:
            about = {"name": name, "place": place, "fixed": one.results.fixed, "target": one.target}
            write_mare2dem_run(out / _prefix(source, name), data, *_model(one, "mare2dem"), **about)
        else:
            write_emdata(out, data, place)

    return _each(source, "mare2dem", files, write)


def netcdf(source: Source) -> list[Product]:
    """A file of everything for each inversion."""
    return _each(
        source,
        "netcdf",
        lambda name, one: (f"{name}.nc",),
        lambda path, name, one: write_results(path, one.results, one.place),
    )


def vtk(source: Source) -> list[Product]:
    """The section of each inversion, where it lies."""

    def write(path: Path, name: str, one: Inverted) -> None:
        mesh, section = _model(one)
        rho = np.where(mesh.air, np.nan, section)
        cells = {"resistivity_ohm_m": rho, "log10_resistivity": np.log10(rho)}
        grid = "" if one.place is None else f", {one.place.grid}"
        write_vtk(path, mesh, cells, title=f"jaxmt {_title(name, one)}{grid}", place=one.place)

    for name, one in source.inversions.items():
        if not one.has_section:
            raise ValueError(f"{name} holds no section; vtk takes the results of an inversion.")
    return _each(source, "vtk", lambda name, one: (f"{name}.vtk",), write)


def csv(source: Source) -> list[Product]:
    """Tables of data with their predictions, and of the cells of the section."""

    def data(path: Path, name: str, one: Inverted) -> None:
        write_data_csv(path, one.results.data, one.results.predicted, one.place)

    def section(path: Path, name: str, one: Inverted) -> None:
        write_section_csv(path, *_model(one), one.place)

    models = {name: one for name, one in source.inversions.items() if one.has_section}
    sections = dataclasses.replace(source, inversions=models)
    return [
        *_each(source, "csv", lambda name, one: (f"{name}_data.csv",), data),
        *_each(sections, "csv", lambda name, one: (f"{name}_section.csv",), section),
    ]


def geojson(source: Source) -> list[Product]:
    """Stations and profile of each inversion."""

    def write(path: Path, name: str, one: Inverted) -> None:
        assert one.place is not None
        nrms = one.results.attributes.get("nrms", "")
        about = {"name": _title(name, one)} | ({"nrms": float(nrms)} if nrms else {})
        write_line_geojson(path, one.results.data.survey, one.place, about)

    for name, one in source.inversions.items():
        if one.place is None:
            raise ValueError(f"{name}: {NOWHERE}, and GeoJSON needs latitudes and longitudes.")
    return _each(source, "geojson", lambda name, one: (f"{name}.geojson",), write)


RESULTS: Mapping[str, Callable[[Source], list[Product]]] = {
    "edi": edi,
    "modem": modem,
    "occam2d": occam2d,
    "mare2dem": mare2dem,
    "netcdf": netcdf,
    "vtk": vtk,
    "csv": csv,
    "geojson": geojson,
}
"""What each format makes of inversions."""

ALONE = ("netcdf", "vtk", "geojson")
"""Formats that need one file for an inversion."""
