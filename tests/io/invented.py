"""One invented station, 100 ohm m at 50 degrees in Zxy and 30 ohm m at 40 degrees in Zyx, in any format."""

import numpy as np
import pytest

from jaxmt.conventions import MU_0, OHM_PER_PRACTICAL
from jaxmt.io import read

FREQUENCIES = np.array([100.0, 10.0, 1.0])
TIPPER = np.array([0.10 + 0.02j, 0.25 - 0.05j])
NAMES = ("ZXX", "ZXY", "ZYX", "ZYY")


def impedance(frequencies=FREQUENCIES):
    """Ohm, axes north and east; Zxx = 0.05 Zxy, Zyy = -0.04 Zxy."""
    root = np.sqrt(2 * np.pi * np.asarray(frequencies) * MU_0)
    z = np.zeros((root.size, 2, 2), dtype=complex)
    z[:, 0, 1] = root * 10.0 * np.exp(1j * np.deg2rad(50))
    z[:, 1, 0] = -root * np.sqrt(30.0) * np.exp(1j * np.deg2rad(40))
    z[:, 0, 0], z[:, 1, 1] = 0.05 * z[:, 0, 1], -0.04 * z[:, 0, 1]
    return z


def vectors(first, second):
    """Unit vectors (north, east) of two sensors with these azimuths, degrees, as rows."""
    t = np.deg2rad([first, second])
    return np.stack([np.cos(t), np.sin(t)], axis=1)


def between(electric, magnetic, frequencies=FREQUENCIES):
    """The impedance between sensors: e = E e0, h = H h0, so that Z = E Z0 H^-1; the tipper is T0 H^-1."""
    e, h = vectors(*electric), vectors(*magnetic)
    return e @ impedance(frequencies) @ np.linalg.inv(h), TIPPER @ np.linalg.inv(h)


def modem(azimuths="", error="1.0", electric=(0.0, 90.0), magnetic=(0.0, 90.0), orientation="0.00"):
    """A 3-D ModEM list of two blocks in practical units, with further columns behind the error."""
    z, tipper = between(electric, magnetic)
    lines = []
    for keyword, unit in (("Full_Impedance", "[mV/km]/[nT]"), ("Full_Vertical_Components", "[]")):
        lines += ["# invented", "# columns", f"> {keyword}", r"> exp(+i\omega t)", f"> {unit}"]
        lines += [f"> {orientation}", "> 0.0 0.0", "> 3 1"]
        for k, f in enumerate(FREQUENCIES):
            values = dict(zip(NAMES, z[k].ravel() / OHM_PER_PRACTICAL, strict=True))
            if unit == "[]":
                values = dict(zip(("TX", "TY"), tipper, strict=True))
            for name, v in values.items():
                row = f"{1 / f:.12E} S1 0.0 0.0 0.0 100.0 0.0 {name} {v.real:.12E} {v.imag:.12E}"
                lines.append(f"{row} {error} {azimuths}")
    return "\n".join(lines) + "\n"


def jfile(comment="# any program", unit="field units (mV/km/nT)", ohm=OHM_PER_PRACTICAL):
    """A J-file; the error of each complex number is 3 % of Zxy."""
    lines = [comment, ">LATITUDE  =   -22.5", ">LONGITUDE =  139.25", ">ELEVATION =   158.0", "J01"]
    z = impedance() / ohm
    for k, name in enumerate(NAMES):
        lines += [f"{name} {unit}", "3"]
        for f, value, xy in zip(FREQUENCIES, z.reshape(3, 4)[:, k], z[:, 0, 1], strict=True):
            lines.append(f" {1 / f:.6e} {value.real:.12e} {value.imag:.12e} {0.03 * abs(xy):.12e} 1.0 1.0")
    lines += ["TZX", "3", *(f" {1 / f:.6e} 0.1 0.02 0.02 1.0 1.0" for f in FREQUENCIES)]
    lines += ["TZY", "3", *(f" {1 / f:.6e} 0.25 -0.05 0.02 1.0 1.0" for f in FREQUENCIES)]
    return "\n".join(lines) + "\n"


