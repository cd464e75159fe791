"""kill -9 of a server that stores shares and reviews, again and again: nothing acknowledged may be lost.

    python -m tests.faults.kill_server --rounds 500

Each round forks a server with the real API around one index and one bucket, lets clients share, begin blind reviews,
review and delete over HTTP, and kills it at a random moment. At the end everything that was acknowledged has to be
there, what was deleted must not, the database has to be whole, and an index rebuilt from the bucket has to be the same.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.share.shared import NotShared
from fakenews.share.snapshot import make
from fakenews.share.store import ShareStore
from fakenews.share.tables import METADATA
from tests.explain.toys import planted_corpus, small_tfidf
from tests.running import free_port

ARTICLE = "The council of the town met on Tuesday to talk about the old bridge and who would pay for all of it. " * 4


@dataclass(slots=True)
class Acknowledged:
    """What the server said it had stored."""

    shares: dict[str, str] = field(default_factory=dict)  # id: owner's key
    begun: dict[str, str] = field(default_factory=dict)  # review's key: id of the share
    reviews: list[tuple[str, str]] = field(default_factory=list)  # id of the share, comment
    deleted: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)  # asked for; whether it happened nobody knows


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


def client(port: int, seed: int, known: Acknowledged, stop: threading.Event) -> None:
    """One visitor after the other, until the server is gone."""
    draw = random.Random(seed)

    def ask(method: str, path: str, body: Any = None, owner: str = "") -> dict[str, Any] | None:
        headers = {"content-type": "application/json", "authorization": f"Bearer {owner}"}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            return json.loads(content) if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    mine: list[tuple[str, str]] = []
    while not stop.is_set():
        blind = draw.random() < 0.5
        link = ask("POST", "/api/v1/shares", {"text": ARTICLE, "models": ["tfidf"], "blind": blind})
        if link is None:
            time.sleep(0.01)
            continue
        id_ = link["id"]
        known.shares[id_] = link["owner"]
        mine.append((id_, link["owner"]))
        comment = f"{seed}-{time.monotonic_ns()}"
        review: dict[str, Any] = {"name": "Ada", "verdict": "fake", "comment": comment}
        if blind:
            begun = ask("POST", f"/api/v1/shares/{id_}/begin", {"name": "Ada", "verdict": "real"})
            if begun is None:
                continue
            known.begun[begun["review"]] = id_
            review["review"] = begun["review"]
        if ask("POST", f"/api/v1/shares/{id_}/reviews", review):
            known.reviews.append((id_, comment))
        if draw.random() < 0.2:
            id_, owner = draw.choice(mine)
            known.deleting.add(id_)
            if ask("DELETE", f"/api/v1/shares/{id_}", owner=owner):
                known.deleted.add(id_)


def run(rounds: int, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Kill so often, and say what was lost."""
    small_tfidf().calibrate(*planted_corpus()).save(folder / "models" / "tfidf")
    settings = Settings(
        models=folder / "models",
        device="cpu",
        database_url=f"sqlite:///{folder / 'shares.db'}",
        bucket=folder / "bucket",
    )
    engine = Engine.open(settings)
    warm_up(engine, folder)
    draw, known, port = random.Random(seed), Acknowledged(), free_port()
    started = time.monotonic()
    for number in range(rounds):
        child = os.fork()
        if not child:
            try:
                serve(engine, port)
            finally:
                os._exit(1)
        stop = threading.Event()
        clients = [threading.Thread(target=client, args=(port, number * 4 + i, known, stop)) for i in range(2)]
        for thread in clients:
            thread.start()
        before, deadline = len(known.shares), time.monotonic() + 10
        while len(known.shares) == before:  # until it has begun to write
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                stop.set()
                raise RuntimeError("The server did not share anything within ten seconds.")
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, 0.25))
        os.kill(child, signal.SIGKILL)
        stop.set()
        os.waitpid(child, 0)
        for thread in clients:
            thread.join()
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {rounds}, {len(known.shares)} shares", end="", file=sys.stderr)
    return {"rounds": rounds, **verdict(settings, known), "seconds": round(time.monotonic() - started, 1)}


def warm_up(engine: Engine, folder: Path) -> None:
    """Import and load all that takes time, so that every fork shares it."""
    import uvicorn  # noqa: F401

    import fakenews.server  # noqa: F401

    make(engine, ARTICLE, ["tfidf"])
    other = ShareStore(f"sqlite:///{folder / 'other.db'}")
    other.open()
    other.close()


def verdict(settings: Settings, known: Acknowledged) -> dict[str, Any]:
    """Return what of the acknowledged is lost, what of the deleted is back, and whether the index can be made anew."""
    store = ShareStore.of(settings)
    lost = back = 0
    found: dict[str, tuple[set[str], int]] = {}
    for id_, owner in known.shares.items():
        try:
            store.get(id_)
            there = True
        except NotShared:
            there = False
        lost += not there and id_ not in known.deleting
        back += there and id_ in known.deleted
        if there:
            reviews = next(o.reviews for o in store.owned(owner) if o.id == id_)
            found[id_] = {r.comment for r in reviews}, sum(r.first_verdict is not None for r in reviews)
    lost_reviews = sum(comment not in found[id_][0] for id_, comment in known.reviews if id_ in found)
    begun = [id_ for id_ in known.begun.values() if id_ in found]
    lost_begun = sum(found[id_][1] < begun.count(id_) for id_ in set(begun))
    before = dump(store)
    store.close()
    with sqlite3.connect(str(settings.database_url).removeprefix("sqlite:///")) as raw:
        intact = raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    with tempfile.TemporaryDirectory() as other:
        rebuilt = ShareStore(f"sqlite:///{other}/again.db", settings.bucket)
        same = dump(rebuilt) == before
        rebuilt.close()
    return {
        "acknowledged_shares": len(known.shares),
        "acknowledged_reviews": len(known.reviews),
        "acknowledged_deletions": len(known.deleted),
        "lost_shares": lost,
        "lost_reviews": lost_reviews,
        "lost_begun_reviews": lost_begun,
        "deleted_but_back": back,
        "database_intact": intact,
        "rebuilt_index_is_the_same": same,
    }


def dump(store: ShareStore) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of shares and reviews."""
    engine = store.open()
    with engine.connect() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(select(METADATA.tables[name])))
            for name in ("shares", "reviews")
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(asked.rounds, Path(folder), asked.seed)))


if __name__ == "__main__":
    main()
