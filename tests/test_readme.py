"""The blocks of the README run as they stand, one after the other, beside a folder `EDI`."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from pictures import sketched
from surveys import write_block_survey

import jaxmt
from jaxmt.field import workflow

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(), re.M | re.S)


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
