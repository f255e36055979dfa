"""Inverts the CAFE-MT and MOCHA profile across Washington, or an east-west row of USArray stations:
`python -m experiments.cascadia [--row H] [--mesh published|designed] [--floors 0.2 0.05]
[--misfit cloud l2] [--sea] [--readings] [--quick]`.

The first floor is inverted from a uniform start, each further one from the model of the one before.
A floor is a relative error of apparent resistivity, 0.2 being 0.087 in log10 rho and 5.7 degrees.

`--readings` repeats the first floor for each way to read the CAFE files. Their `.VAR` blocks of land
stations may be variances as the standard has it, or standard errors; their north may be geographic or
magnetic (15 degrees east), and then the strike may be that of the map or that of the published axes.

`--sea` puts the stations of the CAFE profile west of the coast on a sea floor; the published section has
none. A row has its sea always. Shifts of stations and modes are parameters, too: `--static-shift 0` leaves
them out, as the published section does.

`--as-published [--misfit cloud|l2] [--top uniform] [--trade-off RULE] [--reach R]` inverts the CAFE profile
with every setting of Liu, Chen, Bo & Tang (2026) instead: their grid, 50 km of air under E_x = 1, a 20 %
floor, no shifts, Adam in ln sigma; in the cloud TE weighs three times, squares weigh the modes alike.
"""

import argparse
import dataclasses
import itertools
from pathlib import Path

import numpy as np

import jaxmt
from jaxmt.conventions import PHASE
from jaxmt.field import Line, Outcome, Reference, Settings, invert_line, machine
from jaxmt.field.workflow import checkpoint, ended, inverted
from jaxmt.inversion.optimisers.descent import LAST_STEP, normalised_adam
from jaxmt.misfit import AbstractMisfit

from .. import options as command
from ..as_published import door
from ..as_published.preset import MISFITS as PUBLISHED_MISFITS
from ..as_published.preset import Published
from .ground import SEA, Profile, published_mesh, sea_cells, sea_floor
from .lines import NORTHS, VARIANCES, cafe_line, row_line

CAFE_START = 33.0
ROW_START = 50.0
TARGET = 1.0
LATE_BLUR = 0.005
FLOORS = {"CAFE": (0.2, 0.05), "row": (0.2,)}
SHIFT = 0.3
"""Decades of static shift."""
DEPTH = {"CAFE": 150e3, "row": 250e3}
LIMITS = (1.0, 1000.0)
ROW = 150.0
"""m, height of the rows between the sea's surface and its deepest floor."""


PUBLISHED = Published(te_weight=3.0, start=CAFE_START, target=1.05)
PUBLISHED_FLOOR, PUBLISHED_AIR = 0.2, 50e3
"""Of apparent resistivity; m."""


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = command.parser(__doc__, "a coarse mesh and few iterations: a minute")
    parser.add_argument("--row", choices=tuple("CDEFGHIJ"), help="a USArray row instead of CAFE")
    parser.add_argument("--mesh", choices=("published", "designed"), help="default published")
    parser.add_argument(
        "--floors",
        type=command.error_floor,
        nargs="+",
        help="of apparent resistivity; default 0.2 and then 0.05, for a row 0.2",
    )
    parser.add_argument("--te-weight", type=float, help="of TE in the cloud; default 3, for a row 1")
    parser.add_argument("--sea", action="store_true", help="the CAFE profile with the Pacific")
    parser.add_argument("--readings", action="store_true", help="each reading of the CAFE files")
    door.add(parser, "their grid, floor, weights, lambda and steps")
    command.add_inversion(parser, static_shift=SHIFT)
    command.add_data(parser)
    machine.add_options(parser)
    options = parser.parse_args()
    options.preset = published(parser, options)
    options.misfits, options.chosen = command.chosen(parser, options, **{"static-shift": SHIFT})
    options.mesh = options.mesh or "published"
    options.floors = options.floors or FLOORS["row" if options.row else "CAFE"]
    if options.row and (options.readings or options.sea):
        parser.error("--readings and --sea are of the CAFE profile; leave out --row")
    if options.readings and options.sea:
        parser.error("--readings compares level ground; leave out --sea")
    return options


