"""What the scripts share that kill a server again and again: serving, one round, and what is asked of the index."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.share.snapshot import make
from fakenews.share.store import ShareStore
from fakenews.share.tables import METADATA
from tests.explain.toys import planted_corpus, small_tfidf

ARTICLE = "The council of the town met on Tuesday to talk about the old bridge and who would pay for all of it. " * 4
WAIT = 20  # seconds until a server has to have stored something

Client = Callable[[threading.Event], None]  # asks until the event is set
Rows = dict[str, list[tuple[Any, ...]]]


def opened(folder: Path) -> Engine:
    """Return an engine of one small model, with an index and a bucket; every fork shares what it has loaded."""
    import uvicorn  # noqa: F401

    import fakenews.server  # noqa: F401

    small_tfidf().calibrate(*planted_corpus()).save(folder / "models" / "tfidf")
    engine = Engine.open(
        Settings(
            models=folder / "models",
            device="cpu",
            database_url=f"sqlite:///{folder / 'shares.db'}",
            bucket=folder / "bucket",
        )
    )
    make(engine, ARTICLE, ["tfidf"])
    other = ShareStore(f"sqlite:///{folder / 'other.db'}")
    other.open()
    other.close()
    return engine


def serve(engine: Engine, port: int) -> None:
    """Serve the API alone, in this process, until it is killed."""
    import uvicorn
    from fastapi import FastAPI

    from fakenews.server import Readiness, add_api
    from fakenews.serving.guard import Guard
    from fakenews.serving.metrics import Metrics

    store = ShareStore.of(engine.settings)
    store.open()
    app = FastAPI()
    add_api(app, engine, store, Readiness(), Metrics())
    uvicorn.run(Guard(app), host="127.0.0.1", port=port, log_level="error")


def kill(engine: Engine, port: int, clients: Sequence[Client], stored: Callable[[], int], after: float) -> None:
    """Fork a server, let the clients ask, and kill it `after` seconds from when more was `stored` than before."""
    child = os.fork()
    if not child:
        try:
            serve(engine, port)
        finally:
            os._exit(1)
    stop = threading.Event()
    threads = [threading.Thread(target=client, args=(stop,)) for client in clients]
    before, deadline = stored(), time.monotonic() + WAIT
    for thread in threads:
        thread.start()
    while not (wrote := stored() > before) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    stop.set()
    os.waitpid(child, 0)
    for thread in threads:
        thread.join()
    if not wrote:
        raise RuntimeError(f"The server did not store anything within {WAIT} seconds.")


def index(settings: Settings) -> dict[str, bool]:
    """Return whether the database is whole, and whether one made anew of the bucket is the same."""
    path = str(settings.database_url).removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as raw:
        intact = raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with tempfile.TemporaryDirectory() as folder:
        same = rows(settings, f"sqlite:///{folder}/again.db") == rows(settings, str(settings.database_url))
    return {"database_intact": intact, "rebuilt_index_is_the_same": same}


def rows(settings: Settings, database_url: str) -> Rows:
    """Return all that an index holds, but for who was analyzing a set and what of the bucket it has read."""
    with closing(ShareStore(database_url, settings.bucket)) as store, store.reading() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(select(*(c for c in table.c if c.name != "claimed"))))
            for name, table in METADATA.tables.items()
            if name != "applied"
        }


def command(doc: str | None, run: Callable[[int, Path, random.Random], dict[str, Any]], rounds: int) -> None:
    """Kill as often as the command line says, and print what was lost as JSON."""
    arguments = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=rounds)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = run(asked.rounds, Path(folder), random.Random(asked.seed))
    print(json.dumps({"rounds": asked.rounds, **found, "seconds": round(time.monotonic() - started, 1)}))


def counted(number: int, rounds: int, what: str) -> None:
    """Tell a person who watches how far it is."""
    if sys.stderr.isatty():
        print(f"\r{number + 1} of {rounds}, {what}", end="", file=sys.stderr)
