"""A review set takes what it may take, shows everyone what they may see, and keeps every answer, in any storage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakenews.api.answers import STORED_AT_ONCE
from fakenews.engine.errors import InputError
from fakenews.review_sets import store as module
from fakenews.review_sets.rows import NO_TEXT
from fakenews.review_sets.store import AFTER, CLOSED, FIRST, FROZEN, NOT_ANALYZED, NOT_READY, SetStore
from fakenews.review_sets.values import Answer, NewItem, digest_of
from fakenews.schema import Span
from fakenews.share.keys import hashed, new_key
from fakenews.share.shared import NOT_SHARED, NotShared
from fakenews.share.snapshot import Snapshot
from fakenews.share.store import ShareStore
from tests.review_sets.conftest import FIRST as ANSWER
from tests.review_sets.conftest import SECOND, Ready, analyze, article, dump, items


def test_a_set_is_what_it_was_made_of_also_after_a_restart(sets: SetStore, store: ShareStore, ready: Ready) -> None:
    link = ready(sets, instructions="Read\r\nall.\x00", days=7)
    store.close()
    sets = SetStore(ShareStore(store.url, store.bucket and store.bucket.folder))
    found = sets.get(link.id)
    assert (found.title, found.instructions, found.blind, found.closed) == ("Ours", "Read\r\nall.", True, False)
    assert (found.n_articles, found.n_pending, found.is_ready) == (3, 0, True)
    assert found.expires == link.expires
    results = sets.results(link.owner, link.id)
    assert [(i.number, i.label, i.problem, i.is_pending) for i in results.items] == [
        (0, "fake", "", False), (1, "real", "", False), (2, None, "", False)
    ]  # fmt: skip
    assert {m.model for m in results.items[0].models} == {"tfidf", "word2vec"} and results.reviewers == ()
    assert results.items[0].heading == article(0).partition("\n")[0]
    assert sets.owned(link.owner) == ((found, 0),)
    sets.storage.close()


@pytest.mark.parametrize(
    ("new", "options", "message"),
    [
        ([], {}, "at least one"),
        (items(201), {}, "up to 200 articles; this would make 201"),
        (items(2) + items(1), {}, "twice"),
        ([NewItem("a\r\nb c d"), NewItem("a\nb c d")], {}, "twice"),
        ([NewItem(article(0), keep_text=False)], {}, "keep the texts"),
        (items(1), {"title": " \x00 "}, "Give the set a title"),
        (items(1), {"title": "x" * 121}, "121 characters"),
        (items(1), {"instructions": "x" * 4001}, "4,001 characters"),
        (items(1), {"days": 8}, "7, 30 or 90"),
        (items(1), {"owner": "guessable"}, "no owner's key"),
    ],
)
def test_a_set_that_cannot_be_made_is_refused_in_a_sentence(
    new: list[NewItem], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    sets = SetStore(ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket"))
    with pytest.raises(InputError, match=message):
        sets.create(new, **{"title": "Ours", **options})
    assert dump(sets.storage)["review_sets"] == [] and not list((tmp_path / "bucket").rglob("*.json"))
    sets.storage.close()


def test_adding_keeps_to_the_limits_and_stops_nobody_who_is_under_way(
    sets: SetStore, ready: Ready, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = ready(sets)
    ada = sets.begin(link.id, "Ada")
    order = sets.reviewer(link.id, ada).order
    with pytest.raises(NotShared):
        sets.add(new_key(32), link.id, items(1, 3))
    for new in (items(1), items(198, 3)):
        with pytest.raises(InputError, match="twice|this would make 201"):
            sets.add(link.owner, link.id, new)
    sets.add(link.owner, link.id, items(2, 3))
    found = sets.get(link.id)
    assert (found.n_articles, found.n_pending, found.is_ready) == (5, 2, True)
    assert sets.reviewer(link.id, ada).order == order, "nobody is shown what has yet to be analyzed"
    assert sets.answer(link.id, ada, ANSWER).verdict == "fake"
    with pytest.raises(InputError, match=NOT_ANALYZED):
        sets.answer(link.id, ada, replace(ANSWER, number=3))
    bob = sets.begin(link.id, "Bob")
    assert analyze(sets, snapshot) == 2
    later = sets.reviewer(link.id, ada).order
    assert sorted(later) == [0, 1, 2, 3, 4] and tuple(n for n in later if n < 3) == order
    assert sets.answer(link.id, bob, replace(ANSWER, number=4)).number == 4


def test_nobody_begins_before_the_first_articles_are_analyzed(sets: SetStore, snapshot: Snapshot) -> None:
    link = sets.create(items(2), title="Ours")
    assert not sets.get(link.id).is_ready
    with pytest.raises(InputError, match=NOT_READY):
        sets.begin(link.id, "Ada")
    assert analyze(sets, snapshot) == 2
    assert sets.begin(link.id, "Ada")


def test_a_set_of_which_nothing_could_be_analyzed_can_be_reviewed(sets: SetStore) -> None:
    link = sets.create(items(2), title="Ours")
    analyze(sets, None, "There are no words to read here.")
    ada = sets.begin(link.id, "Ada")
    sets.answer(link.id, ada, ANSWER)
    sets.answer(link.id, ada, SECOND)
    shown = sets.shown(link.id, ada, 0)
    assert (shown.text, shown.snapshot, shown.problem) == (article(0), None, "There are no words to read here.")
    (ada_,) = sets.results(link.owner, link.id).reviewers
    assert ada_.answers[0].after == "real"


def test_the_storage_may_be_full(sets: SetStore, snapshot: Snapshot) -> None:
    size = sum(len(item.text) for item in items(2))
    sets.storage.quota = size
    with pytest.raises(InputError, match=r"full: make a smaller set"):
        sets.create(items(3), title="Ours")
    link = sets.create(items(2), title="Ours")
    with pytest.raises(InputError, match="full"):
        sets.add(link.owner, link.id, items(1, 2))
    sets.delete(link.owner, link.id)
    sets.create(items(2), title="Ours")


def test_in_a_blind_set_the_own_verdict_comes_first_and_stands(sets: SetStore, ready: Ready) -> None:
    link = ready(sets)
    ada, bob = sets.begin(link.id, "Ada"), sets.begin(link.id, "Bob")
    for early in (SECOND, replace(SECOND, after=None), replace(SECOND, spans=())):
        with pytest.raises(InputError, match=FIRST):
            sets.answer(link.id, ada, early)
    assert sets.shown(link.id, ada, 0).snapshot is None and sets.shown(link.id, ada, 0).text == article(0)
    sets.answer(link.id, ada, ANSWER)
    shown = sets.shown(link.id, ada, 0).snapshot
    assert shown is not None and shown.text == article(0) and len(shown.analysis.predictions) == 2
    assert sets.shown(link.id, ada, 1).snapshot is None and sets.shown(link.id, bob, 0).snapshot is None
    with pytest.raises(InputError, match=FROZEN):
        sets.answer(link.id, ada, replace(ANSWER, verdict="real"))
    stored = sets.answer(link.id, ada, replace(SECOND, confidence=1, seconds=99.0))
    assert replace(stored, saved=0) == SECOND
    assert sets.answer(link.id, ada, replace(SECOND, after="cannot_judge", spans=())).after == "cannot_judge"
    assert sets.reviewer(link.id, bob).answers == {}


def test_a_first_verdict_that_comes_late_undoes_nothing(sets: SetStore, ready: Ready) -> None:
    link = ready(sets)
    ada = sets.begin(link.id, "Ada")
    sets.answer(link.id, ada, ANSWER)
    second = sets.answer(link.id, ada, SECOND)
    assert sets.answer(link.id, ada, ANSWER) == second
    with pytest.raises(InputError, match=AFTER):
        sets.answer(link.id, ada, replace(ANSWER, comment="Something else."))
    assert sets.reviewer(link.id, ada).answers == {0: second}


def test_in_an_open_set_everything_is_seen_and_can_be_changed(sets: SetStore, ready: Ready) -> None:
    link = ready(sets, blind=False)
    ada = sets.begin(link.id, "Ada")
    assert sets.shown(link.id, ada, 0).snapshot is not None
    with pytest.raises(InputError, match="leave “after” out"):
        sets.answer(link.id, ada, SECOND)
    sets.answer(link.id, ada, replace(SECOND, after=None))
    changed = sets.answer(link.id, ada, replace(ANSWER, verdict="real", confidence=None))
    assert (changed.verdict, changed.confidence, changed.spans, changed.comment) == ("real", None, (), "")
    assert sets.reviewer(link.id, ada).answers == {0: changed}


def test_an_answer_sent_twice_is_stored_once(sets: SetStore, ready: Ready, tmp_path: Path) -> None:
    link = ready(sets)
    ada = sets.begin(link.id, "Ada")
    first = sets.answer(link.id, ada, ANSWER)
    n_objects = len(list(tmp_path.rglob("*.json")))
    assert sets.answer(link.id, ada, ANSWER) == first
    assert len(list(tmp_path.rglob("*.json"))) == n_objects
    second = sets.answer(link.id, ada, SECOND)
    assert second.saved > first.saved and sets.answer(link.id, ada, SECOND) == second
    (reviewer,) = sets.results(link.owner, link.id).reviewers
    assert reviewer.answers == {0: second}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "true"}, "one of fake, real, cannot_judge"),
        ({"confidence": 6}, r"1 \(a guess\) to 5"),
        ({"seconds": -1.0}, "0 to 86,400"),
        ({"seconds": float("nan")}, "0 to 86,400"),
        ({"comment": "x" * 2001}, "2,001 characters"),
        ({"spans": (Span(4, 4),)}, "within 0 to"),
        ({"spans": (Span(0, 10**9),)}, "within 0 to"),
        ({"spans": tuple(Span(i, i + 1) for i in range(201))}, "at most 200"),
        ({"number": 3}, "no article 3"),
        ({"number": -1}, "no article -1"),
        ({"number": 10**30}, "no article 10"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_refused_in_a_sentence(
    change: dict[str, Any], message: str, tmp_path: Path, ready: Ready
) -> None:
    sets = SetStore(ShareStore(f"sqlite:///{tmp_path / 's.db'}"))
    link = ready(sets, blind=False)
    ada = sets.begin(link.id, "Ada")
    with pytest.raises(InputError, match=message):
        sets.answer(link.id, ada, replace(ANSWER, **change))
    assert sets.reviewer(link.id, ada).answers == {}
    sets.storage.close()


def test_begun_twice_with_the_browsers_key_is_one_reviewer(sets: SetStore, ready: Ready) -> None:
    link, key = ready(sets), new_key(16)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: sets.begin(link.id, "Ada", key), range(4))) == {key}
    with pytest.raises(InputError, match="22 letters"):
        sets.begin(link.id, "Ada", "guessable")
    (reviewer,) = sets.results(link.owner, link.id).reviewers
    assert (reviewer.number, reviewer.name) == (1, "Ada")
    other = ready(sets, 2)
    assert sets.begin(other.id, "Ada", key) == key, "a browser may send the same key to another set"
    assert sets.reviewer(other.id, key).order != () and sets.reviewer(link.id, key).number == 1


def test_a_set_takes_so_many_reviewers(sets: SetStore, ready: Ready, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REVIEWERS", 2)
    link = ready(sets)
    keys = [sets.begin(link.id, "Ada") for _ in range(2)]
    with pytest.raises(InputError, match="2 reviewers, and takes no more"):
        sets.begin(link.id, "Bob")
    assert sets.begin(link.id, "Ada", keys[0]) == keys[0]


def test_a_closed_set_takes_nothing_until_it_is_opened_again(sets: SetStore, ready: Ready) -> None:
    link = ready(sets)
    ada = sets.begin(link.id, "Ada")
    sets.answer(link.id, ada, ANSWER)
    sets.close(link.owner, link.id)
    for ask in (lambda: sets.begin(link.id, "Bob"), lambda: sets.answer(link.id, ada, SECOND)):
        with pytest.raises(InputError, match=CLOSED):
            ask()
    assert sets.get(link.id).closed and sets.reviewer(link.id, ada).answers[0].verdict == "fake"
    assert sets.begin(link.id, "Ada", ada) == ada
    sets.close(link.owner, link.id, closed=False)
    assert sets.answer(link.id, ada, SECOND).after == "real" and not sets.get(link.id).closed


def test_sets_expire_and_are_purged(sets: SetStore, ready: Ready) -> None:
    now = [1_000_000.0]
    sets.storage.clock = lambda: now[0]
    link = ready(sets, days=7)
    ada = sets.begin(link.id, "Ada")
    sets.answer(link.id, ada, ANSWER)
    now[0] += 6 * 86_400
    ends = sets.expire(link.owner, link.id, 30)
    now[0] += 29 * 86_400
    assert sets.get(link.id).expires == ends
    now[0] += 2 * 86_400
    for ask in everything(sets, link.id, link.owner, ada):
        with pytest.raises(NotShared):
            ask()
    assert sets.owned(link.owner) == ()
    sets.storage.purge()
    gone = dump(sets.storage, "applied")
    assert not any(gone.values())


def everything(sets: SetStore, id_: str, owner: str, reviewer: str) -> list[Callable[[], object]]:
    """Return whatever can be asked about a set."""
    return [
        lambda: sets.get(id_),
        lambda: sets.results(owner, id_),
        lambda: sets.snapshot(owner, id_, 0),
        lambda: sets.add(owner, id_, items(1, 90)),
        lambda: sets.close(owner, id_),
        lambda: sets.expire(owner, id_, 7),
        lambda: sets.forget(owner, id_, 1),
        lambda: sets.begin(id_, "Bob"),
        lambda: sets.reviewer(id_, reviewer),
        lambda: sets.shown(id_, reviewer, 0),
        lambda: sets.answer(id_, reviewer, SECOND),
        lambda: sets.delete(owner, id_),
    ]


def test_another_key_opens_nothing_and_gets_the_same_answer(sets: SetStore, ready: Ready) -> None:
    link, other = ready(sets), ready(sets)
    ada, eve = sets.begin(link.id, "Ada"), sets.begin(other.id, "Eve")
    sets.answer(link.id, ada, ANSWER)
    before = dump(sets.storage)
    anyone = {0, 7}  # seen and begun by whoever has the link
    for i, ask in enumerate(everything(sets, link.id, other.owner, eve)):
        if i not in anyone:
            with pytest.raises(NotShared) as caught:
                ask()
            assert str(caught.value) == NOT_SHARED
    for id_ in ("", "x", "\ud800", "' OR 1=1 --", "a" * 100_000):
        for ask in everything(sets, id_, link.owner, ada):
            with pytest.raises(NotShared):
                ask()
    assert dump(sets.storage) == before


def test_an_owner_sees_all_sets_of_one_key(sets: SetStore, ready: Ready) -> None:
    first = ready(sets)
    second = sets.create(items(1), title="Second", owner=first.owner)
    sets.begin(first.id, "Ada")
    assert second.owner == first.owner != ready(sets).owner
    assert {(found.id, n) for found, n in sets.owned(first.owner)} == {(first.id, 1), (second.id, 0)}


def test_neither_ids_nor_keys_are_stored(sets: SetStore, ready: Ready, tmp_path: Path) -> None:
    link = ready(sets)
    ada = sets.begin(link.id, "Ada")
    stored = str(dump(sets.storage)) + "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert hashed(link.id) in stored
    assert not [secret for secret in (link.id, link.owner, ada) if secret in stored]


@pytest.mark.parametrize("here", ["the corpus", "no corpus", "another text"])
def test_articles_kept_by_their_ids(here: str, sets: SetStore, snapshot: Snapshot) -> None:
    texts = {("isot", "a"): article(0), ("isot", "b"): article(1)}
    sets.text_of = lambda corpus, id_: texts.get((corpus, id_))
    new = [NewItem(text, "fake", corpus, id_, keep_text=False) for (corpus, id_), text in texts.items()]
    link = sets.create(new, title="Ours", blind=False)
    analyze(sets, snapshot)
    assert article(0) not in str(dump(sets.storage)) and digest_of(article(0)) in str(dump(sets.storage))
    if here != "the corpus":
        texts.clear()
        if here == "another text":
            texts["isot", "a"] = article(0) + " It was changed."
    ada = sets.begin(link.id, "Ada")
    shown, result = sets.shown(link.id, ada, 0), sets.results(link.owner, link.id).items[0]
    assert (result.corpus, result.article, len(result.models)) == ("isot", "a", 2)
    if here == "the corpus":
        assert shown.text == article(0) and shown.snapshot is not None and result.heading
        sets.answer(link.id, ada, replace(ANSWER, spans=(Span(0, 5),)))
    else:
        assert (shown.text, shown.snapshot, shown.problem, result.heading) == (None, None, NO_TEXT.format("isot"), "")
        with pytest.raises(InputError, match="within 0 to 0"):
            sets.answer(link.id, ada, replace(ANSWER, spans=(Span(0, 5),)))
        assert sets.answer(link.id, ada, ANSWER).verdict == "fake"


def test_thirty_reviewers_at_once_lose_and_double_nothing(sets: SetStore, ready: Ready) -> None:
    """Each begins, answers all articles, half of them twice; the index holds every answer that was confirmed."""
    n_reviewers, n_articles = 30, 4
    link = ready(sets, n_articles)
    together = threading.Barrier(STORED_AT_ONCE)

    def review(i: int) -> dict[int, Answer]:
        if i < STORED_AT_ONCE:
            together.wait()
        key = sets.begin(link.id, f"Reviewer {i}", new_key(16))
        confirmed = {}
        for number in sets.reviewer(link.id, key).order:
            for _ in range(1 + (number % 2)):
                sets.answer(link.id, key, replace(ANSWER, number=number, confidence=1 + i % 5))
            confirmed[number] = sets.answer(link.id, key, replace(SECOND, number=number, comment=f"{i} {number}"))
        assert sets.reviewer(link.id, key).answers == confirmed
        return confirmed

    with ThreadPoolExecutor(STORED_AT_ONCE) as pool:
        confirmed = list(pool.map(review, range(n_reviewers)))
    reviewers = sets.results(link.owner, link.id).reviewers
    assert [r.number for r in reviewers] == list(range(1, n_reviewers + 1))
    found = {r.name: r.answers for r in reviewers}
    assert found == {f"Reviewer {i}": answers for i, answers in enumerate(confirmed)}
