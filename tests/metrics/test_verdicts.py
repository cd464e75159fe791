"""What a labeled table says of a model: its figures, and the verdicts it did give."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from fakenews.evidence.predictions import judged
from fakenews.metrics.evaluation import evaluate
from fakenews.metrics.verdicts import Verdicts, table_result, verdicts
from fakenews.schema import FAKE, REAL, Prediction
from fakenews.verdict import judge

LABELS = [FAKE, FAKE, REAL, REAL, REAL]
P_FAKE = [0.9, 0.45, 0.95, 0.1, 0.5]


def predictions(n_words: int = 400) -> list[Prediction]:
    return [judge("m", p, 0.0, n_words) for p in P_FAKE]


def test_the_figures_are_those_of_the_probabilities() -> None:
    assert table_result(predictions(), LABELS).evaluation == evaluate(LABELS, P_FAKE)


def test_verdicts_are_counted_with_the_reasons_for_none() -> None:
    found = verdicts(predictions(), LABELS)
    # The second and the fifth are too close to call; of the other three the third is wrong.
    assert (found.n, found.given, found.right) == (5, 3, 2)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.interval is not None and found.interval[0] < 2 / 3 < found.interval[1]
    assert found.reasons == {"too_close": 2}
    assert Verdicts.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_model_that_keeps_quiet_is_neither_right_nor_wrong() -> None:
    found = verdicts(predictions(n_words=5), LABELS)
    assert (found.given, found.accuracy, found.interval) == (0, None, None)
    assert found.reasons == {"too_short": 5}
    assert Verdicts.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_the_file_of_predictions_gives_the_verdicts() -> None:
    names = ["grouped", "grouped", "external", "left-out", "other", "seed"]
    rows = pd.DataFrame(
        {
            "protocol": names, "corpus": ["isot", "isot", "fakes", "horne2017", "demo", "isot"], "label": 0,
            "p_fake": [0.9, 0.5, 0.8, 0.3, 0.9, 0.9], "log_odds": [9.0, 9.0, 0.0, 0.0, 0.0, 9.0],
        }
    )  # fmt: skip
    said = judged(rows)
    assert said["protocol"].tolist() == names[:5]  # what was fitted again for a protocol gives no verdicts here
    assert [(p.verdict, *p.reasons) for p in said["prediction"]] == [
        ("fake",), ("cannot_judge", "too_close"), ("fake",), ("real",), ("fake",)
    ]  # fmt: skip


def test_the_json_form_keeps_the_figures_on_top() -> None:
    values = json.loads(json.dumps(table_result(predictions(), LABELS).to_dict()))
    assert values["accuracy"] == evaluate(LABELS, P_FAKE).accuracy
    assert values["verdicts"]["given"] == 3
    assert "elsewhere" not in values
