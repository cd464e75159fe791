"""The server, asked as a client asks it: the JSON API with a real model, its limits, and the mounted page."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from fastapi import FastAPI
from starlette.testclient import TestClient

from fakenews import server
from fakenews.api import errors, preview
from fakenews.classifiers import model_folder
from fakenews.classifiers.base import TextClassifier
from fakenews.config import Settings
from fakenews.data.unpacked import MAX_UPLOAD
from fakenews.engine import Engine
from fakenews.engine.explainers import Explainers
from fakenews.engine.judge import Judge
from fakenews.engine.scheduler import LIMITS, Lane, Scheduler
from fakenews.engine.values import Analysis, ExplanationRequest
from fakenews.explain.base import Cancelled, Refinement
from fakenews.schema import Explanation
from fakenews.server import create_app
from fakenews.serving.guard import MAX_BODY, Guard
from fakenews.serving.metrics import Metrics
from fakenews.share.storage import StorageError
from fakenews.share.store import ShareStore
from fakenews.ui.endpoints import Page, build
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus, small_tfidf

FAKE_ARTICLE = f"The people in the city said the {FAKE_WORD} was on the road today. " * 6
ANALYSE, EXPLAIN = "/api/v1/analyse", "/api/v1/explain"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    models = tmp_path_factory.mktemp("models")
    classifier = small_tfidf().calibrate(*planted_corpus())
    classifier.info_["known_share_floor"] = 0.5
    classifier.save(models / "tfidf")
    return Settings(models=models, device="cpu")


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(asyncio.run(small_app(settings)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def page(settings: Settings) -> Iterator[TestClient]:
    """Yield a server around the functions for `gradio_client`, one that fails with a message that quotes its input."""

    async def app() -> FastAPI:
        import gradio as gr

        engine = Engine.open(settings)
        with Page() as blocks:
            build(engine)
            box = gr.Textbox()
            box.change(lambda text: int(text), box, box, api_name="longer")
        return create_app(engine, settings, blocks=blocks, page={})

    with TestClient(asyncio.run(app()), raise_server_exceptions=False) as client:
        yield client


async def small_app(settings: Settings) -> FastAPI:
    """Serve a page of one box; a coroutine, because Gradio leaves event loops open where none runs."""
    import gradio as gr

    with gr.Blocks() as blocks:
        gr.Textbox(label="Article")
    return create_app(Engine.open(settings), settings, blocks=blocks, page={"css": "body { color: #123456 }"})


def explain_body(**changes: Any) -> dict[str, Any]:
    return {"text": FAKE_ARTICLE, "model": "tfidf", "method": "linear", **changes}


def is_one_sentence(answer: Any) -> bool:
    return list(answer) == ["error"] and answer["error"].endswith((".", "?")) and "\n" not in answer["error"]


def test_health_turns_ok_once_the_models_are_loaded(client: TestClient) -> None:
    for _ in range(100):
        health = client.get("/healthz").json()
        assert health["models"] == ["tfidf"] and health["version"]
        if health["status"] == "ok":
            return
        assert health["status"] == "starting"
        time.sleep(0.1)
    pytest.fail("The models were not loaded within ten seconds.")


def test_health_says_when_loading_failed(tmp_path: Path) -> None:
    (tmp_path / "tfidf").mkdir()
    (tmp_path / "tfidf" / "model.skops").write_bytes(b"not a model")
    (tmp_path / "tfidf" / "config.json").write_text("{}", encoding="utf-8")
    readiness = server.Readiness()
    settings = Settings(models=tmp_path, device="cpu", bucket=tmp_path / "cpu")
    readiness.warm_up(Engine.open(settings), ShareStore(f"sqlite:///{tmp_path / 's.db'}", settings.bucket))
    assert readiness.status == "failed"


def test_a_further_model_cut_short_is_told_at_the_start(
    share_engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(share_engine.settings.models, tmp_path / "models") / "cnn"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    weights = folder / "model.safetensors"
    weights.write_bytes(b"some weights")
    model_folder.pin(folder)
    weights.write_bytes(b"some")
    settings = replace(share_engine.settings, models=folder.parent)
    with TestClient(asyncio.run(small_app(settings)), raise_server_exceptions=False) as client:
        for _ in range(100):
            health = client.get("/healthz").json()
            if health["status"] != "starting":
                break
            time.sleep(0.1)
        assert (health["status"], health["models"]) == ("ok", ["tfidf", "word2vec"])
        assert client.get("/readyz").status_code == 200
        refused = client.post(ANALYSE, json={"text": FAKE_ARTICLE, "models": ["cnn"]})
    assert refused.status_code == 503 and "cnn/model.safetensors" in refused.json()["error"]
    assert [r.getMessage() for r in caplog.records if "cnn" in r.getMessage()] == [
        f"cnn cannot be asked: {refused.json()['error']}"
    ]


def test_a_storage_that_fails_in_any_way_stops_no_verdict(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: ShareStore) -> None:
        raise UnicodeError("a review")

    monkeypatch.setattr(ShareStore, "open", fail)
    readiness = server.Readiness()
    readiness.warm_up(Engine.open(settings), ShareStore("sqlite:///:memory:", tmp_path))
    assert readiness.ready and "UnicodeError" in caplog.text and "a review" not in caplog.text


def test_a_model_that_is_missing_is_not_offered(settings: Settings) -> None:
    with TestClient(asyncio.run(small_app(settings))) as client:
        answer = client.post(ANALYSE, json={"text": FAKE_ARTICLE, "models": ["tinybert"]})
        assert answer.status_code == 400 and is_one_sentence(answer.json()) and "Here: tfidf" in answer.text


def test_no_model_at_all_is_said(settings: Settings, tmp_path: Path) -> None:
    with TestClient(asyncio.run(small_app(replace(settings, models=tmp_path / "nothing")))) as client:
        answer = client.post(ANALYSE, json={"text": FAKE_ARTICLE})
        assert answer.status_code == 400 and is_one_sentence(answer.json()) and str(tmp_path) not in answer.text


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_here_is_said(
    classifiers: dict[str, TextClassifier], settings: Settings, tmp_path: Path
) -> None:
    classifiers["tinybert"].save(tmp_path / "tinybert")
    readiness = server.Readiness()
    engine = Engine.open(replace(settings, models=tmp_path, device="cuda"))
    readiness.warm_up(engine, ShareStore("sqlite:///:memory:"))
    assert readiness.status == "failed"
    with TestClient(bare_app(engine)) as client:
        answer = client.post(ANALYSE, json={"text": FAKE_ARTICLE})
    assert answer.status_code == 400 and is_one_sentence(answer.json()) and "no GPU here" in answer.text
    engine = Engine.open(replace(settings, models=tmp_path, device="auto"))
    assert engine.pool.classifier("tinybert").device.type == "cpu"  # type: ignore[attr-defined]


def test_analyse_gives_the_documented_json(client: TestClient) -> None:
    answer = client.post(ANALYSE, json={"title": f"A {FAKE_WORD}", "text": FAKE_ARTICLE})
    assert answer.status_code == 200
    (prediction,) = answer.json()["predictions"]
    assert set(prediction) == {"model", "p_fake", "log_odds", "verdict", "reasons", "share_fake"}
    assert prediction["model"] == "tfidf" and prediction["verdict"] == "fake" and prediction["reasons"] == []
    real = FAKE_ARTICLE.replace(FAKE_WORD, REAL_WORD)
    other = client.post(ANALYSE, json={"text": real, "models": ["tfidf", "tfidf"]})
    assert [p["verdict"] for p in other.json()["predictions"]] == ["real"]


def test_explain_gives_the_documented_json(client: TestClient) -> None:
    title = f"A {FAKE_WORD}"
    answer = client.post(EXPLAIN, json=explain_body(title=title, method="lime", samples=50, seed=7)).json()
    assert (answer["model"], answer["method"], answer["target"]) == ("tfidf", "lime", "fake")
    assert (answer["unit"], answer["seed"], answer["settings"]["samples"]) == ("log-odds", 7, 50)
    joined = f"{title}\n\n{FAKE_ARTICLE}"
    assert all(joined[a["start"] : a["end"]] == a["text"] for a in answer["attributions"])
    strongest = max(answer["attributions"], key=lambda a: a["weight"])
    assert strongest["text"] == FAKE_WORD
    towards_real = client.post(EXPLAIN, json=explain_body(title=title, target="real")).json()
    assert min(towards_real["attributions"], key=lambda a: a["weight"])["text"] == FAKE_WORD


def test_a_stream_gives_better_and_better_explanations_and_a_grade_at_the_end(client: TestClient) -> None:
    body = explain_body(method="shap", samples=200, seed=3, stream=True, grade=True)
    with client.stream("POST", EXPLAIN, json=body) as answer:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert len(lines) > 2
    shares = [line["share"] for line in lines]
    assert shares == sorted(shares) and shares[0] < shares[-1] == 1.0
    assert lines[0]["seconds_left"] > 0
    assert [bool(line["explanation"]["grade"]) for line in lines] == [False] * (len(lines) - 1) + [True]
    at_once = client.post(EXPLAIN, json=explain_body(method="shap", samples=200, seed=3)).json()
    assert at_once["attributions"] == lines[-1]["explanation"]["attributions"]
    assert lines[-1]["explanation"]["grade"]["level"] == "good"


def test_a_stream_says_what_is_wrong_before_it_starts(client: TestClient) -> None:
    answer = client.post(EXPLAIN, json=explain_body(method="limee", stream=True))
    assert answer.status_code == 400
    assert is_one_sentence(answer.json())


def test_what_if_answers_for_a_text_and_its_edit(client: TestClient) -> None:
    start = FAKE_ARTICLE.index(FAKE_WORD)
    cut = {"text": FAKE_ARTICLE, "remove": [[start, start + len(FAKE_WORD)]]}
    (change,) = client.post("/api/v1/what-if", json=cut).json()["changes"]
    assert change["log_odds_change"] == change["after"]["log_odds"] - change["before"]["log_odds"] < 0
    edited = {"text": FAKE_ARTICLE, "edited": FAKE_ARTICLE.replace(FAKE_WORD, REAL_WORD)}
    answer = client.post("/api/v1/what-if", json=edited).json()
    assert answer["changes"][0]["after"]["verdict"] == "real"
    assert answer["text"] == edited["edited"]
    wrong: list[dict[str, Any]] = [{"remove": r} for r in ([[5, 2]], [[0, 10**6]], [[1]], [[-1, 3]], [])]
    for body in (*wrong, {}, {"edited": "..."}, {"edited": "Other words.", "remove": [[0, 3]]}):
        refused = client.post("/api/v1/what-if", json={"text": FAKE_ARTICLE, **body})
        assert refused.status_code == 400
        assert is_one_sentence(refused.json())


def test_the_minimal_counterfactual_is_confirmed_by_a_what_if(client: TestClient) -> None:
    text = FAKE_ARTICLE + FAKE_ARTICLE.replace(FAKE_WORD, REAL_WORD)[:70]
    found = client.post("/api/v1/flip", json={"text": text, "model": "tfidf"}).json()
    assert found["removed"]
    cut = [[s["start"], s["end"]] for s in found["removed"]]
    (change,) = client.post("/api/v1/what-if", json={"text": text, "remove": cut}).json()["changes"]
    assert change["after"]["p_fake"] == pytest.approx(found["p_after"])
    assert (change["before"]["p_fake"] >= 0.5) != (change["after"]["p_fake"] >= 0.5)


def test_explanations_are_compared(client: TestClient) -> None:
    body = {"text": FAKE_ARTICLE, "models": ["tfidf"], "methods": ["linear", "shap"]}
    found = client.post("/api/v1/compare", json=body).json()
    assert found["explanations"] == ["tfidf, linear", "tfidf, shap"]
    assert found["pairs"][0]["rank_agreement"] > 0.9
    assert FAKE_WORD in {word["text"] for word in found["shared"]}
    alone = client.post("/api/v1/compare", json=body | {"methods": ["shap"]})
    assert alone.status_code == 400
    assert is_one_sentence(alone.json())


HOSTILE = {
    "one word": "Parliament",
    "NUL": "quartz\x00vow \x00 " * 30,
    "right to left": "قال المسؤولون \u202e\u2066 إن الجسر سيغلق " * 20,
    "HTML and JavaScript": "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}} ${7*7} " * 20,
    "Chinese": "市议会周二投票决定修复河上的旧桥。" * 30,
    "emoji": "Lizard 👩‍👩‍👧‍👦🏳️‍🌈" * 50,
    "one long token": "x" * 19_000,
    "special pieces": "[MASK] [SEP] [CLS] <|endoftext|> " * 30,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_cannot_be_judged(client: TestClient, text: str) -> None:
    answer = client.post(ANALYSE, json={"text": text})
    assert answer.status_code == 200
    assert [p["verdict"] for p in answer.json()["predictions"]] == ["cannot_judge"]
    explanation = client.post(EXPLAIN, json=explain_body(text=text))
    assert explanation.status_code == 200
    assert all(text[a["start"] : a["end"]] == a["text"] for a in explanation.json()["attributions"])


@pytest.mark.parametrize("path", [ANALYSE, EXPLAIN])
def test_lone_surrogates_are_answered(client: TestClient, path: str) -> None:
    text = r"\ud800 " + FAKE_ARTICLE + r" \udfff"
    rest = ', "model": "tfidf", "method": "linear"' if path == EXPLAIN else ""
    answer = client.post(path, content=f'{{"title": "\\ud83d", "text": "{text}"{rest}}}')
    assert answer.status_code == 200
    if path == EXPLAIN:
        start = answer.json()["attributions"][0]["start"]
        assert start == len("\ud83d\n\n\ud800 ")  # offsets count what was sent


def test_offsets_are_counted_as_javascript_does_where_that_is_asked_for(client: TestClient) -> None:
    text = f"\U0001f4f0 The {FAKE_WORD} came to town. \U0001f4f0 The {REAL_WORD} came to town."
    units = text.encode("utf-16-le")

    def cut(word: dict[str, Any]) -> str:
        return units[2 * word["start"] : 2 * word["end"]].decode("utf-16-le")

    for path, more in (
        ("explain", {"model": "tfidf", "method": "linear"}),
        ("explain", {"model": "tfidf", "method": "linear", "stream": True}),
        ("flip", {"model": "tfidf"}),
        ("compare", {"models": ["tfidf"], "methods": ["linear", "lime"]}),
    ):
        answer = client.post(f"/api/v1/{path}", json={"text": text, "offsets": "utf-16", **more})
        value = json.loads(answer.text.splitlines()[-1])
        words = value.get("explanation", value)
        words = words.get("attributions") or words.get("removed") or words.get("shared")
        assert words and [cut(word) for word in words] == [word["text"] for word in words]
    start = units.index(FAKE_WORD.encode("utf-16-le")) // 2
    remove = {"remove": [[start, start + len(FAKE_WORD)]], "offsets": "utf-16"}
    edited = client.post("/api/v1/what-if", json={"text": text, **remove}).json()["text"]
    assert FAKE_WORD not in edited and edited.count("\U0001f4f0") == 2 and REAL_WORD in edited


BAD_BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "not JSON": (b"text=abc", 400),
    "broken UTF-8": (b'{"text": "\xff\xfe\xfa"}', 400),
    "nested too deep": (b'{"text": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", 400),
    "number too long": (b'{"text": ' + b"9" * 10_000 + b"}", 400),
    "a list": (b"[]", 422),
    "no text": (b"{}", 422),
    "text is a number": (b'{"text": 3}', 422),
    "text is null": (b'{"text": null}', 422),
    "NaN": (b'{"text": NaN}', 422),
    "unknown field": (b'{"text": "a", "\\ud800<b>": 1}', 422),
    "no models": (b'{"text": "a", "models": []}', 422),
    "empty text": (b'{"text": ""}', 400),
    "only space": (b'{"text": " \\n\\t ", "title": " "}', 400),
    "only emoji": (json.dumps({"text": "\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f"}).encode(), 400),
    "only an address": (b'{"text": "https://example.org/story"}', 400),
    "too long": (json.dumps({"text": "a " * 15_000}).encode(), 400),
    "unknown model": (b'{"text": "a", "models": ["\\ud800"]}', 400),
    "a folder of the server": (b'{"text": "a", "models": ["/etc"]}', 400),
}


@pytest.mark.parametrize(("body", "status"), BAD_BODIES.values(), ids=list(BAD_BODIES))
def test_bad_bodies_get_one_sentence(client: TestClient, body: bytes, status: int) -> None:
    answer = client.post(ANALYSE, content=body)
    assert answer.status_code == status
    assert is_one_sentence(answer.json())


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"text": "..."}, 400),
        ({"method": "limee"}, 400),
        ({"method": "linear", "samples": 10}, 400),
        ({"method": "lime", "samples": -1}, 400),
        ({"method": "lime", "samples": 10**9}, 400),
        ({"method": "lime", "samples": "50"}, 422),
        ({"method": "lime", "samples": True}, 422),
        ({"method": "lime", "samples": 50.5}, 422),
        ({"seed": -1}, 400),
        ({"seed": 2**40}, 400),
        ({"seed": None}, 422),
        ({"target": "true"}, 422),
        ({"model": "distilbert"}, 400),
        ({"model": "../models/tfidf"}, 400),
    ],
)
def test_bad_requests_to_explain_get_one_sentence(client: TestClient, changes: dict[str, Any], status: int) -> None:
    answer = client.post(EXPLAIN, json=explain_body(**changes))
    assert answer.status_code == status
    assert is_one_sentence(answer.json())


def test_a_megabyte_is_refused_announced_or_not(client: TestClient) -> None:
    body = json.dumps({"text": "word " * 200_000}).encode()
    announced = client.post(ANALYSE, content=body)
    chunked = client.post(ANALYSE, content=iter([body[:150_000], body[150_000:]]))
    for answer in (announced, chunked):
        assert answer.status_code == 413
        assert is_one_sentence(answer.json())
        assert answer.headers["x-content-type-options"] == "nosniff"
    # The page posts its text here; Gradio shows "error" of the answer.
    assert client.post("/gradio_api/queue/join", content=body).json() == announced.json()


def test_a_body_of_exactly_the_limit_is_read(client: TestClient) -> None:
    body = b'{"text": ""}'.rjust(MAX_BODY)
    assert client.post(ANALYSE, content=body).status_code == 400
    assert client.post(ANALYSE, content=body + b" ").status_code == 413
    assert client.post(ANALYSE, content=iter([body])).status_code == 400
    assert client.post(ANALYSE, content=iter([body, b" "])).status_code == 413


def test_the_body_may_hold_the_longest_text_that_is_asked_for(settings: Settings) -> None:
    with TestClient(asyncio.run(small_app(replace(settings, max_chars=50_000)))) as client:
        body = json.dumps({"text": "town " + "“«»” " * 9_999})  # each mark takes six bytes
        assert len(body) > MAX_BODY and client.post(ANALYSE, content=body).status_code == 200
        assert client.post(ANALYSE, content=b" " * 300_000).status_code == 400
        assert client.post(ANALYSE, content=b" " * 300_001).status_code == 413


@pytest.mark.parametrize(("method", "path"), [("GET", ANALYSE), ("POST", "/api/v2/analyse"), ("DELETE", EXPLAIN)])
def test_other_api_paths_and_methods_are_not_found(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 404
    assert is_one_sentence(answer.json())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_what_is_only_read_says_so_to_any_other_method(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD"
    assert is_one_sentence(answer.json())


def test_the_page_is_mounted_with_headers_and_without_extras(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and "#123456" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'self' https://huggingface.co" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "x-frame-options" not in page.headers  # Spaces are shown in a frame
    assert page.headers["content-encoding"] == "gzip" and int(page.headers["content-length"]) < len(page.text) / 2
    unpacked = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in unpacked.headers and len(unpacked.text) == len(page.text)
    assert client.get(f"/?o={'x' * 43}").headers["content-encoding"] == "gzip"
    for path in ("/openapi.json", "/docs", "/redoc", "/gradio_api/openapi.json"):
        assert client.get(path).status_code == 404
    assert client.get("/monitoring").status_code == 403


class Slow(Explainers):
    """Explains until told to stop, reporting progress; knows how many run at once."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.running = self.most = self.cancelled = 0
        self._counting = threading.Lock()

    def refine(
        self, request: ExplanationRequest, progress: Callable[[float], None] | None = None
    ) -> Iterator[Refinement]:
        assert progress is not None
        with self._counting:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            while not self.go_on.is_set():
                time.sleep(0.01)
                progress(0.5)
        except Cancelled:
            self.cancelled += 1
            raise
        finally:
            with self._counting:
                self.running -= 1
        explanation = Explanation(
            request.text, request.target, (), "log-odds", 0.0, 0.0, None, 0.0, request.model, request.method, 42, 0.0
        )
        yield Refinement(explanation, 1.0, 0.0)


