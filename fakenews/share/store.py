"""Where shared analyses and reviews are kept: one index in SQLite or PostgreSQL, and a bucket it can be rebuilt from.

Nothing is acknowledged before it is durable. Whoever holds a link may read, whoever holds an owner's key may delete;
neither is stored, only their hashes are, so that a stolen index opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import sqlite3
import threading
import time
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, delete, event, func, insert, make_url, select, text, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from fakenews.config import Settings, data_folder
from fakenews.engine.errors import InputError
from fakenews.schema import Span
from fakenews.share.bucket import Bucket, Event
from fakenews.share.review import MAX_COMMENT, MAX_NAME, MAX_SPANS, OPINIONS, Review
from fakenews.share.snapshot import Snapshot, redacted
from fakenews.share.tables import APPLIED, REVIEWS, SHARES
from fakenews.text import encodable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

logger = logging.getLogger(__name__)

DAYS = (7, 30, 90)  # how long a link may live
LOCK_SECONDS = 10  # a writer waits for another process that writes to the same SQLite file
POOL_SECONDS = 5  # a call waits for a connection that others hold
POSTGRES = {  # psycopg's: an index that hangs is one that does not answer
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds
    "options": "-c statement_timeout=10000",
}
MAX_SHARE = 4_000_000  # bytes of one snapshot
MAX_REVIEWS = 500  # of one shared analysis
_DAY = 86_400_000  # milliseconds
_ORDER = {"share": 0, "expire": 1, "begin": 2, "review": 3, "delete": 4}  # in which a bucket's events are applied
_LOCK = 0x66616B65  # PostgreSQL's advisory lock while tables are changed
_SHARE_LOCK = _LOCK + 1  # and while a share is added, so that the quota holds
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tabs and line ends
NOT_SHARED = "There is nothing under this link: it was mistyped, or what was shared has expired or was deleted."


class NotShared(LookupError):
    """Nothing under this link, for whatever reason; the message is always the same."""

    def __init__(self) -> None:
        super().__init__(NOT_SHARED)


class StorageError(OSError):
    """The index or the bucket does not answer; the message is one sentence and names neither."""

    def __init__(self) -> None:
        super().__init__("The storage for shared analyses does not answer just now: nothing was stored, try again.")


@dataclass(frozen=True, slots=True)
class Link:
    """What whoever shares gets: `id` to read, `owner` to delete and to see the reviews; `expires` in milliseconds."""

    id: str
    owner: str
    expires: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared analysis as a reader may see it.

    Attributes
    ----------
    snapshot : Snapshot
    blind : bool
        Whether readers are asked for their own verdict first.
    expires : int
        Milliseconds since 1970, UTC.
    hidden : bool
        Whether this reader has yet to give a verdict; until then nothing of the models' answers may be shown.
    mine : Review or None
        What this reader has said so far, where the review's key was given.
    """

    snapshot: Snapshot
    blind: bool
    expires: int
    hidden: bool = False
    mine: Review | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """A shared analysis as its owner sees it."""

    id: str
    shared: Shared
    reviews: tuple[Review, ...]


