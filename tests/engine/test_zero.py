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
from fakenews.engine import Engine
from fakenews.engine.device import EXPLANATION_SECONDS, VERDICT_SECONDS
from fakenews.engine.values import ExplanationRequest
from fakenews.engine.zero import ZeroDevice
from fakenews.explain.base import Cancelled

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
def zero(lender: Lender) -> Engine:
    return Engine.open(Settings(), ZeroDevice(lender))


@pytest.fixture(scope="module")
def plain() -> Engine:
    return Engine.open(Settings())


def test_verdicts_are_the_same(zero: Engine, plain: Engine, lender: Lender):
    zero.warm_up()
    assert lender.seconds == []  # nothing was asked of a visitor's quota yet
    found = zero.judge.analyse(TEXT)
    assert found.predictions == plain.judge.analyse(TEXT).predictions
    assert lender.seconds == [VERDICT_SECONDS]
    assert zero.judge.formatting_test(TEXT).edits == plain.judge.formatting_test(TEXT).edits


@pytest.mark.parametrize("method", ["gradient", "shap"])
def test_explanations_are_the_same_and_kept(zero: Engine, plain: Engine, lender: Lender, method: str):
    shares: list[float] = []
    found = zero.explainers.explain(ExplanationRequest(TEXT, "tinybert", method), shares.append)
    expected = plain.explainers.explain(ExplanationRequest(TEXT, "tinybert", method))
    assert [(a.start, a.end) for a in found.attributions] == [(a.start, a.end) for a in expected.attributions]
    weights = [a.weight for a in expected.attributions]
    assert [a.weight for a in found.attributions] == pytest.approx(weights, abs=1e-3)  # threads round otherwise
    assert shares[-1] == 1.0
    asked = len(lender.seconds)
    assert zero.explainers.explain(ExplanationRequest(TEXT, "tinybert", method)) == found
    assert len(lender.seconds) == asked  # from memory, without the GPU
    graded = [engine.explainers.grade(found, "tinybert").grade for engine in (zero, plain)]
    assert graded[0].comprehensiveness == pytest.approx(graded[1].comprehensiveness, abs=0.05)
    assert lender.seconds[-1] == EXPLANATION_SECONDS


def test_the_minimal_counterfactual_is_the_same(zero: Engine, plain: Engine):
    assert (
        zero.explainers.minimal_counterfactual(TEXT, "tfidf").removed
        == plain.explainers.minimal_counterfactual(TEXT, "tfidf").removed
    )


def test_many_articles_are_read_and_weighed_on_the_lent_gpu(zero: Engine, plain: Engine, lender: Lender):
    table = as_table(pd.DataFrame({"text": [f"{TEXT} Version {n}." for n in range(130)], "label": [0, 1] * 65}))
    texts = table["text"].tolist()[:4]
    used: list[bool] = []
    watched = zero.pool.classifier("tinybert").model.register_forward_pre_hook(lambda *_: used.append(lender.is_lent))
    asked = len(lender.seconds)
    try:
        words = zero.explainers.global_importance(texts, "tinybert")
        p_fake = zero.tables.score_corpus(table, "mine", "tinybert")
        result = zero.tables.measure(table[:4], "tinybert")
    finally:
        watched.remove()
    assert used and all(used)
    assert lender.seconds[asked:] == [EXPLANATION_SECONDS, VERDICT_SECONDS, VERDICT_SECONDS, VERDICT_SECONDS]
    weights = {w.word: w.weight for w in plain.explainers.global_importance(texts, "tinybert")}
    assert {w.word: w.weight for w in words} == pytest.approx(weights, abs=1e-3)
    assert p_fake[:4] == pytest.approx([p.p_fake for p in result.predictions], abs=1e-3)


def test_an_explanation_is_cancelled_between_results(zero: Engine):
    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        zero.explainers.explain(ExplanationRequest(TEXT, "tinybert", "lime"), stop)


def test_the_real_package_lends_nothing_elsewhere():
    pytest.importorskip("spaces")
    assert Engine.open(Settings(), ZeroDevice()).judge.analyse(TEXT).predictions
