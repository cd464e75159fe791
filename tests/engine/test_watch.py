"""Explanations under way: progress is heard, cancel ends them, errors come through."""

import threading
import time
from collections.abc import Iterator

import pytest

from fakenews.engine.scheduler import Lane, Scheduler
from fakenews.engine.tokens import Token, VisitorTokens
from fakenews.engine.watch import watch
from fakenews.explain.base import Cancelled, Progress


def test_results_come_between_updates_on_progress() -> None:
    def explain(progress: Progress) -> Iterator[str]:
        yield "first"
        for i in range(4):
            progress(i / 4)
            time.sleep(0.15)
        yield "last"

    updates = list(watch(Scheduler(), explain, Token()))
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

    tokens = VisitorTokens()
    token = tokens.start("visitor")
    threading.Timer(0.3, tokens.cancel, ["visitor"]).start()
    started = time.perf_counter()
    with pytest.raises(Cancelled):
        for _ in watch(Scheduler(), explain, token):
            pass
    assert stopped.wait(1.0)
    assert time.perf_counter() - started < 1.5


def test_a_new_run_cancels_the_one_before_and_others_go_on() -> None:
    tokens = VisitorTokens()
    first, other = tokens.start("a"), tokens.start("b")
    second = tokens.start("a")
    assert first.cancelled and not second.cancelled and not other.cancelled


def test_a_finished_run_is_forgotten_but_not_its_successor() -> None:
    tokens = VisitorTokens()
    first = tokens.start("a")
    second = tokens.start("a")
    tokens.finish("a", first)
    tokens.cancel("a")
    assert second.cancelled


def test_errors_of_the_worker_reach_the_watcher() -> None:
    def explain(progress: Progress) -> Iterator[str]:
        raise ValueError("no such method")

    with pytest.raises(ValueError, match="no such method"):
        list(watch(Scheduler(), explain, Token()))


def test_work_waits_for_its_place_and_is_given_up_where_it_waits() -> None:
    scheduler, token, begun = Scheduler(), Token(), threading.Event()

    def explain(progress: Progress) -> Iterator[str]:
        begun.set()
        yield "never"

    threading.Timer(0.3, token.cancel).start()
    with scheduler.slot(Lane.EXPLANATION), scheduler.slot(Lane.EXPLANATION), pytest.raises(Cancelled):
        for update in watch(scheduler, explain, token):
            assert (update.share, update.result) == (0.0, None)
    assert not begun.is_set()
    assert (scheduler.running(Lane.EXPLANATION), scheduler.waiting(Lane.EXPLANATION)) == (0, 0)
