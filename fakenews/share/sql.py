"""Connections to the index, in SQLite or PostgreSQL: transactions, locks and migrations."""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LOCK_SECONDS = 10  # a writer waits for another process that writes to the same SQLite file
POOL_SECONDS = 5  # a call waits for a connection that others hold
POSTGRES = {  # psycopg's: an index that hangs is one that does not answer
    "connect_timeout": 5,  # seconds
    "tcp_user_timeout": 10_000,  # milliseconds
    "options": "-c statement_timeout=10000",
}
MIGRATION_LOCK = 0x66616B65  # PostgreSQL's advisory lock while tables are changed
SHARE_LOCK = MIGRATION_LOCK + 1  # and while a share is added, so that the quota holds


def open_engine(url: str) -> Engine:
    """Return the engine of an index; the file of an SQLite index is made with its folder."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        # A database made without an encoding (SQL_ASCII, where the locale was C) would answer in bytes.
        wanted = {**POSTGRES, "client_encoding": "utf8"} if parsed.get_driver_name() == "psycopg" else {}
        options = {key: value for key, value in wanted.items() if key not in parsed.query}
        return create_engine(parsed, pool_pre_ping=True, pool_timeout=POOL_SECONDS, connect_args=options)
    file = Path(parsed.database) if parsed.database and parsed.database != ":memory:" else None
    if file:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise PermissionError(f"{file.parent} cannot be made.") from error
    pool = {"pool_timeout": POOL_SECONDS} if file else {}
    engine = create_engine(parsed, connect_args={"timeout": LOCK_SECONDS}, **pool)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        _write_ahead(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if file:
            file.chmod(0o600)

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


def is_writable(error: Exception) -> bool:
    """Return whether trying again may help: not where the storage may not be written to at all."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.OperationalError):
        primary = cause.sqlite_errorcode & 0xFF
        return primary not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
    is_read_only = isinstance(cause, OSError) and cause.errno == errno.EROFS
    return not (isinstance(cause, PermissionError) or is_read_only)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on which everything is written or nothing."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def migrate(connection: Connection) -> None:
    """Bring the tables to the last version of `migrations/`, one process at a time."""
    from alembic import command
    from alembic.config import Config

    lock(connection, MIGRATION_LOCK)
    config = Config()
    config.set_main_option("script_location", "fakenews.share:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def lock(connection: Connection, key: int) -> None:
    """Wait until nobody else holds the lock, and hold it until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({key})"))