class ShareStore:
    """Shared analyses and their reviews.

    Parameters
    ----------
    url : str
        SQLAlchemy's URL of the index; the file of an SQLite index is made with its folder.
    bucket : Path, optional
        Mounted folder of immutable objects; what it holds and the index lacks is taken in by `open`.
    quota : int
        Bytes of all snapshots together.
    clock : callable
        Seconds since 1970.
    """

    def __init__(
        self, url: str, bucket: Path | None = None, quota: int = 500_000_000, clock: Callable[[], float] = time.time
    ) -> None:
        self.url = url
        self.bucket = Bucket(bucket) if bucket else None
        self.quota = quota
        self.clock = clock
        self._opened: Engine | None = None
        self._opening = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> ShareStore:
        """The storage that the settings name; nothing is touched before it is used."""
        url = settings.database_url or f"sqlite:///{data_folder() / 'shares.db'}"
        return cls(url, settings.bucket, 1_000_000 * settings.share_mb)

    def open(self) -> Engine:
        """Bring the tables up to date, take in what the bucket holds and delete what has expired, once.

        Done by itself at the first use.

        Raises
        ------
        StorageError
            If the index or the bucket cannot be used.
        """
        with self._opening, _answering():
            if self._opened is None:
                engine = _engine(self.url)
                try:
                    with _transaction(engine) as connection:
                        _migrate(connection)
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

        Raises
        ------
        InputError
            If it is too large, the storage is full, `days` is none of `DAYS`, `owner` is no key, or there is nothing
            to judge blind.
        StorageError
            If it could not be stored.
        """
        if days not in DAYS:
            raise InputError(f"A link may live {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days, got {days}.")
        if redact and blind:
            raise InputError("A blind review needs the text: share it with its words, or not blind.")
        if redact:
            snapshot = redacted(snapshot)
        if owner and not _is_key(owner):
            raise InputError("This is no owner's key: leave it out for a new one.")
        owner = owner or _key(32)
        nonce = secrets.token_hex(16)
        while (id_ := _id(owner, nonce)).startswith("-"):
            nonce = secrets.token_hex(16)
        values = snapshot.to_dict()
        size = len(json.dumps(values, allow_nan=False))
        if size > MAX_SHARE:
            raise InputError(f"This analysis takes {size:,} bytes; up to {MAX_SHARE:,} can be shared.")
        self.purge()
        now = self._now()
        expires = now + days * _DAY
        with self._writing() as connection:
            _alone(connection, _SHARE_LOCK)
            used = connection.execute(select(func.coalesce(func.sum(SHARES.c.size), 0))).scalar_one()
            if used + size > self.quota:
                raise InputError("The storage for shared analyses is full: export this one instead.")
            self._record(
                connection,
                {
                    "kind": "share", "share": _hash(id_), "at": now, "owner": _hash(owner), "nonce": nonce,
                    "expires": expires, "blind": blind, "size": size, "snapshot": values,
                },
            )  # fmt: skip
        return Link(id_, owner, expires)

    def get(self, id_: str, review: str = "") -> Shared:
        """What a link shows to a reader, who has begun a review if its key is given.

        Raises
        ------
        NotShared
            If there is nothing, for whatever reason.
        StorageError
        """
        with self._reading() as connection:
            row = self._row(connection, id_)
            begun = self._begun(connection, row.id_hash, review)
        mine = None if begun is None else _review(begun)
        return replace(_shared(row), hidden=row.blind and mine is None, mine=mine)

    def there(self, id_: str) -> bool:
        """Whether a link shows anything.

        Raises
        ------
        StorageError
        """
        with self._reading() as connection:
            wanted = (SHARES.c.id_hash == _hash(id_)) & (SHARES.c.expires > self._now())
            return connection.execute(select(SHARES.c.id_hash).where(wanted)).first() is not None

    def owned(self, owner: str) -> tuple[Owned, ...]:
        """Everything shared under an owner's key, the latest first, with its reviews.

        Raises
        ------
        StorageError
        """
        with self._reading() as connection:
            wanted = (SHARES.c.owner_hash == _hash(owner)) & (SHARES.c.expires > self._now())
            rows = connection.execute(select(SHARES).where(wanted).order_by(SHARES.c.created.desc())).all()
            return tuple(
                Owned(_id(owner, row.nonce), _shared(row), self._reviews(connection, row.id_hash)) for row in rows
            )

    def expire(self, owner: str, id_: str, days: int) -> int:
        """Let a link live so many days from now, and give its new end in milliseconds.

        Raises
        ------
        InputError
            If `days` is none of `DAYS`.
        NotShared
            If there is nothing, or it is another's.
        StorageError
        """
        if days not in DAYS:
            raise InputError(f"A link may live {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days, got {days}.")
        now = self._now()
        with self._writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            ends = now + days * _DAY
            self._record(connection, {"kind": "expire", "share": row.id_hash, "at": now, "expires": ends})
        return ends

    def delete(self, owner: str, id_: str) -> None:
        """Delete a shared analysis and its reviews, from index and bucket.

        What the bucket fails to erase is erased at the next start.

        Raises
        ------
        NotShared
            If there is nothing, or it is another's.
        StorageError
        """
        with self._writing() as connection:
            row = self._row(connection, id_, owner, alone=True)
            self._record(connection, {"kind": "delete", "share": row.id_hash, "at": self._now()})
        self._erase(row.id_hash)

    def purge(self) -> None:
        """Delete what has expired, from index and bucket.

        Raises
        ------
        StorageError
        """
        with _answering():
            self._purge(self.open())

    def begin(self, id_: str, name: str, verdict: str) -> str:
        """Take a reviewer's own verdict, before the models' answers are shown, and give the review's key.

        Raises
        ------
        InputError
            If the verdict is none, or there are too many reviews.
        NotShared
        StorageError
        """
        name = _checked_name(name)
        _check_verdict(verdict)
        key = _key(16)
        with self._writing() as connection:
            row = self._row(connection, id_, alone=True)
            self._check_room(connection, row.id_hash)
            self._record(
                connection,
                {
                    "kind": "begin", "share": row.id_hash, "at": self._now(), "review": _hash(key), "name": name,
                    "verdict": verdict,
                },
            )  # fmt: skip
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

        Raises
        ------
        InputError
            If something cannot be taken, or the share is blind and the review was not begun.
        NotShared
        StorageError
        """
        name = _checked_name(name)
        _check_verdict(verdict)
        comment = _clean(comment).strip()
        if len(comment) > MAX_COMMENT:
            raise InputError(f"The comment has {len(comment):,} characters; at most {MAX_COMMENT:,} fit.")
        with self._writing() as connection:
            row = self._row(connection, id_, alone=True)
            begun = self._begun(connection, row.id_hash, key)
            if begun is None and (row.blind or key):
                raise InputError("Give your own verdict first: this analysis is reviewed blind.")
            if begun is not None and begun.finished is not None:
                raise InputError("This review was sent already, and is stored.")
            if begun is None:
                self._check_room(connection, row.id_hash)
            snapshot = _snapshot(row)
            body = {
                "verdict": verdict,
                "agree": _checked_agreement(agree or {}, snapshot),
                "spans": _checked_spans(spans, snapshot),
                "comment": comment,
            }
            self._record(
                connection,
                {
                    "kind": "review", "share": row.id_hash, "at": self._now(),
                    "review": _hash(key) if begun is not None else _hash(secrets.token_urlsafe(16)),
                    "name": name, "body": body,
                },
            )  # fmt: skip

    def _take_in(self, engine: Engine) -> None:
        """Apply the bucket's events that the index lacks, and finish what deletions left behind.

        One that the index refuses is passed over: it keeps no other from being taken in.
        """
        if self.bucket is None:
            return
        with _transaction(engine) as connection:
            known = set(connection.execute(select(APPLIED.c.name)).scalars())
            news = [(name, found) for name, found in self.bucket.events(known) if _is_event(found)]
            news.sort(key=lambda pair: (_ORDER[pair[1]["kind"]], pair[1]["at"], pair[0]))
            for name, found in news:
                try:
                    with connection.begin_nested():
                        # A mounted bucket shows an object before an older one at times: what belongs to a share that
                        # is not there yet, its deletion too, is taken in later.
                        if self._apply(connection, found):
                            connection.execute(insert(APPLIED).values(name=name))
                except OperationalError:
                    raise  # the index does not answer, which no event is to blame for
                except Exception as error:  # its message could quote a review
                    logger.error('A "%s" of the bucket cannot be taken in: %s.', found["kind"], type(error).__name__)
        deleted = {found["share"] for _, found in news if found["kind"] == "delete"}
        for share in deleted | self.bucket.half_erased(known):
            self._erase(share)

    def _record(self, connection: Connection, found: Event) -> None:
        """Apply an event to the index, whose transaction the caller ends, then write it to the bucket, if there is one.

        So nothing is in the bucket that the index refused, and nothing in the index that the bucket did not take.
        """
        self._apply(connection, found)
        if self.bucket is not None:
            connection.execute(insert(APPLIED).values(name=self.bucket.write(found)))

    def _apply(self, connection: Connection, found: Event) -> bool:
        """The one way into the tables, for what happens now and for what is taken in from the bucket.

        False where it belongs to a share that is not there.
        """
        kind, share = found["kind"], found["share"]
        if kind == "share":
            connection.execute(
                insert(SHARES).values(
                    id_hash=share, owner_hash=found["owner"], nonce=found["nonce"], created=found["at"],
                    expires=found["expires"], blind=found["blind"], size=found["size"],
                    snapshot=zlib.compress(json.dumps(found["snapshot"], allow_nan=False).encode()),
                )
            )  # fmt: skip
            return True
        if connection.execute(select(SHARES.c.id_hash).where(SHARES.c.id_hash == share)).first() is None:
            return False
        if kind == "expire":
            connection.execute(update(SHARES).where(SHARES.c.id_hash == share).values(expires=found["expires"]))
        elif kind == "begin":
            first = {"begun": found["at"], "first_verdict": found["verdict"]}
            mine = REVIEWS.c.id_hash == found["review"]
            if not connection.execute(update(REVIEWS).where(mine).values(**first)).rowcount:
                connection.execute(
                    insert(REVIEWS).values(id_hash=found["review"], share_hash=share, name=found["name"], **first)
                )
        elif kind == "review":
            body = json.dumps(found["body"])
            mine = REVIEWS.c.id_hash == found["review"]
            done = connection.execute(
                update(REVIEWS).where(mine).values(name=found["name"], finished=found["at"], body=body)
            )
            if not done.rowcount:
                connection.execute(
                    insert(REVIEWS).values(
                        id_hash=found["review"], share_hash=share, name=found["name"], begun=found["at"],
                        finished=found["at"], body=body,
                    )
                )  # fmt: skip
        elif kind == "delete":
            connection.execute(delete(REVIEWS).where(REVIEWS.c.share_hash == share))
            connection.execute(delete(SHARES).where(SHARES.c.id_hash == share))
        return True

    def _purge(self, engine: Engine) -> None:
        with _transaction(engine) as connection:
            _alone(connection, _SHARE_LOCK)
            now = self._now()
            expired = select(SHARES.c.id_hash).where(SHARES.c.expires <= now).with_for_update()
            gone = connection.execute(expired).scalars().all()
            for share in gone:
                self._record(connection, {"kind": "delete", "share": share, "at": now})
        for share in gone:
            self._erase(share)

    def _purge_if_possible(self, engine: Engine) -> None:
        """The same where a full disk must keep nobody from reading."""
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
        """A share, which nobody else changes or reviews before the transaction ends if `alone`."""
        wanted = (SHARES.c.id_hash == _hash(id_)) & (SHARES.c.expires > self._now())
        if owner is not None:
            wanted &= SHARES.c.owner_hash == _hash(owner)
        found = select(SHARES).where(wanted)
        row = connection.execute(found.with_for_update() if alone else found).first()
        if row is None:
            raise NotShared
        return row

    def _begun(self, connection: Connection, share: str, key: str) -> Row[Any] | None:
        mine = (REVIEWS.c.id_hash == _hash(key)) & (REVIEWS.c.share_hash == share)
        return connection.execute(select(REVIEWS).where(mine)).first()

    def _reviews(self, connection: Connection, share: str) -> tuple[Review, ...]:
        rows = connection.execute(
            select(REVIEWS).where(REVIEWS.c.share_hash == share).order_by(REVIEWS.c.begun, REVIEWS.c.id_hash)
        )
        return tuple(map(_review, rows))

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
        with _answering(), _transaction(self.open()) as connection:
            yield connection

    def _now(self) -> int:
        return int(1000 * self.clock())