def zfile(azimuth=0.0):
    """A Z-file of EMTF whose sensors are turned by `azimuth`; S = identity / 100, N_ii = 1, 4 and 9."""
    turned = (azimuth, azimuth + 90)
    z, tipper = between(turned, turned)
    lines = [
        " TRANSFER FUNCTIONS IN MEASUREMENT COORDINATES",
        " ********** WITH FULL ERROR COVARIANCE*********",
        "a description",
        "Z01",
        "coordinate   -22.500   139.250 declination    6.00",
        "number of channels   5   number of frequencies   3",
        " orientations and tilts of each channel ",
    ]
    for k, (kind, angle) in enumerate(
        zip(("Hx", "Hy", "Hz", "Ex", "Ey"), (*turned, 0, *turned), strict=True)
    ):
        lines.append(f"    {k + 1}  {angle:8.2f}  0.00 Z01  {kind}")
    for k, f in enumerate(FREQUENCIES):
        lines += [
            "",
            f"period :  {1 / f:.8f}  decimation level 1  freq. band from 1 to 2",
            "number of data 9",
        ]
        lines.append(" Transfer Functions")
        for row in (tipper, *z[k] / OHM_PER_PRACTICAL):
            lines.append(" ".join(f"{v.real:.12E} {v.imag:.12E}" for v in row))
        lines += [" Inverse Coherent Signal Power Matrix", " 0.01 0.0", " 0.0 0.0 0.01 0.0"]
        lines += [" Residual Covariance", " 1.0 0.0", " 0.0 0.0 4.0 0.0", " 0.0 0.0 0.0 0.0 9.0 0.0"]
    return "\n".join(lines) + "\n"


def avg():
    """An AVG file of MTEdit; phases have errors of 20 mrad."""
    lines = ["$Stn.Name= 24", "$GPS.Lat=-22.5", "$GPS.Lon=139.25", "$Rx.Center=1.0:2.0:158.0 m"]
    lines.append(
        "Skp,Freq, E.mag, B.mag, Z.mag, Z.phz, ARes.mag, ARes.%err, Z.perr, Coher, FC.NUse,FC.NTry"
    )
    z = impedance().reshape(3, 4) / OHM_PER_PRACTICAL
    values = dict(zip(NAMES, z.T, strict=True)) | {"TZX": TIPPER[:1].repeat(3), "TZY": TIPPER[1:].repeat(3)}
    for name, column in values.items():
        lines.append(f"$Rx.Cmp = {name.capitalize()}")
        for f, v in zip(FREQUENCIES, column, strict=True):
            phase = 1e3 * np.angle(v)
            lines.append(f"2, {f}, 1.0, 1.0, {abs(v):.12E}, {phase:.10f}, 1.0, 4.0, 20.0, 0.9, 8, 16")
    return "\n".join(lines) + "\n"


def spectra(rotation="ROTSPEC=0.0", remote=False, silent=()):
    """An EDI file of cross-power spectra; the outputs have 100 of noise of their own over 400 averages.

    - `silent`: channels whose row and column are 0.
    """
    names = ["HX", "HY", "HZ", "EX", "EY", *(["HX", "HY"] if remote else [])]
    lines = [
        ">HEAD",
        "  DATAID=P01",
        "  LAT=-22:30:00",
        "  LONG=139:15:00",
        "  ELEV=518 FT",
        ">=DEFINEMEAS",
    ]
    for k, name in enumerate(names):
        kind = "EMEAS" if name.startswith("E") else "HMEAS"
        lines.append(f">{kind} ID=100{k}.001 CHTYPE={name} X=0.0 Y=0.0 AZM=30.0")
    lines += [">=SPECTRASECT", f"  NFREQ=3  NCHAN={len(names)}", f"  // {len(names)}"]
    lines += [f"  100{k}.001" for k in range(len(names))]
    h = np.array([[100.0, 20.0 + 10.0j], [20.0 - 10.0j, 80.0]])
    for f, z in zip(FREQUENCIES, impedance() / OHM_PER_PRACTICAL, strict=True):
        to_h = np.vstack([np.eye(2), TIPPER, z, *([np.eye(2)] if remote else [])])
        power = to_h @ h @ to_h.conj().T + np.diag([0, 0, 100.0, 100.0, 100.0, *([0, 0] if remote else [])])
        for name in silent:
            power[names.index(name)] = power[:, names.index(name)] = 0
        # Real parts below the diagonal, imaginary parts above it, of what the standard calls <a b*>.
        table = np.tril(power.real) + np.triu(power.imag.T, 1)
        lines.append(f">SPECTRA  FREQ={f:.6E} {rotation} BW=1.0 AVGT=400 // {power.size}")
        lines += [" ".join(f"{v:.12E}" for v in row) for row in table]
    return "\n".join([*lines, ">END"]) + "\n"


def write(folder, text, name="file.dat"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def site_of(folder, text, name="file.dat"):
    (site,) = read(write(folder, text, name)).sites
    return site


def assert_invented(site, rtol=1e-9):
    """Twelve digits are printed; turning loses a few."""
    np.testing.assert_allclose(site.frequencies, FREQUENCIES, rtol=1e-6)
    scale = np.abs(impedance()).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose((site.z - impedance()) / scale, 0.0, atol=rtol)
    np.testing.assert_allclose(site.tipper, np.tile(TIPPER, (3, 1)), rtol=rtol)


def assert_placed(site, elevation=158.0):
    assert (site.latitude, site.longitude) == (-22.5, 139.25)
    assert site.elevation == pytest.approx(elevation, rel=1e-12)
