"""Who works when: verdicts before explanations before batch, in places that are counted and queues that are bounded.

Page, API and tables all take a `place` in a lane before they call a model. Verdicts that wait for the models at the
same time are answered by one call.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypeVar

from fakenews.engine.errors import Overloaded
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled

Answer = TypeVar("Answer")
Call = Callable[[Any, list[Any]], Sequence[Answer]]  # from a key and items to one answer for each item, in order

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that work gives way at a time, so that it comes to an end under any load
BATCH_SIZE = 16  # verdicts of one call


class Lane(IntEnum):
    """Kinds of work, the most urgent first."""

    VERDICT = 0
    EXPLANATION = 1
    BATCH = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work of a lane there may be.

    Attributes
    ----------
    running, waiting : int
        How many run at once, and how many may wait for a place.
    problem : str
        First half of the sentence that refuses one more.
    retry_after : int
        Seconds after which asking again may help.
    patience : float or None
        Seconds that one waits for a place at most; None for as long as it takes.
    turn : float or None
        Seconds after which the place goes to another that waits; None for a place that is kept to the end.
    """

    running: int
    waiting: int
    problem: str
    retry_after: int = 5
    patience: float | None = 20.0
    turn: float | None = None


LIMITS: Mapping[Lane, Limits] = {
    Lane.VERDICT: Limits(32, 64, "Too many articles are being read", retry_after=2),
    Lane.EXPLANATION: Limits(2, 8, "Too many explanations are being computed"),
    Lane.BATCH: Limits(1, 64, "Too many tables are being scored", patience=None, turn=1.0),
}


class _NoAnswer(RuntimeError):
    """Raised for everybody whose call ended without an answer for each."""


@dataclass(eq=False, slots=True)
class _Question:
    call: Call[Any]
    key: Any
    item: Any
    answer: Future[Any] = field(default_factory=Future)

    def goes_with(self, other: _Question) -> bool:
        return (self.call, self.key) == (other.call, other.key)


