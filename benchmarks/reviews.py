"""Review sets under load, on loopback: how long making one takes, and saving an answer while thirty reviewers do so.

    python -m benchmarks.reviews [--quick]

Starts `python app.py` with the shipped models and without limits on one client.

- *making*: a set of 200 articles of 400 words, of the demo's articles, from the request until reviewers can begin;
- *answering*: 30 reviewers who begin at once and answer 20 articles blind and then with the models in sight, each once
  a second; then as fast as the server lets them; on SQLite, and on PostgreSQL where `FAKENEWS_TEST_POSTGRES` names a
  server;
- *reading*: how long the owner waits for the results of these.

`--quick` makes a set of 20 articles. The last line is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.results import store
from fakenews.data.registry import load
from fakenews.data.table import joined_texts
from tests.running import Address, running

SETS = "/api/v1/review-sets"
WORDS, N_ARTICLES, N_REVIEWERS, N_ANSWERED = 400, 200, 30, 20
PAUSE = 1.0  # seconds in the mean before each answer


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a set of 20 articles")
    n_articles = N_ANSWERED if arguments.parse_args().quick else N_ARTICLES
    figures: dict[str, Any] = {"articles": n_articles, "words": WORDS, "reviewers": N_REVIEWERS}
    for name, url in storages():
        with tempfile.TemporaryDirectory() as folder:
            at = {"FAKENEWS_DATABASE_URL": url} if url else {}
            with running(Path(folder), FAKENEWS_RATE="0", **at) as server:
                link, seconds = made(server, articles(n_articles if not figures.get("making_seconds") else N_ANSWERED))
                figures.setdefault("making_seconds", round(seconds, 1))
                figures[name] = {
                    "once_a_second": answering(server, link["id"], PAUSE),
                    "without_pauses": answering(server, link["id"], 0.0),
                    **reading(server, link),
                }
                print(f"{name}: {json.dumps(figures[name])}", flush=True)
    store("reviews_quick" if n_articles < N_ARTICLES else "reviews", figures)


def storages() -> Iterator[tuple[str, str]]:
    yield "sqlite", ""
    if server := os.environ.get("FAKENEWS_TEST_POSTGRES", ""):
        with database(server) as url:
            yield "postgres", url


@contextmanager
def database(server: str) -> Iterator[str]:
    """Yield the URL of an empty database, which is dropped afterwards."""
    import psycopg

    name = f"fakenews_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def articles(n: int) -> list[dict[str, str]]:
    """Return so many articles of `WORDS` words, each of other sentences than the one before it."""
    paragraphs = [p for text in joined_texts(load("demo")) for p in text.split("\n\n") if len(p.split()) > 10]
    draw, found = np.random.default_rng(0), []
    while len(found) < n:
        words = [word for i in draw.permutation(len(paragraphs))[:60] for word in [*paragraphs[i].split(" "), "\n\n"]]
        found.append({"text": " ".join(words[:WORDS])})
    return found


def made(server: Address, texts: list[dict[str, str]]) -> tuple[dict[str, Any], float]:
    """Make a set; return its links, and the seconds until reviewers can begin."""
    started = time.monotonic()
    link = ask(server, "POST", SETS, {"title": "Under load", "articles": texts})
    while not ask(server, "GET", f"{SETS}/{link['id']}")["is_ready"]:
        time.sleep(0.25)
    return link, time.monotonic() - started


def answering(server: Address, id_: str, pause: float) -> dict[str, Any]:
    """Let all reviewers answer at once; return quantiles of the seconds until an answer was saved."""
    saved: list[float] = []
    problems: list[str] = []
    together = threading.Barrier(N_REVIEWERS)

    def review(number: int) -> None:
        random = Random(number)
        together.wait()
        try:
            key = ask(server, "POST", f"{SETS}/{id_}/reviewers", {"name": f"Reviewer {number}"})["reviewer"]
            for n in ask(server, "GET", f"{SETS}/{id_}/reviewer", key=key)["order"][:N_ANSWERED]:
                ask(server, "GET", f"/set/{id_}/articles/{n}", key=key)
                first = {"verdict": "fake", "confidence": 1 + number % 5, "seconds": 9.5}
                for said in (first, {**first, "after": "real", "spans": [[0, 5]], "comment": "So it seems."}):
                    time.sleep(random.uniform(0.0, 2 * pause))
                    started = time.monotonic()
                    ask(server, "PUT", f"{SETS}/{id_}/answers/{n}", said, key)
                    saved.append(time.monotonic() - started)
                ask(server, "GET", f"/set/{id_}/articles/{n}", key=key)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            problems.append(str(error))

    reviewers = [threading.Thread(target=review, args=(i,)) for i in range(N_REVIEWERS)]
    started = time.monotonic()
    for thread in reviewers:
        thread.start()
    for thread in reviewers:
        thread.join()
    p50, p95, p99 = (round(float(q), 3) for q in np.quantile(saved or [0.0], (0.5, 0.95, 0.99)))
    return {
        "answers": len(saved),
        "problems": len(problems),
        "answers_per_second": round(len(saved) / (time.monotonic() - started), 1),
        "saved_p50_seconds": p50,
        "saved_p95_seconds": p95,
        "saved_p99_seconds": p99,
    }


def reading(server: Address, link: dict[str, Any]) -> dict[str, float]:
    started = time.monotonic()
    ask(server, "GET", f"{SETS}/{link['id']}/results", key=link["owner"])
    return {"results_seconds": round(time.monotonic() - started, 2)}


def ask(server: Address, method: str, path: str, body: Any = None, key: str = "") -> Any:
    """Return the JSON of an answer; raise `RuntimeError` with its sentence if it is none."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=120)
    try:
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(content["error"])
    return content


if __name__ == "__main__":
    main()
