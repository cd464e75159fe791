"""Sharing over HTTP as a client does it: link, blind review, owner's list, expiry, deletion, export, preview card."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape
from PIL import Image
from starlette.testclient import TestClient

from fakenews import web
from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.explain.registry import EXPLAINERS
from fakenews.server import create_app
from fakenews.share.review import OPINIONS
from fakenews.share.shared import NOT_SHARED
from fakenews.share.snapshot import Snapshot
from fakenews.share.store import DAYS
from fakenews.similar.track_record import TrackRecord
from tests.documented import Documented
from tests.explain.toys import FAKE_WORD, REAL_WORD
from tests.share.conftest import ARTICLE

SHARES = "/api/v1/shares"
TITLE, BODY = ARTICLE.split("\n\n", 1)
PAYLOAD = '"><script>window.hit=1</script>'


@pytest.fixture(scope="module")
def settings(share_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("storage")
    return replace(
        share_engine.settings,
        database_url=f"sqlite:///{folder / 'shares.db'}",
        bucket=folder / "bucket",
        api_docs=True,
        url_fetch=True,
    )


async def small_app(settings: Settings) -> Any:
    import gradio as gr

    with gr.Blocks() as blocks:
        gr.Textbox(label="Article")
    return create_app(Engine.open(settings), settings, blocks=blocks, page={})


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(
        asyncio.run(small_app(settings)), raise_server_exceptions=False, base_url="http://demo.test"
    ) as client:
        yield client


def shared(client: TestClient, **changes: Any) -> dict[str, Any]:
    answer = client.post(SHARES, json={"title": TITLE, "text": BODY, **changes})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_link_gives_the_numbers_and_characters_of_the_analysis(client: TestClient) -> None:
    link = shared(client, method="shap")
    assert link["link"] == f"http://demo.test/?a={link['id']}"
    assert link["owner_link"] == f"http://demo.test/?o={link['owner']}"
    answer = client.get(f"{SHARES}/{link['id']}")
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    analysis = client.post("/api/v1/analyse", json={"title": TITLE, "text": BODY}).json()
    assert found["snapshot"]["analysis"]["predictions"] == analysis["predictions"]
    snapshot = Snapshot.from_dict(found["snapshot"])
    assert snapshot.text == ARTICLE and found["changes"] == []
    for explanation in snapshot.explanations:
        words = [snapshot.text[a.start : a.end] for a in explanation.attributions]
        assert FAKE_WORD in words and explanation.explainer == "shap"


def test_blind_review_owner_list_expiry_deletion(client: TestClient) -> None:
    link = shared(client, blind=True, days=7)
    address = f"{SHARES}/{link['id']}"
    before = client.get(address).json()
    assert before["hidden"] and set(before) == {"blind", "hidden", "expires", "text"} and before["text"] == ARTICLE
    review = {"name": "Ada", "verdict": "fake", "agree": {"tfidf": False}, "spans": [[0, 6]], "comment": PAYLOAD}
    assert client.post(f"{address}/reviews", json=review).status_code == 400
    begun = client.post(f"{address}/begin", json={"name": "Ada", "verdict": "real"}).json()
    assert begun["snapshot"]["analysis"]["predictions"]
    assert not client.get(address, params={"review": begun["review"]}).json()["hidden"]
    assert client.post(f"{address}/reviews", json={**review, "review": begun["review"]}).json() == {"stored": True}
    assert client.get(address).json()["hidden"], "others are still asked first"

    listed = client.get(SHARES, headers=bearer(link["owner"])).json()
    (share,) = listed["shares"]
    assert share["id"] == link["id"]
    (stored,) = share["reviews"]
    assert (stored["first_verdict"], stored["verdict"], stored["comment"]) == ("real", "fake", PAYLOAD)
    assert listed["agreement"]["blind_reviews"] == listed["agreement"]["mind_changed"] == 1

    later = client.post(f"{address}/expiry", json={"days": 90}, headers=bearer(link["owner"])).json()["expires"]
    assert later > link["expires"]
    assert client.delete(address, headers=bearer("someone")).status_code == 404
    assert client.delete(address).status_code == 401
    assert client.delete(address, headers=bearer(link["owner"])).json() == {"deleted": True}
    for path in (address, f"/card/{link['id']}.png", f"{SHARES}/never"):
        gone = client.get(path)
        assert (gone.status_code, gone.json()) == (404, {"error": NOT_SHARED})
    assert client.get(SHARES, headers=bearer(link["owner"])).json()["shares"] == []


def test_two_shares_of_one_owner_stand_together(client: TestClient) -> None:
    first = shared(client)
    second = shared(client, owner=first["owner"])
    assert second["owner"] == first["owner"]
    for link, verdict in ((first, "fake"), (second, "real")):
        for name in ("Ada", "Bob"):
            body = {"name": name, "verdict": verdict}
            assert client.post(f"{SHARES}/{link['id']}/reviews", json=body).status_code == 200
    agreement = client.get(SHARES, headers=bearer(first["owner"])).json()["agreement"]["verdicts"]
    both = next(k for k in agreement if {k["first"], k["second"]} == {"Ada", "Bob"})
    assert both["n"] == 2 and both["kappa"] == 1.0


def test_without_its_text_no_word_leaves_the_server(client: TestClient) -> None:
    link = shared(client, redact=True)
    answer = client.get(f"{SHARES}/{link['id']}").text
    page = client.get("/", params={"a": link["id"]}).text
    for word in (FAKE_WORD, "council", "bridge"):
        assert word not in answer and word not in page


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"title": "", "text": ""}, 400, "no text yet"),
        ({"days": 8}, 400, "7, 30 or 90"),
        ({"redact": True, "blind": True}, 400, "needs the text"),
        ({"method": "limee"}, 400, "Unknown explainer 'limee'"),
        ({"models": ["/etc"]}, 400, "Unknown model"),
        ({"days": "7"}, 422, "days"),
        ({"x": 1}, 422, '"x"'),
    ],
)
def test_bad_requests_get_one_sentence(client: TestClient, change: dict[str, Any], status: int, message: str) -> None:
    answer = client.post(SHARES, json={"title": TITLE, "text": BODY, **change})
    assert answer.status_code == status and message in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_the_page_of_a_link_has_a_card_and_wants_no_index(client: TestClient) -> None:
    link = shared(client, title=PAYLOAD)
    page = client.get("/", params={"a": link["id"]}, headers={"accept-encoding": "gzip, br"})
    assert page.status_code == 200 and page.headers["x-robots-tag"].startswith("noindex")
    assert page.headers["referrer-policy"] == "no-referrer" and page.headers["cache-control"] == "private, no-store"
    tags = dict(re.findall(r'<meta property="(og:[^"]+)" content="([^"]*)">', page.text))
    assert tags["og:title"] == escape(PAYLOAD)
    assert tags["og:url"] == link["link"] and "TF-IDF: " in tags["og:description"]
    assert page.text.count('property="og:title"') == 1 and PAYLOAD not in page.text
    picture = client.get(tags["og:image"])
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (1200, 630)


def test_the_card_of_a_blind_link_gives_nothing_away(client: TestClient) -> None:
    blind, open_ = shared(client, blind=True), shared(client)
    pages = [client.get("/", params={"a": link["id"]}).text for link in (blind, open_)]
    described = [re.search(r'og:description" content="([^"]*)', page).group(1) for page in pages]  # type: ignore[union-attr]
    assert "TF-IDF" not in described[0] and "TF-IDF" in described[1]
    cards = [client.get(f"/card/{link['id']}.png").content for link in (blind, open_)]
    assert cards[0] != cards[1]


@pytest.mark.parametrize("id_", ["never", "a" * 22, "%00", "..%2f..", "é"])
def test_the_page_of_nothing_is_a_404_whatever_is_asked(client: TestClient, id_: str) -> None:
    answer = client.get(f"/?a={id_}")
    assert answer.status_code == 404 and answer.headers["x-robots-tag"].startswith("noindex")


def test_the_page_itself_may_be_indexed(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200 and "x-robots-tag" not in answer.headers


def test_exports(client: TestClient) -> None:
    def file(kind: str) -> Any:
        answer = client.post("/api/v1/export", json={"title": TITLE, "text": BODY, "method": "linear", "format": kind})
        assert answer.status_code == 200
        assert re.search(rf'filename="fakenews-[a-z0-9-]+\.{kind}"', answer.headers["content-disposition"])
        return answer

    report = file("html")
    assert report.headers["content-type"].startswith("text/html") and "<script" not in report.text
    assert Snapshot.from_dict(file("json").json()).text == ARTICLE
    rows = list(csv.DictReader(io.StringIO(file("csv").text)))
    assert any(row["word"] == FAKE_WORD and float(row["tfidf_linear"]) > 0 for row in rows)
    assert client.post("/api/v1/export", json={"text": BODY, "format": "pdf"}).status_code == 422


def test_storage_that_does_not_answer_is_a_503_and_the_analysis_still_works(
    share_engine: Engine, tmp_path: Path
) -> None:
    settings = replace(share_engine.settings, database_url=f"sqlite:///{tmp_path}")

    with TestClient(asyncio.run(small_app(settings)), raise_server_exceptions=False) as client:
        answer = client.post(SHARES, json={"text": BODY})
        assert answer.status_code == 503 and "Nothing can be shared here" in answer.json()["error"]
        assert client.get("/?a=whatever").status_code == 503
        assert client.post("/api/v1/analyse", json={"text": BODY}).status_code == 200


def test_the_document_describes_every_operation(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in ("/api/v1/analyse", "/api/v1/explain", SHARES, f"{SHARES}/{{id}}/reviews", "/api/v1/export"):
        assert path in document["paths"]
    body = document["paths"][SHARES]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    described = document["components"]["schemas"][body.rsplit("/", 1)[1]]
    assert {"text", "blind", "redact", "days"} <= set(described["properties"]) and described["required"] == ["text"]
    ids = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))
    assert not [r for r in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document))
                if r not in document["components"]["schemas"]]  # fmt: skip


def test_every_answer_is_as_the_document_says(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    documented = Documented(client)
    document, ask = documented.document, documented.ask
    monkeypatch.setattr(web, "read", lambda url, most: web.Article("A title", "Some words.", url))
    of = {"title": TITLE, "text": BODY}
    ask("POST /api/v1/extract", url="https://example.org/story")
    ask("POST /api/v1/analyse", **of)
    ask("POST /api/v1/analyse", **of, formatting=True, models=["tfidf"])
    for how in ({"method": "linear", "grade": True}, {"method": "lime", "samples": 50, "stream": True, "grade": True}):
        ask("POST /api/v1/explain", **of, model="tfidf", **how)
    ask("POST /api/v1/what-if", **of, remove=[[0, 5]])
    turning = f"The {FAKE_WORD} came to town. The {REAL_WORD} came to town."
    assert ask("POST /api/v1/flip", text=turning, model="tfidf")["removed"]
    assert ask("POST /api/v1/compare", **of, models=["tfidf"], methods=["linear", "lime"])["shared"]
    for kind in ("html", "json", "csv"):
        ask("POST /api/v1/export", **of, format=kind)
    link = ask("POST /api/v1/shares", **of, blind=True, days=7)
    one = f"/api/v1/shares/{link['id']}"
    ask(f"GET {one}")
    key = ask(f"POST {one}/begin", name="Ada", verdict="fake")["review"]
    assert document["paths"]["/api/v1/shares/{id}"]["get"]["parameters"][1]["name"] == "review"
    assert ask(f"GET {one}?review={key}")["snapshot"]
    ask("GET /api/v1/shares", link["owner"])
    ask(f"POST {one}/reviews", name="Ada", verdict="real", review=key, agree={"tfidf": True}, spans=[[0, 5]])
    assert ask("GET /api/v1/shares", link["owner"])["agreement"]["verdicts"]
    ask(f"POST {one}/expiry", link["owner"], days=30)
    ask(f"DELETE {one}", link["owner"])
    assert documented.seen == documented.operations(review_sets=False)
    record = TrackRecord("tfidf", 9, 2, 2 / 9, (0.1, 0.5), {"isot": 100}, 0.5, 100)
    documented.is_as_described({"$ref": "#/components/schemas/TrackRecord"}, json.loads(json.dumps(record.to_dict())))


def test_the_document_says_which_values_are_taken(client: TestClient) -> None:
    schemas = client.get("/api/v1/openapi.json").json()["components"]["schemas"]

    def of(request: str, field: str) -> Any:
        return schemas[request]["properties"][field]

    for days in (of("ShareRequest", "days"), of("ExpiryRequest", "days")):
        assert days["enum"] == list(DAYS)
    for verdict in (of("BeginRequest", "verdict"), of("ReviewRequest", "verdict")):
        assert verdict["enum"] == list(OPINIONS)
    assert of("ExplainRequest", "method")["enum"] == list(EXPLAINERS)
    samples = of("ExplainRequest", "samples")["anyOf"][0]
    assert (samples["minimum"], samples["maximum"]) == (1, 50_000)
    assert "gradient: 1 to 200 steps" in samples["description"] and "lime: 20 to 20,000" in samples["description"]
    assert "stock package" in of("ExplainRequest", "method")["description"]


def test_an_unknown_path_is_told_every_operation_that_takes_a_text(client: TestClient) -> None:
    told = client.get("/api/v1/nothing").json()["error"]
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    taken = [path for path, methods in paths.items() if "{" not in path and "post" in methods]
    assert len(taken) > 7 and all(path.removeprefix("/api/v1/") in told for path in taken)


def test_the_document_is_not_there_unless_switched_on(settings: Settings) -> None:
    off = replace(settings, api_docs=False)
    assert "/api/v1/openapi.json" not in [getattr(route, "path", "") for route in asyncio.run(small_app(off)).routes]
