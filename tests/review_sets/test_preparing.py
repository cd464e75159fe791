"""Articles of sets are analyzed in the background, fairly, behind visitors, and whatever ends is gone on with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fakenews.engine import Engine
from fakenews.engine.errors import InputError, Overloaded
from fakenews.engine.scheduler import Lane
from fakenews.explain.base import Cancelled
from fakenews.review_sets import preparing as module
from fakenews.review_sets.preparing import SORRY, Preparer
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import NewItem
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import make
from fakenews.share.storage import StorageError
from fakenews.share.store import ShareStore
from tests.explain.toys import FAKE_WORD
from tests.review_sets.conftest import FIRST as ANSWER
from tests.review_sets.conftest import article, items


@pytest.fixture
def sets(tmp_path: Path) -> Iterator[SetStore]:
    """One kind of storage: what is analyzed does not depend on it."""
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}")
    yield SetStore(store)
    store.close()


@pytest.fixture
def preparer(engine: Engine, sets: SetStore) -> Preparer:
    return Preparer(engine, sets)


def wait_for(condition: object, seconds: float = 60.0) -> None:
    last = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < last
        time.sleep(0.02)


def test_a_server_that_is_stopped_while_it_starts_ends(preparer: Preparer, monkeypatch: pytest.MonkeyPatch) -> None:
    begins, ends = threading.Event(), threading.Event()
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "review-sets":
            begins.set()
            ends.wait(0.2)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    starting = threading.Thread(target=preparer.start)
    starting.start()
    begins.wait()
    preparer.stop()
    ends.set()
    starting.join()
    wait_for(lambda: "review-sets" not in [t.name for t in threading.enumerate()])
    preparer.start()
    wait_for(lambda: "review-sets" not in [t.name for t in threading.enumerate()])


def test_a_set_is_analyzed_in_the_background_as_a_share_of_each_article_is(
    engine: Engine, sets: SetStore, preparer: Preparer
) -> None:
    preparer.start()
    link = sets.create(items(2), title="Ours", models=["tfidf"])
    preparer.wake()
    wait_for(lambda: not sets.get(link.id).n_pending)
    preparer.stop()
    for number in range(2):
        found = sets.snapshot(link.owner, link.id, number).snapshot
        expected = make(engine, article(number), ["tfidf"])
        assert found is not None and [p.p_fake for p in found.analysis.predictions] == [
            p.p_fake for p in expected.analysis.predictions
        ]
        assert found.explanations[0].attributions == expected.explanations[0].attributions
        assert FAKE_WORD in [found.text[a.start : a.end] for a in found.explanations[0].attributions]


def test_progress_is_told(sets: SetStore, preparer: Preparer) -> None:
    link = sets.create(items(3), title="Ours")
    shares: list[float] = []
    found = preparer.prepare(link.id, shares.append)
    assert (found.n_pending, found.is_ready) == (0, True)
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0
    assert len(set(shares)) == 4


def test_a_set_that_is_deleted_is_prepared_no_further(sets: SetStore, preparer: Preparer) -> None:
    link, other = sets.create(items(3), title="Ours"), sets.create(items(1), title="Other")

    def delete(share: float) -> None:
        if share > 0.5 and sets.owned(link.owner):
            sets.delete(link.owner, link.id)

    with pytest.raises(NotShared):
        preparer.prepare(link.id, delete)
    assert preparer.step() and not preparer.step()
    assert sets.get(other.id).is_ready


def test_another_start_goes_on_where_the_last_one_ended(engine: Engine, sets: SetStore, preparer: Preparer) -> None:
    link = sets.create(items(3), title="Ours")
    assert preparer.step()
    before = sets.snapshot(link.owner, link.id, 0)

    def ended(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        preparer.step(ended)
    preparer.work.release()
    sets.storage.close()
    again = Preparer(engine, SetStore(sets.storage))
    assert again.prepare(link.id).is_ready
    assert sets.snapshot(link.owner, link.id, 0).snapshot == before.snapshot


def test_an_article_that_cannot_be_analyzed_keeps_no_other_waiting(
    sets: SetStore, preparer: Preparer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = module.make

    def failing(engine: Engine, text: str, *rest: object) -> object:
        if "copy 0" in text:
            raise InputError("There are no words to read here.")
        if "copy 1" in text:
            raise RuntimeError("secret")
        return real(engine, text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "make", failing)
    link = sets.create(items(3), title="Ours")
    assert preparer.prepare(link.id).is_ready
    found = sets.results(link.owner, link.id).items
    assert [item.problem for item in found] == ["There are no words to read here.", SORRY, ""]
    assert found[2].models and "RuntimeError" in caplog.text and "secret" not in caplog.text
    ada = sets.begin(link.id, "Ada")
    assert sets.answer(link.id, ada, ANSWER).verdict == "fake" and sets.shown(link.id, ada, 0).text == article(0)


def test_an_article_that_comes_while_the_models_are_overloaded_is_analyzed_later(
    sets: SetStore, preparer: Preparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = sets.create(items(1), title="Ours")

    def overloaded(*_: object) -> None:
        raise Overloaded("Too many articles are being read", 2)

    with monkeypatch.context() as busy:
        busy.setattr(module, "make", overloaded)
        with pytest.raises(Overloaded):
            preparer.step()
    assert sets.get(link.id).n_pending == 1
    assert preparer.step() and not sets.results(link.owner, link.id).items[0].problem


def test_a_set_for_which_there_is_no_room_becomes_ready_and_says_so(sets: SetStore, preparer: Preparer) -> None:
    link = sets.create(items(2), title="Ours")
    sets.storage.quota = 2 * len(article(0))
    assert preparer.prepare(link.id).is_ready
    assert all("full" in item.problem for item in sets.results(link.owner, link.id).items)


def test_storage_that_fails_for_a_while_loses_nothing(
    sets: SetStore, preparer: Preparer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    link = sets.create(items(2), title="Ours")
    is_down = threading.Event()
    is_down.set()
    asked = threading.Event()
    real = sets.storage.reading

    def reading() -> object:
        if is_down.is_set():
            asked.set()
            raise StorageError
        return real()

    monkeypatch.setattr(sets.storage, "reading", reading)
    preparer.start()
    assert asked.wait(30)
    is_down.clear()
    wait_for(lambda: not sets.get(link.id).n_pending)
    preparer.stop()
    assert "Review sets wait: StorageError." in caplog.text


def test_sets_take_turns(sets: SetStore, preparer: Preparer) -> None:
    """A small set that comes second is not kept waiting by a large one."""
    large, small = sets.create(items(5), title="Large"), sets.create(items(1, 90), title="Small")
    preparer.step()
    assert (sets.get(large.id).n_pending, sets.get(small.id).n_pending) == (4, 0)


def test_two_servers_share_the_sets_and_do_nothing_twice(
    engine: Engine, sets: SetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = [sets.create(items(3, 10 * i), title="Ours") for i in range(3)]
    made: list[str] = []
    real = module.make
    monkeypatch.setattr(module, "make", lambda engine, text, *rest: (made.append(text), real(engine, text, *rest))[1])

    def serve() -> None:
        server = Preparer(engine, SetStore(ShareStore(sets.storage.url)))
        while any(sets.get(link.id).n_pending for link in links):
            server.step()
        server.sets.storage.close()

    servers = [threading.Thread(target=serve) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(60)
    assert sorted(made) == sorted(article(10 * i + j) for i in range(3) for j in range(3))


def test_verdicts_go_before_articles_of_sets(engine: Engine, sets: SetStore, preparer: Preparer) -> None:
    """While visitors' explanations run, the next article waits; a cancelled wait ends the preparation."""
    scheduler = engine.scheduler
    link = sets.create(items(2), title="Ours")
    with scheduler.slot(Lane.VERDICT):
        preparer.start()
        wait_for(lambda: scheduler.running(Lane.BATCH))
        assert sets.get(link.id).n_pending == 2
        time.sleep(0.2)
        assert sets.get(link.id).n_pending == 2, "it gives way before it begins"
    wait_for(lambda: not sets.get(link.id).n_pending)
    preparer.stop()
    wait_for(lambda: not scheduler.running(Lane.BATCH))


def test_articles_of_a_corpus_are_read_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = module.CorpusTexts(engine)
    real, n_read = engine.evidence.corpus, 0

    def counted(name: str) -> object:
        nonlocal n_read
        n_read += 1
        return real(name)

    monkeypatch.setattr(engine.evidence, "corpus", counted)
    ids = [str(id_) for id_ in real("demo")["id"]]
    assert all(texts("demo", id_) for id_ in ids) and n_read == 1
    assert texts("demo", "nobody") is None and texts("no such corpus", ids[0]) is None
    kept = replace(NewItem(texts("demo", ids[0]) or ""), corpus="demo", article=ids[0], keep_text=False)
    assert kept.digest == NewItem(texts("demo", ids[0]) or "").digest