def slow_app(settings: Settings, slow: Slow, patience: float = 20.0) -> Guard:
    """Return a server whose explanations are slow, and wait for a place for so many seconds."""
    limits = {Lane.EXPLANATION: replace(LIMITS[Lane.EXPLANATION], patience=patience)}
    return bare_app(replace(Engine.open(settings, scheduler=Scheduler(limits)), explainers=slow))


async def ask(app: Any, body: bytes, leave: asyncio.Event | None = None, path: str = EXPLAIN) -> int | None:
    """Status of one request; None where the client left before it was answered."""
    sent: list[Any] = []
    first = True

    async def receive() -> dict[str, Any]:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        await (leave or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    line = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "POST", "path": path}
    await app({**line, "root_path": "", "query_string": b"", "headers": []}, receive, send)
    status: int = sent[0]["status"] if sent else errors.GONE
    return None if status == errors.GONE else status


def test_a_table_may_be_as_large_as_the_page_says(client: TestClient) -> None:
    sizes = {MAX_UPLOAD: 200, MAX_UPLOAD + 1: 413, MAX_UPLOAD + 20_000: 413}
    for size, status in sizes.items():
        answer = client.post("/gradio_api/upload", files={"files": ("mine.csv", b"x" * size)})
        assert answer.status_code == status, size


