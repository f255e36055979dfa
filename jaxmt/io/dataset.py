"""A results file that explains itself: every array with its axes, unit and meaning, and the journal."""

import dataclasses
import json
import struct
import tokenize
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float

from ..atomic import FilePath, atomic_path
from ..data import Data
from ..labelled import MEANINGS, arrays_of, dataset, package, unlabelled
from ..processing import Entry, Journal
from ..processing.geodesy import FLATTENING, SEMI_MAJOR_AXIS
from ..processing.georeference import Georeference
from ..simulation.mesh import Mesh
from ..simulation.survey import Survey
from ..simulation.top import TOPS
from .free_format import BadFile, require_file
from .names import whole

CONVENTION = "jaxmt results 1"

DAMAGE = (
    OSError,
    # NumPy reads the header of an array as Python.
    SyntaxError,
    tokenize.TokenError,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    RuntimeError,
    MemoryError,
    OverflowError,
    AttributeError,
    SyntaxError,
    BadZipFile,
    zlib.error,
    struct.error,
)
"""What NumPy, zipfile and SciPy raise for archives that are damaged."""

REMEDY = "install it with `pip install 'jaxmt[io]'`, or write a file with the suffix .npz"

KINDS = {"names": "U", "components": "U", "modes": "U", "fixed": "i"}
"""Kinds of NumPy's types of the arrays that are no floating-point numbers."""

OPTIONAL = {"computed", "depths", "predicted", "y_nodes", "z_nodes", "surface", "resistivity", "fixed"}


@dataclasses.dataclass(frozen=True)
class Results:
    """What a results file holds; None for what it does not.

    - `predicted`: in the order of `COMPONENTS`. `resistivity`: ohm m, of shape `mesh.shape`.
    - `fixed`: True for cells that kept a known resistivity, such as the sea; None for none.
    - `journal`: how the data were processed. `attributes`: anything else worth keeping, as text.
    """

    data: Data
    predicted: Float[np.ndarray, "comp freq site"] | None = None
    mesh: Mesh | None = None
    resistivity: Float[np.ndarray, "earth y"] | None = None
    journal: Journal = Journal()
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fixed: Bool[np.ndarray, "earth y"] | None = None


def _arrays(results: Results) -> dict[str, np.ndarray]:
    data = results.data
    model = results.predicted, results.mesh, results.resistivity, results.fixed
    return arrays_of(data.survey, data.values, data.errors, *model)


def _about(results: Results) -> dict[str, str]:
    """The attributes of the whole file."""
    mesh = results.mesh
    top = {} if mesh is None else {"top": type(mesh.top).__name__}
    return top | {
        "convention": CONVENTION,
        "time_dependence": "exp(+i omega t)",
        "axes": "x along strike, y along the profile, z down; xy is TE, yx is TM, its phase shifted by 180",
        "journal": json.dumps([dataclasses.astuple(entry) for entry in results.journal]),
        "attributes": json.dumps({str(k): str(v) for k, v in results.attributes.items()}),
    }


def write_results(path: FilePath, results: Results, place: Georeference | None = None) -> None:
    """Writes a results file that explains itself: NetCDF for the suffix .nc, else NumPy's .npz.

    - `place`: where the profile lies, for the coordinates of a NetCDF file; an .npz has no place for it.

    Each array carries its axes, unit and meaning. NetCDF has them, and coordinates, after the CF
    conventions (`jaxmt.labelled.dataset`), so that xarray draws it; an .npz has them in the entry `about`
    (JSON), and `numpy.load` reads it without jaxmt. Numbers are exact. The file appears whole or not at
    all. Raises `ImportError`, with the remedy, for NetCDF without xarray.
    """
    path = Path(path)
    arrays, about = _arrays(results), _about(results)
    if path.suffix.lower() == ".nc":
        _xarray()
        arrays["names"] = np.array([whole(name) for name in results.data.survey.names])
        labelled = dataset(arrays, results.mesh).assign_attrs(about)
        if place is not None:
            labelled = _placed(labelled, results, place)
        with atomic_path(path) as temporary:
            labelled.to_netcdf(temporary, engine="scipy")
        return
    meanings = {
        name: {"axes": axes, "units": units, "long_name": meaning}
        for name, (axes, units, meaning) in MEANINGS.items()
        if name in arrays
    }
    text = json.dumps(about | {"arrays": meanings})
    entries: dict[str, Any] = {"about": np.array(text), **arrays}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **entries)


