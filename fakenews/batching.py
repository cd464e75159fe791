"""Questions that arrive together are answered together: one call of the model for all that wait.

Nobody waits for company. While a call is under way, others queue; the next call takes all of them that ask the same
models. One thread makes the calls, so the models are asked once at a time.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Answer = TypeVar("Answer")

logger = logging.getLogger(__name__)


class Full(RuntimeError):
    """Raised when too many wait already."""


class _Unanswered(RuntimeError):
    """Raised for everybody whose call ended without an answer for each."""


class Batcher(Generic[Key, Item, Answer]):
    """Collects questions and answers them in batches.

    Parameters
    ----------
    answer : callable
        Given a key and items, gives one answer for each, in order.
    at_once : int
        Most items of a call.
    waiting : int
        Most items that wait; further ones are refused.
    told : callable, optional
        Is given the size of each batch; what it raises is logged, and the batch answered.
    """

    def __init__(
        self,
        answer: Callable[[Key, list[Item]], list[Answer]],
        at_once: int = 16,
        waiting: int = 64,
        told: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._answer = answer
        self._at_once = at_once
        self._most_waiting = waiting
        self._told = told
        self._waiting: deque[tuple[Key, Item, Future[Answer]]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def ask(self, key: Key, item: Item) -> Answer:
        """The answer, once it is this item's turn; errors of the call are raised here.

        Raises
        ------
        Full
            If too many wait already.
        """
        future: Future[Answer] = Future()
        with self._changed:
            if len(self._waiting) >= self._most_waiting:
                raise Full
            self._waiting.append((key, item, future))
            if self._thread is None or not self._thread.is_alive():  # nor does it live on in a forked process
                self._thread = threading.Thread(target=self._work, name="verdicts", daemon=True)
                self._thread.start()
            self._changed.notify()
        return future.result()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                key = self._waiting[0][0]
                taken = [entry for entry in self._waiting if entry[0] == key][: self._at_once]
                for entry in taken:
                    self._waiting.remove(entry)
            try:
                self._told(len(taken))
            except Exception:
                logger.exception("The size of a batch could not be told.")
            self._settle(key, [(item, future) for _, item, future in taken])

    def _settle(self, key: Key, taken: list[tuple[Item, Future[Answer]]]) -> None:
        try:
            answers = list(self._answer(key, [item for item, _ in taken]))
            if len(answers) != len(taken):
                raise _Unanswered(f"Got {len(answers)} answers to {len(taken)} items.")
        except BaseException as error:  # also what would end this thread, which has others to answer
            if len(taken) > 1 and isinstance(error, Exception) and not isinstance(error, _Unanswered):
                for entry in taken:  # alone, so that one cannot spoil the others' answers
                    self._settle(key, [entry])
                return
            if not isinstance(error, Exception):
                error = _Unanswered(f"The call was ended by {type(error).__name__}.")
            for _, future in taken:
                future.set_exception(error)
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            future.set_result(answer)
