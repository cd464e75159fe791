"""Memory that is free inside the process goes back to the machine, and what stays is not searched for garbage.

Answers of many lengths leave glibc's heaps full of holes: the process grows by hundreds of megabytes of which it uses
none. `malloc_trim` gives them back, where the C library can do that, and few heaps for all threads have fewer holes.

Python searches all objects for garbage whenever their number has grown by a quarter. While libraries are imported and
nothing is thrown away that is a quarter of the time, so it waits until the models are loaded; and what is there by
then is never searched again.
"""

from __future__ import annotations

import ctypes
import gc
import resource
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


def resident_mb() -> float | None:
    """Return megabytes that this process holds; None where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return round(int(file.read().split()[1]) * resource.getpagesize() / 1e6, 1)
    except OSError:
        return None


def put_off_collection() -> None:
    """Search for no garbage until `settle`."""
    gc.disable()


def settle() -> None:
    """Collect what the start has left behind, count the rest as there to stay, and search for garbage from now on.

    Nothing if collection was never put off.
    """
    if not gc.isenabled():
        gc.collect()
        gc.freeze()
        gc.enable()


@cache
def _of_the_c_library(function: str) -> Any:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), function, None)  # musl has neither
