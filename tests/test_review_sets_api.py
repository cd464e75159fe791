"""Review sets over HTTP as a client does it: make, prepare, review, read, close, extend, delete."""

from __future__ import annotations

import asyncio
import csv
import io
import json
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
from tests.documented import Documented
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
    answer = client.post(SETS, content=json.dumps({"title": "Ours", "articles": articles, **changes}))
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


def test_results_in_every_format(client: TestClient) -> None:
    link = made(client, title="Ours")
    one, owner = f"{SETS}/{link['id']}", bearer(link["owner"])
    key = client.post(f"{one}/reviewers", json={"name": "=1+1"}).json()["reviewer"]
    client.put(f"{one}/answers/1", json={"verdict": "fake", "comment": PAYLOAD}, headers=bearer(key))

    def file(kind: str) -> Any:
        answer = client.get(f"{one}/results", params={"format": kind}, headers=owner)
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        if kind != "json":
            assert answer.headers["content-disposition"] == f'attachment; filename="review-set.{kind}"'
        return answer

    assert file("json").json()["summary"]["n_answers"] == 1
    (row,) = csv.DictReader(io.StringIO(file("csv").text))
    assert (row["name"], row["label"], row["verdict"], row["comment"]) == ("'=1+1", "real", "fake", PAYLOAD)
    assert file("jsonl").json()["comment"] == PAYLOAD
    report = file("html")
    assert report.headers["content-type"].startswith("text/html")
    assert "<script" not in report.text and "=1+1" in report.text
    assert client.get(f"{one}/results", params={"format": "pdf"}, headers=owner).status_code == 422


def test_articles_of_a_corpus_by_id_and_as_a_sample(client: TestClient) -> None:
    drawn = made(client, 0, articles=None, corpus="demo", sample={"by": "labels", "n": 4}, models=["tfidf"])
    items = results_of(client, drawn)["items"]
    assert sorted(item["label"] for item in items) == ["fake", "fake", "real", "real"]
    assert all(item["corpus"] == "demo" and item["heading"] for item in items)
    ids = [item["article"] for item in items][::-1]
    named = made(client, 0, articles=None, corpus="demo", ids=ids, keep_text=False)
    assert {item["article"] for item in results_of(client, named)["items"]} == set(ids)
    key = client.post(f"{SETS}/{named['id']}/reviewers", json={"name": "Ada"}).json()["reviewer"]
    shown = client.get(f"{SETS}/{named['id']}/articles/0", headers=bearer(key)).json()
    assert shown["text"] and not shown["problem"]


def results_of(client: TestClient, link: dict[str, Any]) -> Any:
    return client.get(f"{SETS}/{link['id']}/results", headers=bearer(link["owner"])).json()


def test_articles_are_added_while_reviewers_answer(client: TestClient) -> None:
    link = made(client)
    one, owner = f"{SETS}/{link['id']}", bearer(link["owner"])
    ada = bearer(client.post(f"{one}/reviewers", json={"name": "Ada"}).json()["reviewer"])
    added = client.post(f"{one}/articles", json={"articles": [body(7), body(8)]}, headers=owner).json()
    assert (added["n_articles"], added["is_ready"]) == (5, True)
    assert client.put(f"{one}/answers/0", json={"verdict": "fake"}, headers=ada).status_code == 200
    ready(client, link)
    assert sorted(client.get(f"{one}/reviewer", headers=ada).json()["order"]) == [0, 1, 2, 3, 4]


