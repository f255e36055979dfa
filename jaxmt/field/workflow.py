"""From a line of field data to its sections."""

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from ..atomic import FilePath
from ..inversion.appraisal import Uncertainty, appraise
from ..inversion.checkpoint import Checkpoint, CheckpointWarning
from ..inversion.invert import invert
from ..inversion.progress import ProgressBar
from ..inversion.result import Ending, Result
from ..lock import locked
from ..misfit import AbstractMisfit
from ..misfit.motion import moves
from ..sampling.nuts import require_extra
from ..simulation.mesh import MeshWarning
from .fit import Fit, write_model
from .folder import CHECKPOINT, Folder, summary_of
from .goodness import in_words, misfit_in_words, shifts_in_words, usable_nrms
from .line import Line, counted
from .options import command
from .outcome import Outcome, begun
from .posterior import sampled, settled
from .settings import Settings
from .step import step

WARM_UP = 2
"""Iterations that compile, left out of the time of one."""

Devices = Sequence[jax.Device] | None


def invert_line(
    line: Line,
    misfits: Mapping[str, AbstractMisfit],
    settings: Settings | None = None,
    *,
    folder: FilePath | Folder | None = None,
    devices: Devices = None,
    quiet: bool = False,
    **changes: Any,
) -> Outcome:
    """Inverts a line by each misfit.

    - `misfits`: by name; a name of the catalogue, such as "cloud", has its label in figures.
    - `settings`: how; `changes` are to its fields: `invert_line(line, misfits, target=1.2)`.
    - `folder`: where to leave results and a report, after each misfit, for the next may take long. By
      default nothing is written, and `Outcome.write` does it. One that `Folder.open` resumed keeps the
      inversions that ended and goes on with the one that was stopped.
    - `devices`: as for `invert`. `quiet`: whether to print nothing and draw no progress bar.

    After an interrupt the inversion on its way is finished as it is, and no other begun. What cannot be
    written, as on a full disk, is said and stands in `Outcome.unwritten`; the other inversions go on. A
    folder that replaces an earlier run is `settled` once all is whole.
    """
    if folder is not None and not isinstance(folder, Folder):
        with locked(Path(folder)):
            made = Folder.create(folder)
            return invert_line(
                line, misfits, settings, folder=made, devices=devices, quiet=quiet, **changes
            )
    settings = dataclasses.replace(settings or Settings(), **changes).for_line(line)
    if settings.sample is not None:
        # Before the inversion, which may take long.
        require_extra()
    outcome = begun(line, misfits, settings)
    if not quiet:
        _announce(line, settings)
    opened = folder
    if opened is not None:
        opened.claim(misfits)
        outcome.write_line(opened)
    for name, misfit in misfits.items():
        fit = None if opened is None else finished(opened, name)
        if fit is None:
            fit = fit_by(name, line, misfit, settings, opened, devices, quiet=quiet)
            if not quiet:
                _tell(line, fit)
            if opened is not None:
                try:
                    with step(f"Writing {opened.path / name}", quiet=quiet):
                        outcome.write_fit(opened, fit)
                    ended(checkpoint(opened.path / name, resume=True), fit.result)
                except OSError as error:
                    outcome = outcome.without(f"what {name} found: {error}", quiet=quiet)
        elif opened is not None:
            # Of a run that was killed between its last file and this.
            ended(checkpoint(opened.path / name, resume=True), fit.result)
        outcome = dataclasses.replace(outcome, fits=(*outcome.fits, fit))
        if opened is not None:
            try:
                outcome.draw(opened, missing=True, quiet=quiet)
            except OSError as error:
                outcome = outcome.without(str(error), quiet=quiet)
            except KeyboardInterrupt:
                if not quiet:
                    draw = ("report", opened.path)
                    if opened.replaces is not None:
                        draw = ("invert", "--resume", opened.place)
                    print(f"All numbers are in {opened.path}. Draw with: {command(*draw)}")
                raise
        if fit.result.ending is Ending.INTERRUPTED:
            return outcome
    if opened is not None and not outcome.unwritten:
        opened.settled()
    return outcome


def _announce(line: Line, settings: Settings) -> None:
    survey, mesh = line.data.survey, settings.mesh
    many = "s" if survey.stations.size > 1 else ""
    start = f", start {settings.start:.3g} ohm m" if isinstance(settings.start, float) else ""
    shift = settings.static_shift
    start += "" if shift is None else f", static shifts of about {shift.decades:g} decades as parameters"
    print(
        f"{line.name}: {survey.stations.size} station{many}, {counted(survey)}, "
        f"{int(line.data.mask.sum())} data"
        + ("" if mesh is None else f", mesh {mesh.n_z} x {mesh.n_y}")
        + start,
        flush=True,
    )


def _tell(line: Line, fit: Fit) -> None:
    print(
        f"{line.name}, {fit.label}: {fit.result.message}; "
        + in_words(fit.result.nrms, fit.usable_nrms, line.data, line.usable)
        + ("" if np.isnan(fit.seconds) else f", {fit.seconds:.2f} s an iteration")
        + ("" if np.isnan(fit.share) else f", {100 * fit.share:.1f} % of it transport"),
        *(f"\n  {text}" for text in (fit.result.transport, *fit.warnings) if text),
        sep="",
        flush=True,
    )


def finished(folder: Folder, name: str) -> Fit | None:
    """The inversion by a misfit in a folder of results, if it ended there and is whole."""
    summary = summary_of(folder.path / name)
    if summary is None or not folder.resumed or summary.get("ending") == Ending.INTERRUPTED:
        return None
    try:
        return Fit.read(folder, name)
    except ValueError:
        return None


