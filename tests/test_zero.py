"""On ZeroGPU the models are called in another process: what goes there and comes back has to be pickled."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pandas as pd
import pytest

from fakenews.config import Settings
from fakenews.data.table import as_table
from fakenews.explain.base import Cancelled
from fakenews.services import Services
from fakenews.zero import EXPLANATION_SECONDS, VERDICT_SECONDS, ZeroServices

TEXT = "The council met on Tuesday and voted to repair the old bridge. Nobody asked who would pay for it. " * 4


class Lender:
    """Stands for `spaces.GPU`: only pickled bytes cross; what was declared for each call is kept."""

    def __init__(self) -> None:
        self.seconds: list[int] = []
        self.is_lent = False

    @contextmanager
    def lending(self) -> Iterator[None]:
        self.is_lent = True
        try:
            yield
        finally:
            self.is_lent = False

    def __call__(self, duration: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def crossing(value: Any) -> Any:
            return pickle.loads(pickle.dumps(value))

        def decorate(task: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(task)
            def once(*arguments: Any) -> Any:
                self.seconds.append(duration)
                with self.lending():
                    return crossing(task(*crossing(arguments)))

            @wraps(task)
            def steps(*arguments: Any) -> Iterator[Any]:
                self.seconds.append(duration)
                found = task(*crossing(arguments))
                while True:
                    with self.lending():
                        step = next(found, None)
                    if step is None:
                        return
                    yield crossing(step)

            return steps if inspect.isgeneratorfunction(task) else once

        return decorate


@pytest.fixture(scope="module")
def lender() -> Lender:
    return Lender()


@pytest.fixture(scope="module")
def zero(lender: Lender) -> ZeroServices:
    return ZeroServices(Settings(), lender)


@pytest.fixture(scope="module")
def plain() -> Services:
    return Services(Settings())


def test_verdicts_are_the_same(zero: ZeroServices, plain: Services, lender: Lender):
    zero.warm_up()
    assert lender.seconds == []  # nothing was asked of a visitor's quota yet
    found = zero.analyse(TEXT)
    assert found.predictions == plain.analyse(TEXT).predictions
    assert lender.seconds == [VERDICT_SECONDS]
    assert zero.formatting_test(TEXT).outcomes == plain.formatting_test(TEXT).outcomes


@pytest.mark.parametrize("method", ["gradient", "shap"])
def test_explanations_are_the_same_and_kept(zero: ZeroServices, plain: Services, lender: Lender, method: str):
    shares: list[float] = []
    found = zero.explain(TEXT, "tinybert", method, progress=shares.append)
    assert found.attributions == plain.explain(TEXT, "tinybert", method).attributions
    assert shares[-1] == 1.0
    asked = len(lender.seconds)
    assert zero.explain(TEXT, "tinybert", method) == found
    assert len(lender.seconds) == asked  # from memory, without the GPU
    graded = [services.grade(found, "tinybert").grade for services in (zero, plain)]
    assert graded[0].comprehensiveness == graded[1].comprehensiveness
    assert lender.seconds[-1] == EXPLANATION_SECONDS


def test_the_smallest_flip_is_the_same(zero: ZeroServices, plain: Services):
    assert zero.smallest_flip(TEXT, "tfidf").removed == plain.smallest_flip(TEXT, "tfidf").removed


def test_many_articles_are_read_and_weighed_on_the_lent_gpu(zero: ZeroServices, plain: Services, lender: Lender):
    table = as_table(pd.DataFrame({"text": [f"{TEXT} Version {n}." for n in range(130)], "label": [0, 1] * 65}))
    texts = table["text"].tolist()[:4]
    used: list[bool] = []
    watched = zero.classifier("tinybert").model.register_forward_pre_hook(lambda *_: used.append(lender.is_lent))
    asked = len(lender.seconds)
    try:
        words = zero.words_across(texts, "tinybert")
        p_fake = zero.score_corpus(table, "mine", "tinybert")
        result = zero.measure_table(table[:4], "tinybert")
    finally:
        watched.remove()
    assert used and all(used)
    assert lender.seconds[asked:] == [EXPLANATION_SECONDS, VERDICT_SECONDS, VERDICT_SECONDS, VERDICT_SECONDS]
    assert words == plain.words_across(texts, "tinybert")
    assert p_fake[:4] == pytest.approx([p.p_fake for p in result.predictions], abs=1e-3)


def test_an_explanation_is_cancelled_between_results(zero: ZeroServices):
    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        zero.explain(TEXT, "tinybert", "lime", progress=stop)


def test_the_real_package_lends_nothing_elsewhere():
    pytest.importorskip("spaces")
    assert ZeroServices(Settings()).analyse(TEXT).predictions