ARTICLES = [body(0), body(1)]


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"title": ""}, 400, "Give the set a title"),
        ({"title": "x" * 121}, 400, "121 characters"),
        ({"articles": [*ARTICLES, {"text": "\U0001f600"}]}, 400, "Article 3: There are no words"),
        ({"articles": [*ARTICLES, {"title": "", "text": "x " * 10_001}]}, 400, "Article 3: This text has 20,002"),
        ({"articles": [*ARTICLES, body(1)]}, 400, "twice"),
        ({"articles": [body(i) for i in range(201)]}, 422, "articles"),
        ({"articles": []}, 422, "articles"),
        ({"articles": None}, 400, "Give articles, or a corpus"),
        ({"articles": [{**body(0), "label": "satire"}]}, 422, "articles"),
        ({"articles": [{**body(0), "x": 1}]}, 422, "articles"),
        ({"corpus": "demo"}, 400, "either articles, or a corpus"),
        ({"keep_text": False}, 400, "keep the texts of these"),
        ({"articles": None, "corpus": "nowhere", "ids": ["x"]}, 400, "nowhere"),
        ({"articles": None, "corpus": "../../etc", "ids": ["x"]}, 400, "etc"),
        ({"articles": None, "corpus": "demo", "ids": ["nobody"]}, 400, "no article with the id 'nobody'"),
        ({"articles": None, "corpus": "demo", "sample": {"by": "best"}}, 400, "chosen by"),
        ({"articles": None, "corpus": "demo", "sample": {"by": "errors"}}, 400, "Name a model"),
        ({"articles": None, "corpus": "demo", "sample": {"by": "errors", "model": "../tfidf"}}, 400, "no stored"),
        ({"articles": None, "corpus": "demo", "sample": {"by": "errors", "model": "tfidf"}}, 400, "no stored answers"),
        ({"models": ["gpt"]}, 400, "gpt"),
        ({"days": 8}, 400, "7, 30 or 90"),
        ({"owner": "guessable"}, 400, "no owner's key"),
        ({"x": 1}, 422, '"x"'),
    ],
)  # fmt: skip
def test_bad_sets_get_one_sentence(client: TestClient, change: dict[str, Any], status: int, message: str) -> None:
    answer = client.post(SETS, json={"title": "Ours", "articles": ARTICLES, **change})
    assert answer.status_code == status and message in answer.json()["error"], answer.text
    assert list(answer.json()) == ["error"] and "\n" not in answer.json()["error"]


def test_bad_answers_get_one_sentence_and_nothing_is_stored(client: TestClient) -> None:
    link = made(client, blind=False)
    one = f"{SETS}/{link['id']}"
    ada = bearer(client.post(f"{one}/reviewers", json={"name": "Ada"}).json()["reviewer"])
    for number, change, status, message in (
        ("0", {"verdict": "true"}, 400, "one of fake, real, cannot_judge"),
        ("0", {"confidence": 6}, 400, "1 (a guess) to 5"),
        ("0", {"confidence": True}, 422, "confidence"),
        ("0", {"seconds": -1}, 400, "0 to 86,400"),
        ("0", {"spans": [[5, 2]]}, 400, "within 0 to"),
        ("0", {"spans": [[1]]}, 422, "spans"),
        ("0", {"spans": [[0, 10**40]]}, 400, "within 0 to"),
        ("0", {"after": "fake"}, 400, "leave “after” out"),
        ("0", {"comment": "x" * 2001}, 400, "2,001 characters"),
        ("0", {"x": 1}, 422, '"x"'),
        ("3", {}, 400, "no article 3"),
        ("-1", {}, 400, "no article -1"),
        ("9" * 30, {}, 400, "no article 9"),
        ("x", {}, 422, '"number"'),
    ):
        answer = client.put(f"{one}/answers/{number}", json={"verdict": "fake", **change}, headers=ada)
        assert answer.status_code == status and message in answer.json()["error"], (change, answer.text)
    assert client.get(f"{one}/reviewer", headers=ada).json()["answers"] == []
    wrong = client.get(f"{one}/articles/x", headers=ada).json()["error"]
    assert wrong.startswith('Bad request at "number"') and wrong.endswith(".")


def test_whoever_has_no_key_is_told_so_and_a_wrong_one_opens_nothing(client: TestClient) -> None:
    link, other = made(client), made(client)
    one = f"{SETS}/{link['id']}"
    eve = client.post(f"{SETS}/{other['id']}/reviewers", json={"name": "Eve"}).json()["reviewer"]
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"{one}/results", None), ("POST", f"{one}/articles", {"articles": [body(9)]}),
        ("POST", f"{one}/state", {"closed": True}), ("POST", f"{one}/expiry", {"days": 7}),
        ("DELETE", f"{one}/reviewers/1", None), ("DELETE", one, None),
        ("GET", f"{one}/reviewer", None), ("GET", f"{one}/articles/0", None),
        ("PUT", f"{one}/answers/0", {"verdict": "fake"}),
    ]  # fmt: skip
    for method, path, said in asked:
        kind = "reviewer" if path.endswith(("/reviewer", "/0")) else "owner"
        without = client.request(method, path, json=said)
        assert without.status_code == 401 and f"{kind}'s key" in without.json()["error"], path
        for key in (other["owner"], eve, "x", link["id"]):
            answer = client.request(method, path, json=said, headers=bearer(key))
            assert (answer.status_code, answer.json()) == (404, {"error": NOT_SHARED}), path
    for path in (f"{SETS}/never", f"{SETS}/{'x' * 22}"):
        assert client.get(path).json() == {"error": NOT_SHARED}
    assert client.get(SETS, headers=bearer("nobody")).json() == {"sets": []}


