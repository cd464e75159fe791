"""Whatever is sent to the API, the answer is a verdict, or one sentence, and never a fault of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from tests.fuzz.inputs import BODIES, TEXTS

UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))
PATHS = (
    "analyse", "explain", "what-if", "flip", "compare", "extract", "shares", "export", "shares/x/begin",
    "shares/x/reviews", "shares/x/expiry", "review-sets", "review-sets/x/articles", "review-sets/x/reviewers",
    "review-sets/x/answers/0", "review-sets/x/state", "analyse/../shares", "\x00",
)  # fmt: skip


def check(answer: Any) -> None:
    """Check that a fault is refused on purpose."""
    assert answer.status_code < 500 or (answer.status_code == 503 and "retry-after" in answer.headers), answer.text
    if answer.status_code >= 400 and answer.json() != {"detail": "Not Found"}:  # a path that is no route of ours
        assert list(answer.json()) == ["error"], answer.text
        assert answer.json()["error"].strip().endswith((".", "?")) and "Traceback" not in answer.text


@pytest.fixture(scope="session")
def operations(client: TestClient) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", client.app)
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
@given(data=st.data())
@UNHURRIED
def test_what_the_document_allows_and_what_it_does_not(
    operations: list[Any], count: Callable[[str], None], mode: GenerationMode, data: st.DataObject
) -> None:
    count(f"{mode.name.lower()} by the document")
    operation = data.draw(st.sampled_from(operations))
    check(data.draw(operation.as_strategy(generation_mode=mode)).call())


@given(
    path=st.sampled_from(PATHS) | TEXTS, body=BODIES, method=st.sampled_from(["POST", "POST", "POST", "DELETE", "PUT"])
)
@UNHURRIED
def test_any_body(client: TestClient, count: Callable[[str], None], path: str, body: bytes, method: str) -> None:
    from urllib.parse import quote

    count("bodies")
    check(client.request(method, f"/api/v1/{quote(path.encode('utf-8', 'replace'))}", content=body))


@given(text=TEXTS)
@UNHURRIED
def test_any_article_is_read_and_explained_on_its_own_characters(
    client: TestClient, count: Callable[[str], None], text: str
) -> None:
    import json

    count("articles")
    body = json.dumps({"text": text, "model": "tfidf", "method": "linear"})
    answer = client.post("/api/v1/explain", content=body)
    check(answer)
    if answer.status_code == 200:
        for word in answer.json()["attributions"]:
            assert 0 <= word["start"] < word["end"] <= len(text)
    else:
        assert answer.status_code == 400
