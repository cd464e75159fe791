"""What was acknowledged can be read again, by whoever holds the link and by nobody else, from any kind of storage."""

from __future__ import annotations

import itertools
import json
import os
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, make_url, select, text

from fakenews.api.answers import STORED_AT_ONCE
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.schema import Span
from fakenews.share import events, sql
from fakenews.share import store as module
from fakenews.share.keys import hashed, new_key
from fakenews.share.shared import NOT_SHARED, NotShared
from fakenews.share.snapshot import Snapshot
from fakenews.share.storage import StorageError
from fakenews.share.store import ShareStore
from fakenews.share.tables import METADATA
from tests.share.conftest import snapshot_of

REVIEW = {"name": "Ada", "verdict": "fake", "agree": {"tfidf": True}, "spans": [Span(0, 4)], "comment": "So it is."}


def dump(store: ShareStore) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with store.reading() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(select(table)))
            for name, table in METADATA.tables.items()
        }


def test_a_link_shows_what_was_shared_also_after_a_restart(store: ShareStore, snapshot: Snapshot) -> None:
    link = store.share(snapshot)
    assert store.get(link.id).snapshot.to_dict() == snapshot.to_dict()
    store.close()
    again = ShareStore(store.url, store.bucket and store.bucket.folder)
    assert again.get(link.id).snapshot.to_dict() == snapshot.to_dict()
    again.close()


def test_a_database_without_an_encoding_keeps_every_character(postgres: str, engine: Engine) -> None:
    import psycopg

    shared = snapshot_of(engine, "«Ça va», said the 市长 \U0001f98e in the city, and nobody knew why. " * 4)
    name = f"{make_url(postgres).database}_ascii"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
        store = ShareStore(make_url(postgres).set(database=name).render_as_string(hide_password=False))
        link = store.share(shared)
        assert store.get(link.id).snapshot.to_dict() == shared.to_dict()
        store.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("place", ["file/shares.db", "/proc/shares.db"])
def test_storage_that_may_not_be_written_is_told_from_storage_that_does_not_answer(
    tmp_path: Path, snapshot: Snapshot, place: str
) -> None:
    (tmp_path / "file").write_text("no database, and no folder")
    store = ShareStore(f"sqlite:///{tmp_path / place}")
    with pytest.raises(StorageError, match="may not write to its storage") as caught:
        store.share(snapshot)
    assert "try again" not in str(caught.value) and str(tmp_path) not in str(caught.value)
    store.close()


def test_ids_hold_128_bits_and_are_not_stored(store: ShareStore, snapshot: Snapshot, tmp_path: Path) -> None:
    link = store.share(snapshot)
    assert len(link.id) == 22 and len(link.owner) == 43
    stored = json.dumps(dump(store), default=str)
    stored += "".join(p.read_text() for p in tmp_path.rglob("*.json"))
    assert link.id not in stored and link.owner not in stored


def test_no_key_looks_like_an_option(monkeypatch: pytest.MonkeyPatch, snapshot: Snapshot, tmp_path: Path) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}")
    real, given = module.share_id, iter(("-a", "-b"))
    monkeypatch.setattr(module, "share_id", lambda owner, nonce: next(given, "") or real(owner, nonce))
    link = store.share(snapshot)
    assert next(given, None) is None and not link.id.startswith("-") and store.exists(link.id)
    tried = iter(("-x", "-y", "z"))
    monkeypatch.setattr(module.secrets, "token_urlsafe", lambda n: next(tried))
    assert new_key(3) == "z"
    store.close()


@pytest.mark.parametrize(
    "id_", ["", "x", "a" * 22, "é" * 22, "\ud800", "../../etc/passwd", "' OR 1=1 --", "a" * 100_000]
)
def test_whatever_is_not_there_gets_the_same_answer(store: ShareStore, id_: str) -> None:
    assert not store.exists(id_)
    for ask in (lambda: store.get(id_), lambda: store.delete("x", id_), lambda: store.begin(id_, "Ada", "fake")):
        with pytest.raises(NotShared) as caught:
            ask()
        assert str(caught.value) == NOT_SHARED


