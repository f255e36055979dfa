"""What came of a line of field data, and the report about it."""

import dataclasses
from pathlib import Path

import numpy as np

import jaxmt

from ..report import CITATION, FROM_SOURCE, Page, misfit_table, versions, write_page
from .figures import BOTH
from .line import Line
from .options import LABELS

HIGH = 2.0
"""nRMS from which a number in a table stands out."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """Another code's section: what it is, its mesh, ohm m."""

    title: str
    mesh: jaxmt.Mesh
    resistivity: np.ndarray

    def on(self, mesh: jaxmt.Mesh) -> np.ndarray:
        """Its values at the cell centres of another mesh, ohm m; NaN outside."""
        columns = np.searchsorted(self.mesh.y_nodes, mesh.y_centres) - 1
        rows = np.searchsorted(self.mesh.earth_nodes, mesh.z_centres) - 1
        values = np.full(mesh.shape, np.nan)
        y, z = (
            np.flatnonzero((k >= 0) & (k < n))
            for k, n in ((columns, self.mesh.n_y), (rows, self.mesh.n_earth))
        )
        values[np.ix_(z, y)] = self.resistivity[np.ix_(rows[z], columns[y])]
        return values


@dataclasses.dataclass(frozen=True)
class Run:
    """One inversion: misfit, result, trust in its cells, seconds an iteration, share of the transport."""

    name: str
    result: jaxmt.Result
    trust: np.ndarray
    seconds: float
    share: float
    warnings: tuple[str, ...] = ()

    def agreement(self, reference: Reference | None) -> dict[str, float]:
        """Correlation and rms of log10 rho against a reference, in trusted cells under the stations."""
        if reference is None:
            return {}
        mesh, stations = self.result.mesh, self.result.data.survey.stations
        other = np.log10(reference.on(mesh))
        inside = (mesh.y_centres >= stations.min()) & (mesh.y_centres <= stations.max())
        inside = inside & (self.trust >= 0.5) & np.isfinite(other)
        weight = (mesh.dz / mesh.z_centres)[:, None] * mesh.dy
        w, a, b = weight[inside], np.log10(self.result.resistivity)[inside], other[inside]
        a_mean, b_mean = np.average(a, weights=w), np.average(b, weights=w)
        spread = np.sqrt(
            np.average((a - a_mean) ** 2, weights=w) * np.average((b - b_mean) ** 2, weights=w)
        )
        return {
            "correlation_log10_rho": float(np.average((a - a_mean) * (b - b_mean), weights=w) / spread),
            "rms_log10_rho": float(np.sqrt(np.average((a - b) ** 2, weights=w))),
        }


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A line, its inversions, their target, another code's section, and the settings as text."""

    line: Line
    runs: tuple[Run, ...]
    target: float
    reference: Reference | None
    settings: tuple[tuple[str, str], ...]


def write_report(folder: Path, outcome: Outcome) -> None:
    """Writes `report.html` from the figures that lie in `folder` and in a folder for each misfit."""
    line, survey = outcome.line, outcome.line.data.survey
    ends = ", ".join(f"{LABELS[run.name]} nRMS {run.result.nrms:.2f}" for run in outcome.runs)
    page = Page(
        line.name, f"2-D inversion of magnetotelluric data: {survey.stations.size} stations; {ends}"
    )
    page = _summary(page.heading("Summary"), folder, outcome)
    page = _survey(page.heading("Survey"), folder, line)
    page = _dimension(page.heading("Dimensionality and strike"), folder, line)
    page = _processing(page.heading("Processing"), line)
    for run in outcome.runs:
        page = _run(page.heading(f"Inversion by {LABELS[run.name]}"), folder / run.name, outcome, run)
    if outcome.reference is not None:
        page = page.heading(f"Beside {outcome.reference.title}")
        for run in outcome.runs:
            met = run.agreement(outcome.reference)
            page = page.figure(
                folder / run.name / "beside.png",
                f"{outcome.reference.title} above, {LABELS[run.name]} below, in the same colours. Under "
                "the stations, down to where half the colour is left, log10 resistivity correlates to "
                f"{met['correlation_log10_rho']:.2f} and differs by {met['rms_log10_rho']:.2f} decades "
                "rms (cells weighted by width and relative height).",
            )
    page = page.heading("Settings, files and versions")
    page = page.table("Settings of the inversion.", ["setting", "value"], outcome.settings)
    page = page.table("Files beside this report.", ["file", "what"], FILES)
    page = page.table("Versions.", ["what", "version"], versions())
    page = page.heading("How to cite")
    version = dict(versions())["jaxmt"]
    cite = CITATION if version == FROM_SOURCE else f"{CITATION}, version {version}"
    for text in (f"{cite}.", *line.cite):
        page = page.paragraph(text)
    write_page(folder / "report.html", page)


FILES = (
    ("processing.log", "every step of the processing"),
    ("modem_data.dat, occam2d_data.dat", "the data as they were inverted, for ModEM 2-D and Occam2D"),
    ("MISFIT/model.npz", "model, data, responses and journal, with units; jaxmt.io.read_results reads it"),
    ("MISFIT/model.rho, MISFIT/predicted.dat", "section and responses for ModEM 2-D"),
    ("MISFIT/history.csv", "a row for each iteration"),
    ("summary.json", "the numbers of the summary"),
)


