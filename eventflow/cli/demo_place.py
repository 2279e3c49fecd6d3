"""Where the demo finds the reference deployment, and the environment that its processes get."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eventflow.errors import StartError

__all__ = ["Place", "find_reference"]

_PACKAGE = Path(__file__).resolve().parents[1]
# Where a process of the demo would reach another server, or another deployment, than the demo's.
_NOT_THE_DEMOS = ("EVENTFLOW_BROKER_URL", "EVENTFLOW_REDIS_URL", "EVENTFLOW_DATABASE_URL")


def find_reference(current: Path, package: Path = _PACKAGE) -> Path:
    """Find the folder that holds the reference deployment's `workers` and `rules`.

    Args:
        current: Looked at first, so that a checkout's own files are the ones that run.
        package: The installed package, which carries a copy; in a source tree it lies beside it.

    Returns:
        The folder.

    Raises:
        StartError: When none has them.
    """
    places = (current, package / "reference", package.parent)
    for place in places:
        # A project has workers of its own; the simulated vendor marks these.
        if (place / "workers" / "simulated_vendor.py").is_file() and (place / "rules").is_dir():
            return place
    looked = ", ".join(str(place) for place in places)
    message = f"the reference deployment (workers/ and rules/) is in none of {looked}"
    raise StartError(message)


@dataclass(frozen=True, slots=True)
class Place:
    """The folders and addresses of one run.

    Attributes:
        reference: Holds `workers`, `rules` and `schemas`.
        data_dir: The run's own data: the server's, the store's, the logs, the audit file.
        vendor_port: Where the simulated vendor listens.
        flower_port: Where Flower listens.
    """

    reference: Path
    data_dir: Path
    vendor_port: int
    flower_port: int

    @property
    def vendor_url(self) -> str:
        """The simulated vendor's address."""
        return f"http://127.0.0.1:{self.vendor_port}"

    @property
    def audit_file(self) -> Path:
        """Where the audit writes."""
        return self.data_dir / "audit.jsonl"

    @property
    def logs(self) -> Path:
        """Where each process's log is."""
        return self.data_dir / "logs"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the run's processes.

        Args:
            inherited: This process's environment.
        """
        kept = {name: value for name, value in inherited.items() if name not in _NOT_THE_DEMOS}
        # The processes run in another folder than this one, so none of their paths is relative.
        given = filter(None, inherited.get("PYTHONPATH", "").split(os.pathsep))
        paths = [str(self.reference), *(str(Path(path).absolute()) for path in given)]
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(paths),
            "EVENTFLOW_DATA_DIR": str(self.data_dir.absolute()),
            "EVENTFLOW_RULES": str(self.reference / "rules"),
            "EVENTFLOW_SCHEMAS": str(self.reference / "schemas"),
            "EVENTFLOW_WORKERS": "workers",
            "DEVICE_VENDOR_URL": f"{self.vendor_url}/vendor",
            "PARTNER_URL": f"{self.vendor_url}/partner",
            "NOTIFICATIONS_URL": f"{self.vendor_url}/messages",
            "AUDIT_FILE": str(self.audit_file.absolute()),
        }
