"""Questions that arrive together are answered together, and none spoils or starves another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from fakenews.batching import Batcher, Full


class Slow:
    """Doubles numbers, one call at a time, as fast as it is let; refuses to double 13."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.go_on = threading.Event()
        self.begun = threading.Event()

    def __call__(self, key: str, items: list[int]) -> list[int]:
        self.calls.append((key, items))
        self.begun.set()
        assert self.go_on.wait(10)
        if 13 in items:
            raise ValueError("13")
        return [2 * item for item in items]


@pytest.fixture
def slow() -> Slow:
    return Slow()


def queue_up(slow: Slow, batcher: Batcher[str, int, int], asked: list[tuple[str, int]]) -> list[Future[int]]:
    """Ask for 0, and for the rest while that is being answered, in order; then let all answers through."""
    futures = [in_thread(batcher, "a", 0)]
    assert slow.begun.wait(10)
    for n, (key, item) in enumerate(asked, 1):
        futures.append(in_thread(batcher, key, item))
        until(lambda n=n: len(batcher) == n)
    slow.go_on.set()
    assert not wait(futures, 10).not_done, "somebody waits for ever"
    return futures


def in_thread(batcher: Batcher[str, int, int], key: str, item: int) -> Future[int]:
    """Ask in a thread that does not keep the tests from ending if it is never answered."""
    asked: Future[int] = Future()

    def ask() -> None:
        try:
            asked.set_result(batcher.ask(key, item))
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
    batcher = Batcher(slow, told=sizes.append)
    futures = queue_up(slow, batcher, [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)])
    assert [f.result() for f in futures] == [0, 2, 4, 6, 8, 10]
    assert slow.calls == [("a", [0]), ("a", [1, 3, 4]), ("b", [2, 5])]
    assert sizes == [1, 3, 2]


def test_a_call_has_an_end(slow: Slow) -> None:
    queue_up(slow, Batcher(slow, at_once=3), [("a", n) for n in range(1, 8)])
    assert [len(items) for _, items in slow.calls] == [1, 3, 3, 1]


def test_one_bad_item_does_not_spoil_the_others(slow: Slow) -> None:
    zero, one, bad, three = queue_up(slow, Batcher(slow), [("a", 1), ("a", 13), ("a", 3)])
    assert (zero.result(), one.result(), three.result()) == (0, 2, 6)
    with pytest.raises(ValueError, match="13"):
        bad.result()


class Short(Slow):
    """Forgets the last answer of several."""

    def __call__(self, key: str, items: list[int]) -> list[int]:
        answers = super().__call__(key, items)
        return answers[:-1] if len(items) > 1 else answers


def test_too_few_answers_are_an_error_for_everybody_and_nobody_waits_for_ever() -> None:
    short = Short()
    batcher = Batcher(short)
    zero, *others = queue_up(short, batcher, [("a", 1), ("a", 2), ("a", 3)])
    assert zero.result() == 0
    for future in others:
        with pytest.raises(RuntimeError, match="2 answers to 3 items"):
            future.result()
    assert batcher.ask("a", 4) == 8, "the next ones are answered"


def test_what_ends_a_thread_is_an_error_for_who_asked(slow: Slow) -> None:
    def leave(key: str, items: list[int]) -> list[int]:
        if 13 in items:
            raise SystemExit(1)
        return slow(key, items)

    slow.go_on.set()
    batcher = Batcher(leave)
    asked = in_thread(batcher, "a", 13)
    with pytest.raises(RuntimeError, match="The call was ended by SystemExit"):
        asked.result(10)
    assert batcher.ask("a", 3) == 6


def test_too_many_are_refused_at_once_and_the_others_answered(slow: Slow) -> None:
    batcher = Batcher(slow, waiting=2)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(batcher.ask, "a", 0)]
        assert slow.begun.wait(10)
        futures += [pool.submit(batcher.ask, "a", n) for n in (1, 2)]
        until(lambda: len(batcher) == 2)
        with pytest.raises(Full):
            batcher.ask("a", 3)
        slow.go_on.set()
    assert sorted(f.result() for f in futures) == [0, 2, 4]
    assert batcher.ask("a", 3) == 6


def test_a_size_that_cannot_be_told_is_logged_and_the_answers_come(
    slow: Slow, caplog: pytest.LogCaptureFixture
) -> None:
    def told(size: int) -> None:
        raise OSError("no room for figures")

    batcher = Batcher(slow, told=told)
    slow.go_on.set()
    assert in_thread(batcher, "a", 2).result(10) == 4
    assert "no room for figures" in caplog.text
