"""A worker's place among a machine's processes: it goes on with its list, and interrupts nobody.

A process that wakes up may interrupt one that runs. Where routers and workers share a machine with
who publishes, or with the ledger, each of thousands of small steps a second then interrupts another.
Linux calls the alternative batch scheduling: the same share of the processor, taken in longer pieces.
"""

import os
from contextlib import suppress

__all__ = ["interrupt_nobody"]


def interrupt_nobody() -> None:
    """Have this process scheduled as a batch, with all that it starts from now on.

    Only where nobody has chosen otherwise for it, and where there is such a thing: on Linux.
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    with suppress(OSError):  # forbidden by a sandbox: then it goes on as it is
        if os.sched_getscheduler(0) == os.SCHED_OTHER:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
