"""Formats of transfer functions that jaxmt does not read itself, through the extra `mt_metadata`."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

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
        raise BadFile(f"{path} holds no transfer function that mt_metadata can read.")
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
        azimuth=np.zeros(n),
        **statements(
            (sign, sign.endswith("conjugated")),
            ("read by mt_metadata; impedances taken as (mV/km)/nT, its errors divided by sqrt(2)", True),
            ("axes taken as north and east", True),
        ),
    )
