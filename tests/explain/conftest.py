"""The two small classifiers, fitted once."""

from __future__ import annotations

import pytest

from fakenews.classifiers.tfidf import TfidfClassifier
from fakenews.classifiers.transformer import TransformerClassifier
from tests.explain.toys import small_bert, small_tfidf


@pytest.fixture(scope="session")
def tfidf() -> TfidfClassifier:
    return small_tfidf()


@pytest.fixture(scope="session")
def bert() -> TransformerClassifier:
    return small_bert()
