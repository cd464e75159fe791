"""A few at once, a few more in a queue, and an answer at once for everyone else."""

from __future__ import annotations

import asyncio

from fakenews.api.refusal import Refusal

WAIT_SECONDS = 20.0


class Places:
    """Places for long work.

    Parameters
    ----------
    at_once : int
        How many run.
    waiting : int
        How many may wait for a place.
    wait_seconds : float
        How long at most; `WAIT_SECONDS` if left out.
    """

    def __init__(self, at_once: int, waiting: int, wait_seconds: float | None = None) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._wait_seconds = WAIT_SECONDS if wait_seconds is None else wait_seconds
        self.waiting = 0
        self.taken = 0

    async def take(self) -> None:
        """Take a place, or wait for one.

        Raises
        ------
        Refusal
            503, at once if too many wait, else after `wait_seconds`.
        """
        refusal = Refusal(
            503, "Too many explanations are being computed: try again in a few seconds.", retry_after=5
        )  # fmt: skip
        if self._free.locked() and self.waiting >= self._most_waiting:
            raise refusal
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise refusal from None
        finally:
            self.waiting -= 1
        self.taken += 1

    def release(self) -> None:
        """Give a place back."""
        self.taken -= 1
        self._free.release()
