"""kill -9 of a server that stores shares and reviews, again and again: nothing acknowledged may be lost.

    python -m tests.faults.kill_server --rounds 500

Each round forks a server with the real API around one index and one bucket, lets clients share, begin blind reviews,
review and delete over HTTP, and kills it at a random moment. At the end everything that was acknowledged has to be
there, what was deleted must not, the database has to be whole, and an index rebuilt from the bucket has to be the same.
The last line is JSON.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fakenews.config import Settings
from fakenews.share.shared import NotShared
from fakenews.share.store import ShareStore
from tests.faults import killing
from tests.running import free_port


@dataclass(slots=True)
class Acknowledged:
    """What the server said it had stored."""

    shares: dict[str, str] = field(default_factory=dict)  # id: owner's key
    begun: dict[str, str] = field(default_factory=dict)  # review's key: id of the share
    reviews: list[tuple[str, str]] = field(default_factory=list)  # id of the share, comment
    deleted: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)  # asked for; whether it happened nobody knows


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
        link = ask("POST", "/api/v1/shares", {"text": killing.ARTICLE, "models": ["tfidf"], "blind": blind})
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


def run(rounds: int, folder: Path, draw: random.Random) -> dict[str, Any]:
    """Kill so often, and say what was lost."""
    engine, known, port = killing.opened(folder), Acknowledged(), free_port()
    for number in range(rounds):
        clients = [partial(client, port, number * 4 + i, known) for i in range(2)]
        killing.kill(engine, port, clients, lambda: len(known.shares), draw.uniform(0.0, 0.25))
        killing.counted(number, rounds, f"{len(known.shares)} shares")
    return verdict(engine.settings, known)


def verdict(settings: Settings, known: Acknowledged) -> dict[str, Any]:
    """Return what of the acknowledged is lost, what of the deleted is back, and how the index is."""
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
    store.close()
    return {
        "acknowledged_shares": len(known.shares),
        "acknowledged_reviews": len(known.reviews),
        "acknowledged_deletions": len(known.deleted),
        "lost_shares": lost,
        "lost_reviews": lost_reviews,
        "lost_begun_reviews": lost_begun,
        "deleted_but_back": back,
        **killing.index(settings),
    }


if __name__ == "__main__":
    killing.command(__doc__, run, rounds=500)
