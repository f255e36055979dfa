"""Rules that remove data of a station, one by one; each is an object to pass, or to leave out.

Call them on stations rotated to strike: a tensor that lost an element cannot be rotated any more.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from ..conventions import MU_0, OFF_DIAGONAL, PARTS
from .journal import Journal
from .phase_tensor import phase_tensor
from .site import Site

Mask = Bool[np.ndarray, "freq 2"]
"""True for what shall go: Zxy, Zyx."""

Rule = Callable[[Site], tuple[Mask, str]]
"""What a rule would remove of a site, and why."""

HALF_DECADE = 0.5


def curves(site: Site) -> tuple[Float[np.ndarray, "freq 2"], Float[np.ndarray, "freq 2"]]:
    r"""log10 of apparent resistivity, and phase in degrees, of Zxy and -Zyx; NaN where missing."""
    z = site.z[:, *OFF_DIAGONAL] * np.array([1.0, -1.0])
    z = np.where(np.abs(z) > 0, z, np.nan)
    omega = 2 * np.pi * site.frequencies[:, None]
    return np.log10(np.abs(z) ** 2 / (omega * MU_0)), np.angle(z, deg=True)


def medians(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " columns"]:
    """Median of each column without its NaN; NaN for a column of nothing else."""
    exists = [column[np.isfinite(column)] for column in values.T]
    return np.array([np.median(column) if column.size else np.nan for column in exists])


def _slopes(
    log_period: Float[np.ndarray, " freq"], log_rho: Float[np.ndarray, " freq"]
) -> Float[np.ndarray, " freq"]:
    """Slope of log rho over log T within a quarter decade each side; NaN with fewer than 3 data."""
    near = np.abs(log_period[:, None] - log_period) <= HALF_DECADE / 2 + 1e-9
    near &= np.isfinite(log_rho)[None, :]
    weight, y = near.astype(float), np.nan_to_num(log_rho)
    count = weight.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (weight @ log_period) / count
        x = log_period[None, :] - centre[:, None]
        slope = (weight * x) @ y / np.sum(weight * x**2, axis=1)
    return np.where(count >= 3, slope, np.nan)


@dataclasses.dataclass(frozen=True)
class RelativeError:
    r"""Errors beyond `limit`: $\sqrt{\mathrm{VAR}}/|Z|$ of each element."""

    limit: float = 0.5

    def __call__(self, site: Site) -> tuple[Mask, str]:
        """What it would remove of `site`, and why."""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.sqrt(2) * site.z_error / np.abs(site.z)
        return relative[:, *OFF_DIAGONAL] > self.limit, f"relative error above {self.limit:g}"


@dataclasses.dataclass(frozen=True)
class PhaseQuadrant:
    """Phases of Zxy, or of -Zyx, outside of 0 to 90 degrees by more than `margin` degrees."""

    margin: float = 5.0

    def __call__(self, site: Site) -> tuple[Mask, str]:
        """What it would remove of `site`, and why."""
        _, phase = curves(site)
        return np.abs(
            phase - 45
        ) > 45 + self.margin, f"phase outside its quadrant by {self.margin:g} degrees"


@dataclasses.dataclass(frozen=True)
class NearField:
    """The near field of a source: rho grows as T, phase below `phase` degrees, over half a decade.

    `tolerance`: how far the slope of log rho over log T may be from 1. For controlled sources: a thin
    conductor over a resistive basement looks the same to natural ones, so it is not among `RULES`.
    """

    phase: float = 10.0
    tolerance: float = 0.25

    def __call__(self, site: Site) -> tuple[Mask, str]:
        """What it would remove of `site`, and why."""
        log_rho, phase = curves(site)
        log_period = -np.log10(site.frequencies)
        mask = np.zeros(phase.shape, dtype=bool)
        for c in range(2):
            slope = _slopes(log_period, log_rho[:, c])
            suspect = (np.abs(phase[:, c]) < self.phase) & (np.abs(slope - 1) < self.tolerance)
            # Runs of suspects without a good datum in between.
            order = np.argsort(log_period)
            order = order[np.isfinite(phase[order, c])]
            runs = np.split(order, np.flatnonzero(np.diff(suspect[order])) + 1)
            for run in runs:
                if run.size and suspect[run[0]] and np.ptp(log_period[run]) > HALF_DECADE:
                    mask[run, c] = True
        return mask, "rho grows as T and the phase vanishes: near field"


@dataclasses.dataclass(frozen=True)
class RhoPhase:
    r"""Phases that differ by more than `limit` degrees from $45(1 - d\log\rho/d\log T)$ (Bostick).

    The formula is approximate: below 15 degrees it rejects good data over strong contrasts.
    """

    limit: float = 20.0

    def __call__(self, site: Site) -> tuple[Mask, str]:
        """What it would remove of `site`, and why."""
        log_rho, phase = curves(site)
        log_period = -np.log10(site.frequencies)
        slope = np.stack([_slopes(log_period, log_rho[:, c]) for c in range(2)], axis=1)
        expected = np.clip(45 * (1 - slope), 0, 90)
        return np.abs(phase - expected) > self.limit, f"phase {self.limit:g} degrees off the slope of rho"


@dataclasses.dataclass(frozen=True)
class Skew:
    r"""Data that ask for a 3-D earth: $|\beta| - k\sigma_\beta$ above `max_beta` degrees."""

    max_beta: float = 5.0
    deviations: float = 1.0

    def __call__(self, site: Site) -> tuple[Mask, str]:
        """What it would remove of `site`, and why."""
        tensor = phase_tensor(site)
        skewed = np.abs(tensor.beta) - self.deviations * np.nan_to_num(tensor.beta_error) > self.max_beta
        return np.repeat(skewed[:, None], 2, axis=1), f"phase tensor skew above {self.max_beta:g} degrees"


RULES: tuple[Rule, ...] = (Skew(), RelativeError(), PhaseQuadrant(), RhoPhase())
"""The rules for natural sources, in the order of the work: the skew first, for it needs whole tensors."""

GEOLOGY: tuple[Rule, ...] = (Skew(),)
"""Rules that describe the earth and not the data: by default what they name is shown, and stays."""

DOUBTS: tuple[Rule, ...] = (RelativeError(), PhaseQuadrant(), RhoPhase())
"""Rules that describe the data: by default what they name goes where it is little, else it is marked."""

LITTLE = 0.1
"""Share of the data of a station that a rule may take without being asked to."""

ENLARGEMENT = 3.0
"""Factor on the errors of data that are doubted and not removed."""


def screen(
    sites: Sequence[Site], rules: Sequence[Rule] = RULES, *, most: float = 1.0
) -> tuple[list[Site], Journal]:
    """The sites without the data that the rules remove, and what each rule removed and why.

    - `rules`: applied in order to what is left; leave one out to switch it off.
    - `most`: share of the data of a station, 0 to 1, that a rule may take; where it names more, these data
      stay and are marked in the journal.

    Errors and covariances stay. A journal has an entry for each rule and site with data that it names.
    """
    journal = Journal()
    screened = []
    for site in sites:
        left = site
        for rule in rules:
            named, reason = _named(rule, left)
            count, before = int(named.sum()), np.isfinite(left.z[:, *OFF_DIAGONAL]).sum()
            if not count:
                continue
            stays = count > most * before
            text = f"{reason}; {_which(left, named)}{'; doubtful, and kept' if stays else ''}"
            taken, marked = (0, PARTS * count) if stays else (PARTS * count, 0)
            journal = journal.note(title(rule), site.name, text, taken, marked)
            if not stays:
                z = left.z.copy()
                z[:, *OFF_DIAGONAL] = np.where(named, np.nan, z[:, *OFF_DIAGONAL])
                left = dataclasses.replace(left, z=z)
        screened.append(left)
    return screened, journal


def enlarge(
    sites: Sequence[Site], judged: Sequence[Site], rules: Sequence[Rule], factor: float = ENLARGEMENT
) -> tuple[list[Site], Journal]:
    """The sites with `factor` times the errors of the data that the rules name, and a journal of them.

    - `judged`: the same sites as the rules shall see them.
    """
    journal = Journal()
    enlarged = []
    for site, seen in zip(sites, judged, strict=True):
        error = site.z_error.copy()
        for rule in rules:
            named, reason = _named(rule, seen)
            if named.any():
                error[:, *OFF_DIAGONAL] *= np.where(named, factor, 1.0)
                text = f"{reason}; {_which(seen, named)}; errors {factor:g} times as large"
                journal = journal.note(
                    f"enlarged {title(rule)}", site.name, text, 0, PARTS * int(named.sum())
                )
        enlarged.append(dataclasses.replace(site, z_error=error))
    return enlarged, journal


def _named(rule: Rule, site: Site) -> tuple[Mask, str]:
    """Which of the data that exist a rule names, and why."""
    mask, reason = rule(site)
    return mask & np.isfinite(site.z[:, *OFF_DIAGONAL]), reason


def _which(site: Site, named: Mask) -> str:
    """How many of which elements, and at which frequencies, in words."""
    at = site.frequencies[named.any(axis=1)]
    total = np.isfinite(site.z[:, *OFF_DIAGONAL]).sum()
    counts = f"{named[:, 0].sum()} Zxy and {named[:, 1].sum()} Zyx of {total} impedances"
    return f"{counts}, {at.min():.4g} to {at.max():.4g} Hz"


def title(rule: Rule) -> str:
    """The class name of a rule in words, its step in a journal: `RelativeError()` is "relative error"."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in type(rule).__name__).strip()
