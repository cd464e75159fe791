"""A snapshot of two small models, and every kind of storage it can be kept in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakenews.engine import Engine
from fakenews.engine.values import ExplanationRequest
from fakenews.share.snapshot import Snapshot, take
from fakenews.share.store import ShareStore
from tests.explain.toys import FAKE_WORD

ARTICLE = (
    f"A {FAKE_WORD} in the town\n\nWASHINGTON (Reuters) - The people in the city said the {FAKE_WORD} was on the road. "
    + "The council met on Tuesday to talk about the bridge, and asked who would pay for it. " * 4
)


@pytest.fixture(scope="session")
def engine(share_engine: Engine) -> Engine:
    return share_engine


def snapshot_of(engine: Engine, text: str) -> Snapshot:
    analysis = engine.judge.analyse(text).tested(engine.judge.formatting_test(text))
    explanations = [
        engine.explainers.explain(ExplanationRequest(text, "tfidf", "linear")),
        engine.explainers.explain(ExplanationRequest(text, "word2vec", "shap", n_samples=200)),
    ]
    return take(engine, analysis, explanations)


@pytest.fixture(scope="session")
def snapshot(engine: Engine) -> Snapshot:
    return snapshot_of(engine, engine.judge.check("", ARTICLE))


@pytest.fixture(params=["sqlite", "sqlite and bucket", "postgres", "postgres and bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShareStore]:
    index, _, bucket = request.param.partition(" and ")
    here = f"sqlite:///{tmp_path / 'index' / 'shares.db'}"
    url = request.getfixturevalue("postgres") if index == "postgres" else here
    found = ShareStore(url, tmp_path / "bucket" if bucket else None)
    yield found
    found.close()
