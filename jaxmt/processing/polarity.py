r"""Channels connected the wrong way round: found by quadrants, told apart by phase tensors, and mended.

With $e^{+i\omega t}$ Zxy lies in the first quadrant and Zyx in the third. An electric channel of the wrong
sign changes a row of Z and leaves the phase tensor as it was; a magnetic one changes a column and its part
of the tipper, and reflects the phase tensor; a program that writes Zyx in the first quadrant changes that
element alone, which makes skew of a 2-D earth.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from .journal import Journal
from .phase_tensor import phase_tensor
from .positions import natural, positions
from .rotation import rotation_matrix
from .screening import HALF_DECADE, curves
from .site import Site

SIGNS = ("mend", "keep")
"""What to do with channels of the wrong sign."""

NEARLY_ALL, LEAST = 0.9, 4
"""Share of the known frequencies at which a sign must be wrong, and how many there must be."""

NEIGHBOURS = 4
"""Stations with right signs that another one is compared with."""

CLEAR_SHARE, CLEAR_RATIO = 0.8, 2.0
"""One sign beats another: closer at this share of the frequencies, and by this factor in the median."""

SKEW_SHARE, SKEW_RATIO, SKEW_MOST = 0.9, 3.0, 5.0
"""The same for less skew of one station, and the degrees it may be: no evidence over a 3-D earth."""

POOLED_SHARE, POOLED_RATIO, POOLED_LEAST = 0.65, 1.5, 5
"""The same for the tensors of a survey whose stations, so many at least, share the same wrong sign."""

TIPPER_CLEAR = 0.5
"""Correlation of a tipper with its neighbours' that says which way it points."""


@dataclasses.dataclass(frozen=True)
class Flip:
    """What to multiply by -1: `name` says it; `z`, `tipper`: the factors of the elements."""

    name: str
    z: tuple[tuple[int, int], tuple[int, int]]
    tipper: tuple[int, int] = (1, 1)

    def __call__(self, site: Site) -> Site:
        """The site with the signs changed, those of its covariances with them."""
        z, t = np.array(self.z), np.array(self.tipper)
        of_z, of_tipper = site.z_covariance, site.tipper_covariance
        return dataclasses.replace(
            site,
            z=site.z * z,
            tipper=site.tipper * t,
            z_covariance=None if of_z is None else of_z * np.einsum("ij,kl->ijkl", z, z),
            tipper_covariance=None if of_tipper is None else of_tipper * np.outer(t, t),
        )


FLIPS: dict[tuple[bool, bool], tuple[Flip, ...]] = {
    (True, False): (
        Flip("channel Ex (Zxx, Zxy)", ((-1, -1), (1, 1))),
        Flip("channel Hy (Zxy, Zyy, Ty)", ((1, -1), (1, -1)), (1, -1)),
        Flip("Zxy alone", ((1, -1), (1, 1))),
    ),
    (False, True): (
        Flip("channel Ey (Zyx, Zyy)", ((1, 1), (-1, -1))),
        Flip("channel Hx (Zxx, Zyx, Tx)", ((-1, 1), (-1, 1)), (-1, 1)),
        Flip("Zyx alone", ((1, 1), (-1, 1))),
    ),
    (True, True): (
        Flip("channels Ex and Ey (all of Z)", ((-1, -1), (-1, -1))),
        Flip("channels Hx and Hy (all of Z and of the tipper)", ((-1, -1), (-1, -1)), (-1, -1)),
        Flip("channels Ex and Hx (Zxy, Zyx, Tx)", ((1, -1), (-1, 1)), (-1, 1)),
        Flip("channels Ey and Hy (Zxy, Zyx, Ty)", ((1, -1), (-1, 1)), (1, -1)),
    ),
}
"""What puts Zxy, Zyx or both out of their quadrants: electric channels first, by far the most frequent."""

ALONE = ("Zxy alone", "Zyx alone")
QUADRANTS = ("Zxy in the third quadrant", "Zyx in the first quadrant")


def _wrong(site: Site) -> tuple[Int[np.ndarray, " 2"], Int[np.ndarray, " 2"]]:
    """At how many frequencies Zxy and Zyx have the wrong sign, and how many are known."""
    phase = curves(site)[1]
    known = np.isfinite(phase)
    return (known & (np.abs((phase - 45 + 180) % 360 - 180) > 90)).sum(axis=0), known.sum(axis=0)


def _places(sites: Sequence[Site]) -> Float[np.ndarray, "site 2"]:
    """Positions, m; the natural order of the names (S2 before S10) where they are unknown."""
    place = positions(sites)
    known = np.isfinite(place).all(axis=1)
    if known.sum() > 1 and np.ptp(place[known], axis=0).max() > 1:
        return place
    rank = np.empty(len(sites))
    rank[sorted(range(len(sites)), key=lambda k: natural(sites[k].name))] = np.arange(len(sites))
    return np.stack([rank, np.zeros(len(sites))], axis=1)


