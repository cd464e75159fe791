"""Where everything shared is kept: one index in SQLite or PostgreSQL, and a bucket it can be rebuilt from.

Nothing is acknowledged before it is durable. Whoever holds a link may read, whoever holds an owner's key may delete;
neither is stored, only their hashes are, so that a stolen index opens nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, insert, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from fakenews.config import Settings, data_folder
from fakenews.engine.errors import InputError
from fakenews.share import events
from fakenews.share.bucket import Bucket, Event
from fakenews.share.sql import LOCK_SECONDS, SHARE_LOCK, is_writable, lock, migrate, open_engine, transaction
from fakenews.share.tables import APPLIED, SETS, SHARES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

logger = logging.getLogger(__name__)


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
class Storage:
    """An index, its bucket, and the one way in which both are written and read.

    Whatever uses the storage raises `StorageError` if it does not answer.
    """

    url: str  # SQLAlchemy's, of the index; the file of an SQLite index is made with its folder
    folder: Path | None = None  # mounted, of immutable objects: the bucket; `open` takes in what the index lacks
    quota: int = 500_000_000  # bytes of all snapshots together
    clock: Callable[[], float] = time.time  # seconds since 1970

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.folder) if self.folder else None
        self._opened: Engine | None = None
        self._opening = threading.Lock()
        self._turn = threading.Lock()  # of the threads that write to an SQLite file, which would poll for their turn

    @classmethod
    def of(cls, settings: Settings) -> Self:
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

    def check_quota(self, connection: Connection, size: int, instead: str = "export this one instead") -> None:
        """Refuse so many bytes more than the storage may hold; nobody else adds any before the transaction ends.

        To be asked before a set is locked, as purging does both in this order. `instead` says what to do.
        """
        lock(connection, SHARE_LOCK)
        sizes = (select(func.coalesce(func.sum(table.c.size), 0)) for table in (SHARES, SETS))
        if sum(connection.execute(query).scalar_one() for query in sizes) + size > self.quota:
            raise InputError(f"The storage for shared analyses is full: {instead}.")

    def purge(self) -> None:
        """Delete what has expired, from index and bucket."""
        with _answering():
            self._purge(self.open())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection to read from."""
        with _answering(), self.open().connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection on which everything is written, or nothing if an error ends it."""
        with _answering(), self._alone(self.open()), transaction(self.open()) as connection:
            yield connection

    @contextmanager
    def _alone(self, engine: Engine) -> Iterator[None]:
        """Wait for the other threads of this process that write to an SQLite file."""
        if engine.dialect.name != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=LOCK_SECONDS):
            raise StorageError
        try:
            yield
        finally:
            self._turn.release()

    def now(self) -> int:
        """Return the milliseconds since 1970, UTC."""
        return int(1000 * self.clock())

    def record(self, connection: Connection, kind: str, share: str, **details: Any) -> None:
        """Apply an event to the index, whose transaction the caller ends, then write it to the bucket, if there is one.

        So nothing is in the bucket that the index refused, and nothing in the index that the bucket did not take.
        """
        event = {"kind": kind, "share": share, "at": self.now(), **details}
        events.apply(connection, event)
        if self.bucket is not None:
            connection.execute(insert(APPLIED).values(name=self.bucket.write(event)))

    def erase(self, share: str, *reviewers: str) -> None:
        """Remove what the bucket holds of something deleted, or of some of its reviewers.

        Where that fails, the next start does it.
        """
        if self.bucket is not None:
            try:
                self.bucket.erase(share, *reviewers)
            except OSError as error:
                logger.error("Something deleted is still in the bucket until the next start: %s.", type(error).__name__)

    def _take_in(self, engine: Engine) -> None:
        """Apply the bucket's events that the index lacks, and finish what deletions left behind.

        One that the index refuses is passed over: it keeps no other from being taken in.
        """
        if self.bucket is None:
            return
        forgotten = self.bucket.forgotten()
        with transaction(engine) as connection:
            known = set(connection.execute(select(APPLIED.c.name)).scalars())
            news = [(name, event) for name, event in self.bucket.events(known) if events.is_event(event)]
            news = [(name, event) for name, event in news if not _is_forgotten(event, forgotten)]
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
            self.erase(share)
        for share, reviewers in forgotten.items():
            self.erase(share, *reviewers)

    def _purge(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            lock(connection, SHARE_LOCK)
            gone: list[str] = []
            for table in (SHARES, SETS):
                expired = select(table.c.id_hash).where(table.c.expires <= self.now()).with_for_update()
                gone += connection.execute(expired).scalars()
            for share in gone:
                self.record(connection, "delete", share)
        for share in gone:
            self.erase(share)

    def _purge_if_possible(self, engine: Engine) -> None:
        """Purge, where a full disk must keep nobody from reading."""
        try:
            self._purge(engine)
        except (SQLAlchemyError, OSError) as error:
            logger.error("Shared analyses that have expired cannot be deleted: %s.", type(error).__name__)


def _is_forgotten(event: Event, forgotten: Mapping[str, set[str]]) -> bool:
    """Return whether it is of a reviewer that was deleted, and says something else than that."""
    return event["kind"] != "forget" and event.get("reviewer") in forgotten.get(event["share"], ())


@contextmanager
def _answering() -> Iterator[None]:
    """Turn errors of the database and the disk into one sentence."""
    try:
        yield
    except StorageError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise StorageError(is_writable(error)) from error
