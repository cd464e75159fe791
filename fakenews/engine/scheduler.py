"""Who works when: verdicts before explanations before batch, in places that are counted and queues that are bounded.

Page, API and tables all take a `slot` in a lane before they call a model. Verdicts that wait for the models at the
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
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from fakenews.engine.errors import Overloaded
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled

Answer = TypeVar("Answer")
Entry = TypeVar("Entry", bound=Future[Any])
Call = Callable[[list[Any], Any], Sequence[Answer]]  # from items and their key to one answer for each, in order
GiveWay = Callable[..., None]  # takes the share done, or nothing, so that it can stand for a report of progress

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
    """How much work of a lane there may be."""

    running: int  # at once
    waiting: int  # for a slot
    problem: str  # the first half of the sentence that refuses one more
    retry_after: int = 5  # seconds after which asking again may help
    patience: float | None = 20.0  # seconds that one waits for a slot at most; None for as long as it takes
    turn: float | None = None  # seconds after which the slot goes to another that waits; None to keep it to the end


LIMITS: Mapping[Lane, Limits] = {
    Lane.VERDICT: Limits(32, 64, "Too many articles are being read", retry_after=2),
    Lane.EXPLANATION: Limits(2, 8, "Too many explanations are being computed"),
    Lane.BATCH: Limits(1, 64, "Too many tables are being scored", patience=None, turn=1.0),
}


class _NoAnswer(RuntimeError):
    """Raised for everybody whose call ended without an answer for each."""


class _Question(Future[Any]):
    def __init__(self, call: Call[Any], item: Any, key: Any) -> None:
        super().__init__()
        self.item = item
        self.asks = call, key


class Scheduler:
    """Places in three lanes, and the queue of verdicts; `limits` of lanes where they differ from `LIMITS`."""

    def __init__(self, limits: Mapping[Lane, Limits] | None = None) -> None:
        self._limits = {**LIMITS, **(limits or {})}
        self._running = dict.fromkeys(Lane, 0)
        self._tickets: dict[Lane, deque[Future[Any]]] = {lane: deque() for lane in Lane}
        self._questions: deque[_Question] = deque()
        self._on_batch: Callable[[int], None] | None = None
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def running(self, lane: Lane) -> int:
        """Return how many slots of a lane are taken."""
        return self._running[lane]

    def waiting(self, lane: Lane) -> int:
        """Return how many wait for a slot of a lane."""
        return len(self._tickets[lane])

    def queued(self) -> int:
        """Return how many questions wait for the models."""
        return len(self._questions)

    @contextmanager
    def slot(self, lane: Lane, token: Token | None = None) -> Iterator[GiveWay]:
        """Wait for a slot and keep it inside; yields a function to call often, which lets others go first.

        It raises `Cancelled` once the token is cancelled, waits for more urgent work, and hands the slot round
        where the lane works in turns.

        Raises `Overloaded` at once if too many wait, else when patience is at an end.
        """
        token, limits = token or Token(), self._limits[lane]
        is_held, since = False, 0.0

        def take() -> None:
            nonlocal is_held, since
            with self._ticket(lane, token, is_bounded=not is_held) as ticket:
                if is_held:  # go to the end of the queue
                    is_held = False
                    self._release(lane)
                ticket.result(limits.patience)
            is_held, since = True, time.monotonic()

        def give_way(share: float = 0.0) -> None:
            token.check()
            self.give_way(lane)
            if limits.turn is not None and self.waiting(lane) and time.monotonic() - since >= limits.turn:
                take()

        try:
            take()
            yield give_way
        finally:
            if is_held:
                self._release(lane)

    @asynccontextmanager
    async def slot_async(self, lane: Lane, token: Token) -> AsyncIterator[GiveWay]:
        """Do as `slot` does without holding a thread while waiting; the slot is kept to the end."""

        def give_way(share: float = 0.0) -> None:
            token.check()
            self.give_way(lane)

        with self._ticket(lane, token) as ticket:
            async with asyncio.timeout(self._limits[lane].patience):
                await asyncio.wrap_future(ticket)
        try:
            yield give_way
        finally:
            self._release(lane)

    def give_way(self, lane: Lane) -> float:
        """Wait until nothing more urgent runs, at most `PATIENCE`; return the seconds waited."""

        def is_first() -> bool:
            return not any(self._running[other] for other in Lane if other < lane)

        if is_first():
            return 0.0
        started = time.monotonic()
        with self._changed:
            self._changed.wait_for(is_first, PATIENCE)
        return time.monotonic() - started

    def batch_verdicts(self, on_batch: Callable[[int], None] = lambda size: None) -> None:
        """Answer from now on all that wait for the same call at once; `on_batch` is given the size of each batch."""
        self._on_batch = on_batch

    def ask(self, call: Call[Answer], item: Any, key: Any, token: Token | None = None) -> Answer:
        """Return the answer of `call(items, key)` to one item; errors of the call are raised here.

        Nobody waits for company. While a call is under way others queue; the next one takes all that ask the same.
        One thread makes the calls, so the models are asked once at a time.

        Raises `Overloaded` if too many wait already, and `Cancelled` if the token is cancelled while this one waits.
        """
        if self._on_batch is None:
            return call([item], key)[0]
        question = _Question(call, item, key)
        with self._changed:
            self._join(self._questions, question, self._limits[Lane.VERDICT])
            if self._thread is None or not self._thread.is_alive():  # nor does it live on in a forked process
                self._thread = threading.Thread(target=self._work, name="verdicts", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        with self._leaving(self._questions, question, token or Token()):
            answer: Answer = question.result()
            return answer

    @contextmanager
    def _ticket(self, lane: Lane, token: Token, is_bounded: bool = True) -> Iterator[Future[Any]]:
        """Queue for a slot, which is granted when the ticket is done; leave the queue if waiting for it fails."""
        limits, ticket, queue = self._limits[lane], Future[Any](), self._tickets[lane]
        with self._changed:
            if is_bounded and self._running[lane] >= limits.running:
                self._join(queue, ticket, limits)
            else:
                queue.append(ticket)
                self._grant(lane)
        try:
            with self._leaving(queue, ticket, token):
                yield ticket
        except BaseException as error:
            with self._changed:
                if ticket in queue:
                    queue.remove(ticket)
                elif not ticket.cancelled() and ticket.exception() is None:  # granted meanwhile
                    self._release(lane)
            if isinstance(error, TimeoutError):
                raise Overloaded(limits.problem, limits.retry_after) from None
            raise

    def _join(self, queue: deque[Entry], entry: Entry, limits: Limits) -> None:
        if len(queue) >= limits.waiting:
            raise Overloaded(limits.problem, limits.retry_after)
        queue.append(entry)

    @contextmanager
    def _leaving(self, queue: deque[Entry], entry: Entry, token: Token) -> Iterator[None]:
        """Remove the entry from the queue when the token is cancelled."""

        def leave() -> None:
            with self._changed:
                if entry in queue:
                    queue.remove(entry)
                    if entry.set_running_or_notify_cancel():
                        entry.set_exception(Cancelled())

        with token.on_cancel(leave):
            yield

    def _grant(self, lane: Lane) -> None:
        queue = self._tickets[lane]
        while queue and self._running[lane] < self._limits[lane].running:
            ticket = queue.popleft()
            if ticket.set_running_or_notify_cancel():
                self._running[lane] += 1
                ticket.set_result(None)

    def _release(self, lane: Lane) -> None:
        with self._changed:
            self._running[lane] -= 1
            self._grant(lane)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._questions)
                first = self._questions[0]
                batch = [question for question in self._questions if question.asks == first.asks][:BATCH_SIZE]
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
    call, key = batch[0].asks
    try:
        answers = list(call([question.item for question in batch], key))
        if len(answers) != len(batch):
            raise _NoAnswer(f"Got {len(answers)} answers to {len(batch)} items.")
        for question, answer in zip(batch, answers, strict=True):
            question.set_result(answer)
    except Exception as error:
        for question in batch:
            if len(batch) == 1 or isinstance(error, _NoAnswer):
                question.set_exception(error)
            else:  # alone, so that one cannot spoil the others' answers
                _settle([question])
    except BaseException as error:  # would end this thread, which has others to answer
        for question in batch:
            question.set_exception(_NoAnswer(f"The call was ended by {type(error).__name__}."))
