"""Runs the command line: `python -m eventflow`."""

from eventflow.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
