"""Cleaning, words, sentences and windows of any text whatever."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.explain.counterfactual import without
from fakenews.schema import Span
from fakenews.text import clean, encodable, join, sentence_spans, word_spans
from tests.fuzz.inputs import TEXTS

UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))


@given(TEXTS, TEXTS)
@UNHURRIED
def test_cleaning(count: Callable[[str], None], title: str, body: str) -> None:
    count("cleaned texts")
    source = join(title, body)
    found = clean(source)
    end = 0
    for word in word_spans(found.text):
        span = found.source_span(word.start, word.end)
        assert end <= span.start < span.end <= len(source)
        end = span.end
    found.text.encode()
    encodable(source).encode()


@given(TEXTS)
@UNHURRIED
def test_sentences_and_their_removal(count: Callable[[str], None], text: str) -> None:
    count("sentences")
    spans = sentence_spans(text)
    end = 0
    for span in spans:
        assert end <= span.start < span.end <= len(text)
        end = span.end
    rest = without(text, [Span(s.start, s.end) for s in spans])
    assert len(rest) <= len(text) - sum(s.end - s.start for s in spans) + len(spans)


@given(TEXTS, st.integers(0, 2**16))
@UNHURRIED
def test_windows_and_masks(
    classifiers: dict[str, TextClassifier], count: Callable[[str], None], text: str, seed: int
) -> None:
    count("windows")
    classifier = classifiers["tinybert"]
    windows = classifier.encode(text)  # type: ignore[attr-defined]
    n_words = len(clean_text(text).words)
    assert windows.input_ids.shape == windows.attention_mask.shape == windows.word_index.shape
    assert int(windows.word_index.max()) < n_words
    keep = np.random.default_rng(seed).random((2, n_words)) < 0.5
    margins = classifier.masked_log_odds(text, keep)
    assert margins.shape == (2,) and np.isfinite(margins).all()
