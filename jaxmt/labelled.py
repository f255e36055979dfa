"""Data and sections with names, units and coordinates: for xarray, for pandas and for files."""

import importlib
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from .conventions import COMPONENTS, UNITS
from .simulation.mesh import Mesh
from .simulation.survey import Survey

Values = Float[np.ndarray, "comp freq site"]

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
    "fixed": (("earth", "y"), "", "1 where a cell kept its resistivity, such as the sea"),
}
"""Axes, unit and meaning of each array; components are log10(ohm m), degrees, and 1 for tippers."""

LABELS = {
    "frequencies": "frequency",
    "computed": "computed_frequency",
    "stations": "station",
    "depths": "station_depth",
    "names": "station_name",
    "components": "component",
    "modes": "mode",
    "y_nodes": "y_node",
    "z_nodes": "z_node",
    "surface": "ground",
}
"""Names of these arrays in a labelled dataset, where they are coordinates; other names stay."""

AXES = {
    "freq": "frequency",
    "computed": "computed_frequency",
    "site": "station",
    "comp": "component",
    "ynode": "y_node",
    "znode": "z_node",
    "earth": "depth",
}
"""Names of axes in a labelled dataset; other names stay."""

ORDINARY = "lg(re 1 ohm m)"
"""The unit of log10 of ohm m as UDUNITS, and so CF, write it."""

REMEDY = "install it with `pip install 'jaxmt[io]'`"
CONVENTIONS = "CF-1.11"


def package(name: str, purpose: str, remedy: str = REMEDY) -> Any:
    """An optional package. Raises `ImportError`, with the remedy, where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{purpose} needs the package {name}; {remedy}.") from error


def arrays_of(
    survey: Survey,
    values: Values,
    errors: Values,
    predicted: Values | None = None,
    mesh: Mesh | None = None,
    resistivity: Float[np.ndarray, "earth y"] | None = None,
    fixed: Bool[np.ndarray, "earth y"] | None = None,
) -> dict[str, np.ndarray]:
    """The arrays of `MEANINGS` that exist."""
    arrays = {
        "frequencies": survey.frequencies,
        "stations": survey.stations,
        "depths": survey.depths,
        "names": np.array(survey.names),
        "components": np.array(COMPONENTS),
        "modes": np.array(survey.modes),
        "values": values,
        "errors": errors,
    }
    if survey.computed is not None:
        arrays["computed"] = survey.computed
    if predicted is not None:
        arrays["predicted"] = np.asarray(predicted)
    if mesh is not None:
        arrays |= {name: getattr(mesh, name) for name in ("y_nodes", "z_nodes", "surface")}
    if resistivity is not None:
        arrays["resistivity"] = np.asarray(resistivity)
    if fixed is not None:
        arrays["fixed"] = fixed.astype(np.int8)
    return arrays


def dataset(arrays: dict[str, np.ndarray], mesh: Mesh | None = None) -> Any:
    """An `xarray.Dataset` of arrays of `MEANINGS`, with coordinates after the CF conventions.

    Data have the coordinates component, frequency (and period) and station, which is y in m, with
    station_name; a section has y and depth, of the cells' centres. log10_resistivity is NaN in the air.
    Raises `ImportError`, with the remedy, without xarray.
    """
    xarray = package("xarray", "a labelled dataset")
    variables: dict[str, Any] = {}
    for name, (axes, units, meaning) in MEANINGS.items():
        if name in arrays:
            about = {"long_name": meaning} | ({"units": units} if units in ("Hz", "m", "ohm m") else {})
            dims = tuple(AXES.get(axis, axis) for axis in axes)
            variables[LABELS.get(name, name)] = (dims, arrays[name], about)
    coordinates = [label for label in LABELS.values() if label in variables]
    variables["period"] = (("frequency",), 1 / arrays["frequencies"], {"long_name": "period", "units": "s"})
    units = {"long_name": "unit of each component"}
    variables["component_unit"] = (("component",), np.array(UNITS), units)
    coordinates += ["period", "component_unit"]
    if mesh is not None:
        y = {"long_name": "distance along the profile", "units": "m", "axis": "X"}
        depth = {
            "standard_name": "depth",
            "long_name": "depth",
            "units": "m",
            "positive": "down",
            "axis": "Z",
        }
        variables["y"] = (("y",), mesh.y_centres, {**y, "bounds": "y_bounds"})
        variables["depth"] = (("depth",), mesh.z_centres, {**depth, "bounds": "depth_bounds"})
        variables["y_bounds"] = (("y", "edge"), _bounds(mesh.y_nodes), {})
        variables["depth_bounds"] = (("depth", "edge"), _bounds(mesh.earth_nodes), {})
        coordinates += ["y", "depth", "y_bounds", "depth_bounds"]
        if "resistivity" in arrays:
            section = np.log10(np.where(mesh.air, np.nan, arrays["resistivity"]))
            about = {"long_name": "log10 of resistivity", "units": ORDINARY}
            variables["log10_resistivity"] = (("depth", "y"), section, about)
    return xarray.Dataset(variables, attrs={"Conventions": CONVENTIONS, "source": "jaxmt"}).set_coords(
        coordinates
    )


def unlabelled(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of `MEANINGS` among those of a labelled dataset, by their own names."""
    if "frequencies" in arrays:
        return arrays
    names = {name: LABELS.get(name, name) for name in MEANINGS}
    return {name: arrays[label] for name, label in names.items() if label in arrays}


def dataframe(survey: Survey, values: Values, errors: Values, predicted: Values | None = None) -> Any:
    """A `pandas.DataFrame` with a row for each datum. Raises `ImportError` without pandas.

    Columns are station, y_m, frequency_hz, period_s, component, value, error, unit (of both), and
    predicted where there is any.
    """
    c, f, s = np.nonzero(np.isfinite(values))
    columns = {
        "station": np.array(survey.names)[s],
        "y_m": survey.stations[s],
        "frequency_hz": survey.frequencies[f],
        "period_s": survey.periods[f],
        "component": np.array(COMPONENTS)[c],
        "value": values[c, f, s],
        "error": errors[c, f, s],
        "unit": np.array(UNITS)[c],
    }
    if predicted is not None:
        columns["predicted"] = np.asarray(predicted)[c, f, s]
    return package("pandas", "a table of data").DataFrame(columns)


def _bounds(nodes: Float[np.ndarray, " node"]) -> Float[np.ndarray, "cell 2"]:
    return np.stack([nodes[:-1], nodes[1:]], axis=1)
