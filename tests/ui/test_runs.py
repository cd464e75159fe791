"""Explanations under way: progress is heard, cancel ends them, errors come through."""

import threading
import time
from collections.abc import Iterator

import pytest

from fakenews.explain.base import Cancelled
from fakenews.ui.runs import Progress, Runs, watch


def test_results_come_between_updates_on_progress() -> None:
    def explain(progress: Progress) -> Iterator[str]:
        yield "first"
        for i in range(4):
            progress(i / 4)
            time.sleep(0.15)
        yield "last"

    updates = list(watch(explain, threading.Event()))
    assert [u.result for u in updates if u.result] == ["first", "last"]
    assert (updates[0].result, updates[-1].result) == ("first", "last")
    assert len(updates) > 1
    shares = [u.share for u in updates]
    assert shares == sorted(shares)
    assert any(u.seconds_left is not None and 0 < u.seconds_left < 5 for u in updates[:-1])


def test_cancel_ends_watcher_and_worker_within_a_second() -> None:
    stopped = threading.Event()

    def explain(progress: Progress) -> Iterator[str]:
        try:
            while True:
                progress(0.1)
                time.sleep(0.02)
        except Cancelled:
            stopped.set()
            raise

    runs = Runs()
    flag = runs.start("visitor")
    threading.Timer(0.3, runs.cancel, ["visitor"]).start()
    started = time.perf_counter()
    with pytest.raises(Cancelled):
        for _ in watch(explain, flag):
            pass
    assert stopped.wait(1.0)
    assert time.perf_counter() - started < 1.5


def test_a_new_run_cancels_the_one_before_and_others_go_on() -> None:
    runs = Runs()
    first, other = runs.start("a"), runs.start("b")
    second = runs.start("a")
    assert first.is_set() and not second.is_set() and not other.is_set()


def test_a_finished_run_is_forgotten_but_not_its_successor() -> None:
    runs = Runs()
    first = runs.start("a")
    second = runs.start("a")
    runs.finish("a", first)
    runs.cancel("a")
    assert second.is_set()


def test_errors_of_the_worker_reach_the_watcher() -> None:
    def explain(progress: Progress) -> Iterator[str]:
        raise ValueError("no such method")

    with pytest.raises(ValueError, match="no such method"):
        list(watch(explain, threading.Event()))
