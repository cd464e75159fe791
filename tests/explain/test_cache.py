"""The cache of explanations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fakenews.explain.cache import ContentCache, ExplanationKey
from fakenews.explain.linear import LinearExplainer

KEY = ExplanationKey.of("the mayor", "tfidf", "r1", "lime", "fake", 300, 42)


@pytest.fixture
def explanation(tfidf):
    return LinearExplainer().explain("the mayor", tfidf)


@pytest.mark.parametrize(
    "other",
    [
        ExplanationKey.of("the mayor ", "tfidf", "r1", "lime", "fake", 300, 42),
        replace(KEY, classifier="tinybert"),
        replace(KEY, revision="r2"),
        replace(KEY, method="shap"),
        replace(KEY, target="real"),
        replace(KEY, n_samples=301),
        replace(KEY, seed=43),
    ],
)
def test_another_request_is_another_entry(explanation, other):
    cache = ContentCache()
    cache.put(KEY, explanation)
    assert cache.get(KEY) is explanation
    assert cache.get(other) is None


def test_the_one_unused_for_longest_gives_way(explanation):
    cache = ContentCache(max_entries=2)
    first, second, third = (replace(KEY, seed=s) for s in range(3))
    cache.put(first, explanation)
    cache.put(second, explanation)
    cache.get(first)
    cache.put(third, explanation)
    assert len(cache) == 2
    assert [cache.get(k) is not None for k in (first, second, third)] == [True, False, True]


def test_a_key_holds_no_text_and_takes_any_string():
    key = ExplanationKey.of("lizard \ud83d", "tfidf", "r1", "lime", "fake", None, 0)
    assert len(key.text_sha256) == 64
    assert "lizard" not in repr(key)


def test_many_threads_leave_it_within_bounds(explanation):
    cache = ContentCache(max_entries=8)

    def use(seed):
        key = replace(KEY, seed=seed % 20)
        cache.put(key, explanation)
        return cache.get(key) in (None, explanation)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(2000)))
    assert len(cache) == 8


def test_an_empty_cache_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        ContentCache(max_entries=0)
