"""ZeroGPU: a GPU lent for the seconds of a call, in a process forked for it.

Arguments go there and results come back by pickle, so what is heard on the way, progress and cancelling, stays here: it
is asked after each result that comes. What takes long is asked for long, because the visitor's quota pays by what is
declared. https://huggingface.co/docs/hub/spaces-zerogpu
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

from fakenews.engine.device import Device

Lend = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]


def runs_on_zero() -> bool:
    """Return whether this is a Space on ZeroGPU."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


class ZeroDevice(Device):
    """The lent GPU.

    Parameters
    ----------
    lend : callable, optional
        `spaces.GPU` if left out: given `duration` in seconds it makes a decorator.
    """

    is_lent = True

    def __init__(self, lend: Lend | None = None) -> None:
        if lend is None:
            from spaces import GPU

            lend = GPU
        self._lend = lend

    def bind(self, function: Callable[..., Any], seconds: int) -> Callable[..., Any]:
        """Return a function that calls `function` where the GPU is; a single result cannot be cancelled on the way."""
        lent = self._lend(duration=seconds)(function)
        if not inspect.isgeneratorfunction(function):
            return lambda *arguments, progress=None: lent(*arguments)

        def results(*arguments: Any, progress: Callable[[float], None] | None = None) -> Iterator[Any]:
            for result in lent(*arguments):
                if progress is not None:
                    progress(result.share)
                yield result

        return results

    def start(self) -> None:
        """Report for duty, as `spaces` does when Gradio's own `launch` is called; here a page is inside a server."""
        if runs_on_zero():
            from spaces import zero

            zero.startup()
