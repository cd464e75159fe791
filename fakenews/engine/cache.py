"""A memory for what was computed: the same question is answered at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def digest(text: str) -> str:
    """Return the SHA-256 of a text, so that a key need not keep the text itself."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Cache(Generic[Key, Value]):
    """The `max_entries` values used last, safe to use from several threads.

    Raise `ValueError` if `max_entries` is not positive.
    """

    def __init__(self, max_entries: int = 256) -> None:
        if max_entries < 1:
            raise ValueError(f"Got max_entries={max_entries}: at least 1 is needed.")
        self._max_entries = max_entries
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Return the value stored under `key`, or None."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Store a value; the one unused for longest gives way."""
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