def test_deleted_is_gone_from_index_and_bucket(store: ShareStore, snapshot: Snapshot, tmp_path: Path) -> None:
    link = store.share(snapshot)
    store.review(link.id, **REVIEW)
    with pytest.raises(NotShared):
        store.delete("not the owner", link.id)
    store.delete(link.owner, link.id)
    for _ in range(2):
        with pytest.raises(NotShared):
            store.get(link.id)
        assert store.owned(link.owner) == ()
        store.close()  # nor does it come back at the next start
    assert dump(store)["shares"] == dump(store)["reviews"] == []
    assert not [p for p in tmp_path.rglob("*.json") if "-delete-" not in p.name]


def test_links_expire(snapshot: Snapshot, tmp_path: Path) -> None:
    now = [1_000_000.0]
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket", clock=lambda: now[0])
    link = store.share(snapshot, days=7)
    now[0] += 7 * 86_400 - 1
    assert store.exists(link.id)
    ends = store.expire(link.owner, link.id, 30)
    now[0] += 29 * 86_400
    assert store.get(link.id).expires == ends
    now[0] += 2 * 86_400
    assert not store.exists(link.id)
    with pytest.raises(NotShared):
        store.get(link.id)
    store.share(snapshot)  # which clears away what has expired
    assert len(dump(store)["shares"]) == 1
    assert len([p for p in (tmp_path / "bucket").rglob("*.json") if "-delete-" not in p.name]) == 1
    store.close()


def test_what_has_expired_is_deleted_once_and_for_good_where_a_share_is_refused(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    now = [1_000_000.0]
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket", clock=lambda: now[0])
    store.share(snapshot, days=7)
    now[0] += 8 * 86_400
    store.quota = 10
    for _ in range(3):
        with pytest.raises(InputError, match="full"):
            store.share(snapshot)
    assert dump(store)["shares"] == []
    assert [path.name.split("-")[1] for path in (tmp_path / "bucket").rglob("*.json")] == ["delete"]
    store.close()


@pytest.mark.parametrize("again", [False, True], ids=["purged", "opened again"])
def test_what_has_expired_goes_without_a_new_share(again: bool, store: ShareStore, snapshot: Snapshot) -> None:
    now = [1_000_000.0]
    store.clock = lambda: now[0]
    store.share(snapshot, days=7)
    kept = store.share(snapshot, days=30)
    now[0] += 8 * 86_400
    if again:
        store.close()
        store.open()
    else:
        store.purge()
    assert [row[0] for row in dump(store)["shares"]] == [hashed(kept.id)]
    if store.bucket is not None:
        assert {path.parent.name for path in objects(store.bucket.folder)} == {hashed(kept.id)}


def test_a_full_disk_keeps_nobody_from_reading(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1_000_000.0]
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket", clock=lambda: now[0])
    store.share(snapshot, days=7)
    kept = store.share(snapshot, days=30)
    store.close()
    now[0] += 8 * 86_400

    def full(event: object) -> str:
        raise OSError("No space left on device")

    monkeypatch.setattr(store.bucket, "write", full)
    assert store.exists(kept.id) and "have expired cannot be deleted: OSError" in caplog.text
    with pytest.raises(StorageError):
        store.purge()
    store.close()


def test_an_owner_sees_all_shared_under_one_key(store: ShareStore, snapshot: Snapshot) -> None:
    first = store.share(snapshot)
    second = store.share(snapshot, owner=first.owner, blind=True)
    with pytest.raises(InputError, match="no owner's key"):
        store.share(snapshot, owner="guessable")
    other = store.share(snapshot)
    assert second.owner == first.owner != other.owner
    store.review(first.id, **REVIEW)
    owned = store.owned(first.owner)
    assert {o.id for o in owned} == {first.id, second.id}
    assert {o.id: len(o.reviews) for o in owned} == {first.id: 1, second.id: 0}
    (review,) = next(o for o in owned if o.id == first.id).reviews
    assert (review.name, review.verdict, review.first_verdict) == ("Ada", "fake", None)
    assert (review.agree, review.spans, review.comment) == ({"tfidf": True}, (Span(0, 4),), "So it is.")


def test_a_blind_share_hides_the_answers_until_a_verdict_was_given(store: ShareStore, snapshot: Snapshot) -> None:
    link = store.share(snapshot, blind=True)
    other = store.share(snapshot, blind=True)
    assert store.get(link.id).hidden and store.get(link.id, "guess").hidden
    with pytest.raises(InputError, match="own verdict first"):
        store.review(link.id, **REVIEW)
    key = store.begin(link.id, " Ada  Lovelace ", "real")
    assert not store.get(link.id, key).hidden
    assert store.get(other.id, key).hidden, "a key opens one share only"
    store.review(link.id, key=key, **REVIEW)
    with pytest.raises(InputError, match="sent already"):
        store.review(link.id, key=key, **REVIEW)
    (review,) = next(o.reviews for o in store.owned(link.owner) if o.id == link.id)
    assert (review.first_verdict, review.verdict) == ("real", "fake") and review.finished is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "  "}, "Give a name"),
        ({"name": "x" * 61}, "61 characters"),
        ({"verdict": "true"}, "one of fake, real, cannot_judge"),
        ({"agree": {"gpt": True}}, "no model 'gpt'"),
        ({"spans": [Span(4, 4)]}, "within 0 to"),
        ({"spans": [Span(0, 10**9)]}, "within 0 to"),
        ({"spans": [Span(i, i + 1) for i in range(201)]}, "at most 200"),
        ({"comment": "x" * 2001}, "2,001 characters"),
    ],
)
def test_reviews_that_cannot_be_taken_are_refused_in_a_sentence(
    change: dict[str, object], message: str, snapshot: Snapshot, tmp_path: Path
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}")
    link = store.share(snapshot)
    with pytest.raises(InputError, match=message):
        store.review(link.id, **{**REVIEW, **change})
    assert store.owned(link.owner)[0].reviews == ()
    store.close()


