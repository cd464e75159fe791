"""A few at once, a few more in a queue, and an answer at once for everyone else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from fakenews.api.refusal import Refusal
from fakenews.explain.base import Cancelled

WAIT_SECONDS = 20.0


class Places:
    """Places for work of one kind.

    Parameters
    ----------
    at_once : int
        How many run.
    waiting : int
        How many may wait for a place.
    what : str
        What there is too much of: the first half of the sentence that refuses.
    retry_after : int
        Seconds after which asking again may help.
    wait_seconds : float, optional
        How long one waits at most; `WAIT_SECONDS` if left out.
    """

    def __init__(
        self,
        at_once: int,
        waiting: int,
        what: str,
        retry_after: int = 5,
        wait_seconds: float | None = None,
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most_waiting = waiting
        self._wait_seconds = WAIT_SECONDS if wait_seconds is None else wait_seconds
        self._sentence = f"{what}: try again in a few seconds."
        self._retry_after = retry_after
        self.waiting = 0
        self.taken = 0

    async def take(self, left: asyncio.Task[None] | None = None) -> None:
        """Take a place, or wait for one.

        Parameters
        ----------
        left : Task, optional
            Done once the client has left, who then waits no longer.

        Raises
        ------
        Cancelled
            If the client left.
        Refusal
            503, at once if too many wait, else after `wait_seconds`.
        """
        if self._free.locked() and self.waiting >= self._most_waiting:
            raise self._refusal()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds) as patience:
                with _told(left, patience):
                    await self._free.acquire()
        except TimeoutError:
            if left is not None and left.done():
                raise Cancelled from None
            raise self._refusal() from None
        finally:
            self.waiting -= 1
        self.taken += 1

    def release(self) -> None:
        """Give a place back."""
        self.taken -= 1
        self._free.release()

    @asynccontextmanager
    async def one(self, left: asyncio.Task[None] | None = None) -> AsyncIterator[None]:
        """A place that is given back at the end of the block; `left` as for `take`."""
        await self.take(left)
        try:
            yield
        finally:
            self.release()

    def _refusal(self) -> Refusal:
        return Refusal(503, self._sentence, retry_after=self._retry_after)


@contextmanager
def _told(left: asyncio.Task[None] | None, patience: asyncio.Timeout) -> Iterator[None]:
    """Lose patience at once if the client leaves before the end of the block."""

    def lose(_: asyncio.Task[None]) -> None:
        if not patience.expired():
            patience.reschedule(0.0)

    if left is None:
        yield
        return
    left.add_done_callback(lose)
    try:
        yield
    finally:
        left.remove_done_callback(lose)