def _summary(page: Page, folder: Path, outcome: Outcome) -> Page:
    rows = []
    for run in outcome.runs:
        history = run.result.history
        rows.append(
            [
                LABELS[run.name],
                run.result.nrms,
                "yes" if run.result.converged else "no",
                len(history["nrms"]) - 1,
                f"{history['seconds'][-1]:.0f}",
                f"{run.seconds:.2f}",
                "" if np.isnan(run.share) else f"{100 * run.share:.1f} %",
            ]
        )
    head = [
        "misfit",
        "nRMS",
        f"target {outcome.target:g} met",
        "iterations",
        "s",
        "s an iteration",
        "transport",
    ]
    caption = (
        "Outcome. nRMS is the root mean square of residual over error of all data; transport is the share "
        "of an iteration that value and gradient of the misfit take."
    )
    page = page.table(caption, head, rows)
    for run in outcome.runs:
        page = page.paragraph(f"{LABELS[run.name]}: {run.result.message}.")
    if len(outcome.runs) == 2:
        page = page.figure(
            folder / BOTH, "The sections of both misfits, from the same start, in the same colours."
        )
    return page


def _survey(page: Page, folder: Path, line: Line) -> Page:
    survey, data = line.data.survey, line.data
    step = np.diff(np.sort(survey.stations))
    spacing = f"{np.median(step) / 1e3:.3g} km (median)" if step.size else "one station"
    te, tm, tipper = (int(data.mask[rows].sum()) for rows in ([0, 1], [2, 3], [4, 5]))
    strike = "along x of the data" if np.isnan(line.strike) else f"{line.strike:.1f} degrees from north"
    facts = [
        ("stations", str(survey.stations.size)),
        ("length of the line", f"{np.ptp(survey.stations) / 1e3:.4g} km"),
        ("spacing", spacing),
        (
            "frequencies",
            f"{survey.frequencies.size}, {survey.frequencies.max():.4g} to "
            f"{survey.frequencies.min():.4g} Hz",
        ),
        ("data", f"{te + tm + tipper}: {te} TE, {tm} TM, {tipper} of the tipper"),
        ("strike used", strike),
        *line.facts,
    ]
    page = page.table("The survey.", ["what", "value"], facts)
    if (folder / "station_map.png").is_file():
        return page.figure(
            folder / "station_map.png",
            "Stations (triangles; hollow ones were left out), the profile they are projected on, strike.",
        )
    return page.paragraph("The data came along a profile: there are no coordinates to map.")


def _dimension(page: Page, folder: Path, line: Line) -> Page:
    if not (folder / "phase_tensors.png").is_file():
        return page.paragraph(
            "The data came without whole tensors: neither strike nor dimensionality can be told."
        )
    page = page.figure(
        folder / "phase_tensors.png",
        "Phase tensors of all stations before screening, north upward in each ellipse; filled by skew (0 "
        "for a 2-D earth) above, by the smaller principal phase below.",
    )
    page = page.figure(
        folder / "dimensionality.png",
        "The dimension that each datum asks for: 3-D where the skew exceeds 3 degrees by more than its "
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
    rows = [[entry.step, entry.subject, entry.text, entry.removed or ""] for entry in line.journal]
    if not rows:
        return page.paragraph("The data were inverted as they are.")
    return page.table(
        f"Every step, in order; {line.journal.removed()} data were removed, a complex number counting one.",
        ["step", "of", "what and why", "removed"],
        rows,
    )


def _run(page: Page, folder: Path, outcome: Outcome, run: Run) -> Page:
    for text in run.warnings:
        page = page.warning(text)
    page = page.figure(
        folder / "section.png",
        f"Resistivity by {LABELS[run.name]}, nRMS {run.result.nrms:.2f}. Colours fade where a decade more "
        "or less from there downward, as far to both sides as it is deep, would change all data together "
        "by less than 10 standard deviations, and are gone below 3.",
    )
    page = page.figure(
        folder / "uncertainty.png",
        "Standard deviation of the section as far as the regularisation is believed, the width over which "
        "the data let a cell be an average; in white the depth of investigation (3 standard deviations).",
    )
    page = page.figure(folder / "convergence.png", "nRMS, regularisation factor and blur over iterations.")
    page = page.figure(folder / "misfit.png", "nRMS by station, period and component; 1 is the error bar.")
    for name, what in (("pseudosections.png", "TE and TM"), ("tipper.png", "the tipper")):
        if (folder / name).is_file():
            text = f"Observed, predicted, and residual over error, of {what}; grey where there is no datum."
            page = page.figure(folder / name, text)
    head, rows = misfit_table(run.result.data, run.result.predicted)
    page = page.table("nRMS by station and component; above 2 in bold.", head, rows, high=HIGH)
    if run.result.static_shift.any():
        page = page.table(
            "Static shift: decades that the apparent resistivities of a station lie above the section's; "
            "predicted data have it.",
            ["station", "TE", "TM"],
            [
                [name, f"{te:.2f}", f"{tm:.2f}"]
                for name, te, tm in zip(run.result.data.survey.names, *run.result.static_shift, strict=True)
            ],
        )
    curves = sorted(folder.glob("fit_curves_*.png"))
    for k, path in enumerate(curves, 1):
        page = page.figure(
            path,
            f"Observed data with one standard deviation, and predicted curves, page {k} of {len(curves)}.",
        )
    return page