@pytest.mark.parametrize("told", ["A\ud800", "A\x00nn", "\x1b[2JA\x85", "a\u0301 \U0001f98e"], ids=ascii)
def test_whatever_a_visitor_writes_can_be_stored_and_read_again(
    store: ShareStore, snapshot: Snapshot, told: str
) -> None:
    link = store.share(snapshot, blind=True)
    store.review(link.id, key=store.begin(link.id, told, "real"), **{**REVIEW, "name": told, "comment": f"{told}\n\tb"})
    with pytest.raises(InputError, match="Give a name"):
        store.begin(link.id, "\x00 \x1f", "real")
    store.close()
    (review,) = store.owned(link.owner)[0].reviews
    for kept in (review.name, review.comment):
        assert kept.encode() and not set(kept) & {"\x00", "\x1b", "\x85"}
    assert review.comment.endswith("\n\tb")
    if told.endswith("\U0001f98e"):
        assert review.name == told


def test_what_the_index_refuses_is_not_in_the_bucket(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    link = store.share(snapshot)
    before = sorted((tmp_path / "bucket").rglob("*"))
    monkeypatch.setattr(events, "apply", lambda connection, found: connection.exec_driver_sql("INSERT INTO nothing"))
    with pytest.raises(StorageError):
        store.begin(link.id, "Ada", "fake")
    assert sorted((tmp_path / "bucket").rglob("*")) == before
    assert store.exists(link.id) and dump(store)["reviews"] == []
    store.close()


def test_what_the_bucket_does_not_take_is_not_in_the_index(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    link = store.share(snapshot)
    before = dump(store)

    def full(event: object) -> str:
        raise OSError("No space left on device")

    monkeypatch.setattr(store.bucket, "write", full)
    for call in (lambda: store.review(link.id, **REVIEW), lambda: store.delete(link.owner, link.id)):
        with pytest.raises(StorageError):
            call()
        assert dump(store) == before
    store.close()


def test_an_object_that_cannot_be_taken_in_keeps_no_other_out(
    store: ShareStore, snapshot: Snapshot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if store.bucket is None:
        pytest.skip("nothing is taken in")
    link = store.share(snapshot)
    store.review(link.id, **REVIEW)
    before = dump(store)
    store.close()
    share, at = hashed(link.id), 1
    bad: list[object] = [
        {"kind": "begin", "share": share, "at": at, "review": "1" * 64, "name": "A\ud800 secret", "verdict": "fake"},
        {"kind": "begin", "share": share, "at": at, "review": "2" * 64, "name": "A\x00 secret", "verdict": {}},
        {"kind": "review", "share": share, "at": 10**30, "review": "3" * 64, "name": "secret", "body": {}},
        {"kind": "expire", "share": share, "at": at},
        {"kind": "share", "share": share, "at": at, "owner": []},
        {"kind": "begin", "share": "../" * 9, "at": at}, {"kind": [], "share": share, "at": at}, {"kind": "delete"},
        {"kind": "delete", "share": share, "at": "x"}, [], "x", None,
    ]  # fmt: skip
    place = store.bucket._place(share)
    for i, event in enumerate(bad):
        (place / f"bad{i}.json").write_text(json.dumps(event))
    (place / "deep.json").write_text("[" * 100_000)
    assert dump(store) == before
    again = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", store.bucket.folder)
    assert dump(again) == before
    again.close()
    assert 'A "begin" of the bucket cannot be taken in' in caplog.text and "secret" not in caplog.text


def test_quota_and_size_are_limits(snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(json.dumps(snapshot.to_dict()))
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", quota=2 * size + 10)
    links = [store.share(snapshot) for _ in range(2)]
    with pytest.raises(InputError, match="full"):
        store.share(snapshot)
    store.delete(links[0].owner, links[0].id)
    store.share(snapshot)
    monkeypatch.setattr(module, "MAX_SHARE", 100)
    with pytest.raises(InputError, match="up to 100"):
        store.share(snapshot)
    store.close()


def test_the_index_can_be_rebuilt_from_the_bucket(snapshot: Snapshot, tmp_path: Path) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "bucket")
    links = [store.share(snapshot, blind=i % 2 == 0) for i in range(6)]
    for i, link in enumerate(links):
        key = store.begin(link.id, "Ada", "real") if i % 2 == 0 else ""
        if i != 2:
            store.review(link.id, key=key, **REVIEW)
        store.review(link.id, key=store.begin(link.id, "Bob", "fake"), **{**REVIEW, "name": "Bob"})
    store.expire(links[0].owner, links[0].id, 7)
    store.delete(links[1].owner, links[1].id)
    # What a crash leaves behind: half an object, and a deletion that was written but not carried out.
    (tmp_path / "bucket" / "shares" / "aa" / "half").mkdir(parents=True)
    (tmp_path / "bucket" / "shares" / "aa" / "half" / "000-share-x.json").write_text('{"kind": "sha')
    rebuilt = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", tmp_path / "bucket")
    before, after = dump(store), dump(rebuilt)
    assert before["shares"] == after["shares"] and len(after["shares"]) == 5
    assert before["reviews"] == after["reviews"] and len(after["reviews"]) == 10
    rebuilt.close()
    assert dump(rebuilt) == after, "taking in twice changes nothing"
    store.close()
    rebuilt.close()


@pytest.mark.parametrize("order", list(itertools.permutations(["share", "begin", "review", "expire"])), ids="-".join)
def test_a_bucket_that_shows_the_newer_first_gives_the_same_index(
    order: tuple[str, ...], snapshot: Snapshot, tmp_path: Path
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "bucket")
    link = store.share(snapshot, blind=True)
    store.review(link.id, key=store.begin(link.id, "Ada", "fake"), **REVIEW)
    store.expire(link.owner, link.id, 7)
    before = dump(store)
    (place,) = {path.parent for path in (tmp_path / "bucket").rglob("*.json")}
    hidden = {kind: next(place.glob(f"*-{kind}-*")) for kind in order}
    for path in hidden.values():
        path.rename(path.with_suffix(".hidden"))
    late = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", tmp_path / "bucket")
    for kind in order:
        hidden[kind].with_suffix(".hidden").rename(hidden[kind])
        late.open()
        late.close()  # what the bucket holds is taken in at a start
    assert dump(late) == before
    late.close()
    store.close()


def objects(bucket: Path) -> list[Path]:
    """Return what it holds besides the words that something was deleted."""
    return [path for path in bucket.rglob("*.json") if "-delete-" not in path.name]


def test_a_deletion_that_a_crash_cut_short_is_finished_at_the_next_start(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    link, other = store.share(snapshot), store.share(snapshot)
    place = store.bucket._place(hashed(other.id))
    (place / "000000000000001-delete-00.json").write_text('{"kind": "del')  # never confirmed to anyone
    with monkeypatch.context() as crashing:
        crashing.setattr(store.bucket, "erase", lambda *_: sys.exit())
        with pytest.raises(SystemExit):
            store.delete(link.owner, link.id)
    assert len(objects(tmp_path / "bucket")) == 2
    store.close()
    store.open()
    assert [path.parent for path in objects(tmp_path / "bucket")] == [place]
    assert store.exists(other.id) and not store.exists(link.id)
    store.close()


def test_what_was_deleted_and_cannot_be_erased_is_deleted_and_logged(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    link = store.share(snapshot)

    def failing(share: str, *reviewers: str) -> None:
        raise PermissionError("no")

    with monkeypatch.context() as broken:
        broken.setattr(store.bucket, "erase", failing)
        store.delete(link.owner, link.id)
        assert "still in the bucket until the next start: PermissionError" in caplog.text
        store.close()
        store.open()  # nor does it keep the index from being opened
    assert not store.exists(link.id) and objects(tmp_path / "bucket")
    store.close()
    store.open()
    assert not objects(tmp_path / "bucket")
    store.close()


def test_a_deletion_that_is_seen_before_its_share_still_counts(snapshot: Snapshot, tmp_path: Path) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "bucket")
    link = store.share(snapshot)
    (path,) = (tmp_path / "bucket").rglob("*-share-*.json")
    kept = path.read_bytes()
    store.delete(link.owner, link.id)
    late = ShareStore(f"sqlite:///{tmp_path / 'second.db'}", tmp_path / "bucket")
    late.open()
    late.close()
    path.write_bytes(kept)  # the mount was slow to show it
    assert dump(late)["shares"] == []
    assert not path.exists()
    late.close()
    store.close()


def test_a_writer_waits_its_turn_but_not_for_ever(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "LOCK_SECONDS", 0.5)
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}")
    store.open()
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="nothing was stored, try again"):
            store.share(snapshot)
        soon = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        soon.start()
        link = store.share(snapshot)
        soon.join()
    assert len(dump(store)["shares"]) == 1
    assert store.get(link.id).snapshot.to_dict() == snapshot.to_dict()
    store.close()


def test_a_postgres_index_is_rebuilt_from_a_bucket_of_sqlite(snapshot: Snapshot, tmp_path: Path, postgres: str) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "bucket")
    link = store.share(snapshot)
    store.review(link.id, **REVIEW)
    rebuilt = ShareStore(postgres, tmp_path / "bucket")
    before, after = dump(store), dump(rebuilt)
    assert before == after
    store.close()
    rebuilt.close()


def test_a_bucket_that_is_not_there_shares_nothing(snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "bucket").write_text("a file where the folder should be")
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "bucket")
    with pytest.raises(StorageError, match="nothing was stored"):
        store.share(snapshot)
    assert dump(store)["shares"] == []
    store.close()


