"""What was acknowledged, and only that, comes back from the bucket; several servers share the work and do it once."""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from fakenews.review_sets.store import SetStore
from fakenews.review_sets.work import CLAIM_SECONDS, TEXT_SECONDS, WorkList
from fakenews.share.keys import hashed, new_key
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import Snapshot
from fakenews.share.sql import open_engine, transaction
from fakenews.share.storage import StorageError
from fakenews.share.store import ShareStore
from fakenews.share.tables import METADATA
from tests.review_sets.conftest import FIRST as ANSWER
from tests.review_sets.conftest import SECOND, Ready, analyze, article, dump, items


def played(sets: SetStore, ready: Ready) -> str:
    """Let everything happen that can happen to sets; return the owner's key."""
    link = ready(sets)
    other = ready(sets, 2, owner=link.owner, blind=False)
    keys = [sets.begin(link.id, name, new_key(16)) for name in ("Ada", "Bob", "Cyd")]
    for key in keys:
        for number in (0, 2):
            sets.answer(link.id, key, replace(ANSWER, number=number))
        sets.answer(link.id, key, SECOND)
    sets.add(link.owner, link.id, items(1, 50))
    sets.forget(link.owner, link.id, 3)
    sets.begin(link.id, "Cyd again", keys[2])
    sets.answer(link.id, keys[2], replace(ANSWER, number=1))
    sets.forget(link.owner, link.id, 2)
    for closed in (True, False, True):
        sets.close(link.owner, link.id, closed)
    sets.expire(link.owner, other.id, 7)
    gone = ready(sets, 1, owner=link.owner)
    sets.begin(gone.id, "Dan")
    sets.delete(link.owner, gone.id)
    return link.owner


@pytest.mark.parametrize("again", ["the first", "opened again"])
def test_an_index_rebuilt_from_the_bucket_is_equal(again: str, ready: Ready, store: ShareStore, tmp_path: Path) -> None:
    if store.bucket is None:
        pytest.skip("nothing to rebuild it from")
    sets = SetStore(store)
    owner = played(sets, ready)
    if again == "opened again":
        store.close()
    before = dump(store)
    rebuilt = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", store.bucket.folder)
    after = dump(rebuilt, "applied")
    assert after == {name: rows for name, rows in before.items() if name != "applied"}
    assert [len(after[name]) for name in ("review_sets", "set_items", "set_reviewers", "set_answers")] == [2, 6, 2, 3]
    found = next(s for s, _ in SetStore(rebuilt).owned(owner) if s.closed)
    assert [r.number for r in SetStore(rebuilt).results(owner, found.id).reviewers] == [1, 4]
    rebuilt.close()
    assert dump(rebuilt, "applied") == after, "taking in twice changes nothing"
    rebuilt.close()


def test_a_forgotten_reviewer_is_gone_from_index_and_bucket(sets: SetStore, ready: Ready, tmp_path: Path) -> None:
    link = ready(sets)
    ada, bob = sets.begin(link.id, "Ada Lovelace"), sets.begin(link.id, "Bob")
    sets.answer(link.id, ada, ANSWER)
    mine = sets.answer(link.id, bob, ANSWER)
    sets.forget(link.owner, link.id, 1)
    for _ in range(2):
        with pytest.raises(NotShared):
            sets.reviewer(link.id, ada)
        assert [r.name for r in sets.results(link.owner, link.id).reviewers] == ["Bob"]
        assert sets.reviewer(link.id, bob).answers == {0: mine}
        sets.storage.close()  # nor does it come back at the next start
    kept = str(dump(sets.storage)) + "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert "Lovelace" not in kept and hashed(ada) not in kept
    again = sets.begin(link.id, "Ada", ada)
    sets.answer(link.id, again, ANSWER)
    sets.storage.close()
    assert sets.reviewer(link.id, ada).number == 3 and sets.reviewer(link.id, ada).answers


def test_a_deleted_set_is_gone_from_index_and_bucket(sets: SetStore, ready: Ready, tmp_path: Path) -> None:
    link = ready(sets)
    sets.answer(link.id, sets.begin(link.id, "Ada"), ANSWER)
    sets.delete(link.owner, link.id)
    for _ in range(2):
        with pytest.raises(NotShared):
            sets.get(link.id)
        sets.storage.close()
    assert not any(dump(sets.storage, "applied").values())
    assert not [path for path in tmp_path.rglob("*.json") if "-delete-" not in path.name]