@contextmanager
def _answering() -> Iterator[None]:
    """What database and disk have to say becomes one sentence.

    Raises
    ------
    StorageError
    """
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StorageError from error


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    """A connection on which everything is written or nothing."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        # A database made without an encoding (SQL_ASCII, where the locale was C) would answer in bytes.
        wanted = {**POSTGRES, "client_encoding": "utf8"} if parsed.get_driver_name() == "psycopg" else {}
        told = {key: value for key, value in wanted.items() if key not in parsed.query}
        return create_engine(parsed, pool_pre_ping=True, pool_timeout=POOL_SECONDS, connect_args=told)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    in_file = {"pool_timeout": POOL_SECONDS} if parsed.database and parsed.database != ":memory:" else {}
    engine = create_engine(parsed, connect_args={"timeout": LOCK_SECONDS}, **in_file)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        _write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if parsed.database and parsed.database != ":memory:":
            os.chmod(parsed.database, 0o600)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes later could not wait for its turn.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Journal ahead of the file; SQLite doesn't wait by itself when several processes change to it at once."""
    last = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
        time.sleep(0.01)


def _migrate(connection: Connection) -> None:
    """Bring the tables to the last version of `migrations/`, one process at a time."""
    from alembic import command
    from alembic.config import Config

    _alone(connection, _LOCK)
    config = Config()
    config.set_main_option("script_location", "fakenews.share:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alone(connection: Connection, lock: int) -> None:
    """Wait until nobody else holds the lock, and hold it until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({lock})"))


def _key(n_bytes: int) -> str:
    """A random key; none begins with "-", which a command would take for an option."""
    while (key := secrets.token_urlsafe(n_bytes)).startswith("-"):
        pass
    return key


def _id(owner: str, nonce: str) -> str:
    """Id of 128 bits, which only the owner's key gives again."""
    digest = hmac.new(owner.encode(), nonce.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _is_key(owner: str) -> bool:
    """Whether it looks like a key that `share` made, and so is not something guessable."""
    return len(owner) == 43 and all(c.isascii() and (c.isalnum() or c in "-_") for c in owner)


def _shared(row: Row[Any]) -> Shared:
    return Shared(_snapshot(row), row.blind, row.expires)


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot.from_dict(json.loads(zlib.decompress(row.snapshot)))


def _review(row: Row[Any]) -> Review:
    body = json.loads(row.body) if row.body else {}
    return Review(
        name=row.name,
        begun=row.begun,
        finished=row.finished,
        first_verdict=row.first_verdict,
        verdict=body.get("verdict"),
        agree=body.get("agree"),
        spans=tuple(Span(*pair) for pair in body.get("spans", ())),
        comment=body.get("comment", ""),
    )


def _is_event(found: Event) -> bool:
    """Whether an object of the bucket says what happened, to which share and when."""
    kind, share, at = (found.get(key) for key in ("kind", "share", "at"))
    named = isinstance(kind, str) and kind in _ORDER and isinstance(at, int)
    return named and isinstance(share, str) and re.fullmatch("[0-9a-f]{64}", share) is not None


def _clean(said: str) -> str:
    """What a visitor wrote, without characters that an index or a page cannot hold."""
    return _CONTROL.sub(" ", encodable(said))


def _checked_name(name: str) -> str:
    name = " ".join(_clean(name).split())
    if not name:
        raise InputError("Give a name first, any name: it tells your reviews from others'.")
    if len(name) > MAX_NAME:
        raise InputError(f"The name has {len(name)} characters; at most {MAX_NAME} fit.")
    return name


def _check_verdict(verdict: str) -> None:
    if verdict not in OPINIONS:
        raise InputError(f"Give a verdict, one of {', '.join(OPINIONS)}; got {verdict[:40]!r}.")


def _checked_agreement(agree: dict[str, bool], snapshot: Snapshot) -> dict[str, bool]:
    models = [p.model for p in snapshot.analysis.predictions]
    for model in agree:
        if model not in models:
            raise InputError(f"There is no model {model[:40]!r} in this analysis. Here: {', '.join(models)}.")
    return agree


def _checked_spans(spans: Sequence[Span], snapshot: Snapshot) -> list[list[int]]:
    if len(spans) > MAX_SPANS:
        raise InputError(f"{len(spans):,} stretches are marked; at most {MAX_SPANS} fit.")
    length = len(snapshot.text)
    for span in spans:
        if not 0 <= span.start < span.end <= length:
            raise InputError(f"Got the stretch [{span.start}, {span.end}]: each is [start, end] within 0 to {length}.")
    return [list(pair) for pair in sorted({(span.start, span.end) for span in spans})]