def bare_app(engine: Engine) -> Guard:
    app = FastAPI()
    server.add_api(app, engine, ShareStore.of(engine.settings), server.Readiness(), Metrics())
    return Guard(app)


def test_two_explanations_at_once_and_the_others_are_asked_to_wait(settings: Settings) -> None:
    slow = Slow()

    async def scene() -> tuple[list[int | None], list[int | None]]:
        app, body = slow_app(settings, slow, 0.2), json.dumps(explain_body()).encode()
        early = [asyncio.create_task(ask(app, body)) for _ in range(2)]
        while slow.running < 2:
            await asyncio.sleep(0.01)
        late = await asyncio.gather(*(ask(app, body) for _ in range(3)))
        slow.go_on.set()
        return await asyncio.gather(*early), [*late, await ask(app, body)]

    early, late = asyncio.run(scene())
    assert early == [200, 200]
    assert late == [503, 503, 503, 200]
    assert slow.most == 2


@pytest.mark.parametrize("stream", [False, True])
def test_an_explanation_stops_when_its_client_leaves(stream: bool, settings: Settings) -> None:
    slow = Slow()

    async def scene() -> int | None:
        leave = asyncio.Event()
        task = asyncio.create_task(
            ask(slow_app(settings, slow), json.dumps(explain_body(stream=stream)).encode(), leave)
        )
        while not slow.running:
            await asyncio.sleep(0.01)
        leave.set()
        return await asyncio.wait_for(task, 5)

    assert asyncio.run(scene()) is None
    assert (slow.running, slow.cancelled) == (0, 1)


