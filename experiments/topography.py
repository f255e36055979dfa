"""What do a hill and a sea do to the responses, and how well are they computed?

Prints the responses across the trapezoidal hill of Wannamaker, Stodt & Rijo (1986) beside those of
MARE2DEM for finer and finer cells, then those across a continental margin with the sea and without:
`python -m experiments.topography [--quick] [--out DIR]`.
"""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import jaxmt
from jaxmt.benchmarks import HILL_PROFILE, HILL_RESPONSES
from jaxmt.plot.symbols import MODE
from jaxmt.plot.ticks import log_axis
from jaxmt.simulation import layered
from jaxmt.simulation.relief import SEA_WATER

from . import options as command

ROCK = 100.0
"""ohm m, of the hill and of the margin."""

MARGIN = np.array([[-80e3, -20e3, 0.0], [-2500.0, -200.0, 0.0]])
"""Positions and elevations, m: an abyssal plain, a slope, a shelf, level land."""

MARGIN_STATIONS = np.array([-150.0, -100.0, -60.0, -40.0, -10.0, 10.0, 30.0, 80.0]) * 1e3


def hill(survey: jaxmt.Survey, width: float) -> jaxmt.Relief:
    """The hill on columns of `width` and rows of half of it, m."""
    core = width * np.arange(-round(1600 / width), round(1600 / width) + 1)
    pad = 1600.0 + np.cumsum(
        width * 1.12 ** np.arange(1, 1 + np.ceil(np.log(2e3 / width) / np.log(1.12) + 22))
    )
    rows = np.cumsum(np.append(0.0, width / 2 * 1.12 ** np.arange(np.log(4e3 / width) / np.log(1.12) + 14)))
    level = jaxmt.Mesh(np.concatenate([-pad[::-1], core, pad]), np.append(-1.0, rows)).with_air(3e4)
    return jaxmt.drape(level, survey, *HILL_PROFILE, step=width / 2)


def slope_at(y: np.ndarray) -> np.ndarray:
    """Tan of the slope of the hill."""
    return np.where((np.abs(y) > 225) & (np.abs(y) < 1000), 450 / 775, 0.0)


def hill_table(widths: tuple[float, ...]) -> list[dict]:
    """Prints computed beside MARE2DEM's responses; returns the rows."""
    y, te, te_phase, tm, tm_phase = HILL_RESPONSES.T
    # A level E is cos times the one along the slope, which jaxmt reports.
    tm = 10**tm * (1 + slope_at(y) ** 2)
    rows = []
    print(f"{'':15}" + "".join(f"{m:>9}{'MARE2DEM':>9}{'diff':>8}{'deg':>7}" for m in ("TE", "TM")))
    for width in widths:
        relief = hill(jaxmt.Survey([2.0], y), width)
        begin = time.perf_counter()
        r = jaxmt.simulate(relief.mesh, relief.survey, relief.section(ROCK))
        jax.block_until_ready(r.z_xy)
        for k, station in enumerate(y):
            row = {
                "width_m": width,
                "station_m": station,
                "rho_te": float(r.rho_xy[0, k]),
                "rho_te_mare2dem": float(10 ** te[k]),
                "phase_te_difference": float(r.phase_xy[0, k] - te_phase[k]),
                "rho_tm": float(r.rho_yx[0, k]),
                "rho_tm_mare2dem": float(tm[k]),
                "phase_tm_difference": float(r.phase_yx[0, k] - tm_phase[k]),
            }
            rows.append(row)
            print(f"{width:8g}{station:7.0f}", end="")
            for mode in ("te", "tm"):
                value, other = row[f"rho_{mode}"], row[f"rho_{mode}_mare2dem"]
                phase = row[f"phase_{mode}_difference"]
                print(f"{value:9.2f}{other:9.2f}{100 * (value / other - 1):7.2f}%{phase:7.2f}", end="")
            print()
        print(f"         {relief.mesh.n_z} x {relief.mesh.n_y} cells, {time.perf_counter() - begin:.1f} s")
    return rows


