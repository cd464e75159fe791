"""Verdicts go first; explanations wait for them, though not for ever."""

from __future__ import annotations

import threading
import time

import pytest

from fakenews import turns
from fakenews.turns import Turns


def test_without_urgent_work_nobody_waits() -> None:
    assert Turns().give_way() == 0.0


def test_long_work_waits_until_the_urgent_is_done() -> None:
    order, turn = [], Turns()
    begun = threading.Event()

    def long_work() -> None:
        begun.set()
        turn.give_way()
        order.append("long")

    with turn.urgent():
        thread = threading.Thread(target=long_work)
        thread.start()
        assert begun.wait(5)
        time.sleep(0.05)
        order.append("urgent")
    thread.join(5)
    assert order == ["urgent", "long"]


def test_long_work_comes_to_an_end_under_any_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    turn = Turns()
    with turn.urgent():
        assert 0.04 < turn.give_way() < 1
