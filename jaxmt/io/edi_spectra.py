r"""EDI files with cross-power spectra: impedances, tippers and their covariances from them.

A block >SPECTRA holds the powers $P_{ab} = \langle a\,b^* \rangle$ of all pairs of channels at one
frequency: those of a channel with itself on the diagonal, the real parts of the others below it, the
imaginary parts above it. With the magnetic channels h and those of the reference r (h itself without one)
the transfer functions of the outputs e are (Gamble, Goubau & Clarke 1979, Geophysics 44, 53-68)

$$Z = P_{er} P_{hr}^{-1}, \qquad \mathrm{Cov}(Z_{ij}, \overline{Z_{kl}}) = N_{ik} S_{lj},$$

with $S = P_{hr}^{-H} P_{rr} P_{hr}^{-1}$ and the powers N of what Z does not predict, over the number of
averages AVGT.
"""

import numpy as np
from jaxtyping import Complex, Float

from .edi_blocks import Block, EdiBlocks
from .free_format import BadFile, number

USUAL = {
    4: ("HX", "HY", "EX", "EY"),
    5: ("HX", "HY", "HZ", "EX", "EY"),
    7: ("HX", "HY", "HZ", "EX", "EY", "RHX", "RHY"),
}
"""Channels by their number, where their names are not given."""

MOST_CHANNELS = 20
OUTPUTS = ("EX", "EY", "HZ")

Powers = Complex[np.ndarray, "channel channel"]
Outputs = tuple[
    Complex[np.ndarray, "output 2"],
    Complex[np.ndarray, "output output"],
    Complex[np.ndarray, "2 2"],
]


def has_spectra(edi: EdiBlocks) -> bool:
    """True if the file holds a block >SPECTRA."""
    return any(block.name == "SPECTRA" for block in edi.blocks)


def _channels(edi: EdiBlocks, count: int) -> tuple[str, ...]:
    """The kind of each channel in the order of the matrices; the second HX and HY are the reference's."""
    kinds: dict[float | str, str] = {}
    for block in edi.blocks:
        if block.name in ("HMEAS", "EMEAS"):
            options = block.options
            kinds.setdefault(_identity(options.get("ID", "")), options.get("CHTYPE", "").upper())
    section = next((block for block in edi.blocks if block.name == "=SPECTRASECT"), None)
    after = [] if section is None else [section.header, *section.body]
    start = next((k for k, line in enumerate(after) if "//" in line), len(after))
    listed = [_identity(token) for line in after[start + 1 :] for token in line.split()]
    found: list[str] = []
    for kind in (kinds.get(channel, "") for channel in listed):
        kind = kind.replace("RRH", "RH")
        found.append(f"R{kind}" if kind in ("HX", "HY") and kind in found else kind)
    if len(found) == count and {"HX", "HY"} <= set(found):
        return tuple(found)
    if count in USUAL:
        return USUAL[count]
    raise BadFile(
        f"{edi.path}: the {count} channels of its spectra are not known; >=SPECTRASECT must list the ID of "
        "each, and >HMEAS and >EMEAS its CHTYPE."
    )


def _identity(text: str) -> float | str:
    """The ID of a channel: a number, which programs print with different digits, or a word."""
    value = number(text)
    return text if value is None else value


def _powers(edi: EdiBlocks, block: Block) -> Powers:
    """The matrix of one block. Raises `BadFile` unless it is square."""
    values = edi.values(block)
    count = round(values.size**0.5)
    if count * count != values.size or not 4 <= count <= MOST_CHANNELS:
        raise BadFile(
            f"{edi.path}, line {block.line}: >SPECTRA holds {values.size} numbers; expected the square of "
            "the number of channels, at least 4."
        )
    table = values.reshape(count, count)
    lower = np.tril(table, -1) + 1j * np.triu(table, 1).T
    return lower + lower.conj().T + np.diag(np.diag(table))


def _solve(powers: Powers, channels: tuple[str, ...], averages: float) -> Outputs:
    """Transfer functions of `OUTPUTS` to (Hx, Hy), residual and inverse signal power; NaN without one."""
    h = [channels.index("HX"), channels.index("HY")]
    remote = {"RHX", "RHY"} <= set(channels)
    r = [channels.index("RHX"), channels.index("RHY")] if remote else h
    z = np.full((3, 2), np.nan + 0j)
    residual = np.full((3, 3), np.nan + 0j)
    across = powers[np.ix_(h, r)]
    scale = np.sqrt(np.abs(np.prod(np.real(np.diag(powers))[[*h, *r]])))
    determinant = across[0, 0] * across[1, 1] - across[0, 1] * across[1, 0]
    if not np.abs(determinant) > 1e-12 * scale:
        return z, residual, np.full((2, 2), np.nan + 0j)
    inverse = np.linalg.inv(across)
    signal = inverse.conj().T @ powers[np.ix_(r, r)] @ inverse
    places = {i: channels.index(name) for i, name in enumerate(OUTPUTS) if name in channels}
    # A channel without power was not recorded.
    places = {i: e for i, e in places.items() if powers[e, e].real > 0}
    for i, e in places.items():
        z[i] = powers[e, r] @ inverse
    if np.isnan(averages):
        return z, residual, signal
    for i, e in places.items():
        for k, f in places.items():
            left = z[i] @ powers[h, f]
            right = powers[e, h] @ z[k].conj()
            both = z[i] @ powers[np.ix_(h, h)] @ z[k].conj()
            residual[i, k] = (powers[e, f] - left - right + both) / averages
    return z, residual, signal


def transfer_functions(
    edi: EdiBlocks,
) -> tuple[
    Float[np.ndarray, " freq"],
    Complex[np.ndarray, "freq 3 2"],
    Complex[np.ndarray, "freq 3 2 3 2"],
    Float[np.ndarray, " freq"],
    list[int],
]:
    """Frequencies, transfer functions of `OUTPUTS` in the units of the file, covariances, azimuths, lines.

    The azimuth is that of ROTSPEC, degrees, and without one that of HX in >HMEAS. Raises `BadFile`, with
    the line, for a block that is damaged or without FREQ.
    """
    blocks = [block for block in edi.blocks if block.name == "SPECTRA"]
    sensors = [block.options for block in edi.blocks if block.name == "HMEAS"]
    layout = [number(sensor.get("AZM", "")) for sensor in sensors if sensor.get("CHTYPE") == "HX"]
    frequencies, rows, covariances, azimuths = [], [], [], []
    for block in blocks:
        stated = {key: number(block.options.get(key, "")) for key in ("FREQ", "AVGT", "ROTSPEC")}
        if stated["FREQ"] is None:
            raise BadFile(f"{edi.path}, line {block.line}: >SPECTRA without FREQ=; export the file again.")
        powers = _powers(edi, block)
        averages = stated["AVGT"]
        averages = averages if averages is not None and averages > 0 else np.nan
        z, residual, signal = _solve(powers, _channels(edi, len(powers)), averages)
        azimuth = next((angle for angle in (stated["ROTSPEC"], *layout) if angle is not None), 0.0)
        frequencies.append(stated["FREQ"])
        rows.append(z)
        covariances.append(np.einsum("ik,lj->ijkl", residual, signal))
        azimuths.append(azimuth if abs(azimuth) <= 360 else 0.0)
    return (
        np.array(frequencies),
        np.array(rows),
        np.array(covariances),
        np.array(azimuths),
        [block.line for block in blocks],
    )