@pytest.mark.parametrize("stream", [False, True])
def test_whoever_leaves_while_waiting_makes_room_for_another(stream: bool, settings: Settings) -> None:
    slow = Slow()

    async def scene() -> tuple[list[int | None], list[int | None]]:
        app, body = slow_app(settings, slow), json.dumps(explain_body(stream=stream)).encode()
        early = [asyncio.create_task(ask(app, body)) for _ in range(LIMITS[Lane.EXPLANATION].running)]
        while slow.running < LIMITS[Lane.EXPLANATION].running:
            await asyncio.sleep(0.01)
        leave = asyncio.Event()
        waiting = [asyncio.create_task(ask(app, body, leave)) for _ in range(LIMITS[Lane.EXPLANATION].waiting)]
        await asyncio.sleep(0.1)
        assert await ask(app, body) == 503
        leave.set()
        left = await asyncio.wait_for(asyncio.gather(*waiting), 1)
        late = asyncio.create_task(ask(app, body))
        await asyncio.sleep(0.1)
        slow.go_on.set()
        return left, await asyncio.gather(*early, late)

    left, answered = asyncio.run(scene())
    assert set(left) == {None} and set(answered) == {200}


@pytest.mark.parametrize("stream", [False, True])
def test_whoever_left_before_the_answer_began_keeps_no_place(stream: bool, settings: Settings) -> None:
    slow = Slow()
    slow.go_on.set()

    async def scene() -> int | None:
        app, body, left = (
            slow_app(settings, slow, 0.2),
            json.dumps(explain_body(stream=stream)).encode(),
            asyncio.Event(),
        )
        left.set()
        for _ in range(LIMITS[Lane.EXPLANATION].running + 1):
            await ask(app, body, left)
        return await ask(app, body)

    assert asyncio.run(scene()) == 200


