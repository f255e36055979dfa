"""Which stations of a plane stand in a row: smooth curves with few stations beside them."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

LEAST = 3
"""Stations that make a row."""

SAME = 0.05
"""Stations closer than this part of the spacing stand at one place."""

WIDEST_GAP = 8.0
"""Spacings; a wider gap parts a row in two."""

SCATTER, FARTHEST, SLENDER, WINDING = 0.5, 2.0, 0.12, 1.3
"""What a row may have at most: rms and largest offset from its curve in spacings, largest offset in
lengths, way from station to station in lengths of the curve."""

LOOSER = 2.0
"""How many times farther off its curve, and apart, stations may be that are named alike."""

CORRIDORS = (0.15, 0.3, 0.6, 1.2)
"""Half widths of the corridors that are tried, in spacings of the survey."""

TRIED = 60
"""Corridors of a width that are looked at more closely, those with most stations."""

NEAREST = 300
"""Places beyond which each is paired with its nearest alone."""

Places = Float[np.ndarray, "place 2"]
Members = Int[np.ndarray, " _"]


@dataclasses.dataclass(frozen=True)
class Row:
    """Places in a row.

    - `members`: indices in the order along it. `spacing`: m, median step along it.
    - `offset`: m, rms distance from a parabola along the row, a straight line for fewer than six.
    - `azimuth`: degrees clockwise from north, -10 to 170, of the line of least squares.
    - `fits`: whether gaps, offsets and way are within what a row may have.
    """

    members: Members
    spacing: float
    offset: float
    azimuth: float
    fits: bool

    @property
    def score(self) -> float:
        """Its stations, each counting less the farther they scatter about the curve."""
        return self.members.size * (1 - 2 * (self.offset / self.spacing) ** 2)

    @property
    def rank(self) -> tuple[float, tuple[int, ...]]:
        """Score, rounded so that equals are equal, and then the first in the order of places."""
        return round(self.score, 6), tuple((-self.members).tolist())


def tree(place: Places) -> tuple[Int[np.ndarray, "edge 2"], Float[np.ndarray, " edge"]]:
    """Edges and their lengths, m, of the minimum spanning tree (Prim 1957)."""
    count = len(place)
    nearest, distance = np.zeros(count, dtype=int), np.full(count, np.inf)
    inside, last = np.zeros(count, dtype=bool), 0
    edges, lengths = np.zeros((max(count - 1, 0), 2), dtype=int), np.zeros(max(count - 1, 0))
    for edge in range(count - 1):
        inside[last] = True
        step = np.hypot(*(place - place[last]).T)
        nearest = np.where(step < distance, last, nearest)
        distance = np.minimum(step, distance)
        last = int(np.argmin(np.where(inside, np.inf, distance)))
        edges[edge], lengths[edge] = (nearest[last], last), distance[last]
    return edges, lengths


def median_step(step: Float[np.ndarray, " step"]) -> float:
    """Median of the steps, m, between places; those below `SAME` of the longer ones are none.

    NaN if all are zero.
    """
    apart = step[step > SAME * np.quantile(step, 0.75)]
    return float(np.median(apart)) if apart.size else np.nan


def spacing_of(place: Places) -> float:
    """Median step between neighbouring places, m."""
    _, length = tree(place)
    return median_step(length)


def merged(place: Places) -> Int[np.ndarray, " place"]:
    """For each station the first one at its place."""
    if len(place) < 2:
        return np.arange(len(place))
    edges, length = tree(place)
    same = length <= SAME * np.quantile(length, 0.75)
    return _joined(len(place), edges[same])


def _joined(count: int, edges: Int[np.ndarray, "edge 2"]) -> Int[np.ndarray, " place"]:
    """For each of `count` places the first one that edges join it to."""
    first = np.arange(count)
    for a, b in edges.tolist():
        low, high = sorted((first[a], first[b]))
        first[first == high] = low
    return first


def frame(place: Places) -> tuple[Float[np.ndarray, " place"], Float[np.ndarray, " place"]]:
    """Coordinates along and across the line of least squared distances, m."""
    centred = place - place.mean(axis=0)
    along, across = np.linalg.svd(centred, full_matrices=False)[2]
    return centred @ along, centred @ across


def azimuth(place: Places) -> float:
    """Direction of the line of least squared distances, degrees clockwise from north, -10 to 170."""
    north, east = np.linalg.svd(place - place.mean(axis=0), full_matrices=False)[2][0]
    return float((np.rad2deg(np.arctan2(east, north)) + 10) % 180 - 10)


def between(one: float, other: float) -> float:
    """Angle between two lines of azimuths in degrees, 0 to 90."""
    return abs((one - other + 90) % 180 - 90)


def row(place: Places, members: Members, looser: float = 1.0) -> Row | None:
    """The places as a row, whether they fit or not; None for fewer than three, or a single point.

    - `looser`: what multiplies the offsets and gaps that a row may have.
    """
    if members.size < LEAST:
        return None
    t, n = frame(place[members])
    order = np.lexsort((members, t))
    # One end is the first, whichever way the axis points.
    order = order if members[order[0]] < members[order[-1]] else order[::-1]
    members, t, n = members[order], t[order], n[order]
    length, step = float(np.ptp(t)), np.abs(np.diff(t))
    spacing = float(np.median(step))
    if spacing <= 1e-9 * length or not length:
        return None
    curve = np.polynomial.Polynomial.fit(t, n, 2 if t.size >= 6 else 1)(t)
    off = n - curve
    offset = float(np.sqrt(np.mean(off**2)))
    way = np.hypot(np.diff(t), np.diff(n)).sum() / np.hypot(np.diff(t), np.diff(curve)).sum()
    fits = (
        step.max() <= looser * WIDEST_GAP * spacing
        and offset <= looser * SCATTER * spacing
        and np.abs(off).max() <= looser * min(FARTHEST * spacing, SLENDER * length)
        and way <= WINDING
    )
    return Row(members, spacing, offset, azimuth(place[members]), bool(fits))


def _corridors(place: Places, away: float | None) -> Iterator[tuple[float, Members]]:
    """Half widths and places of the fullest corridors through two places each, 45 degrees `away`."""
    count, spacing = len(place), spacing_of(place)
    widths = spacing * np.array(CORRIDORS)
    found: list[list[tuple[int, float, int, int]]] = [[] for _ in widths]
    for i in range(count - 1):
        step = place - place[i]
        others = np.arange(i + 1, count)
        if count > NEAREST:
            others = others[np.argsort(np.hypot(*step[others].T), kind="stable")[:NEAREST]]
        if away is not None:
            # Twice the angle is the same for both directions of a line.
            north, east = step[others].T
            turn = np.cos(2 * (np.arctan2(east, north) - np.deg2rad(away)))
            others = others[turn < 0]
        if not others.size:
            continue
        direction = step[others] / np.maximum(np.hypot(*step[others].T), 1e-12)[:, None]
        across = np.abs(direction[:, :1] * step[:, 1] - direction[:, 1:] * step[:, 0])
        for k, width in enumerate(widths):
            inside = across <= width
            number = inside.sum(axis=1)
            scatter = np.round((across**2 * inside).sum(axis=1) / number / spacing**2, 9)
            best = np.lexsort((scatter, -number))[:TRIED]
            found[k] += [(-int(number[b]), float(scatter[b]), i, int(others[b])) for b in best]
            found[k] = sorted(found[k])[:TRIED]
    for width, pairs in zip(widths, found, strict=True):
        for _, _, i, j in pairs:
            step = place - place[i]
            direction = step[j] / max(float(np.hypot(*step[j])), 1e-12)
            across = np.abs(direction[0] * step[:, 1] - direction[1] * step[:, 0])
            yield float(width), np.flatnonzero(across <= width)


def _parted(place: Places, members: Members) -> Members:
    """The largest part of a row between its gaps."""
    t, _ = frame(place[members])
    order = np.argsort(t, kind="stable")
    step = np.diff(t[order])
    parts = np.split(order, np.flatnonzero(step > WIDEST_GAP * np.median(step)) + 1)
    return members[np.sort(max(parts, key=len))]


def _grown(place: Places, members: Members, width: float) -> Members:
    """The places within `width` of the curve through a row, and within two spacings of its ends."""
    centre = place[members].mean(axis=0)
    axes = np.linalg.svd(place[members] - centre, full_matrices=False)[2]
    t, n = ((place - centre) @ axes.T).T
    own = t[members]
    curve = np.polynomial.Polynomial.fit(own, n[members], 2 if own.size >= 6 else 1)
    reach = 2 * float(np.median(np.sort(own)[1:] - np.sort(own)[:-1]))
    near = (t >= own.min() - reach) & (t <= own.max() + reach) & (np.abs(n - curve(t)) <= width)
    return np.flatnonzero(near)


def _candidates(place: Places, away: float | None) -> Iterator[Row]:
    """Rows that fit: parts of the tree between long edges, and corridors."""
    everything = np.arange(len(place))
    edges, length = tree(place)
    seen: set[bytes] = set()
    proposals: list[tuple[float, Members]] = []
    for factor in (np.inf, WIDEST_GAP, 4.0, 2.0):
        first = _joined(len(place), edges[length <= factor * np.median(length)])
        proposals += [(0.0, everything[first == k]) for k in np.unique(first)]
    for width, members in (*proposals, *_corridors(place, away)):
        for _ in range(3):
            if members.size < LEAST or members.tobytes() in seen:
                break
            seen.add(members.tobytes())
            members = _parted(place, members)
            found = row(place, members)
            if found is not None and found.fits:
                yield found
            if not width or found is None:
                break
            members = _grown(place, members, width)


def rows(place: Places, away: float | None = None) -> list[Row]:
    """Rows that share no place, the best first, each taken from what those before it left.

    - `away`: degrees; rows within 45 degrees of this azimuth do not count. By default all do.
    """
    rest = np.arange(len(place))
    found: list[Row] = []
    while rest.size >= LEAST:
        fitting = _candidates(place[rest], away)
        if away is not None:
            fitting = (r for r in fitting if between(r.azimuth, away) > 45)
        best = max(fitting, key=lambda r: r.rank, default=None)
        if best is None:
            break
        found.append(dataclasses.replace(best, members=rest[best.members]))
        rest = np.setdiff1d(rest, found[-1].members)
    few = [r for r in found if r.members.size <= LEAST]
    return _joining(place, [r for r in found if r.members.size > LEAST], few, rest)


def _joining(place: Places, found: list[Row], few: list[Row], rest: Members) -> list[Row]:
    """The rows with the stations that fit in after all, those of rows of three among them."""
    for k in np.sort(np.concatenate([rest, *(r.members for r in few)])).tolist():
        wider = [row(place, np.append(r.members, k)) for r in found]
        fitting = [(w.offset / w.spacing, n, w) for n, w in enumerate(wider) if w is not None and w.fits]
        if fitting:
            _, n, joined = min(fitting, key=lambda f: f[:2])
            found[n] = joined
    taken = {k for r in found for k in r.members.tolist()}
    return found + [r for r in few if not taken & set(r.members.tolist())]
