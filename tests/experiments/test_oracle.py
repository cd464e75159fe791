"""Oracle weights: what they reach, and that they are fitted corpus by corpus on shared articles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from experiments.oracle import oracle_auc, oracle_auc_left_out
from fakenews.config import REPOSITORY
from fakenews.evidence.files import read_predictions


def rows(corpus: str, labels: np.ndarray, margin: np.ndarray) -> pd.DataFrame:
    article = {"protocol": "left-out", "id": np.arange(len(labels)), "corpus": corpus, "split": "all", "label": labels}
    return pd.DataFrame({**article, "log_odds": margin})


@pytest.fixture
def noisy() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=2000)
    signal = np.where(labels == 0, 1.0, -1.0)
    return labels, signal + rng.normal(0, 2, 2000), signal + rng.normal(0, 2, 2000)


def test_two_opinions_together_beat_each(noisy) -> None:
    labels, first, second = noisy
    found = oracle_auc({"a": rows("x", labels, first), "b": rows("x", labels, second)})
    assert found["x"] > max(roc_auc_score(labels == 0, first), roc_auc_score(labels == 0, second)) + 0.05


def test_every_corpus_has_weights_of_its_own(noisy) -> None:
    labels, first, noise = noisy[0], noisy[1], np.random.default_rng(1).normal(size=2000)
    a = pd.concat([rows("x", labels, first), rows("y", labels, noise)])
    b = pd.concat([rows("x", labels, noise), rows("y", labels, -first)])  # right, but the other way round
    found = oracle_auc({"a": a, "b": b})
    assert found == pytest.approx(dict.fromkeys("xy", roc_auc_score(labels == 0, first)), abs=0.01)


def test_only_what_all_answered_counts_and_one_class_is_no_question(noisy) -> None:
    labels, first, _ = noisy
    a = pd.concat([rows("x", labels, first), rows("one class", np.zeros(9, dtype=int), first[:9])])
    b = pd.concat([rows("y", labels, first), rows("one class", np.zeros(9, dtype=int), first[:9])])
    assert oracle_auc({"a": a, "b": b}) == {}
    assert list(oracle_auc({"a": a})) == ["x"]
    assert oracle_auc({}) == {}


def test_the_shipped_ensemble_stays_below_the_oracle_weights() -> None:
    folders = [f for f in sorted((REPOSITORY / "models").iterdir()) if (f / "predictions.parquet").is_file()]
    bounds = oracle_auc_left_out(folders)
    ensemble = read_predictions(REPOSITORY / "models" / "ensemble", ("left-out",))
    ensemble = ensemble[ensemble["corpus"].isin(bounds)]  # those that every single model answered
    assert ensemble["corpus"].nunique() >= 5
    for corpus, answered in ensemble.groupby("corpus"):
        assert roc_auc_score(answered["label"] == 0, answered["p_fake"]) < bounds[str(corpus)]
