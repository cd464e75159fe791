"""Components drawn on a page of their own, for tests that call handlers as functions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import gradio as gr

Drawn = TypeVar("Drawn")


def drawn(draw: Callable[[], Drawn]) -> Drawn:
    """Return what a function draws, on a page in an event loop: without one Gradio opens two that it never closes."""

    async def inside() -> Drawn:
        with gr.Blocks():
            return draw()

    return asyncio.run(inside())
