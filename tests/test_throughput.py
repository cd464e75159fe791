"""The benchmark of tables measures what it says it does."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from fakenews.batch.rows import Columns
from fakenews.batch.score import CHUNK, Task


class Asked:
    """Notes what the models are asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def judge_many(self, texts: Sequence[str], models: Sequence[str]) -> list[tuple[()]]:
        self.texts += texts
        return [()] * len(texts)


def test_our_side_asks_the_models_about_every_text() -> None:
    from benchmarks.throughput import ours

    asked: Any = SimpleNamespace(judge=Asked())
    texts = [f"Bridge number {i} was opened." for i in range(CHUNK + 1)]
    ours(asked, Task((), Columns()), texts)
    assert asked.judge.texts == texts
