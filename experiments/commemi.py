"""Is the simulation right, and does the inversion find a known section?

Prints the responses of the COMMEMI models beside the published ones, then inverts noisy synthetic data
of one model: `python -m experiments.commemi [--model 2D-4] [--misfit cloud|l2|...]
[--optimiser adam|lbfgs|gauss-newton] [--quick] [--resume] [--out DIR]`.

`--as-published [--model "three blocks"|wedge|...] [--misfit cloud|l2] [--top uniform] [--trade-off RULE]
[--reach R]` inverts with every setting of Liu, Chen, Bo & Tang (2026) instead: their grid for data and
inversion, 1 % noise, Adam in ln sigma, to nRMS 1.03. Their "2D-4" is the wedge.
"""

import argparse
import time
import warnings
from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure

import jaxmt
from jaxmt.benchmarks import COMMEMI, SYNTHETIC, Benchmark, control_model_tm, published_mesh
from jaxmt.field import machine
from jaxmt.field.figures import View, draw_result
from jaxmt.field.workflow import Devices, checkpoint, ended
from jaxmt.inversion.optimisers import OPTIMISERS
from jaxmt.misfit.catalogue import MISFITS, named

from . import options as command
from .as_published import door
from .as_published.preset import MISFITS as PUBLISHED_MISFITS
from .as_published.preset import Published, three_blocks_mesh

HEAD = """Apparent resistivities (ohm m) of the COMMEMI models at the stations y, as published and by jaxmt.
The difference is relative to the published one, and so is half of its last printed digit: within that much
the two agree as far as anybody can tell."""
NOISE, PUBLISHED_NOISE = 0.05, 0.01
SEED = 0
TARGET = 1.05
# Half-width of the station line (m), frequencies (Hz), half-space to start from (ohm m), depth shown (m).
SURVEYS = {
    "2D-0": (40e3, (1.0, 1e-3), 5.0, 60e3),
    "2D-1": (4e3, (100.0, 0.01), 50.0, 5e3),
    "2D-2": (40e3, (1.0, 1e-4), 50.0, 40e3),
    "2D-3": (50e3, (10.0, 1e-3), 50.0, 50e3),
    "2D-4": (15e3, (100.0, 0.01), 100.0, 8e3),
}


def forward_table(growth: float, folder: Path) -> list[dict]:
    """Prints and draws computed beside published apparent resistivities; returns the rows."""
    rows = []
    print(HEAD)
    print(f"{'model':6}{'mode':5}{'y (km)':>9}{'published':>11}{'jaxmt':>11}{'difference':>12}{'digit':>8}")
    published = [b for b in COMMEMI.values() if b.table]
    figure = Figure(figsize=(6 * len(published), 4.5))
    for ax, model in zip(figure.subplots(1, len(published)), published, strict=True):
        mesh = model.design(growth=growth)
        responses = jaxmt.simulate(mesh, model.compared, model.resistivity(mesh))
        stations = model.survey.stations
        for entry in model.table:
            rho = responses.rho_xy if entry.mode == "te" else responses.rho_yx
            value = float(rho[0, np.searchsorted(stations, entry.station)])
            row = {
                "model": model.name,
                "mode": entry.mode,
                "station_m": entry.station,
                "published": entry.resistivity,
                "computed": value,
                "difference": value / entry.resistivity - 1,
                "half_digit": entry.half_digit / entry.resistivity,
            }
            rows.append(row)
            print(
                f"{model.name:6}{entry.mode.upper():5}{entry.station / 1e3:9.1f}{entry.resistivity:11.2f}"
                f"{value:11.3f}{100 * row['difference']:11.2f}%{100 * row['half_digit']:7.2f}%"
            )
        if model.exceptions:
            print(f"       {model.exceptions}")
        _draw_profile(ax, model, mesh)
    jaxmt.plot.save(figure, folder / "commemi_table.png")
    return rows


def _draw_profile(ax, model: Benchmark, mesh: jaxmt.Mesh) -> None:
    """Computed curves along the profile with the published values on them."""
    ends = 1.1 * model.survey.stations[[0, -1]]
    y = np.linspace(min(ends[0], -ends[1] / 2), ends[1], 201)
    line = jaxmt.Survey(model.survey.frequencies, y)
    responses = jaxmt.simulate(mesh, line, model.resistivity(mesh))
    computed = {"te": np.asarray(responses.rho_xy[0]), "tm": np.asarray(responses.rho_yx[0])}
    table = {
        mode: tuple(np.array([[e.station, e.resistivity] for e in model.table if e.mode == mode]).T)
        for mode in ("te", "tm")
    }
    jaxmt.plot.response_profile(
        ax, y, computed, table, source="COMMEMI", title=f"{model.name}, T = {model.period:g} s"
    )