@pytest.mark.parametrize(
    "told", [PAYLOAD, "A\ud800", "A\x00nn\x1b[2J", "{{ 7*7 }}", '=HYPERLINK("javascript:x")'], ids=ascii
)
def test_whatever_anybody_writes_is_given_back_and_drawn_as_text(client: TestClient, told: str) -> None:
    articles = [{**body(0), "title": told}, body(1)]
    link = made(client, title=told, instructions=told, articles=articles)
    one, owner = f"{SETS}/{link['id']}", bearer(link["owner"])
    seen = client.get(one).json()
    key = client.post(f"{one}/reviewers", content=json.dumps({"name": told})).json()["reviewer"]
    said = json.dumps({"verdict": "fake", "comment": told})
    answer = client.put(f"{one}/answers/0", content=said, headers=bearer(key)).json()
    for kept in (seen["title"], seen["instructions"], answer["comment"]):
        assert kept and kept.encode() and not set(kept) & {"\x00", "\x1b"}
    report = client.get(f"{one}/results?format=html", headers=owner).text
    assert PAYLOAD not in report
    assert told != "{{ 7*7 }}" or report.count("{{ 7*7 }}") >= 3
    for cell in next(
        csv.reader(io.StringIO(client.get(f"{one}/results?format=csv", headers=owner).text.split("\n", 1)[1]))
    ):
        assert not cell.startswith(("=", "+", "@"))


def test_every_answer_is_as_the_document_says(client: TestClient) -> None:
    documented = Documented(client)
    ask = documented.ask
    link = ask(
        f"POST {SETS}", title="Ours", articles=[{**body(i), "label": "fake"} for i in range(2)], models=["tfidf"]
    )
    ask(f"POST {SETS}", title="Theirs", corpus="demo", sample={"by": "random", "n": 1, "seed": 3}, owner=link["owner"])
    one, owner = f"{SETS}/{link['id']}", link["owner"]
    ready(client, link)
    assert len(ask(f"GET {SETS}", owner)["sets"]) == 2
    assert ask(f"GET {one}")["is_ready"]
    key = ask(f"POST {one}/reviewers", name="Ada")["reviewer"]
    ask(f"GET {one}/articles/0", key)
    ask(f"PUT {one}/answers/0", key, verdict="fake", confidence=3, seconds=4.5)
    ask(f"PUT {one}/answers/0", key, verdict="fake", after="real", spans=[[0, 5]], comment="So it is.")
    assert ask(f"GET {one}/articles/0", key)["snapshot"]
    assert ask(f"GET {one}/reviewer", key)["answers"]
    other = ask(f"POST {one}/reviewers", name="Bob")["reviewer"]
    for number in (0, 1):
        ask(f"PUT {one}/answers/{number}", other, verdict="real")
    for kind in ("json", "csv", "jsonl", "html"):
        ask(f"GET {one}/results?format={kind}", owner)
    ask(f"POST {one}/articles", owner, articles=[body(5)])
    ask(f"POST {one}/state", owner, closed=True)
    ask(f"POST {one}/expiry", owner, days=30)
    ask(f"DELETE {one}/reviewers/1", owner)
    ask(f"DELETE {one}", owner)
    assert documented.seen == documented.operations(review_sets=True)


def test_two_hundred_long_articles_fit_into_one_body(client: TestClient) -> None:
    sentence = "The council met on Tuesday to talk about the bridge and who would pay for all of it. "
    articles = [{"text": f"{i} {sentence * 230}"} for i in range(200)]
    assert len(json.dumps(articles)) > 3_900_000
    answer = client.post(SETS, json={"title": "Ours", "articles": articles})
    assert answer.status_code == 200, answer.text
    link = answer.json()
    assert client.get(f"{SETS}/{link['id']}").json()["n_articles"] == 200
    client.delete(f"{SETS}/{link['id']}", headers=bearer(link["owner"]))
    refused = client.post(SETS, content=b"x" * 8_000_001)
    assert refused.status_code == 413 and "fewer articles" in refused.json()["error"]
    elsewhere = client.post(f"{SETS}/x/reviewers", content=b"x" * 200_001)
    assert elsewhere.status_code == 413 and "200 kB" in elsewhere.json()["error"]
