"""Word vectors: rounded once, the same after a seed, and the same when read back."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fakenews.classifiers.embeddings import WordVectors, train_vectors
from tests.explain.toys import planted_corpus

SETTINGS = {"width": 8, "window": 2, "min_count": 1, "max_words": 12, "epochs": 2, "skip_gram": False}
DOCUMENTS = [text.split() for text in planted_corpus(40)[0]]


def test_rounding_is_off_by_half_a_step_at_most():
    vectors = np.random.default_rng(0).normal(size=(5, 300)).astype(np.float32)
    rounded = WordVectors.rounded(list("abcde"), vectors)
    steps = np.abs(vectors).max(axis=1, keepdims=True) / 127
    assert (np.abs(rounded.matrix()[1:] - vectors) <= steps * 0.501).all()
    assert rounded.codes.dtype == np.int8


def test_a_vector_of_zeros_stays_one():
    assert not WordVectors.rounded(["a"], np.zeros((1, 3), dtype=np.float32)).matrix().any()


def test_unknown_words_have_the_row_of_zeros():
    vectors = WordVectors.rounded(["lizard", "road"], np.ones((2, 3), dtype=np.float32))
    assert vectors.rows(["road", "qwertz", "lizard"]).tolist() == [2, 0, 1]
    assert vectors.rows([]).shape == (0,)
    assert not vectors.matrix()[0].any()


def test_tensors_hold_all_of_it():
    vectors = WordVectors.rounded(["naïve", "市长", "road"], np.random.default_rng(1).normal(size=(3, 4)))
    back = WordVectors.from_tensors(vectors.tensors())
    assert back.index == vectors.index
    np.testing.assert_array_equal(back.matrix(), vectors.matrix())


def test_the_same_seed_gives_the_same_vectors():
    first, again, other = (train_vectors(DOCUMENTS, **SETTINGS, seed=seed) for seed in (7, 7, 8))
    assert first.index == again.index
    np.testing.assert_array_equal(first.matrix(), again.matrix())
    assert (first.matrix() != other.matrix()).any()


def test_the_most_frequent_words_are_kept():
    vectors = train_vectors(DOCUMENTS, **SETTINGS, seed=7)
    assert 0 < len(vectors.index) <= 12
    counts = {word: sum(document.count(word) for document in DOCUMENTS) for word in vectors.index}
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_too_little_text_is_refused():
    with pytest.raises(ValueError, match="No word occurs 1000 times in these 40 texts"):
        train_vectors(DOCUMENTS, **{**SETTINGS, "min_count": 1000}, seed=7)


def test_without_gensim_the_message_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "gensim"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gensim", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install gensim==4\.4\.0"):
        train_vectors(DOCUMENTS, **SETTINGS, seed=7)
