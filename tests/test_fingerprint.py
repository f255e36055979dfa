import dataclasses
import hashlib

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmt import Cells, LeastSquares, Mesh, Smoothness
from jaxmt.fingerprint import Constant, fingerprint

MESH = Mesh([-1e3, 0.0, 1e3], [0.0, 100.0, 300.0])


def test_equal_values_have_equal_fingerprints_wherever_they_are():
    assert fingerprint((np.arange(3.0), "a", None)) == fingerprint([np.arange(3.0), "a", None])
    assert fingerprint(jnp.arange(3.0)) == fingerprint(np.arange(3.0))
    assert fingerprint({"b": 1, "a": 2.0}) == fingerprint({"a": 2.0, "b": 1})
    assert fingerprint(Cells(MESH)) == fingerprint(Cells(Mesh(MESH.y_nodes, MESH.z_nodes)))


def test_it_is_the_same_in_every_process():
    # Unlike `hash`, of what is written in the file that defines it.
    assert fingerprint(1) == hashlib.blake2b(b"int:1;", digest_size=16).hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.arange(3.0), np.arange(3)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([0.0, np.nan]), np.array([np.nan, 0.0])),
        (1, 1.0),
        (1, True),
        ("1", 1),
        ((1, (2, 3)), ((1, 2), 3)),
        (Smoothness(), LeastSquares()),
        (Smoothness(), Smoothness(vertical=2.0)),
        (Cells(MESH), Cells(MESH, fixed=np.eye(2, dtype=bool), values=1.0)),
    ],
)
def test_other_values_have_other_fingerprints(one, other):
    assert fingerprint(one) != fingerprint(other)


def test_a_function_has_none():
    with pytest.raises(TypeError, match="No fingerprint of a function"):
        fingerprint((1, lambda: 0))


def test_constants_are_equal_by_value():
    one = Constant(Cells(MESH))
    assert one == Constant(Cells(MESH))
    assert hash(one) == hash(Constant(Cells(MESH)))
    assert one != Constant(dataclasses.replace(Cells(MESH), low=1.0))
