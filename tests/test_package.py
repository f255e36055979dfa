"""The package as its users meet it: names, what their import costs, version."""

import ast
import importlib.metadata
import os
import pickle
import pydoc
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from surveys import write_survey

import jaxmt

ROOT = Path(jaxmt.__file__).parents[1]
LATER = ("inversion", "misfit", "transport", "plot", "report")
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


def loaded_by(command, names):
    """Which modules a command has loaded when it ends, and the programs that JAX compiled for it."""
    code = f"""
import contextlib, io, sys
from jaxmt.field.command import main
with contextlib.redirect_stdout(io.StringIO()):
    assert main({command!r}) == 0
print(*[name for name in {names} if name in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"JAX_LOG_COMPILES": "1"},
    )
    return run.stdout.split(), [line for line in run.stderr.splitlines() if "XLA compilation" in line]


def test_help_loads_nothing_that_is_slow():
    assert loaded_by(["--help"], ("numpy", "jax", "scipy", "matplotlib")) == ([], [])


def test_a_look_at_data_loads_no_inversion_and_compiles_nothing(tmp_path):
    write_survey(tmp_path)
    slow = (*HEAVY, "scipy", "optax", "tqdm", *(f"jaxmt.{room}" for room in LATER))
    assert loaded_by(["look", str(tmp_path)], slow) == ([], [])
    # Either list can hold something: a JAX that compiles says so, and the map in ink needs matplotlib.
    program = [sys.executable, "-c", "import jax; jax.jit(lambda x: x + 1)(1.0)"]
    logged = os.environ | {"JAX_LOG_COMPILES": "1"}
    assert "XLA compilation" in subprocess.run(program, capture_output=True, text=True, env=logged).stderr
    found, _ = loaded_by(["look", str(tmp_path), "-o", str(tmp_path / "map.png")], slow)
    assert "matplotlib" in found


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
