"""`jaxmt invert`, or with `--dry-run` `jaxmt look`: `python -m experiments.survey DIR [--dry-run]`."""

import sys
from pathlib import Path

from jaxmt.field.command import main

if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--dry-run"]
    told = {"-o", "--out", "--resume", "-h", "--help"} & set(words)
    out = [] if told or not words else ["-o", f"results/survey_{Path(words[0]).stem}"]
    sys.exit(main(["invert", *words, *out] if words == sys.argv[1:] else ["look", *words]))