def test_an_index_that_does_not_answer_is_one_sentence(snapshot: Snapshot, tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}", "postgresql://nobody@127.0.0.1:1/nothing"):
        with pytest.raises(StorageError) as caught:
            ShareStore(url).share(snapshot)
        assert str(tmp_path) not in str(caught.value) and "127" not in str(caught.value)


def test_connections_that_are_all_taken_are_waited_for_but_not_for_ever(
    store: ShareStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "POOL_SECONDS", 0.2)
    with ExitStack() as taken:
        for _ in range(STORED_AT_ONCE):
            taken.enter_context(store.open().connect())
        with pytest.raises(StorageError):
            store.exists("a" * 22)
    assert not store.exists("a" * 22)


def test_a_postgres_index_that_hangs_is_one_that_does_not_answer(
    postgres: str, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    store = ShareStore(postgres)
    assert sql.POSTGRES["options"] == "-c statement_timeout=10000"
    monkeypatch.setitem(sql.POSTGRES, "options", "-c statement_timeout=300")
    link = store.share(snapshot)
    with psycopg.connect(postgres) as other:
        other.execute("LOCK TABLE shares")
        with pytest.raises(StorageError):
            store.get(link.id)
    assert store.exists(link.id)
    store.close()


def test_a_server_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sql.POSTGRES, "connect_timeout", 2)  # psycopg's least
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(StorageError):
            ShareStore(f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing").open()
        assert time.monotonic() - started < 5


def test_many_write_at_once(store: ShareStore, snapshot: Snapshot) -> None:
    with ThreadPoolExecutor(8) as pool:
        links = list(pool.map(lambda _: store.share(snapshot), range(24)))
        list(pool.map(lambda link: store.review(link.id, **REVIEW), links))
    assert all(store.owned(link.owner)[0].reviews for link in links)


def at_once(store: ShareStore, call: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> int:
    """Count how many of four calls are acknowledged when each stores only once all of them want to, or can't."""
    store.open()
    together, record = threading.Barrier(4), store.record

    def slow(*arguments: Any, **details: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(0.5)
        record(*arguments, **details)

    monkeypatch.setattr(store, "record", slow)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(call) for _ in range(4)]
    return sum(not isinstance(done.exception(), InputError) for done in asked)


def test_a_review_sent_several_times_at_once_is_acknowledged_once(
    store: ShareStore, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = store.share(snapshot, blind=True)
    key = store.begin(link.id, "Ada", "fake")
    assert at_once(store, lambda: store.review(link.id, key=key, **REVIEW), monkeypatch) == 1


@pytest.mark.parametrize("blind", [True, False])
def test_the_last_place_for_a_review_is_taken_once(
    blind: bool, store: ShareStore, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_REVIEWS", 1)
    link = store.share(snapshot, blind=blind)

    def call() -> None:
        if blind:
            store.begin(link.id, "Ada", "fake")
        else:
            store.review(link.id, **REVIEW)

    assert at_once(store, call, monkeypatch) == 1
    assert len(store.owned(link.owner)[0].reviews) == 1


def test_the_last_of_the_quota_is_taken_once(
    store: ShareStore, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.quota = len(json.dumps(snapshot.to_dict())) + 10
    assert at_once(store, lambda: store.share(snapshot), monkeypatch) == 1


def test_two_processes_open_a_new_index_at_once(store: ShareStore, snapshot: Snapshot) -> None:
    stores = [ShareStore(store.url, store.bucket and store.bucket.folder) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        links = list(pool.map(lambda s: s.share(snapshot), stores))
    assert all(store.exists(link.id) for link in links)
    for found in stores:
        found.close()


def test_a_new_sqlite_file_is_opened_while_another_process_writes_its_tables(tmp_path: Path) -> None:
    """SQLite itself refuses the change of journal at once; with several opening, that was one in a hundred."""
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    opened = sql.open_engine(f"sqlite:///{tmp_path / 's.db'}")
    with opened.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    opened.dispose()
    other.close()


def test_migrations_make_the_tables_that_the_code_uses(store: ShareStore) -> None:
    store.open()
    assert store._opened is not None
    found = inspect(store._opened)
    for name, table in METADATA.tables.items():
        columns = {c["name"]: c["nullable"] for c in found.get_columns(name)}
        assert columns == {c.name: bool(c.nullable) for c in table.columns}, name
        assert {tuple(i["column_names"]) for i in found.get_indexes(name)} == {
            tuple(c.name for c in i.columns) for i in table.indexes
        }


def test_sqlite_is_durable_and_private(snapshot: Snapshot, tmp_path: Path) -> None:
    store = ShareStore(f"sqlite:///{tmp_path / 'new' / 's.db'}")
    store.share(snapshot)
    with store.reading() as connection:
        settings = [connection.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]  # 2 is FULL
    assert os.stat(tmp_path / "new").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "new" / "s.db").st_mode & 0o777 == 0o600
    store.close()
    with sqlite3.connect(tmp_path / "new" / "s.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


def test_an_old_index_keeps_its_shares_when_it_is_opened(store: ShareStore, snapshot: Snapshot) -> None:
    """Opening runs the migrations again: they must leave what is there alone."""
    link = store.share(snapshot)
    store.close()
    with store.open().connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0002"
    assert store.exists(link.id)


def test_missing_links_take_as_long_as_wrong_ones(snapshot: Snapshot, tmp_path: Path) -> None:
    """Both are one look-up of a hash: no way tells a near miss from a far one."""
    now = [1_000_000.0]
    store = ShareStore(f"sqlite:///{tmp_path / 's.db'}", clock=lambda: now[0])
    link = store.share(snapshot, days=7)
    now[0] += 8 * 86_400

    def median(id_: str) -> float:
        times = []
        for _ in range(60):
            started = time.perf_counter()
            with pytest.raises(NotShared):
                store.get(id_)
            times.append(time.perf_counter() - started)
        return sorted(times)[30]

    expired, unknown = median(link.id), median("a" * 22)
    assert 1 / 3 < expired / unknown < 3
    store.close()