def _at(site: Site, other: Site) -> tuple[Int[np.ndarray, " freq"], Bool[np.ndarray, " freq"]]:
    """For each frequency of `site` the nearest one of `other`, and whether it is within half a decade."""
    gap = np.abs(np.log10(site.frequencies[:, None] / other.frequencies))
    return gap.argmin(axis=1), gap.min(axis=1) < HALF_DECADE


def _tensors_beside(site: Site, near: Sequence[Site]) -> Float[np.ndarray, "freq 2 2"]:
    """The mean phase tensor of the neighbours, at the frequencies and in the axes of a site."""
    total = np.zeros((site.frequencies.size, 2, 2))
    count = np.zeros((site.frequencies.size, 1, 1))
    for other in near:
        k, close = _at(site, other)
        r = rotation_matrix(site.azimuth - other.azimuth[k])
        turned = np.einsum("fij,fjk,flk->fil", r, phase_tensor(other).tensor[k], r)
        good = (close & np.isfinite(turned).all(axis=(1, 2)))[:, None, None]
        total, count = total + np.where(good, turned, 0.0), count + good
    with np.errstate(invalid="ignore"):
        return total / np.where(count > 0, count, np.nan)


def _correlation(site: Site, near: Sequence[Site]) -> Float[np.ndarray, " 2"]:
    """How Tx and Ty of a site agree with its neighbours', -1 to 1; NaN where unknown."""
    with_both, size = np.zeros(2), np.zeros((2, 2))
    for other in near:
        k, close = _at(site, other)
        r = rotation_matrix(site.azimuth - other.azimuth[k])
        turned = np.einsum("fij,fj->fi", r, other.tipper[k])
        good = close[:, None] & np.isfinite(turned) & np.isfinite(site.tipper)
        mine, its = np.where(good, site.tipper, 0.0), np.where(good, turned, 0.0)
        with_both += np.real(mine * its.conj()).sum(axis=0)
        size += np.stack([np.abs(mine) ** 2, np.abs(its) ** 2]).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return with_both / np.sqrt(size[0] * size[1])


def _beats(
    one: Float[np.ndarray, " freq"], other: Float[np.ndarray, " freq"], share: float, ratio: float
) -> bool:
    """True if the distances `one` are clearly smaller than `other`."""
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    if one.size < LEAST or not np.mean(one < other) >= share:
        return False
    return bool(np.median(other) > ratio * np.median(one))


def _by_neighbours(
    site: Site, flips: Sequence[Flip], near: Sequence[Site]
) -> tuple[list[Flip], str, list[Flip]]:
    """The flips that the neighbours leave, what told them apart, and those that the tippers alone oppose.

    Over a conductor tippers turn round by themselves. So they choose between the flips that the phase
    tensors leave, and where the tensors do not tell any apart, all are left.
    """
    names = ", ".join(other.name for other in near)
    beside = _tensors_beside(site, near)
    far = [np.linalg.norm(phase_tensor(flip(site)).tensor - beside, axis=(1, 2)) for flip in flips]

    def beaten(k: int) -> bool:
        return any(_beats(far[j], far[k], CLEAR_SHARE, CLEAR_RATIO) for j in range(len(flips)))

    left = [flip for k, flip in enumerate(flips) if not beaten(k)]
    agreement = _correlation(site, near)
    opposed = [flip for flip in left if np.any(agreement * flip.tipper < -TIPPER_CLEAR)]
    if len(left) == len(flips):
        return left, f"tippers of {names}" if opposed else "", opposed
    # The tensors alone suffice for an electric channel, whose sign the tipper does not have.
    if not opposed or left == [flips[0]]:
        return left, f"phase tensors of {names}", []
    left = [flip for flip in left if flip not in opposed]
    return left, f"phase tensors of {names} and tippers of {names}", []


def _by_skew(sites: Sequence[Site], flips: Sequence[Flip], share: float, ratio: float, most: float) -> str:
    """Why an element alone is wrong, by the skew that it leaves; "" if the skew does not say so."""
    if flips[-1].name not in ALONE:
        return ""
    row, alone = (
        np.concatenate([np.abs(phase_tensor(flip(site)).beta) for site in sites])
        for flip in (flips[0], flips[-1])
    )
    if not _beats(alone, row, share, ratio) or np.nanmedian(alone) > most:
        return ""
    return f"it leaves a skew of {np.nanmedian(alone):.1f} degrees, a channel {np.nanmedian(row):.1f}"


