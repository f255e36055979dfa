"""The report about a line of field data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..conventions import PHASE, RHO, TIPPER, rows_of
from ..processing import dimensionality, phase_tensor
from ..report import CITATION, FROM_SOURCE, Page, misfit_table, versions
from .cover import FADE, cover
from .fit import Fit
from .folder import BOTH, FILES, FIT_FILES, Folder
from .goodness import WIDE
from .line import A_DATUM, Line, counted
from .posterior import posterior_section
from .run_file import NAME, TOLD, RunFile, toml
from .settings import Reference, Settings
from .station_tables import processing_table, station_table

HIGH = 2.0
"""nRMS from which a number in a table stands out."""

SHIFTS: tuple[str, ...] = ("shift TE", "shift TM")


def report_page(
    folder: Folder, line: Line, fits: Sequence[Fit], settings: Settings, facts: Sequence[tuple[str, str]]
) -> Page:
    """The report, from the figures that lie in `folder` and in a folder for each misfit.

    - `facts`: what was set, as text.
    """
    path = folder.path
    page = _stations(cover(folder, line, fits, settings).heading("Stations"), path, line, fits)
    page = _outcome(page.heading("Fits"), path, fits, settings.target)
    for k, fit in enumerate(fits):
        page = _fit(page.heading(f"Inversion by {fit.label}"), path / fit.name, fit, settings, k == 0)
    if settings.reference is not None:
        page = page.heading(f"Beside {settings.reference.title}")
        page = _beside(page, path, fits, settings.reference)
    page = _trust(page.heading("How far to trust the section"), path, line, fits)
    page = _dimension(page.heading("Dimensionality and strike"), path, line)
    page = _processing(page.heading("Processing"), line)
    page = _settings(page.heading("Settings and files"), folder, fits, facts)
    return _cite(page.heading("Versions and how to cite"), line)


def _cite(page: Page, line: Line) -> Page:
    found = versions()
    page = page.paragraph(f"Made with {', '.join(f'{what} {version}' for what, version in found)}.")
    version = dict(found)["jaxmt"]
    cite = CITATION if version == FROM_SOURCE else f"{CITATION}, version {version}"
    for text in (f"{cite}.", *line.cite):
        page = page.paragraph(text)
    return page


def _settings(page: Page, folder: Folder, fits: Sequence[Fit], facts: Sequence[tuple[str, str]]) -> Page:
    """What was set, as TOML, and what lies beside."""
    tables = {"set": dict(facts)}
    if (folder.path / NAME).is_file():
        told = RunFile.read(folder.path / NAME).told
        parts = {
            table: {name: told[name] for name in names if name in told} for table, names in TOLD.items()
        }
        tables |= {table: entries for table, entries in parts.items() if entries}
    page = page.paragraph(
        f"What the inversion was set to, and what the run was told; {NAME} beside this report repeats it."
        if len(tables) > 1
        else "What the inversion was set to."
    )
    page = page.listing(toml(tables))
    files = _files(folder, fits)
    return page.folded(
        f"The {len(files)} kinds of files beside this report",
        lambda inside: inside.table("Files beside this report.", ["file", "what"], files),
    )


def _files(folder: Folder, fits: Sequence[Fit]) -> list[tuple[str, str]]:
    """The files that are there, but for the figures, and what they hold."""
    there = [(name, what) for name, what in FILES if (folder.path / name).is_file()]
    inner = [(name, what) for name, what in FIT_FILES if (folder.path / fits[0].name / name).is_file()]
    return [
        (name, what)
        for name, what in (*there, *((f"MISFIT/{name}", what) for name, what in inner))
        if not name.endswith(".png")
    ]


def _beside(page: Page, path: Path, fits: Sequence[Fit], reference: Reference) -> Page:
    for fit in fits:
        met = fit.agreement(reference)
        page = page.figure(
            path / fit.name / "beside.png",
            f"{reference.title} above, {fit.label} below, in the same colours. Under the stations, down to "
            "where half the colour is left, log10 resistivity correlates to "
            f"{met['correlation_log10_rho']:.2f} and differs by {met['rms_log10_rho']:.2f} decades rms "
            "(cells weighted by width and relative height).",
        )
    return page


def _outcome(page: Page, folder: Path, fits: Sequence[Fit], target: float) -> Page:
    timed = any(np.isfinite(fit.share) for fit in fits)
    rows = []
    for fit in fits:
        history = fit.result.history
        row = [
            fit.label,
            fit.result.nrms,
            fit.usable_nrms,
            "yes" if fit.result.converged else "no",
            len(history["nrms"]) - 1,
            f"{history['seconds'][-1]:.0f}",
            "" if np.isnan(fit.seconds) else f"{fit.seconds:.2f}",
        ]
        share = "" if np.isnan(fit.share) else f"{100 * fit.share:.1f} %"
        rows.append([*row, share] if timed else row)
    head = ["misfit", "nRMS", "of all usable data", f"target {target:g} met", "iterations", "s"]
    head += ["s an iteration", "transport"] if timed else ["s an iteration"]
    caption = (
        "Outcome. nRMS is the root mean square of residual over error of the data inverted, and of all "
        "that can be used, those that a rule removed among them, with the floors alone"
    )
    caption += (
        "; transport is the share of an iteration that value and gradient of the misfit take."
        if timed
        else "."
    )
    page = page.table(caption, head, rows)
    for fit in fits:
        page = page.paragraph(f"{fit.label}: {fit.result.message}.")
        if fit.result.transport is not None:
            page = page.paragraph(f"{fit.label}: {fit.result.transport}.")
    if len(fits) == 2:
        page = page.figure(
            folder / BOTH, "The sections of both misfits, from the same start, in the same colours."
        )
    return page


def _stations(page: Page, folder: Path, line: Line, fits: Sequence[Fit]) -> Page:
    survey, data = line.data.survey, line.data
    step = np.diff(np.sort(survey.stations))
    spacing = f"{np.median(step) / 1e3:.3g} km (median)" if step.size else "one station"
    te, tm, tipper = (
        int(data.mask[list(rows)].sum()) for rows in ((RHO[0], PHASE[0]), rows_of("tm"), TIPPER)
    )
    strike = "along x of the data" if np.isnan(line.strike) else f"{line.strike:.1f} degrees from north"
    facts = [
        ("stations", str(survey.stations.size)),
        ("length of the line", f"{np.ptp(survey.stations) / 1e3:.4g} km"),
        ("spacing", spacing),
        (
            "frequencies",
            f"{counted(survey)}, {survey.frequencies.max():.4g} to {survey.frequencies.min():.4g} Hz",
        ),
        ("data", f"{te + tm + tipper}: {te} TE, {tm} TM, {tipper} of the tipper"),
        ("strike used", strike),
        *line.facts,
    ]
    head, rows = station_table(line, fits)
    if (folder / "station_map.png").is_file():
        page = page.figure(
            folder / "station_map.png",
            "Stations (triangles; hollow ones were left out), the profile they are projected on, strike.",
        )
    else:
        page = page.paragraph("The data came along a profile: there are no coordinates to map.")
    page = page.table(
        "Stations; y is the position on the line, nRMS above 2 in bold.", head, rows, high=HIGH
    )
    return page.table("The survey.", ["what", "value"], facts)


def _dimension(page: Page, folder: Path, line: Line) -> Page:
    if not (folder / "phase_tensors.png").is_file():
        return page.paragraph(
            "The data came without whole tensors: neither strike nor dimensionality can be told."
        )
    page = page.figure(
        folder / "phase_tensors.png",
        "Phase tensors before screening, of stations as close as ellipses fit, north up in each; filled "
        "by skew (0 for a 2-D earth) above, by the smaller principal phase below.",
    )
    page = page.figure(
        folder / "dimensionality.png",
        "The dimension that each tensor asks for: 3-D where the skew exceeds 3 degrees by more than its "
        "error, else 1-D where the ellipticity is at most 0.1 within its error.",
    )
    if (folder / "strike.png").is_file():
        page = page.figure(
            folder / "strike.png",
            "Axes of larger phase (dark) and what phase tensors cannot tell from them (pale), weighted by "
            "ellipticity; real induction arrows are perpendicular to strike and settle which is which.",
        )
    return page if line.found is None else page.paragraph(f"All data together: {line.found}.")


def _processing(page: Page, line: Line) -> Page:
    for entry in line.journal:
        if entry.step in ("warning", "fault"):
            page = page.warning(f"{entry.subject}: {entry.text}")
    steps = [
        [entry.step, entry.subject, entry.text, entry.removed or "", entry.marked or ""]
        for entry in line.journal.folded()
    ]
    if not steps:
        return page.paragraph("The data were inverted as they are.")
    page = page.paragraph(
        f"{line.journal.removed()} data were removed; doubtful ones were marked and kept. {A_DATUM} "
        "processing.log has every step."
    )
    head, rows = processing_table(line)
    if rows:
        page = page.table(
            "Processing by station; one that is not here needed nothing of its own.", head, rows
        )
    return page.folded(
        f"The {len(steps)} steps, in order, what many stations share in one row",
        lambda inside: inside.table(
            "The steps.", ["step", "of", "what and why", "removed", "marked"], steps
        ),
    )


def _fit(page: Page, folder: Path, fit: Fit, settings: Settings, on_cover: bool) -> Page:
    """One inversion; `on_cover`: whether its section stands on the first page already."""
    if not on_cover:
        text = f"Resistivity by {fit.label}, nRMS {fit.result.nrms:.2f}. {FADE}"
        page = page.figure(folder / "section.png", text)
    shown = "nRMS and regularisation factor over iterations; history.csv has more of each."
    page = page.figure(folder / "convergence.png", shown)
    page = page.figure(folder / "misfit.png", "nRMS by station, period and component; 1 is the error bar.")
    head, rows = misfit_table(fit.result.data, fit.result.predicted)
    about = "nRMS by station and component; above 2 in bold"
    wide = (
        {} if settings.static_shift is None else dict.fromkeys(SHIFTS, WIDE * settings.static_shift.decades)
    )
    if fit.result.static_shift.any():
        about += (
            ". Static shift: decades that the apparent resistivities of a station lie above the section's, "
            "of mean zero by mode; predicted data have it"
        )
        head += SHIFTS
        order = np.argsort(fit.result.data.survey.stations)
        shifts = [[float(f"{v:.2f}") for v in pair] for pair in fit.result.static_shift.T[order]]
        rows = [[*row, *pair] for row, pair in zip(rows, [*shifts, [None, None]], strict=True)]
    page = page.table(f"{about}.", head, rows, high=HIGH, wide=wide)
    for name, what in (("pseudosections.png", "TE and TM"), ("tipper.png", "the tipper")):
        if (folder / name).is_file():
            text = f"Observed, predicted, and residual over error, of {what}; grey where there is no datum."
            page = page.figure(folder / name, text)
    curves = sorted(folder.glob("fit_curves_[0-9][0-9].png"))
    for k, path in enumerate(curves, 1):
        page = page.figure(
            path,
            f"Observed data with one standard deviation, and predicted curves, page {k} of {len(curves)}.",
        )
    return page


def _trust(page: Page, folder: Path, line: Line, fits: Sequence[Fit]) -> Page:
    """The advice of the inversions, how 3-D the earth is, and what the data say of each cell."""
    for fit in fits:
        for text in fit.warnings:
            page = page.warning(text if len(fits) == 1 else f"{fit.label}: {text}")
    found = [dimensionality(phase_tensor(site)) for site in line.sites]
    known = np.concatenate([values[values > 0] for values in found]) if found else np.zeros(0)
    if known.size:
        page = page.paragraph(
            f"By their skew {100 * np.mean(known == 3):.0f} % of the phase tensors ask for a 3-D earth, "
            "which no 2-D section explains."
        )
    for fit in fits:
        page = page.figure(
            folder / fit.name / "uncertainty.png",
            f"{fit.label}: standard deviation of the section as far as the regularisation is believed, the "
            "width over which the data let a cell be an average; in white the depth of investigation (3 "
            "standard deviations).",
        )
        page = posterior_section(page, folder / fit.name, fit)
    return page
