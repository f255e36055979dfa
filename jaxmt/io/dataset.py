"""A results file that explains itself: every array with its axes, unit and meaning, and the journal."""

import dataclasses
import importlib
import json
import struct
import tokenize
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..conventions import COMPONENTS
from ..data import Data
from ..processing import Entry, Journal
from ..simulation.mesh import Mesh
from ..simulation.survey import Survey
from ..simulation.top import TOPS
from .free_format import BadFile, require_file

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

MEANINGS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "frequencies": (("freq",), "Hz", "frequencies"),
    "computed": (("computed",), "Hz", "frequencies at which fields are computed, if not at frequencies"),
    "stations": (("site",), "m", "positions along the profile"),
    "depths": (("site",), "m", "depths of the stations below z = 0"),
    "names": (("site",), "", "station names"),
    "components": (("comp",), "", "what the rows of values, errors and predicted are"),
    "modes": (("mode",), "", "modes of the survey: te, tm"),
    "values": (("comp", "freq", "site"), "see components", "observed data, NaN where there is none"),
    "errors": (("comp", "freq", "site"), "see components", "one standard deviation of the values"),
    "predicted": (("comp", "freq", "site"), "see components", "data predicted by the model"),
    "y_nodes": (("ynode",), "m", "node coordinates along the profile"),
    "z_nodes": (("znode",), "m", "node depths, the ground at 0, air above"),
    "surface": (("ynode",), "m", "depth of the ground at each of y_nodes"),
    "resistivity": (("earth", "y"), "ohm m", "resistivity of the earth cells"),
}
"""Axes, unit and meaning of each array; components are log10(ohm m), degrees, and 1 for tippers."""

KINDS = {"names": "U", "components": "U", "modes": "U"}
"""Kinds of NumPy's types of the arrays that are no floating-point numbers."""

OPTIONAL = {"computed", "depths", "predicted", "y_nodes", "z_nodes", "surface", "resistivity"}


@dataclasses.dataclass(frozen=True)
class Results:
    """What a results file holds; None for what it does not.

    - `predicted`: in the order of `COMPONENTS`. `resistivity`: ohm m, of shape `mesh.shape`.
    - `journal`: how the data were processed. `attributes`: anything else worth keeping, as text.
    """

    data: Data
    predicted: Float[np.ndarray, "comp freq site"] | None = None
    mesh: Mesh | None = None
    resistivity: Float[np.ndarray, "earth y"] | None = None
    journal: Journal = Journal()
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _arrays(results: Results) -> dict[str, np.ndarray]:
    survey = results.data.survey
    arrays = {
        "frequencies": survey.frequencies,
        "stations": survey.stations,
        "depths": survey.depths,
        "names": np.array(survey.names),
        "components": np.array(COMPONENTS),
        "modes": np.array(survey.modes),
        "values": results.data.values,
        "errors": results.data.errors,
    }
    if survey.computed is not None:
        arrays["computed"] = survey.computed
    if results.predicted is not None:
        arrays["predicted"] = np.asarray(results.predicted)
    if results.mesh is not None:
        arrays |= {name: getattr(results.mesh, name) for name in ("y_nodes", "z_nodes", "surface")}
    if results.resistivity is not None:
        arrays["resistivity"] = np.asarray(results.resistivity)
    return arrays


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


def write_results(path: FilePath, results: Results) -> None:
    """Writes a results file that explains itself: NetCDF for the suffix .nc, else NumPy's .npz.

    Each array carries its axes, unit and meaning: as attributes in NetCDF, in the entry `about` (JSON)
    of an .npz, which `numpy.load` reads without jaxmt. Numbers are exact. The file appears whole or not
    at all. Raises `ImportError`, with the remedy, for NetCDF without xarray.
    """
    path = Path(path)
    arrays, about = _arrays(results), _about(results)
    if path.suffix.lower() == ".nc":
        variables = {
            name: (axes, arrays[name], {"units": units, "long_name": meaning})
            for name, (axes, units, meaning) in MEANINGS.items()
            if name in arrays
        }
        dataset = _xarray().Dataset(variables, attrs=about)
        with atomic_path(path) as temporary:
            dataset.to_netcdf(temporary, engine="scipy")
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
    return arrays, about


def _xarray() -> Any:
    try:
        return importlib.import_module("xarray")
    except ImportError as error:
        raise ImportError(f"NetCDF needs the package xarray; {REMEDY}.") from error
