"""A snapshot of two small models."""

from __future__ import annotations

import pytest

from fakenews.engine import Engine
from fakenews.engine.values import ExplanationRequest
from fakenews.share.snapshot import Snapshot, take
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
