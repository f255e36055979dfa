"""`jaxmt invert`, or with `--dry-run` `jaxmt look`: `python -m experiments.survey DIR [--dry-run]`."""

import sys

from jaxmt.field.command import main

if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--dry-run"]
    sys.exit(main(["invert" if words == sys.argv[1:] else "look", *words]))
