"""The identity of a value that holds arrays: by what is in it, not by where it is in memory."""

import dataclasses
import hashlib
from typing import Generic, TypeVar

import jax
import numpy as np

Value = TypeVar("Value")


def fingerprint(value: object) -> str:
    """A digest of arrays, numbers, strings and the dataclasses, mappings and sequences made of them.

    Solvers of ott-jax, and other classes with `tree_flatten`, count by their attributes. The same in every
    process. Raises `TypeError` for anything else, such as a function.
    """
    digest = hashlib.blake2b(digest_size=16)
    _add(digest, value)
    return digest.hexdigest()


def _add(digest: "hashlib.blake2b", value: object) -> None:
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        array = np.asarray(value)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    elif value is None or isinstance(value, bool | int | float | complex | str):
        digest.update(f"{type(value).__name__}:{value!r};".encode())
    elif isinstance(value, list | tuple):
        digest.update(f"({len(value)}".encode())
        for item in value:
            _add(digest, item)
    elif isinstance(value, dict):
        _add(digest, sorted(value.items()))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__qualname__.encode())
        for field in dataclasses.fields(value):
            _add(digest, getattr(value, field.name))
    elif isinstance(value, Constant):
        _add(digest, value.value)
    elif hasattr(type(value), "tree_flatten"):
        digest.update(type(value).__qualname__.encode())
        _add(digest, vars(value))
    else:
        raise TypeError(
            f"No fingerprint of a {type(value).__name__}: give arrays, numbers, strings, dataclasses, "
            "mappings or sequences."
        )


@jax.tree_util.register_static
class Constant(Generic[Value]):
    """A value that is part of a compiled function, like a number in its source.

    Two that hold the same are equal, so that a function compiled for one serves the other. A value without
    a fingerprint, because there is a function in it, is equal to itself alone.
    """

    def __init__(self, value: Value) -> None:
        self.value = value
        try:
            self._identity: str | int = fingerprint(value)
        except TypeError:
            self._identity = id(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)
