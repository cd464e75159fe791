"""Memory that is free inside the process goes back to the machine, where the C library can do that.

Answers of many lengths leave glibc's heaps full of holes: the process grows by hundreds of megabytes of which it uses
none. `malloc_trim` gives them back, and few heaps for all threads have fewer holes.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

EVERY_SECONDS = 5.0
_M_ARENA_MAX = -8  # in malloc.h


def share_heaps(n: int = 2) -> bool:
    """Have all threads share `n` heaps from now on, instead of eight for each core; whether that was possible."""
    mallopt = _of_the_c_library("mallopt")
    return mallopt is not None and bool(mallopt(_M_ARENA_MAX, n))


def give_back() -> bool:
    """Return free memory; whether that was possible."""
    trim = _of_the_c_library("malloc_trim")
    if trim is None:
        return False
    trim(0)
    return True


@cache
def _of_the_c_library(function: str) -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), function, None)  # musl has neither