def test_too_many_articles_at_once_are_refused_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {Lane.VERDICT: replace(LIMITS[Lane.VERDICT], running=1, waiting=1)}
    engine, go_on = Engine.open(settings, scheduler=Scheduler(limits)), threading.Event()

    def analyse(text: str, models: Any, token: Any) -> Analysis:
        assert go_on.wait(10)
        return Analysis(text, (), 1, 0.0)

    monkeypatch.setattr(engine.judge, "analyse", analyse)

    async def scene() -> list[httpx.Response]:
        transport = httpx.ASGITransport(bare_app(engine))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            asked = [asyncio.create_task(client.post(ANALYSE, json={"text": FAKE_ARTICLE})) for _ in range(4)]
            await asyncio.sleep(0.1)
            assert [task.done() for task in asked] == [False, False, True, True]
            go_on.set()
            return await asyncio.gather(*asked)

    answers = asyncio.run(scene())
    assert [a.status_code for a in answers] == [200, 200, 503, 503]
    assert answers[-1].headers["retry-after"] == "2"
    assert answers[-1].json() == {"error": "Too many articles are being read: try again in a few seconds."}


def test_a_verdict_whose_client_leaves_while_it_waits_is_not_worked_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, go_on, judged = Engine.open(settings), threading.Event(), []
    engine.scheduler.batch_verdicts()
    real = engine.judge.judge_many

    def judge_many(texts: list[str], *rest: Any) -> Any:
        judged.append(texts)
        assert go_on.wait(10)
        return real(texts, *rest)

    monkeypatch.setattr(engine.judge, "judge_many", judge_many)

    async def scene() -> list[int | None]:
        app, leave = bare_app(engine), asyncio.Event()
        bodies = [json.dumps({"text": f"{FAKE_ARTICLE} {n}"}).encode() for n in range(2)]
        stays = asyncio.create_task(ask(app, bodies[0], path=ANALYSE))
        while not judged:
            await asyncio.sleep(0.01)
        leaves = asyncio.create_task(ask(app, bodies[1], leave, ANALYSE))
        while not engine.scheduler.queued():
            await asyncio.sleep(0.01)
        leave.set()
        left = await asyncio.wait_for(leaves, 5)
        go_on.set()
        return [await stays, left]

    assert asyncio.run(scene()) == [200, None]
    assert len(judged) == 1