def draw_hill(folder: Path, width: float) -> None:
    """Draws both modes across the hill at three frequencies, with the ground below."""
    y = np.arange(-1590.0, 1600.0, 20.0)
    relief = hill(jaxmt.Survey([2.0, 50.0], y), width)
    r = jaxmt.simulate(relief.mesh, relief.survey, relief.section(ROCK))
    figure = Figure(figsize=(9, 10), layout="constrained")
    rho, phase, ground = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2.4, 1.8])
    for k, frequency in enumerate(relief.survey.frequencies):
        _curves(rho, phase, y, r, k, f"{frequency:g} Hz", 1.0 if k == 0 else 0.45)
    table = HILL_RESPONSES
    for column, mode in ((1, "te"), (3, "tm")):
        scale = 1 + slope_at(table[:, 0]) ** 2 if mode == "tm" else 1.0
        marks = {"linestyle": "none", "marker": MODE[mode].marker, "color": MODE[mode].colour}
        marks |= {"markerfacecolor": "white", "label": f"{MODE[mode].label}, 2 Hz, MARE2DEM"}
        rho.plot(table[:, 0] / 1e3, 10 ** table[:, column] * scale, **marks)
        phase.plot(table[:, 0] / 1e3, table[:, column + 1], **marks)
    jaxmt.plot.section(
        ground,
        relief.mesh,
        relief.section(ROCK),
        y_range=(-1600.0, 1600.0),
        depth=900.0,
        limits=(10.0, 1000.0),
        stations=table[:, 0],
        depths=relief.mesh.ground(table[:, 0]),
    )
    _finish(rho, phase, "Trapezoidal hill, 100 Ω m")
    jaxmt.plot.save(figure, folder / "hill.png")


def _curves(
    rho: Axes, phase: Axes, y: np.ndarray, r: jaxmt.Responses, k: int, label: str, alpha: float = 1.0
) -> None:
    for mode, values, angles in (("te", r.rho_xy, r.phase_xy), ("tm", r.rho_yx, r.phase_yx)):
        style = {"color": MODE[mode].colour, "linestyle": MODE[mode].line, "alpha": alpha}
        rho.plot(y / 1e3, values[k], label=f"{MODE[mode].label}, {label}", **style)
        # No line where the phase goes once around.
        jump = np.append(np.abs(np.diff(angles[k])) > 180, False)
        phase.plot(y / 1e3, np.where(jump, np.nan, angles[k]), **style)


def _finish(rho: Axes, phase: Axes, title: str) -> None:
    rho.set_yscale("log")
    log_axis(rho.yaxis)
    rho.set_ylabel("App. res. (Ω m)")
    phase.set_ylabel("Phase (°)")
    rho.set_title(title, loc="left", fontweight="bold", fontsize=11)
    rho.legend(fontsize=8, ncols=2)
    for ax in (rho, phase):
        ax.grid(color="0.9")
        ax.set_axisbelow(True)


def margin(survey: jaxmt.Survey, growth: float) -> jaxmt.Relief:
    """The margin with sea water of 0.3 ohm m."""
    # Narrow columns at the coast and at the edge of the shelf, near which TM changes fast.
    contacts = (float(MARGIN[0, 1]), float(MARGIN[0, 2]))
    level = jaxmt.Mesh.design(survey, (SEA_WATER, ROCK), growth=growth, y_contacts=contacts)
    return jaxmt.drape(level, survey, *MARGIN)


def margin_table(growth: float, folder: Path) -> list[dict]:
    """Prints and draws responses on the sea floor and on land, with the sea and without."""
    survey = jaxmt.Survey([0.1, 0.01, 1e-3], MARGIN_STATIONS)
    rows, found = [], {}
    for name, fineness in (("mesh", growth), ("finer mesh", growth / 1.6)):
        relief = margin(survey, fineness)
        begin = time.perf_counter()
        found[name] = jaxmt.simulate(relief.mesh, relief.survey, relief.section(ROCK))
        jax.block_until_ready(found[name].z_xy)
        print(
            f"{name}: {relief.mesh.n_z} x {relief.mesh.n_y} cells, {int(relief.sea.sum())} of sea, "
            f"{time.perf_counter() - begin:.1f} s"
        )
    r, fine = found["mesh"], found["finer mesh"]
    heads = "".join(f"{m:>9}{'deg':>7}{'finer':>8}" for m in ("TE", "TM"))
    print(f"{'f (Hz)':>8}{'y (km)':>8}{'depth':>7}{heads}")
    for k, frequency in enumerate(survey.frequencies):
        for s, y in enumerate(survey.stations):
            row = {"frequency_hz": frequency, "station_m": y, "depth_m": relief.survey.depths[s]}
            for mode in ("xy", "yx"):
                row[f"rho_{mode}"] = float(getattr(r, f"rho_{mode}")[k, s])
                row[f"phase_{mode}"] = float(getattr(r, f"phase_{mode}")[k, s])
                row[f"finer_{mode}"] = float(getattr(fine, f"rho_{mode}")[k, s] / row[f"rho_{mode}"] - 1)
            rows.append(row)
            print(
                f"{frequency:8g}{y / 1e3:8.0f}{row['depth_m']:7.0f}"
                + "".join(
                    f"{row[f'rho_{m}']:9.2f}{row[f'phase_{m}']:7.1f}{100 * row[f'finer_{m}']:7.2f}%"
                    for m in ("xy", "yx")
                )
            )
    print(f"Without the sea every station has {ROCK:g} ohm m and 45 degrees.")
    _draw_margin(folder, growth)
    return rows