def fit_by(
    name: str,
    line: Line,
    misfit: AbstractMisfit,
    settings: Settings,
    folder: Folder | None = None,
    devices: Devices = None,
    *,
    quiet: bool = False,
) -> Fit:
    """One inversion, and what its data say of the section."""
    kept = None if folder is None else checkpoint(folder.path / name, resume=folder.resumed)
    result, caught = inverted(name, line, misfit, settings, kept, devices, quiet=quiet)
    if result.ending is Ending.INTERRUPTED and not quiet:
        print("Interrupted. What was found is appraised, drawn and kept; Ctrl-C again ends at once.")
    if folder is not None:
        # What comes now takes long, too.
        with contextlib.suppress(OSError):
            journal = begun(line, {}, settings).journal(folder)
            write_model(folder, name, result, journal, place=line.place)
    seconds = np.diff(result.history["seconds"])[WARM_UP:]
    each = float(np.median(seconds)) if seconds.size else np.nan
    timed = settings.timed and moves(result.history)
    share = misfit_seconds(misfit, result) / each if timed else np.nan
    shifts = shifts_in_words(result, settings.static_shift)
    told = (*caught, *advice(line, result, settings), *[shifts] * bool(shifts))
    with step("Fit of all usable data", quiet=quiet or line.usable is None):
        usable = usable_nrms(line, result, devices)
    size = f"{int(line.data.mask.sum())} data by {result.resistivity.size} cells"
    with step(f"Appraising the section (a Jacobian of {size}, compiled first)", quiet=quiet):
        uncertainty = appraised(line, result, settings)
    place = None if folder is None else folder.path / name
    factor = uncertainty.regularization_factor
    posterior = sampled(line, misfit, result, settings, factor, place, quiet=quiet)
    if place is not None and posterior is not None:
        settled(place, posterior)
    return Fit(name, result, uncertainty, each, share, told, usable, posterior)


def inverted(
    name: str,
    line: Line,
    misfit: AbstractMisfit,
    settings: Settings,
    kept: Checkpoint | None = None,
    devices: Devices = None,
    *,
    quiet: bool = False,
) -> tuple[Result, tuple[str, ...]]:
    """What comes of a line by one misfit, and the warnings on the way."""
    if settings.mesh is None:
        raise ValueError("`Settings(mesh=...)` is None: take those of `Settings.for_line`.")
    caught: list[str] = []

    def keep(message: Warning | str, category: type[Warning], *place: Any) -> None:
        del place
        caught.append(str(message))
        if issubclass(category, CheckpointWarning) and not quiet:
            # Somebody may make room while the inversion goes on.
            tqdm.write(f"{message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", MeshWarning)
        warnings.simplefilter("always", CheckpointWarning)
        warnings.showwarning = keep
        with contextlib.nullcontext() if quiet else ProgressBar(settings.iterations) as bar:
            result = invert(
                line.data,
                settings.mesh if settings.parametrisation is None else settings.parametrisation,
                settings.start_of(name),
                misfit,
                optimiser=settings.optimiser,
                static_shift=settings.static_shift,
                regularization=settings.regularization,
                trade_off=settings.trade_off,
                stopping=settings.stopping,
                target=settings.target,
                max_iterations=settings.iterations,
                devices=devices,
                progress=bar,
                checkpoint=kept,
            )
    return result, tuple(caught)


def appraised(line: Line, result: Result, settings: Settings) -> Uncertainty:
    """What the data say of each cell of a section."""
    # A start that already fits has no roughness to find a factor from.
    factor = None if np.ptp(result.resistivity[~result.mesh.air]) > 0 else 1.0
    return appraise(line.data, result.cells, result.resistivity, factor, static_shift=settings.static_shift)


def checkpoint(folder: Path, *, resume: bool) -> Checkpoint:
    """The checkpoint of an inversion. Raises `FileExistsError` if one is left that must not go on."""
    path = folder / CHECKPOINT
    if path.exists() and not resume:
        raise FileExistsError(
            f"{path} is left from a run that was stopped. Go on with --resume, or remove it."
        )
    return Checkpoint(path, resume=resume)


def ended(kept: Checkpoint, result: Result) -> None:
    """Removes the checkpoint of an inversion whose results are written, unless it was interrupted."""
    if result.ending is not Ending.INTERRUPTED:
        Path(kept.path).unlink(missing_ok=True)


def advice(line: Line, result: Result, settings: Settings) -> tuple[str, ...]:
    """What is to blame and what to try where an inversion ended above its target; else nothing."""
    if result.ending not in (Ending.ITERATIONS, Ending.STALLED, Ending.KNEE):
        return ()
    remedies = ["larger errors (a floor)", "a look at what is 3-D (dimensionality, misfit by station)"]
    if settings.static_shift is None:
        remedies.insert(0, "shifts of stations and modes as parameters (--static-shift 0.3)")
    if settings.quick:
        remedies.insert(0, "the whole inversion, with a finer mesh and more iterations (leave --quick out)")
    elif result.ending is Ending.ITERATIONS:
        remedies.insert(0, f"more than {settings.iterations} iterations (--iterations)")
    text = f"The target nRMS of {settings.target:g} was not reached. Worth a try: {', '.join(remedies)}."
    blame = misfit_in_words(line, result)
    return (text, blame) if blame else (text,)


def misfit_seconds(misfit: AbstractMisfit, result: Result, repeats: int = 5) -> float:
    """Time of value and gradient of a misfit, warm as in the inversion, at the final responses.

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
