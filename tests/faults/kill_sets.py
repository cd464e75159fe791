"""kill -9 of a server while reviewers answer a review set, again and again: nothing acknowledged may be lost.

    python -m tests.faults.kill_sets --rounds 200

Each round forks a server with the real API around one index and one bucket. Three reviewers answer over HTTP, first
blind and then with the models in sight, send every answer again that was not confirmed, and the server is killed at a
random moment. At the end every answer that was acknowledged has to be there once and as it was sent, the database has
to be whole, and an index rebuilt from the bucket has to be the same. The last line is JSON.
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
from fakenews.review_sets.preparing import Preparer
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import NewItem, SetLink
from fakenews.share.keys import new_key
from fakenews.share.store import ShareStore
from fakenews.share.tables import METADATA
from tests.explain.toys import planted_corpus, small_tfidf
from tests.faults.kill_server import ARTICLE, serve, warm_up
from tests.running import free_port

N_ARTICLES, N_REVIEWERS = 40, 3
VERDICTS = ("fake", "real", "cannot_judge")


@dataclass(slots=True)
class Acknowledged:
    """What the server said it had stored: the answers to each set, by the reviewer's key and the article."""

    answers: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)  # reviewer's key: id of the set
    n_answers: int = 0  # acknowledged, the first and the second of an article
    n_sent: int = 0
    refused: list[str] = field(default_factory=list)  # sentences of answers that should have been taken


def reviewer(port: int, seed: int, id_: str, known: Acknowledged, stop: threading.Event) -> None:
    """Review the set to its end, or until the server is gone."""
    draw, key = random.Random(seed), new_key(16)

    def ask(method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """Send until it is confirmed; what was on its way when the server died is sent a second time."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                known.n_sent += 1
                connection.request(method, f"/api/v1/review-sets/{id_}{path}", body and json.dumps(body), headers)
                answer = connection.getresponse()
                content = json.loads(answer.read())
                if answer.status != 200:
                    known.refused.append(content["error"])
                    return None
                if draw.random() < 0.1:
                    continue  # as if the confirmation was lost: asking again changes nothing
                return content
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.01)
            finally:
                connection.close()
        return None

    if ask("POST", "/reviewers", {"name": f"Reviewer {seed}", "key": key}) is None:
        return
    known.begun[key] = id_
    for number in draw.sample(range(N_ARTICLES), N_ARTICLES):
        said: dict[str, Any] = {"verdict": draw.choice(VERDICTS), "confidence": draw.randint(1, 5), "seconds": 2.5}
        for _ in range(2):
            stored = ask("PUT", f"/answers/{number}", said)
            if stored is None:
                return
            known.answers[key, number] = stored
            known.n_answers += 1
            said |= {"after": draw.choice(VERDICTS), "spans": [[0, 7]], "comment": f"{seed}-{number}"}


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
    links: list[SetLink] = []
    started = time.monotonic()
    for number in range(rounds):
        links.append(made(engine, settings, links[0].owner if links else ""))
        child = os.fork()
        if not child:
            try:
                serve(engine, port)
            finally:
                os._exit(1)
        stop = threading.Event()
        asking = [
            threading.Thread(target=reviewer, args=(port, N_REVIEWERS * number + i, links[-1].id, known, stop))
            for i in range(N_REVIEWERS)
        ]
        for thread in asking:
            thread.start()
        before, deadline = known.n_answers, time.monotonic() + 20
        while known.n_answers == before:  # until it has begun to write
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                stop.set()
                raise RuntimeError("The server did not store an answer within twenty seconds.")
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, 0.4))
        os.kill(child, signal.SIGKILL)
        stop.set()
        os.waitpid(child, 0)
        for thread in asking:
            thread.join()
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {rounds}, {known.n_answers} answers", end="", file=sys.stderr)
    figures = verdict(settings, links, known)
    return {"rounds": rounds, **figures, "seconds": round(time.monotonic() - started, 1)}


def made(engine: Engine, settings: Settings, owner: str) -> SetLink:
    """Make a set and, as analyzing is not what is killed here, give all of its articles no analysis."""
    sets = SetStore(ShareStore.of(settings))
    items = [NewItem(f"{ARTICLE} This is copy {i}.") for i in range(N_ARTICLES)]
    link = sets.create(items, title="Killed", owner=owner)
    work = Preparer(engine, sets).work
    for set_hash in work.waiting():
        while (claimed := work.claim(set_hash)) is not None:
            work.analyzed(claimed, None, "It is not analyzed here.")
    sets.storage.close()
    return link


def verdict(settings: Settings, links: list[SetLink], known: Acknowledged) -> dict[str, Any]:
    """Return what of the acknowledged is lost, stored twice or otherwise, and whether the index can be made anew."""
    store = ShareStore.of(settings)
    sets = SetStore(store)
    lost = other = 0
    for key, id_ in known.begun.items():
        found = sets.reviewer(id_, key).answers
        for (whose, number), said in known.answers.items():
            if whose != key:
                continue
            lost += number not in found
            # One more may be stored than was confirmed: the second verdict, on whose confirmation the server died.
            first = ("verdict", "confidence", "seconds")
            same = number in found and all(getattr(found[number], name) == said[name] for name in first)
            other += number in found and not (same and said["after"] in (None, found[number].after))
    names = [r.name for link in links for r in sets.results(link.owner, link.id).reviewers]
    before = dump(store)
    store.close()
    with sqlite3.connect(str(settings.database_url).removeprefix("sqlite:///")) as raw:
        intact = raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    with tempfile.TemporaryDirectory() as folder:
        rebuilt = ShareStore(f"sqlite:///{folder}/again.db", settings.bucket)
        same_index = dump(rebuilt) == before
        rebuilt.close()
    return {
        "requests": known.n_sent,
        "acknowledged_reviewers": len(known.begun),
        "acknowledged_answers": known.n_answers,
        "refused": len(known.refused),
        "lost_answers": lost,
        "changed_answers": other,
        "doubled_reviewers": len(names) - len(set(names)),
        "database_intact": intact,
        "rebuilt_index_is_the_same": same_index,
    }


def dump(store: ShareStore) -> dict[str, list[tuple[Any, ...]]]:
    """All rows about review sets, but for who was analyzing them."""
    with store.reading() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(select(*(c for c in table.c if c.name != "claimed"))))
            for name in ("review_sets", "set_items", "set_reviewers", "set_answers")
            for table in [METADATA.tables[name]]
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(asked.rounds, Path(folder), asked.seed)))


if __name__ == "__main__":
    main()
