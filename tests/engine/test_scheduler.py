"""Verdicts first, explanations next, tables in turns; places are counted, queues bounded, and who leaves is forgotten.

Verdicts that wait together are answered together, and none spoils or starves another.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace

import pytest

from fakenews.engine import scheduler as module
from fakenews.engine.errors import Overloaded
from fakenews.engine.scheduler import LIMITS, Lane, Limits, Scheduler
from fakenews.engine.tokens import Token
from fakenews.explain.base import Cancelled


class Slow:
    """Doubles numbers, one call at a time, as fast as it is let; refuses to double 13."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.go_on = threading.Event()
        self.begun = threading.Event()

    def __call__(self, items: list[int], key: str) -> list[int]:
        self.calls.append((key, items))
        self.begun.set()
        assert self.go_on.wait(10)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


@pytest.fixture
def slow() -> Slow:
    return Slow()


def batching(waiting: int = 64, on_batch: Callable[[int], None] = lambda size: None) -> Scheduler:
    scheduler = Scheduler({Lane.VERDICT: replace(LIMITS[Lane.VERDICT], waiting=waiting)})
    scheduler.batch_verdicts(on_batch)
    return scheduler


def queue_up(slow: Slow, scheduler: Scheduler, asked: list[tuple[str, int]]) -> list[Future[int]]:
    """Ask for 0, and for the rest while that is being answered, in order; then let all answers through."""
    futures = [in_thread(scheduler, slow, "a", 0)]
    assert slow.begun.wait(10)
    for n, (key, item) in enumerate(asked, 1):
        futures.append(in_thread(scheduler, slow, key, item))
        until(lambda n=n: scheduler.queued() == n)
    slow.go_on.set()
    assert not wait(futures, 10).not_done, "somebody waits for ever"
    return futures


def in_thread(
    scheduler: Scheduler, call: Callable[[list[int], str], list[int]], key: str, item: int, token: Token | None = None
) -> Future[int]:
    """Ask in a thread that does not keep the tests from ending if it is never answered."""
    asked: Future[int] = Future()

    def ask() -> None:
        try:
            asked.set_result(scheduler.ask(call, item, key, token))
        except BaseException as error:
            asked.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return asked


def until(true: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if true():
            return
        waiting.wait(0.01)
    pytest.fail("It did not come true within ten seconds.")


def test_what_waits_for_the_same_models_is_answered_in_one_call(slow: Slow) -> None:
    sizes: list[int] = []
    asked = [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)]
    futures = queue_up(slow, batching(on_batch=sizes.append), asked)
    assert [f.result() for f in futures] == [0, 2, 4, 6, 8, 10]
    assert slow.calls == [("a", [0]), ("a", [1, 3, 4]), ("b", [2, 5])]
    assert sizes == [1, 3, 2]


def test_without_batches_each_is_answered_where_it_is_asked(slow: Slow) -> None:
    slow.go_on.set()
    assert Scheduler().ask(slow, 2, "a") == 4


def test_a_call_has_an_end(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 3)
    queue_up(slow, batching(), [("a", n) for n in range(1, 8)])
    assert [len(items) for _, items in slow.calls] == [1, 3, 3, 1]


def test_one_bad_item_does_not_spoil_the_others(slow: Slow) -> None:
    zero, one, bad, three = queue_up(slow, batching(), [("a", 1), ("a", 13), ("a", 3)])
    assert (zero.result(), one.result(), three.result()) == (0, 2, 6)
    with pytest.raises(ValueError, match="13"):
        bad.result()


class Short(Slow):
    """Forgets the last answer of several."""

    def __call__(self, items: list[int], key: str) -> list[int]:
        answers = super().__call__(items, key)
        return answers[:-1] if len(items) > 1 else answers


def test_too_few_answers_are_an_error_for_everybody_and_nobody_waits_for_ever() -> None:
    short, scheduler = Short(), batching()
    zero, *others = queue_up(short, scheduler, [("a", 1), ("a", 2), ("a", 3)])
    assert zero.result() == 0
    for future in others:
        with pytest.raises(RuntimeError, match="2 answers to 3 items"):
            future.result()
    assert scheduler.ask(short, 4, "a") == 8, "the next ones are answered"


