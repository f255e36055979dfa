"""A trained predictor: data of one survey to a picture of the ground below it; and its file."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

import jaxmt
from jaxmt.atomic import atomic_path
from jaxmt.conventions import IMPEDANCE
from jaxmt.fingerprint import fingerprint

from .decoder import SINGLE, Decoder
from .layout import Layout
from .ridge import Linear

FORMAT = 1
MARGIN = 1.01
"""Factor that a starting section keeps from the bounds of `Cells`."""


class InvLINT(eqx.Module):
    """Data to kernel integrals by a linear map, to a picture by a decoder.

    - `scale`: standard deviation of the integrals over the training models, by which they are divided.
    """

    encoder: Linear
    scale: Float[Array | np.ndarray, ""]
    decoder: Decoder

    def encode(self, data: Float[Array, "*model channel"]) -> Float[Array, "*model kernel"]:
        """What the decoder sees: integrals of order one, in single precision."""
        return ((self.encoder(data) - self.encoder.offset) / self.scale).astype(SINGLE)

    def __call__(self, data: Float[Array, " channel"]) -> Float[Array, "row column"]:
        """The picture, decades of ohm m."""
        return self.decoder(self.encode(data))

    @property
    def parameters(self) -> int:
        """Numbers in encoder and decoder."""
        return self.encoder.parameters + parameters(self.decoder)

    @property
    def flops(self) -> int:
        """Of one picture."""
        return self.encoder.flops + self.decoder.flops


def parameters(network: eqx.Module) -> int:
    """Numbers of a network; its arrays may be mere shapes."""
    arrays = eqx.filter(network, lambda leaf: isinstance(leaf, jax.Array | jax.ShapeDtypeStruct))
    return sum(leaf.size for leaf in jax.tree.leaves(arrays))


@dataclasses.dataclass(frozen=True)
class Predictor:
    """What was learned for a layout.

    - `mask`: True where the data have a datum; the channels are these, in order.
    - `low`, `high`: of each channel over the training models; data beyond them are moved to them.
    - `to_pixels`: the ridge map to the pixels, `network` InvLINT.
    """

    layout: Layout
    mask: Bool[np.ndarray, "4 freq site"]
    low: Float[np.ndarray, " channel"]
    high: Float[np.ndarray, " channel"]
    to_pixels: Linear
    network: InvLINT

    def channels(self, data: jaxmt.Data) -> Float[np.ndarray, " channel"]:
        """The data as the networks take them. Raises `ValueError` for those of another survey."""
        check(facts(self.layout.survey, self.mask), facts(data.survey, data.mask[list(IMPEDANCE)]))
        return np.clip(data.values[list(IMPEDANCE)][self.mask], self.low, self.high)

    def strange(self, data: jaxmt.Data) -> float:
        """The share of the data that lie beyond all training models."""
        given = data.values[list(IMPEDANCE)][self.mask]
        return float(np.mean(self.channels(data) != given))

    def picture(self, data: jaxmt.Data, by: str = "InvLINT") -> Float[np.ndarray, "row column"]:
        """Decades of ohm m, within the range of the training models; `by` "InvLINT" or "ridge"."""
        channels = jnp.asarray(self.channels(data))
        found = self.network(channels) if by == "InvLINT" else self.to_pixels(channels)
        return np.clip(np.asarray(found, dtype=float).reshape(self.layout.shape), *self.layout.range)

    def start(
        self, data: jaxmt.Data, mesh: jaxmt.Mesh, by: str = "InvLINT", earth: jaxmt.Cells | None = None
    ) -> Float[np.ndarray, "earth y"]:
        """The picture on a mesh, ohm m, within the bounds of `earth`: a start for `jaxmt.invert`."""
        earth = jaxmt.Cells(mesh) if earth is None else earth
        section = self.layout.section(self.picture(data, by), mesh)
        return np.clip(section, MARGIN * earth.low, earth.high / MARGIN)


Facts = dict[str, Any]


def facts(survey: jaxmt.Survey, mask: Bool[np.ndarray, "4 freq site"]) -> Facts:
    """What data must share with those that a predictor was trained for, in words and as a digest."""
    f, y = survey.frequencies, survey.stations
    said = (
        f"{y.size} stations from {y.min():g} to {y.max():g} m, {f.size} frequencies from {f.max():g} to "
        f"{f.min():g} Hz, {np.count_nonzero(mask)} data"
    )
    return {"survey": said, "digest": fingerprint((f, y, survey.depths, survey.modes, mask))}


def check(trained: Facts, given: Facts) -> None:
    """Raises `ValueError` unless both are the same."""
    if trained["digest"] != given["digest"]:
        raise ValueError(
            f"The predictor was trained for another survey: {trained['survey']}. These data have "
            f"{given['survey']}; positions, frequencies and missing data must all be the same. Train a "
            "predictor for them."
        )


def save(path: Path, predictor: Predictor) -> None:
    """Writes a line of JSON that describes the survey and the sizes, and the arrays after it."""
    layout, decoder = predictor.layout, predictor.network.decoder
    header = {
        "format": FORMAT,
        **facts(layout.survey, predictor.mask),
        "y_edges": layout.y_edges.tolist(),
        "z_edges": layout.z_edges.tolist(),
        "resistivity": layout.resistivity,
        "kernels": decoder.spread.in_features,
        "width": decoder.paint.in_features,
        "patch": decoder.patch,
        "overlap": decoder.overlap,
    }
    arrays = predictor.low, predictor.high, predictor.to_pixels, predictor.network
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        eqx.tree_serialise_leaves(file, arrays)


def load(path: Path, data: jaxmt.Data, mesh: jaxmt.Mesh) -> Predictor:
    """The predictor in a file, for data of the survey that it was trained for.

    - `mesh`: what the layout shall carry; predicted sections can be put on any.

    Raises `ValueError` for another survey and for a file that is damaged, none of a predictor or not there.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path} to load a predictor from; train one first.")
    content = io.BytesIO(path.read_bytes())
    try:
        header = json.loads(content.readline())
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']}, not {FORMAT}")
        edges = np.array(header["y_edges"]), np.array(header["z_edges"])
        described = header["survey"], header["digest"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no predictor ({error}). Give the file that a run left.") from None
    mask = data.mask[list(IMPEDANCE)]
    check(dict(zip(("survey", "digest"), described, strict=True)), facts(data.survey, mask))
    layout = Layout(data.survey, mesh, *edges, header["resistivity"])
    try:
        arrays = eqx.tree_deserialise_leaves(content, _empty(layout, int(mask.sum()), header))
    except (RuntimeError, ValueError, EOFError) as error:
        raise ValueError(
            f"The predictor {path} is damaged or cut short ({error}). Train it again."
        ) from None
    return Predictor(layout, mask, *arrays)


def _empty(layout: Layout, channels: int, header: Facts) -> Any:
    """Arrays of the right shapes."""

    def linear(outputs: int) -> Linear:
        zeros = [np.zeros(n) for n in (channels, channels, (channels, outputs), outputs)]
        return Linear(*zeros)

    decoder = Decoder(
        header["kernels"],
        layout.shape,
        layout.range,
        width=header["width"],
        patch=header["patch"],
        overlap=header["overlap"],
        key=jax.random.key(0),
    )
    network = InvLINT(linear(header["kernels"]), np.zeros(()), decoder)
    bounds = np.zeros(channels), np.zeros(channels)
    return *bounds, linear(int(np.prod(layout.shape))), network
