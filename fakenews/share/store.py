"""Where shared analyses and reviews are kept: one index in SQLite or PostgreSQL, and a bucket it can be rebuilt from.

Nothing is acknowledged before it is durable. Whoever holds a link may read, whoever holds an owner's key may delete;
neither is stored, only their hashes are, so that a stolen index opens nothing.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from fakenews.config import Settings, data_folder
from fakenews.engine.errors import InputError
from fakenews.schema import Span
from fakenews.share import events
from fakenews.share.bucket import Bucket
from fakenews.share.keys import hashed, is_key, new_key, share_id
from fakenews.share.review import (
    Review,
    check_verdict,
    checked_agreement,
    checked_comment,
    checked_name,
    checked_spans,
)
from fakenews.share.shared import Link, NotShared, Owned, Shared, review_of, shared_of, snapshot_of
from fakenews.share.snapshot import Snapshot, redacted
from fakenews.share.sql import SHARE_LOCK, is_writable, lock, migrate, open_engine, transaction
from fakenews.share.tables import APPLIED, REVIEWS, SHARES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

logger = logging.getLogger(__name__)

DAYS = (7, 30, 90)  # how long a link may live
MAX_SHARE = 4_000_000  # bytes of one snapshot
MAX_REVIEWS = 500  # of one shared analysis
_DAY = 86_400_000  # milliseconds


class StorageError(OSError):
    """The index or the bucket does not answer; the message is one sentence and names neither."""

    def __init__(self, is_writable: bool = True) -> None:
        super().__init__(
            "The storage for shared analyses does not answer just now: nothing was stored, try again."
            if is_writable
            else "Nothing can be shared here, because this server may not write to its storage: export the analysis. "
            "Whoever runs the server can set FAKENEWS_DATABASE_URL to a place that it may write to."
        )


@dataclass(eq=False)
class ShareStore:
    """Shared analyses and their reviews.

    Whatever uses the storage raises `StorageError` if it does not answer, and `NotShared` for a link or key under which
    there is nothing.
    """

    url: str  # SQLAlchemy's, of the index; the file of an SQLite index is made with its folder
    folder: Path | None = None  # mounted, of immutable objects: the bucket; `open` takes in what the index lacks
    quota: int = 500_000_000  # bytes of all snapshots together
    clock: Callable[[], float] = time.time  # seconds since 1970

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.folder) if self.folder else None
        self._opened: Engine | None = None
        self._opening = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> ShareStore:
        """Return the storage that the settings name; nothing is touched before it is used."""
        url = settings.database_url or f"sqlite:///{data_folder() / 'shares.db'}"
        return cls(url, settings.bucket, 1_000_000 * settings.share_mb)

    def open(self) -> Engine:
        """Bring the tables up to date, take in what the bucket holds and delete what has expired, once.

        Done by itself at the first use.

        Raise `StorageError` if the index or the bucket cannot be used.
        """
        with self._opening, _answering():
            if self._opened is None:
                engine = open_engine(self.url)
                try:
                    with transaction(engine) as connection:
                        migrate(connection)
                    self._take_in(engine)
                    self._purge_if_possible(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._opened = engine
            return self._opened

    def close(self) -> None:
        """Let go of all connections."""
        if self._opened is not None:
            self._opened.dispose()
            self._opened = None

    def share(
        self,
        snapshot: Snapshot,
        *,
        owner: str = "",
        redact: bool = False,
        blind: bool = False,
        days: int = DAYS[-1],
    ) -> Link:
        """Store a snapshot; it can be read under the link's id when this returns.

        Raise `InputError` if it is too large, the storage is full, `days` is none of `DAYS`, `owner` is no key, or
        there is nothing to judge blind; `StorageError` if it could not be stored.

        Parameters
        ----------
        owner : str
            Key of an owner who shares again; a new one is made otherwise.
        redact : bool
            Store highlights and numbers, and no word of the text.
        blind : bool
            Ask readers for their own verdict before they see the models'.
        days : int
            How long the link lives.
        """
        _check_days(days)
        if redact and blind:
            raise InputError("A blind review needs the text: share it with its words, or not blind.")
        if redact:
            snapshot = redacted(snapshot)
        if owner and not is_key(owner):
            raise InputError("This is no owner's key: leave it out for a new one.")
        owner = owner or new_key(32)
        nonce = secrets.token_hex(16)
        while (id_ := share_id(owner, nonce)).startswith("-"):
            nonce = secrets.token_hex(16)
        values = snapshot.to_dict()
        size = len(json.dumps(values, allow_nan=False))
        if size > MAX_SHARE:
            raise InputError(f"This analysis takes {size:,} bytes; up to {MAX_SHARE:,} can be shared.")
        self.purge()
        expires = self._now() + days * _DAY
        with self._writing() as connection:
            lock(connection, SHARE_LOCK)
            used = connection.execute(select(func.coalesce(func.sum(SHARES.c.size), 0))).scalar_one()
            if used + size > self.quota:
                raise InputError("The storage for shared analyses is full: export this one instead.")
            self._record(
                connection, "share", hashed(id_), owner=hashed(owner), nonce=nonce, expires=expires, blind=blind,
                size=size, snapshot=values,
            )  # fmt: skip
        return Link(id_, owner, expires)

    def get(self, id_: str, review: str = "") -> Shared:
        """Return what a link shows to a reader, who has begun a review if its key is given."""
        with self._reading() as connection:
            row = self._row(connection, id_)
            begun = self._begun(connection, row.id_hash, review)
        mine = None if begun is None else review_of(begun)
        return replace(shared_of(row), hidden=row.blind and mine is None, mine=mine)

    def exists(self, id_: str) -> bool:
        """Return whether a link shows anything."""
        with self._reading() as connection:
            wanted = (SHARES.c.id_hash == hashed(id_)) & (SHARES.c.expires > self._now())
            return connection.execute(select(SHARES.c.id_hash).where(wanted)).first() is not None

    def owned(self, owner: str) -> tuple[Owned, ...]:
        """Return everything shared under an owner's key, the latest first, with its reviews."""
        with self._reading() as connection:
            wanted = (SHARES.c.owner_hash == hashed(owner)) & (SHARES.c.expires > self._now())
            rows = connection.execute(select(SHARES).where(wanted).order_by(SHARES.c.created.desc())).all()
            return tuple(
                Owned(share_id(owner, row.nonce), shared_of(row), self._reviews(connection, row.id_hash))
                for row in rows
            )

    def expire(self, owner: str, id_: str, days: int) -> int:
        """Let a link live so many days from now, and give its new end in milliseconds.

        Raise `InputError` if `days` is none of `DAYS`.
        """
        _check_days(days)
        expires = self._now() + days * _DAY
        with self._writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self._record(connection, "expire", row.id_hash, expires=expires)
        return expires

    def delete(self, owner: str, id_: str) -> None:
        """Delete a shared analysis and its reviews, from index and bucket.

        What the bucket fails to erase is erased at the next start.
        """
        with self._writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self._record(connection, "delete", row.id_hash)
        self._erase(row.id_hash)

    def purge(self) -> None:
        """Delete what has expired, from index and bucket."""
        with _answering():
            self._purge(self.open())

    def begin(self, id_: str, name: str, verdict: str) -> str:
        """Take a reviewer's own verdict, before the models' answers are shown, and give the review's key.

        Raise `InputError` if the verdict is none, or there are too many reviews.
        """
        name = checked_name(name)
        check_verdict(verdict)
        key = new_key(16)
        with self._writing() as connection:
            row = self._row(connection, id_, alone=True)
            self._check_room(connection, row.id_hash)
            self._record(connection, "begin", row.id_hash, review=hashed(key), name=name, verdict=verdict)
        return key

    def review(
        self,
        id_: str,
        *,
        name: str,
        verdict: str,
        agree: dict[str, bool] | None = None,
        spans: Sequence[Span] = (),
        comment: str = "",
        key: str = "",
    ) -> None:
        """Store what a reviewer says with the models' answers in sight; it cannot be changed afterwards.

        Raise `InputError` if something cannot be taken, or the share is blind and the review was not begun.
        """
        name = checked_name(name)
        check_verdict(verdict)
        comment = checked_comment(comment)
        with self._writing() as connection:
            row = self._row(connection, id_, alone=True)
            begun = self._begun(connection, row.id_hash, key)
            if begun is None and (row.blind or key):
                raise InputError("Give your own verdict first: this analysis is reviewed blind.")
            if begun is not None and begun.finished is not None:
                raise InputError("This review was sent already, and is stored.")
            if begun is None:
                self._check_room(connection, row.id_hash)
            snapshot = snapshot_of(row)
            body = {
                "verdict": verdict,
                "agree": checked_agreement(agree or {}, snapshot),
                "spans": checked_spans(spans, snapshot),
                "comment": comment,
            }
            review = hashed(key if begun is not None else secrets.token_urlsafe(16))
            self._record(connection, "review", row.id_hash, review=review, name=name, body=body)

    def _take_in(self, engine: Engine) -> None:
        """Apply the bucket's events that the index lacks, and finish what deletions left behind.

        One that the index refuses is passed over: it keeps no other from being taken in.
        """
        if self.bucket is None:
            return
        with transaction(engine) as connection:
            known = set(connection.execute(select(APPLIED.c.name)).scalars())
            news = [(name, event) for name, event in self.bucket.events(known) if events.is_event(event)]
            news.sort(key=lambda pair: (events.ORDER[pair[1]["kind"]], pair[1]["at"], pair[0]))
            for name, event in news:
                try:
                    with connection.begin_nested():
                        # A mounted bucket shows an object before an older one at times: what belongs to a share that
                        # is not there yet, its deletion too, is taken in later.
                        if events.apply(connection, event):
                            connection.execute(insert(APPLIED).values(name=name))
                except OperationalError:
                    raise  # the index does not answer, which no event is to blame for
                except Exception as error:  # its message could quote a review
                    logger.error('A "%s" of the bucket cannot be taken in: %s.', event["kind"], type(error).__name__)
        deleted = {event["share"] for _, event in news if event["kind"] == "delete"}
        for share in deleted | self.bucket.half_erased(known):
            self._erase(share)

    def _record(self, connection: Connection, kind: str, share: str, **details: Any) -> None:
        """Apply an event to the index, whose transaction the caller ends, then write it to the bucket, if there is one.

        So nothing is in the bucket that the index refused, and nothing in the index that the bucket did not take.
        """
        event = {"kind": kind, "share": share, "at": self._now(), **details}
        events.apply(connection, event)
        if self.bucket is not None:
            connection.execute(insert(APPLIED).values(name=self.bucket.write(event)))

    def _purge(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            lock(connection, SHARE_LOCK)
            expired = select(SHARES.c.id_hash).where(SHARES.c.expires <= self._now()).with_for_update()
            gone = connection.execute(expired).scalars().all()
            for share in gone:
                self._record(connection, "delete", share)
        for share in gone:
            self._erase(share)

    def _purge_if_possible(self, engine: Engine) -> None:
        """Purge, where a full disk must keep nobody from reading."""
        try:
            self._purge(engine)
        except (SQLAlchemyError, OSError) as error:
            logger.error("Shared analyses that have expired cannot be deleted: %s.", type(error).__name__)

    def _erase(self, share: str) -> None:
        """Remove what the bucket holds of a share that was deleted; where that fails, the next start does it."""
        if self.bucket is not None:
            try:
                self.bucket.erase(share)
            except OSError as error:
                logger.error("Something deleted is still in the bucket until the next start: %s.", type(error).__name__)

    def _row(self, connection: Connection, id_: str, owner: str | None = None, *, alone: bool = False) -> Row[Any]:
        """Return a share, which nobody else changes or reviews before the transaction ends if `alone`."""
        wanted = (SHARES.c.id_hash == hashed(id_)) & (SHARES.c.expires > self._now())
        if owner is not None:
            wanted &= SHARES.c.owner_hash == hashed(owner)
        query = select(SHARES).where(wanted)
        row = connection.execute(query.with_for_update() if alone else query).first()
        if row is None:
            raise NotShared
        return row

    def _begun(self, connection: Connection, share: str, key: str) -> Row[Any] | None:
        mine = (REVIEWS.c.id_hash == hashed(key)) & (REVIEWS.c.share_hash == share)
        return connection.execute(select(REVIEWS).where(mine)).first()

    def _reviews(self, connection: Connection, share: str) -> tuple[Review, ...]:
        rows = connection.execute(
            select(REVIEWS).where(REVIEWS.c.share_hash == share).order_by(REVIEWS.c.begun, REVIEWS.c.id_hash)
        )
        return tuple(map(review_of, rows))

    def _check_room(self, connection: Connection, share: str) -> None:
        n = connection.execute(select(func.count()).where(REVIEWS.c.share_hash == share)).scalar_one()
        if n >= MAX_REVIEWS:
            raise InputError(f"This analysis has {n} reviews, and takes no more.")

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _answering(), self.open().connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _answering(), transaction(self.open()) as connection:
            yield connection

    def _now(self) -> int:
        return int(1000 * self.clock())


@contextmanager
def _answering() -> Iterator[None]:
    """Turn errors of the database and the disk into one sentence."""
    try:
        yield
    except StorageError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(is_writable(error)) from error


def _check_days(days: int) -> None:
    if days not in DAYS:
        raise InputError(f"A link may live {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days, got {days}.")