def test_what_ends_a_thread_is_an_error_for_who_asked(slow: Slow) -> None:
    def leave(items: list[int], key: str) -> list[int]:
        if 13 in items:
            raise SystemExit(1)
        return slow(items, key)

    slow.go_on.set()
    scheduler = batching()
    with pytest.raises(RuntimeError, match="The call was ended by SystemExit"):
        in_thread(scheduler, leave, "a", 13).result(10)
    assert scheduler.ask(leave, 3, "a") == 6


def test_too_many_are_refused_at_once_and_the_others_answered(slow: Slow) -> None:
    scheduler = batching(waiting=2)
    futures = [in_thread(scheduler, slow, "a", 0)]
    assert slow.begun.wait(10)
    futures += [in_thread(scheduler, slow, "a", n) for n in (1, 2)]
    until(lambda: scheduler.queued() == 2)
    with pytest.raises(Overloaded, match="Too many articles are being read: try again"):
        scheduler.ask(slow, 3, "a")
    slow.go_on.set()
    assert sorted(f.result(10) for f in futures) == [0, 2, 4]
    assert scheduler.ask(slow, 3, "a") == 6


def test_a_question_that_is_cancelled_leaves_the_queue(slow: Slow) -> None:
    scheduler, token = batching(), Token()
    first, second = in_thread(scheduler, slow, "a", 0), None
    assert slow.begun.wait(10)
    second = in_thread(scheduler, slow, "a", 1, token)
    until(lambda: scheduler.queued() == 1)
    token.cancel()
    with pytest.raises(Cancelled):
        second.result(10)
    assert scheduler.queued() == 0
    slow.go_on.set()
    assert first.result(10) == 0 and slow.calls == [("a", [0])]