def published(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Published | None:
    """The published settings, if they are asked for; an exit where another option contradicts them."""
    beside = {
        "quick": ("its own grid and iterations", ()),
        "row": ("the CAFE profile", ()),
        "sea": ("no sea", ()),
        "readings": ("one reading of the files", ()),
        "mesh": ("its own grid", ("published",)),
        "floors": (f"a floor of {PUBLISHED_FLOOR:g}", ([PUBLISHED_FLOOR],)),
        "te-weight": (f"a weight of TE of {PUBLISHED.te_weight:g}", (PUBLISHED.te_weight,)),
        "optimiser": (f"Adam in ln sigma with steps of {PUBLISHED.step:g}", ("adam",)),
        "static-shift": ("no static shifts", ("0",)),
    }
    preset = door.preset(parser, options, PUBLISHED, beside)
    if preset is not None:
        misfits, known = vars(options).get("misfit", ["cloud"]), " or ".join(PUBLISHED_MISFITS)
        if len(misfits) > 1 or misfits[0] not in PUBLISHED_MISFITS:
            parser.error(f"--as-published takes one --misfit, {known}. Got {' '.join(misfits)}.")
        preset = dataclasses.replace(preset, iterations=options.iterations)
    return preset


def as_published(options: argparse.Namespace, preset: Published, line: Line, devices: tuple | None) -> None:
    """Inverts the CAFE profile with the published settings."""
    (name,) = options.misfits
    floored = dataclasses.replace(line, data=line.data.with_floor(PUBLISHED_FLOOR / 2))
    mesh = preset.mesh(published_mesh(PUBLISHED_AIR))
    arguments = preset.arguments(name, floored.data)
    misfits = {name: arguments.pop("misfit")}
    settings = Settings(
        mesh=mesh,
        start=preset.start,
        parametrisation=preset.cells(mesh),
        depth=DEPTH["CAFE"],
        target=preset.target,
        iterations=preset.iterations,
        limits=LIMITS,
        static_shift=None,
        **arguments,
    )
    stated = (("settings", f"as published; error floor of rho {PUBLISHED_FLOOR:g}"),)
    folder = command.run_folder(options, f"cascadia_as_published_{name}")
    invert_line(floored, misfits, settings, folder=folder, devices=devices, stated=stated)


def misfits_of(options: argparse.Namespace, **changes: float) -> dict[str, AbstractMisfit]:
    """The misfits by name; the weight of TE and `changes` are of the cloud, which weighs by median errors.

    A floor of 20 % makes nearly all errors alike.
    """
    changes["point_errors"] = False
    te_weight = 1.0 if options.row else 3.0
    changes["te_weight"] = te_weight if options.te_weight is None else options.te_weight
    return {
        name: dataclasses.replace(misfit, **changes) if name == "cloud" else misfit
        for name, misfit in options.misfits.items()
    }


def settings_of(
    options: argparse.Namespace, line: Line, known: Reference | None, bathymetry: Profile | None = None
) -> tuple[Line, Settings]:
    """Settings of the first floor; and the line, whose stations may lie on a sea floor."""
    kind = "quick" if options.quick else "designed" if options.row else options.mesh
    start = ROW_START if options.row else CAFE_START
    if kind == "published":
        mesh = published_mesh()
    else:
        mesh = jaxmt.Mesh.design(line.data.survey, start, growth=0.3 if options.quick else 0.12)
    if bathymetry is None:
        sea = sea_cells(known, mesh)
        section = np.where(sea, SEA, start)
    else:
        relief = jaxmt.drape(mesh, line.data.survey, *bathymetry, step=ROW)
        mesh, sea, section = relief.mesh, relief.sea, relief.section(start, SEA)
        line = dataclasses.replace(line, data=dataclasses.replace(line.data, survey=relief.survey))
    settings = Settings(
        mesh=mesh,
        start=section,
        **options.chosen,
        depth=DEPTH["row" if options.row else "CAFE"],
        target=TARGET,
        iterations=15 if options.quick else options.iterations,
        parametrisation=jaxmt.Cells(mesh, low=0.1, high=1e5, fixed=sea, values=section),
        limits=LIMITS,
        reference=known,
        stated=(("start", f"{start:g} ohm m"), ("cells of sea", f"{int(sea.sum())} at {SEA:g} ohm m")),
    )
    return line, settings


def floors(
    options: argparse.Namespace, line: Line, settings: Settings, name: str, devices: tuple | None
) -> None:
    """One inversion after the other, each from the model of the one before."""
    misfits = misfits_of(options)
    for number, floor in enumerate(options.floors[:1] if options.quick else options.floors):
        floored = dataclasses.replace(line, data=line.data.with_floor(floor / 2))
        if number:
            # It fits roughly: small steps, and no blur to undo it.
            misfits = misfits_of(options, start_blur=LATE_BLUR)
            if isinstance(settings.optimiser, jaxmt.Descent):
                settings = dataclasses.replace(settings, optimiser=normalised_adam(LAST_STEP))
        folder = command.run_folder(options, f"{name}_floor{100 * floor:g}")
        stated = (*settings.stated, ("error floor of rho", f"{floor:g}"))
        outcome = invert_line(floored, misfits, settings, folder=folder, devices=devices, stated=stated)
        settings = dataclasses.replace(settings, start=sections(outcome))


def sections(outcome: Outcome) -> dict[str, np.ndarray]:
    """The section of each misfit."""
    return {fit.name: np.asarray(fit.result.resistivity) for fit in outcome.fits}


def readings(options: argparse.Namespace, folder: Path, devices: tuple | None) -> None:
    """The same inversion for each way to read the files; prints and writes what comes of them."""
    table = []
    for variance, north in itertools.product(VARIANCES, NORTHS):
        line = cafe_line(folder, variance, north)
        # The deviation of a phase in radians is the relative error of |Z|.
        relative = float(np.nanmedian(np.deg2rad(line.data.errors[list(PHASE)])))
        line = dataclasses.replace(line, data=line.data.with_floor(options.floors[0] / 2))
        _, settings = settings_of(options, line, None)
        for name, misfit in misfits_of(options).items():
            # A checkpoint for each.
            out = command.results(options, f"cascadia_readings/{variance}, {north}, {name}")
            kept = checkpoint(out, resume=options.resume)
            result, _ = inverted(name, line, misfit, settings, kept, devices)
            ended(kept, result)
            table.append(
                {
                    "variance": variance,
                    "north": north,
                    "misfit": name,
                    "nrms": result.nrms,
                    "iterations": len(result.history["nrms"]) - 1,
                    "median_relative_error": relative,
                }
            )
            print(f"{variance}, {north}, {name}: nRMS {result.nrms:.3f}")
    print(f"{'VAR holds':16}{'north':32}{'misfit':8}{'nRMS':>8}{'iterations':>12}")
    for row in table:
        print(
            f"{row['variance']:16}{row['north']:32}{row['misfit']:8}{row['nrms']:8.3f}{row['iterations']:12}"
        )
    jaxmt.io.write_summary(
        command.results(options, "cascadia_readings") / "summary.json", {"readings": table}
    )


def main() -> None:
    """Runs the experiment from the command line."""
    options = parsed()
    devices = machine.start(vars(options))
    options.out = machine.own_folder(options.out, vars(options))
    needs = ["cascadia_modem"] if options.row else ["cafe_cascadia"]
    folder = command.data_folder(options.data, [*needs, "cascadia_modem"] if options.sea else needs)
    if options.readings:
        readings(options, folder, devices)
        return
    if options.preset is not None:
        as_published(options, options.preset, cafe_line(folder), devices)
        return
    line, known = row_line(folder, options.row) if options.row else (cafe_line(folder), None)
    bathymetry = sea_floor(folder, line) if options.sea else None
    line, settings = settings_of(options, line, known, bathymetry)
    kind = "quick" if options.quick else "designed" if options.row else options.mesh
    name = options.row or ("cafe_sea" if options.sea else "cafe")
    floors(options, line, settings, f"cascadia_{name}_{kind}", devices)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
    except (jaxmt.io.BadFile, FileExistsError) as error:
        raise SystemExit(str(error)) from None
