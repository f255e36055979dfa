"""The blocks of the README and of the guide run as they stand, beside a folder `EDI`."""

import inspect
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pictures import sketched
from surveys import write_block_survey, write_survey

import jaxmt
from jaxmt.field import workflow
from jaxmt.field.options import ALIASES, OPTIONS

ROOT = Path(__file__).parents[1]


def blocks(name):
    """Language and text of each block of a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / name).read_text(), re.M | re.S)


BLOCKS = blocks("README.md")
GUIDE = [block for language, block in blocks("docs/guide.md") if language == "python"]


@pytest.mark.parametrize("iterations", [3, pytest.param(None, marks=pytest.mark.slow)])
def test_blocks_of_python_run(iterations, tmp_path, monkeypatch):
    """Beside a small survey in `EDI`, with a few iterations for each inversion, or all that it takes."""
    write_block_survey(tmp_path / "EDI")
    monkeypatch.chdir(tmp_path)
    invert, names = jaxmt.invert, {}
    if iterations is not None:

        def short(*arguments, **options):
            return invert(*arguments, **{**options, "max_iterations": iterations})

        monkeypatch.setattr(jaxmt, "invert", short)
        monkeypatch.setattr(workflow, "invert", short)
    with sketched():
        for language, block in BLOCKS:
            if language == "python":
                exec(compile(block, "README.md", "exec"), names)
    assert (tmp_path / "results" / "report.html").is_file()
    assert names["result"].nrms < names["result"].history["nrms"][0]
    assert names["result"].converged or iterations is not None
    assert np.isfinite(names["value"])


def test_commands_are_those_that_the_command_knows():
    from jaxmt.field import command

    typed = [line for language, block in BLOCKS if language == "bash" for line in block.splitlines()]
    lines = [shlex.split(line, comments=True) for line in typed]
    typed = [words[1:] for words in lines if words and words[0] == "jaxmt"]
    assert {words[0] for words in typed} == {"look", "invert", "report", "convert", "doctor"}
    for words in typed:
        command.parser().parse_args(words)


def bound(function, instead):
    """`instead` of a function, with the same arguments once they are checked."""

    def called(*arguments, **options):
        found = inspect.signature(function).bind(*arguments, **options)
        found.apply_defaults()
        return instead(**found.arguments)

    return called


def compared(*, data, parametrisation, start, misfit, regularization, **_):
    """What an inversion asks of its arguments but for the simulation, once."""
    mesh = getattr(parametrisation, "mesh", parametrisation)
    misfit = jaxmt.CloudTransport() if misfit is None else misfit
    regularization = jaxmt.Smoothness() if regularization is None else regularization
    prepared, state = misfit.prepare(data)
    away = np.nan_to_num(data.values + data.errors)
    value, slope = jax.value_and_grad(lambda p: misfit(p, prepared, state)[0])(away)
    assert value > 0
    assert np.isfinite(slope).all()
    section = jnp.broadcast_to(jnp.log10(jnp.asarray(start)), mesh.shape)
    assert np.isfinite(regularization(section, mesh, ~mesh.air))
    return SimpleNamespace(resistivity=10 ** np.asarray(section))


def test_the_guide_runs_but_for_the_time_that_inversions_take(tmp_path, monkeypatch):
    """Each snippet goes on from the first, as a reader of one of them would."""
    write_survey(tmp_path / "EDI")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jaxmt, "invert", bound(jaxmt.invert, compared))
    monkeypatch.setattr(jaxmt.field, "invert_line", bound(jaxmt.field.invert_line, lambda **_: None))
    first, *rest = GUIDE
    known = {}
    exec(compile(first, "guide.md", "exec"), known)
    assert len(rest) == 4
    for block in rest:
        names = {} if "def main()" in block else dict(known)
        names["__name__"] = "guide"
        exec(compile(block, "guide.md", "exec"), names)


def test_the_scripts_of_the_guide_do_nothing_in_the_processes_that_they_start(tmp_path, monkeypatch):
    """A process that is spawned reads the script anew; the process that is started does all."""
    write_survey(tmp_path / "EDI")
    monkeypatch.chdir(tmp_path)
    asked = []
    batch, scores = SimpleNamespace(done={}, failed={}), SimpleNamespace(rows=list)
    for name, found in (("invert_all", batch), ("cross_validate", scores)):

        def instead(found=found, name=name, **arguments):
            asked.append((name, arguments["executor"].number))
            return found

        monkeypatch.setattr(jaxmt, name, bound(getattr(jaxmt, name), instead))
    scripts = [block for block in GUIDE if "jaxmt.Processes" in block]
    assert scripts
    for script in scripts:
        exec(compile(script, "guide.md", "exec"), {"__name__": "__mp_main__"})
        assert asked == []
        exec(compile(script, "guide.md", "exec"), {"__name__": "__main__"})
    assert asked == [("invert_all", 2), ("cross_validate", 2)]


# The sea of the guide lies over a survey on land, whose mesh is too coarse for it.
@pytest.mark.filterwarnings("ignore::jaxmt.MeshWarning")
@pytest.mark.slow
def test_the_inversions_of_the_guide_run(tmp_path, monkeypatch):
    """All of them in the order of the page, with three iterations each."""
    write_block_survey(tmp_path / "EDI")
    monkeypatch.chdir(tmp_path)
    for room in (jaxmt, workflow):
        invert = room.invert

        def short(*arguments, invert=invert, **options):
            return invert(*arguments, **{**options, "max_iterations": 3})

        monkeypatch.setattr(room, "invert", short)
    first, *rest = [block for block in GUIDE if "jaxmt.Processes" not in block]
    known = {}
    exec(compile(first, "guide.md", "exec"), known)
    for block in rest:
        names = {**known, "__name__": "guide"}
        exec(compile(block, "guide.md", "exec"), names)
        assert names["result"].nrms > 0


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_options_that_pages_name_exist(page):
    """Of the command, of the experiments, or of what installs and tests them."""
    sources = [p.read_text() for part in ("jaxmt", "experiments") for p in (ROOT / part).rglob("*.py")]
    known = {word for text in sources for word in re.findall(r"[\"'](--[a-z][a-z0-9-]*)", text)}
    known |= {f"--{name}" for name in (*OPTIONS, *ALIASES)} | {"--dist", "--help"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", (ROOT / page).read_text()))
    assert named <= known
