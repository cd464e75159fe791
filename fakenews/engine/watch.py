"""Watch long work from a generator, as the page does: it runs in a thread of its own, in its lane of the scheduler."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from fakenews.engine.scheduler import Lane, Scheduler
from fakenews.engine.tokens import Token
from fakenews.explain.base import Progress

Result = TypeVar("Result")
INTERVAL = 0.25  # seconds between two updates


@dataclass(frozen=True, slots=True)
class Update(Generic[Result]):
    """The share done, the seconds left by extrapolation, and a result whenever there is one."""

    share: float
    seconds_left: float | None
    result: Result | None = None


def watch(
    scheduler: Scheduler, work: Callable[[Progress], Iterator[Result]], token: Token, lane: Lane = Lane.EXPLANATION
) -> Iterator[Update[Result]]:
    """Run `work` in a thread, once it has a slot, and yield updates, about four a second and one with each result.

    Raises `Cancelled` once the token is cancelled (the thread stops at its next report of progress), `Overloaded` if
    there was no slot, and whatever `work` raised.
    """
    events: SimpleQueue[tuple[float | None, Result | None] | BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            with scheduler.slot(lane, token) as give_way:

                def progress(share: float) -> None:
                    give_way(share)
                    events.put((share, None))

                for result in work(progress):
                    events.put((None, result))
            events.put(None)
        except BaseException as error:  # handed over to the watcher, which raises it
            events.put(error)

    threading.Thread(target=run, daemon=True, name="work").start()
    started = last = time.perf_counter()
    share = 0.0
    while True:
        token.check()
        try:
            event = events.get(timeout=max(0.0, last + INTERVAL - time.perf_counter()))
        except Empty:
            event = share, None
        if event is None:
            return
        if isinstance(event, BaseException):
            raise event
        now, share = time.perf_counter(), share if event[0] is None else event[0]
        if event[1] is not None or now - last >= INTERVAL:
            last = now
            yield Update(share, (now - started) * (1 - share) / share if share > 0.02 else None, event[1])