def test_a_size_that_cannot_be_reported_is_logged_and_the_answers_come(
    slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    def on_batch(size: int) -> None:
        raise OSError("no room for figures")

    slow.go_on.set()
    assert in_thread(batching(on_batch=on_batch), slow, "a", 2).result(10) == 4
    assert "no room for figures" in caplog.text


def test_without_urgent_work_nobody_waits() -> None:
    scheduler = Scheduler()
    with scheduler.slot(Lane.EXPLANATION):
        assert scheduler.give_way(Lane.EXPLANATION) == 0.0


@pytest.mark.parametrize("urgent", [Lane.VERDICT, Lane.EXPLANATION])
def test_less_urgent_work_waits_until_the_urgent_is_done(urgent: Lane) -> None:
    order: list[str] = []
    scheduler, begun = Scheduler(), threading.Event()

    def long_work() -> None:
        with scheduler.slot(Lane.BATCH) as give_way:
            begun.set()
            give_way()
            order.append("long")

    with scheduler.slot(urgent):
        thread = threading.Thread(target=long_work)
        thread.start()
        assert begun.wait(5)
        time.sleep(0.05)
        order.append("urgent")
    thread.join(5)
    assert order == ["urgent", "long"]


def test_long_work_comes_to_an_end_under_any_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    scheduler = Scheduler()
    with scheduler.slot(Lane.VERDICT):
        assert 0.04 < scheduler.give_way(Lane.EXPLANATION) < 1


def test_turns_go_round_and_a_cancelled_one_is_given_up() -> None:
    scheduler = Scheduler({Lane.BATCH: replace(LIMITS[Lane.BATCH], turn=0.0)})
    order: list[str] = []

    def work(name: str, n: int) -> None:
        with scheduler.slot(Lane.BATCH) as give_way:
            for _ in range(n):
                order.append(name)
                give_way()

    threads = [threading.Thread(target=work, args=(name, 3)) for name in "ab"]
    with scheduler.slot(Lane.BATCH) as give_way:
        for n, thread in enumerate(threads, start=1):
            thread.start()
            until(lambda n=n: scheduler.waiting(Lane.BATCH) == n)
        token = Token()
        threading.Timer(0.05, token.cancel).start()
        with pytest.raises(Cancelled), scheduler.slot(Lane.BATCH, token):
            pytest.fail("it never had a turn")
        give_way()
        order.append("me")
    for thread in threads:
        thread.join(10)
    assert order == ["a", "b", "me", "a", "b", "a", "b"]
    assert (scheduler.running(Lane.BATCH), scheduler.waiting(Lane.BATCH)) == (0, 0)


def test_a_turn_that_is_cancelled_while_it_waits_gives_nothing_back_twice() -> None:
    scheduler, token = Scheduler({Lane.BATCH: replace(LIMITS[Lane.BATCH], turn=0.0)}), Token()
    holds, go_on = threading.Event(), threading.Event()

    def other() -> None:
        with scheduler.slot(Lane.BATCH):
            holds.set()
            assert go_on.wait(10)

    thread = threading.Thread(target=other, daemon=True)
    with pytest.raises(Cancelled), scheduler.slot(Lane.BATCH, token) as give_way:
        thread.start()
        until(lambda: scheduler.waiting(Lane.BATCH) == 1)
        threading.Thread(target=lambda: holds.wait(10) and token.cancel(), daemon=True).start()
        give_way()
    assert scheduler.running(Lane.BATCH) == 1
    go_on.set()
    thread.join(10)
    assert scheduler.running(Lane.BATCH) == 0


ONE = {Lane.EXPLANATION: Limits(1, 1, "Too many", patience=5.0)}


@pytest.mark.parametrize("door", ["thread", "async"])
def test_places_are_refused_at_once_when_too_many_wait(door: str) -> None:
    async def play() -> float:
        scheduler, done = Scheduler(ONE), asyncio.Event()

        async def take() -> None:
            async with scheduler.slot_async(Lane.EXPLANATION, Token()):
                await done.wait()

        tasks = [asyncio.create_task(take()) for _ in range(2)]
        await asyncio.sleep(0)
        assert (scheduler.running(Lane.EXPLANATION), scheduler.waiting(Lane.EXPLANATION)) == (1, 1)
        started = time.monotonic()
        with pytest.raises(Overloaded, match="Too many: try again in a few seconds") as refusal:
            if door == "thread":
                with scheduler.slot(Lane.EXPLANATION):
                    pytest.fail("there is no place")
            else:
                await take()
        seconds = time.monotonic() - started
        done.set()
        await asyncio.gather(*tasks)
        assert (scheduler.running(Lane.EXPLANATION), scheduler.waiting(Lane.EXPLANATION)) == (0, 0)
        assert refusal.value.retry_after == 5
        return seconds

    assert asyncio.run(play()) < 0.1


@pytest.mark.parametrize("door", ["thread", "async"])
def test_patience_has_an_end_and_the_place_in_the_queue_is_given_up(door: str) -> None:
    scheduler = Scheduler({Lane.EXPLANATION: replace(ONE[Lane.EXPLANATION], patience=0.05)})

    async def take() -> None:
        async with scheduler.slot_async(Lane.EXPLANATION, Token()):
            pytest.fail("there is no place")

    with scheduler.slot(Lane.EXPLANATION):
        with pytest.raises(Overloaded):
            if door == "thread":
                with scheduler.slot(Lane.EXPLANATION):
                    pytest.fail("there is no place")
            else:
                asyncio.run(take())
        assert scheduler.waiting(Lane.EXPLANATION) == 0
    with scheduler.slot(Lane.EXPLANATION):
        assert scheduler.running(Lane.EXPLANATION) == 1


def test_no_place_is_lost_to_clients_that_leave_at_any_moment() -> None:
    problems: list[object] = []

    async def play() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context))
        scheduler = Scheduler({Lane.EXPLANATION: Limits(2, 100, "Too many", patience=0.004)})

        async def visit(n: int) -> None:
            token = Token()
            asyncio.get_running_loop().call_later(0.0005 * (n % 11), token.cancel)
            try:
                async with scheduler.slot_async(Lane.EXPLANATION, token):
                    await asyncio.sleep(0.001)
            except (Cancelled, Overloaded):
                pass

        tasks = [asyncio.create_task(visit(n)) for n in range(90)]
        await asyncio.sleep(0.003)
        for task in tasks[::7]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (scheduler.running(Lane.EXPLANATION), scheduler.waiting(Lane.EXPLANATION)) == (0, 0)

    for _ in range(20):
        asyncio.run(play())
    assert not problems
