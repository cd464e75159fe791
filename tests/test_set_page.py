"""The page of a review set, asked as a browser asks it: what it shows whom, and when."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import NewItem, SetLink
from fakenews.server import create_app
from fakenews.share.storage import StorageError
from fakenews.ui import render_set
from tests.explain.toys import FAKE_WORD, REAL_WORD
from tests.test_hostile import PAYLOADS

ARTICLES = tuple(
    f"{title} in the city\n\n" + f"The people in the city said the {word} was on the road today. " * 6
    for title, word in (("A lizard", FAKE_WORD), ("A report", REAL_WORD), ("A plan", "bridge"))
)
API = "/api/v1/review-sets"
FOREIGN = {"img", "svg", "iframe", "video", "audio", "select", "math", "object", "embed", "base", "marquee", "animate"}


@pytest.fixture(scope="module")
def settings(share_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = f"sqlite:///{tmp_path_factory.mktemp('index') / 'shares.db'}"
    return Settings(models=share_engine.settings.models, device="cpu", database_url=url)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(asyncio.run(small_app(settings)), raise_server_exceptions=False) as client:
        yield client


async def small_app(settings: Settings) -> FastAPI:
    """Serve a page of one box; a coroutine, because Gradio leaves event loops open where none runs."""
    import gradio as gr

    with gr.Blocks() as blocks:
        gr.Textbox(label="Article")
    return create_app(Engine.open(settings), settings, blocks=blocks, page={})


def sets_of(client: TestClient) -> SetStore:
    app: Any = client.app
    found: SetStore = app.state.preparer.sets
    return found


def made(client: TestClient, **settings: Any) -> SetLink:
    """Return a set whose articles are analyzed."""
    app: Any = client.app
    link = sets_of(client).create([NewItem(text) for text in ARTICLES], **{"title": "Three articles", **settings})
    for _ in range(len(ARTICLES)):
        app.state.preparer.step()
    return link


def test_the_page_of_a_set_is_small_private_and_not_gradios(client: TestClient) -> None:
    link = made(client, instructions="Read it.\nThen judge.")
    answer = client.get(f"/?s={link.id}")
    assert answer.status_code == 200 and "Three articles" in answer.text and "Read it.\nThen judge." in answer.text
    assert "gradio_config" not in answer.text and FAKE_WORD not in answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["content-encoding"] == "gzip" and len(answer.content) < 100_000
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert client.head(f"/?s={link.id}").status_code == 200
    assert "gradio" in client.get("/").text


def test_unknown_expired_and_deleted_links_are_answered_alike(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted, expired = made(client), made(client)
    sets_of(client).delete(deleted.owner, deleted.id)
    unknown = client.get("/?s=unknown")
    assert unknown.status_code == 404 and "There is nothing under this link" in unknown.text
    assert client.get(f"/?s={deleted.id}").content == unknown.content
    storage = sets_of(client).storage
    monkeypatch.setattr(storage, "now", lambda: expired.expires + 1)
    gone = client.get(f"/?s={expired.id}")
    assert (gone.status_code, gone.content) == (404, unknown.content)


def test_a_storage_that_does_not_answer_is_told_in_one_sentence(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise StorageError

    monkeypatch.setattr(SetStore, "get", fail)
    answer = client.get("/?s=any")
    assert answer.status_code == 503 and "The storage for shared analyses does not answer" in answer.text


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def begun(client: TestClient, link: SetLink, name: str = "Ada") -> str:
    answer = client.post(f"{API}/{link.id}/reviewers", json={"name": name})
    return str(answer.json()["reviewer"])


def test_a_blind_article_gives_no_answer_away_before_the_own_one(client: TestClient) -> None:
    link = made(client, blind=True)
    ada, bob = begun(client, link), begun(client, link, "Bob")
    places = f"/set/{link.id}/articles/0", f"{API}/{link.id}/articles/0"

    def seen(key: str) -> list[str]:
        return [client.get(place, headers=bearer(key)).text for place in places]

    drawn = json.loads(seen(ada)[0])
    assert FAKE_WORD in drawn["text"] and "<mark" not in drawn["text"]
    hidden = {name: drawn[name] for name in ("answer", "words", "heard", "models", "highlights", "problem")}
    assert not any(hidden.values())
    for text in seen(ada):
        assert not re.search("p_fake|tfidf|TF-IDF|log.odds|-like", text)
    client.put(f"{API}/{link.id}/answers/0", json={"verdict": "fake", "confidence": 4}, headers=bearer(ada))
    drawn = json.loads(seen(ada)[0])
    assert 'class="fn-answer"' in drawn["answer"] and "TF-IDF" in drawn["heard"] and drawn["words"]
    assert [m["model"] for m in drawn["models"]] == ["tfidf", "word2vec"] == list(drawn["highlights"])
    assert all("<mark" in highlighted for highlighted in drawn["highlights"].values())
    for text in seen(bob):
        assert not re.search("p_fake|tfidf|TF-IDF|log.odds|-like", text)


def test_an_open_article_shows_the_models_at_once(client: TestClient) -> None:
    link = made(client, blind=False)
    drawn = client.get(f"/set/{link.id}/articles/1", headers=bearer(begun(client, link))).json()
    assert drawn["number"] == 1 and drawn["answer"] and drawn["highlights"]


def test_an_article_is_drawn_once_for_all_its_reviewers(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    link, drawn = made(client, blind=False), []
    real = render_set.article
    render_set._kept.cache_clear()
    monkeypatch.setattr(render_set, "article", lambda shown: drawn.append(shown.number) or real(shown))
    keys = [begun(client, link), begun(client, link, "Bob")]

    def seen(number: int) -> list[bytes]:
        return [client.get(f"/set/{link.id}/articles/{number}", headers=bearer(key)).content for key in keys]

    first, second = seen(0)
    assert first == second and drawn == [0]
    assert seen(1)[0] != first and drawn == [0, 1]
    monkeypatch.setattr(render_set, "KEPT_CHARACTERS", 10)
    assert seen(0) == [first, first] and drawn == [0, 1, 0, 0], "a long one is drawn each time, to the same page"
    sets_of(client).delete(link.owner, link.id)
    answer = client.get(f"/set/{link.id}/articles/0", headers=bearer(keys[0]))
    assert answer.status_code == 404 and FAKE_WORD not in answer.text, "what is kept is shown to nobody without a right"


def test_the_characters_of_a_drawn_article_are_those_of_its_text(client: TestClient) -> None:
    class Text(HTMLParser):
        found = ""

        def handle_data(self, data: str) -> None:
            self.found += data

    link = made(client, blind=False)
    drawn = client.get(f"/set/{link.id}/articles/0", headers=bearer(begun(client, link))).json()
    for html in (drawn["text"], *drawn["highlights"].values()):
        parser = Text()
        parser.feed(html[: html.index("</div>")])
        assert parser.found == ARTICLES[0]


def test_nobody_reads_or_writes_with_another_reviewers_key_or_none(client: TestClient) -> None:
    link, other = made(client), made(client)
    ada, bob, eve = begun(client, link), begun(client, link, "Bob"), begun(client, other, "Eve")
    place = f"/set/{link.id}/articles/0"
    assert client.get(place).status_code == 401
    for key in (eve, link.owner, "x" * 22):
        assert client.get(place, headers=bearer(key)).status_code == 404
        answer = {"verdict": "real", "confidence": 1}
        assert client.put(f"{API}/{link.id}/answers/0", json=answer, headers=bearer(key)).status_code == 404
    client.put(f"{API}/{link.id}/answers/0", json={"verdict": "fake", "confidence": 4}, headers=bearer(ada))
    client.put(f"{API}/{link.id}/answers/0", json={"verdict": "real", "confidence": 2}, headers=bearer(bob))
    said = {r.name: r.answers[0].verdict for r in sets_of(client).results(link.owner, link.id).reviewers}
    assert said == {"Ada": "fake", "Bob": "real"}
    assert client.get(f"{API}/{link.id}/reviewer", headers=bearer(bob)).json()["name"] == "Bob"


def test_a_wrong_number_is_answered_in_one_sentence(client: TestClient) -> None:
    link = made(client)
    answer = client.get(f"/set/{link.id}/articles/7", headers=bearer(begun(client, link)))
    assert answer.status_code == 400 and answer.json() == {"error": "There is no article 7 in this set."}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_title_and_instructions_are_text_whatever_they_hold(payload: str, client: TestClient) -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: set[str] = set()
            self.handlers: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.add(tag)
            self.handlers += [name for name, _ in attrs if name.startswith("on")]

    link = sets_of(client).create([NewItem(ARTICLES[0])], title=payload, instructions=payload)
    answer = client.get(f"/?s={link.id}")
    tags = Tags()
    tags.feed(answer.text)
    assert answer.status_code == 200 and not (tags.found & FOREIGN) and not tags.handlers
    assert answer.text.count("<script") == answer.text.count("<style") == answer.text.count("<body") == 1


def test_addresses_on_the_page_are_relative(client: TestClient) -> None:
    page = client.get(f"/?s={made(client).id}").text
    assert not re.search(r"""(?:href|src|action)=["']?/|fetch\(["'`]/|ask\('\w+', ["'`]/""", page)


def test_the_script_is_the_one_that_the_policy_allows(client: TestClient) -> None:
    answer = client.get(f"/?s={made(client).id}")
    digest = re.search(r"'sha256-([^']+)'", answer.headers["content-security-policy"])
    script = answer.text.partition("<script>")[2].rpartition("</script>")[0]
    assert digest and b64encode(sha256(script.encode()).digest()).decode() == digest[1]