@pytest.mark.parametrize("what", ["forget", "delete"])
def test_erasing_that_a_crash_cut_short_is_finished_at_the_next_start(
    what: str, ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    sets = SetStore(store)
    link = ready(sets)
    for name in ("Ada Lovelace", "Bob"):
        sets.answer(link.id, sets.begin(link.id, name), ANSWER)
    with monkeypatch.context() as crashing:
        crashing.setattr(store.bucket, "erase", lambda *_: sys.exit())
        with pytest.raises(SystemExit):
            sets.forget(link.owner, link.id, 1) if what == "forget" else sets.delete(link.owner, link.id)

    def left() -> str:
        return "".join(path.read_text() for path in (tmp_path / "bucket").rglob("*.json"))

    assert "Lovelace" in left()
    store.close()
    rebuilt = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", tmp_path / "bucket")
    names = [row[3] for row in dump(rebuilt)["set_reviewers"]]
    assert "Lovelace" not in left() and not [name for name in names if "Lovelace" in str(name)]
    assert len(names) == (1 if what == "forget" else 0)
    assert dump(store, "applied") == dump(rebuilt, "applied")
    rebuilt.close()
    store.close()


KINDS = ("set", "items", "analysis", "reviewer", "answer")


@pytest.mark.parametrize("order", list(itertools.permutations(KINDS))[::7], ids="-".join)
def test_a_bucket_that_shows_the_newer_first_gives_the_same_index(
    order: tuple[str, ...], snapshot: Snapshot, tmp_path: Path
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "bucket")
    sets = SetStore(store)
    link = sets.create(items(1), title="Ours")
    analyze(sets, snapshot)
    sets.add(link.owner, link.id, items(1, 1))
    analyze(sets, snapshot)
    sets.answer(link.id, sets.begin(link.id, "Ada"), replace(ANSWER, number=1))
    for closed in (True, False):
        sets.close(link.owner, link.id, closed)
    before = dump(store)
    (place,) = {path.parent for path in (tmp_path / "bucket").rglob("*.json")}
    hidden = {kind: list(place.glob(f"*-{kind}-*")) for kind in order}
    for path in itertools.chain(*hidden.values()):
        path.rename(path.with_suffix(".hidden"))
    late = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", tmp_path / "bucket")
    for kind in order:
        for path in hidden[kind]:
            path.with_suffix(".hidden").rename(path)
        late.open()
        late.close()
    assert dump(late) == before
    store.close()


def test_a_reviewer_whose_objects_show_up_after_the_word_that_they_were_deleted_stays_away(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    sets = SetStore(store)
    link = ready(sets)
    sets.answer(link.id, sets.begin(link.id, "Ada"), ANSWER)
    with monkeypatch.context() as hiding:
        hiding.setattr(store.bucket, "erase", lambda *_: None)
        sets.forget(link.owner, link.id, 1)
    late = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", tmp_path / "bucket")
    hidden = [path for kind in ("reviewer", "answer") for path in (tmp_path / "bucket").rglob(f"*-{kind}-*")]
    for path in hidden:
        path.rename(path.with_suffix(".hidden"))
    assert dump(late)["set_reviewers"] == []
    late.close()
    for path in hidden:
        path.with_suffix(".hidden").rename(path)
    found = dump(late)
    assert found["set_reviewers"] == found["set_answers"] == []
    assert not list((tmp_path / "bucket").rglob("*-answer-*"))
    late.close()
    store.close()


def test_what_the_bucket_does_not_take_is_not_in_the_index(
    ready: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    sets = SetStore(store)
    link = ready(sets)
    ada = sets.begin(link.id, "Ada")
    before = dump(store)

    def full(event: object) -> str:
        raise OSError("No space left on device")

    monkeypatch.setattr(store.bucket, "write", full)
    for call in (
        lambda: sets.answer(link.id, ada, ANSWER),
        lambda: sets.forget(link.owner, link.id, 1),
        lambda: sets.create(items(1), title="Ours"),
    ):
        with pytest.raises(StorageError):
            call()
        assert dump(store) == before
    store.close()


@pytest.mark.parametrize("index", ["sqlite", "postgres"])
def test_shares_of_an_index_of_the_first_version_are_kept(
    index: str, request: pytest.FixtureRequest, snapshot: Snapshot, tmp_path: Path
) -> None:
    url = request.getfixturevalue("postgres") if index == "postgres" else f"sqlite:///{tmp_path / 's.db'}"
    store = ShareStore(url)
    link = store.share(snapshot)
    shares = dump(store)["shares"]
    config = Config()
    config.set_main_option("script_location", "fakenews.share:migrations")
    with transaction(store.open()) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    store.close()
    assert dump(store)["shares"] == shares and store.get(link.id).snapshot.text == snapshot.text
    SetStore(store).create(items(1), title="Ours")
    store.close()
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "alembic_version"})
        assert compare_metadata(context, METADATA) == [], "the migrations make what the tables say"
    engine.dispose()


def test_two_servers_do_not_analyze_an_article_twice_and_one_takes_over(sets: SetStore, snapshot: Snapshot) -> None:
    now = [1_000_000.0]
    sets.storage.clock = lambda: now[0]
    link = sets.create(items(3), title="Ours")
    (set_hash,) = WorkList(sets.storage, sets.text_of).waiting()
    one, two = (WorkList(sets.storage, sets.text_of) for _ in range(2))
    work = one.claim(set_hash)
    assert work is not None and (work.number, work.text) == (0, article(0))
    assert two.claim(set_hash) is None
    one.analyzed(work, snapshot)
    second = one.claim(set_hash)
    assert second is not None and second.number == 1 and two.claim(set_hash) is None
    now[0] += 0.6 * CLAIM_SECONDS
    one.keep(second)  # it takes long, and goes on
    now[0] += 0.6 * CLAIM_SECONDS
    assert two.claim(set_hash) is None
    now[0] += CLAIM_SECONDS
    taken = two.claim(set_hash)  # as the first one was killed, it seems
    assert taken is not None and taken.number == 1
    assert one.claim(set_hash) is None
    two.analyzed(taken, snapshot)
    before = dump(sets.storage)
    one.analyzed(second, None, "too late")
    assert dump(sets.storage) == before and not sets.results(link.owner, link.id).items[1].problem
    two.release()
    assert one.claim(set_hash) is not None, "a server that ends lets others go on at once"


def test_a_server_without_the_corpus_leaves_its_articles_to_one_that_has_it(sets: SetStore) -> None:
    now = [1_000_000.0]
    sets.storage.clock = lambda: now[0]
    sets.create([replace(items(1)[0], corpus="isot", article="a", keep_text=False)], title="Ours")
    lacking = WorkList(sets.storage, lambda corpus, id_: None)
    having = WorkList(sets.storage, lambda corpus, id_: article(0))
    (set_hash,) = lacking.waiting()
    assert lacking.claim(set_hash) is None
    work = having.claim(set_hash)
    assert work is not None and work.text == article(0)
    having.release()
    now[0] += TEXT_SECONDS
    given_up = lacking.claim(set_hash)
    assert given_up is not None and given_up.text is None


def test_an_object_that_cannot_be_taken_in_keeps_no_other_out(
    ready: Ready, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    sets = SetStore(store)
    link = ready(sets)
    sets.answer(link.id, sets.begin(link.id, "Ada"), ANSWER)
    before = dump(store, "applied")
    store.close()
    of = {"share": hashed(link.id), "at": 1}
    for i, event in enumerate(
        [
            {**of, "kind": "items", "items": [{}], "first": 0, "size": "secret"},
            {**of, "kind": "analysis", "number": 77, "models": None, "snapshot": None, "problem": "x", "size": 1},
            {**of, "kind": "answer", "reviewer": "nobody", "number": 0},
            {**of, "kind": "forget", "reviewer": ["secret"], "number": 1},
            {**of, "kind": "close", "closed": True},
            {**of, "kind": "set", "items": []},
        ]
    ):
        (store.bucket._place(hashed(link.id)) / f"bad{i}-{event['kind']}-.json").write_text(json.dumps(event))
    after = dump(store, "applied")
    assert {k: v for k, v in after.items() if k != "review_sets"} == {
        k: v for k, v in before.items() if k != "review_sets"
    }
    assert "cannot be taken in" in caplog.text and "secret" not in caplog.text
    store.close()
