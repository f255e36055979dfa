"""From a line of field data to a folder with sections, exports, figures and a report."""

import dataclasses
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

import jaxmt

from ..inversion.optimisers import AbstractOptimiser
from ..inversion.optimisers.descent import FIRST_STEP, normalised_adam
from .figures import draw_both, draw_line, draw_result
from .line import Line
from .options import LABELS, LONG_STEPS, MISFITS, OPTIMISERS, Misfit, checkpoint, ended
from .report import Outcome, Reference, Run, write_report

WARM_UP = 2
"""Iterations that compile, left out of the time of one."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a line is inverted.

    - `start`: ohm m, a number or a section, or one of them for each misfit.
    - `depth`: m, how far down to show sections; `limits`: ohm m, of their colours.
    - `te_weight`, `error_floor_ratio`, `start_blur`: of the transport.
    - `optimiser`: one of `options.OPTIMISERS`. `static_shift`: allowed of stations and modes.
    - `reference`: another code's model to set beside.
    - `settings`: whatever else the report shall state. `resume`: whether to go on from checkpoints.
    """

    mesh: jaxmt.Mesh
    start: float | np.ndarray | dict[str, np.ndarray]
    misfits: Sequence[str]
    depth: float
    target: float = 1.05
    iterations: int = 200
    parametrisation: jaxmt.AbstractParametrisation | None = None
    te_weight: float = 1.0
    error_floor_ratio: float = jaxmt.CloudTransport().error_floor_ratio
    start_blur: float = 0.05
    optimiser: str = OPTIMISERS[0]
    static_shift: jaxmt.StaticShift | None = None
    first_step: float = FIRST_STEP
    limits: tuple[float, float] | None = None
    reference: Reference | None = None
    settings: tuple[tuple[str, str], ...] = ()
    resume: bool = False


def invert_line(
    line: Line, plan: Plan, folder: Path, devices: tuple[jax.Device, ...] | None = None
) -> Outcome:
    """Inverts a line by each misfit and leaves in `folder` all that is described in its report."""
    data, survey = line.data, line.data.survey
    start = plan.start if isinstance(plan.start, float) else None
    print(
        f"{line.name}: {survey.stations.size} stations, {survey.frequencies.size} frequencies, "
        f"{int(data.mask.sum())} data, mesh {plan.mesh.n_z} x {plan.mesh.n_y}"
        + ("" if start is None else f", start {start:.3g} ohm m")
    )
    folder.mkdir(parents=True, exist_ok=True)
    export(folder, line, plan.mesh)
    draw_line(folder, line)
    runs = []
    for name in plan.misfits:
        run = invert_by(name, line, plan, folder / name, devices)
        print(
            f"{line.name}, {LABELS[name]}: {run.result.message}; nRMS {run.result.nrms:.3f}"
            + ("" if np.isnan(run.seconds) else f", {run.seconds:.2f} s an iteration")
            + ("" if np.isnan(run.share) else f", {100 * run.share:.1f} % of it transport")
        )
        for text in run.warnings:
            print(f"  {text}")
        runs.append(run)
        if len(runs) == 2:
            titles = tuple(f"{LABELS[run.name]}, nRMS {run.result.nrms:.2f}" for run in runs)
            results = [run.result for run in runs]
            draw_both(folder, results, titles, depth=plan.depth, limits=plan.limits)
        # After each, for the next may take long.
        outcome = Outcome(line, tuple(runs), plan.target, plan.reference, settings_of(plan))
        write_report(folder, outcome)
        jaxmt.io.write_summary(folder / "summary.json", summary_of(outcome))
    print(f"The report is {folder / 'report.html'}")
    return outcome