def _draw_margin(folder: Path, growth: float) -> None:
    y = np.concatenate(
        [np.arange(-150e3, -20e3, 5e3), np.arange(-20e3, 20e3, 2e3), np.arange(20e3, 101e3, 5e3)]
    )
    relief = margin(jaxmt.Survey([0.1, 0.01], y + 500.0), growth)
    r = jaxmt.simulate(relief.mesh, relief.survey, relief.section(ROCK))
    figure = Figure(figsize=(10, 10), layout="constrained")
    rho, phase, ground = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2.4, 2])
    _curves(rho, phase, relief.survey.stations, r, 1, "0.01 Hz, with the sea")
    rho.axhline(ROCK, color="0.5", linewidth=1, label="without the sea")
    phase.axhline(45.0, color="0.5", linewidth=1)
    jaxmt.plot.section(
        ground,
        relief.mesh,
        relief.section(ROCK),
        y_range=(-150e3, 100e3),
        depth=5e3,
        limits=(10.0, 1000.0),
        stations=MARGIN_STATIONS,
        depths=np.interp(MARGIN_STATIONS, relief.survey.stations, relief.survey.depths),
        sea=relief.sea,
    )
    _finish(rho, phase, "Sea floor and coast, 100 Ω m below sea water of 0.3 Ω m")
    jaxmt.plot.save(figure, folder / "sea_floor.png")


def plain_sea_floor(growth: float) -> float:
    """Prints the largest error of rho at the floor of a sea 1000 m deep over layers; returns it."""
    rho, thickness = np.array([SEA_WATER, 30.0, 300.0]), np.array([1000.0, 4000.0])
    survey = jaxmt.Survey([0.1, 0.01, 1e-3], [0.0], depths=[1000.0])
    mesh = jaxmt.Mesh.design(survey, (rho.min(), rho.max()), z_contacts=(1000.0, 5000.0), growth=growth)
    column = rho[np.searchsorted(np.cumsum(thickness), mesh.z_centres)]
    r = jaxmt.simulate(mesh, survey, np.tile(column[:, None], mesh.n_y))
    omegas = jnp.asarray(2 * np.pi * survey.frequencies)
    exact = np.asarray(
        [layered.impedances(omega, jnp.asarray(rho), jnp.asarray(thickness))[1] for omega in omegas]
    )
    errors = [np.abs(np.abs(np.asarray(z)[:, 0] / exact) ** 2 - 1).max() for z in (r.z_xy, r.z_yx)]
    print(
        f"Floor of a level sea 1000 m deep over two layers, against the closed form: rho of TE within "
        f"{100 * errors[0]:.3f} %, of TM within {100 * errors[1]:.3f} %"
    )
    return float(max(errors))


def main() -> None:
    """Runs the experiment from the command line."""
    parser = command.parser(__doc__, "coarse cells: half a minute")
    options = parser.parse_args()
    folder = command.results(options, "topography")
    widths = (50.0,) if options.quick else (50.0, 25.0, 12.5)
    growth = 0.2 if options.quick else 0.12
    table = hill_table(widths)
    draw_hill(folder, widths[min(1, len(widths) - 1)])
    layers = plain_sea_floor(growth / 2)
    sea = margin_table(growth, folder)
    summary = {"hill": table, "sea_floor_error": layers, "margin": sea}
    jaxmt.io.write_summary(folder / "summary.json", summary)
    print(f"Results are in {folder}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