def read_results(path: FilePath) -> Results:
    """The contents of a file of `write_results`. Raises `BadFile` for anything else."""
    path = Path(path)
    if path.suffix.lower() == ".nc":
        arrays, about = _read_netcdf(path)
    else:
        arrays, about = _read_npz(path)
    if about.get("convention") != CONVENTION or set(MEANINGS) - set(arrays) - OPTIONAL:
        raise BadFile(f"{path} is not a file of `write_results`: it does not state {CONVENTION!r}.")
    for name, (axes, _, _) in MEANINGS.items():
        array = arrays.get(name, np.zeros((0,) * len(axes), dtype=KINDS.get(name, "f")))
        if array.ndim != len(axes) or array.dtype.kind != KINDS.get(name, "f"):
            raise BadFile(
                f"{path}: {name} is of shape {array.shape} and type {array.dtype}; expected axes {axes}. "
                "The file is damaged, copy it again."
            )
    try:
        return _results(arrays, about)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadFile(f"{path} is damaged, copy it again: {error}.") from error


def _results(arrays: dict[str, np.ndarray], about: dict[str, Any]) -> Results:
    survey = Survey(
        arrays["frequencies"],
        arrays["stations"],
        modes=[str(mode) for mode in arrays["modes"]],
        names=[str(name) for name in arrays["names"]],
        depths=arrays.get("depths"),
        computed=arrays.get("computed"),
    )
    has_mesh = "y_nodes" in arrays and "z_nodes" in arrays
    mesh = None
    if has_mesh:
        top = TOPS.get(about.get("top", ""))
        mesh = Mesh(arrays["y_nodes"], arrays["z_nodes"], arrays.get("surface"), top)
    return Results(
        data=Data(survey, arrays["values"], arrays["errors"]),
        predicted=arrays.get("predicted"),
        mesh=mesh,
        fixed=arrays["fixed"].astype(bool) if "fixed" in arrays else None,
        resistivity=arrays.get("resistivity"),
        journal=Journal(tuple(Entry(*entry) for entry in json.loads(about["journal"]))),
        attributes=json.loads(about["attributes"]),
    )


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    try:
        # Opened here: NumPy leaves the file open if it is no archive.
        if path.exists():
            require_file(path)
        with path.open("rb") as stream, np.load(stream) as file:
            arrays = {name: file[name] for name in file.files}
        about = dict(json.loads(str(arrays.pop("about"))))
    except BadFile:
        raise
    except DAMAGE as error:
        raise BadFile(f"{path} is not a file of `write_results`: {error}.") from error
    return arrays, about


def _read_netcdf(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    xarray = _xarray()
    try:
        with xarray.open_dataset(path, engine="scipy") as dataset:
            arrays = {str(name): np.array(dataset[name]) for name in dataset.variables}
            # Texts come as objects.
            arrays = {k: v.astype(str) if v.dtype.kind == "O" else v for k, v in arrays.items()}
            about = {str(key): value for key, value in dataset.attrs.items()}
    except DAMAGE as error:
        raise BadFile(f"{path} is not a file of `write_results`: {error}.") from error
    return unlabelled(arrays), about


def _xarray() -> Any:
    return package("xarray", "NetCDF", REMEDY)


def _placed(labelled: Any, results: Results, place: Georeference) -> Any:
    """The dataset with latitude, longitude, northing and easting of stations and of columns."""
    crs = {"long_name": place.grid, "profile_direction_degrees": place.direction}
    crs |= {"strike_degrees": place.strike}
    if place.geographic:
        number, southern = place.zone
        crs |= {
            "grid_mapping_name": "transverse_mercator",
            "latitude_of_projection_origin": 0.0,
            "longitude_of_central_meridian": 6.0 * number - 183.0,
            "scale_factor_at_central_meridian": 0.9996,
            "false_easting": 5e5,
            "false_northing": 1e7 if southern else 0.0,
            "semi_major_axis": SEMI_MAJOR_AXIS,
            "inverse_flattening": 1 / FLATTENING,
            "epsg": place.epsg,
        }
    added: dict[str, Any] = {"crs": ((), np.int32(place.epsg or 0), crs)}
    stations = (place.latitude, place.longitude, *place.station_metres())
    added |= _coordinates("station", "station_", stations)
    about = {"long_name": "height of the stations above sea level", "units": "m"}
    added["station_elevation"] = (("station",), place.elevation, about)
    if results.mesh is not None:
        y = results.mesh.y_centres
        added |= _coordinates("y", "", (*place.degrees(y), *place.metres(y)))
    told = {"profile_direction_degrees": place.direction, "strike_degrees": place.strike}
    return labelled.assign_coords(added).assign_attrs(told)


def _coordinates(axis: str, prefix: str, values: tuple[np.ndarray, ...]) -> dict[str, Any]:
    about = (
        ("latitude", "latitude", "degrees_north"),
        ("longitude", "longitude", "degrees_east"),
        ("northing", "projection_y_coordinate", "m"),
        ("easting", "projection_x_coordinate", "m"),
    )
    return {
        f"{prefix}{name}": ((axis,), array, {"standard_name": standard, "long_name": name, "units": units})
        for (name, standard, units), array in zip(about, values, strict=True)
    }
