"""Explanations already computed, by content: the same request is answered at once."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Generic, Self, TypeVar

from fakenews.schema import Target

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ExplanationKey:
    """Everything an explanation depends on; the text only as its digest."""

    text_sha256: str
    classifier: str
    revision: str
    method: str
    target: Target
    n_samples: int | None
    seed: int

    @classmethod
    def of(
        cls, text: str, classifier: str, revision: str, method: str, target: Target, n_samples: int | None, seed: int
    ) -> Self:
        """Key of a request; `revision` tells apart two states of the classifier of that name."""
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return cls(digest, classifier, revision, method, target, n_samples, seed)


class ContentCache(Generic[Value]):
    """The `max_entries` values used last, safe to use from several threads.

    Raises
    ------
    ValueError
        If `max_entries` is not positive.
    """

    def __init__(self, max_entries: int = 256) -> None:
        if max_entries < 1:
            raise ValueError(f"Got max_entries={max_entries}: at least 1 is needed.")
        self._max_entries = max_entries
        self._entries: OrderedDict[ExplanationKey, Value] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def get(self, key: ExplanationKey) -> Value | None:
        """Give the value stored under `key`, or None."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: ExplanationKey, value: Value) -> None:
        """Store a value; the one unused for longest gives way."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
