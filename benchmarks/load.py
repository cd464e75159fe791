"""A server under load, on loopback: how long verdicts take, how many it gives, what it refuses, what memory it keeps.

    python -m benchmarks.load [--quick]

Starts `python app.py` with the shipped models and without limits on one client, then sends visitors (locust):

- *thinking*, closed loop: 100 users who think 10 s between articles, for 90 s; the headline;
- *short*, closed loop: 32 users who ask again at once, texts of 85 words;
- *explaining*: one user's articles alone, then beside an explanation that never ends;
- *arriving*, open loop: articles that arrive at a rate, whether or not earlier ones are answered;
- *overload*, closed loop: 300 users who ask again at once, or when they are told to; *hammered*: who never wait;
- *memory*: what is held after each 1,000 further calls.

`--quick` is the first of these. The last line is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import store
from fakenews.config import Settings
from fakenews.data.table import joined_texts
from fakenews.engine import Engine
from fakenews.serving.memory import EVERY_SECONDS
from tests.running import Address, running

SHORT = 85  # words: 107 word pieces in the median
CALLS = 1000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="only 100 users who think 10 s, for 90 s")
    options = arguments.parse_args()
    articles = whole_articles()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), FAKENEWS_RATE="0") as server:
        visit(server, articles, users=8, seconds=30)  # every kernel and cache has been used
        before = at_rest(server)
        asked = visit(server, articles, users=100, think=10, seconds=90)
        headline = summary(asked)
        after = at_rest(server)
        figures: dict[str, Any] = {
            "mean_words": round(float(np.mean([len(t.split()) for t in articles]))),
            **headline,
            "rss_mb": round(after),
            "rss_growth_mb": round((after - before) * CALLS / max(1, len(asked)), 1),
        }
        print(f"100 users thinking 10 s: {headline}", flush=True)
        if not options.quick:
            figures["scenes"] = scenes(server, articles)
            figures["rss_growth_mb"] = figures["scenes"]["memory"]["growth_mb_per_1000_calls"]
            figures["peak_mb"] = round(server.peak_mb())
    store("load_quick" if options.quick else "load", figures)


def scenes(server: Address, articles: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def show(name: str, figures: dict[str, Any]) -> None:
        found[name] = figures
        print(f"{name}: {json.dumps(figures)}", flush=True)

    show("short", summary(visit(server, short_texts(articles), users=32, seconds=40), seconds=40))
    show("explaining", beside_an_explanation(server, articles))
    for rate in (5, 10):
        arrived = visit(server, articles, rate=rate, seconds=30)
        show(f"arriving {rate} a second", summary(arrived, seconds=30))
    show("overload", overload(server, articles, patient=True))
    show("hammered", overload(server, articles, patient=False))
    show("memory", memory(server, articles))
    return found


def whole_articles(n: int = 400, words: tuple[int, int] = (200, 800)) -> list[str]:
    """Return ISOT's articles of so many words, as people paste them; without ISOT (FAKENEWS_DATA) the demo's."""
    engine = Engine.open(Settings.from_environment())
    try:
        texts = joined_texts(engine.evidence.corpus("isot"))
    except LookupError:
        texts = joined_texts(engine.evidence.corpus("demo"))
    usual = [t for t in texts if words[0] <= len(t.split()) <= words[1]]
    return [usual[i] for i in np.random.default_rng(0).permutation(len(usual))[:n]]


def short_texts(articles: Sequence[str]) -> list[str]:
    return [" ".join(t.split()[:SHORT]) for t in articles]


def visit(server: str, texts: list[str], **scene: Any) -> list[tuple[float, float, int]]:
    """Return second, seconds taken and status of each answer."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.visitors"],
        input=json.dumps({"host": server, "texts": texts, **scene}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [(at, took, status) for at, took, status in json.loads(done.stdout)]


def summary(asked: Sequence[tuple[float, float, int]], seconds: float | None = None) -> dict[str, Any]:
    """Return errors and quantiles; verdicts a second where it is said how long it went on."""
    took = [s for _, s, status in asked if status == 200]
    p50, p95, p99 = np.quantile(took, (0.5, 0.95, 0.99))
    return {
        "verdicts": len(took),
        "errors": sum(status != 200 for _, _, status in asked),
        "p50_seconds": round(float(p50), 3),
        "p95_seconds": round(float(p95), 3),
        "p99_seconds": round(float(p99), 3),
        **({"verdicts_per_second": round(len(took) / seconds, 1)} if seconds else {}),
    }


def beside_an_explanation(server: Address, articles: list[str]) -> dict[str, Any]:
    """Return the median seconds of a verdict alone and while an explanation runs, in turns."""
    explained = 0
    stop = threading.Event()

    def explain() -> None:
        nonlocal explained
        while not stop.is_set():
            body = {"text": articles[-1], "model": "tinybert", "method": "lime", "seed": explained}  # none is known yet
            ask(server, "/api/v1/explain", body)
            explained += 1

    def verdicts(first: int) -> list[float]:
        found = []
        for text in articles[first : first + 20]:
            started = time.monotonic()
            ask(server, "/api/v1/analyse", {"text": text})
            found.append(time.monotonic() - started)
            time.sleep(0.3)
        return found

    alone, beside = [], []
    for turn in range(2):
        alone += verdicts(40 * turn)
        stop.clear()
        thread = threading.Thread(target=explain)
        thread.start()
        time.sleep(0.5)
        beside += verdicts(40 * turn)
        stop.set()
        thread.join()
    return {
        "alone_seconds": round(float(np.median(alone)), 3),
        "beside_seconds": round(float(np.median(beside)), 3),
        "beside_p95_seconds": round(float(np.quantile(beside, 0.95)), 3),
        "slower": round(float(np.median(beside) / np.median(alone)), 2),
        "explanations": explained,
    }


def overload(server: Address, articles: list[str], patient: bool) -> dict[str, Any]:
    """Ask 300 at once, and return the seconds until those who are refused know it."""
    asked = visit(server, articles, users=300, seconds=20, patient=patient)
    refused = [s for at, s, status in asked if status in (429, 503) and at > 1]
    return {
        "verdicts": sum(status == 200 for _, _, status in asked),
        "refused": len(refused),
        "other": sum(status not in (200, 429, 503) for _, _, status in asked),
        **({"refused_p50_seconds": round(float(np.quantile(refused, 0.5)), 3)} if refused else {}),
        **({"refused_p95_seconds": round(float(np.quantile(refused, 0.95)), 3)} if refused else {}),
        **({"refused_p99_seconds": round(float(np.quantile(refused, 0.99)), 3)} if refused else {}),
    }


def memory(server: Address, articles: list[str], rounds: int = 2) -> dict[str, Any]:
    """Return megabytes held after each 1,000 calls, and the slope through them."""
    held = []
    for _ in range(rounds):
        n = 0
        while n < CALLS:
            n += sum(status == 200 for _, _, status in visit(server, articles, users=8, seconds=10))
        held.append((n, at_rest(server)))
    calls = np.cumsum([n for n, _ in held])
    slope = np.polyfit(calls / CALLS, [mb for _, mb in held], 1)[0]
    return {"held_mb": [round(mb) for _, mb in held], "growth_mb_per_1000_calls": round(float(slope), 1)}


def at_rest(server: Address) -> float:
    """Return megabytes held once what is free has gone back to the machine."""
    time.sleep(EVERY_SECONDS + 1)
    return server.resident_mb()


def ask(server: str, path: str, body: Any) -> None:
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=120)
    connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}.")


if __name__ == "__main__":
    main()