def test_a_storage_that_hangs_leaves_verdicts_their_threads(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, visit = threading.Event(), "/api/v1/shares/x"

    def hang(*_: Any) -> Any:
        go_on.wait(30)
        raise StorageError

    for method in ("get", "owned", "delete"):
        monkeypatch.setattr(ShareStore, method, hang)

    async def scene() -> tuple[int, list[int]]:
        app = preview.SharedPage(bare_app(Engine.open(settings)), ShareStore("sqlite:///:memory:"))
        owner = {"authorization": "Bearer x"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            calls = [
                ("GET", visit),
                ("GET", "/api/v1/shares"),
                ("DELETE", visit),
                ("GET", "/card/x.png"),
                ("GET", "/?a=x"),
            ]
            asked = [asyncio.create_task(client.request(*call, headers=owner)) for call in calls * 10]
            await asyncio.sleep(0.2)
            try:
                verdict = await asyncio.wait_for(client.post(ANALYSE, json={"text": FAKE_ARTICLE}), 5)
            finally:
                go_on.set()
            return verdict.status_code, [answer.status_code for answer in await asyncio.gather(*asked)]

    verdict, others = asyncio.run(scene())
    assert verdict == 200
    assert others == [503, 503, 503, 503, 404] * 10  # here, no page lies beneath the last


def test_what_has_expired_is_deleted_while_the_server_runs_also_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(server.memory, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(server, "PURGE_SECONDS", 0)
    asked, tidied, twice = [], [], threading.Event()

    class Kept(ShareStore):
        def purge(self) -> None:
            asked.append(1)
            if len(asked) == 2:
                twice.set()
            raise StorageError

    async def scene() -> None:
        with Page() as blocks:
            blocks.tidy = lambda: tidied.append(1)
        tidying = asyncio.create_task(server._tidy(blocks, Kept(f"sqlite:///{tmp_path / 's.db'}")))
        assert await asyncio.to_thread(twice.wait, 10)
        tidying.cancel()

    asyncio.run(scene())
    assert "have expired cannot be deleted: StorageError" in caplog.text and len(tidied) >= 2


class Broken(Judge):
    """Fails with a message that quotes the article."""

    def analyse(self, text: str, models: Any = None, records: bool = True, token: Any = None) -> Any:
        """Raise what nobody expects."""
        raise RuntimeError(f"cannot read {text}")


@pytest.mark.parametrize(
    ("function", "data", "said"),
    [
        ("analyse", [5], '"text" has to be a string, got a number.'),
        ("analyse", ["a secret article", None], '"title" has to be a string, got null.'),
        ("analyse", [], '"text" has to be a string, got null.'),
        ("explain", ["a secret article", None], "Unknown model 'None'. Here: tfidf."),
    ],
)
def test_named_functions_refuse_other_types_in_a_sentence(
    page: TestClient, capfd: pytest.CaptureFixture[str], function: str, data: list[Any], said: str
) -> None:
    told = outcome(page, function, data)
    assert told.startswith("event: error") and said in json.loads(told.partition("data: ")[2])["error"]
    printed = capfd.readouterr()
    assert "Traceback" not in printed.err and "secret" not in printed.err + printed.out


def test_named_functions_take_their_defaults_for_what_is_left_out(page: TestClient) -> None:
    told = outcome(page, "analyse", [FAKE_ARTICLE])
    assert told.startswith("event: complete"), told
    assert json.loads(told.partition("data: ")[2])[0]["predictions"][0]["model"] == "tfidf"


def test_what_gradio_would_print_of_a_handler_is_logged_without_the_article(
    page: TestClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = page.post("/gradio_api/run/longer", json={"data": ["a secret article"]})
    assert answer.status_code == 500
    assert "A handler of the page failed." in caplog.text and "ValueError" in caplog.text
    printed = capfd.readouterr()
    assert "secret" not in printed.err + printed.out + answer.text


def outcome(page: TestClient, function: str, data: list[Any]) -> str:
    """Return the last event that Gradio sends to whoever called a named function."""
    asked = page.post(f"/gradio_api/call/{function}", json={"data": data}).json()
    return page.get(f"/gradio_api/call/{function}/{asked['event_id']}").text.strip().split("\n\n")[-1]


def test_a_fault_of_ours_is_logged_without_the_article(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine.open(settings)
    broken = Broken(engine.pool, engine.evidence, engine.scheduler, engine.device)
    with caplog.at_level(logging.DEBUG), TestClient(bare_app(replace(engine, judge=broken))) as client:
        answer = client.post(ANALYSE, json={"text": "a secret article"})
    assert answer.status_code == 500
    assert is_one_sentence(answer.json())
    assert "RuntimeError" in caplog.text and "in analyse" in caplog.text
    assert "secret" not in caplog.text + answer.text


@pytest.mark.parametrize("proxies", [0, 1])
def test_no_header_changes_the_address_of_a_connection(proxies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    configs: list[uvicorn.Config] = []
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["client"], scope["scheme"]))

    monkeypatch.setattr(uvicorn.Server, "run", lambda self: configs.append(self.config))
    monkeypatch.setattr(server, "create_app", lambda *_, **named: app)
    for module, name in ((server, "log_as"), (server.memory, "put_off_collection"), (server.memory, "share_heaps")):
        monkeypatch.setattr(module, name, lambda *_: None)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    server.serve(Settings(device="cpu", proxies=proxies))
    (config,) = configs
    config.load()
    headers = [(b"x-forwarded-for", b"198.51.100.7"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": ("127.0.0.1", 5), "scheme": "http", "headers": headers}
    asyncio.run(config.loaded_app(scope, None, None))  # type: ignore[arg-type]
    assert seen == [(("127.0.0.1", 5), "http")]


def test_nobody_is_called_at_home_unless_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRADIO_ANALYTICS_ENABLED", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    server.stay_offline()
    assert server.os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert server.os.environ["HF_HUB_OFFLINE"] == "0"
