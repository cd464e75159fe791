"""Memory that is free inside the process goes back to the machine, where the C library can do that.

Answers of many lengths leave glibc's heaps full of holes: the process grows by hundreds of megabytes of which it uses
none. `malloc_trim` gives them back.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from functools import cache
from typing import Any

EVERY_SECONDS = 5.0

_last = 0.0
_lock = threading.Lock()


def give_back(at_least: float = EVERY_SECONDS) -> bool:
    """Return free memory, unless that was done less than `at_least` seconds ago; whether it was done."""
    global _last
    trim = _malloc_trim()
    if trim is None:
        return False
    with _lock:
        if time.monotonic() - _last < at_least:
            return False
        _last = time.monotonic()
    trim(0)
    return True


@cache
def _malloc_trim() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
