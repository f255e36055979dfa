"""Formats of transfer functions that jaxmt does not read itself, through the extra `mt_metadata`."""

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath
from ..conventions import OHM_PER_PRACTICAL
from ..processing.site import Site
from .free_format import BadFile, text_of
from .impedances import measured, opposite_sign, quadrants, without_zeros
from .statements import statements

FAILURES = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    OSError,
    RuntimeError,
    SyntaxError,
    NameError,
    AssertionError,
    EOFError,
    MemoryError,
)
"""What the package's parsers raise for a file they do not understand; an unbound variable among them."""

READ = (
    "read by mt_metadata; impedances taken as (mV/km)/nT, its errors divided by sqrt(2)",
    "axes taken as north and east",
)
TF = "mt_metadata.transfer_functions.core", "TF"
MT = "mtpy.core.mt", "MT"
MT_DATA = "mtpy.core.mt_data", "MTData"
"""Classes by module and name."""

Z_FILES = (".zmm", ".zrr", ".zss")
REMEDY = "install it with `pip install 'jaxmt[io]'`"


def _transfer_function(path: FilePath) -> Any:
    try:
        core = importlib.import_module("mt_metadata.transfer_functions.core")
        # It logs to stderr for every file.
        importlib.import_module("loguru").logger.disable("mt_metadata")
    except ImportError as error:
        raise ImportError(f"{path}: this format needs the package mt_metadata; {REMEDY}.") from error
    return core.TF(fn=Path(path))


def _part(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan) if values is None else np.array(values.data).reshape(shape)


def read_other(path: FilePath, *, conjugate: bool | None = None) -> Site:
    r"""The station of a file that mt_metadata reads: ohm, $e^{+i\omega t}$, highest frequency first.

    - `conjugate`: True if the file uses $e^{-i\omega t}$; None decides by the quadrants.

    For EDI, EMTF XML, J-, Z- and AVG files use `read`: this package takes the positions of J-files for 0
    and the errors of AVG files for others than they are, and turns no sensors to north and east.
    mt_metadata takes impedances to be in (mV/km)/nT, and states the deviation of the complex number: it
    is divided by sqrt(2) here. Values that are zero without an error are what it makes of missing ones:
    they become NaN. Raises `ImportError` without the package, and `BadFile` for what it cannot read.
    """
    text = text_of(path, "a file of transfer functions")
    # The package reads such a file for ever if it ends before this word.
    if Path(path).suffix.lower() in Z_FILES and "period" not in text:
        raise BadFile(f"{path} is not a Z-file of EMTF: it holds no line with a period; copy it again.")
    tf = _transfer_function(path)
    try:
        tf.read()
    except FAILURES as error:
        raise BadFile(f"{path} cannot be read by mt_metadata: {type(error).__name__}: {error}.") from error
    site = _site(tf, np.zeros(len(tf.period)), conjugate, READ)
    if site is None:
        raise BadFile(f"{path} holds no transfer function that mt_metadata can read.")
    return site


def as_sites(objects: Any) -> tuple[Site, ...]:
    r"""The stations of objects of mt_metadata or mtpy-v2: ohm, $e^{+i\omega t}$, highest frequency first.

    - `objects`: a `TF`, an `MT`, an `MTData`, or several of them.

    Both hold impedances in (mV/km)/nT, whatever unit an `MT` shows them in. An `MT` states the azimuth of
    its axes; those of a `TF` are taken as north and east. Errors are divided by sqrt(2), zeros without an
    error become NaN, and the time dependence is told by the quadrants, as in `read_other`. Raises
    `ValueError` for anything else, and for an object that holds nothing.
    """
    found = []
    for k, tf in enumerate(_single(objects)):
        if not _is(tf, *TF):
            raise ValueError(
                "`as_sites(objects=...)` must hold objects of mt_metadata (TF) or of mtpy-v2 (MT, MTData). "
                f"Got {type(tf).__name__} at place {k}; `read` takes files and folders."
            )
        azimuth, said = np.zeros(len(tf.period)), READ
        if _is(tf, *MT):
            azimuth = np.broadcast_to(np.asarray(tf.rotation_angle, dtype=float), azimuth.shape)
            said = ("an object of mtpy-v2; its errors divided by sqrt(2)", "axes as it states them")
        site = _site(tf, azimuth, None, said)
        if site is None:
            raise ValueError(f"`as_sites(objects=...)`: {tf.station or k} holds no transfer function.")
        found.append(site)
    return tuple(found)


def _is(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a class of a package that need not be installed."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _single(objects: Any) -> Iterator[Any]:
    """One object after the other."""
    if _is(objects, *MT_DATA):
        yield from (objects.get_station(key, as_mt=True) for key in objects.station_paths)
    elif _is(objects, *TF) or not isinstance(objects, Iterable):
        yield objects
    else:
        for each in objects:
            yield from _single(each) if _is(each, *MT_DATA) else (each,)


def _site(
    tf: Any,
    azimuth: Float[np.ndarray, " freq"],
    conjugate: bool | None,
    said: tuple[str, ...],
) -> Site | None:
    """The station of an object of mt_metadata; None if it holds nothing."""
    frequencies = np.array(1 / tf.period, dtype=float)
    n = frequencies.size
    z, t = (_part(part, (n, *shape)) for part, shape in ((tf.impedance, (2, 2)), (tf.tipper, (2,))))
    z_error, t_error = _part(tf.impedance_error, (n, 2, 2)), _part(tf.tipper_error, (n, 2))
    pairs = []
    for value, deviation in ((z, z_error), (t, t_error)):
        missing = ~np.isfinite(value) | ((value == 0) & ~(np.nan_to_num(np.real(deviation)) > 0))
        value = np.where(missing, np.nan, value + 0j)
        deviation = np.real(deviation) / np.sqrt(2)
        pairs.append((value, np.where((deviation > 0) & ~missing, deviation, np.nan)))
    (z, z_error), (t, t_error) = pairs
    if not measured(z, t):
        return None
    sign = quadrants(z)
    if opposite_sign(z) if conjugate is None else conjugate:
        z, t, sign = z.conj(), t.conj(), f"{sign}; conjugated"
    order = np.argsort(-frequencies, kind="stable")
    return Site(
        name=str(tf.station),
        latitude=float(tf.latitude),
        longitude=float(tf.longitude),
        elevation=float(tf.elevation),
        frequencies=frequencies[order],
        z=without_zeros(z)[order] * OHM_PER_PRACTICAL,
        z_error=z_error[order] * OHM_PER_PRACTICAL,
        tipper=t[order],
        tipper_error=t_error[order],
        azimuth=azimuth[order],
        **statements(
            (sign, sign.endswith("conjugated")),
            *((text, True) for text in said),
        ),
    )