def control_model_check(growth: float) -> dict[str, float]:
    """Prints TM of 2D-0 against its closed form; returns the largest errors 1 km off the contacts."""
    model = COMMEMI["2D-0"]
    y = np.array([-40, -25, -20, -15, -12, -11, -8, -5, -2, 0, 2, 5, 8, 9, 11, 12, 15, 20, 30, 40]) * 1e3
    survey = jaxmt.Survey([1 / model.period], y, modes=("tm",))
    mesh = model.design(survey, growth=growth)
    z = np.asarray(jaxmt.simulate(mesh, survey, model.resistivity(mesh)).z_yx)[0]
    ratio = z / control_model_tm(y)
    worst = {
        "impedance": float(np.abs(np.abs(ratio) - 1).max()),
        "phase_deg": float(np.abs(np.angle(ratio, deg=True)).max()),
    }
    print(
        f"2D-0 TM against the closed form, 1 km and more off the contacts: |Z| within "
        f"{100 * worst['impedance']:.2f} %, phase within {worst['phase_deg']:.3f} degrees"
    )
    return worst


def recover(
    model: Benchmark,
    options: argparse.Namespace,
    folder: Path,
    devices: Devices,
) -> jaxmt.Result:
    """Inverts noisy data of `model`, simulated on a finer mesh than the inversion uses."""
    half, band, start, depth = SURVEYS[model.name]
    misfit, quick = options.misfit, options.quick
    count = 9 if quick else 21
    survey = jaxmt.Survey(np.geomspace(*band, 7 if quick else 21), np.linspace(-half, half, count))
    fine = model.design(survey, growth=0.15 if quick else 0.08)
    responses = jaxmt.simulate(fine, survey, model.resistivity(fine))
    data = jaxmt.Data.from_responses(responses, relative_error=NOISE)
    data = data.with_noise(jax.random.key(SEED), level=NOISE)
    mesh = jaxmt.Mesh.design(survey, start / 5, growth=0.25 if quick else 0.12)
    iterations = 150 if quick else 200
    kept = checkpoint(folder, resume=options.resume)
    print(
        f"{model.name}: {int(data.mask.sum())} data with {NOISE:.0%} noise at {count} stations, inverted "
        f"by {misfit} and {options.optimiser} from {start:g} ohm m to an nRMS of {TARGET}, mesh "
        f"{mesh.n_z} x {mesh.n_y}",
        flush=True,
    )
    chosen, optimiser = named(misfit), OPTIMISERS[options.optimiser]()
    if optimiser.long_steps:
        chosen = chosen.for_long_steps()
    with jaxmt.ProgressBar(iterations) as bar:
        result = jaxmt.invert(
            data,
            mesh,
            start,
            chosen,
            optimiser=optimiser,
            target=TARGET,
            max_iterations=iterations,
            devices=devices,
            progress=bar,
            checkpoint=kept,
        )
    ended(kept, result)
    true = model.resistivity(mesh)
    rmse = jaxmt.comparison.rmse(mesh, true, result.resistivity, survey.stations, depth)
    print(
        f"{model.name}, {misfit}, {options.optimiser}: {result.message}; nRMS {result.nrms:.3f}, "
        f"RMSE of log10 rho under the stations to {depth / 1e3:g} km: {rmse:.3f}, "
        f"{result.history['seconds'][-1]:.1f} s for {len(result.history['nrms']) - 1} iterations"
    )
    if result.transport is not None:
        print(f"{model.name}, {misfit}: {result.transport}.")
    jaxmt.io.write_inversion(
        folder,
        result,
        {
            "model": model.name,
            "misfit": misfit,
            "optimiser": options.optimiser,
            "noise": NOISE,
            "seed": SEED,
            "start_ohm_m": start,
            "rmse_log10_rho": rmse,
            "mesh": list(mesh.shape),
        },
    )
    title = f"{misfit}, {options.optimiser}, nRMS {result.nrms:.2f}"
    draw_result(folder, result, View(title, TARGET, depth, limits=model.range, true=true))
    return result


