"""The package as its users meet it: names, what their import costs, version."""

import ast
import importlib.metadata
import pickle
import pydoc
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jaxmt

ROOT = Path(jaxmt.__file__).parents[1]
HEAVY = ("matplotlib", "ott", "scipy.optimize", "scipy.ndimage")


def stub():
    """Module and names of each import statement in `__init__.pyi`; of rooms the module is empty."""
    tree = ast.parse(Path(jaxmt.__file__).with_suffix(".pyi").read_text())
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1
            assert all(alias.asname == alias.name for alias in node.names), (
                "a plain import is private in a stub"
            )
            yield from ((node.module or "", alias.name) for alias in node.names)


def test_static_checkers_see_the_names_that_exist():
    stated = list(stub())
    assert sorted(name for module, name in stated if module) == sorted(
        set(vars(jaxmt)["__all__"]) - {"__version__"}
    )
    for module, name in stated:
        home = importlib.import_module(f"jaxmt.{module}" if module else "jaxmt")
        assert getattr(jaxmt, name) is getattr(home, name)
    rooms = {name for module, name in stated if not module}
    assert all(getattr(jaxmt, name) is sys.modules[f"jaxmt.{name}"] for name in rooms)
    assert rooms == set(vars(jaxmt)["_ROOMS"])


def test_names_are_there_for_all_ways_of_asking():
    assert {*vars(jaxmt)["__all__"], "io", "plot", "field"} <= set(dir(jaxmt))
    found = {}
    exec("from jaxmt import *", found)  # noqa: S102
    assert found["simulate"] is jaxmt.simulate
    assert pickle.loads(pickle.dumps(jaxmt.Mesh)) is jaxmt.Mesh
    assert "simulate(" in pydoc.render_doc(jaxmt, renderer=vars(pydoc)["plaintext"])
    with pytest.raises(AttributeError, match="module 'jaxmt' has no attribute 'simulat'"):
        _ = getattr(jaxmt, "simulat")  # noqa: B009


def test_what_is_slow_to_import_waits_until_it_is_needed():
    code = f"""
import sys
import jaxmt
print(*[name for name in ("jax", "numpy", "equinox") if name in sys.modules])
jaxmt.simulate, jaxmt.invert, jaxmt.Data, jaxmt.io, jaxmt.processing, jaxmt.comparison
print(*[name for name in {HEAVY} if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "\n\n"


def test_the_version_is_that_of_the_project(monkeypatch):
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE) == [stated]
    assert jaxmt.__version__ == importlib.metadata.version("jaxmt")

    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.delattr(jaxmt, "__version__")
    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert jaxmt.__version__ == stated
    monkeypatch.delattr(jaxmt, "__version__")