def invert_by(
    name: str, line: Line, plan: Plan, folder: Path, devices: tuple[jax.Device, ...] | None
) -> Run:
    """One inversion, its files and its figures."""
    result, caught = inverted(name, line, plan, folder, devices)
    seconds = np.diff(result.history["seconds"])[WARM_UP:]
    each = float(np.median(seconds)) if seconds.size else np.nan
    share = transport_seconds(misfit_of(name, plan), result) / each if name == "cloud" else np.nan
    jaxmt.io.write_inversion(
        folder,
        result,
        {"line": line.name, "misfit": name, "seconds_per_iteration": each, "transport_share": share},
        line.journal,
    )
    # A start that already fits has no roughness to find a factor from.
    factor = None if np.ptp(result.resistivity[~plan.mesh.air]) > 0 else 1.0
    certain = jaxmt.appraise(
        line.data,
        result.parametrisation,
        result.resistivity,
        factor,
        static_shift=plan.static_shift,
    )
    seen = certain.trust()
    title = f"{LABELS[name]}, nRMS {result.nrms:.2f}"
    draw_result(
        folder,
        result,
        target=plan.target,
        depth=plan.depth,
        title=title,
        limits=plan.limits,
        trust=seen,
        reference=plan.reference,
    )
    figure = Figure(figsize=(12, 9))
    survey = line.data.survey
    jaxmt.plot.uncertainty(figure, certain, stations=survey.stations, names=survey.names, depth=plan.depth)
    jaxmt.plot.save(figure, folder / "uncertainty.png")
    return Run(name, result, seen, each, share, (*caught, *advice(result, plan)))


def advice(result: jaxmt.Result, plan: Plan) -> tuple[str, ...]:
    """What to try where an inversion ended above its target; nothing where it did not."""
    if result.ending not in (jaxmt.Ending.ITERATIONS, jaxmt.Ending.STALLED, jaxmt.Ending.KNEE):
        return ()
    remedies = ["larger errors (a floor)", "a look at what is 3-D (dimensionality, misfit by station)"]
    if plan.static_shift is None:
        remedies.insert(0, "shifts of stations and modes as parameters (--static-shift 0.3)")
    if result.ending is jaxmt.Ending.ITERATIONS:
        remedies.insert(0, f"more than {plan.iterations} iterations (--iterations)")
    return (f"The target nRMS of {plan.target:g} was not reached. Worth a try: {', '.join(remedies)}.",)


def misfit_of(name: str, plan: Plan) -> Misfit:
    """The misfit of this name with the settings of a plan."""
    if name != "cloud":
        return MISFITS[name]()
    long = LONG_STEPS if plan.optimiser == "gauss-newton" else {}
    return MISFITS[name](
        te_weight=plan.te_weight,
        error_floor_ratio=plan.error_floor_ratio,
        start_blur=plan.start_blur,
        **long,
    )


def optimiser_of(plan: Plan) -> AbstractOptimiser | optax.GradientTransformation:
    """The optimiser of a plan."""
    if plan.optimiser == "gauss-newton":
        return jaxmt.GaussNewton()
    return normalised_adam(plan.first_step)


def inverted(
    name: str, line: Line, plan: Plan, folder: Path, devices: tuple[jax.Device, ...] | None
) -> tuple[jaxmt.Result, tuple[str, ...]]:
    """What comes of a line by one misfit, and the warnings on the way; the checkpoint is in `folder`."""
    start = plan.start[name] if isinstance(plan.start, dict) else plan.start
    kept = checkpoint(folder, plan.resume)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", jaxmt.MeshWarning)
        with jaxmt.ProgressBar(plan.iterations) as bar:
            result = jaxmt.invert(
                line.data,
                plan.mesh if plan.parametrisation is None else plan.parametrisation,
                start,
                misfit_of(name, plan),
                optimiser=optimiser_of(plan),
                static_shift=plan.static_shift,
                target=plan.target,
                max_iterations=plan.iterations,
                devices=devices,
                progress=bar,
                checkpoint=kept,
            )
    ended(kept, result)
    return result, tuple(str(warning.message) for warning in caught)


