"""Review sets over HTTP as a client does it: make, prepare, review, read, close, extend, delete."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.review_sets.store import CLOSED, FROZEN
from fakenews.share.shared import NOT_SHARED
from tests.explain.toys import FAKE_WORD, REAL_WORD
from tests.test_shares_api import PAYLOAD, bearer, small_app

SETS = "/api/v1/review-sets"
WORDS = "The council met on Tuesday to talk about the bridge, and asked who would pay for it. " * 3


def body(number: int) -> dict[str, Any]:
    word = (FAKE_WORD, REAL_WORD)[number % 2]
    return {"title": f"A {word} in town {number}", "text": f"{WORDS} The {word} came {number} times."}


@pytest.fixture(scope="module")
def settings(share_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("storage")
    return replace(
        share_engine.settings,
        database_url=f"sqlite:///{folder / 'shares.db'}",
        bucket=folder / "bucket",
        api_docs=True,
        verdicts_per_minute=0,
    )


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(
        asyncio.run(small_app(settings)), raise_server_exceptions=False, base_url="http://demo.test"
    ) as client:
        yield client


def made(client: TestClient, n: int = 3, **changes: Any) -> dict[str, Any]:
    """Make a set and wait until it is ready."""
    articles = [{**body(i), "label": ("fake", "real", None)[i % 3]} for i in range(n)]
    answer = client.post(SETS, json={"title": "Ours", "articles": articles, **changes})
    assert answer.status_code == 200, answer.text
    link: dict[str, Any] = answer.json()
    ready(client, link)
    return link


def ready(client: TestClient, link: dict[str, Any]) -> None:
    last = time.monotonic() + 60
    while client.get(f"{SETS}/{link['id']}").json()["n_pending"]:
        assert time.monotonic() < last
        time.sleep(0.05)


def test_a_blind_set_from_making_to_deleting(client: TestClient) -> None:
    link = made(client, instructions="Say what it reads like.", days=7)
    one, owner = f"{SETS}/{link['id']}", bearer(link["owner"])
    assert link["link"] == f"http://demo.test/?s={link['id']}"
    assert link["owner_link"] == f"{link['link']}&o={link['owner']}"
    seen = client.get(one)
    assert seen.headers["cache-control"] == "no-store"
    assert (seen.json()["title"], seen.json()["blind"], seen.json()["n_articles"]) == ("Ours", True, 3)

    key = client.post(f"{one}/reviewers", json={"name": "Ada"}).json()["reviewer"]
    assert client.post(f"{one}/reviewers", json={"name": "Ada", "key": key}).json() == {"reviewer": key}
    ada = bearer(key)
    me = client.get(f"{one}/reviewer", headers=ada).json()
    assert (me["number"], me["name"], sorted(me["order"]), me["answers"]) == (1, "Ada", [0, 1, 2], [])

    before = client.get(f"{one}/articles/0", headers=ada).json()
    assert before["text"].startswith(body(0)["title"]) and before["snapshot"] is None and not before["problem"]
    first = {"verdict": "real", "confidence": 2, "seconds": 12.5}
    saved = client.put(f"{one}/answers/0", json=first, headers=ada).json()
    assert (saved["verdict"], saved["confidence"], saved["seconds"], saved["after"]) == ("real", 2, 12.5, None)
    after = client.get(f"{one}/articles/0", headers=ada).json()
    assert {p["model"] for p in after["snapshot"]["analysis"]["predictions"]} == {"tfidf", "word2vec"}
    assert client.get(f"{one}/articles/1", headers=ada).json()["snapshot"] is None

    second = {**first, "confidence": 5, "after": "fake", "spans": [[0, 6]], "comment": PAYLOAD}
    for _ in range(2):
        saved = client.put(f"{one}/answers/0", json=second, headers=ada).json()
        assert (saved["verdict"], saved["confidence"], saved["after"], saved["spans"]) == ("real", 2, "fake", [[0, 6]])
    changed = client.put(f"{one}/answers/0", json={"verdict": "fake"}, headers=ada)
    assert (changed.status_code, changed.json()["error"]) == (400, FROZEN)

    results = client.get(f"{one}/results", headers=owner).json()
    assert [item["label"] for item in results["items"]] == ["fake", "real", None]
    assert all(len(item["models"]) == 2 for item in results["items"])
    (reviewer,) = results["reviewers"]
    assert reviewer["answers"][0]["comment"] == PAYLOAD

    assert client.post(f"{one}/state", json={"closed": True}, headers=owner).json()["closed"]
    refused = client.put(f"{one}/answers/1", json={"verdict": "fake"}, headers=ada)
    assert (refused.status_code, refused.json()["error"]) == (400, CLOSED)
    assert not client.post(f"{one}/state", json={"closed": False}, headers=owner).json()["closed"]
    assert client.put(f"{one}/answers/1", json={"verdict": "fake"}, headers=ada).status_code == 200
    later = client.post(f"{one}/expiry", json={"days": 90}, headers=owner).json()["expires"]
    assert later > link["expires"]

    (listed,) = client.get(SETS, headers=owner).json()["sets"]
    assert (listed["id"], listed["n_reviewers"]) == (link["id"], 1)
    assert client.delete(f"{one}/reviewers/1", headers=owner).json() == {"deleted": True}
    assert client.get(f"{one}/reviewer", headers=ada).json() == {"error": NOT_SHARED}
    assert client.delete(one, headers=owner).json() == {"deleted": True}
    assert client.get(one).json() == {"error": NOT_SHARED}
