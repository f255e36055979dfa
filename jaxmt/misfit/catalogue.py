"""The misfits by name, as the command line and the files of settings give them."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .abstract import AbstractMisfit
from .cloud import CloudTransport
from .component import ComponentTransport
from .graph_space import GraphSpaceTransport
from .hand_over import HandOver
from .paired import PairedClouds
from .pointwise import Huber, LeastSquares, Student


@dataclasses.dataclass(frozen=True)
class Named:
    """A misfit that has a name.

    - `label`: for figures and tables.
    - `make`: builds it from settings by keyword; without any it has its defaults.
    - `settings`: the class whose fields the settings are.
    """

    label: str
    make: Callable[..., AbstractMisfit]
    settings: type[AbstractMisfit]


def _components(**settings: Any) -> ComponentTransport:
    return ComponentTransport(CloudTransport(**settings))


def _paired(**settings: Any) -> PairedClouds:
    return PairedClouds(CloudTransport(**settings))


def _cloud_then_least_squares(**settings: Any) -> HandOver:
    return HandOver(CloudTransport(**settings), LeastSquares())


MISFITS: dict[str, Named] = {
    "cloud": Named("6-D transport", CloudTransport, CloudTransport),
    "components": Named("3-D transport", _components, CloudTransport),
    "graph": Named("graph-space transport", GraphSpaceTransport, GraphSpaceTransport),
    "l2": Named("least squares", LeastSquares, LeastSquares),
    "huber": Named("Huber", Huber, Huber),
    "student": Named("Student's t", Student, Student),
    "sliding": Named("6-D transport along frequency", CloudTransport.sliding, CloudTransport),
    "paired": Named("weights of 6-D, no transport", _paired, CloudTransport),
    "cloud-l2": Named("6-D transport, then least squares", _cloud_then_least_squares, CloudTransport),
}
"""All misfits that have a name. All clouds take the settings of `CloudTransport`."""


def named(name: str, **settings: Any) -> AbstractMisfit:
    """The misfit of a name, with settings in the place of its defaults.

    Raises `ValueError` for an unknown name or setting, naming the nearest right one, and for a setting of
    the wrong type or beyond its range.
    """
    if name not in MISFITS:
        raise ValueError(f"There is no misfit {name!r}{_nearest(name, MISFITS)}.")
    entry = MISFITS[name]
    hints = typing.get_type_hints(entry.settings)
    known = {field.name: hints[field.name] for field in dataclasses.fields(entry.settings)}
    for key, value in settings.items():
        if key not in known:
            raise ValueError(f"The misfit {name!r} has no setting {key!r}{_nearest(key, known)}.")
        if not _fits(value, known[key]):
            raise ValueError(
                f"The setting {key!r} of the misfit {name!r} must be {_in_words(known[key])}. "
                f"Got {value!r}."
            )
    return entry.make(**{key: _converted(value, known[key]) for key, value in settings.items()})


def _nearest(wrong: str, right: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(wrong, right, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else "."
    return f"{guess} Choose out of {', '.join(right)}"


def _choices(hint: Any) -> tuple[Any, ...]:
    is_union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    return typing.get_args(hint) if is_union else (hint,)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a type; arrays and what they are made of are left to the misfit."""
    for choice in _choices(hint):
        if choice is Any:
            return True
        if choice is float or choice is int:
            numbers = (int, np.integer) if choice is int else (int, float, np.number)
            if isinstance(value, numbers) and not isinstance(value, bool):
                return True
        elif typing.get_origin(choice) is Sequence:
            if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
                return True
        elif hasattr(choice, "dtypes"):
            if isinstance(value, np.ndarray | list | tuple):
                return True
        elif isinstance(value, choice):
            return True
    return False


def _converted(value: Any, hint: Any) -> Any:
    """Whole numbers as floats, and lists as arrays, where a setting wants these."""
    choices = _choices(hint)
    if float in choices and isinstance(value, int):
        return float(value)
    if isinstance(value, list | tuple) and any(hasattr(choice, "dtypes") for choice in choices):
        return np.asarray(value, dtype=float)
    return value


_WORDS = {float: "a number", int: "a whole number", bool: "true or false", types.NoneType: "None"}


def _in_words(hint: Any) -> str:
    words = []
    for choice in _choices(hint):
        if typing.get_origin(choice) is Sequence:
            words.append("a list of names")
        elif hasattr(choice, "dtypes"):
            words.append("a matrix of numbers")
        else:
            words.append(_WORDS.get(choice) or f"a `{choice.__name__}`")
    return " or ".join(words)