class Scheduler:
    """Places in three lanes, and the queue of verdicts.

    Parameters
    ----------
    limits : mapping, optional
        Limits of lanes where they differ from `LIMITS`.
    """

    def __init__(self, limits: Mapping[Lane, Limits] | None = None) -> None:
        self.limits = {**LIMITS, **(limits or {})}
        self._running = dict.fromkeys(Lane, 0)
        self._tickets: dict[Lane, deque[Future[None]]] = {lane: deque() for lane in Lane}
        self._changed = threading.Condition()
        self._on_batch: Callable[[int], None] | None = None
        self._questions: deque[_Question] = deque()
        self._asked = threading.Condition()
        self._thread: threading.Thread | None = None

    def running(self, lane: Lane) -> int:
        """Return how many places of a lane are taken."""
        return self._running[lane]

    def waiting(self, lane: Lane) -> int:
        """Return how many wait for a place of a lane."""
        return len(self._tickets[lane])

    @contextmanager
    def place(self, lane: Lane, token: Token | None = None) -> Iterator[Callable[[], None]]:
        """Wait for a place and keep it inside; yields a function to call often, which lets others go first.

        That function raises `Cancelled` once the token is cancelled, waits for more urgent work, and hands the place
        round where the lane works in turns.

        Raises
        ------
        Overloaded
            At once if too many wait, else when patience is at an end.
        Cancelled
            If the token is cancelled.
        """
        token, limits = token or Token(), self.limits[lane]
        is_held = False
        since = 0.0

        def take(again: bool = False) -> None:
            nonlocal is_held, since
            with self._ticket(lane, token, again) as ticket:
                if is_held:
                    is_held = False
                    self._release(lane)
                ticket.result(limits.patience)
            is_held, since = True, time.monotonic()

        def give_way() -> None:
            token.check()
            self.give_way(lane)
            if limits.turn is not None and self.waiting(lane) and time.monotonic() - since >= limits.turn:
                take(again=True)

        try:
            take()
            yield give_way
        finally:
            if is_held:
                self._release(lane)

    @asynccontextmanager
    async def place_async(self, lane: Lane, token: Token) -> AsyncIterator[None]:
        """Do as `place` does without holding a thread while waiting; the place is kept to the end."""
        with self._ticket(lane, token) as ticket:
            async with asyncio.timeout(self.limits[lane].patience):
                await asyncio.wrap_future(ticket)
        try:
            yield
        finally:
            self._release(lane)

    def give_way(self, lane: Lane = Lane.EXPLANATION) -> float:
        """Wait until nothing more urgent runs, at most `PATIENCE`; return the seconds waited."""
        if not self._is_urgent(lane):
            return 0.0
        started = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: not self._is_urgent(lane), PATIENCE)
        return time.monotonic() - started

    def politely(self, progress: Callable[[float], None] | None) -> Callable[[float], None]:
        """Return a progress report that first lets verdicts go ahead."""

        def report(share: float) -> None:
            self.give_way()
            if progress is not None:
                progress(share)

        return report

    def _is_urgent(self, lane: Lane) -> bool:
        return any(self._running[other] for other in Lane if other < lane)

    @contextmanager
    def _ticket(self, lane: Lane, token: Token, again: bool = False) -> Iterator[Future[None]]:
        """Queue for a place, which is granted when the ticket is done; leave the queue if waiting for it fails."""
        limits, ticket, queue = self.limits[lane], Future[None](), self._tickets[lane]
        with self._changed:
            if not again and len(queue) >= limits.waiting and self._running[lane] >= limits.running:
                raise Overloaded(limits.problem, limits.retry_after)
            queue.append(ticket)
            self._grant(lane)

        def give_up() -> None:
            with self._changed:
                if ticket in queue:
                    queue.remove(ticket)
                    ticket.set_exception(Cancelled())

        try:
            with token.on_cancel(give_up):
                yield ticket
        except BaseException as error:
            with self._changed:
                if ticket in queue:
                    queue.remove(ticket)
                elif ticket.done() and not ticket.cancelled() and ticket.exception() is None:
                    self._release(lane)
            if isinstance(error, TimeoutError):
                raise Overloaded(limits.problem, limits.retry_after) from None
            raise

    def _grant(self, lane: Lane) -> None:
        queue = self._tickets[lane]
        while queue and self._running[lane] < self.limits[lane].running:
            ticket = queue.popleft()
            if ticket.set_running_or_notify_cancel():
                self._running[lane] += 1
                ticket.set_result(None)

    def _release(self, lane: Lane) -> None:
        with self._changed:
            self._running[lane] -= 1
            self._grant(lane)
            self._changed.notify_all()

    def batch_verdicts(self, on_batch: Callable[[int], None] = lambda size: None) -> None:
        """From now on answer all that wait for the same call at once; `on_batch` is given the size of each batch.

        What it raises is logged, and the batch answered.
        """
        self._on_batch = on_batch

    def queued(self) -> int:
        """Return how many questions wait for the models."""
        return len(self._questions)

    def ask(self, call: Call[Answer], key: Any, item: Any, token: Token | None = None) -> Answer:
        """Return the answer of `call(key, items)` to one item; errors of the call are raised here.

        Nobody waits for company. While a call is under way others queue; the next one takes all that ask the same.
        One thread makes the calls, so the models are asked once at a time.

        Raises
        ------
        Overloaded
            If too many wait already.
        Cancelled
            If the token is cancelled while the question waits.
        """
        if self._on_batch is None:
            return call(key, [item])[0]
        question, limits = _Question(call, key, item), self.limits[Lane.VERDICT]
        with self._asked:
            if len(self._questions) >= limits.waiting:
                raise Overloaded(limits.problem, limits.retry_after)
            self._questions.append(question)
            if self._thread is None or not self._thread.is_alive():  # nor does it live on in a forked process
                self._thread = threading.Thread(target=self._work, name="verdicts", daemon=True)
                self._thread.start()
            self._asked.notify()

        def give_up() -> None:
            with self._asked:
                if question in self._questions:
                    self._questions.remove(question)
                    question.answer.set_exception(Cancelled())

        with (token or Token()).on_cancel(give_up):
            answer: Answer = question.answer.result()
            return answer

    def _work(self) -> None:
        while True:
            with self._asked:
                self._asked.wait_for(lambda: self._questions)
                first = self._questions[0]
                batch = [question for question in self._questions if question.goes_with(first)][:BATCH_SIZE]
                for question in batch:
                    self._questions.remove(question)
            try:
                if self._on_batch is not None:
                    self._on_batch(len(batch))
            except Exception:
                logger.exception("The size of a batch could not be reported.")
            _settle(batch)


def _settle(batch: list[_Question]) -> None:
    """Answer questions of the same call, each alone if the call fails for all of them together."""
    try:
        answers = list(batch[0].call(batch[0].key, [question.item for question in batch]))
        if len(answers) != len(batch):
            raise _NoAnswer(f"Got {len(answers)} answers to {len(batch)} items.")
    except BaseException as error:  # also what would end this thread, which has others to answer
        if len(batch) > 1 and isinstance(error, Exception) and not isinstance(error, _NoAnswer):
            for question in batch:  # alone, so that one cannot spoil the others' answers
                _settle([question])
            return
        if not isinstance(error, Exception):
            error = _NoAnswer(f"The call was ended by {type(error).__name__}.")
        for question in batch:
            question.answer.set_exception(error)
        return
    for question, answer in zip(batch, answers, strict=True):
        question.answer.set_result(answer)