def transport_seconds(misfit: jaxmt.CloudTransport, result: jaxmt.Result, repeats: int = 5) -> float:
    """Time of value and gradient of the transport, warm as in the inversion, at the final responses.

    Between calls the responses change by a thousandth, as from one iteration to the next.
    """
    prepared, state = misfit.prepare(result.data)
    predicted = jnp.asarray(result.predicted)

    @jax.jit
    def both(p, state):
        return jax.value_and_grad(lambda p: misfit(p, prepared, state), has_aux=True)(p)

    times = []
    for k in range(repeats + 2):
        begin = time.perf_counter()
        (_, state), _ = jax.block_until_ready(both(predicted * (1 + 1e-3 * (k % 2)), state))
        times.append(time.perf_counter() - begin)
    return float(np.median(times[2:]))


def export(folder: Path, line: Line, mesh: jaxmt.Mesh) -> None:
    """The data as they are inverted, for ModEM and Occam2D, and the journal."""
    modem = complete(line.data)
    if modem is not None:
        jaxmt.io.write_modem(folder / "modem_data.dat", modem, left_edge=float(mesh.y_nodes[0]))
    jaxmt.io.write_occam2d(folder / "occam2d_data.dat", line.data, title=line.name)
    if len(line.journal):
        (folder / "processing.log").write_text(f"{line.journal}\n", encoding="utf-8")


def complete(data: jaxmt.Data) -> jaxmt.Data | None:
    """The data whose rho and phase both exist, which is what an impedance needs; None if there are none."""
    values = data.values.copy()
    for rho, phase in ((0, 1), (2, 3), (4, 5)):
        both = np.isfinite(values[rho]) & np.isfinite(values[phase])
        values[[rho, phase]] = np.where(both, values[[rho, phase]], np.nan)
    return jaxmt.Data(data.survey, values, data.errors) if np.isfinite(values).any() else None


def settings_of(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What the report states about the inversion."""
    mesh, start = plan.mesh, plan.start
    width, height = mesh.dy.min(), mesh.dz.min()
    depth = f"z {mesh.z_nodes[-1] / 1e3:.4g} km"
    stated = [
        ("mesh", f"{mesh.n_z} x {mesh.n_y} cells, {mesh.n_air} rows of them air"),
        ("smallest cells", f"{width:.3g} m wide, {height:.3g} m high"),
        ("mesh reaches", f"y {mesh.y_nodes[0] / 1e3:.4g} to {mesh.y_nodes[-1] / 1e3:.4g} km, {depth}"),
        ("target nRMS", f"{plan.target:g}"),
        ("iterations at most", str(plan.iterations)),
        ("TE weight of the transport", f"{plan.te_weight:g}"),
        ("error floor ratio of the transport", f"{plan.error_floor_ratio:g}"),
        ("optimiser", plan.optimiser),
    ]
    if isinstance(start, float):
        stated.append(("start", f"{start:.4g} ohm m"))
    if plan.static_shift is not None:
        stated.append(("static shift", f"{plan.static_shift.decades:g} decades, standard deviation"))
    if isinstance(start, dict):
        stated.append(("start", "the section of the floor before"))
    return (*stated, *plan.settings)


def summary_of(outcome: Outcome) -> dict:
    """The numbers of `summary.json`."""
    line = outcome.line
    return {
        "line": line.name,
        "stations": line.data.survey.stations.size,
        "frequencies": line.data.survey.frequencies.size,
        "data": int(line.data.mask.sum()),
        "strike_deg": line.strike,
        "settings": dict(outcome.settings),
        "runs": {
            run.name: {
                "nrms": run.result.nrms,
                "converged": run.result.converged,
                "message": run.result.message,
                "iterations": len(run.result.history["nrms"]) - 1,
                "seconds": run.result.history["seconds"][-1],
                "seconds_per_iteration": run.seconds,
                "transport_share": run.share,
                **run.agreement(outcome.reference),
            }
            for run in outcome.runs
        },
    }
