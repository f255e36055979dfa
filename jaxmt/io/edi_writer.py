"""Writing EDI files: a station after rotation or cleaning, for other programs."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ..atomic import FilePath, atomic_path
from ..conventions import OHM_PER_PRACTICAL
from ..processing.site import Site
from .edi_blocks import EMPTY
from .names import one_line, quoted

PER_LINE = 5


def _block(name: str, values: Float[np.ndarray, " freq"], options: str = "") -> list[str]:
    texts = [f"{value: .12E}" for value in np.where(np.isfinite(values), values, EMPTY)]
    rows = [" ".join(texts[k : k + PER_LINE]) for k in range(0, len(texts), PER_LINE)]
    return [f">{name}{options} // {values.size}", *rows]


def _angle(degrees: float) -> str:
    """Degrees:minutes:seconds to 1e-9 of a degree; a mark of a missing value for NaN."""
    if not np.isfinite(degrees):
        return f"{EMPTY:.1E}"
    # Whole micro-seconds, so that no field can read 60.
    micro = round(abs(degrees) * 3.6e9)
    minutes, micro = divmod(micro, 60_000_000)
    sign = "-" if degrees < 0 else ""
    return f"{sign}{minutes // 60:d}:{minutes % 60:02d}:{micro / 1e6:09.6f}"


def write_edi(path: FilePath, site: Site, information: Sequence[str] = ()) -> None:
    r"""Writes a station as an EDI file of the SEG standard 1.0.

    - `information`: lines of its INFO block.

    Impedances are in (mV/km)/nT with $e^{+i\omega t}$; `.VAR` is the variance of the complex number,
    twice that of a part; what is missing is 1.0E+32; ZROT and TROT are the azimuth of the x axis;
    numbers have 13 digits. Covariances have no place in the format. The file appears whole or not at
    all. The name is put on one line, quotes in it become single ones.
    """
    name = quoted(site.name)
    count = site.frequencies.size
    lines = [
        ">HEAD",
        f'  DATAID="{name}"',
        f"  LAT={_angle(site.latitude)}",
        f"  LONG={_angle(site.longitude)}",
        f"  ELEV={site.elevation:.6g}" if np.isfinite(site.elevation) else "",
        "  UNITS=M",
        "  STDVERS=SEG 1.0",
        '  PROGVERS="jaxmt"',
        f"  EMPTY={EMPTY:.1E}",
        "",
        *([">INFO", *(f"  {one_line(text)}" for text in information), ""] if information else []),
        ">=MTSECT",
        f'  SECTID="{name}"',
        f"  NFREQ={count}",
        "",
        *_block("FREQ", site.frequencies),
        *_block("ZROT", site.azimuth),
    ]
    for i, output in enumerate("XY"):
        for j, axis in enumerate("XY"):
            z = site.z[:, i, j] / OHM_PER_PRACTICAL
            variance = 2 * (site.z_error[:, i, j] / OHM_PER_PRACTICAL) ** 2
            for suffix, values in (("R", np.real(z)), ("I", np.imag(z)), (".VAR", variance)):
                lines += _block(f"Z{output}{axis}{suffix}", values, " ROT=ZROT")
    if np.isfinite(site.tipper).any():
        lines += _block("TROT.EXP", site.azimuth)
        for j, axis in enumerate("XY"):
            t, variance = site.tipper[:, j], 2 * site.tipper_error[:, j] ** 2
            for suffix, values in (("R", np.real(t)), ("I", np.imag(t)), ("VAR", variance)):
                lines += _block(f"T{axis}{suffix}.EXP", values, " ROT=TROT")
    with atomic_path(path) as temporary:
        temporary.write_text("\n".join([*lines, ">END"]) + "\n", encoding="utf-8")
