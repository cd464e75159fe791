"""The shipped models on what people type first: nothing everyday is called fake with confidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.engine.errors import EmptyText
from fakenews.text import clean, count_words
from tests.everyday import FRAGMENTS, SENTENCES


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.open(Settings(device="cpu"))


def test_there_are_fifty_of_each_and_none_twice():
    assert len(set(SENTENCES)) == len(set(FRAGMENTS)) == 50


@pytest.mark.parametrize("texts", [SENTENCES, FRAGMENTS], ids=["sentences", "fragments"])
def test_nothing_short_is_judged(engine, texts):
    found, refused = [], []
    for text in texts:
        try:
            found += engine.judge.analyse(engine.judge.check("", text)).predictions
        except EmptyText:  # nothing but marks, an address, or what names an agency
            refused.append(text)
    assert [p for p in found if p.verdict == "fake"] == []
    assert sum(p.verdict == "cannot_judge" for p in found) > 0.9 * len(found)
    assert len(refused) < 10 and all(count_words(clean(text).text) == 0 for text in refused)


def test_everyday_paragraphs_are_unlike_the_training_data(engine):
    """Long enough to be judged, but no news: a model that keeps centroids of its training articles must notice."""
    aware = [m for m in engine.pool.models if getattr(engine.pool.classifier(m), "centroids_", None) is not None]
    if not aware:
        pytest.skip('no shipped model keeps centroids: run "fakenews novelty --model tinybert"')
    paragraphs = [" ".join(SENTENCES[i : i + 7]) for i in range(0, 44, 4)]
    assert all(count_words(p) >= 40 for p in paragraphs)
    found = [p for text in paragraphs for p in engine.judge.analyse(engine.judge.check("", text), aware).predictions]
    assert sum(p.verdict == "fake" for p in found) <= 0.2 * len(found)


@pytest.mark.slow
def test_everyday_magazine_articles_are_not_called_fake(engine):
    """Twenty articles on celebrities, sports and daily life in a neutral voice, written for this test."""
    articles = [a.strip() for a in (Path(__file__).parent / "lifestyle.txt").read_text("utf-8").split("\n===\n")]
    assert len(articles) == 20
    for model in ("ensemble", "ensemble-small", "mpnet", "tinybert", "tfidf"):
        found = [
            p
            for a in articles
            for p in engine.judge.analyse(engine.judge.check(*a.split("\n", 1)), (model,)).predictions
        ]
        assert sum(p.verdict == "fake" for p in found) <= 2, model
