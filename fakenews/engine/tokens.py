"""Cancel tokens: whoever asks for work holds one, and whatever does the work looks at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fakenews.explain.base import Cancelled


class Token:
    """A wish to stop, which is heard at once by what waits and at the next `check` by what runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Return whether somebody wants the work to stop."""
        return self._cancelled

    def cancel(self) -> None:
        """Ask for the work to stop."""
        with self._lock:
            self._cancelled = True
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise `Cancelled` if the work is to stop."""
        if self._cancelled:
            raise Cancelled

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when the token is cancelled, at once if it has been."""
        with self._lock:
            self._callbacks.append(callback)
            is_late = self._cancelled
        if is_late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)


class VisitorTokens:
    """The token of each visitor's latest work; newer work of a visitor cancels the work before."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._lock = threading.Lock()

    def start(self, visitor: str) -> Token:
        """Cancel the visitor's work, if any, and return the token of new work."""
        token = Token()
        with self._lock:
            before, self._tokens[visitor] = self._tokens.get(visitor, Token()), token
        before.cancel()
        return token

    def cancel(self, visitor: str) -> None:
        """Cancel the visitor's work, if any; it stays theirs, so that its end can be shown."""
        self._tokens.get(visitor, Token()).cancel()

    def leave(self, visitor: str) -> None:
        """Cancel the visitor's work, if any, as new work would: nobody looks at it any more."""
        self._tokens.pop(visitor, Token()).cancel()

    def is_latest(self, visitor: str, token: Token) -> bool:
        """Return whether the work is still the visitor's own: neither finished, nor left, nor followed by another."""
        return self._tokens.get(visitor) is token

    def finish(self, visitor: str, token: Token) -> bool:
        """Forget work that has ended; return whether it was still the visitor's own, as `is_latest` does."""
        with self._lock:
            return self.is_latest(visitor, token) and self._tokens.pop(visitor, None) is token
