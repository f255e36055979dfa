"""From a folder of transfer functions to a section and a report: `python -m experiments.survey DIR`."""

from jaxmt.field.survey import main

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("Interrupted.") from None