def recover_as_published(options: argparse.Namespace, preset: Published, devices: Devices) -> jaxmt.Result:
    """Inverts noisy data of a model with the published settings; data and inversion have their grid."""
    folder = command.results(options, f"as_published_{options.model.replace(' ', '_')}_{options.misfit}")
    mesh = preset.mesh(three_blocks_mesh() if options.model == "three blocks" else published_mesh())
    if options.model in SYNTHETIC:
        model = SYNTHETIC[options.model]
        survey, depth = model.survey(), model.depth
        true = model.resistivity(mesh, samples=1)
    else:
        model = COMMEMI[options.model]
        half, band, _, depth = SURVEYS[options.model]
        survey = jaxmt.Survey(np.geomspace(*band, 21), np.linspace(-half, half, 21))
        true = model.resistivity(mesh)
    with warnings.catch_warnings():
        # Their grid is too small for its surveys.
        warnings.simplefilter("ignore", jaxmt.MeshWarning)
        data = jaxmt.Data.from_responses(jaxmt.simulate(mesh, survey, true), PUBLISHED_NOISE)
        data = data.with_noise(jax.random.key(SEED), level=PUBLISHED_NOISE)
        kept = checkpoint(folder, resume=options.resume)
        with jaxmt.ProgressBar(preset.iterations) as bar:
            result = jaxmt.invert(
                data,
                preset.cells(mesh),
                preset.start,
                **preset.arguments(options.misfit, data),
                devices=devices,
                progress=bar,
                checkpoint=kept,
            )
    ended(kept, result)
    found = result.resistivity
    measures = {
        "published_ssim": jaxmt.comparison.published_similarity(mesh, true, found),
        "ssim": jaxmt.comparison.similarity(mesh, true, found, survey.stations, depth),
        "rmse_log10_rho": jaxmt.comparison.rmse(mesh, true, found, survey.stations, depth),
    }
    print(
        f"{options.model} as published, {options.misfit}: {result.message}; nRMS {result.nrms:.3f}, SSIM "
        f"{measures['published_ssim']:.3f} as published (air rows count), {measures['ssim']:.3f} under the "
        f"stations to {depth / 1e3:g} km, RMSE of log10 rho there {measures['rmse_log10_rho']:.3f}"
    )
    about = {"model": options.model, "misfit": options.misfit, "noise": PUBLISHED_NOISE, "seed": SEED}
    jaxmt.io.write_inversion(folder, result, about | measures)
    title = f"{options.misfit}, as published, nRMS {result.nrms:.2f}"
    draw_result(folder, result, View(title, preset.target, depth, limits=model.range, true=true))
    print(f"Results are in {folder}")
    return result


def parsed() -> tuple[argparse.Namespace, Published | None]:
    """The command line, and the published settings if they are asked for."""
    parser = command.parser(__doc__, "coarse meshes and few iterations: a minute")
    parser.add_argument(
        "--model",
        choices=sorted({*COMMEMI, *SYNTHETIC}),
        default="2D-4",
        help="the section to recover; default 2D-4; others than 2D-0 to 2D-4 with --as-published only",
    )
    parser.add_argument("--misfit", choices=sorted(MISFITS), default="cloud")
    parser.add_argument("--optimiser", choices=sorted(OPTIMISERS), help="default adam")
    door.add(parser, "their grid, noise, roughness, lambda, steps and target")
    command.add_resume(parser)
    machine.add_options(parser)
    options = parser.parse_args()
    beside = {
        "quick": ("its own grid and iterations", ()),
        "optimiser": ("Adam in ln sigma with steps of 0.03", ("adam",)),
    }
    preset = door.preset(parser, options, Published(), beside)
    if preset is None and options.model not in COMMEMI:
        parser.error(f"--model {options.model!r} needs --as-published; without: {', '.join(COMMEMI)}.")
    if preset is not None and options.misfit not in PUBLISHED_MISFITS:
        parser.error(f"--as-published has --misfit {' or '.join(PUBLISHED_MISFITS)}. Got {options.misfit}.")
    options.optimiser = options.optimiser or "adam"
    return options, preset


def main() -> None:
    """Runs the experiment from the command line."""
    options, preset = parsed()
    devices = machine.start(vars(options))
    options.out = machine.own_folder(options.out, vars(options))
    if preset is not None:
        recover_as_published(options, preset, devices)
        return
    by = "" if options.optimiser == "adam" else f"_{options.optimiser}"
    folder = command.results(options, f"commemi_{options.model}_{options.misfit}{by}")
    begin = time.perf_counter()
    growth = 0.15 if options.quick else 0.06
    table = forward_table(growth, folder)
    control = control_model_check(growth)
    print(f"{time.perf_counter() - begin:.1f} s")
    jaxmt.io.write_summary(folder / "forward.json", {"table": table, "control_model": control})
    recover(COMMEMI[options.model], options, folder, devices)
    print(f"Results are in {folder}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
    except FileExistsError as error:
        raise SystemExit(str(error)) from None
