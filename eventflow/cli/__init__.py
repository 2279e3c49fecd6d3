"""The command line: `eventflow`, one module per command or group of commands."""

__all__: list[str] = []
