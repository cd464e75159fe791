"""The memory of explanations: what a key tells apart, and that it stays within bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fakenews.engine.cache import Cache
from fakenews.engine.values import ExplanationRequest
from fakenews.explain.linear import LinearExplainer
from tests.explain.toys import small_tfidf

REQUEST = ExplanationRequest("the mayor", "a/folder", "lime", 300)
KEY = REQUEST.key("tfidf", "r1")


@pytest.fixture(scope="module")
def explanation():
    return LinearExplainer().explain("the mayor", small_tfidf())


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, text="the mayor ").key("tfidf", "r1"),
        REQUEST.key("tinybert", "r1"),
        REQUEST.key("tfidf", "r2"),
        replace(REQUEST, method="shap").key("tfidf", "r1"),
        replace(REQUEST, target="real").key("tfidf", "r1"),
        replace(REQUEST, n_samples=301).key("tfidf", "r1"),
        replace(REQUEST, seed=43).key("tfidf", "r1"),
    ],
)
def test_another_request_is_another_entry(explanation, other):
    cache = Cache()
    cache.put(KEY, explanation)
    assert cache.get(KEY) is explanation
    assert cache.get(other) is None


def test_the_one_unused_for_longest_gives_way(explanation):
    cache = Cache(max_entries=2)
    first, second, third = (replace(REQUEST, seed=s).key("tfidf", "r1") for s in range(3))
    cache.put(first, explanation)
    cache.put(second, explanation)
    cache.get(first)
    cache.put(third, explanation)
    assert len(cache) == 2
    assert [cache.get(k) is not None for k in (first, second, third)] == [True, False, True]


def test_a_key_holds_no_text_and_takes_any_string():
    request, revision = ExplanationRequest("lizard \ud83d", "tfidf", "lime").key("tfidf", "r1")
    assert (len(request.text), revision) == (64, "r1")
    assert "lizard" not in repr(request)


def test_many_threads_leave_it_within_bounds(explanation):
    cache = Cache(max_entries=8)

    def use(seed):
        key = replace(REQUEST, seed=seed % 20).key("tfidf", "r1")
        cache.put(key, explanation)
        return cache.get(key) in (None, explanation)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(2000)))
    assert len(cache) == 8


def test_an_empty_cache_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Cache(max_entries=0)
