"""Short work first: explanations, which run for seconds, wait while a verdict is being made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0  # seconds that long work waits at a time, so that it comes to an end under any load


class Turns:
    """Who goes first where two kinds of work share a processor."""

    def __init__(self) -> None:
        self._urgent = 0
        self._changed = threading.Condition()

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """While inside, long work that asks waits."""
        with self._changed:
            self._urgent += 1
        try:
            yield
        finally:
            with self._changed:
                self._urgent -= 1
                self._changed.notify_all()

    def give_way(self) -> float:
        """Wait until no urgent work is under way, at most `PATIENCE`; gives the seconds waited."""
        if not self._urgent:
            return 0.0
        started = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: not self._urgent, PATIENCE)
        return time.monotonic() - started