def _judge(site: Site, flips: Sequence[Flip], near: Sequence[Site], shared: str) -> tuple[Flip | None, str]:
    """Which flip it is, if that is clear, and the evidence.

    - `near`: neighbours with the right signs; `shared`: why it is one element alone at all stations.
    """
    alone = shared or _by_skew([site], flips, SKEW_SHARE, SKEW_RATIO, SKEW_MOST)
    if not near:
        if alone:
            return flips[-1], alone
        return flips[0], "electric channel: the phase tensor stays as it was; no neighbour to compare"
    left, told, opposed = _by_neighbours(site, flips, near)
    if not left:
        return None, f"{told} contradict each other"
    if alone:
        return (flips[-1], alone) if flips[-1] in left else (None, f"{told} against it, though {alone}")
    if flips[0] in opposed:
        return None, f"{told} alone speak against {flips[0].name}, phase tensors do not tell"
    if flips[0] in left:
        return flips[0], "electric channel: the phase tensor stays as it was"
    if len(left) > 1:
        return None, f"{told} leave {' or '.join(flip.name for flip in left)}"
    return left[0], f"agrees with the {told}"


def correct_polarity(sites: Sequence[Site], signs: str = "mend") -> tuple[list[Site], Journal]:
    r"""The stations with channels of the wrong sign mended where the evidence is clear, and the record.

    - `signs`: "mend", or "keep", which only says what was found.

    The sign of Zxy or Zyx is wrong if it lies nearer to the opposite quadrant at 90 % of its frequencies,
    4 at least. It is the electric channel then, whose row is multiplied by -1, unless the phase tensors of
    the nearest stations with right signs (nearest by name where positions are unknown) or the skew speak
    for the magnetic channel (a column, and its part of the tipper) or for the element alone. Tippers of
    these stations choose between what the phase tensors leave. Evidence that does not settle it, tippers
    alone that speak against the electric channel, or a sign that is wrong at half to 90 % of the
    frequencies, is marked as doubtful, and nothing is changed.
    """
    if signs not in SIGNS:
        raise ValueError(f"`correct_polarity(signs=...)` must be one of {', '.join(SIGNS)}. Got {signs!r}.")
    counts = [_wrong(site) for site in sites]
    states = [(n >= LEAST) & (w >= NEARLY_ALL * n) for w, n in counts]
    doubtful = [(w > 0) & (2 * w >= n) & ~state for (w, n), state in zip(counts, states, strict=True)]
    sound = [k for k, state in enumerate(states) if not state.any() and not doubtful[k].any()]
    place = _places(sites)
    shared = _of_all(sites, states)
    out: list[Site] = []
    lines: list[tuple[str, str, str]] = []
    for k, site in enumerate(sites):
        (wrong, known), state = counts[k], states[k]

        def at(which: Bool[np.ndarray, " 2"], w: Int[np.ndarray, " 2"] = wrong, n=known) -> str:
            named = [f"{QUADRANTS[c]} at {w[c]} of {n[c]} frequencies" for c in np.flatnonzero(which)]
            return ", ".join(named)

        if state.any():
            distance = np.hypot(*(place - place[k]).T)
            order = [j for j in np.argsort(distance, kind="stable") if j in sound and distance[j] >= 0]
            near = [sites[j] for j in order[:NEIGHBOURS]]
            flip, why = _judge(site, FLIPS[bool(state[0]), bool(state[1])], near, shared)
            if signs == "keep":
                lines.append((site.name, "left as it is, as asked", at(state)))
            elif flip is None:
                lines.append((site.name, "doubtful, not changed", f"{at(state)}; {why}"))
            else:
                site = flip(site)
                lines.append((site.name, f"{flip.name} multiplied by -1", f"{at(state)}; {why}"))
        if doubtful[k].any():
            lines.append((site.name, "doubtful, not changed", at(doubtful[k])))
        out.append(site)
    return out, _record(lines, len(sites))


def _of_all(sites: Sequence[Site], states: Sequence[Bool[np.ndarray, " 2"]]) -> str:
    """Why one element alone is wrong at all stations, "" if it is not, or not at all of them."""
    kinds = {(bool(state[0]), bool(state[1])) for state in states}
    if len(kinds) != 1 or len(sites) < POOLED_LEAST or not any(next(iter(kinds))):
        return ""
    return _by_skew(sites, FLIPS[next(iter(kinds))], POOLED_SHARE, POOLED_RATIO, np.inf)


def _record(lines: Sequence[tuple[str, str, str]], count: int) -> Journal:
    """A line for each station, one where all share what was done, and one with the way to leave it."""
    journal = Journal()
    deeds = {deed for _, deed, _ in lines}
    if len(lines) == count > 2 and len(deeds) == 1:
        text = f"{next(iter(deeds))} at all {count} stations; the first: {lines[0][2]}"
        journal = journal.note("sign", "all", text)
    else:
        for name, deed, why in lines:
            journal = journal.note("sign", name, f"{deed}: {why}")
    mended = sum("multiplied" in deed for _, deed, _ in lines)
    if mended:
        text = f"{mended} of {count} stations mended; `signs='keep'` (--signs keep) leaves them as they are"
        journal = journal.note("sign", "all", text)
    return journal
