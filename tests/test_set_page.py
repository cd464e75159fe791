"""The page of a review set, asked as a browser asks it: what it shows whom, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.review_sets.store import SetStore
from fakenews.review_sets.values import Answer, NewItem, SetLink
from fakenews.server import create_app
from fakenews.share.storage import StorageError
from tests.explain.toys import FAKE_WORD, REAL_WORD

ARTICLES = tuple(
    f"{title} in the city\n\n" + f"The people in the city said the {word} was on the road today. " * 6
    for title, word in (("A lizard", FAKE_WORD), ("A report", REAL_WORD), ("A plan", "bridge"))
)
ANSWER = Answer(0, "fake", 4, 12.5)


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
