"""The counters of a worker's processes: files in a folder of the worker's own, added up when asked.

A pool's processes count each in a file of their own (prometheus_client's multiprocess mode), so that
no lock is shared and nothing that a killed process counted is lost. The files of processes that are
gone are added up in one, so that a worker whose processes end again and again does not gather files.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from prometheus_client import values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

__all__ = ["FOLDER_VARIABLE", "CounterFiles"]

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's own name of the folder; where it is set, that folder is used, and kept."""

_PREFIX = "eventflow-metrics-"
_GONE = "gone"  # stands in a file's name for all processes that are gone
_LOCK = "lock"
_SETTLED = 60.0  # seconds


class CounterFiles(Collector):
    """Makes the folder, and reads it. To be made in the main process, before any instrument.

    Args:
        parent: The folder that the worker's own is made in; None for the system's.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._owner = os.getpid()
        self._folding = threading.Lock()
        given = os.environ.get(FOLDER_VARIABLE)
        self._is_own = not given
        if given:
            self.folder = Path(given)
            self.folder.mkdir(parents=True, exist_ok=True)
        else:
            place = Path(parent or tempfile.gettempdir())
            _remove_left(place)
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
            # Held as long as this process, or one that it forked, lives: so nobody takes the folder
            # for one that a killed worker left.
            self._lock = (self.folder / _LOCK).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            os.environ[FOLDER_VARIABLE] = str(self.folder)
            atexit.register(self.remove)
        # Chosen when prometheus_client was imported, which may have been before this.
        values.ValueClass = values.get_value_class()

    def collect(self) -> Iterable[Metric]:
        """Add up what all processes have counted, those that are gone included."""
        self.fold()
        metrics: Iterable[Metric] = MultiProcessCollector(None, str(self.folder)).collect()
        return metrics

    def remove(self) -> None:
        """Take the folder away; in the process that made it alone."""
        if not self._is_own or os.getpid() != self._owner:
            return
        if os.environ.get(FOLDER_VARIABLE) == str(self.folder):
            del os.environ[FOLDER_VARIABLE]
        shutil.rmtree(self.folder, ignore_errors=True)

    def fold(self) -> None:
        """Add up the files of processes that are gone in one, and remove them."""
        if os.getpid() != self._owner or not self._is_own:
            return
        with self._folding:
            for kind in ("counter", "histogram"):
                gone = {file for file in self.folder.glob(f"{kind}_*.db") if not _is_alive(file)}
                total = self.folder / f"{kind}_{_GONE}.db"
                if gone - {total}:
                    _add_up(gone, total)


def _add_up(files: set[Path], total: Path) -> None:
    metrics = MultiProcessCollector.merge([str(file) for file in files], accumulate=False)
    # Written whole and put in place whole, or a scrape would see half of it.
    new = total.with_suffix(".new")
    new.unlink(missing_ok=True)
    kept = MmapedDict(str(new))
    for metric in metrics:
        for sample in metric.samples:
            names, texts = list(sample.labels), list(sample.labels.values())
            key = mmap_key(metric.name, sample.name, names, texts, metric.documentation)
            kept.write_value(key, sample.value, 0.0)
    kept.close()
    new.replace(total)
    for file in files - {total}:
        file.unlink(missing_ok=True)


def _is_alive(file: Path) -> bool:
    number = file.stem.rpartition("_")[2]
    if not number.isdigit():
        return number != _GONE
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_left(place: Path) -> None:
    """Remove the folders of workers that were killed: nobody holds their lock."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            facts = folder.lstat()
            # Another user's are not ours to touch; one that was made just now may not be locked yet.
            if facts.st_uid != os.getuid() or time.time() - facts.st_mtime < _SETTLED:
                continue
            with (folder / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
