"""The one port through which models are called: in this process, or where a GPU is lent (`engine.zero`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

VERDICT_SECONDS, EXPLANATION_SECONDS = 5, 20  # that a call is declared to take where a GPU is lent for it


class Device:
    """Calls in this process.

    Attributes
    ----------
    is_lent : bool
        Whether each call is paid for by the visitor who asks: then calls are few and large, no two visitors share one,
        and none is made before somebody asks.
    """

    is_lent = False

    def bind(self, function: Callable[P, R], seconds: int) -> Callable[P, R]:
        """Return `function` as it is called on the device; `seconds` is what a call may take.

        Arguments and results have to be picklable, but for `progress`: it comes by its name and is called with the
        share done. A generator function gives its results one by one.
        """
        return function

    def start(self) -> None:
        """Report for duty once the models are loaded."""
